// What operators ask of this daemon, answered.
#pragma once

#include <chrono>
#include <string>

#include "control/operations.hpp"

namespace vsoad {

class application;
class logging;
class reloader;
class service;

class daemon_operations final : public control::operations {
 public:
  /// All outlive this object.
  daemon_operations(application& broker, reloader& configuration, logging& log)
      : application_(broker), reloader_(configuration), log_(log) {}

  /// From now on nothing is changed any more: the daemon ends.
  void stop() noexcept { is_stopping_ = true; }

  outcome status(control::json_writer& out) override;
  outcome services(control::json_writer& out) override;
  outcome clients(control::json_writer& out, const std::string& service,
                  std::size_t limit) override;
  outcome plugins(control::json_writer& out) override;
  outcome topics(control::json_writer& out, const std::string& service, std::size_t limit) override;
  outcome reload(control::json_writer& out, bool plan_only) override;
  outcome log_level(control::json_writer& out, vsoa::log_level least) override;
  outcome disconnect(control::json_writer& out, const std::string& client) override;
  outcome restart_plugin(control::json_writer& out, const std::string& name) override;

 private:
  service* find(const std::string& name) const;
  outcome check_service(const std::string& name) const;
  void write_traffic(control::json_writer& out) const;
  void write_last_reload(control::json_writer& out) const;

  application& application_;
  reloader& reloader_;
  logging& log_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool is_stopping_ = false;
};

}  // namespace vsoad
