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
  // What waits there is still run.
  for (auto& [name, queue] : all_) {
    if (wanted.count(name) == 0) queue->resize(1, 1);
  }
  queues_.replace(std::move(now), old_);
}

}  // namespace vsoad
