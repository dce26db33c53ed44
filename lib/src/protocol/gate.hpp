// What a server does with a packet before it looks at what the packet wants: the authentication
// gate. Source: the wire notes, lib/README.md, "Authentication".
#pragma once

#include "vsoa/packet.hpp"

namespace vsoa::protocol {

enum class gate_verdict {
  dispatch,  ///< to the handler of its type
  ignore,    ///< as if it had not come
  refuse,    ///< answer status PASSWORD with the packet's type and seqno, then close
  close,     ///< close without an answer
};

/// @param authenticated  the session has given a password that matches, or the server asks for none
inline gate_verdict admit(const packet_view& p, bool authenticated) noexcept {
  if (p.is_reply()) [[unlikely]]
    return gate_verdict::ignore;
  switch (p.type) {
    case packet_type::rpc:
    case packet_type::subscribe:
    case packet_type::unsubscribe:
    case packet_type::pingecho:
      return authenticated ? gate_verdict::dispatch : gate_verdict::refuse;
    case packet_type::datagram:
      return authenticated ? gate_verdict::dispatch : gate_verdict::close;
    case packet_type::servinfo:
      return gate_verdict::dispatch;
    case packet_type::noop:
      return gate_verdict::ignore;
    case packet_type::publish:
    case packet_type::qossetup:
      break;
  }
  // An answer would be taken for a real publish or priority.
  return authenticated ? gate_verdict::ignore : gate_verdict::close;
}

}  // namespace vsoa::protocol
