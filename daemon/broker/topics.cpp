#include "broker/topics.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/value_store.hpp"
#include "vsoa/url.hpp"
#include "vsoa/url_cache.hpp"
#include "vsoa/url_map.hpp"

namespace vsoad {
namespace {

using clock = std::chrono::steady_clock;

bool has_state(const config::topic_settings& topic) {
  return topic.retain_last || topic.max_rate != 0;
}

clock::duration interval(const config::topic_settings& topic) {
  if (topic.max_rate == 0) return clock::duration::zero();
  return std::chrono::duration_cast<clock::duration>(std::chrono::seconds(1)) / topic.max_rate;
}

// What the configuration says; never changes.
class rules {
 public:
  rules(std::size_t loop_count, const std::vector<config::topic_settings>& settings)
      : loop_parts_(loop_count) {
    for (const auto& s : settings)
      topics_[s.url] = s;
    is_stateless_ = std::none_of(settings.begin(), settings.end(), has_state);
  }

  bool is_stateless() const noexcept { return is_stateless_; }
  /// @param loop  the caller's; past the last: none
  const config::topic_settings* find(std::string_view url, std::size_t loop) {
    const auto search = [this](std::string_view wanted) {
      return topics_.best_match(wanted).value;
    };
    return loop >= loop_parts_.size() ? search(url) : loop_parts_[loop].recent.find(url, search);
  }

 private:
  struct alignas(64) loop_part {
    vsoa::url_cache<config::topic_settings> recent;
  };

  vsoa::url_map<config::topic_settings> topics_;
  bool is_stateless_ = false;
  std::vector<loop_part> loop_parts_;
};

}  // namespace

class topics::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(vsoa::runtime& loops, reclaimer& old, vsoa::server& server,
       const std::vector<config::topic_settings>& settings, std::size_t kept_bytes)
      : loops_(loops),
        old_(old),
        server_(server),
        rules_(std::make_shared<rules>(loops.size(), settings)),
        values_(max_urls, kept_bytes) {}

  void change(const std::vector<config::topic_settings>& settings, std::size_t kept_bytes) {
    auto fresh = std::make_shared<rules>(loops_.size(), settings);
    // Held, so that nothing is remembered by the old rules behind our back.
    const std::lock_guard lock(mutex_);
    values_.set_limit(kept_bytes);
    values_.forget_last_if([&](std::string_view url) {
      const auto* topic = fresh->find(url, loops_.size());
      return topic == nullptr || !topic->retain_last;
    });
    rules_.replace(std::move(fresh), old_);
  }

  void end() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }

  relaying relays(std::string_view url) {
    const auto* topic = find(url, loops_.here());
    if (topic == nullptr || !topic->relay) return relaying::no;
    return has_state(*topic) ? relaying::kept : relaying::plain;
  }

  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    const auto* topic = find(url, loops_.here());
    if (topic == nullptr || !topic->relay || !has_state(*topic)) return;
    if (publish(topic, url, payload, via)) relayed_.fetch_add(1, std::memory_order_relaxed);
  }

  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    return publish(find(url, loops_.here()), url, payload, via);
  }

  void subscribed(vsoa::client_id client, std::span<const std::string_view> urls) {
    if (rules_.read().is_stateless()) return;
    vsoa::url_map<bool> patterns;
    for (const std::string_view url : urls)
      patterns[url] = true;
    const std::lock_guard lock(mutex_);
    values_.for_each_last([&](std::string_view url, const message& last) {
      if (patterns.best_match(url)) server_.publish_to(client, url, last.payload());
    });
  }

  bool serve(vsoa::call& call) {
    if (rules_.read().is_stateless() || call.method() != vsoa::method::get) return false;
    const std::lock_guard lock(mutex_);
    const auto* v = std::as_const(values_).find(call.url());
    if (v == nullptr || !v->last) return false;
    call.reply(vsoa::status::success, v->last->payload());
    return true;
  }

  topic_stats stats() const { return {relayed_, thinned_, not_retained_}; }

  retained_values retained(std::size_t most) const {
    retained_values out;
    {
      const std::lock_guard lock(mutex_);
      values_.for_each_last([&](std::string_view url, const message& last) {
        out.values.push_back({std::string(url), last.bytes()});
      });
    }
    std::sort(out.values.begin(), out.values.end(),
              [](const auto& a, const auto& b) { return a.url < b.url; });
    out.total = out.values.size();
    if (out.total > most) out.values.resize(most);
    return out;
  }

 private:
  const config::topic_settings* find(std::string_view url, std::size_t loop) {
    return rules_.read().find(url, loop);
  }

  bool publish(const config::topic_settings* topic, std::string_view url,
               vsoa::payload_view payload, vsoa::channel via) {
    if (topic == nullptr || !has_state(*topic)) return server_.publish(url, payload, via);
    if (!vsoa::is_valid_url(url)) return false;
    // Held while publishing, so that the last value published is the one remembered.
    const std::lock_guard lock(mutex_);
    topic = find(url, loops_.here());  // the rules may have changed meanwhile
    if (topic == nullptr || !has_state(*topic)) return server_.publish(url, payload, via);
    value_store::value* v = values_.touch(url);
    if (v == nullptr) return publish_unknown(*topic, url, payload, via);
    if (topic->max_rate != 0 && (v->waiting || clock::now() < v->next_time)) {
      return postpone(url, *v, payload, via);
    }
    return publish_now(url, *v, payload, via, *topic);
  }

  // Needs mutex_. There is no room for a state of this URL: what has a limit on its rate can't keep
  // it.
  bool publish_unknown(const config::topic_settings& topic, std::string_view url,
                       vsoa::payload_view payload, vsoa::channel via) {
    if (topic.max_rate != 0) {
      ++thinned_;
      return true;
    }
    ++not_retained_;
    return server_.publish(url, payload, via);
  }

  // Needs mutex_.
  bool publish_now(std::string_view url, value_store::value& v, vsoa::payload_view payload,
                   vsoa::channel via, const config::topic_settings& topic) {
    if (!server_.publish(url, payload, via)) return false;
    v.next_time = clock::now() + interval(topic);
    if (topic.retain_last && !values_.put(v, &value_store::value::last, payload, via)) {
      ++not_retained_;
    }
    return true;
  }

  // Needs mutex_. The newest waits for its time; what waited is lost, as a limit on the rate
  // demands.
  bool postpone(std::string_view url, value_store::value& v, vsoa::payload_view payload,
                vsoa::channel via) {
    const bool is_armed = v.waiting.has_value();
    if (is_armed) ++thinned_;
    if (!values_.put(v, &value_store::value::waiting, payload, via)) ++thinned_;
    if (is_armed || !v.waiting) return true;
    // Timers count in milliseconds: rounded up, never too early.
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(v.next_time - clock::now());
    loops_.start_timer(0, std::max(delay, std::chrono::milliseconds(1)), {},
                       [weak = weak_from_this(), text = std::string(url)] {
                         if (const auto self = weak.lock()) self->publish_waiting(text);
                       });
    return true;
  }

  void publish_waiting(const std::string& url) {
    const std::lock_guard lock(mutex_);
    if (has_ended_) return;  // and with it the server
    const auto* topic = find(url, loops_.here());
    value_store::value* v = values_.find(url);
    if (v == nullptr || !v->waiting) return;  // there was no room for a newer one
    const message newest = *v->waiting;
    values_.clear(*v, &value_store::value::waiting);
    if (topic == nullptr) {
      server_.publish(url, newest.payload(), newest.via);
    } else {
      publish_now(url, *v, newest.payload(), newest.via, *topic);
    }
  }

  vsoa::runtime& loops_;
  reclaimer& old_;
  vsoa::server& server_;
  published<rules> rules_;

  mutable std::mutex mutex_;
  value_store values_;      // guarded by mutex_
  bool has_ended_ = false;  // guarded by mutex_

  std::atomic<std::uint64_t> relayed_{0};
  std::atomic<std::uint64_t> thinned_{0};
  std::atomic<std::uint64_t> not_retained_{0};
};

topics::topics(vsoa::runtime& loops, reclaimer& old, vsoa::server& server,
               const std::vector<config::topic_settings>& settings, std::size_t kept_bytes)
    : impl_(std::make_shared<impl>(loops, old, server, settings, kept_bytes)) {}
// A timer may have hold of it: then it comes to an end first.
topics::~topics() {
  impl_->end();
}

void topics::change(const std::vector<config::topic_settings>& settings, std::size_t kept_bytes) {
  impl_->change(settings, kept_bytes);
}

topics::relaying topics::relays(std::string_view url) {
  return impl_->relays(url);
}
void topics::datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  impl_->datagram(url, payload, via);
}
bool topics::publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  return impl_->publish(url, payload, via);
}
void topics::subscribed(vsoa::client_id client, std::span<const std::string_view> urls) {
  impl_->subscribed(client, urls);
}
bool topics::serve(vsoa::call& call) {
  return impl_->serve(call);
}
topic_stats topics::stats() const {
  return impl_->stats();
}

retained_values topics::retained(std::size_t most) const {
  return impl_->retained(most);
}

}  // namespace vsoad
