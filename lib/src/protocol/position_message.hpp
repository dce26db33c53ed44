// Position messages: one JSON object in one UDP datagram, each way. Bytes in, values out; no I/O.
// Source: the wire notes, lib/README.md, "Position service".
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "vsoa/position.hpp"

namespace vsoa::protocol {

inline constexpr std::size_t max_position_name_bytes = 512;
/// What we read at most. A name of 512 bytes, each escaped as \u00XX, and the other keys fit; the
/// official peers' buffers are 1 KiB, 4 KiB and 64 KiB.
inline constexpr std::size_t max_position_message_bytes = 4096;
/// What we send at most: an official client reads an answer into 1024 bytes.
inline constexpr std::size_t max_position_answer_bytes = 1024;

/// What a query asks.
struct position_question {
  std::string name;
  /// Other values than the enumerators' are possible: a family that nothing here can have.
  position_domain domain = position_domain::any;
};

enum class position_answer_kind {
  known,    ///< an address
  unknown,  ///< {}: the server does not know the name
  invalid,  ///< not an answer at all
};

struct position_answer {
  position_answer_kind kind = position_answer_kind::invalid;
  position_entry entry;  ///< when known; its name is empty when the server left it out
};

/// Reads queries and answers, one after the other, without allocating for the text. Not for several
/// threads at a time.
class position_reader {
 public:
  position_reader();

  /// Nothing: not a query, and to be dropped without an answer.
  std::optional<position_question> read_query(std::string_view datagram);
  position_answer read_answer(std::string_view datagram);

 private:
  std::optional<simdjson::dom::object> read_object(std::string_view datagram);

  simdjson::dom::parser parser_;
  std::array<char, max_position_message_bytes + simdjson::SIMDJSON_PADDING> text_{};
};

/// The family of an address, as the protocol numbers it.
position_domain domain_of(const ip_address& address) noexcept;
/// Whether an address of the family may answer a question for `domain`.
bool domain_matches(position_domain domain, const ip_address& address) noexcept;
/// Whether a name may be asked for and answered: 1..512 bytes of UTF-8.
bool is_valid_position_name(std::string_view name) noexcept;

/// Nothing: the name is not valid.
std::optional<std::string> write_position_query(std::string_view name, position_domain domain);

/// An answer with all five keys, smaller than max_position_answer_bytes. Nothing: name or port is
/// not valid, or the name has so many characters to escape that the answer does not fit.
std::optional<std::string> write_position_answer(const position_entry& entry);

/// The answer for an unknown name.
inline constexpr std::string_view position_unknown_answer = "{}";

}  // namespace vsoa::protocol
