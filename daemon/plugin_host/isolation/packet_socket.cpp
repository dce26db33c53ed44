#include "plugin_host/isolation/packet_socket.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace vsoad::isolation {
namespace {

// As many as a message can have (SCM_MAX_FD): the kernel would close the others by itself.
constexpr std::size_t max_fds = 253;

// A socket may wait in close() for what it has still to send, if who has sent it has set it so.
void keep_close_from_waiting(int fd) noexcept {
  constexpr linger none{0, 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

std::pair<unique_fd, unique_fd> make_sockets(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return {};
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

}  // namespace

std::pair<unique_fd, unique_fd> make_packet_sockets() {
  return make_sockets(SOCK_SEQPACKET);
}

std::pair<unique_fd, unique_fd> make_stream_sockets() {
  return make_sockets(SOCK_STREAM);
}

bool send_message(int socket, std::string_view bytes, int fd, bool wait) noexcept {
  if (bytes.empty() || bytes.size() > max_message_bytes) {
    errno = EMSGSIZE;
    return false;
  }
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  if (fd >= 0) {
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* const c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

received receive_message(int socket, std::span<char> buffer, bool wait) noexcept {
  received result;
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_fds)> room{};
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    const bool is_empty = errno == EAGAIN || errno == EWOULDBLOCK;
    result.state = is_empty ? received::what::nothing : received::what::end;
    return result;
  }
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      keep_close_from_waiting(fd);
      unique_fd one(fd);
      if (!result.fd) result.fd = std::move(one);
    }
  }
  const bool is_whole = got > 0 && (header.msg_flags & MSG_TRUNC) == 0;
  // What is cut off is no message of ours; nothing at all is the end.
  result.state = is_whole ? received::what::message : received::what::end;
  if (is_whole) result.bytes = {buffer.data(), static_cast<std::size_t>(got)};
  return result;
}

unique_fd share_text(std::string_view text) {
  unique_fd memory(::memfd_create("vsoad-text", MFD_CLOEXEC));
  if (!memory) return {};
  while (!text.empty()) {
    const ssize_t done = ::write(memory.get(), text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return {};
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return memory;
}

// Read, never mapped: who shares it could cut it off meanwhile. And from memory alone, whose reads
// do not wait: only that has seals.
std::optional<std::string> read_shared_text(int fd, std::size_t most) {
  struct stat attributes {};
  if (::fstat(fd, &attributes) != 0 || !S_ISREG(attributes.st_mode)) return {};
  if (::fcntl(fd, F_GET_SEALS) < 0) return {};
  const auto size = static_cast<std::uint64_t>(attributes.st_size);
  if (size > most) return {};
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    done += static_cast<std::size_t>(got);
  }
  return text;
}

// --- fields ---

field_writer& field_writer::number(std::uint64_t value) {
  std::array<char, sizeof value> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  bytes_.append(raw.data(), raw.size());
  return *this;
}

field_writer& field_writer::text(std::string_view text) {
  number(text.size());
  bytes_ += text;
  return *this;
}

char field_reader::kind() noexcept {
  if (rest_.empty()) is_good_ = false;
  if (!is_good_) return '\0';
  const char kind = rest_.front();
  rest_.remove_prefix(1);
  return kind;
}

std::uint64_t field_reader::number() noexcept {
  std::uint64_t value = 0;
  if (rest_.size() < sizeof value) is_good_ = false;
  if (!is_good_) return 0;
  std::memcpy(&value, rest_.data(), sizeof value);
  rest_.remove_prefix(sizeof value);
  return value;
}

std::string_view field_reader::text() noexcept {
  const std::uint64_t size = number();
  if (size > rest_.size()) is_good_ = false;
  if (!is_good_) return {};
  const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(static_cast<std::size_t>(size));
  return taken;
}

}  // namespace vsoad::isolation
