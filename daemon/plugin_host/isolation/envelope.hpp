// What travels between the daemon and the process of an isolated plugin as packets of VSOA, over
// the channel of one event loop. A call is an RPC and its answer, param and data untouched; all
// else is a datagram. What else must be known stands in the packet's URL, before the URL that is
// meant: a letter, and numbers in four bits a character, as a URL is UTF-8.
//
// Something too large for one packet with that addition sends its largest part ahead, in a datagram
// of its own on the same channel.
//
// Both sides read with these functions, and the daemon believes nothing: whatever a plugin's
// process sends is a message or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vsoa/packet.hpp"
#include "vsoa/plugin.h"
#include "vsoa/server.hpp"

namespace vsoad::isolation {

/// Parts of a message that have gone ahead.
namespace ahead {
inline constexpr std::uint8_t url = 1;
inline constexpr std::uint8_t param = 2;
inline constexpr std::uint8_t data = 4;
}  // namespace ahead

/// What a message is; the letter in its URL.
enum class kind : char {
  // both ways
  part = 'a',  ///< what goes ahead of the next message: its param or data, or in data its URL
  // from the daemon
  call = 'c',
  client = 'e',        ///< one has come or gone
  listing = 'l',       ///< connected: now come all clients of the service that are there; else: all
                       ///< have come, and whoever was not among them is not there
  subscribed = 's',    ///< data: the URLs, see put_url()
  unsubscribed = 'n',  ///< the same
  datagram = 'g',      ///< to the daemon: for a client; from it: by a client
  // from the plugin
  publish = 'p',
  change = 'x',  ///< of a client: see change_of
};

enum class change_of : std::uint8_t { authed, priority, keepalive, send_timeout, close };

/// One message, whatever its kind: each uses some of these.
struct message {
  isolation::kind kind{};
  std::uint8_t ahead = 0;
  vsoa_service service = 0;
  vsoa::client_id client = 0;
  vsoa::channel via = vsoa::channel::normal;  // datagram, publish
  // call
  std::uint32_t seqno = 0;
  std::uint16_t command = 0;
  bool has_more = false;    // one of the four that follow says something: to be said by who writes
  std::uint16_t strip = 0;  // of the route, as is `prefix`
  std::string_view prefix;
  std::uint16_t queue = 0;  // 0: none; else its number in the setup
  std::uint32_t timeout_ms = 0;
  // client, listing; change
  bool connected = false;
  bool has_quick = false;
  change_of what = change_of::authed;
  std::uint32_t value = 0;
  /// Points behind the envelope.
  std::string_view url;
};

/// The URL that says all this. `url` is left out where it goes ahead.
/// @param out  cleared first; keeps its memory
void write(const message& m, std::string& out);
/// Nothing: it is none. The views point into `text`.
std::optional<message> read(std::string_view text);

/// Bytes that write() puts before prefix and url.
std::size_t overhead(const message& m) noexcept;

/// Which parts of a message must go ahead, so that the rest fits a packet.
/// @param payload  of the message
std::uint8_t must_go_ahead(const message& m, const vsoa::payload_view& payload);

/// Parts that have come, until the message that they belong to.
class parts {
 public:
  /// False: it is no part.
  bool take(const message& m, const vsoa::payload_view& payload);
  /// Puts what has come into its places. False: not all of it has. The views live until the next
  /// take(), or forget().
  bool complete(message& m, vsoa::payload_view& payload) const;
  void forget();

 private:
  std::string url_, param_, data_;
  std::uint8_t there_ = 0;
};

/// Sends the parts named, by `send(url, payload)` for each.
template <class Send>
bool send_ahead(std::uint8_t which, const message& m, const vsoa::payload_view& payload,
                Send send) {
  std::string text;
  const auto one = [&](std::uint8_t part, const vsoa::payload_view& content) {
    if ((which & part) == 0) return true;
    message head;
    head.kind = kind::part;
    head.ahead = part;
    write(head, text);
    return static_cast<bool>(send(std::string_view(text), content));
  };
  const auto as_bytes = [](std::string_view s) {
    return std::span(reinterpret_cast<const std::byte*>(s.data()), s.size());
  };
  return one(ahead::url, {{}, as_bytes(m.url)}) && one(ahead::param, {payload.param, {}}) &&
         one(ahead::data, {{}, payload.data});
}

/// Lists of URLs, as bytes: length (2, little end first) and text of each.
void put_url(std::string_view url, std::string& list);
/// Takes the first off. False: there is none, or the list is broken.
bool take_url(std::span<const std::byte>& list, std::string_view& url);

/// The answer of the plugin's process to a call that the plugin gave up: no plugin answers so, as
/// no stream has tunnel id 1.
inline constexpr std::string_view dropped_param{"\0dropped", 8};
inline constexpr std::uint16_t dropped_tunid = 1;
inline constexpr auto dropped_status = static_cast<vsoa::status>(255);

}  // namespace vsoad::isolation
