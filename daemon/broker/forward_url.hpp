// URLs on their way to an upstream server and back, of one forwarded command or subtree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vsoad {

class forward_url {
 public:
  forward_url() = default;
  /// @param url     of the `commands` entry: "/a" or the subtree "/a/"
  /// @param strips  whether upstream sees the URLs without "/a"; of a subtree only
  forward_url(std::string url, bool strips);

  /// What upstream calls a URL that the entry takes.
  std::string_view to_upstream(std::string_view url) const noexcept {
    if (!strips_) return url;
    url.remove_prefix(url.size() < point_ ? url.size() : point_);
    return url.empty() ? std::string_view("/") : url;
  }

  /// What our clients call a URL of upstream's. Empty: the entry does not take it.
  /// @param scratch  memory for it
  std::string_view to_ours(std::string_view url, std::string& scratch) const;

  /// What must be subscribed to upstream for all that a subscription of ours takes below the entry.
  /// Nothing: it takes nothing there. A subscription to exactly "/a" of a stripped "/a/" is one of
  /// these: its URL is "/" upstream, to which nobody can subscribe alone.
  std::optional<std::string> subscription(std::string_view pattern) const;

 private:
  std::string url_;
  bool strips_ = false;
  std::size_t point_ = 0;  // bytes of "/a"
};

}  // namespace vsoad
