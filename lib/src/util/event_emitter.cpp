#include "vsoa/event_emitter.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

namespace vsoa {

// The lists of listeners by event. A list is replaced, never changed; what falls out of the table
// is destroyed without the lock, as what a listener has captured may use the emitter.
class VSOA_HIDDEN event_emitter::table {
 public:
  using list = std::shared_ptr<const entries>;

  listener_id next_id() { return ++last_id_; }

  list find(const key& k) const {
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(k);
    return found != lists_.end() ? found->second : nullptr;
  }

  void add(const key& k, std::shared_ptr<entry> listener) {
    auto more = std::make_shared<entries>();
    list before;
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(k);
    if (found == lists_.end()) {
      more->push_back(std::move(listener));
      lists_.emplace(owned_key{std::string(k.name), k.arguments}, std::move(more));
      return;
    }
    more->reserve(found->second->size() + 1);
    *more = *found->second;
    more->push_back(std::move(listener));
    before = std::exchange(found->second, std::move(more));
  }

  bool remove(const key& k, listener_id id) {
    auto fewer = std::make_shared<entries>();
    list before;
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(k);
    if (found == lists_.end()) return false;
    const entries& now = *found->second;
    const auto one =
        std::find_if(now.begin(), now.end(), [id](const auto& e) { return e->id == id; });
    if (one == now.end()) return false;
    (*one)->removed.store(true, std::memory_order_release);
    fewer->reserve(now.size() - 1);
    std::copy_if(now.begin(), now.end(), std::back_inserter(*fewer),
                 [id](const auto& e) { return e->id != id; });
    before = std::exchange(found->second, std::move(fewer));
    if (found->second->empty()) lists_.erase(found);
    return true;
  }

  /// What was removed; null: nothing.
  list remove_all(const key& k) {
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(k);
    if (found == lists_.end()) return nullptr;
    list gone = std::move(found->second);
    lists_.erase(found);
    for (const auto& each : *gone)
      each->removed.store(true, std::memory_order_release);
    return gone;
  }

  struct owned_key {
    std::string name;
    std::type_index arguments;
    operator key() const { return {name, arguments}; }
  };
  std::vector<owned_key> keys() const {
    const std::lock_guard lock(mutex_);
    std::vector<owned_key> all;
    for (const auto& [k, unused] : lists_)
      all.push_back(k);
    return all;
  }

 private:
  struct by_name {
    using is_transparent = void;
    bool operator()(const key& a, const key& b) const {
      return std::tie(a.name, a.arguments) < std::tie(b.name, b.arguments);
    }
  };

  std::atomic<listener_id> last_id_{0};
  mutable std::mutex mutex_;
  std::map<owned_key, list, by_name> lists_;  // guarded by mutex_; no list is empty
};

event_emitter::event_emitter() : table_(std::make_unique<table>()) {}

event_emitter::~event_emitter() {
  for (const auto& k : table_->keys())
    table_->remove_all(k);
}

bool event_emitter::is_own(std::string_view name) noexcept {
  return name == "new_listener" || name == "remove_listener";
}

listener_id event_emitter::install(const key& k, std::shared_ptr<entry> listener) {
  if (is_own(k.name) && k.arguments != key_of(new_listener()).arguments) return 0;
  const listener_id id = listener->id = table_->next_id();
  tell(new_listener(), k.name, id);
  table_->add(k, std::move(listener));
  return id;
}

bool event_emitter::remove(const key& k, listener_id id) {
  if (!table_->remove(k, id)) return false;
  tell(listener_removed(), k.name, id);
  return true;
}

bool event_emitter::remove_all(const key& k) {
  const auto gone = table_->remove_all(k);
  if (!gone) return false;
  for (const auto& each : *gone)
    tell(listener_removed(), k.name, each->id);
  return true;
}

void event_emitter::remove_all_listeners() {
  const auto all = table_->keys();
  for (const bool own : {false, true}) {
    for (const auto& k : all) {
      if (is_own(k.name) == own) remove_all(k);
    }
  }
}

std::shared_ptr<const event_emitter::entries> event_emitter::find(const key& k) const {
  return table_->find(k);
}

std::vector<listener_id> event_emitter::ids(const key& k) const {
  std::vector<listener_id> all;
  if (const auto now = find(k)) {
    all.reserve(now->size());
    for (const auto& each : *now)
      all.push_back(each->id);
  }
  return all;
}

void event_emitter::tell(const own_event& what, std::string_view name, listener_id id) {
  emit_any<std::string_view, listener_id>(key_of(what), name, id);
}

}  // namespace vsoa
