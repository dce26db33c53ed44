#include "plugin_host/plugin_host.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "plugin_host/environment.hpp"
#include "plugin_host/inline_plugin.hpp"
#include "plugin_host/server_port.hpp"

namespace vsoad {

plugin_host::plugin_host(vsoa::runtime& loops, const config::plugins_settings& settings,
                         const std::map<std::string, config::work_queue_settings>& queues,
                         std::chrono::milliseconds stall_warning, vsoa::log_sink log)
    : settings_(settings),
      env_(std::make_unique<environment>(loops, std::move(log), stall_warning, queues)) {}

plugin_host::~plugin_host() {
  if (stop()) {
    // Before the plugins: jobs still queued find their doors closed, and the monitor knows their
    // names.
    env_->queues.end();
    env_->stalls.stop();
    return;
  }
  // Code of plugins still runs and will use these one day, when nothing may be destroyed any more.
  struct remains {
    std::vector<std::unique_ptr<plugin>> plugins;
    std::unique_ptr<environment> env;
  };
  static auto* const kept = std::make_unique<std::vector<remains>>().release();
  kept->push_back({std::move(plugins_), std::move(env_)});
}

void plugin_host::add_service(vsoa_service id, std::string name, vsoa::server& server,
                              publisher publish) {
  if (id != env_->services.size() + 1 || !plugins_.empty()) {
    throw std::logic_error("plugin_host: services are added in order and before load()");
  }
  env_->services.push_back(
      {std::move(name), std::make_unique<server_port>(server, std::move(publish))});
}

void plugin_host::load() {
  for (auto& code : load_libraries(settings_.directories, failures_, env_->log)) {
    const auto found = settings_.settings.find(code->descriptor.name);
    const auto settings =
        found == settings_.settings.end() ? config::plugin_settings{} : found->second;
    env_->tell(vsoa::log_level::debug, "plugin " + code->descriptor.name + " " +
                                           code->descriptor.version + " loaded from " +
                                           code->path());
    plugins_.push_back(
        std::make_unique<inline_plugin>(std::move(code), *env_, settings, plugins_.size()));
  }
  for (const auto& [name, unused] : settings_.settings) {
    if (find(name) != nullptr) continue;
    env_->tell(vsoa::log_level::warning,
               "plugins.settings." + name + ": there is no plugin of this name");
  }
}

void plugin_host::start() {
  for (const auto& one : plugins_) {
    if (!one->is_enabled() || one->is_running()) continue;
    const std::string reason = one->start();
    if (reason.empty()) {
      env_->tell(vsoa::log_level::info,
                 "plugin " + one->name() + " " + one->version() +
                     " started, commands: " + std::to_string(one->commands().size()));
      started_.push_back(one.get());
      continue;
    }
    failures_.push_back({one->file(), reason});
    env_->tell(vsoa::log_level::warning, "plugin " + one->file() + " is not served: " + reason);
  }
  is_started_ = true;
}

bool plugin_host::stop(std::chrono::milliseconds limit,
                       const std::function<bool()>& hurry) noexcept {
  patience left(limit, hurry);
  bool all = true;
  for (auto one = started_.rbegin(); one != started_.rend(); ++one) {
    all = (*one)->stop(left) && all;
    // The others have been waited for, too, when one has been in vain.
    if (!all) left.shorten();
  }
  // Those that did not start may have left something running, too.
  for (const auto& one : plugins_)
    all = one->stop(left) && all;
  return all;
}

std::vector<plugin_outline> plugin_host::outlines() const {
  std::vector<plugin_outline> list;
  for (const auto& one : plugins_) {
    if (!is_started_ || one->is_running()) list.push_back(one->outline());
  }
  return list;
}

plugin* plugin_host::find(std::string_view name) const noexcept {
  const auto found = std::find_if(plugins_.begin(), plugins_.end(),
                                  [name](const auto& one) { return one->name() == name; });
  return found == plugins_.end() ? nullptr : found->get();
}

vsoa::work_queue* plugin_host::queue(std::string_view name) const noexcept {
  return env_->queues.find(name);
}

std::vector<plugin_metric> plugin_host::metrics() const {
  std::vector<plugin_metric> list;
  for (const auto& one : plugins_)
    one->metrics(list);
  return list;
}

std::vector<std::string> plugin_host::summary() const {
  std::vector<std::string> lines;
  for (const plugin* one : started_) {
    std::string line = "plugin " + one->name() + ":";
    const auto field = [&line](std::string_view name, const auto& value) {
      line.append(" ").append(name).append("=").append(std::to_string(value));
    };
    const plugin_counts counts = one->counts();
    field("stalls", counts.stalls);
    field("calls_refused", counts.calls_refused);
    field("calls_timed_out", counts.calls_timed_out);
    field("datagrams_lost", counts.datagrams_lost);
    field("events_refused", counts.events_refused);
    std::vector<plugin_metric> own;
    one->metrics(own);
    for (const auto& m : own) {
      if (m.is_counter) {
        field(m.name, m.count);
      } else {
        field(m.name, m.value);
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace vsoad
