// What a client has begun and not completed: in the order in which it began, and found by number.
// To begin and to complete, which each call does, cost the same however many there are.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <new>
#include <vector>

#include "client/operation.hpp"

namespace vsoa {

/// Owns nothing. Who is in it must stay where it is, and keep its id.
class active_operations {
 public:
  active_operations() : buckets_(fewest), by_id_({buckets_.data(), buckets_.size()}) {}

  bool empty() const noexcept { return in_order_.empty(); }
  client_operation& first() noexcept { return in_order_.front(); }
  std::size_t size() const noexcept { return by_id_.size(); }
  void add(client_operation& o) noexcept {
    if (size() == buckets_.size()) grow();
    by_id_.insert(o);
    in_order_.push_back(o);
  }
  void remove(client_operation& o) noexcept {
    by_id_.erase(by_id_.iterator_to(o));
    in_order_.erase(in_order_.iterator_to(o));
  }
  /// One of this id, which the parts of a group share; null: none.
  client_operation* find(operation_id id) noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &*found;
  }

 private:
  static constexpr std::size_t fewest = 16;

  struct id_of {
    using type = operation_id;
    operation_id operator()(const client_operation& o) const noexcept { return o.id; }
  };
  // Ids count up, but those that last may be any of them: every 64th, say.
  struct spread {
    std::size_t operator()(operation_id id) const noexcept {
      return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15U) >> 32U);
    }
  };
  using index = boost::intrusive::unordered_multiset<
      client_operation, boost::intrusive::base_hook<client_operation::id_hook>,
      boost::intrusive::key_of_value<id_of>, boost::intrusive::hash<spread>,
      boost::intrusive::power_2_buckets<true>>;
  using sequence = boost::intrusive::list<client_operation,
                                          boost::intrusive::base_hook<client_operation::order_hook>,
                                          boost::intrusive::constant_time_size<false>>;

  // Without the memory for it, searches take longer.
  void grow() noexcept {
    try {
      std::vector<index::bucket_type> more(2 * buckets_.size());
      by_id_.rehash({more.data(), more.size()});
      buckets_.swap(more);
    } catch (const std::bad_alloc&) {
    }
  }

  std::vector<index::bucket_type> buckets_;
  index by_id_;
  sequence in_order_;
};

}  // namespace vsoa
