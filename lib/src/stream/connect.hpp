// The side of a stream that goes to where the other waits.
#pragma once

#include <memory>
#include <optional>

#include "net/loop.hpp"
#include "stream/security.hpp"
#include "stream/stream_registry.hpp"
#include "vsoa/stream.hpp"

namespace vsoa {

/// Connects to the stream that the server at `to` offers; on_link tells the outcome, on the loop
/// `where`. Any thread.
/// @param to     the server's address, and the tunnel id as the port
/// @param from   the local address of the session with that server, as it takes no other's;
/// nothing:
///               the kernel's choice
/// @param security  as a client, or plain
/// @param owner  ends the stream with its own end, counts and limits it
/// @return no stream: a limit of the owner is reached, or it is closed
stream connect_stream(net::loop& where, const socket_address& to,
                      const std::optional<ip_address>& from, stream_callbacks callbacks,
                      const stream_options& options, stream_security security,
                      const std::shared_ptr<stream_registry>& owner);

/// Ends all streams of a loop at once: on_link(false) has run when it returns. On that loop's
/// thread, not within a callback of a stream.
void abort_streams(stream_registry& owner, net::loop& where);
/// Ends those that have said all, by shutdown_write() or close(), once what is queued is sent;
/// aborts the others, so that what is cut off does not look whole.
void close_streams(stream_registry& owner, net::loop& where);

}  // namespace vsoa
