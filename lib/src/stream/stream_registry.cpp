#include "stream/stream_registry.hpp"

namespace vsoa {

stream_registry::place stream_registry::reserve(client_key client) {
  const std::lock_guard lock(mutex_);
  std::size_t* const of_client = closed_ ? nullptr : &per_client_[client];
  if (of_client == nullptr || reserved_ >= limits_.streams || *of_client >= limits_.per_client) {
    if (of_client != nullptr && *of_client == 0) per_client_.erase(client);
    ++refused_;
    return {};
  }
  ++*of_client;
  ++reserved_;
  ++opened_;
  return {shared_from_this(), client};
}

void stream_registry::release(client_key client) noexcept {
  const std::lock_guard lock(mutex_);
  --reserved_;
  const auto found = per_client_.find(client);
  if (found != per_client_.end() && --found->second == 0) per_client_.erase(found);
}

bool stream_registry::add(std::shared_ptr<tunnel> t, client_key client) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  const tunnel* const key = t.get();
  members_.emplace(key, member{std::move(t), client});
  return true;
}

void stream_registry::remove(const tunnel& t) noexcept {
  std::shared_ptr<tunnel> last;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(&t);
  if (found == members_.end()) return;
  last = std::move(found->second.what);
  members_.erase(found);
}

void stream_registry::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::vector<std::shared_ptr<tunnel>> stream_registry::of_loop(const net::loop& where) const {
  std::vector<std::shared_ptr<tunnel>> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, each] : members_) {
    if (&each.what->where() == &where) found.push_back(each.what);
  }
  return found;
}

void stream_registry::client_gone(client_key client) {
  std::vector<std::shared_ptr<tunnel>> found;
  {
    const std::lock_guard lock(mutex_);
    if (per_client_.find(client) == per_client_.end()) return;
    for (const auto& [key, each] : members_) {
      if (each.client == client && each.what->ends_with_client()) found.push_back(each.what);
    }
  }
  for (auto& each : found) {
    net::loop& where = each->where();
    where.post([t = std::move(each)] { t->abort_here(); });
  }
}

stream_registry::counts stream_registry::count() const noexcept {
  counts c{};
  {
    const std::lock_guard lock(mutex_);
    c.now = reserved_;
  }
  c.opened = opened_;
  c.refused = refused_;
  c.timeouts = timeouts_;
  c.strangers = strangers_;
  c.received = received_;
  c.sent = sent_;
  c.queued = queued_;
  return c;
}

}  // namespace vsoa
