// What a client has been asked to do and has not completed yet. Made on any thread; from its launch
// on it belongs to the client's loop.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "net/chunk.hpp"
#include "net/socket.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls_context.hpp"
#include "vsoa/client.hpp"

namespace vsoa {

/// What starts with one request for each URL, and completes with the last.
struct operation_group {
  completion done;
  std::size_t missing = 0;
  std::error_code error;  ///< the first
};

/// How it lies in active_operations.
template <class Tag>
using operation_hook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct client_operation final : net::timer_wheel::entry,
                                operation_hook<struct in_order_of_begin>,
                                operation_hook<struct under_its_id> {
  using order_hook = operation_hook<in_order_of_begin>;
  using id_hook = operation_hook<under_its_id>;

  enum class kind : std::uint8_t {
    call,
    ping,
    subscribe,
    unsubscribe,
    unsubscribe_all,
    connect,
  };

  operation_id id = 0;
  kind what = kind::call;
  /// Not one of pendings(): the client's own.
  bool internal = false;
  bool waits = false;  ///< has been sent; `seqno` is its number
  std::uint16_t seqno = 0;
  std::chrono::milliseconds timeout{0};
  std::error_code error;  ///< known before it began
  /// The request in a block of its own, without its number; null if it is encoded when sent.
  net::chunk_ptr packet;
  completion done;
  client_impl* owner = nullptr;

  // Of some kinds only, and of calls none.
  std::vector<std::string> urls;           ///< subscribe, unsubscribe; of one that is sent: one
  std::shared_ptr<operation_group> group;  ///< the operation is a part of it
  std::string url;                         ///< connect
  net::unique_fd socket;                   ///< connect; none: one is made
  std::unique_ptr<connect_options> options;
  std::shared_ptr<const net::tls_context> tls;  ///< connect; null: none

  void on_timer(net::steady_time now) override;
  packet_type type() const noexcept;
};

using operation_ptr = client::prepared;

operation_ptr make_operation(client_operation::kind what);
packet_view to_packet(const request& what) noexcept;
/// A request as bytes; too_large and invalid_url become its error.
operation_ptr make_request(client_operation::kind what, const packet_view& p,
                           std::chrono::milliseconds timeout);
/// The error that keeps a packet from being sent; none.
std::error_code check_request(const packet_view& p, channel via = channel::normal);

}  // namespace vsoa
