// The types of configuration values: from the text of a scalar to a checked value, and back.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "document.hpp"
#include "vsoa/address.hpp"

namespace vsoad::config {

enum class kind {
  section,  ///< a mapping of known keys
  list,     ///< a list of sections
  mapping,  ///< sections under names or URLs of the user's own
  boolean,
  integer,
  duration,
  size,
  choice,
  text,
  secret,   ///< a text that is masked when printed
  name,     ///< of a plugin, a role or a work queue
  service,  ///< name of a service
  url,
  listen,   ///< address and port to bind; port 0: the kernel chooses
  address,  ///< address and port of somebody else
  ip,       ///< address without a port
  any,      ///< any YAML, handed on as JSON
};

/// A type with its range. Made by the functions below.
struct type_spec {
  kind what = kind::section;
  std::uint64_t min = 0;  ///< integer; duration in milliseconds; size, text, any (JSON) in bytes
  std::uint64_t max = 0;
  /// choice: all that is allowed, in the order of the enum; integer and mapping: words allowed
  /// instead.
  std::vector<std::string_view> words{};
  bool many = false;           ///< one value or a list of them
  bool names_allowed = false;  ///< mapping: a list of keys instead, each without settings
  kind key = kind::name;       ///< mapping: type of its keys
  std::uint16_t port = 0;      ///< address: port if none is written; 0: one must be
  std::uint64_t step = 1;      ///< duration: a multiple of so many milliseconds
};

/// A checked scalar, or the key of a mapping.
struct value {
  std::string text;          ///< of texts, names, URLs; JSON of any
  std::uint64_t number = 0;  ///< integer, size in bytes, index of the choice
  std::chrono::milliseconds duration{};
  bool flag = false;
  bool word = false;  ///< integer, mapping: one of `words` was written
  vsoa::socket_address address;
  vsoa::ip_address ip;
  place at;
  std::string path;
};

type_spec section();
type_spec list();
type_spec mapping(kind key);
type_spec boolean();
type_spec integer(std::uint64_t min, std::uint64_t max);
type_spec duration(std::chrono::milliseconds min, std::chrono::milliseconds max,
                   std::chrono::milliseconds step = std::chrono::milliseconds{1});
type_spec size(std::uint64_t min, std::uint64_t max);
type_spec choice(std::initializer_list<std::string_view> words);
type_spec text(std::uint64_t min, std::uint64_t max);
type_spec secret(std::uint64_t min, std::uint64_t max);
type_spec plain(kind what);  ///< a type without a range
type_spec any(std::uint64_t max_json_bytes);
type_spec address(std::uint16_t port_if_none);
type_spec one_or_more(type_spec of);
type_spec or_word(type_spec of, std::string_view word);

/// Reads a scalar. Returns what is wrong, empty when all is well; `out` is then complete but for
/// its place and path. Not for section, list, mapping and any.
std::string parse_value(const type_spec& type, const node& scalar, value& out);

/// As it is printed: a duration in the largest unit that has no fraction, an address with its port.
/// The node is plain or text_only as its type wants.
node_ptr print_value(const type_spec& type, const value& v);

std::string to_text(std::chrono::milliseconds duration);  ///< "5s", "100ms", "2m", "1h"
std::string size_to_text(std::uint64_t bytes);            ///< "4MiB", "64KiB", "100"

/// "1 to 64, or auto"; "100ms to 10m". Empty for types without a range.
std::string range_text(const type_spec& type);
/// For people: "duration", "list of addresses", "true or false".
std::string type_text(const type_spec& type);
/// The same with its article: "a duration", "an address and port", "true or false".
std::string type_phrase(const type_spec& type);

}  // namespace vsoad::config
