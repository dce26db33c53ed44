// Counters and gauges that a plugin keeps, for the daemon's metrics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace vsoad {

/// One value of one plugin, at the time of the snapshot.
struct plugin_metric {
  std::string plugin;
  std::string name;
  bool is_counter = true;
  std::uint64_t count = 0;  ///< of a counter
  double value = 0;         ///< of a gauge
};

class plugin_metrics {
 public:
  static constexpr std::size_t max_metrics = 256;
  static constexpr std::size_t max_name_bytes = 64;

  // Both return a VSOA_... result of plugin.h. Any thread.
  int add(std::string_view name, std::uint64_t delta);
  int set(std::string_view name, double value);

  /// Appends all, in order of name.
  void snapshot(const std::string& plugin, std::vector<plugin_metric>& out) const;

 private:
  struct metric {
    explicit metric(bool counter) : is_counter(counter) {}
    const bool is_counter;
    std::atomic<std::uint64_t> count{0};
    std::atomic<double> value{0};
  };

  template <class Change>
  int change(std::string_view name, bool is_counter, Change apply);

  mutable std::shared_mutex mutex_;
  std::map<std::string, metric, std::less<>> metrics_;  // under mutex_; values are atomic
};

}  // namespace vsoad
