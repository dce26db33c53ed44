// A client of the library, against a server of the library or a scripted one.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "../server/test_server.hpp"
#include "vsoa/client.hpp"

namespace vsoa_test {

inline std::string url_of(const endpoint& at, const std::string& path = {}) {
  return "vsoa://" + at.ip + ":" + std::to_string(at.port) + path;
}

/// Loops that run.
struct running_loops {
  explicit running_loops(std::size_t count = 1) : loops({.loops = count, .log = {}}) {
    loops.start();
  }
  vsoa::runtime loops;
};

/// What arrives on another thread, in order.
template <class Item>
class arrivals {
 public:
  void put(Item item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    came_.notify_all();
  }
  /// The next; throws when none comes in time.
  Item take(milliseconds bound = patience) {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, bound, [&] { return !items_.empty(); })) {
      throw std::runtime_error("nothing arrived in time");
    }
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Item> items_;
};

/// How an operation ended. A completion that is dropped, or runs twice, throws.
struct outcome {
  std::error_code error;
  vsoa::reply reply;
};

class pending_outcome {
 public:
  /// A completion for one operation.
  vsoa::completion completion() {
    return [state = state_](std::error_code error, const vsoa::reply_view& view) {
      state->set_value({error, vsoa::reply(view)});
    };
  }
  outcome get(milliseconds bound = patience) {
    if (future_.wait_for(bound) != std::future_status::ready) {
      throw std::runtime_error("not completed in time");
    }
    return future_.get();
  }
  bool ready() const { return future_.wait_for(milliseconds(0)) == std::future_status::ready; }

 private:
  std::shared_ptr<std::promise<outcome>> state_ = std::make_shared<std::promise<outcome>>();
  std::future<outcome> future_ = state_->get_future();
};

struct message {
  std::string url;
  std::string param;
  std::string data;
  vsoa::channel via{};
};

inline vsoa::client::message_callback into(arrivals<message>& where) {
  return [&where](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    where.put({std::string(url), std::string(payload.param), data_text(payload), via});
  };
}

}  // namespace vsoa_test
