// The yardstick: servers that do the least that sockets allow for the same bytes.
//
// They take the same packets as vsoad and send them back, or on, unread. So the load side runs the
// same code against both, and the ratio holds nothing but the server.
#pragma once

#include "sockets.hpp"

namespace bench {

inline constexpr unsigned raw_read_bytes = 256 * 1024;

/// Echoes every byte on its connection: per wake one read and one write. Over TLS it is OpenSSL's
/// own loop: what is there is read until it wants more, and written back. Does not return.
void run_raw_echo(int listener, bool secure);

/// Copies the publisher's bytes to every subscriber. The first packet of a connection (the
/// handshake) is echoed; so is a second one if it is a SUBSCRIBE, and the connection is a
/// subscriber then. Otherwise it is a publisher. Does not return.
void run_raw_fanout(int listener);

/// Forwards each datagram to the subscriber: the sender of the latest SUBSCRIBE datagram, which is
/// echoed to it. One recvfrom and one sendto per datagram. Does not return.
void run_raw_udp(int socket);

/// Streams: the first byte of a connection says what follows: u: reads all, d: writes zeros without
/// end, e: echoes. One connection at a time, blocking; over TLS, too. Does not return.
void run_raw_stream(int listener, bool secure);

/// Connects each of its connections, one at a time, with `upstream`, and moves the bytes of both by
/// splice(). Does not return.
void run_raw_relay(int listener, const address& upstream);

}  // namespace bench
