#include "net/outbox.hpp"

#include <doctest/doctest.h>

#include <array>
#include <ostream>
#include <random>
#include <string>

namespace outbox_test {

using namespace vsoa::net;

// Encodes text where a loop's packets are encoded.
slice make(output_log& log, std::string_view text) {
  slice s = log.reserve(text.size());
  std::copy(text.begin(), text.end(), reinterpret_cast<char*>(s.block->data() + s.begin));
  return s;
}

std::string text_of(const outbox& box, std::size_t* pieces = nullptr) {
  std::array<iovec, outbox::max_parts> parts;
  const std::size_t count = box.gather(parts);
  if (pieces != nullptr) *pieces = count;
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return text;
}

std::size_t pieces_of(const outbox& box) {
  std::size_t pieces = 0;
  text_of(box, &pieces);
  return pieces;
}

struct fixture {
  chunk_pool pool;
  output_log log{pool};
};

TEST_CASE_FIXTURE(fixture,
                  "a log packs packets one behind the other, in a block of its own when large") {
  const slice a = make(log, "aaa");
  const slice b = make(log, "bb");
  CHECK(a.block == b.block);
  CHECK(a.end == b.begin);
  CHECK(a.block->is_shared_log());
  const slice large = make(log, std::string(output_log::large_bytes, 'L'));
  CHECK(large.block != a.block);
  CHECK_FALSE(large.block->is_shared_log());
  CHECK(large.block->capacity() == output_log::large_bytes);
  const slice c = make(log, "c");
  CHECK(c.block == a.block);
}

TEST_CASE_FIXTURE(fixture, "a log begins its block again once nobody holds a slice of it") {
  const chunk* block = nullptr;
  {
    const slice a = make(log, "aaa");
    block = a.block.get();
    const slice b = make(log, "b");
    CHECK(b.begin == 3);
  }
  const slice again = make(log, "c");
  CHECK(again.block.get() == block);
  CHECK(again.begin == 0);
}

TEST_CASE_FIXTURE(fixture, "a full block is followed by another, and what is held stays as it is") {
  std::vector<slice> held;
  const std::string text(1000, 't');
  for (int i = 0; i < 200; ++i)
    held.push_back(make(log, text));
  CHECK(held.front().block != held.back().block);
  for (const slice& s : held)
    CHECK(std::string_view(reinterpret_cast<const char*>(s.data()), s.size()) == text);
}

TEST_CASE_FIXTURE(fixture, "blocks come back to the pool and out of it again") {
  chunk* block = nullptr;
  {
    const slice a = make(log, "a");
    block = a.block.get();
    log.reset();
  }
  const slice b = make(log, "b");
  CHECK(b.block.get() == block);
  CHECK(b.begin == 0);
}

TEST_CASE_FIXTURE(fixture, "neighbouring slices become one piece, others do not") {
  outbox box;
  const slice a = make(log, "aaa");
  const slice b = make(log, "bbb");
  const slice c = make(log, "ccc");
  box.append(a);
  box.append(b);
  CHECK(pieces_of(box) == 1);
  box.append(a);
  CHECK(pieces_of(box) == 2);
  box.append(c);
  CHECK(pieces_of(box) == 3);
  CHECK(text_of(box) == "aaabbbaaaccc");
  CHECK(box.bytes() == 12);
}

TEST_CASE_FIXTURE(fixture, "an empty slice is nothing") {
  outbox box;
  box.append(make(log, ""));
  CHECK(box.empty());
  CHECK(pieces_of(box) == 0);
}

TEST_CASE_FIXTURE(fixture, "a gathered write has a bounded number of pieces") {
  outbox box;
  const slice a = make(log, "a");
  make(log, "gap");
  const slice b = make(log, "b");
  for (std::size_t i = 0; i < outbox::max_parts; ++i) {
    box.append(a);
    box.append(b);
  }
  CHECK(box.bytes() == 2 * outbox::max_parts);
  CHECK(pieces_of(box) == outbox::max_parts);
  box.consume(outbox::max_parts);
  CHECK(pieces_of(box) == outbox::max_parts);
  box.consume(outbox::max_parts);
  CHECK(box.empty());
}

TEST_CASE_FIXTURE(fixture, "consuming lets go of blocks as soon as their last byte is gone") {
  outbox box;
  const slice large = make(log, std::string(output_log::large_bytes, 'L'));
  chunk& block = *large.block;
  box.append(large);
  CHECK_FALSE(block.is_sole_reference());
  box.append(make(log, "rest"));
  box.consume(output_log::large_bytes - 1);
  CHECK_FALSE(block.is_sole_reference());
  box.consume(1);
  CHECK(block.is_sole_reference());
  CHECK(text_of(box) == "rest");
}

TEST_CASE_FIXTURE(fixture, "detaching copies small slices out of shared blocks, and what follows") {
  outbox box;
  const slice small = make(log, "small");
  const slice large = make(log, std::string(output_log::large_bytes, 'L'));
  box.append(small);
  box.append(large);
  box.append(make(log, "tail"));
  const std::string text = text_of(box);
  box.detach();
  CHECK(small.block->is_sole_reference() == false);  // the log itself
  log.reset();
  CHECK(small.block->is_sole_reference());
  CHECK_FALSE(large.block->is_sole_reference());
  CHECK(text_of(box) == text);
  CHECK(box.bytes() == text.size());
  box.append(make(log, " more"));
  log.reset();
  CHECK(text_of(box) == text + " more");
}

TEST_CASE_FIXTURE(fixture, "a detached outbox that has emptied shares blocks again") {
  outbox box;
  box.append(make(log, "abc"));
  box.detach();
  box.consume(3);
  const slice s = make(log, "xyz");
  box.append(s);
  std::array<iovec, outbox::max_parts> parts;
  REQUIRE(box.gather(parts) == 1);
  CHECK(parts[0].iov_base == s.data());
}

TEST_CASE_FIXTURE(fixture, "copies fill blocks rather than take one each") {
  outbox box;
  box.append(make(log, "first"));
  box.detach();
  for (int i = 0; i < 1000; ++i)
    box.append(make(log, "0123456789"));
  CHECK(box.bytes() == 10005);
  CHECK(pieces_of(box) <= 4);
}

// Against a plain string, with everything at random.
TEST_CASE("append, consume, detach and clear at random keep every byte in order") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    chunk_pool pool;
    output_log log(pool);
    outbox box;
    std::string expected;
    char next = 'a';
    for (int step = 0; step < 400; ++step) {
      const auto action = random() % 16;
      if (action < 9) {
        const std::size_t size = random() % 8 == 0 ? 20000 : random() % 50;
        const std::string text(size, next = next == 'z' ? 'a' : static_cast<char>(next + 1));
        box.append(make(log, text));
        expected += text;
      } else if (action < 13) {
        std::size_t pieces = 0;
        const std::string front = text_of(box, &pieces);
        REQUIRE(expected.compare(0, front.size(), front) == 0);
        const std::size_t count = front.empty() ? 0 : random() % (front.size() + 1);
        box.consume(count);
        expected.erase(0, count);
      } else if (action < 15) {
        if (random() % 2 == 0) box.detach();
        log.reset();
      } else if (random() % 10 == 0) {
        box.clear();
        expected.clear();
      }
      REQUIRE(box.bytes() == expected.size());
      REQUIRE(box.empty() == expected.empty());
    }
    while (!box.empty()) {
      const std::string front = text_of(box);
      REQUIRE(expected.compare(0, front.size(), front) == 0);
      box.consume(front.size());
      expected.erase(0, front.size());
    }
    CHECK(expected.empty());
  }
}

}  // namespace outbox_test
