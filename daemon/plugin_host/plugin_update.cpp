#include "plugin_host/plugin_update.hpp"

#include <algorithm>
#include <utility>

#include "plugin_host/environment.hpp"

namespace vsoad {
namespace {

config::plugin_settings settings_of(const config::plugins_settings& all, const std::string& name) {
  const auto found = all.settings.find(name);
  return found == all.settings.end() ? config::plugin_settings{} : found->second;
}

}  // namespace

plugin_update::plugin_update(plugin_host& host, const config::plugins_settings& wanted,
                             std::span<const service_wishes> services,
                             const std::function<bool(const std::string&)>& is_unfinished,
                             std::span<const std::string> anew)
    : host_(host), settings_(wanted) {
  const catalogue all = look_through(wanted.directories, is_unfinished);
  say_notes(all);
  refused_paths_ = all.refused;
  take_files(all, is_unfinished, anew);
  const members in = find_members(services, true);
  start(in);
  members_ = find_members(services, false);  // without those that did not start
  note_changes(members_);
  host_.said_ = std::move(said_);
}

plugin_update::~plugin_update() {
  if (is_applied_) return;
  for (auto each = started_.rbegin(); each != started_.rend(); ++each) {
    (*each)->replaced();
    host_.retired_.push_back({*each, {}});
  }
  for (place& p : places_) {
    const bool is_started = std::find(started_.begin(), started_.end(), p.what) != started_.end();
    if (p.is_fresh && !is_started) host_.old_.retire(std::move(p.what));
  }
}

/// What stays as it is is said once, not at every look.
void plugin_update::say_once(vsoa::log_level level, const std::string& line) {
  const auto& said = host_.said_;
  if (std::find(said.begin(), said.end(), line) == said.end()) host_.env_->tell(level, line);
  said_.push_back(line);
}

void plugin_update::say_notes(const catalogue& all) {
  for (const auto& note : all.notes)
    say_once(note.level, note.text);
  for (const auto& each : settings_.settings) {
    if (all.files.count(each.first) != 0) continue;
    say_once(vsoa::log_level::warning,
             "plugins.settings." + each.first + ": there is no plugin of this name");
  }
}

void plugin_update::take_files(const catalogue& all,
                               const std::function<bool(const std::string&)>& is_unfinished,
                               std::span<const std::string> anew) {
  for (const auto& [name, file] : all.files) {
    const auto old = std::find_if(host_.slots_.begin(), host_.slots_.end(),
                                  [&n = name](const plugin_slot& s) { return s.name == n; });
    const bool is_known = old != host_.slots_.end();
    place p;
    p.name = name;
    p.file = file;
    p.settings = settings_of(settings_, name);
    if (is_known) p.before = old->what;
    p.has_new_settings = is_known && old->settings != p.settings;
    const bool is_same = is_known && old->file.path == file.path &&
                         old->file.identity == file.identity && old->settings == p.settings &&
                         has_its_queues(*old) &&
                         std::find(anew.begin(), anew.end(), name) == anew.end();
    if (is_same) {
      p.what = old->what;
      p.failure = old->failure;
      p.queues = old->queues;
    } else if (file.identity.size == 0 && is_unfinished) {
      if (!is_known) continue;  // somebody has just made it, and will write to it
      static_cast<plugin_slot&>(p) = *old;
    } else {
      load(p);
    }
    places_.push_back(std::move(p));
  }
  if (is_unfinished) keep_unfinished(is_unfinished);
}

/// An isolated plugin is given copies of the work queues when it is loaded.
bool plugin_update::has_its_queues(const plugin_slot& s) const {
  return !s.settings.isolation.is_process || s.queues == host_.env_->queues.wanted();
}

/// A file that somebody is writing over was left out: what was loaded from it goes on.
void plugin_update::keep_unfinished(const std::function<bool(const std::string&)>& is_unfinished) {
  for (const plugin_slot& old : host_.slots_) {
    const auto at =
        std::lower_bound(places_.begin(), places_.end(), old.name,
                         [](const place& p, const std::string& name) { return p.name < name; });
    if (at != places_.end() && at->name == old.name) continue;
    if (!is_unfinished(old.file.path)) continue;
    place p;
    static_cast<plugin_slot&>(p) = old;
    p.before = old.what;
    places_.insert(at, std::move(p));
  }
}

void plugin_update::load(place& p) {
  std::string reason;
  auto loaded = host_.load_plugin(p, reason);
  if (loaded == nullptr) return fail(p, reason);
  host_.env_->tell(vsoa::log_level::debug,
                   "plugin " + p.name + " " + loaded->version() + " loaded from " + p.file.path);
  p.what = std::move(loaded);
  p.queues = host_.env_->queues.wanted();
  p.is_fresh = true;
  p.failure.clear();
}

void plugin_update::fail(place& p, const std::string& reason) {
  p.failure = reason;
  p.is_fresh = false;
  p.what = p.before;
  const bool goes_on = p.before != nullptr && p.before->is_running();
  if (goes_on) p.failure += "; the one of before goes on";
  std::string line = "plugin " + p.file.path + " is not served: " + p.failure;
  host_.env_->tell(vsoa::log_level::warning, line);
  if (goes_on && p.has_new_settings) refused_settings_.push_back(line);
  problems_.push_back(std::move(line));
}

plugin_update::members plugin_update::find_members(std::span<const service_wishes> services,
                                                   bool before_start) {
  std::vector<plugin_outline> outlines;
  for (const place& p : places_) {
    if (p.what != nullptr && (before_start || p.what->is_running()))
      outlines.push_back(p.what->outline());
  }
  members in;
  for (const service_wishes& each : services) {
    const resolution r = resolve(*each.settings, outlines, settings_);
    for (const auto& name : r.plugins)
      in[name].push_back(each.id);
    if (!before_start) continue;
    for (const auto& name : r.not_configured) {
      say_once(vsoa::log_level::info, "service \"" + each.settings->name + "\": plugin \"" + name +
                                          "\" needs settings (plugins.settings." + name +
                                          ".config) and has none: not served");
    }
  }
  return in;
}

/// One whose code has not returned stays as it is.
void plugin_update::drop(std::shared_ptr<plugin> failed) {
  patience none(std::chrono::milliseconds(0));
  if (failed->stop(none)) {
    host_.old_.retire(std::move(failed));
  } else {
    host_.stuck_.push_back(std::move(failed));
  }
}

/// An object that a slot has is never started or stopped here: if this update is dropped, the slot
/// still has it.
void plugin_update::start(const members& in) {
  for (place& p : places_) {
    const auto found = in.find(p.name);
    const bool is_wanted = found != in.end();
    if (p.what == nullptr) continue;
    if (!p.is_fresh && !p.failure.empty()) continue;  // it has failed to
    if (!p.is_fresh && is_wanted != p.what->is_running()) load(p);
    if (!p.is_fresh) continue;
    if (!is_wanted) {
      p.what->rest();
      continue;
    }
    p.what->set_services(found->second);
    const std::string reason = p.what->start();
    if (!reason.empty()) {
      drop(std::move(p.what));
      fail(p, reason);
      continue;
    }
    started_.push_back(p.what);
    host_.env_->tell(vsoa::log_level::info,
                     "plugin " + p.name + " " + p.what->version() +
                         " started, commands: " + std::to_string(p.what->commands().size()));
  }
}

void plugin_update::note_changes(const members& in) {
  for (const place& p : places_) {
    if (p.what == p.before && !p.is_fresh) continue;
    const std::string who = "plugin " + p.name + " ";
    if (p.before != nullptr && !p.before->is_running() && p.what->is_running()) {
      changes_.push_back(who + p.what->version() + ": used from now on");
    } else if (p.before == nullptr) {
      changes_.push_back(who + p.what->version() + ": new");
    } else if (in.count(p.name) == 0) {
      changes_.push_back(who + p.before->version() + ": no service uses it any more");
    } else {
      changes_.push_back(who + p.what->version() + ": replaces " + p.before->version());
    }
  }
  for (const plugin_slot& old : host_.slots_) {
    const bool stays = std::any_of(places_.begin(), places_.end(),
                                   [&](const place& p) { return p.name == old.name; });
    if (stays || old.what == nullptr) continue;
    changes_.push_back("plugin " + old.name + " " + old.what->version() + ": removed");
  }
}

}  // namespace vsoad
