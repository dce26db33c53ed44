#include "broker/upstream.hpp"

#include <algorithm>
#include <utility>

namespace vsoad {

upstream::upstream(vsoa::runtime& loops, vsoa::server& server, std::size_t number,
                   std::size_t outbox, const config::forward_settings& settings,
                   const upstream_link::publisher& publish, const vsoa::log_sink& log)
    : loops_(loops), settings_(settings), subscriber_(number % loops.size()) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    // All connections have the same fate mostly: one tells it.
    links_.push_back(std::make_unique<upstream_link>(loops, server, i, outbox, settings, publish,
                                                     i == subscriber_ ? log : vsoa::log_sink()));
  }
}

void upstream::start(const vsoa::name_resolver& resolver) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    upstream_link& link = *links_[i];
    link.start(resolver, [this, &link, subscribes = i == subscriber_] {
      if (subscribes) link.subscribe(wanted_.restart());
    });
  }
}

void upstream::reload_certificates() {
  for (const auto& link : links_)
    link->reload_certificates();
}

void upstream::stop() {
  for (const auto& link : links_)
    link->stop();
}

void upstream::want(const std::string& pattern) {
  if (wanted_.add(pattern)) sync_soon();
}

void upstream::leave(const std::string& pattern) {
  if (wanted_.remove(pattern)) sync_soon();
}

void upstream::sync_soon() {
  loops_.post(subscriber_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->sync();
  });
}

// Without a connection all is left as it is: restart() is next.
void upstream::sync() {
  upstream_link& link = *links_[subscriber_];
  if (!link.is_connected()) return;
  std::vector<std::string> added;
  for (interest::change& c : wanted_.take()) {
    if (c.wanted) {
      added.push_back(std::move(c.pattern));
    } else {
      link.unsubscribe(c.pattern);
    }
  }
  link.subscribe(added);
}

std::string upstream::summary() const {
  constexpr std::pair<const char*, std::uint64_t upstream_stats::*> fields[] = {
      {"connects", &upstream_stats::connects},
      {"failed_connects", &upstream_stats::failed_connects},
      {"calls", &upstream_stats::calls},
      {"refused", &upstream_stats::refused},
      {"timeouts", &upstream_stats::timeouts},
      {"lost", &upstream_stats::lost},
      {"publishes", &upstream_stats::publishes},
      {"datagrams", &upstream_stats::datagrams},
      {"datagrams_dropped", &upstream_stats::datagrams_dropped},
      {"datagrams_ignored", &upstream_stats::datagrams_ignored},
      {"streams", &upstream_stats::streams},
      {"streams_failed", &upstream_stats::streams_failed},
      {"subscriptions_refused", &upstream_stats::subscriptions_refused},
  };
  std::string line = "upstream " + settings_.url + ':';
  for (const auto& [name, member] : fields) {
    std::uint64_t sum = 0;
    for (const auto& link : links_)
      sum += link->stats().*member;
    line += std::string(" ") + name + '=' + std::to_string(sum);
  }
  return line;
}

}  // namespace vsoad
