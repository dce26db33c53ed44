// What downloads and uploads share: their place among those at the same time, the worker, and the
// hash of what a file holds already.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <vsoa/plugin.hpp>

#include "failure.hpp"
#include "hasher.hpp"
#include "worker.hpp"

namespace files {

/// What all transfers use. The worker's thread alone, unless it says otherwise.
struct transfers {
  transfers(vsoa::plugin::host h, std::uint64_t limit, std::chrono::seconds idle)
      : host(h), most(limit), idle_limit(idle), buffer(std::size_t{256} << 10U) {}

  const vsoa::plugin::host host;  // any thread
  const std::uint64_t most;
  const std::chrono::seconds idle_limit;
  std::atomic<std::uint64_t> running{0};
  std::set<std::string> names;  // paths that are being uploaded
  std::vector<char> buffer;     // for one read
  files::worker worker;         // any thread. Last: ends first
};

/// One of the transfers that may run at the same time.
class slot {
 public:
  /// Throws `failure`.
  explicit slot(transfers& of) : of_(of) {
    if (of_.running.fetch_add(1) < of_.most) return;
    --of_.running;
    throw failure(status::no_memory, "too many transfers");
  }
  ~slot() { --of_.running; }
  slot(const slot&) = delete;
  slot& operator=(const slot&) = delete;

 private:
  transfers& of_;
};

/// The hash of the first `count` bytes of a file, some of them at a time.
class file_hash {
 public:
  file_hash(int fd, std::uint64_t count) noexcept : fd_(fd), left_(count) {}

  /// False: all is in the hash. Throws `failure`.
  bool step(hasher& into, std::vector<char>& buffer) {
    for (int i = 0; i < 16 && left_ != 0; ++i) {
      const std::size_t wanted = left_ < buffer.size() ? left_ : buffer.size();
      const ssize_t count = ::pread(fd_, buffer.data(), wanted, static_cast<off_t>(at_));
      if (count <= 0) throw failure(io_error, "the file can't be read, or has become shorter");
      into.add(buffer.data(), static_cast<std::size_t>(count));
      at_ += static_cast<std::uint64_t>(count);
      left_ -= static_cast<std::uint64_t>(count);
    }
    return left_ != 0;
  }

 private:
  int fd_;
  std::uint64_t at_ = 0;
  std::uint64_t left_;
};

/// Whoever vanishes, or does not take its bytes, must not keep a slot for ever.
inline void watch_over(const transfers& all, const vsoa::plugin::stream& s) {
  s.set_keepalive(all.idle_limit);
  s.set_send_timeout(all.idle_limit);
}

/// Answers a call with why it failed.
inline void refuse(vsoa::plugin::deferred_call& call, const failure& why) {
  call.reply(why.code, std::string("{\"error\":\"") + why.what() + "\"}");
}

}  // namespace files
