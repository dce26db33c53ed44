// Values by URL pattern, found for a URL in one pass over its bytes, whatever the number of
// patterns. Patterns are those of url_matches(): "/" all, "X/" a subtree, anything else exactly
// itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace vsoa {

namespace detail {

/// A hash of every prefix at the price of one: a polynomial modulo 2^61-1 at a random point, so
/// that nobody can choose URLs that collide.
class prefix_hasher {
 public:
  void add(char c) noexcept {
    const auto product = static_cast<uint128>(value_) * base_ + static_cast<unsigned char>(c) + 1;
    const std::uint64_t folded =
        static_cast<std::uint64_t>(product & modulus) + static_cast<std::uint64_t>(product >> 61);
    value_ = folded >= modulus ? folded - modulus : folded;
  }
  std::size_t value() const noexcept { return value_; }
  static std::size_t of(std::string_view text) noexcept {
    prefix_hasher h;
    for (const char c : text)
      h.add(c);
    return h.value();
  }

 private:
  static constexpr std::uint64_t modulus = (std::uint64_t{1} << 61) - 1;
  __extension__ using uint128 = unsigned __int128;
  static std::uint64_t base() noexcept;
  std::uint64_t base_ = base();
  std::uint64_t value_ = 0;
};

std::uint64_t random_hash_base() noexcept;

inline std::uint64_t prefix_hasher::base() noexcept {
  static const std::uint64_t chosen = random_hash_base();
  return chosen;
}

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

  Value* find(std::string_view pattern) {
    const auto found = find_node(pattern, detail::prefix_hasher::of(pattern));
    return found == map_.end() ? nullptr : &found->second;
  }
  const Value* find(std::string_view pattern) const {
    return const_cast<url_map*>(this)->find(pattern);
  }

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
    for (std::size_t i = 0; i < url.size(); ++i) {
      hash.add(url[i]);
      if (url[i] != '/' || i + 1 == url.size() || i >= longest_subtree_) continue;
      look(url.substr(0, i + 1), hash.value(), visit);
    }
    if (url.size() < longest_subtree_) {
      detail::prefix_hasher below = hash;
      below.add('/');
      const auto found = map_.find(subtree_key{url, below.value()});
      if (found != map_.end()) visit(std::string_view(found->first), found->second);
    }
    look(url, hash.value(), visit);
  }

  struct match {
    std::string_view pattern;
    const Value* value = nullptr;
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

  std::size_t size() const noexcept { return map_.size(); }
  bool empty() const noexcept { return map_.empty(); }
  auto begin() const noexcept { return map_.begin(); }
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
