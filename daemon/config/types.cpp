// Makes type_spec values and puts them into words.
#include "suggest.hpp"
#include "values.hpp"

namespace vsoad::config {

type_spec section() {
  return {};
}
type_spec list() {
  return {.what = kind::list};
}
type_spec mapping(kind key) {
  return {.what = kind::mapping, .key = key};
}
type_spec boolean() {
  return {.what = kind::boolean};
}

type_spec integer(std::uint64_t min, std::uint64_t max) {
  return {.what = kind::integer, .min = min, .max = max};
}

type_spec duration(std::chrono::milliseconds min, std::chrono::milliseconds max,
                   std::chrono::milliseconds step) {
  return {.what = kind::duration,
          .min = static_cast<std::uint64_t>(min.count()),
          .max = static_cast<std::uint64_t>(max.count()),

          .step = static_cast<std::uint64_t>(step.count())};
}

type_spec size(std::uint64_t min, std::uint64_t max) {
  return {.what = kind::size, .min = min, .max = max};
}

type_spec choice(std::initializer_list<std::string_view> words) {
  return {.what = kind::choice, .words = words};
}

type_spec text(std::uint64_t min, std::uint64_t max) {
  return {.what = kind::text, .min = min, .max = max};
}

type_spec secret(std::uint64_t min, std::uint64_t max) {
  return {.what = kind::secret, .min = min, .max = max};
}

type_spec plain(kind what) {
  return {.what = what};
}

type_spec any(std::uint64_t max_json_bytes) {
  return {.what = kind::any, .max = max_json_bytes};
}

type_spec address(std::uint16_t port_if_none) {
  return {.what = kind::address, .port = port_if_none};
}

type_spec one_or_more(type_spec of) {
  of.many = true;
  return of;
}

type_spec or_word(type_spec of, std::string_view word) {
  of.words.push_back(word);
  return of;
}

std::string range_text(const type_spec& type) {
  std::string out;
  switch (type.what) {
    case kind::integer:
      out = std::to_string(type.min) + " to " + std::to_string(type.max);
      break;
    case kind::duration:
      out = to_text(std::chrono::milliseconds{type.min}) + " to " +
            to_text(std::chrono::milliseconds{type.max});
      break;
    case kind::size:
      out = size_to_text(type.min) + " to " + size_to_text(type.max);
      break;
    case kind::text:
    case kind::secret:
      out = std::to_string(type.min) + " to " + std::to_string(type.max) + " bytes";
      break;
    case kind::any:
      return "at most " + size_to_text(type.max) + " of JSON";
    default:
      return {};
  }
  if (type.what == kind::integer && !type.words.empty()) out += ", or " + one_of(type.words);
  return out;
}

namespace {

std::string_view single_type_text(const type_spec& type) {
  switch (type.what) {
    case kind::section:
      return "mapping";
    case kind::list:
      return "list";
    case kind::mapping:
      return "mapping by name";
    case kind::boolean:
      return "true or false";
    case kind::integer:
      return "whole number";
    case kind::duration:
      return "duration";
    case kind::size:
      return "size";
    case kind::choice:
      return "one of the words";
    case kind::text:
      return "text";
    case kind::secret:
      return "secret text";
    case kind::name:
      return "name";
    case kind::service:
      return "service name";
    case kind::url:
      return "URL";
    case kind::listen:
    case kind::address:
      return "address and port";
    case kind::ip:
      return "address";
    case kind::any:
      return "any YAML";
  }
  return "";
}

}  // namespace

std::string type_text(const type_spec& type) {
  if (type.what == kind::mapping) {
    std::string out = type.key == kind::url ? "mapping by URL" : "mapping by name";
    if (type.names_allowed) out += ", a list of names";
    if (!type.words.empty()) out += " or the word " + one_of(type.words);
    return out;
  }
  std::string out =
      type.what == kind::choice ? one_of(type.words) : std::string(single_type_text(type));
  if (type.many) out += ", or a list of them";
  return out;
}

std::string type_phrase(const type_spec& type) {
  std::string out = type_text(type);
  if (type.what == kind::choice || type.what == kind::boolean || type.what == kind::any) return out;
  return (out.front() == 'a' ? "an " : "a ") + out;
}

}  // namespace vsoad::config
