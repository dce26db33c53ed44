// One RPC without a lasting connection.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

#include "vsoa/connect_options.hpp"
#include "vsoa/export.hpp"
#include "vsoa/reply.hpp"
#include "vsoa/runtime.hpp"

namespace vsoa {

/// Besides the URL.
struct fetch_options {
  connect_options connect;  ///< its timeout is that of connecting and answer together
  /// GET or SET.
  enum method method = method::get;
  /// What is sent.
  payload_view payload{};
};

/// Connects to vsoa://host[:port]/path, calls /path, and disconnects. Blocks: not on a loop's
/// thread. Any other thread.
/// Errors: those of client::connect() and client::fetch().
VSOA_API std::error_code fetch(std::string_view url, reply& answer,
                               const fetch_options& options = {});
/// The same on loops that run already, which saves a thread.
VSOA_API std::error_code fetch(runtime& loops, std::string_view url, reply& answer,
                               const fetch_options& options = {});

}  // namespace vsoa
