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
    work_queue,        ///< must be defined
    role,              ///< must be defined by the same service
    service_name,      ///< unique, whatever the case
    entry_name,        ///< as that, within an address family
    plugin_directory,  ///< an absolute path
    listen_service,    ///< TCP and UDP
    listen_position,   ///< UDP
  };
  what kind;
  std::size_t service;  ///< index, for role
  value written;
};

struct builder {
  configuration config;
  plugin_settings* plugin = nullptr;
  work_queue_settings* queue = nullptr;
  std::vector<mention> mentions;

  service_settings& service() { return config.services.back(); }
  vsoa::server_limits& limits() { return service().limits; }
  vsoa::position_entry& entry() { return config.position.entries.back(); }

  void note(mention::what kind, const value& v) {
    mentions.push_back({kind, config.services.empty() ? 0 : config.services.size() - 1, v});
  }
};

}  // namespace vsoad::config
