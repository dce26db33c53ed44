// Which plugin's command serves which URL of a service. All is worked out when the configuration or
// the set of plugins changes; for a call, the server's own longest match has found the route
// already.
//
// Rules, strongest first:
//  1. A `commands` entry with `command` serves its URL by that command of the plugin.
//     One without a plugin is the broker's to forward, and no plugin's.
//  2. One without, exact: by the plugin's command of the same URL, else by its default "/".
//     A subtree "X/": mounts the whole plugin at X. Each of its commands "/c" serves "X/c", its
//     default
//     "/" serves the rest of "X/". Another `commands` entry below X keeps all that is its own.
//  3. `plugins` mounts each plugin's commands at the URLs that they declare, or below `mount`.
//  Where
//     two want the same URL, the first in order of name gets it.
// Between different URLs, the longer wins as it always does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace vsoad {

/// What resolution has to know of a plugin.
struct plugin_outline {
  std::string name;
  std::vector<std::string> commands;
  std::uint32_t flags = 0;  ///< VSOA_PLUGIN_...
};

/// One URL of a service and what serves it.
struct route {
  std::string url;  ///< for vsoa::server::command
  std::string plugin;
  std::size_t command = 0;               ///< index into the plugin's commands
  std::string work_queue;                ///< empty: inline, on the client's loop
  std::chrono::milliseconds timeout{0};  ///< for the answer, from the call's arrival on; 0: none

  /// How the plugin sees the URL: the first `strip` bytes replaced by `prefix`.
  std::size_t strip = 0;
  std::string prefix;

  /// The plugin's view of a URL that this route serves. Never empty, begins with '/'.
  /// @param scratch  () -> std::string&, memory for it; called where parts must be joined
  template <class Scratch>
  std::string_view path(std::string_view request_url, Scratch&& scratch) const {
    if (prefix.empty() && strip < request_url.size()) [[likely]]
      return request_url.substr(strip);
    return joined_path(request_url, scratch());
  }

 private:
  std::string_view joined_path(std::string_view request_url, std::string& scratch) const;
};

/// The outcome for one service.
struct resolution {
  std::vector<route> routes;                ///< sorted by URL, each URL once
  std::vector<std::string> plugins;         ///< in this service, sorted: they get its events
  std::vector<std::string> not_configured;  ///< left out: they need settings and have none
  std::vector<std::string> complaints;      ///< lines for the log, as warnings
};

/// Resolves one service against the plugins that there are. Pure. Call it again without those that
/// did not start.
resolution resolve(const config::service_settings& service, std::span<const plugin_outline> plugins,
                   const config::plugins_settings& settings);

}  // namespace vsoad
