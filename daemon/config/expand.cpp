#include "expand.hpp"

#include <simdjson.h>

namespace vsoad::config {

namespace {

bool is_variable_name(std::string_view text) {
  const auto good = [](char c) {
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  for (const char c : text) {
    if (!good(c)) return false;
  }
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9');
}

bool is_clean_text(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size()) &&
         text.find('\0') == std::string_view::npos;
}

}  // namespace

bool expander::fail(const node& at, std::string_view path, std::string message) {
  findings_.error(at.at, path, std::move(message));
  return false;
}

node_ptr expander::expand(const node_ptr& scalar, std::string_view path) {
  if (scalar->tag.empty() && scalar->text.find('$') == std::string::npos) return scalar;
  auto out = std::make_shared<node>(*scalar);
  if (!expand_variables(*scalar, path, out->text)) return nullptr;
  out->variable =
      scalar->text.starts_with("${") && scalar->text.find('}') + 1 == scalar->text.size();
  if (scalar->tag == "!file") {
    if (!read_secret(*scalar, path, out->text)) return nullptr;
    out->tag.clear();
    out->secret = true;
    out->text_only = true;
  } else if (out->text.empty()) {
    out->text_only = true;  // a variable that is set to nothing gives an empty text, not null
  }
  return out;
}

bool expander::expand_variables(const node& scalar, std::string_view path, std::string& out) {
  out.clear();
  const std::string_view text = scalar.text;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t dollar = std::min(text.find('$', i), text.size());
    out += text.substr(i, dollar - i);
    if (out.size() > max_expanded_bytes && scalar.text.size() <= max_expanded_bytes) {
      return fail(scalar, path, "expands to more than 64KiB");
    }
    if (dollar == text.size()) break;
    if (text.substr(dollar, 2) == "$$") {
      out += '$';
      i = dollar + 2;
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (text.substr(dollar, 2) != "${" || end == std::string_view::npos) {
      return fail(scalar, path,
                  "a lone \"$\"; write ${NAME} for an environment variable, or $$ for the sign");
    }
    const std::string_view inside = text.substr(dollar + 2, end - dollar - 2);
    if (inside.find("${") != std::string_view::npos) {
      return fail(scalar, path, "a variable within a variable's default; write the default itself");
    }
    const std::size_t dash = inside.find(":-");
    const std::string name(inside.substr(0, dash));
    if (!is_variable_name(name)) {
      return fail(scalar, path, in_quotes(name) + " is not the name of an environment variable");
    }
    std::string found = environment_variable(options_, name).value_or("");
    const bool has_default = dash != std::string_view::npos;
    if (has_default && found.empty()) found = inside.substr(dash + 2);
    if (!has_default && !environment_variable(options_, name)) {
      return fail(scalar, path,
                  "environment variable " + shown(name) + " is not set; set it, or write ${" +
                      shown(name) + ":-default}");
    }
    if (!is_clean_text(found)) {
      return fail(scalar, path, "environment variable " + shown(name) + " is not UTF-8 text");
    }
    out += found;
    i = end + 1;
  }
  return true;
}

bool expander::read_secret(const node& scalar, std::string_view path, std::string& text) {
  if (!options_.allow_files) return fail(scalar, path, "!file is not allowed here");
  if (text.empty()) return fail(scalar, path, "!file needs the path of a file");
  const std::string file = relative_to(findings_.file(scalar.at.file), text);
  file_content content = read_file(file, max_secret_bytes);
  if (!content.problem.empty()) return fail(scalar, path, shown(file) + " " + content.problem);
  if (!is_clean_text(content.text)) return fail(scalar, path, shown(file) + " is not UTF-8 text");
  if (content.text.ends_with('\n')) content.text.pop_back();
  if (content.text.ends_with('\r')) content.text.pop_back();
  if (content.world_readable) {
    findings_.warning(scalar.at, path, shown(file) + " can be read by every user; chmod o-r it");
  }
  text = std::move(content.text);
  return true;
}

std::string escape_variables(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '$') out += c;
  }
  return out;
}

}  // namespace vsoad::config
