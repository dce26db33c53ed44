#include "broker/forward_url.hpp"

#include <utility>

#include "vsoa/url.hpp"

namespace vsoad {

forward_url::forward_url(std::string url, bool strips)
    : url_(std::move(url)), strips_(strips && url_.ends_with('/')) {
  point_ = url_.ends_with('/') ? url_.size() - 1 : url_.size();
}

std::string_view forward_url::to_ours(std::string_view url, std::string& scratch) const {
  if (!strips_) return vsoa::url_matches(url_, url) ? url : std::string_view();
  scratch.assign(url_, 0, point_).append(url);
  return scratch;
}

std::optional<std::string> forward_url::subscription(std::string_view pattern) const {
  const bool is_subtree = url_.ends_with('/');
  if (!is_subtree) {
    if (vsoa::url_matches(pattern, url_)) return url_;
    return {};
  }
  if (pattern.ends_with('/') && url_.starts_with(pattern)) {
    return strips_ ? std::string("/") : url_;
  }
  if (pattern.starts_with(url_)) return std::string(strips_ ? pattern.substr(point_) : pattern);
  if (!strips_ && pattern == std::string_view(url_).substr(0, point_)) return std::string(pattern);
  return {};
}

}  // namespace vsoad
