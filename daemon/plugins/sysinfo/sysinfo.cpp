// sysinfo: how the machine is doing, on request and published. README.md says more.
#include <string>
#include <string_view>
#include <vsoa/plugin.hpp>

#include "interval.hpp"
#include "machine.hpp"

namespace {

class sysinfo_plugin : public vsoa::plugin::base {
 public:
  using base::base;

  void start(std::string_view config) override {
    const auto interval = machine_info::read_interval(config);
    machine_.sample();
    if (interval.count() > 0) tick_ = host.every(interval, [this] { tick(); });
  }

  machine_info::machine& machine() { return machine_; }

 private:
  void tick() {
    machine_.sample();
    if (host.is_subscribed("/sysinfo")) host.publish("/sysinfo", machine_.all());
  }

  machine_info::machine machine_{"/proc"};
  vsoa::plugin::timer tick_;
};

/// A command that replies with one part of the machine's state.
template <class Part>
auto get(Part part) {
  return [part](sysinfo_plugin& self, vsoa::plugin::call& call) {
    if (call.method() == vsoa::plugin::method::get) {
      call.reply((self.machine().*part)());
    } else {
      call.reply(vsoa::plugin::status::arguments);
    }
  };
}

}  // namespace

VSOA_PLUGIN(sysinfo_plugin, "sysinfo", "1.0", "Processors, memory, uptime and load") {
  command("/sysinfo", get(&machine_info::machine::all));
  command("/sysinfo/cpu", get(&machine_info::machine::cpu));
  command("/sysinfo/memory", get(&machine_info::machine::memory));
  command("/sysinfo/uptime", get(&machine_info::machine::uptime));
  command("/sysinfo/load", get(&machine_info::machine::load));
}
