// The blocking forms: an operation, and a thread that waits for its end.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "client/client_impl.hpp"

namespace vsoa {
namespace {

// Where the thread that waits and the loop meet. The loop may come when nobody waits any more.
struct rendezvous {
  std::mutex mutex;
  std::condition_variable came;
  bool done = false;
  std::error_code error;
  reply answer;
};

// Whether the calling thread may wait for the client's loop. Any loop's thread may not, nor that of
// lookups: what they run besides would stand still.
std::error_code may_block(client_impl& where) {
  if (net::loop::current() != nullptr || net::service::current() != nullptr) {
    return errc::would_deadlock;
  }
  if (!where.loops().internals().is_running()) return errc::not_running;
  return {};
}

std::error_code wait_for(client_impl& where, client::prepared what, reply* answer) {
  if (const auto error = may_block(where)) return error;
  const auto meeting = std::make_shared<rendezvous>();
  where.launch(std::move(what), [meeting](std::error_code error, const reply_view& view) {
    const std::lock_guard lock(meeting->mutex);
    meeting->error = error;
    meeting->answer = reply(view);
    meeting->done = true;
    meeting->came.notify_all();
  });
  // A runtime that stops runs nothing any more, and tells nobody.
  constexpr std::chrono::milliseconds look_around{100};
  std::unique_lock lock(meeting->mutex);
  while (!meeting->came.wait_for(lock, look_around, [&] { return meeting->done; })) {
    if (!where.loops().internals().is_running()) return errc::not_running;
  }
  if (answer != nullptr) *answer = std::move(meeting->answer);
  return meeting->error;
}

}  // namespace

std::error_code client::connect(std::string_view url, connect_options options) {
  return wait_for(*impl_, prepare_connect(url, std::move(options)), nullptr);
}
std::error_code client::fetch(const request& what, reply& answer) {
  return wait_for(*impl_, prepare_call(what), &answer);
}
std::error_code client::ping(std::chrono::milliseconds timeout) {
  return wait_for(*impl_, prepare_ping(timeout), nullptr);
}
std::error_code client::subscribe(urls what, std::chrono::milliseconds timeout) {
  return wait_for(*impl_, prepare_subscribe(std::move(what), true, timeout), nullptr);
}
std::error_code client::unsubscribe(urls what, std::chrono::milliseconds timeout) {
  return wait_for(*impl_, prepare_subscribe(std::move(what), false, timeout), nullptr);
}
std::error_code client::unsubscribe_all(std::chrono::milliseconds timeout) {
  return wait_for(*impl_, prepare_unsubscribe_all(timeout), nullptr);
}

std::error_code client::run() {
  if (const auto error = may_block(*impl_)) return error;
  impl_->wait_idle();
  return {};
}

}  // namespace vsoa
