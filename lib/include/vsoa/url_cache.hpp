// What has been found for the URLs asked last: one comparison instead of a search, for those who
// are asked for the same few URLs again and again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace vsoa {

namespace detail {

/// All bytes, eight at a time, without a secret: who makes two URLs collide gets a search for each.
inline std::size_t quick_url_hash(std::string_view url) noexcept {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  std::uint64_t h = url.size();
  const auto take = [&h](std::uint64_t word) {
    h = (h ^ word) * odd;
    h ^= h >> 29;
  };
  std::uint64_t word = 0;
  const char* at = url.data();
  std::size_t left = url.size();
  for (; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    take(word);
  }
  if (url.size() >= sizeof(word)) {
    std::memcpy(&word, url.data() + url.size() - sizeof(word), sizeof(word));
    take(word);
  } else {
    word = 0;
    for (const char c : url)
      word = word << 8 | static_cast<unsigned char>(c);
    take(word);
  }
  return static_cast<std::size_t>(h >> 32);
}

/// For the few bytes of a header or of most URLs, where memcmp's way to a decision takes longer
/// than its work.
inline bool same_bytes(const void* one, const void* other, std::size_t count) noexcept {
  const auto same = [&](auto word, std::size_t at) {
    auto theirs = word;
    std::memcpy(&word, static_cast<const char*>(one) + at, sizeof word);
    std::memcpy(&theirs, static_cast<const char*>(other) + at, sizeof theirs);
    return word == theirs;
  };
  // The last piece overlaps the one before it.
  constexpr std::size_t eight = sizeof(std::uint64_t);
  constexpr std::size_t four = sizeof(std::uint32_t);
  if (count >= eight) {
    std::size_t at = 0;
    for (; at + eight < count; at += eight) {
      if (!same(std::uint64_t{}, at)) return false;
    }
    return same(std::uint64_t{}, count - eight);
  }
  if (count >= four) return same(std::uint32_t{}, 0) && same(std::uint32_t{}, count - four);
  for (std::size_t at = 0; at < count; ++at) {
    if (!same(char{}, at)) return false;
  }
  return true;
}

}  // namespace detail

/// For one thread; stays where it is made. Takes 2.5 KiB, and what long URLs take besides.
template <class Value>
class url_cache {
 public:
  url_cache() = default;
  url_cache(const url_cache&) = delete;
  url_cache& operator=(const url_cache&) = delete;

  /// Longer URLs are searched for each time.
  static constexpr std::size_t longest_url = 256;

  /// The value of a URL: as remembered, else what `search(url)` answers, which is then remembered.
  /// Null is an answer like any other.
  template <class Search>
  const Value* find(std::string_view url, Search&& search) {
    if (is_last(url)) return last();
    if (url.empty() || url.size() > longest_url) return search(url);
    entry& place = entries_[detail::quick_url_hash(url) % entries_.size()];
    last_ = &place;
    if (place.url == url) return place.value;
    const Value* const found = search(url);
    place.url.clear();  // should there be no memory for the next
    place.value = found;
    place.url = url;
    return found;
  }
  /// Whether this is the URL whose value was found last: not even hashed.
  bool is_last(std::string_view url) const noexcept {
    return last_->url.size() == url.size() && !url.empty() &&
           detail::same_bytes(last_->url.data(), url.data(), url.size());
  }
  /// That value. @pre is_last()
  const Value* last() const noexcept { return last_->value; }

  /// Forgets all: before what was found changes.
  void clear() noexcept {
    for (entry& each : entries_)
      each.url.clear();
  }

 private:
  struct entry {
    std::string url;  // empty: nothing is remembered here
    const Value* value = nullptr;
  };
  std::array<entry, 64> entries_;
  entry* last_ = entries_.data();
};

}  // namespace vsoa
