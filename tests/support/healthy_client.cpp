#include "healthy_client.hpp"

#include <poll.h>

#include <algorithm>
#include <exception>

namespace vsoa_test {

healthy_client::healthy_client(const endpoint& server) : peer_(server) {
  peer_.handshake();
  thread_ = std::thread([this] { run(); });
}

healthy_client::~healthy_client() {
  stop();
}

std::string healthy_client::report::text() const {
  return std::to_string(answers) + " answers, the slowest after " +
         std::to_string(slowest.count()) + " ms" + (trouble.empty() ? "" : "; " + trouble);
}

healthy_client::report healthy_client::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return report_;
}

void healthy_client::run() {
  try {
    for (std::uint32_t seqno = 1; !stopping_; ++seqno) {
      call_once(seqno);
      // A pace that notices a stall and leaves the machine to the test itself.
      ::poll(nullptr, 0, 5);
    }
  } catch (const std::exception& error) {
    report_.trouble = error.what();
  }
}

void healthy_client::call_once(std::uint32_t seqno) {
  const packet request = rpc(seqno, "/echo", "{\"n\":" + std::to_string(seqno) + "}", "healthy");
  const auto begin = test_clock::now();
  const packet reply = peer_.ask_for_reply(request);
  const auto took = std::chrono::duration_cast<milliseconds>(test_clock::now() - begin);
  report_.slowest = std::max(report_.slowest, took);
  if (reply.status != 0 || reply.param != request.param || reply.data != request.data)
    throw std::runtime_error("answered wrongly: status " + std::to_string(reply.status));
  report_.answers = ++answers_;
}

}  // namespace vsoa_test
