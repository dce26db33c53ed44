// Events with listeners, in the manner of Node.js, but with arguments that the compiler checks. An
// event is a name and the types of its arguments; two of one name and other types are two events.
//
//     const vsoa::event<int, std::string_view> moved("moved");
//     emitter.on(moved, [](int distance, std::string_view unit) { ... });
//     emitter.emit(moved, 5, "m");
//
// Threads: all members may be called from any thread, listeners included. Listeners run on the
// thread that calls emit(), without a lock held, so one listener may run on several threads at the
// same time if several emit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "vsoa/export.hpp"

namespace vsoa {

/// Names one event: what it is called, and the arguments of its listeners.
template <class... Args>
class event {
 public:
  static_assert((!std::is_rvalue_reference_v<Args> && ...),
                "each listener gets the same arguments: none may take them away");
  /// What is called.
  using listener = std::function<void(Args...)>;

  /// Any name but those of the own events of event_emitter.
  explicit event(std::string name) : name_(std::move(name)) {}
  /// As given.
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

/// One installation of a listener on one emitter. 0 is never one.
using listener_id = std::uint64_t;

/// Listeners by event; see the head of this file. Users may inherit from it.
class VSOA_API event_emitter {
 public:
  event_emitter();
  /// Removes all listeners without telling anybody. An emitter may be destroyed by one of its
  /// listeners; those behind it do not run then.
  virtual ~event_emitter();
  event_emitter(const event_emitter&) = delete;
  event_emitter& operator=(const event_emitter&) = delete;

  /// The emitter's own events, "new_listener" and "remove_listener": before a listener is
  /// installed, and after one has been removed. Listeners get the event's name and the id. Nobody
  /// else can emit them, and no other event has their names.
  using own_event = event<std::string_view, listener_id>;
  /// A listener is about to be installed.
  static own_event new_listener() { return own_event("new_listener"); }
  /// A listener has been removed.
  static own_event listener_removed() { return own_event("remove_listener"); }

  /// Installs a listener behind those that are there. An emit() that is under way does not call it.
  /// @return 0, and nothing happens: the function is empty, or the name is that of one of the
  ///         emitter's own events and the arguments are not
  template <class... Args>
  listener_id add_listener(const event<Args...>& e,
                           std::type_identity_t<std::function<void(Args...)>> listener) {
    return install(e, std::move(listener), false);
  }
  /// The same by a shorter name.
  template <class... Args>
  listener_id on(const event<Args...>& e,
                 std::type_identity_t<std::function<void(Args...)>> listener) {
    return install(e, std::move(listener), false);
  }
  /// The same, but it is removed before it is called: it runs once, also when several threads emit.
  template <class... Args>
  listener_id once(const event<Args...>& e,
                   std::type_identity_t<std::function<void(Args...)>> listener) {
    return install(e, std::move(listener), true);
  }

  /// Removes one listener. It does not begin to run after this, not even in an emit() that is under
  /// way; where another thread is inside it, that is not waited for.
  /// @return false: there is none of this id on this event
  template <class... Args>
  bool remove_listener(const event<Args...>& e, listener_id id) {
    return remove(key_of(e), id);
  }
  /// Removes all listeners of an event. False: it had none.
  template <class... Args>
  bool remove_listener(const event<Args...>& e) {
    return remove_all(key_of(e));
  }
  /// The same.
  template <class... Args>
  void remove_all_listeners(const event<Args...>& e) {
    remove_all(key_of(e));
  }
  /// Removes all listeners of all events, those of the emitter's own events last.
  void remove_all_listeners();

  /// Of this event.
  template <class... Args>
  std::size_t listener_count(const event<Args...>& e) const {
    return ids(key_of(e)).size();
  }
  /// In the order of installation.
  template <class... Args>
  std::vector<listener_id> listeners(const event<Args...>& e) const {
    return ids(key_of(e));
  }

  /// Calls the listeners of `e` that are installed now, in the order of installation, with these
  /// arguments; the event outlives this. What a listener throws leaves emit(), and those behind it
  /// are not called. Allocates nothing.
  /// @return whether there were any; false, and none is called, for the emitter's own events
  template <class... Args>
  bool emit(const event<Args...>& e, std::type_identity_t<Args>... args) {
    return !is_own(e.name()) && emit_any<Args...>(key_of(e), args...);
  }

 private:
  struct key {
    std::string_view name;
    std::type_index arguments;
  };
  struct entry {
    explicit entry(bool runs_once) : once(runs_once) {}
    virtual ~entry() = default;
    listener_id id = 0;
    const bool once;
    std::atomic<bool> removed{false};
  };
  template <class... Args>
  struct entry_for final : entry {
    entry_for(std::function<void(Args...)> f, bool runs_once)
        : entry(runs_once), function(std::move(f)) {}
    const std::function<void(Args...)> function;
  };
  // Never changes once made: emit() goes through one without a lock.
  using entries = std::vector<std::shared_ptr<entry>>;
  class table;

  template <class... Args>
  static key key_of(const event<Args...>& e) {
    return {e.name(), typeid(void (*)(Args...))};
  }
  static bool is_own(std::string_view name) noexcept;

  template <class... Args>
  listener_id install(const event<Args...>& e, std::function<void(Args...)> f, bool runs_once) {
    if (!f) return 0;
    return install(key_of(e), std::make_shared<entry_for<Args...>>(std::move(f), runs_once));
  }
  template <class... Args>
  bool emit_any(const key& k, Args&... args) {
    const std::shared_ptr<const entries> now = find(k);
    if (!now) return false;
    for (const auto& each : *now) {
      // In this order: where a listener has destroyed the emitter, all are removed.
      if (each->removed.load(std::memory_order_acquire)) continue;
      if (each->once && !remove(k, each->id)) continue;
      // The key holds the types, so this is what it is.
      static_cast<const entry_for<Args...>&>(*each).function(args...);
    }
    return true;
  }

  listener_id install(const key& k, std::shared_ptr<entry> listener);
  bool remove(const key& k, listener_id id);
  bool remove_all(const key& k);
  std::shared_ptr<const entries> find(const key& k) const;  // null: none
  std::vector<listener_id> ids(const key& k) const;
  void tell(const own_event& what, std::string_view name, listener_id id);

  std::unique_ptr<table> table_;
};

}  // namespace vsoa
