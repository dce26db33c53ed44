// The example of the guide, in C++: counts its calls, and greets by name a moment later.
#include <memory>
#include <string>
#include <vsoa/plugin.hpp>

class greeter : public vsoa::plugin::base {
 public:
  using base::base;

  void start(std::string_view) override { host.log(vsoa::plugin::level::info, "ready to greet"); }

  void greet(vsoa::plugin::call& call) {
    ++calls_;  // no lock: callbacks run one at a time
    call.reply("{\"calls\":" + std::to_string(calls_) + "}", call.data());
  }

  void later(vsoa::plugin::call& call) {
    waiting_ = call.defer();
    timer_ =
        host.after(std::chrono::milliseconds(10), [this] { waiting_.reply("\"good evening\""); });
  }

 private:
  int calls_ = 0;
  vsoa::plugin::deferred_call waiting_;
  vsoa::plugin::timer timer_;
};

VSOA_PLUGIN(greeter, PLUGIN_NAME, "1.0", "Greets, in C++") {
  command("/greet", &greeter::greet);
  command("/later", &greeter::later);
}
