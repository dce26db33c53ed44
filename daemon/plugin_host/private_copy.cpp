#include "plugin_host/private_copy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

namespace vsoad {
namespace {

// MFD_NOEXEC_SEAL of Linux 6.3, which older headers lack: no execve, while code may still be
// mapped.
constexpr unsigned no_execve = 0x8;

std::string system_message(const char* doing) {
  return std::string(doing) + ": " + std::generic_category().message(errno);
}

bool is_mappable_as_code(int fd) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* probe = ::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (probe == MAP_FAILED) return false;
  ::munmap(probe, page);
  return true;
}

bool write_all(int fd, const char* data, std::size_t length) {
  while (length > 0) {
    const ssize_t done = ::write(fd, data, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    data += done;
    length -= static_cast<std::size_t>(done);
  }
  return true;
}

}  // namespace

private_copy::private_copy(private_copy&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      directory_(std::exchange(other.directory_, {})),
      image_(std::exchange(other.image_, nullptr)),
      size_(other.size_) {}

private_copy& private_copy::operator=(private_copy&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(directory_, other.directory_);
  std::swap(image_, other.image_);
  std::swap(size_, other.size_);
  return *this;
}

private_copy::~private_copy() {
  drop_image();
  hide();
}

private_copy private_copy::in_memory(const std::string& name) {
  private_copy copy;
  const std::string title = "vsoad-plugin-" + name;
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  copy.fd_ = unique_fd(::memfd_create(title.c_str(), flags | no_execve));
  if (!copy.fd_) copy.fd_ = unique_fd(::memfd_create(title.c_str(), flags));
  if (copy.fd_) copy.path_ = "/proc/self/fd/" + std::to_string(copy.fd_.get());
  return copy;
}

private_copy private_copy::in_file(std::string& reason) {
  private_copy copy;
  for (const char* variable : {"RUNTIME_DIRECTORY", "TMPDIR", ""}) {
    const char* value = *variable == '\0' ? "/tmp" : std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    // RUNTIME_DIRECTORY may list several, separated by colons.
    std::string base(value);
    base.resize(std::min(base.find(':'), base.size()));
    std::string directory = base + "/vsoad-plugin-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) continue;  // mode 0700
    copy.directory_ = directory;
    copy.path_ = directory + "/plugin.so";
    break;
  }
  if (!copy.directory_.empty()) {
    copy.fd_ = unique_fd(::open(copy.path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
  }
  if (!copy.fd_) reason = system_message("no place for a private copy");
  return copy;
}

std::string private_copy::fill(int source, std::uint64_t size) {
  if (::lseek(source, 0, SEEK_SET) != 0) return system_message("seek");
  std::vector<char> buffer(std::size_t{64} << 10);
  std::uint64_t copied = 0;
  while (true) {
    const ssize_t got = ::read(source, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_message("read");
    if (got == 0) break;
    copied += static_cast<std::uint64_t>(got);
    if (copied > size) return "the file is being written to";
    if (!write_all(fd_.get(), buffer.data(), static_cast<std::size_t>(got))) {
      return system_message("private copy");
    }
  }
  if (copied != size) return "the file is being written to";
  size_ = static_cast<std::size_t>(size);
  return {};
}

void private_copy::seal() noexcept {
  if (!directory_.empty()) return;
  // Sealing guards against our own mistakes only; without it the copy is private all the same.
  (void)::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

private_copy private_copy::make(int source, std::uint64_t size, const std::string& name,
                                std::string& reason) {
  private_copy copy = in_memory(name);
  if (copy) {
    reason = copy.fill(source, size);
    if (!reason.empty()) return {};
    // Security modules may forbid code in such memory, and /proc need not be mounted.
    if (!is_mappable_as_code(copy.fd_.get()) || ::access(copy.path_.c_str(), R_OK) != 0) copy = {};
  }
  if (!copy) {
    copy = in_file(reason);
    if (!copy) return {};
    reason = copy.fill(source, size);
    if (!reason.empty()) return {};
  }
  copy.seal();
  copy.image_ = ::mmap(nullptr, copy.size_, PROT_READ, MAP_PRIVATE, copy.fd_.get(), 0);
  if (copy.image_ == MAP_FAILED) {
    copy.image_ = nullptr;
    reason = system_message("private copy");
    return {};
  }
  return copy;
}

private_copy private_copy::of_descriptor(unique_fd fd) {
  private_copy copy;
  copy.fd_ = std::move(fd);
  copy.path_ = "/proc/self/fd/" + std::to_string(copy.fd_.get());
  return copy;
}

std::span<const std::byte> private_copy::image() const noexcept {
  if (image_ == nullptr) return {};
  return {static_cast<const std::byte*>(image_), size_};
}

void private_copy::drop_image() noexcept {
  if (image_ != nullptr) ::munmap(std::exchange(image_, nullptr), size_);
}

void private_copy::hide() noexcept {
  if (directory_.empty()) return;
  ::unlink(path_.c_str());
  ::rmdir(directory_.c_str());
  directory_.clear();
}

}  // namespace vsoad
