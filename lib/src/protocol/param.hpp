// The few params that the protocol itself reads, all JSON. Thread-safe: each thread has its parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vsoa::protocol {

/// Deepest nesting of JSON that is read.
inline constexpr std::size_t max_json_depth = 64;

/// The string under "passwd" in a SERVINFO param; nothing when there is none, it is no string, or
/// the text is no JSON object.
std::optional<std::string> read_password(std::string_view param);

/// The URLs of a SUBSCRIBE or UNSUBSCRIBE list: a JSON array of strings. Nothing for anything else.
std::optional<std::vector<std::string>> read_url_list(std::string_view param);

/// Whether the text is one JSON value, nothing behind it.
bool is_json(std::string_view text);

/// Whether the text is the JSON value null.
bool is_json_null(std::string_view text);

/// Appends the text as a JSON string, quotes included. What is not UTF-8 stays so.
void append_json_string(std::string& out, std::string_view text);

}  // namespace vsoa::protocol
