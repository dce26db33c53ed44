#include "control/socket_file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "config/diagnostic.hpp"

namespace vsoad::control {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("control socket " + config::in_quotes(path) + ": " + why);
}

[[noreturn]] void fail(const std::string& path, int error) {
  std::string why = std::generic_category().message(error);
  if (error == ENOENT) why += "; make its folder, or choose another control.socket";
  if (error == EACCES || error == EPERM || error == EROFS)
    why += "; its folder must be writable for vsoad, or choose another control.socket";
  fail(path, why);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    fail(path, "the path is too long; write one of at most 90 bytes");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

descriptor make_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail(path, errno);
  return descriptor(fd);
}

// Returns when there is nothing at `path`, or nothing that is needed any more.
void make_sure_it_is_free(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return;  // or its folder, as bind() will say
    fail(path, errno);
  }
  if (!S_ISSOCK(info.st_mode))
    fail(path,
         "there is something else than a socket; remove it, or choose another control.socket");
  const descriptor probe = make_socket(path);
  const sockaddr_un address = address_of(path);
  const int failed =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (failed != 0 && (errno == ECONNREFUSED || errno == ENOENT)) return;
  // EAGAIN: somebody listens, and has too much to do.
  if (failed != 0 && errno != EAGAIN) fail(path, errno);
  fail(path, "another program answers there: is a vsoad running? Choose another control.socket");
}

}  // namespace

socket_file::~socket_file() {
  remove();
}

// It is bound beside its place and then renamed: nobody ever finds a socket there at which nobody
// listens, or with more rights than it shall have.
int socket_file::listen(const std::string& path, std::optional<gid_t> group) {
  remove();
  make_sure_it_is_free(path);
  const std::string beside = path + '.' + std::to_string(::getpid());
  const sockaddr_un address = address_of(beside);
  descriptor socket = make_socket(path);
  // The file gets the mode that the socket has: until the group is set, its owner's alone.
  if (::fchmod(socket.get(), 0600) != 0) fail(path, errno);
  ::unlink(beside.c_str());  // of a process with our number that was killed right here
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(path, errno);
  struct stat info {};
  // A service of systemd may not be allowed to give files away; there the group is mostly its own.
  const bool owned =
      group && ::lstat(beside.c_str(), &info) == 0 &&
      (info.st_gid == *group || ::lchown(beside.c_str(), static_cast<uid_t>(-1), *group) == 0);
  const bool placed =
      (!owned || ::chmod(beside.c_str(), 0660) == 0) && ::listen(socket.get(), SOMAXCONN) == 0 &&
      ::lstat(beside.c_str(), &info) == 0 && std::rename(beside.c_str(), path.c_str()) == 0;
  if (!placed) {
    const int error = errno;
    ::unlink(beside.c_str());
    fail(path, error);
  }
  path_ = path;
  device_ = info.st_dev;
  inode_ = info.st_ino;
  has_group_ = owned;
  return socket.release();
}

void socket_file::remove() noexcept {
  if (path_.empty()) return;
  struct stat info {};
  const bool is_ours =
      ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (is_ours) ::unlink(path_.c_str());
  path_.clear();
}

}  // namespace vsoad::control
