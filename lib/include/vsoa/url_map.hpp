// Values by URL pattern, found for a URL in one pass over its bytes, whatever the number of
// patterns. Patterns are those of url_matches(): "/" all, "X/" a subtree, anything else exactly
// itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "vsoa/export.hpp"

namespace vsoa {

namespace detail {

VSOA_API std::array<std::uint64_t, 4> random_hash_keys() noexcept;

/// A hash of every prefix of a URL that ends with a segment, at the price of one: segment by
/// segment, eight bytes at a time, by multiplications with keys drawn at random, so that nobody can
/// choose URLs that collide.
class prefix_hasher {
 public:
  prefix_hasher() noexcept : state_(keys()[0]) {}

  /// The hash of what has been added, and `segment` behind it, with the slash that ends it or
  /// without.
  std::size_t with(std::string_view segment, bool slash) const noexcept {
    const auto& key = keys();
    std::uint64_t h = state_;
    const char* at = segment.data();
    std::size_t left = segment.size();
    for (; left > 8; at += 8, left -= 8)
      h = mix(h ^ load<std::uint64_t>(at), key[1]);
    // The length goes in behind the bytes: in one word with them, the one could undo the others.
    h = mix(h ^ tail(at, left), key[2]);
    return mix(h ^ (std::uint64_t{segment.size()} << 1 | (slash ? 1U : 0U)), key[3]);
  }
  /// Adds a segment and the slash that ends it.
  void add(std::string_view segment) noexcept { state_ = with(segment, true); }

  static std::size_t of(std::string_view text) noexcept {
    prefix_hasher h;
    for (std::size_t slash; (slash = text.find('/')) != text.npos; text.remove_prefix(slash + 1))
      h.add(text.substr(0, slash));
    return text.empty() ? h.state_ : h.with(text, false);
  }
  std::size_t value() const noexcept { return state_; }

 private:
  __extension__ using uint128 = unsigned __int128;
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    const uint128 product = static_cast<uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  template <class Word>
  static std::uint64_t load(const char* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }
  // 0..8 bytes; no two of one number are alike.
  static std::uint64_t tail(const char* at, std::size_t count) noexcept {
    if (count >= 4) {
      return load<std::uint32_t>(at) | load<std::uint32_t>(at + count - 4) << 32;
    }
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < count; ++i)
      word = word << 8 | static_cast<unsigned char>(at[i]);
    return word;
  }
  static const std::array<std::uint64_t, 4>& keys() noexcept {
    static const std::array<std::uint64_t, 4> chosen = random_hash_keys();
    return chosen;
  }
  std::uint64_t state_;
};

}  // namespace detail

/// Not synchronised: shared instances must not change.
template <class Value>
class url_map {
 public:
  /// The value of a pattern, made when there is none.
  Value& operator[](std::string_view pattern) {
    const auto found = find_node(pattern, detail::prefix_hasher::of(pattern));
    if (found != map_.end()) return found->second;
    if (pattern.ends_with('/') && pattern.size() > longest_subtree_) {
      longest_subtree_ = pattern.size();
    }
    return map_.try_emplace(std::string(pattern)).first->second;
  }

  /// The value of exactly this pattern; null: none.
  Value* find(std::string_view pattern) {
    const auto found = find_node(pattern, detail::prefix_hasher::of(pattern));
    return found == map_.end() ? nullptr : &found->second;
  }
  /// The same.
  const Value* find(std::string_view pattern) const {
    return const_cast<url_map*>(this)->find(pattern);
  }

  /// False: there was none.
  bool erase(std::string_view pattern) {
    const auto found = find_node(pattern, detail::prefix_hasher::of(pattern));
    if (found == map_.end()) return false;
    map_.erase(found);
    return true;
  }

  /// Calls visit(pattern, value) for every pattern that takes `url`: subtrees from "/" down, then,
  /// for the URL itself, "url/" last but one and "url" last. So the last visited is the most
  /// specific.
  template <class Visit>
  void for_each_match(std::string_view url, Visit&& visit) const {
    detail::prefix_hasher hash;
    std::size_t begin = 0;  // of the segment
    for (std::size_t slash; (slash = url.find('/', begin)) != url.npos; begin = slash + 1) {
      hash.add(url.substr(begin, slash - begin));
      if (slash + 1 < url.size() && slash < longest_subtree_) {
        look(url.substr(0, slash + 1), hash.value(), visit);
      }
    }
    const std::string_view last = url.substr(begin);
    if (url.size() < longest_subtree_) {
      const auto found = map_.find(subtree_key{url, hash.with(last, true)});
      if (found != map_.end()) visit(std::string_view(found->first), found->second);
    }
    look(url, last.empty() ? hash.value() : hash.with(last, false), visit);
  }

  /// A pattern that takes a URL, and its value.
  struct match {
    std::string_view pattern;      ///< as it was put in
    const Value* value = nullptr;  ///< null: none takes the URL
    /// Whether there is one.
    explicit operator bool() const noexcept { return value != nullptr; }
  };
  /// The most specific pattern that takes `url`: exact, else the longest subtree, "/" last.
  match best_match(std::string_view url) const {
    const auto exact = map_.find(key{url, detail::prefix_hasher::of(url)});
    if (exact != map_.end()) return {exact->first, &exact->second};
    match best;
    for_each_match(url, [&](std::string_view pattern, const Value& v) { best = {pattern, &v}; });
    return best;
  }

  /// How many patterns there are.
  std::size_t size() const noexcept { return map_.size(); }
  /// Whether there is none.
  bool empty() const noexcept { return map_.empty(); }
  /// Pattern and value, in no order.
  auto begin() const noexcept { return map_.begin(); }
  /// Behind the last.
  auto end() const noexcept { return map_.end(); }

 private:
  struct key {
    std::string_view text;
    std::size_t hash;
  };
  struct subtree_key {  // text + "/"
    std::string_view text;
    std::size_t hash;
  };
  struct hasher {
    using is_transparent = void;
    std::size_t operator()(const std::string& s) const noexcept {
      return detail::prefix_hasher::of(s);
    }
    std::size_t operator()(const key& k) const noexcept { return k.hash; }
    std::size_t operator()(const subtree_key& k) const noexcept { return k.hash; }
  };
  struct equal {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const noexcept { return a == b; }
    bool operator()(const key& a, const std::string& b) const noexcept { return a.text == b; }
    bool operator()(const std::string& a, const key& b) const noexcept { return a == b.text; }
    bool operator()(const subtree_key& a, const std::string& b) const noexcept {
      return b.size() == a.text.size() + 1 && b.back() == '/' && b.starts_with(a.text);
    }
    bool operator()(const std::string& a, const subtree_key& b) const noexcept {
      return (*this)(b, a);
    }
  };
  using map = std::unordered_map<std::string, Value, hasher, equal>;

  typename map::iterator find_node(std::string_view text, std::size_t hash) {
    return map_.find(key{text, hash});
  }

  template <class Visit>
  void look(std::string_view text, std::size_t hash, Visit& visit) const {
    const auto found = map_.find(key{text, hash});
    if (found != map_.end()) visit(std::string_view(found->first), found->second);
  }

  map map_;
  std::size_t longest_subtree_ = 0;  // prefixes longer than this need not be looked up
};

}  // namespace vsoa
