// Any datagram, read as a query and as an answer. What was read must survive being written again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/position_message.hpp"

namespace {

using namespace vsoa::protocol;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_query(position_reader& reader, std::string_view datagram) {
  const auto query = reader.read_query(datagram);
  if (!query) return;
  require(is_valid_position_name(query->name));
  const auto text = write_position_query(query->name, query->domain);
  require(text.has_value() && text->size() <= max_position_message_bytes);
  const auto again = reader.read_query(*text);
  require(again && again->name == query->name && again->domain == query->domain);
}

void check_answer(position_reader& reader, std::string_view datagram) {
  const auto answer = reader.read_answer(datagram);
  if (answer.kind != position_answer_kind::known) return;
  require(answer.entry.address.port != 0);
  const auto text = write_position_answer(answer.entry);
  if (!text) return;  // without a name, or too long for one
  require(text->size() < max_position_answer_bytes);
  const auto again = reader.read_answer(*text);
  require(again.kind == position_answer_kind::known);
  require(again.entry.name == answer.entry.name && again.entry.address == answer.entry.address &&
          again.entry.secure == answer.entry.secure);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static position_reader reader;  // reused, as the servers do
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  check_query(reader, datagram);
  check_answer(reader, datagram);
  return 0;
}
