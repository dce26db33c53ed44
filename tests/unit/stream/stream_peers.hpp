// The two ends of streams for tests: a plain socket, and a log of what a stream tells.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "peer.hpp"
#include "vsoa/stream.hpp"

namespace vsoa_test {

/// Bytes that tell where they belong: `count` of a stream's, from its byte `from` on.
std::string pattern(std::uint64_t from, std::size_t count);
bool is_pattern(std::string_view bytes, std::uint64_t from);

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads from the socket of a peer until `count` bytes have come, or the end.
std::string read_raw(const tcp_peer& from, std::size_t count, milliseconds bound = patience);
/// Reads to the end; throws when it does not come in time.
std::string read_to_end(const tcp_peer& from, milliseconds bound = patience);

/// What one stream has told.
class stream_log {
 public:
  /// Callbacks that take note, and then do what `also` wants.
  vsoa::stream_callbacks callbacks(vsoa::stream_callbacks also = {});

  int links() const { return links_; }          ///< on_link(true)
  int ends() const { return ends_; }            ///< on_link(false)
  int half_ends() const { return half_ends_; }  ///< on_end, if `also` has it
  std::size_t received() const { return received_; }
  std::string text() const;
  bool wait_linked() const;
  bool wait_ended() const;
  bool wait_received(std::size_t count) const;
  vsoa::stream handle() const;  ///< after on_link

 private:
  std::atomic<int> links_{0}, ends_{0}, half_ends_{0};
  std::atomic<std::size_t> received_{0};
  mutable std::mutex mutex_;
  std::string text_;     // under mutex_; the first MiB
  vsoa::stream handle_;  // under mutex_
};

}  // namespace vsoa_test
