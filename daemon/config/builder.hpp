// Where the rows of the schema put their values: the configuration being built, and the elements of
// it that are being filled.
#pragma once

#include <utility>
#include <vector>

#include "config.hpp"
#include "values.hpp"

namespace vsoad::config {

/// Something that is checked against the rest of the configuration once all of it has been read.
struct mention {
  enum class what {
    work_queue,    ///< must be defined
    role,          ///< must be defined by the same service, and has one priority
    access_role,   ///< must be defined by the same service
    service_name,  ///< unique, whatever the case
    entry_name,    ///< as that, within an address family
    absolute_path,
    tls,         ///< a key of services[].tls, or that itself
    credential,  ///< must have a password or a certificate
    certificate_pattern,
    command,          ///< an entry of commands: has a plugin or a forward
    plugin_key,       ///< of a command with a plugin only
    forward,          ///< a server's URL
    forward_key,      ///< of a command with a forward only
    strip_prefix,     ///< that, and of a subtree only
    forward_tls,      ///< a key of services[].commands.<url>.tls, or that itself
    listen_service,   ///< TCP and UDP
    listen_position,  ///< UDP
  };
  what kind;
  std::size_t service;  ///< index, for what is in one
  value written;
  std::size_t element = 0;  ///< index, for credential and what is of a command
};

struct builder {
  configuration config;
  plugin_settings* plugin = nullptr;
  work_queue_settings* queue = nullptr;
  std::vector<mention> mentions;

  service_settings& service() { return config.services.back(); }
  command_settings& command() { return service().commands.back(); }
  vsoa::server_limits& limits() { return service().limits; }
  vsoa::position_entry& entry() { return config.position.entries.back(); }

  void note(mention::what kind, const value& v, std::size_t element = 0) {
    mentions.push_back(
        {kind, config.services.empty() ? 0 : config.services.size() - 1, v, element});
  }
};

}  // namespace vsoad::config
