// What the streams of one server or client have in common: how many there may be, what is counted,
// and their end. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/loop.hpp"

namespace vsoa {

/// A stream, or two that are relayed to each other, as their owner sees it.
class tunnel {
 public:
  virtual ~tunnel() = default;
  virtual net::loop& where() const noexcept = 0;
  /// Whether it ends with the client that it was made for.
  virtual bool ends_with_client() const noexcept = 0;
  // On its loop's thread, and not within one of its callbacks:
  /// Ends it, and what is queued is still sent, if that is all there was to be; else aborts it, as
  /// an end that cuts off must not look like one that was meant.
  virtual void close_here() = 0;
  virtual void abort_here() = 0;
};

class stream_registry : public std::enable_shared_from_this<stream_registry> {
 public:
  using client_key = std::uint64_t;  ///< the owner's name for who a stream is made for

  struct limits {
    std::size_t streams;     ///< of all clients
    std::size_t per_client;  ///< of one
  };

  explicit stream_registry(const limits& l) noexcept : limits_(l) {}

  /// A place among the owner's streams, given back with this object.
  class place {
   public:
    place() noexcept = default;
    place(std::shared_ptr<stream_registry> owner, client_key client) noexcept
        : owner_(std::move(owner)), client_(client) {}
    place(place&&) noexcept = default;
    place& operator=(place&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(client_, other.client_);
      return *this;
    }
    ~place() {
      if (owner_) owner_->release(client_);
    }
    explicit operator bool() const noexcept { return static_cast<bool>(owner_); }
    client_key client() const noexcept { return client_; }

   private:
    std::shared_ptr<stream_registry> owner_;
    client_key client_ = 0;
  };

  void set_limits(const limits& l) noexcept {
    const std::lock_guard lock(mutex_);
    limits_ = l;
  }

  /// None, and counted: a limit is reached, or the registry is closed.
  place reserve(client_key client);

  /// Keeps a tunnel until it is removed. False: the registry is closed.
  bool add(std::shared_ptr<tunnel> t, client_key client);
  void remove(const tunnel& t) noexcept;
  /// Takes no more.
  void close() noexcept;
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Those of one loop, which the caller is on.
  std::vector<std::shared_ptr<tunnel>> of_loop(const net::loop& where) const;
  /// Aborts what ends with this client, which is gone.
  void client_gone(client_key client);

  void count_stranger() noexcept { ++strangers_; }
  void count_timeout() noexcept { ++timeouts_; }
  void count_received(std::uint64_t bytes) noexcept {
    received_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void count_sent(std::uint64_t bytes) noexcept {
    sent_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void count_queued(std::uint64_t more) noexcept {  // modulo 2^64
    queued_.fetch_add(more, std::memory_order_relaxed);
  }

  struct counts {
    std::uint64_t now, opened, refused, timeouts, strangers, received, sent, queued;
  };
  counts count() const noexcept;

 private:
  void release(client_key client) noexcept;

  mutable std::mutex mutex_;                                // innermost
  limits limits_;                                           // under mutex_
  std::size_t reserved_ = 0;                                // under mutex_
  std::unordered_map<client_key, std::size_t> per_client_;  // under mutex_
  struct member {
    std::shared_ptr<tunnel> what;
    client_key client;
  };
  std::unordered_map<const tunnel*, member> members_;  // under mutex_
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> opened_{0}, refused_{0}, timeouts_{0}, strangers_{0}, received_{0},
      sent_{0}, queued_{0};
};

}  // namespace vsoa
