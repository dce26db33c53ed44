#include "broker/upstream.hpp"

#include <algorithm>
#include <utility>

namespace vsoad {
namespace {

// Before what upstream has refused is asked for again; then twice as long each time.
constexpr std::chrono::seconds first_retry{1};
constexpr std::chrono::seconds last_retry{64};

}  // namespace

upstream::upstream(vsoa::runtime& loops, vsoa::server& server, std::size_t number,
                   std::size_t outbox, const config::forward_settings& settings,
                   const upstream_link::publisher& publish, const vsoa::log_sink& log)
    : loops_(loops),
      settings_(settings),
      number_(number),
      subscriber_(number % loops.size()),
      retry_delay_(first_retry) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    // All connections have the same fate mostly: one tells it.
    links_.push_back(std::make_unique<upstream_link>(loops, server, i, outbox, settings, publish,
                                                     i == subscriber_ ? log : vsoa::log_sink()));
  }
}

void upstream::start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    upstream_link& link = *links_[i];
    link.start(resolver, vet, [this, subscribes = i == subscriber_] {
      if (!subscribes) return;
      retry_delay_ = first_retry;
      ask(wanted_.restart());
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

bool upstream::is_idle() const {
  return std::all_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->is_idle(); });
}

bool upstream::is_given_up() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->is_given_up(); });
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

// Without a connection there is nobody to be asked: restart() is next.
void upstream::sync() {
  upstream_link& link = *links_[subscriber_];
  if (!link.is_connected()) return wanted_.drop();
  std::vector<std::string> added;
  std::size_t given_up = 0;
  for (interest::change& c : wanted_.take()) {
    if (c.wanted) {
      added.push_back(std::move(c.pattern));
    } else {
      link.unsubscribe(c.pattern);
      ++given_up;
    }
  }
  ask(added);
  // For each that upstream can forget there may be room for one that it has refused.
  ask(wanted_.retry(given_up));
}

void upstream::ask(const std::vector<std::string>& patterns) {
  links_[subscriber_]->subscribe(patterns,
                                 [this](const std::string& pattern) { refused(pattern); });
}

void upstream::refused(const std::string& pattern) {
  wanted_.refused(pattern);
  if (std::exchange(is_retry_due_, true)) return;
  loops_.start_timer(subscriber_, retry_delay_, {}, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->retry();
  });
  retry_delay_ = std::min(retry_delay_ * 2, last_retry);
}

void upstream::retry() {
  is_retry_due_ = false;
  if (links_[subscriber_]->is_connected()) ask(wanted_.retry(wanted_.refused_count()));
}

upstream_report upstream::report() const {
  upstream_report out{settings_.url, links_.size(), 0, {}};
  for (const auto& link : links_) {
    out.connected += link->is_connected() ? 1 : 0;
    const upstream_stats one = link->stats();
    for (const auto& counter : upstream_counters)
      out.stats.*counter.member += one.*counter.member;
  }
  return out;
}

std::string upstream::summary() const {
  const upstream_stats sum = report().stats;
  std::string line = "upstream " + settings_.url + ':';
  for (const auto& counter : upstream_counters)
    line += ' ' + std::string(counter.name) + '=' + std::to_string(sum.*counter.member);
  return line;
}

}  // namespace vsoad
