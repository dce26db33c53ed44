// Reads the configuration again, has it put into force, and remembers how that went.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>

#include "vsoad/reload.hpp"

namespace vsoad {

class application;
class logging;

class reloader {
 public:
  struct last_reload {
    std::chrono::system_clock::time_point when;
    bool ok = false;
    std::size_t problems = 0;
  };

  /// @param broker, log  outlive this object
  /// @param reloaded     told when another configuration is in force
  reloader(std::filesystem::path file, application& broker, std::function<void()> reloaded,
           const logging& log)
      : file_(std::move(file)), application_(broker), reloaded_(std::move(reloaded)), log_(log) {}

  /// The whole file is checked first: whatever is wrong with it, the configuration of before stays
  /// in force, and the problems are what --check prints.
  reload_report run(bool plan_only);
  const std::filesystem::path& file() const noexcept { return file_; }
  /// Nothing: there has been none; plans do not count.
  const std::optional<last_reload>& last() const noexcept { return last_; }

 private:
  reload_report try_to(bool plan_only);

  const std::filesystem::path file_;
  application& application_;
  const std::function<void()> reloaded_;
  const logging& log_;
  std::optional<last_reload> last_;
};

}  // namespace vsoad
