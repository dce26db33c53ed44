#include "plugin_host/mount.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "vsoa/plugin.h"

namespace vsoad {
namespace {

constexpr std::chrono::milliseconds no_limit{0};

bool is_subtree(std::string_view url) {
  return url.ends_with('/');
}

/// "/cam/" and "/cam" mount at "/cam", "/" at "".
std::string_view mount_point(std::string_view url) {
  while (url.ends_with('/'))
    url.remove_suffix(1);
  return url;
}

class resolver {
 public:
  resolver(const config::service_settings& service, std::span<const plugin_outline> plugins,
           const config::plugins_settings& settings)
      : service_(service), settings_(settings) {
    for (const auto& plugin : plugins)
      known_.emplace(plugin.name, &plugin);
  }

  resolution run() {
    for (const auto& entry : service_.commands) {
      if (!entry.plugin.empty()) explicit_command(entry);
    }
    for (const auto& use : wanted())
      mounted(use);
    resolution result;
    for (auto& [url, route] : routes_)
      result.routes.push_back(std::move(route));
    result.plugins.assign(used_.begin(), used_.end());
    result.not_configured = std::move(not_configured_);
    result.complaints = std::move(complaints_);
    return result;
  }

 private:
  void complain(const std::string& text) {
    complaints_.push_back("service " + service_.name + ": " + text);
  }

  const plugin_outline* find(const std::string& name) const {
    const auto found = known_.find(name);
    return found == known_.end() ? nullptr : found->second;
  }

  std::string own_queue(const std::string& plugin) const {
    const auto found = settings_.settings.find(plugin);
    return found == settings_.settings.end() ? std::string() : found->second.work_queue;
  }

  bool has_config(const std::string& plugin) const {
    const auto found = settings_.settings.find(plugin);
    return found != settings_.settings.end() && found->second.has_config;
  }

  /// The plugins that `plugins` names, in order of name.
  std::vector<config::plugin_use> wanted() {
    auto uses = service_.plugins;
    if (service_.all_plugins) {
      for (const auto& known : known_) {
        const std::string& name = known.first;
        const bool is_listed = std::any_of(uses.begin(), uses.end(),
                                           [&](const auto& use) { return use.plugin == name; });
        if (is_listed) continue;
        if ((known.second->flags & VSOA_PLUGIN_NEEDS_CONFIG) != 0 && !has_config(name)) {
          if (used_.count(name) == 0) not_configured_.push_back(name);
        } else {
          uses.push_back({name, ""});
        }
      }
    }
    std::stable_sort(uses.begin(), uses.end(),
                     [](const auto& a, const auto& b) { return a.plugin < b.plugin; });
    return uses;
  }

  void explicit_command(const config::command_settings& entry);
  void named_command(const config::command_settings& entry, const plugin_outline& plugin,
                     const std::string& queue);
  void exact_command(const config::command_settings& entry, const plugin_outline& plugin,
                     const std::string& queue);
  void mount_tree(const config::command_settings& entry, const plugin_outline& plugin,
                  const std::string& queue);
  void mounted(const config::plugin_use& use);

  bool belongs_to_another_entry(const std::string& url, const std::string& mount) const;

  const config::service_settings& service_;
  const config::plugins_settings& settings_;
  std::map<std::string, const plugin_outline*> known_;
  std::map<std::string, route> routes_;
  std::set<std::string> used_;
  std::vector<std::string> not_configured_;
  std::vector<std::string> complaints_;
};

void resolver::explicit_command(const config::command_settings& entry) {
  const plugin_outline* plugin = find(entry.plugin);
  if (plugin == nullptr) {
    complain("command " + entry.url + " is not served: no plugin " + entry.plugin + " is running");
    return;
  }
  const std::string queue = entry.work_queue.empty() ? own_queue(entry.plugin) : entry.work_queue;
  if (!entry.command.empty()) {
    named_command(entry, *plugin, queue);
  } else if (is_subtree(entry.url)) {
    mount_tree(entry, *plugin, queue);
  } else {
    exact_command(entry, *plugin, queue);
  }
}

std::size_t index_of(const plugin_outline& plugin, std::string_view command) {
  const auto found = std::find(plugin.commands.begin(), plugin.commands.end(), command);
  return static_cast<std::size_t>(found - plugin.commands.begin());
}

void resolver::named_command(const config::command_settings& entry, const plugin_outline& plugin,
                             const std::string& queue) {
  const std::size_t command = index_of(plugin, entry.command);
  if (command == plugin.commands.size()) {
    complain("command " + entry.url + " is not served: plugin " + plugin.name + " has no command " +
             entry.command);
    return;
  }
  route r{entry.url, plugin.name, command, queue, entry.timeout.value_or(no_limit), 0, {}};
  if (is_subtree(entry.url)) {
    r.strip = mount_point(entry.url).size();
    r.prefix = mount_point(entry.command);
  } else {
    r.strip = entry.url.size();
    r.prefix = entry.command;
  }
  used_.insert(plugin.name);
  routes_.emplace(entry.url, std::move(r));
}

void resolver::exact_command(const config::command_settings& entry, const plugin_outline& plugin,
                             const std::string& queue) {
  std::size_t command = index_of(plugin, entry.url);
  if (command == plugin.commands.size()) command = index_of(plugin, "/");
  if (command == plugin.commands.size()) {
    complain("command " + entry.url + " is not served: plugin " + plugin.name +
             " has neither this command nor a default one; name one of its own with `command`");
    return;
  }
  used_.insert(plugin.name);
  routes_.emplace(
      entry.url,
      route{entry.url, plugin.name, command, queue, entry.timeout.value_or(no_limit), 0, {}});
}

/// Whether a URL below a mount point is the business of a `commands` entry deeper down.
bool resolver::belongs_to_another_entry(const std::string& url, const std::string& mount) const {
  return std::any_of(service_.commands.begin(), service_.commands.end(), [&](const auto& other) {
    if (other.url == url) return true;
    if (other.url.size() <= mount.size() || !is_subtree(other.url)) return false;
    return url.starts_with(other.url) || url == mount_point(other.url);
  });
}

void resolver::mount_tree(const config::command_settings& entry, const plugin_outline& plugin,
                          const std::string& queue) {
  const std::string_view point = mount_point(entry.url);
  if (plugin.commands.empty()) {
    complain("command " + entry.url + " is not served: plugin " + plugin.name + " has no commands");
    return;
  }
  used_.insert(plugin.name);
  for (std::size_t i = 0; i < plugin.commands.size(); ++i) {
    const std::string url = std::string(point) + plugin.commands[i];
    if (url != entry.url && belongs_to_another_entry(url, entry.url)) continue;
    routes_.emplace(
        url, route{url, plugin.name, i, queue, entry.timeout.value_or(no_limit), point.size(), {}});
  }
}

void resolver::mounted(const config::plugin_use& use) {
  const plugin_outline* plugin = find(use.plugin);
  if (plugin == nullptr) {
    complain("no plugin " + use.plugin + " is running");
    return;
  }
  used_.insert(plugin->name);
  const std::string_view point = mount_point(use.mount);
  for (std::size_t i = 0; i < plugin->commands.size(); ++i) {
    const std::string url = std::string(point) + plugin->commands[i];
    if (url == "/" && (plugin->flags & VSOA_PLUGIN_MOUNT_DEFAULT) != 0) continue;
    const bool is_explicit = std::any_of(service_.commands.begin(), service_.commands.end(),
                                         [&](const auto& entry) { return entry.url == url; });
    if (is_explicit) continue;
    const auto [there, added] = routes_.emplace(
        url, route{url, plugin->name, i, own_queue(plugin->name), no_limit, point.size(), {}});
    if (!added && there->second.plugin != plugin->name) {
      complain("plugin " + plugin->name + " does not serve " + url + ": plugin " +
               there->second.plugin + " does");
    }
  }
}

}  // namespace

std::string_view route::joined_path(std::string_view request_url, std::string& scratch) const {
  const std::string_view rest = request_url.substr(std::min(strip, request_url.size()));
  if (prefix.empty()) return rest.empty() ? std::string_view("/") : rest;
  if (rest.empty()) return prefix;
  scratch.assign(prefix).append(rest);
  return scratch;
}

resolution resolve(const config::service_settings& service, std::span<const plugin_outline> plugins,
                   const config::plugins_settings& settings) {
  return resolver(service, plugins, settings).run();
}

}  // namespace vsoad
