#include "plugin_host/plugin_core.hpp"

#include <utility>

#include "plugin_host/host_table.hpp"

namespace vsoad {

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
