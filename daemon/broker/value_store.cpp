#include "broker/value_store.hpp"

namespace vsoad {
namespace {

// Values with something waiting are passed over; rather than look through many of those, give up.
constexpr int max_passed_over = 16;

}  // namespace

value_store::value* value_store::touch(std::string_view url) {
  const auto found = values_.find(url);
  if (found != values_.end()) {
    by_age_.splice(by_age_.end(), by_age_, found->second.age);
    return &found->second;
  }
  const std::size_t bytes = url.size() + entry_bytes;
  if (!make_room(bytes, 1, nullptr)) return nullptr;
  bytes_ += bytes;
  const auto added = values_.try_emplace(std::string(url)).first;
  added->second.age = by_age_.insert(by_age_.end(), added->first);
  return &added->second;
}

const value_store::value* value_store::find(std::string_view url) const {
  const auto found = values_.find(url);
  return found == values_.end() ? nullptr : &found->second;
}

value_store::value* value_store::find(std::string_view url) {
  const auto found = values_.find(url);
  return found == values_.end() ? nullptr : &found->second;
}

bool value_store::put(value& of, std::optional<message> value::*which, vsoa::payload_view payload,
                      vsoa::channel via) {
  clear(of, which);
  const std::size_t bytes = payload.param.size() + payload.data.size();
  if (!make_room(bytes, 0, &of)) return false;
  bytes_ += bytes;
  (of.*which).emplace(payload, via);
  return true;
}

void value_store::clear(value& of, std::optional<message> value::*which) {
  if (!(of.*which)) return;
  bytes_ -= (of.*which)->bytes();
  (of.*which).reset();
}

void value_store::set_limit(std::size_t max_bytes) {
  max_bytes_ = max_bytes;
  (void)make_room(0, 0, nullptr);
}

bool value_store::make_room(std::size_t bytes, std::size_t urls, const value* except) {
  while (bytes_ + bytes > max_bytes_ || values_.size() + urls > max_urls_) {
    if (!forget_oldest(except)) return false;
  }
  return true;
}

bool value_store::forget_oldest(const value* except) {
  int passed_over = 0;
  for (const std::string_view url : by_age_) {
    const auto found = values_.find(url);
    value& oldest = found->second;
    if (!oldest.waiting && &oldest != except) {
      clear(oldest, &value::last);
      bytes_ -= url.size() + entry_bytes;
      by_age_.erase(oldest.age);
      values_.erase(found);
      return true;
    }
    if (++passed_over == max_passed_over) break;
  }
  return false;
}

}  // namespace vsoad
