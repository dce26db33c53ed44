// What topics remember of URLs: the last value, and the one that waits for its time. Bounded in
// number and in bytes; the URL that has been silent for longest is forgotten first. No clock, no
// lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vsoa/packet.hpp"

namespace vsoad {

/// A message that is kept.
struct message {
  std::string param;
  std::vector<std::byte> data;
  vsoa::channel via = vsoa::channel::normal;

  message(vsoa::payload_view p, vsoa::channel v)
      : param(p.param), data(p.data.begin(), p.data.end()), via(v) {}
  vsoa::payload_view payload() const noexcept { return {param, data}; }
  std::size_t bytes() const noexcept { return param.size() + data.size(); }
};

class value_store {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  struct value {
    std::optional<message> last;
    std::optional<message> waiting;  // never forgotten while it is set
    time_point next_time{};          // the next publish is not due before

   private:
    friend class value_store;
    std::list<std::string_view>::iterator age;
  };

  /// @param max_bytes  of URLs, messages and what it takes to keep them
  value_store(std::size_t max_urls, std::size_t max_bytes)
      : max_urls_(max_urls), max_bytes_(max_bytes) {}

  /// The value of a URL, made if need be; it is now the youngest. Null: no room. Valid until the
  /// next touch() or put() of another URL.
  value* touch(std::string_view url);
  const value* find(std::string_view url) const;
  value* find(std::string_view url);
  /// Fills one of the two messages of a value. False: no room, it is empty now.
  bool put(value& of, std::optional<message> value::*which, vsoa::payload_view payload,
           vsoa::channel via);
  void clear(value& of, std::optional<message> value::*which);
  /// Forgets the last values of the URLs for which `unwanted(url)` holds.
  template <class Unwanted>
  void forget_last_if(Unwanted&& unwanted) {
    for (auto& [url, v] : values_) {
      if (v.last && unwanted(std::string_view(url))) clear(v, &value::last);
    }
  }
  /// Forgets the oldest until the rest fits.
  void set_limit(std::size_t max_bytes);

  /// Calls visit(url, message) for every last value.
  template <class Visit>
  void for_each_last(Visit&& visit) const {
    for (const auto& [url, v] : values_) {
      if (v.last) visit(std::string_view(url), *v.last);
    }
  }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  struct by_text {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  static constexpr std::size_t entry_bytes = 256;  // of a value without messages

  bool make_room(std::size_t bytes, std::size_t urls, const value* except);
  bool forget_oldest(const value* except);

  const std::size_t max_urls_;
  std::size_t max_bytes_;
  std::unordered_map<std::string, value, by_text, std::equal_to<>> values_;
  std::list<std::string_view> by_age_;  // oldest first; keys of values_
  std::size_t bytes_ = 0;
};

}  // namespace vsoad
