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
    if (!wanted) forget(found);
  }
  return changes;
}

// Needs mutex_.
void interest::forget(std::map<std::string, entry>::iterator which) {
  refused_.erase(which->first);
  entries_.erase(which);
}

std::vector<std::string> interest::restart() {
  const std::lock_guard lock(mutex_);
  forget_asked();
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (auto& [pattern, e] : entries_) {
    e.asked = true;
    all.push_back(pattern);
  }
  return all;
}

void interest::drop() {
  const std::lock_guard lock(mutex_);
  forget_asked();
}

// Needs mutex_.
void interest::forget_asked() {
  dirty_.clear();
  refused_.clear();
  std::erase_if(entries_, [](const auto& e) { return e.second.count == 0; });
  for (auto& each : entries_)
    each.second = {each.second.count, false, false};
}

// It counts as asked for: to give up what was not granted does no harm, and one whose answer has
// only been late is given up for certain.
void interest::refused(const std::string& pattern) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pattern);
  if (found != entries_.end() && found->second.count != 0) refused_.insert(pattern);
}

std::vector<std::string> interest::retry(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> again;
  while (again.size() < most && !refused_.empty()) {
    auto next = refused_.upper_bound(last_retried_);
    if (next == refused_.end()) next = refused_.begin();
    last_retried_ = *next;
    again.push_back(std::move(refused_.extract(next).value()));
  }
  return again;
}

std::size_t interest::refused_count() const {
  const std::lock_guard lock(mutex_);
  return refused_.size();
}

std::size_t interest::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace vsoad
