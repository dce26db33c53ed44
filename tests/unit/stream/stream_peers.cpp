#include "stream_peers.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

namespace vsoa_test {
namespace {

/// One read; 0: the end.
std::size_t read_some(int fd, char* into, std::size_t room, const deadline& until) {
  pollfd waiting{fd, POLLIN, 0};
  if (::poll(&waiting, 1, until.left()) <= 0) throw std::runtime_error("no bytes in time");
  const ssize_t count = ::recv(fd, into, room, MSG_DONTWAIT);
  if (count < 0) throw std::runtime_error("reset");
  return static_cast<std::size_t>(count);
}

/// One period of the pattern: made once, as these tests are not optimised.
const std::string& period() {
  static const std::string bytes = [] {
    std::string made(std::size_t{1} << 24U, '\0');
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = static_cast<char>((i * 131 + (i >> 8) * 31 + (i >> 16) * 7) & 0xFF);
    return made;
  }();
  return bytes;
}

/// The longest run of the pattern from there on, at most `count` bytes.
std::string_view run_of(std::uint64_t from, std::size_t count) {
  const std::size_t begin = from % period().size();
  return std::string_view(period()).substr(begin, count);
}

}  // namespace

std::string pattern(std::uint64_t from, std::size_t count) {
  std::string bytes;
  bytes.reserve(count);
  while (bytes.size() < count)
    bytes += run_of(from + bytes.size(), count - bytes.size());
  return bytes;
}

bool is_pattern(std::string_view bytes, std::uint64_t from) {
  while (!bytes.empty()) {
    const std::string_view expected = run_of(from, bytes.size());
    if (!bytes.starts_with(expected)) return false;
    from += expected.size();
    bytes.remove_prefix(expected.size());
  }
  return true;
}

std::string read_raw(const tcp_peer& from, std::size_t count, milliseconds bound) {
  const deadline until(bound);
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const std::size_t more = read_some(from.fd(), bytes.data() + filled, count - filled, until);
    if (more == 0) break;
    filled += more;
  }
  bytes.resize(filled);
  return bytes;
}

std::string read_to_end(const tcp_peer& from, milliseconds bound) {
  const deadline until(bound);
  std::string bytes;
  std::vector<char> buffer(64U << 10);
  while (const std::size_t more = read_some(from.fd(), buffer.data(), buffer.size(), until)) {
    bytes.append(buffer.data(), more);
  }
  return bytes;
}

vsoa::stream_callbacks stream_log::callbacks(vsoa::stream_callbacks also) {
  vsoa::stream_callbacks noted;
  noted.on_link = [this, then = also.on_link](const vsoa::stream& s, bool connected) {
    {
      const std::lock_guard lock(mutex_);
      handle_ = s;
    }
    if (then) then(s, connected);
    ++(connected ? links_ : ends_);
  };
  noted.on_data = [this, then = also.on_data](const vsoa::stream& s,
                                              std::span<const std::byte> bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (text_.size() < (1U << 20)) text_ += as_text(bytes);
    }
    received_ += bytes.size();
    if (then) then(s, bytes);
  };
  noted.on_writable = also.on_writable;
  if (also.on_end) {
    noted.on_end = [this, then = also.on_end](const vsoa::stream& s) {
      then(s);
      ++half_ends_;
    };
  }
  return noted;
}

std::string stream_log::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}
bool stream_log::wait_linked() const {
  return wait_until([&] { return links_ != 0; });
}
bool stream_log::wait_ended() const {
  return wait_until([&] { return ends_ != 0; });
}
bool stream_log::wait_received(std::size_t count) const {
  return wait_until([&] { return received_ >= count; });
}
vsoa::stream stream_log::handle() const {
  const std::lock_guard lock(mutex_);
  return handle_;
}

}  // namespace vsoa_test
