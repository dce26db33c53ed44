#include "plugin_host/plugin_metrics.hpp"

#include <algorithm>
#include <mutex>

#include "vsoa/plugin.h"

namespace vsoad {
namespace {

bool is_metric_name(std::string_view name) {
  if (name.empty() || name.size() > plugin_metrics::max_name_bytes) return false;
  if (name[0] >= '0' && name[0] <= '9') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

template <class Change>
int plugin_metrics::change(std::string_view name, bool is_counter, Change apply) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = metrics_.find(name);
    if (found != metrics_.end()) {
      if (found->second.is_counter != is_counter) return VSOA_E_ARGUMENT;
      apply(found->second);
      return VSOA_OK;
    }
  }
  if (!is_metric_name(name)) return VSOA_E_ARGUMENT;
  const std::unique_lock lock(mutex_);
  auto found = metrics_.find(name);
  if (found == metrics_.end()) {
    if (metrics_.size() >= max_metrics) return VSOA_E_FULL;
    found = metrics_.try_emplace(std::string(name), is_counter).first;
  }
  if (found->second.is_counter != is_counter) return VSOA_E_ARGUMENT;
  apply(found->second);
  return VSOA_OK;
}

int plugin_metrics::add(std::string_view name, std::uint64_t delta) {
  return change(name, true,
                [delta](metric& m) { m.count.fetch_add(delta, std::memory_order_relaxed); });
}

int plugin_metrics::set(std::string_view name, double value) {
  return change(name, false,
                [value](metric& m) { m.value.store(value, std::memory_order_relaxed); });
}

void plugin_metrics::snapshot(const std::string& plugin, std::vector<plugin_metric>& out) const {
  const std::shared_lock lock(mutex_);
  for (const auto& [name, m] : metrics_) {
    out.push_back({plugin, name, m.is_counter, m.count.load(std::memory_order_relaxed),
                   m.value.load(std::memory_order_relaxed)});
  }
}

}  // namespace vsoad
