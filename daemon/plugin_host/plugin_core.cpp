#include "plugin_host/plugin_core.hpp"

#include <utility>

#include "plugin_host/host_table.hpp"

namespace vsoad {

void last_words::begin() {
  const std::lock_guard lock(mutex_);
  listens_ = true;
  text_.clear();
}

void last_words::hear(vsoa::log_level level, std::string_view text) {
  constexpr std::size_t most_bytes = 512;
  if (level != vsoa::log_level::error) return;
  const std::lock_guard lock(mutex_);
  if (listens_) text_ = text.substr(0, most_bytes);
}

std::string last_words::end() {
  const std::lock_guard lock(mutex_);
  listens_ = false;
  return std::exchange(text_, {});
}

plugin_core::plugin_core(environment& shared, std::string plugin_name, bool is_concurrent,
                         std::string_view work_queue, std::size_t number)
    : host{},
      env(shared),
      name(std::move(plugin_name)),
      own_queue(work_queue.empty() ? nullptr : env.queues.find(work_queue)),
      services(std::make_shared<std::vector<vsoa_service>>()),
      timer_subject{"plugin " + name + ", a timer", {}},
      stream_subject{"plugin " + name + ", a stream", {}},
      runner(env, is_concurrent, own_queue, number),
      timers(env, runner, number, timer_subject,
             [this] { log(vsoa::log_level::error, "a timer's function threw"); }),
      streams(runner, stream_subject,
              [this] { log(vsoa::log_level::error, "a stream's callback threw"); }),
      deferred(env.loops, number) {
  fill_host_table(host.table);
  host.owner = this;
}

}  // namespace vsoad
