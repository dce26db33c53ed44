// Values by URL pattern, found for a URL in one pass over its bytes, whatever the number of
// patterns. Patterns are those of url_matches(): "/" all, "X/" a subtree, anything else exactly
// itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// Owns nodes, which stay where they are, and finds them by their `hash`. What is looked through is
/// one array of hashes and pointers: what is not there costs one place of it, what is there its
/// node besides, and no chain of nodes, each of which may have to come from memory.
template <class Node>
class hashed_nodes {
 public:
  hashed_nodes() = default;
  hashed_nodes(hashed_nodes&& other) noexcept
      : slots_(std::move(other.slots_)), size_(std::exchange(other.size_, 0)) {}
  hashed_nodes(const hashed_nodes& other) : slots_(other.slots_.size()) {
    other.for_each([this](const Node& n) { place(std::make_unique<Node>(n)); });
  }
  hashed_nodes& operator=(hashed_nodes other) noexcept {
    slots_.swap(other.slots_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~hashed_nodes() = default;

  std::size_t size() const noexcept { return size_; }

  /// The node of this hash for which is(node) holds; null: none.
  template <class Is>
  Node* find(std::size_t hash, Is&& is) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = home(hash);; i = behind(i)) {
      const slot& s = slots_[i];
      if (s.node == nullptr) return nullptr;
      if (s.hash == hash && is(std::as_const(*s.node))) return s.node.get();
    }
  }

  Node& insert(std::unique_ptr<Node> n) {
    if (2 * (size_ + 1) > slots_.size()) resize(slots_.empty() ? fewest : 2 * slots_.size());
    return place(std::move(n));
  }

  /// @pre `n` is one of these
  void erase(const Node& n) noexcept {
    std::size_t gap = home(n.hash);
    while (slots_[gap].node.get() != &n)
      gap = behind(gap);
    const auto gone = std::move(slots_[gap].node);
    --size_;
    // What has been put further on for want of room there moves up, so that a search never stops
    // short of it.
    for (std::size_t i = behind(gap); slots_[i].node != nullptr; i = behind(i)) {
      if (distance(home(slots_[i].hash), i) < distance(gap, i)) continue;
      slots_[gap] = std::move(slots_[i]);
      gap = i;
    }
    if (slots_.size() == fewest || 8 * size_ >= slots_.size()) return;
    try {
      resize(slots_.size() / 2);
    } catch (const std::bad_alloc&) {  // then it stays large
    }
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const slot& s : slots_) {
      if (s.node != nullptr) visit(std::as_const(*s.node));
    }
  }

 private:
  static constexpr std::size_t fewest = 8;

  struct slot {
    std::size_t hash = 0;
    std::unique_ptr<Node> node;
  };

  // There are two to some power of slots, half of them empty.
  std::size_t home(std::size_t hash) const noexcept { return hash & (slots_.size() - 1); }
  std::size_t behind(std::size_t i) const noexcept { return (i + 1) & (slots_.size() - 1); }
  std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return (to - from) & (slots_.size() - 1);
  }

  Node& place(std::unique_ptr<Node> n) noexcept {
    std::size_t i = home(n->hash);
    while (slots_[i].node != nullptr)
      i = behind(i);
    slots_[i] = {n->hash, std::move(n)};
    ++size_;
    return *slots_[i].node;
  }

  void resize(std::size_t count) {
    std::vector<slot> before(count);
    slots_.swap(before);
    size_ = 0;
    for (slot& s : before) {
      if (s.node != nullptr) place(std::move(s.node));
    }
  }

  std::vector<slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace detail

/// Not synchronised: shared instances must not change. A value stays where it is until it is
/// erased.
template <class Value>
class url_map {
 public:
  /// The value of a pattern, made when there is none.
  Value& operator[](std::string_view pattern) {
    const std::size_t hash = detail::prefix_hasher::of(pattern);
    if (node* const known = exact(pattern, hash)) return known->value;
    Value& made =
        nodes_.insert(std::make_unique<node>(node{std::string(pattern), hash, Value{}})).value;
    if (pattern.ends_with('/') && pattern.size() > longest_subtree_) {
      longest_subtree_ = pattern.size();
    }
    return made;
  }

  /// The value of exactly this pattern; null: none.
  Value* find(std::string_view pattern) {
    node* const found = exact(pattern, detail::prefix_hasher::of(pattern));
    return found == nullptr ? nullptr : &found->value;
  }
  /// The same.
  const Value* find(std::string_view pattern) const {
    return const_cast<url_map*>(this)->find(pattern);
  }

  /// False: there was none.
  bool erase(std::string_view pattern) {
    const node* const found = exact(pattern, detail::prefix_hasher::of(pattern));
    if (found != nullptr) nodes_.erase(*found);
    return found != nullptr;
  }

  /// Calls visit(pattern, value) for every pattern that takes `url`: subtrees from "/" down, then,
  /// for the URL itself, "url/" last but one and "url" last. So the last visited is the most
  /// specific.
  template <class Visit>
  void for_each_match(std::string_view url, Visit&& visit) const {
    const auto look = [&](const node* found) {
      if (found != nullptr) visit(std::string_view(found->pattern), found->value);
    };
    detail::prefix_hasher hash;
    std::size_t begin = 0;  // of the segment
    for (std::size_t slash; (slash = url.find('/', begin)) != url.npos; begin = slash + 1) {
      hash.add(url.substr(begin, slash - begin));
      if (slash + 1 < url.size() && slash < longest_subtree_) {
        look(exact(url.substr(0, slash + 1), hash.value()));
      }
    }
    const std::string_view last = url.substr(begin);
    if (url.size() < longest_subtree_) look(subtree(url, hash.with(last, true)));
    look(exact(url, last.empty() ? hash.value() : hash.with(last, false)));
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
    if (const node* const n = exact(url, detail::prefix_hasher::of(url)))
      return {n->pattern, &n->value};
    match best;
    for_each_match(url, [&](std::string_view pattern, const Value& v) { best = {pattern, &v}; });
    return best;
  }

  /// How many patterns there are.
  std::size_t size() const noexcept { return nodes_.size(); }
  /// Whether there is none.
  bool empty() const noexcept { return size() == 0; }
  /// Calls visit(pattern, value) for each, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    nodes_.for_each([&](const node& n) { visit(std::string_view(n.pattern), n.value); });
  }

 private:
  struct node {
    std::string pattern;
    std::size_t hash;
    Value value;
  };

  node* exact(std::string_view text, std::size_t hash) const {
    return nodes_.find(hash, [&](const node& n) { return n.pattern == text; });
  }
  // text + "/"
  const node* subtree(std::string_view text, std::size_t hash) const {
    return nodes_.find(hash, [&](const node& n) {
      return n.pattern.size() == text.size() + 1 && n.pattern.back() == '/' &&
             n.pattern.starts_with(text);
    });
  }

  detail::hashed_nodes<node> nodes_;
  std::size_t longest_subtree_ = 0;  // prefixes longer than this need not be looked up
};

}  // namespace vsoa
