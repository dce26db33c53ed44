#include "plugin_host/plugin.hpp"

#include <utility>

namespace vsoad {

plugin::plugin(const plugin_descriptor& about, std::string file, config::plugin_settings settings)
    : name_(about.name),
      version_(about.version),
      description_(about.description),
      file_(std::move(file)),
      commands_(about.commands),
      flags_(about.flags),
      wants_datagrams_(about.callbacks.datagram != nullptr),
      wants_clients_(about.callbacks.client != nullptr),
      wants_subscriptions_(about.callbacks.subscription != nullptr),
      settings_(std::move(settings)) {}

plugin::~plugin() = default;

}  // namespace vsoad
