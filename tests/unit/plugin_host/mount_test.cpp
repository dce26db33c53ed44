#include "plugin_host/mount.hpp"

#include <doctest/doctest.h>

#include "vsoa/plugin.h"

namespace mount_test {

using namespace vsoad;

const std::vector<plugin_outline> plugins = {
    {"camera", {"/", "/snap", "/stream/"}, 0},
    {"echo", {"/", "/echo", "/publish"}, VSOA_PLUGIN_MOUNT_DEFAULT},
    {"exec", {"/exec/"}, VSOA_PLUGIN_NEEDS_CONFIG},
    {"mirror", {"/echo", "/mirror"}, 0},
    {"watcher", {}, 0},
};

struct service : config::service_settings {
  service() { name = "cabin"; }
  service& command(std::string url, std::string plugin, std::string own = {},
                   std::string queue = {}) {
    commands.push_back(
        {std::move(url), std::move(plugin), std::move(own), std::move(queue), {}, {}});
    return *this;
  }
  service& use(std::string plugin, std::string mount = {}) {
    config::service_settings::plugins.push_back({std::move(plugin), std::move(mount)});
    return *this;
  }
  service& all() {
    all_plugins = true;
    return *this;
  }
};

resolution run(const service& s, const config::plugins_settings& settings = {}) {
  return resolve(s, plugins, settings);
}

/// "url=plugin:command" of all routes.
std::string routes(const resolution& result) {
  std::string text;
  for (const auto& route : result.routes) {
    for (const auto& plugin : plugins) {
      if (plugin.name != route.plugin) continue;
      text += route.url + "=" + route.plugin + ":" + plugin.commands.at(route.command) + " ";
    }
  }
  return text;
}

std::string routes(const service& s) {
  return routes(run(s));
}

std::string path(const service& s, std::string_view url) {
  const auto result = run(s);
  REQUIRE(result.routes.size() == 1);
  std::string joined;
  const auto scratch = [&]() -> std::string& { return joined; };
  return std::string(result.routes[0].path(url, scratch));
}

TEST_CASE("explicit commands") {
  CHECK(routes(service().command("/x", "camera", "/snap")) == "/x=camera:/snap ");
  CHECK(routes(service().command("/snap", "camera")) == "/snap=camera:/snap ");
  CHECK(routes(service().command("/x", "camera")) == "/x=camera:/ ");
  CHECK(routes(service().command("/x/", "camera", "/snap")) == "/x/=camera:/snap ");
}

TEST_CASE("a subtree mounts the whole plugin") {
  CHECK(routes(service().command("/cam/", "camera")) ==
        "/cam/=camera:/ /cam/snap=camera:/snap /cam/stream/=camera:/stream/ ");
  CHECK(routes(service().command("/", "mirror")) == "/echo=mirror:/echo /mirror=mirror:/mirror ");
  CHECK(routes(service().command("/", "echo")) ==
        "/=echo:/ /echo=echo:/echo /publish=echo:/publish ");
}

TEST_CASE("another entry below a mount point keeps what is its own") {
  CHECK(routes(service().command("/cam/", "camera").command("/cam/snap", "echo")) ==
        "/cam/=camera:/ /cam/snap=echo:/ /cam/stream/=camera:/stream/ ");
  CHECK(routes(service().command("/cam/", "camera").command("/cam/stream/", "echo", "/echo")) ==
        "/cam/=camera:/ /cam/snap=camera:/snap /cam/stream/=echo:/echo ");
  CHECK(routes(service().command("/", "camera").command("/snap/", "echo", "/")) ==
        "/=camera:/ /snap/=echo:/ /stream/=camera:/stream/ ");
}

TEST_CASE("plugins are mounted where they say, or below a mount point") {
  CHECK(routes(service().use("mirror")) == "/echo=mirror:/echo /mirror=mirror:/mirror ");
  CHECK(routes(service().use("mirror", "/m")) == "/m/echo=mirror:/echo /m/mirror=mirror:/mirror ");
  CHECK(routes(service().use("camera", "/cam")) ==
        "/cam/=camera:/ /cam/snap=camera:/snap /cam/stream/=camera:/stream/ ");
  CHECK(routes(service().use("camera")) ==
        "/=camera:/ /snap=camera:/snap /stream/=camera:/stream/ ");
}

TEST_CASE("a default command that is for mount points does not take a whole service") {
  CHECK(routes(service().use("echo")) == "/echo=echo:/echo /publish=echo:/publish ");
  CHECK(routes(service().use("echo", "/e")) ==
        "/e/=echo:/ /e/echo=echo:/echo /e/publish=echo:/publish ");
}

TEST_CASE("plugins: all, without those that have no settings but need them") {
  const auto result = run(service().all());
  CHECK(routes(result) ==
        "/=camera:/ /echo=echo:/echo /mirror=mirror:/mirror /publish=echo:/publish "
        "/snap=camera:/snap /stream/=camera:/stream/ ");
  CHECK(result.plugins == std::vector<std::string>{"camera", "echo", "mirror", "watcher"});
  CHECK(result.not_configured == std::vector<std::string>{"exec"});
  REQUIRE(result.complaints.size() == 1);
  CHECK(result.complaints[0] ==
        "service cabin: plugin mirror does not serve /echo: plugin echo does");

  config::plugins_settings settings;
  settings.settings["exec"].has_config = true;
  const auto configured = run(service().all(), settings);
  CHECK(configured.not_configured.empty());
  CHECK(routes(configured).find("/exec/=exec:/exec/") != std::string::npos);
}

TEST_CASE("explicit commands win over mounted ones, silently") {
  const auto result = run(service().use("echo").command("/echo", "mirror", "/mirror"));
  CHECK(routes(result) == "/echo=mirror:/mirror /publish=echo:/publish ");
  CHECK(result.complaints.empty());
  CHECK(result.plugins == std::vector<std::string>{"echo", "mirror"});
}

TEST_CASE("what can't be served is said") {
  const auto complaint = [](const service& s) {
    const auto result = run(s);
    REQUIRE(result.complaints.size() == 1);
    CHECK(result.routes.empty());
    return result.complaints[0];
  };
  CHECK(complaint(service().command("/x", "none")) ==
        "service cabin: command /x is not served: no plugin none is running");
  CHECK(complaint(service().command("/x", "echo", "/nope")) ==
        "service cabin: command /x is not served: plugin echo has no command /nope");
  CHECK(complaint(service().command("/x", "mirror")).find("neither this command nor a default") !=
        std::string::npos);
  CHECK(complaint(service().command("/w/", "watcher")).find("has no commands") !=
        std::string::npos);
  CHECK(complaint(service().use("none")) == "service cabin: no plugin none is running");
}

TEST_CASE("an explicit command whose plugin is missing stays unserved") {
  const auto result = run(service().use("mirror").command("/echo", "none"));
  CHECK(routes(result) == "/mirror=mirror:/mirror ");
}

TEST_CASE("work queues: the command's own, else the plugin's") {
  config::plugins_settings settings;
  settings.settings["camera"].work_queue = "slow";
  const auto result = run(service()
                              .command("/a", "camera", "/snap")
                              .command("/b", "camera", "/snap", "other")
                              .use("mirror")
                              .use("camera", "/cam"),
                          settings);
  for (const auto& route : result.routes) {
    CAPTURE(route.url);
    CHECK(route.work_queue == (route.url == "/b"          ? "other"
                               : route.plugin == "camera" ? "slow"
                                                          : ""));
  }
}

TEST_CASE("the path is the plugin's view of the URL") {
  CHECK(path(service().command("/x", "camera"), "/x") == "/x");
  CHECK(path(service().command("/x", "camera", "/snap"), "/x") == "/snap");
  CHECK(path(service().command("/x/", "camera", "/stream/"), "/x/1") == "/stream/1");
  CHECK(path(service().command("/x/", "camera", "/stream/"), "/x") == "/stream");
  CHECK(path(service().command("/x/", "camera", "/"), "/x/1") == "/1");
  CHECK(path(service().command("/x/", "camera", "/"), "/x") == "/");

  const auto mounted = run(service().command("/cam/", "camera"));
  std::string joined;
  const auto scratch = [&]() -> std::string& { return joined; };
  CHECK(mounted.routes[0].path("/cam/a/b", scratch) == "/a/b");
  CHECK(mounted.routes[0].path("/cam", scratch) == "/");
  CHECK(mounted.routes[1].path("/cam/snap", scratch) == "/snap");
  CHECK(mounted.routes[2].path("/cam/stream/7", scratch) == "/stream/7");
  CHECK(joined.empty());
}

}  // namespace mount_test
