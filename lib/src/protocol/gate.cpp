#include "protocol/gate.hpp"

namespace vsoa::protocol {

gate_verdict admit(const packet_view& p, bool authenticated) noexcept {
  if (p.is_reply()) return gate_verdict::ignore;
  switch (p.type) {
    case packet_type::servinfo:
      return gate_verdict::dispatch;
    case packet_type::noop:
      return gate_verdict::ignore;
    case packet_type::rpc:
    case packet_type::subscribe:
    case packet_type::unsubscribe:
    case packet_type::pingecho:
      return authenticated ? gate_verdict::dispatch : gate_verdict::refuse;
    case packet_type::datagram:
      return authenticated ? gate_verdict::dispatch : gate_verdict::close;
    case packet_type::publish:
    case packet_type::qossetup:
      break;
  }
  // An answer would be taken for a real publish or priority.
  return authenticated ? gate_verdict::ignore : gate_verdict::close;
}

}  // namespace vsoa::protocol
