// The authentication gate, type by type: wire notes, "Authentication".

#include "protocol/gate.hpp"

#include <doctest/doctest.h>

namespace gate_test {

using vsoa::packet_type;
using vsoa::packet_view;
using vsoa::protocol::admit;
using vsoa::protocol::gate_verdict;

struct row {
  packet_type type;
  gate_verdict before;  // authentication
  gate_verdict after;
};

constexpr row known[] = {
    {packet_type::servinfo, gate_verdict::dispatch, gate_verdict::dispatch},
    {packet_type::rpc, gate_verdict::refuse, gate_verdict::dispatch},
    {packet_type::subscribe, gate_verdict::refuse, gate_verdict::dispatch},
    {packet_type::unsubscribe, gate_verdict::refuse, gate_verdict::dispatch},
    {packet_type::publish, gate_verdict::close, gate_verdict::ignore},
    {packet_type::datagram, gate_verdict::close, gate_verdict::dispatch},
    {packet_type::qossetup, gate_verdict::close, gate_verdict::ignore},
    {packet_type::noop, gate_verdict::ignore, gate_verdict::ignore},
    {packet_type::pingecho, gate_verdict::refuse, gate_verdict::dispatch},
};

row expected(unsigned type) {
  for (const row& r : known) {
    if (static_cast<unsigned>(r.type) == type) return r;
  }
  return {static_cast<packet_type>(type), gate_verdict::close, gate_verdict::ignore};
}

TEST_CASE("every type, authenticated or not") {
  for (unsigned type = 0; type < 256; ++type) {
    for (unsigned flags = 0; flags < 8; ++flags) {
      CAPTURE(type);
      CAPTURE(flags);
      packet_view p;
      p.type = static_cast<packet_type>(type);
      p.flags = static_cast<std::uint8_t>(flags);
      const bool reply = (flags & vsoa::packet_flags::reply) != 0;
      CHECK(admit(p, false) == (reply ? gate_verdict::ignore : expected(type).before));
      CHECK(admit(p, true) == (reply ? gate_verdict::ignore : expected(type).after));
    }
  }
}

}  // namespace gate_test
