// What a header claims must not cost memory: the buffer follows the bytes that have come. In a
// program of its own, since it counts every allocation.

#include <doctest/doctest.h>

#include "counted_new.hpp"
#include "protocol/packet_reader.hpp"
#include "support.hpp"

namespace {

std::size_t largest_allocation = 0;
std::size_t allocations = 0;

}  // namespace

void note_allocation(std::size_t bytes) noexcept {
  ++allocations;
  if (bytes > largest_allocation) largest_allocation = bytes;
}

namespace {

using namespace vsoa_test;
using namespace vsoa::protocol;

packet_reader::next go_on(const vsoa::packet_view&) {
  return packet_reader::next::packet;
}

TEST_CASE("memory follows what has come, not what the header says") {
  wire_header h;
  h.data_length = 262144 - 20;
  const std::string bytes = h.bytes() + std::string(40000, 'x');
  packet_reader reader;
  std::size_t arrived = 0;
  for (const std::size_t piece : {1U, 19U, 10U, 100U, 1000U, 10000U, 20000U}) {
    largest_allocation = 0;
    reader.feed(as_bytes(bytes).subspan(arrived, piece), go_on);
    arrived += piece;
    CAPTURE(arrived);
    CHECK(reader.kept() == arrived);
    CHECK(largest_allocation <= std::max<std::size_t>(2 * arrived, 64));
  }
}

TEST_CASE("whole packets cost no memory") {
  std::string stream;
  for (std::uint32_t i = 0; i < 1000; ++i)
    stream += ping(i).bytes();
  packet_reader reader;
  const std::size_t before = allocations;
  reader.feed(as_bytes(stream), go_on);
  const std::size_t after = allocations;
  CHECK(after == before);
}

TEST_CASE("many small pieces cost few allocations") {
  const std::string bytes = rpc(1, "/a", {}, std::string(200000, 'x')).bytes();
  packet_reader reader;
  const std::size_t before = allocations;
  for (std::size_t at = 0; at < bytes.size(); at += 10)
    reader.feed(as_bytes(bytes).subspan(at, std::min<std::size_t>(10, bytes.size() - at)), go_on);
  const std::size_t after = allocations;
  CHECK(after - before < 20);
  CHECK(reader.kept() == 0);
}

}  // namespace
