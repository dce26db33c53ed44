// Who is subscribed to what, on one loop. The loop's thread changes and reads it; other threads may
// ask, so changes are made under the owner's lock (see shard).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/url_map.hpp"

namespace vsoa {

class session;

class subscriptions {
 public:
  /// A subscribed URL and who has it. Its address stays while anybody does.
  struct topic {
    std::string url;
    std::vector<session*> sessions;
  };
  /// What a session keeps of its own subscriptions.
  using list = std::vector<topic*>;

  bool add(std::string_view url, session& s, list& own);     ///< false: had it already
  bool remove(std::string_view url, session& s, list& own);  ///< false: had it not
  void remove_all(session& s, list& own);
  bool has(std::string_view url) const;  ///< some pattern takes `url`
  bool contains(std::string_view pattern) const { return topics_.find(pattern) != nullptr; }
  bool empty() const noexcept { return topics_.empty(); }
  std::size_t size() const noexcept { return topics_.size(); }  ///< different URLs
  /// How many sessions have exactly this one.
  std::size_t subscribers(std::string_view pattern) const {
    const topic* const t = topics_.find(pattern);
    return t == nullptr ? 0 : t->sessions.size();
  }
  /// Calls visit(const topic&) for each.
  template <class Visit>
  void for_each(Visit&& visit) const {
    topics_.for_each([&](std::string_view, const topic& t) { visit(t); });
  }

  /// Who gets a publish on a URL: each session once, of higher priority first, then in order of
  /// connection.
  struct audience {
    std::string url;
    std::vector<session*> sessions;
    std::uint64_t version = 0;
  };
  /// Valid until the next change, or the next match of another URL. Remembers the answers for the
  /// URLs asked last.
  const audience& match(std::string_view url);
  /// Priorities have changed: remembered answers are void.
  void invalidate() noexcept { ++version_; }

 private:
  static constexpr std::size_t remembered_count = 128;

  void leave(topic& t, session& s);
  void collect(std::string_view url, std::vector<session*>& into) const;

  url_map<topic> topics_;
  std::uint64_t version_ = 1;
  std::array<audience, remembered_count> cache_;
};

}  // namespace vsoa
