// A change of the set of plugins: worked out and begun by plugin_host::prepare(), put into force by
// apply().
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plugin_host/plugin_host.hpp"

namespace vsoad {

class plugin_update {
 public:
  /// See plugin_host::prepare().
  plugin_update(plugin_host& host, const config::plugins_settings& wanted,
                std::span<const service_wishes> services,
                const std::function<bool(const std::string&)>& is_unfinished,
                std::span<const std::string> anew);
  /// Stops what it has started, unless it was applied.
  ~plugin_update();
  plugin_update(const plugin_update&) = delete;
  plugin_update& operator=(const plugin_update&) = delete;

  /// What it does, a line each: "plugin echo 1.1: replaces 1.0". None: nothing but perhaps who is
  /// in which service.
  const std::vector<std::string>& changes() const noexcept { return changes_; }
  /// Plugins that do not come up as they should, a line each; those of before go on.
  const std::vector<std::string>& problems() const noexcept { return problems_; }
  /// Of these, plugins that ran and do not start with other settings.
  const std::vector<std::string>& refused_settings() const noexcept { return refused_settings_; }

 private:
  friend class plugin_host;
  using members = std::map<std::string, std::vector<vsoa_service>>;  // by plugin

  struct place : plugin_slot {
    std::shared_ptr<plugin> before;  // what the name stands for until now
    bool is_fresh = false;           // `what` is not `before`, and not started yet
    bool has_new_settings = false;
  };

  void take_files(const catalogue& all,
                  const std::function<bool(const std::string&)>& is_unfinished,
                  std::span<const std::string> anew);
  void keep_unfinished(const std::function<bool(const std::string&)>& is_unfinished);
  bool has_its_queues(const plugin_slot& s) const;
  void load(place& p);
  members find_members(std::span<const service_wishes> services, bool before_start);
  void start(const members& in);
  void fail(place& p, const std::string& reason);
  void note_changes(const members& in);
  void say_notes(const catalogue& all);
  void say_once(vsoa::log_level level, const std::string& line);
  void drop(std::shared_ptr<plugin> failed);

  plugin_host& host_;
  config::plugins_settings settings_;
  std::vector<place> places_;
  members members_;
  std::vector<std::shared_ptr<plugin>> started_;
  std::vector<std::pair<std::string, std::string>> refused_paths_;
  std::vector<std::string> changes_, problems_, refused_settings_;
  std::vector<std::string> said_;  // as plugin_host's
  bool is_applied_ = false;
};

}  // namespace vsoad
