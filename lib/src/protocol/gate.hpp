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
gate_verdict admit(const packet_view& p, bool authenticated) noexcept;

}  // namespace vsoa::protocol
