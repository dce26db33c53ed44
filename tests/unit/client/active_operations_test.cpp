// Which operations a client has begun.

#include "client/active_operations.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace active_operations_test {

using vsoa::active_operations;
using vsoa::client_operation;

// `ids` in the order in which they begin; all are ended by the caller.
std::vector<std::unique_ptr<client_operation>> begin_all(
    active_operations& active, const std::vector<vsoa::operation_id>& ids) {
  std::vector<std::unique_ptr<client_operation>> all;
  for (const vsoa::operation_id id : ids) {
    all.push_back(std::make_unique<client_operation>());
    all.back()->id = id;
    active.add(*all.back());
  }
  return all;
}

TEST_CASE("the first is the one that has waited longest, whatever its id") {
  active_operations active;
  CHECK(active.empty());
  const auto all = begin_all(active, {7, 3, 1000003, 4});
  for (const auto& each : all) {
    REQUIRE_FALSE(active.empty());
    CHECK(&active.first() == each.get());
    active.remove(*each);
  }
  CHECK(active.empty());
}

TEST_CASE("each is found by its id until it ends, however many there are") {
  active_operations active;
  constexpr vsoa::operation_id many = 5000;
  std::vector<vsoa::operation_id> ids;
  for (vsoa::operation_id id = 1; id <= many; ++id)
    ids.push_back(id * 64);
  auto all = begin_all(active, ids);
  CHECK(active.size() == many);
  std::shuffle(all.begin(), all.end(), std::mt19937(1));
  for (const auto& each : all) {
    REQUIRE(active.find(each->id) == each.get());
    active.remove(*each);
    REQUIRE(active.find(each->id) == nullptr);
  }
  CHECK(active.empty());
}

TEST_CASE("many of one id, the parts of a large group, end as fast as others") {
  active_operations active;
  constexpr std::size_t many = 50'000;  // two seconds if each were searched for among all
  const auto all = begin_all(active, std::vector<vsoa::operation_id>(many, 5));
  for (const auto& each : all)
    active.remove(*each);
  CHECK(active.empty());
  CHECK(active.find(5) == nullptr);
}

TEST_CASE("those of one id are found one by one") {
  active_operations active;
  const auto all = begin_all(active, {5, 6, 5, 5});
  for (int i = 0; i < 3; ++i) {
    client_operation* const found = active.find(5);
    REQUIRE(found != nullptr);
    active.remove(*found);
  }
  CHECK(active.find(5) == nullptr);
  CHECK(&active.first() == all[1].get());
  active.remove(*all[1]);
}

}  // namespace active_operations_test
