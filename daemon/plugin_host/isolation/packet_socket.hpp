// A socket that carries messages with their boundaries, and now and then a file descriptor
// (AF_UNIX, SOCK_SEQPACKET): between the daemon and the process of an isolated plugin, for what
// is not on the channels of the loops. And the fields in such a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "plugin_host/unique_fd.hpp"

namespace vsoad::isolation {

/// Of one message. What may be longer goes through memory of its own (shared_text).
inline constexpr std::size_t max_message_bytes = std::size_t{96} << 10;

/// Two ends, both close-on-exec. Empty: no descriptors are left.
std::pair<unique_fd, unique_fd> make_packet_sockets();
/// The same of streams of bytes.
std::pair<unique_fd, unique_fd> make_stream_sockets();

/// @param fd  passed along; -1: none
/// @param wait  for room; false: it is given up if there is none
/// @return false: not sent; errno is why
bool send_message(int socket, std::string_view bytes, int fd = -1, bool wait = false) noexcept;

struct received {
  enum class what { message, nothing, end } state = what::nothing;
  std::string_view bytes;  ///< in the buffer
  unique_fd fd;            ///< further ones are closed
};
/// @param wait  for a message; else `nothing` if there is none. After SO_RCVTIMEO `nothing`, too
received receive_message(int socket, std::span<char> buffer, bool wait) noexcept;

/// Text in memory that can be passed as a descriptor. Empty: no memory.
unique_fd share_text(std::string_view text);
/// Nothing: it can't be read, or is longer.
std::optional<std::string> read_shared_text(int fd, std::size_t most);

class field_writer {
 public:
  explicit field_writer(char kind) { bytes_ += kind; }
  field_writer& number(std::uint64_t value);
  field_writer& text(std::string_view text);
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// Remembers that it failed: what is read then is 0, and empty.
class field_reader {
 public:
  explicit field_reader(std::string_view bytes) noexcept : rest_(bytes) {}
  char kind() noexcept;
  std::uint64_t number() noexcept;
  /// The same; more than `most` is a failure.
  template <class Number>
  Number number(std::uint64_t most) noexcept {
    const std::uint64_t value = number();
    if (value > most) is_good_ = false;
    return is_good_ ? static_cast<Number>(value) : Number{};
  }
  std::string_view text() noexcept;
  /// All was there, and nothing is left.
  bool is_complete() const noexcept { return is_good_ && rest_.empty(); }
  bool is_good() const noexcept { return is_good_; }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

}  // namespace vsoad::isolation
