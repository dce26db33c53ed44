// A plugin's bytes where nobody else can reach them. The dynamic linker maps files, and whoever
// writes to a mapped file (`cp new.so old.so` does) changes or cuts off running code. So the daemon
// maps a copy of its own: sealed memory or, where that may not be executed, a file without a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "plugin_host/unique_fd.hpp"

namespace vsoad {

class private_copy {
 public:
  private_copy() noexcept = default;
  private_copy(private_copy&& other) noexcept;
  private_copy& operator=(private_copy&& other) noexcept;
  ~private_copy();

  /// Copies `size` bytes of `source`.
  /// @param reason  why not, when the copy returned is empty; a file that changes its size
  /// meanwhile
  ///                is one
  static private_copy make(int source, std::uint64_t size, const std::string& name,
                           std::string& reason);

  /// One that another process has made, and vetted.
  static private_copy of_descriptor(unique_fd fd);

  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  /// The bytes, valid until dropped with drop_image() or destroyed.
  std::span<const std::byte> image() const noexcept;
  void drop_image() noexcept;

  /// Where dlopen finds the copy. This name must stay taken while the library is mapped: the linker
  /// takes an equal name for the same library. So: keep this object at least as long as the
  /// mapping.
  const std::string& path() const noexcept { return path_; }
  int descriptor() const noexcept { return fd_.get(); }
  /// Removes the file's name, if it has one. After dlopen.
  void hide() noexcept;
  /// Keeps path() taken until the process ends: the library stays mapped.
  void leak() noexcept { (void)fd_.release(); }

 private:
  static private_copy in_memory(const std::string& name);
  static private_copy in_file(std::string& reason);
  std::string fill(int source, std::uint64_t size);
  void seal() noexcept;

  unique_fd fd_;
  std::string path_;
  std::string directory_;  // empty: in memory
  void* image_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vsoad
