#include "net/service.hpp"

#include <boost/asio/executor_work_guard.hpp>

namespace vsoa::net {
namespace {

thread_local const service* current_service = nullptr;

}  // namespace

void service::start() {
  thread_ = std::thread([this] { run(); });
}

void service::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

const service* service::current() noexcept {
  return current_service;
}

void service::run() {
  current_service = this;
  const auto work = boost::asio::make_work_guard(context_);
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& e) {
      log_line(log_level::error, std::string("service thread: ") + e.what());
    } catch (...) {
      log_line(log_level::error, "service thread: unknown exception");
    }
  }
}

}  // namespace vsoa::net
