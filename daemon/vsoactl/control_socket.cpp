#include "control_socket.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "config/diagnostic.hpp"
#include "control/socket_path.hpp"

namespace vsoad::ctl {
namespace {

using clock = std::chrono::steady_clock;

std::string socket_path(const invocation& use) {
  if (use.given.count("socket") != 0) return use.text("socket");
  const char* const set = std::getenv("VSOAD_CONTROL");
  return set != nullptr && *set != '\0' ? set : control::usual_socket();
}

// The group of the file, where it is known.
std::string who_may(const std::string& path) {
  struct stat info {};
  std::string out = "root and the user of vsoad";
  if (::stat(path.c_str(), &info) != 0)
    return out + " have it, and perhaps a group (control.group)";
  if ((info.st_mode & S_IWGRP) == 0) return out + " have it";
  const group* const found = ::getgrgid(info.st_gid);
  const std::string name =
      found != nullptr ? found->gr_name : std::to_string(static_cast<unsigned long>(info.st_gid));
  return out + " have it, and members of the group " + config::in_quotes(name);
}

[[noreturn]] void fail_to_connect(const std::string& path, int error) {
  const std::string where = config::in_quotes(path);
  switch (error) {
    case ENOENT:
      throw control_error(exit_no_connection,
                          "there is no control socket " + where +
                              ": vsoad is not running, or has another one (--socket)");
    case ECONNREFUSED:
      throw control_error(exit_no_connection,
                          "nobody listens at " + where + ": vsoad is not running any more");
    case EACCES:
    case EPERM:
      throw control_error(exit_not_admitted, "no permission for " + where + ": " + who_may(path));
    default:
      throw control_error(exit_no_connection,
                          where + ": " + std::generic_category().message(error));
  }
}

class connection {
 public:
  connection(const std::string& path, std::chrono::milliseconds timeout)
      : path_(path), end_(clock::now() + timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
      throw usage_error("--socket " + config::in_quotes(path) + ": too long for a socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail_to_connect(path, errno);
    limit(SO_SNDTIMEO);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    const int error = errno;
    ::close(fd_);
    if (error == EAGAIN) no_answer();
    fail_to_connect(path, error);
  }
  ~connection() { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // Whether it takes all is of no matter: who sends us away does so without listening, and has
  // said why.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      limit(SO_SNDTIMEO);
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  std::string line() {
    std::string out;
    std::array<char, 65536> buffer;
    for (;;) {
      limit(SO_RCVTIMEO);
      const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) no_answer();
      if (n <= 0)
        throw control_error(exit_no_answer, "vsoad closed the connection without an answer");
      out.append(buffer.data(), static_cast<std::size_t>(n));
      if (out.back() == '\n') break;
    }
    out.pop_back();
    return out;
  }

 private:
  void limit(int option) const {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end_ - clock::now());
    const auto us = std::max<std::int64_t>(left.count(), 1000);  // 0 would be for ever
    const timeval time{static_cast<time_t>(us / 1'000'000),
                       static_cast<suseconds_t>(us % 1'000'000)};
    (void)::setsockopt(fd_, SOL_SOCKET, option, &time, sizeof time);
  }

  [[noreturn]] void no_answer() const {
    throw control_error(exit_no_answer,
                        "vsoad does not answer at " + config::in_quotes(path_) + " in time");
  }

  const std::string path_;
  const clock::time_point end_;
  int fd_ = -1;
};

}  // namespace

std::string ask_daemon(const invocation& use, const std::string& request) {
  connection to(socket_path(use), use.timeout);
  to.send(request + '\n');
  return to.line();
}

}  // namespace vsoad::ctl
