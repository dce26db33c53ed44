#include "plugin_host/environment.hpp"

namespace vsoad {

void work_queues::change(const settings& wanted) {
  wanted_ = wanted;
  auto now = std::make_shared<table>();
  for (const auto& [name, one] : wanted) {
    auto& queue = all_[name];
    if (queue == nullptr) {
      queue = std::make_unique<vsoa::work_queue>(one.threads, one.limit);
    } else {
      queue->resize(one.threads, one.limit);
    }
    now->emplace(name, queue.get());
  }
  queues_.replace(std::move(now), old_);
}

}  // namespace vsoad
