// What a client asks, and what it is answered.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/packet.hpp"
#include "vsoa/status.hpp"

namespace vsoa {

/// How long an answer is waited for unless told otherwise.
inline constexpr std::chrono::milliseconds default_call_timeout{60000};

/// An RPC. The views need to live only until the function that takes the request returns.
struct request {
  std::string_view url;  ///< valid: is_valid_url()
  /// What is sent.
  payload_view payload{};
  /// GET or SET.
  enum method method = method::get;
  /// For the answer, from when the request is sent; 0 or less: as long as the connection lasts.
  std::chrono::milliseconds timeout = default_call_timeout;
};

/// The answer of a server, in memory of the caller's; valid while a callback runs.
struct reply_view {
  /// How it went.
  enum status status = status::success;
  std::uint16_t tunid = 0;  ///< tunnel id of a stream; 0: none
  /// What came.
  payload_view payload{};
};

/// The same, on its own. The payload may be there whatever the status.
struct reply {
  /// How it went.
  enum status status = status::success;
  /// Tunnel id of a stream; 0: none.
  std::uint16_t tunid = 0;
  /// Normally JSON text.
  std::string param;
  /// Opaque bytes.
  std::vector<std::byte> data;

  reply() = default;
  /// Copies.
  explicit reply(const reply_view& view)
      : status(view.status),
        tunid(view.tunid),
        param(view.payload.param),
        data(view.payload.data.begin(), view.payload.data.end()) {}
  /// Valid as long as this object is unchanged.
  payload_view payload() const noexcept { return {param, data}; }
};

}  // namespace vsoa
