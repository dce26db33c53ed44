// What an operator's program asks, a line of JSON:
//
//   {"protocol":1,"command":"clients","arguments":{"service":"cabin","limit":100}}
//
// "protocol" and "arguments" may be missing. The answer is a line, too: an object with "protocol"
// and "ok"; if that is true, with what was asked for; else with "error": "code", "message", and
// perhaps "problems", a list of texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vsoad::control {

/// Raised when an old program could misunderstand answers, or be misunderstood. New members of
/// answers are no reason.
inline constexpr std::int64_t protocol_version = 1;
/// Of a request, without its line end.
inline constexpr std::size_t max_request_bytes = std::size_t{64} << 10U;

/// Why a request was not carried out.
struct failure {
  std::string code;     ///< for programs; one of those below
  std::string message;  ///< for people
  std::vector<std::string> problems{};
};

namespace code {
inline constexpr const char* bad_request = "bad_request";  ///< no such request can be answered
inline constexpr const char* denied = "denied";            ///< the asker may not
inline constexpr const char* busy = "busy";                ///< too many are connected
inline constexpr const char* not_found = "not_found";      ///< no such service, client or plugin
inline constexpr const char* failed = "failed";            ///< it was tried, in vain
}  // namespace code

using argument = std::variant<bool, std::int64_t, std::string>;

struct request {
  std::string command;
  std::map<std::string, argument, std::less<>> arguments;
};

/// Reads a line, without its end. Any bytes.
std::variant<request, failure> parse_request(std::string_view line);

/// The answer to what was not carried out; a line without its end.
std::string failure_text(const failure& why);

}  // namespace vsoad::control
