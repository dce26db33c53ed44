#include "broker/interest.hpp"

#include <algorithm>
#include <utility>

namespace vsoad {

bool interest::add(const std::string& pattern) {
  const std::lock_guard lock(mutex_);
  entry& e = entries_[pattern];
  return ++e.count == 1 && touch(pattern, e);
}

bool interest::remove(const std::string& pattern) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pattern);
  if (found == entries_.end() || found->second.count == 0) return false;
  return --found->second.count == 0 && touch(pattern, found->second);
}

// Needs mutex_.
bool interest::touch(const std::string& pattern, entry& e) {
  if (e.is_dirty) return false;
  e.is_dirty = true;
  dirty_.push_back(pattern);
  return dirty_.size() == 1;
}

std::vector<interest::change> interest::take() {
  const std::lock_guard lock(mutex_);
  std::vector<change> changes;
  for (std::string& pattern : std::exchange(dirty_, {})) {
    const auto found = entries_.find(pattern);
    if (found == entries_.end()) continue;
    entry& e = found->second;
    e.is_dirty = false;
    const bool wanted = e.count != 0;
    if (wanted != e.asked) changes.push_back({std::move(pattern), wanted});
    e.asked = wanted;
    if (!wanted) entries_.erase(found);
  }
  return changes;
}

std::vector<std::string> interest::restart() {
  const std::lock_guard lock(mutex_);
  dirty_.clear();
  std::erase_if(entries_, [](const auto& e) { return e.second.count == 0; });
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (auto& [pattern, e] : entries_) {
    e = {e.count, true, false};
    all.push_back(pattern);
  }
  return all;
}

std::size_t interest::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [](const auto& e) { return e.second.count != 0; }));
}

}  // namespace vsoad
