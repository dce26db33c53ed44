// What a client has begun and not completed: in the order in which it began, and found by number.
// To begin and to complete, which each call does, cost the same however many there are, and however
// many share an id.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <new>
#include <vector>

#include "client/operation.hpp"

namespace vsoa {

/// Owns nothing. Who is in it must stay where it is, and keep its id.
class active_operations {
 public:
  active_operations() : by_id_(fewest) {}

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  client_operation& first() noexcept { return in_order_.front(); }
  void add(client_operation& o) noexcept {
    if (size_ >= by_id_.size()) grow();
    bucket_of(o.id).push_back(o);
    in_order_.push_back(o);
    ++size_;
  }
  void remove(client_operation& o) noexcept {
    o.client_operation::id_hook::unlink();
    o.client_operation::order_hook::unlink();
    --size_;
  }
  /// One of this id, which the parts of a group share; null: none.
  client_operation* find(operation_id id) noexcept {
    for (client_operation& o : bucket_of(id)) {
      if (o.id == id) return &o;
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t fewest = 16;

  template <class Hook>
  using list_by = boost::intrusive::list<client_operation, boost::intrusive::base_hook<Hook>,
                                         boost::intrusive::constant_time_size<false>>;
  using bucket = list_by<client_operation::id_hook>;

  // Ids count up, but those that last may be any of them: every 64th, say.
  bucket& bucket_of(operation_id id) noexcept {
    return by_id_[(id * 0x9E3779B97F4A7C15U >> 32U) & (by_id_.size() - 1)];
  }

  // Without the memory for it, searches take longer.
  void grow() noexcept {
    try {
      std::vector<bucket> more(2 * by_id_.size());
      by_id_.swap(more);
      for (client_operation& o : in_order_) {
        o.client_operation::id_hook::unlink();
        bucket_of(o.id).push_back(o);
      }
    } catch (const std::bad_alloc&) {
    }
  }

  std::vector<bucket> by_id_;  // two to some power of them
  list_by<client_operation::order_hook> in_order_;
  std::size_t size_ = 0;
};

}  // namespace vsoa
