// What a stream sends: from the loop and from other threads, and what waits for the kernel.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "stream/stream_impl.hpp"

namespace vsoa {

std::size_t stream_impl::send(std::span<const std::byte> bytes) {
  if (!is_connected() || said_all_.load(std::memory_order_acquire) || bytes.empty()) return 0;
  bytes = bytes.first(std::min(bytes.size(), stream::max_piece));
  return is_all_here() ? send_here(bytes) : send_from_outside(bytes);
}

bool stream_impl::is_writable() {
  if (!is_connected() || said_all_.load(std::memory_order_acquire)) return false;
  if (!is_all_here()) {
    if (queued_.load() < options_.outbox) return true;
    want_writable();
    return false;
  }
  if (is_writable_here()) return true;
  was_full_.store(true);
  wait_writable();
  return false;
}

// Whether this is the loop, and nothing that other threads have sent is on the way to it, behind
// which what is sent now must stay.
bool stream_impl::is_all_here() const noexcept {
  return loop_.is_here() && queued_.load() == outbox_.bytes();
}

// Stricter than send(): what is queued here can't leave before the kernel says so, and to queue
// more behind it would only be to copy it.
bool stream_impl::is_writable_here() const noexcept {
  return queued_.load(std::memory_order_relaxed) == 0 && budget_ != 0;
}

std::size_t stream_impl::send_here(std::span<const std::byte> bytes) {
  if (queued_.load(std::memory_order_relaxed) < options_.outbox && budget_ != 0) {
    std::size_t done = 0;
    if (queued_.load(std::memory_order_relaxed) == 0 && !waiting_writable_) {
      iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
      const auto result = write({&part, 1});
      if (result.what == net::transport::outcome::failed) return 0;
      done = result.bytes;
    }
    if (done != bytes.size()) {
      const auto rest = bytes.subspan(done);
      net::chunk_ptr block = net::chunk::allocate(rest.size());
      std::memcpy(block->extend(rest.size()), rest.data(), rest.size());
      queued_.fetch_add(rest.size());
      owner_->count_queued(rest.size());
      outbox_.append({std::move(block), 0, static_cast<std::uint32_t>(rest.size())});
      wait_writable();
    }
  } else {
    bytes = {};
  }
  if (!is_writable_here()) {
    was_full_.store(true);
    wait_writable();
  }
  return bytes.size();
}

std::size_t stream_impl::send_from_outside(std::span<const std::byte> bytes) {
  if (queued_.load() >= options_.outbox) {
    want_writable();
    return 0;
  }
  net::chunk_ptr block = net::chunk::allocate(bytes.size());
  std::memcpy(block->extend(bytes.size()), bytes.data(), bytes.size());
  owner_->count_queued(bytes.size());
  queued_.fetch_add(bytes.size());
  loop_.post([self = shared_from_this(),
              piece = net::slice{std::move(block), 0,
                                 static_cast<std::uint32_t>(bytes.size())}]() mutable {
    self->take_in(std::move(piece));
  });
  return bytes.size();
}

// Not on the loop, or behind what is on the way to it.
void stream_impl::want_writable() {
  was_full_.store(true);
  // What filled it may have left before the loop could know that somebody waits.
  if (queued_.load() < options_.outbox) {
    loop_.post([self = shared_from_this()] { self->tell_writable(); });
  }
}

void stream_impl::take_in(net::slice piece) {
  if (!transport_ || output_ended_) return forget_queued(piece.size());
  outbox_.append(piece);
  piece = {};
  if (waiting_writable_) return wait_writable();
  flush();
  update_interest();
}

// The outbox does not hold them any more.
void stream_impl::forget_queued(std::size_t bytes) noexcept {
  queued_.fetch_sub(bytes);
  owner_->count_queued(std::uint64_t{0} - bytes);
}

/// Writes once; what fails is told soon.
net::transport::result stream_impl::write(std::span<iovec> parts) {
  const auto result = transport_.write(parts);
  if (result.what == net::transport::outcome::failed) {
    fail_soon(errno);
    return result;
  }
  sent_ += result.bytes;
  owner_->count_sent(result.bytes);
  budget_ -= std::min(budget_, result.bytes);
  if (result.bytes != 0) blocked_since_ = net::steady_time::max();
  return result;
}

void stream_impl::flush() {
  while (!outbox_.empty()) {
    if (budget_ == 0) return wait_writable();
    std::array<iovec, net::outbox::max_parts> parts;
    const auto wanted = std::span(parts).first(outbox_.gather(parts));
    const auto result = write(wanted);
    if (result.what == net::transport::outcome::failed) return;
    outbox_.consume(result.bytes);
    forget_queued(result.bytes);
    if (result.what == net::transport::outcome::blocked) return wait_writable();
  }
  flushed();
}

void stream_impl::flush_last() {
  if (!is_connected() || !outbox_.empty()) return;
  flush();
  update_interest();
}

void stream_impl::flushed() {
  blocked_since_ = net::steady_time::max();
  if (is_last_ && queued_.load() == 0) return end_output();
  tell_writable();
}

void stream_impl::end_output() {
  if (!output_ended_) transport_.shutdown_write();
  output_ended_ = true;
  if (!input_ended_ && state_ != state::closing) return;
  // The goodbye that TLS may still have to say must not be cut off by the socket's end.
  if (input_ended_ && !transport_.wants_write()) return finish({});
  if (linger_until_ != net::steady_time::max()) return;
  linger_until_ = net::clock_now() + linger_time;
  arm(linger_until_);
}

void stream_impl::tell_writable() {
  if (!is_connected() || said_all_.load() || !outbox_.empty()) return;
  if (queued_.load() >= options_.outbox || !was_full_.exchange(false)) return;
  tell(callbacks_.on_writable);
}

// Also when nothing is queued: then the next readiness is the stream's next turn.
void stream_impl::wait_writable() {
  waiting_writable_ = true;
  update_interest();
  if ((outbox_.empty() && !was_full_.load()) || patience().count() == 0) return;
  if (blocked_since_ == net::steady_time::max()) blocked_since_ = net::clock_now();
  arm(net::after(blocked_since_, patience()));
}

void stream_impl::shutdown_write() {
  // Behind what other threads have on the way.
  if (said_all_.exchange(true)) return;
  loop_.post([self = shared_from_this()] {
    self->is_last_ = true;
    self->flush_last();
  });
}

}  // namespace vsoa
