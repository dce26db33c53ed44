#include "plugin_host/plugin_host.hpp"

#include <algorithm>
#include <utility>

#include "plugin_host/environment.hpp"
#include "plugin_host/inline_plugin.hpp"
#include "plugin_host/isolation/isolated_plugin.hpp"
#include "plugin_host/isolation/process.hpp"
#include "plugin_host/plugin_update.hpp"

namespace vsoad {
namespace {

// For what a plugin that was replaced has under way: its callbacks, and its stop().
constexpr std::chrono::milliseconds retiring_patience{2000};

}  // namespace

plugin_host::plugin_host(vsoa::runtime& loops, reclaimer& old, const queue_settings& queues,
                         std::chrono::milliseconds stall_warning, vsoa::log_sink log)
    : old_(old),
      env_(std::make_unique<environment>(loops, old, std::move(log), stall_warning, queues)) {}

plugin_host::~plugin_host() {
  if (stop()) {
    // Before the plugins: jobs still queued find their doors closed, and the monitor knows their
    // names.
    env_->queues.end();
    env_->stalls.stop();
    // What the loops still have to do for plugins that were isolated uses the environment.
    (void)env_->loops.quiesce(std::chrono::seconds(1));
    return;
  }
  // Code of plugins still runs and will use these one day, when nothing may be destroyed any more.
  struct remains {
    std::vector<plugin_slot> plugins;
    std::vector<std::shared_ptr<plugin>> stuck;
    std::vector<retired> ending;
    std::unique_ptr<environment> env;
  };
  static auto* const kept = std::make_unique<std::vector<remains>>().release();
  kept->push_back({std::move(slots_), std::move(stuck_), std::move(retired_), std::move(env_)});
}

void plugin_host::set_services(std::vector<hosted_service> services) {
  env_->services.replace(std::make_shared<std::vector<hosted_service>>(std::move(services)), old_);
}

void plugin_host::set_queues(const queue_settings& queues) {
  env_->queues.change(queues);
}

std::shared_ptr<plugin> plugin_host::load_plugin(const plugin_slot& slot, std::string& reason) {
  const int directory = slot.file.directory->get();
  if (!slot.settings.isolation.is_process) {
    auto code = load_library(directory, slot.file.path, slot.name, reason);
    if (code == nullptr) return nullptr;
    return std::make_shared<inline_plugin>(std::move(code), *env_, slot.settings, made_++);
  }
  if (supervisor_ == nullptr) supervisor_ = std::make_shared<isolation::supervisor>(env_->log);
  if (child_program_.empty()) child_program_ = isolation::find_program();
  return isolated_plugin::load(supervisor_, child_program_, *env_, directory, slot.file.path,
                               slot.name, slot.settings, reason);
}

std::unique_ptr<plugin_update> plugin_host::prepare(
    const config::plugins_settings& wanted, std::span<const service_wishes> services,
    const std::function<bool(const std::string&)>& is_unfinished,
    std::span<const std::string> anew) {
  return std::make_unique<plugin_update>(*this, wanted, services, is_unfinished, anew);
}

void plugin_host::apply(std::unique_ptr<plugin_update> update) {
  update->is_applied_ = true;
  const auto until = std::chrono::steady_clock::now() + update->settings_.unload_grace;
  std::vector<plugin_slot> before = std::move(slots_);
  slots_.clear();
  for (plugin_update::place& p : update->places_) {
    const auto in = update->members_.find(p.name);
    const bool is_started = std::find(update->started_.begin(), update->started_.end(), p.what) !=
                            update->started_.end();
    p.services = in == update->members_.end() ? std::vector<vsoa_service>() : in->second;
    if (p.what != nullptr && p.what->is_running() && !is_started) p.what->set_services(p.services);
    slots_.push_back(static_cast<plugin_slot&>(p));
  }
  for (plugin_slot& old : before) {
    const bool stays = std::any_of(slots_.begin(), slots_.end(),
                                   [&](const plugin_slot& s) { return s.what == old.what; });
    if (old.what == nullptr || stays) continue;
    old.what->replaced();
    retired_.push_back({std::move(old.what), until});
  }
  std::erase_if(started_, [](const auto& each) { return each.expired(); });
  started_.insert(started_.end(), update->started_.begin(), update->started_.end());
  refused_paths_ = std::move(update->refused_paths_);
  settings_ = std::move(update->settings_);
}

void plugin_host::announce() {
  for (const plugin_slot& each : slots_) {
    if (each.what != nullptr && each.what->is_running()) each.what->set_services(each.services);
  }
}

bool plugin_host::retire(bool now) {
  if (retired_.empty()) return true;
  // Loops that still have the old routes would hand it calls.
  if (!env_->loops.quiesce(std::chrono::milliseconds(now ? 1000 : 20)) && !now) return false;
  return stop_retired(retired_, now);
}

// Whoever could still hand a call to it holds a reference: a route, or a job that waits for a work
// queue.
bool plugin_host::stop_retired(std::vector<retired>& all, bool now) {
  const auto time = std::chrono::steady_clock::now();
  std::erase_if(all, [&](retired& each) {
    const bool is_done = each.what.use_count() == 1 && each.what->is_quiet();
    if (!is_done && !now && time < each.until) return false;
    if (!is_done && each.what->is_running()) {
      env_->tell(vsoa::log_level::warning,
                 "plugin " + each.what->name() + " " + each.what->version() +
                     " is unloaded with calls, jobs or streams under way: they are cut off");
    }
    patience limit(retiring_patience);
    const bool was_running = each.what->is_running();
    if (!each.what->stop(limit)) {
      stuck_.push_back(std::move(each.what));
    } else {
      if (was_running) {
        env_->tell(vsoa::log_level::info,
                   "plugin " + each.what->name() + " " + each.what->version() + " unloaded");
      }
      old_.retire(std::move(each.what));
    }
    return true;
  });
  return all.empty();
}

bool plugin_host::stop(std::chrono::milliseconds limit,
                       const std::function<bool()>& hurry) noexcept {
  patience left(limit, hurry);
  bool all = true;
  const auto end = [&](plugin& one) {
    all = one.stop(left) && all;
    // The others have been waited for, too, when one has been in vain.
    if (!all) left.shorten();
  };
  for (const retired& each : retired_)
    end(*each.what);
  for (auto each = started_.rbegin(); each != started_.rend(); ++each) {
    if (const auto one = each->lock()) end(*one);
  }
  // Those that did not start may have left something running, too.
  for (const plugin_slot& each : slots_) {
    if (each.what != nullptr) end(*each.what);
  }
  return all && stuck_.empty();
}

std::vector<plugin_outline> plugin_host::outlines() const {
  std::vector<plugin_outline> list;
  for (const plugin_slot& each : slots_) {
    if (each.what != nullptr && each.what->is_running()) list.push_back(each.what->outline());
  }
  return list;
}

std::shared_ptr<plugin> plugin_host::find(std::string_view name) const noexcept {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [name](const plugin_slot& each) { return each.name == name; });
  return found == slots_.end() ? nullptr : found->what;
}

std::vector<plugin_failure> plugin_host::failures() const {
  std::vector<plugin_failure> all;
  for (const auto& [path, reason] : refused_paths_)
    all.push_back({path, reason});
  for (const plugin_slot& each : slots_) {
    if (!each.failure.empty()) all.push_back({each.file.path, each.failure});
  }
  return all;
}

std::vector<plugin_metric> plugin_host::metrics() const {
  std::vector<plugin_metric> list;
  for (const plugin_slot& each : slots_) {
    if (each.what != nullptr) each.what->metrics(list);
  }
  return list;
}

std::vector<std::string> plugin_host::summary() const {
  std::vector<std::string> lines;
  for (const auto& weak : started_) {
    const auto one = weak.lock();
    if (one == nullptr) continue;
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
