// A well-behaved client that calls /echo again and again on a thread of its own, to see that it is
// served all along while others misbehave.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "peer.hpp"

namespace vsoa_test {

class healthy_client {
 public:
  /// Shakes hands before it returns.
  explicit healthy_client(const endpoint& server);
  ~healthy_client();
  healthy_client(const healthy_client&) = delete;
  healthy_client& operator=(const healthy_client&) = delete;

  struct report {
    std::string trouble;      ///< empty: every answer was right
    milliseconds slowest{0};  ///< the longest wait for one
    std::size_t answers = 0;
    /// Whether it was served within a second all along.
    bool content() const { return trouble.empty() && answers > 0 && slowest <= healthy_answer; }
    std::string text() const;
  };
  /// Ends the calls and tells how they went.
  report stop();
  std::size_t answers() const { return answers_; }

 private:
  void run();
  void call_once(std::uint32_t seqno);

  tcp_peer peer_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> answers_{0};
  report report_;
  std::thread thread_;
};

}  // namespace vsoa_test
