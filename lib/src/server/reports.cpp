// What a server tells operators of its sessions and their subscriptions. Under the shards' locks
// only what must be is copied: meanwhile nobody comes, goes or subscribes.
#include <algorithm>
#include <set>

#include "server/server_impl.hpp"
#include "vsoa/server.hpp"

namespace vsoa {
namespace {

struct found_session {
  std::uint64_t serial;
  session_report report;
  std::vector<std::byte> certificate;
};

session_report report_of(const session& s) {
  const auto bytes = s.counts();
  return {s.info(),
          s.age(),
          bytes.received_bytes,
          bytes.sent_bytes,
          bytes.queued_bytes,
          s.subscription_count()};
}

// Keeps the oldest; amortised, so that a limit far below the number of sessions is cheap.
void prune(std::vector<found_session>& found, std::size_t most) {
  if (found.size() <= most) return;
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(found.begin(), end, found.end(),
                   [](const auto& a, const auto& b) { return a.serial < b.serial; });
  found.erase(end, found.end());
}

bool goes_first(const subscribed_url& a, const subscribed_url& b) {
  return a.subscribers != b.subscribers ? a.subscribers > b.subscribers : a.url < b.url;
}

// The candidates of one shard.
void add_top(const subscriptions& all, std::size_t most, std::set<std::string>& into) {
  std::vector<const subscriptions::topic*> topics;
  topics.reserve(all.size());
  all.for_each([&](const subscriptions::topic& t) { topics.push_back(&t); });
  const auto end = topics.begin() + static_cast<std::ptrdiff_t>(std::min(most, topics.size()));
  std::partial_sort(topics.begin(), end, topics.end(), [](const auto* a, const auto* b) {
    return a->sessions.size() != b->sessions.size() ? a->sessions.size() > b->sessions.size()
                                                    : a->url < b->url;
  });
  for (auto each = topics.begin(); each != end; ++each)
    into.insert((*each)->url);
}

}  // namespace

session_list server::sessions(std::size_t most) const {
  session_list out;
  std::vector<found_session> found;
  for (const auto& shard : impl_->shards()) {
    shard->inspect_all([&](const session& s) {
      ++out.total;
      found.push_back({s.serial(), report_of(s), s.certificate()});
      if (found.size() >= 2 * most + 1024) prune(found, most);
    });
  }
  prune(found, most);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.serial < b.serial; });
  for (found_session& each : found) {
    if (const auto certificate = parse_certificate(each.certificate))
      each.report.certificate = certificate->subject_text();
    out.sessions.push_back(std::move(each.report));
  }
  return out;
}

std::vector<subscribed_url> server::subscribed_urls(std::size_t most) const {
  // Of each loop more than are wanted: what has the most of all may not be among the first
  // anywhere.
  constexpr std::size_t looked_at = 1000;
  std::set<std::string> candidates;
  for (const auto& shard : impl_->shards())
    shard->inspect_subscriptions(
        [&](const subscriptions& s) { add_top(s, std::max(most, looked_at), candidates); });
  std::vector<subscribed_url> out;
  for (const std::string& url : candidates)
    out.push_back({url, 0});
  for (const auto& shard : impl_->shards()) {
    shard->inspect_subscriptions([&](const subscriptions& s) {
      for (subscribed_url& each : out)
        each.subscribers += s.subscribers(each.url);
    });
  }
  std::erase_if(out, [](const subscribed_url& each) { return each.subscribers == 0; });
  std::sort(out.begin(), out.end(), goes_first);
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace vsoa
