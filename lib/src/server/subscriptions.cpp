#include "server/subscriptions.hpp"

#include <algorithm>

#include "server/session.hpp"
#include "vsoa/url_cache.hpp"

namespace vsoa {

bool subscriptions::add(std::string_view url, session& s, list& own) {
  topic& t = topics_[url];
  if (std::find(own.begin(), own.end(), &t) != own.end()) return false;
  if (t.sessions.empty()) t.url = url;
  t.sessions.push_back(&s);
  own.push_back(&t);
  ++version_;
  return true;
}

bool subscriptions::remove(std::string_view url, session& s, list& own) {
  topic* wanted = topics_.find(url);
  const auto found = std::find(own.begin(), own.end(), wanted);
  if (wanted == nullptr || found == own.end()) return false;
  topic& t = *wanted;
  own.erase(found);
  leave(t, s);
  return true;
}

void subscriptions::remove_all(session& s, list& own) {
  for (topic* t : own)
    leave(*t, s);
  own.clear();
}

void subscriptions::leave(topic& t, session& s) {
  const auto found = std::find(t.sessions.begin(), t.sessions.end(), &s);
  *found = t.sessions.back();
  t.sessions.pop_back();
  if (t.sessions.empty()) {
    const std::string url = std::move(t.url);
    topics_.erase(url);
  }
  ++version_;
}

bool subscriptions::has(std::string_view url) const {
  return static_cast<bool>(topics_.best_match(url));
}

const subscriptions::audience& subscriptions::match(std::string_view url) {
  audience& place = cache_[detail::quick_url_hash(url) % remembered_count];
  if (place.version == version_ && place.url == url) return place;
  place.version = 0;  // until it is complete
  place.sessions.clear();
  collect(url, place.sessions);
  place.url = url;
  place.version = version_;
  return place;
}

void subscriptions::collect(std::string_view url, std::vector<session*>& into) const {
  std::size_t patterns = 0;
  topics_.for_each_match(url, [&](std::string_view, const topic& t) {
    ++patterns;
    into.insert(into.end(), t.sessions.begin(), t.sessions.end());
  });
  std::sort(into.begin(), into.end(), [](const session* a, const session* b) {
    if (a->priority() != b->priority()) return a->priority() > b->priority();
    return a->order() < b->order();
  });
  if (patterns > 1) into.erase(std::unique(into.begin(), into.end()), into.end());
}

}  // namespace vsoa
