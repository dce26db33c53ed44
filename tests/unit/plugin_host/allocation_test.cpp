// An inline call on its way through the host to a concurrent plugin and back takes no memory.
#include <doctest/doctest.h>

#include <atomic>

#include "counted_new.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/plugin_host.hpp"
#include "plugin_host/plugin_update.hpp"
#include "plugin_host/server_port.hpp"
#include "scratch.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

}  // namespace

void note_allocation(std::size_t) noexcept {
  if (counting) ++allocations;
}

using namespace vsoa_test;

namespace {

class fake_call final : public vsoa::call {
 public:
  fake_call(std::string_view url, vsoa::payload_view payload) {
    client_ = 7;
    url_ = url;
    payload_ = payload;
  }
  int replies = 0;
  bool is_echo = false;

 private:
  void do_reply(vsoa::status s, const vsoa::payload_view& payload, std::uint16_t) override {
    ++replies;
    is_echo = s == vsoa::status::success && payload.param == payload_.param &&
              payload.data.size() == payload_.data.size();
  }
  vsoa::deferred_call do_defer() override { return {}; }
};

}  // namespace

TEST_CASE("inline calls allocate nothing") {
  const scratch dir;
  dir.put(bundled("echo"), "echo");
  dir.put(sample("good"), "good");
  vsoa::runtime loops;
  vsoa::server server(loops);
  vsoad::config::plugins_settings settings;
  settings.directories = {dir.path()};
  vsoad::reclaimer old(loops);
  vsoad::plugin_host host(loops, old, {}, std::chrono::milliseconds(100), {});
  host.set_services({{1, "one", std::make_shared<vsoad::server_port>(server)}});
  vsoad::config::service_settings service;
  service.all_plugins = true;
  const vsoad::service_wishes wishes[] = {{1, &service}};
  host.apply(host.prepare(settings, wishes));

  const auto route_to = [](std::string url, std::string plugin, std::size_t command) {
    vsoad::route r;
    r.url = std::move(url);
    r.plugin = std::move(plugin);
    r.command = command;
    return r;
  };
  const auto echo_route = route_to("/echo", "echo", 1);
  const auto plain_route = route_to("/a", "good", 0);
  const auto echo = host.find("echo");
  const auto plain = host.find("good");
  const std::byte data[8] = {};
  const auto one_of_each = [&] {
    fake_call first("/echo", {"[1,2,3]", data});
    echo->command(1, echo_route, first);
    CHECK(first.replies == 1);
    CHECK(first.is_echo);
    fake_call second("/a", {"\"x\"", data});
    plain->command(1, plain_route, second);
    CHECK(second.replies == 1);
  };
  one_of_each();  // the thread takes its slot with the monitor
  fake_call first("/echo", {"[1,2,3]", data});
  fake_call second("/a", {"\"x\"", data});
  counting = true;
  echo->command(1, echo_route, first);
  plain->command(1, plain_route, second);
  counting = false;
  CHECK(first.is_echo);
  CHECK(second.replies == 1);
  CHECK(allocations == 0);
  CHECK(host.stop());
}
