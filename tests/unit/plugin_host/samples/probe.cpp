// A plugin that lets tests look at the host from inside: each command does one thing.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <vsoa/plugin.hpp>

using vsoa::plugin::call;
using vsoa::plugin::status;

namespace {

constexpr auto short_time = std::chrono::milliseconds(1);

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

void wait_for(const std::string& file) {
  while (::access(file.c_str(), F_OK) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

class probe : public vsoa::plugin::base {
 public:
  using base::base;

  void start(std::string_view config) override {
    if (config == "\"throw\"") throw std::runtime_error("told not to start");
    if (config == "\"timer\"") early_ = host.after(short_time, [this] { host.count("early"); });
    config_ = config;
  }

  void stop() override {
    for (auto& one : kept_)
      one.reply("\"stopping\"");
    if (config_ == "\"hang\"") std::this_thread::sleep_for(std::chrono::minutes(1));
    std::string file;  // the host may be gone when it is there
    if (constexpr std::string_view dawdle = "\"until "; config_.starts_with(dawdle)) {
      file = config_.substr(dawdle.size(), config_.size() - dawdle.size() - 1);
      wait_for(file);
    }
    host.log(vsoa::plugin::level::info, "bye");
    if (!file.empty()) ::unlink(file.c_str());
  }

  void on_client(vsoa::plugin::client who, bool connected) override {
    host.count(connected ? "connected" : "disconnected");
    (void)who;
  }

  void on_datagram(vsoa::plugin::client from, std::string_view url, std::string_view param,
                   vsoa::plugin::bytes data, vsoa::plugin::channel via) override {
    host.datagram(from, url, param, data, via);
    if (url == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }

  void on_subscription(vsoa::plugin::client, const std::vector<std::string_view>& urls,
                       bool subscribed) override {
    host.count(subscribed ? "subscribed" : "unsubscribed", urls.size());
  }

  void seen(call& c) {
    c.reply("[" + quoted(c.url()) + "," + quoted(c.command()) + "," + quoted(c.path()) + "]",
            c.data());
  }
  void config(call& c) { c.reply(config_); }
  void fail(call&) { throw std::runtime_error("told to fail"); }
  void silent(call&) {}
  void keep(call& c) { kept_.push_back(c.defer()); }
  void leak(call& c) {  // through C, so that nothing answers on its own
    lost_ = host.raw()->defer(host.raw(), raw_call(c));
  }
  void twice(call& c) {
    auto later = c.defer();
    auto none = c.defer();
    const int direct = c.reply("\"direct\"");
    later.reply(none ? "\"wrong\"" : direct == VSOA_E_NOT_FOUND ? "\"right\"" : "\"no\"");
  }
  void stale(call& c) {
    auto* raw = host.raw()->defer(host.raw(), raw_call(c));
    const vsoa_text param = {"\"first\"", 7};
    host.raw()->reply(host.raw(), raw, 0, param, {}, 0);
    stale_result_ = host.raw()->reply(host.raw(), raw, 0, param, {}, 0);
  }
  void stale_result(call& c) { c.reply(std::to_string(stale_result_)); }
  void from_thread(call& c) {
    std::thread([later = c.defer()]() mutable { later.reply("\"thread\""); }).join();
  }
  void drop(call& c) { c.drop(); }
  void sleep(call& c) {
    const int ms = std::stoi(std::string(c.param()));
    ++inside_;
    if (inside_ > 1) host.count("overlaps");
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    --inside_;
    c.reply("\"slept\"");
  }
  // The callback lasts until there is a file of this name.
  void wait(call& c) {
    host.gauge("inside", 1);
    wait_for(std::string(c.param().substr(1, c.param().size() - 2)));
    c.reply("\"waited\"");
  }
  void too_large(call& c) {
    const std::string much(300000, 'x');
    host.gauge("too_large", c.reply(status::success, {}, much));
  }
  void bad_status(call& c) { host.gauge("bad_status", c.reply(static_cast<status>(256))); }
  void queue(call& c) {
    auto later = std::make_shared<vsoa::plugin::deferred_call>(c.defer());
    const int result =
        host.queue(std::string(c.param()), [later] { later->reply("\"from the queue\""); });
    if (result != VSOA_OK) later->reply(std::to_string(result));
  }
  void queue_throw(call& c) {
    const int result = host.queue(std::string(c.param()), [] { throw 1; });
    c.reply(std::to_string(result));
  }
  void timer(call& c) {
    once_ =
        host.after(short_time, [later = std::make_shared<vsoa::plugin::deferred_call>(c.defer())] {
          later->reply("\"ticked\"");
        });
  }
  void ticking(call& c) {
    ticks_ = host.every(short_time, [this] {
      if (++ticked_ == 3) {
        ticks_.stop();
        host.gauge("ticked", ticked_);
      }
    });
    c.reply("true");
  }
  void info(call& c) {
    const auto known = host.info(c.client());
    if (!known) return;
    c.reply("[" + quoted(known->address) + "," + quoted(known->role) + "," +
            std::to_string(known->priority) + "," + std::to_string(known->authed) + "," +
            quoted(host.service_name(c.service())) + "," + std::to_string(host.clients().size()) +
            "," + std::to_string(host.services().size()) + "]");
  }
  void certificate(call& c) { c.reply("true", host.certificate(c.client())); }
  void set(call& c) {
    std::string results;
    results += std::to_string(host.set_priority(c.client(), 5)) + " ";
    results += std::to_string(host.set_priority(c.client(), 8)) + " ";
    results += std::to_string(host.set_keepalive(c.client(), std::chrono::seconds(60))) + " ";
    results +=
        std::to_string(host.set_send_timeout(c.client(), std::chrono::milliseconds(500))) + " ";
    results += std::to_string(host.set_authed(c.client(), true)) + " ";
    results += std::to_string(host.set_priority(c.client() ^ 0xFFFFU, 1)) + " ";
    results += std::to_string(host.set_priority((vsoa_client{99} << 32U) | 1U, 1));
    c.reply(quoted(results));
  }
  void close(call& c) { host.close(c.client()); }
  void publish(call& c) {
    const int result = host.publish(c.service(), c.param(), "\"news\"", c.data());
    c.reply("[" + std::to_string(result) + "," + std::to_string(host.is_subscribed(c.param())) +
            "," + std::to_string(host.is_subscribed(c.client(), c.param())) + "]");
  }

 private:
  /// The C call behind a C++ one; tests only.
  static vsoa_call* raw_call(call& c) {
    struct layout {
      const vsoa_host* host;
      vsoa_call* call;
    };
    return reinterpret_cast<layout*>(&c)->call;
  }

  std::string config_;
  std::vector<vsoa::plugin::deferred_call> kept_;
  vsoa_call* lost_ = nullptr;
  vsoa::plugin::timer early_, once_, ticks_;
  int ticked_ = 0;
  int stale_result_ = 0;
  std::atomic<int> inside_{0};
};

}  // namespace

VSOA_PLUGIN(probe, PROBE_NAME, "2.1", "Lets tests look at the host from inside") {
  command("/", &probe::seen);
  command("/tree/", &probe::seen);
  command("/config", &probe::config);
  command("/fail", &probe::fail);
  command("/silent", &probe::silent);
  command("/keep", &probe::keep);
  command("/leak", &probe::leak);
  command("/twice", &probe::twice);
  command("/stale", &probe::stale);
  command("/stale-result", &probe::stale_result);
  command("/thread", &probe::from_thread);
  command("/drop", &probe::drop);
  command("/sleep", &probe::sleep);
  command("/wait", &probe::wait);
  command("/too-large", &probe::too_large);
  command("/bad-status", &probe::bad_status);
  command("/queue", &probe::queue);
  command("/queue-throw", &probe::queue_throw);
  command("/timer", &probe::timer);
  command("/ticking", &probe::ticking);
  command("/info", &probe::info);
  command("/certificate", &probe::certificate);
  command("/set", &probe::set);
  command("/close", &probe::close);
  command("/publish", &probe::publish);
  command("/lambda", [](call& c) { c.reply("\"lambda\""); });
  command("/self", [](probe& self, call& c) { self.seen(c); });
#ifdef PROBE_CONCURRENT
  concurrent();
#endif
}
