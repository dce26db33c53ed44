#include "vsoa/stream.hpp"

#include <utility>

#include "stream/stream_impl.hpp"

namespace vsoa {

stream::stream(std::shared_ptr<stream_impl> impl) noexcept : impl_(std::move(impl)) {}

std::size_t stream::send(std::span<const std::byte> bytes) const {
  return impl_ ? impl_->send(bytes) : 0;
}
bool stream::is_writable() const {
  return impl_ && impl_->is_writable();
}
void stream::pause() const {
  if (impl_) impl_->set_paused(true);
}
void stream::resume() const {
  if (impl_) impl_->set_paused(false);
}
void stream::shutdown_write() const {
  if (impl_) impl_->shutdown_write();
}
void stream::close() const {
  if (impl_) impl_->close();
}
void stream::abort() const {
  if (impl_) impl_->abort();
}
void stream::set_keepalive(std::chrono::seconds idle) const {
  if (impl_) impl_->set_keepalive(idle);
}
void stream::set_send_timeout(std::chrono::milliseconds timeout) const {
  if (impl_) impl_->set_send_timeout(timeout);
}
bool stream::is_connected() const noexcept {
  return impl_ && impl_->is_connected();
}
std::error_code stream::error() const noexcept {
  return impl_ ? impl_->error() : std::error_code{};
}
stream_counters stream::counters() const noexcept {
  return impl_ ? impl_->counters() : stream_counters{};
}
socket_address stream::peer() const {
  return impl_ ? impl_->peer() : socket_address{};
}

}  // namespace vsoa
