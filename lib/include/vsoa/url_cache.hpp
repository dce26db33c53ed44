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

/// Looks at the length and the first and last eight bytes only: a collision costs a search.
inline std::size_t quick_url_hash(std::string_view url) noexcept {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (url.size() >= sizeof(first)) {
    std::memcpy(&first, url.data(), sizeof(first));
    std::memcpy(&last, url.data() + url.size() - sizeof(last), sizeof(last));
  } else {
    for (const char c : url)
      first = first << 8 | static_cast<unsigned char>(c);
  }
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  const std::uint64_t mixed = (first ^ (last * odd) ^ url.size()) * odd;
  return static_cast<std::size_t>(mixed >> 40);
}

}  // namespace detail

/// For one thread. Takes 2.5 KiB, and what long URLs take besides.
template <class Value>
class url_cache {
 public:
  /// Longer URLs are searched for each time.
  static constexpr std::size_t longest_url = 256;

  /// The value of a URL: as remembered, else what `search(url)` answers, which is then remembered.
  /// Null is an answer like any other.
  template <class Search>
  const Value* find(std::string_view url, Search&& search) {
    if (url.empty() || url.size() > longest_url) return search(url);
    entry& place = entries_[detail::quick_url_hash(url) % entries_.size()];
    if (place.url == url) return place.value;
    const Value* const found = search(url);
    place.url.clear();  // should there be no memory for the next
    place.value = found;
    place.url = url;
    return found;
  }
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
};

}  // namespace vsoa
