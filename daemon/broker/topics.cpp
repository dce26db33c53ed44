#include "broker/topics.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "vsoa/url.hpp"
#include "vsoa/url_map.hpp"

namespace vsoad {
namespace {

using clock = std::chrono::steady_clock;

/// A message that is kept.
struct message {
  std::string param;
  std::vector<std::byte> data;
  vsoa::channel via = vsoa::channel::normal;

  message() = default;
  message(vsoa::payload_view p, vsoa::channel v)
      : param(p.param), data(p.data.begin(), p.data.end()), via(v) {}
  vsoa::payload_view payload() const noexcept { return {param, data}; }
  std::size_t bytes() const noexcept { return param.size() + data.size(); }
};

/// One concrete URL below a topic.
struct value {
  bool retained = false;
  bool pending = false;  // `last` waits for its time, a timer is set
  message last;
  clock::time_point next_time;  // not before this
};

struct by_text {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace

class topics::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(vsoa::runtime& loops, vsoa::server& server,
       const std::vector<config::topic_settings>& settings, std::size_t retained_bytes)
      : loops_(loops), server_(server), retained_limit_(retained_bytes) {
    for (const auto& s : settings)
      topics_[s.url] = s;
  }

  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    const auto topic = topics_.best_match(url);
    if (!topic || !topic.value->relay || !vsoa::is_valid_url(url)) return;
    ++relayed_;
    publish(topic.value, url, payload, via);
  }

  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    const auto topic = topics_.best_match(url);
    if (topic && !vsoa::is_valid_url(url)) return false;
    return publish(topic.value, url, payload, via);
  }

  void subscribed(vsoa::client_id client, std::span<const std::string_view> urls) {
    const std::lock_guard lock(mutex_);
    if (retained_count_ == 0) return;
    for (const auto& [url, v] : values_) {
      if (!v.retained) continue;
      for (const std::string_view pattern : urls) {
        if (!vsoa::url_matches(pattern, url)) continue;
        server_.publish_to(client, url, v.last.payload());
        break;
      }
    }
  }

  bool serve(vsoa::call& call) {
    if (call.method() != vsoa::method::get) return false;
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(call.url());
    if (found == values_.end() || !found->second.retained) return false;
    call.reply(vsoa::status::success, found->second.last.payload());
    return true;
  }

  topic_stats stats() const { return {relayed_, thinned_, not_retained_}; }

 private:
  static clock::duration interval(const config::topic_settings& topic) {
    if (topic.max_rate == 0) return clock::duration::zero();
    return std::chrono::duration_cast<clock::duration>(std::chrono::seconds(1)) / topic.max_rate;
  }

  static bool is_due(const value& v) { return !v.pending && clock::now() >= v.next_time; }

  bool publish(const config::topic_settings* topic, std::string_view url,
               vsoa::payload_view payload, vsoa::channel via) {
    const bool has_state = topic != nullptr && (topic->retain_last || topic->max_rate != 0);
    if (!has_state) return server_.publish(url, payload, via);
    // Held while publishing, so that the last value published is the one remembered.
    const std::lock_guard lock(mutex_);
    value* v = state_of(url);
    if (v == nullptr) return server_.publish(url, payload, via);
    if (topic->max_rate != 0 && !is_due(*v)) {
      postpone(url, *v, payload, via, *topic);
      return true;
    }
    v->next_time = clock::now() + interval(*topic);
    if (!server_.publish(url, payload, via)) return false;
    if (topic->retain_last) retain(*v, payload, via);
    return true;
  }

  // Needs mutex_. Null: too many URLs.
  value* state_of(std::string_view url) {
    const auto found = values_.find(url);
    if (found != values_.end()) return &found->second;
    if (values_.size() >= max_urls) forget_idle();
    if (values_.size() >= max_urls) {
      ++not_retained_;
      return nullptr;
    }
    return &values_[std::string(url)];
  }

  // States that only thin, and whose time has come, say nothing any more.
  void forget_idle() {
    std::erase_if(values_,
                  [](const auto& each) { return !each.second.retained && is_due(each.second); });
  }

  // Needs mutex_. A value that finds no room leaves none: an old one would be wrong.
  void retain(value& v, vsoa::payload_view payload, vsoa::channel via) {
    release(v);
    message fresh(payload, via);
    if (retained_bytes_ + fresh.bytes() > retained_limit_) {
      ++not_retained_;
      return;
    }
    retained_bytes_ += fresh.bytes();
    ++retained_count_;
    v.last = std::move(fresh);
    v.retained = true;
  }

  void release(value& v) {
    if (!v.retained) return;
    retained_bytes_ -= v.last.bytes();
    --retained_count_;
    v.retained = false;
    v.last = {};
  }

  // Needs mutex_. The newest waits for its time; what waited is lost, as a limit on the rate
  // demands.
  void postpone(std::string_view url, value& v, vsoa::payload_view payload, vsoa::channel via,
                const config::topic_settings& topic) {
    if (v.pending) ++thinned_;
    waiting_[std::string(url)] = message(payload, via);
    if (std::exchange(v.pending, true)) return;
    // Timers count in milliseconds: rounded up, never too early.
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(v.next_time - clock::now());
    loops_.start_timer(0, std::max(delay, std::chrono::milliseconds(1)), {},
                       [weak = weak_from_this(), text = std::string(url), &topic] {
                         if (const auto self = weak.lock()) self->publish_waiting(text, topic);
                       });
  }

  void publish_waiting(const std::string& url, const config::topic_settings& topic) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.extract(url);
    value& v = values_.at(url);
    v.pending = false;
    v.next_time = clock::now() + interval(topic);
    const message& newest = found.mapped();
    if (topic.retain_last) retain(v, newest.payload(), newest.via);
    server_.publish(url, newest.payload(), newest.via);
  }

  vsoa::runtime& loops_;
  vsoa::server& server_;
  const std::size_t retained_limit_;
  vsoa::url_map<config::topic_settings> topics_;  // never changes

  std::mutex mutex_;
  // All below is guarded by mutex_.
  std::unordered_map<std::string, value, by_text, std::equal_to<>> values_;
  std::unordered_map<std::string, message> waiting_;  // by URL, for those that are pending
  std::size_t retained_bytes_ = 0;
  std::size_t retained_count_ = 0;

  std::atomic<std::uint64_t> relayed_{0};
  std::atomic<std::uint64_t> thinned_{0};
  std::atomic<std::uint64_t> not_retained_{0};
};

topics::topics(vsoa::runtime& loops, vsoa::server& server,
               const std::vector<config::topic_settings>& settings, std::size_t retained_bytes)
    : impl_(std::make_shared<impl>(loops, server, settings, retained_bytes)) {}
topics::~topics() = default;

void topics::datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  impl_->datagram(url, payload, via);
}
void topics::subscribed(vsoa::client_id client, std::span<const std::string_view> urls) {
  impl_->subscribed(client, urls);
}
bool topics::publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  return impl_->publish(url, payload, via);
}
bool topics::serve(vsoa::call& call) {
  return impl_->serve(call);
}
topic_stats topics::stats() const {
  return impl_->stats();
}

}  // namespace vsoad
