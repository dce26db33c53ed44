#include "vsoad/application.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>

#include "vsoad/privileges.hpp"

namespace vsoad {
namespace {

// For what a plugin has under way when it is stopped.
constexpr std::chrono::milliseconds plugin_patience{2000};

// As many descriptors as we may have: every client takes one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// Large packets come and go by the thousand: without this glibc returns their memory to the kernel
// and takes it back for each, at a third of the speed.
void keep_freed_memory() {
  constexpr int keep_bytes = 16 << 20;
  (void)::mallopt(M_TRIM_THRESHOLD, keep_bytes);
  (void)::mallopt(M_MMAP_THRESHOLD, keep_bytes);
}

[[noreturn]] void fail_to_listen(const std::string& who, const std::system_error& e) {
  std::string hint;
  if (e.code() == std::errc::address_in_use) hint = "; another program has this address";
  if (e.code() == std::errc::permission_denied)
    hint = "; ports below 1024 need root or a capability";
  if (e.code() == std::errc::address_not_available) hint = "; no interface has this address";
  throw std::runtime_error(who + ": can't listen on " + e.what() + hint);
}

}  // namespace

application::application(const config::configuration& settings, const logging& log,
                         std::vector<inherited_socket> sockets)
    : settings_(settings),
      log_(log),
      sockets_(std::move(sockets), log.sink()),
      loops_({settings.runtime.threads, log.sink(), settings.runtime.busy_poll}),
      directory_(loops_),
      position_(loops_,
                [this](const vsoa::position_query& query, vsoa::position_server::answer answer) {
                  directory_.answer(query, std::move(answer));
                }),
      plugins_(loops_, settings.plugins, settings.work_queues, settings.runtime.stall_warning,
               log.sink()) {
  vsoa_service id = 0;
  for (const auto& s : settings_.services) {
    services_.push_back(std::make_unique<service>(loops_, s, ++id, log.sink()));
  }
}

application::~application() {
  watchdog_.reset();
  for (const auto& s : services_)
    s->stop();
  position_.stop();
  loops_.stop();  // timers use what is destroyed next
}

void application::start() {
  raise_descriptor_limit();
  keep_freed_memory();
  listen();
  forward();  // while root: it may be who may read the files of TLS
  const std::string problem = become_user(settings_.runtime.user);
  if (!problem.empty()) throw std::runtime_error(problem);
  loops_.start();
  start_plugins();
  start_services();
  watchdog_ = std::make_unique<watchdog>(
      [this](std::chrono::milliseconds bound) { return loops_.quiesce(bound); }, log_.sink());
}

void application::listen() {
  for (const auto& s : services_) {
    const std::string who = "service \"" + s->settings().name + "\"";
    try {
      s->listen([this](const auto& address) { return sockets_.for_service(address); });
    } catch (const std::system_error& e) {
      fail_to_listen(who, e);
    }
    for (const auto& address : s->server().addresses()) {
      log_.info(who + " listening on " + address.to_string() +
                (s->settings().tls ? " with TLS" : ""));
    }
  }
  for (const auto& address : settings_.position.listen) {
    try {
      position_addresses_.push_back(position_.listen(sockets_.for_position(address)));
    } catch (const std::system_error& e) {
      fail_to_listen("position", e);
    }
    log_.info("position listening on " + position_addresses_.back().to_string());
  }
  sockets_.close_unused();
}

void application::start_plugins() {
  for (const auto& s : services_) {
    plugins_.add_service(
        s->id(), s->settings().name, s->server(),
        [s = s.get()](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
          return s->publish(url, payload, via);
        });
  }
  plugins_.load();
  for (const auto& s : services_)
    s->enable(plugins_);
  plugins_.start();
  for (const auto& s : services_)
    s->connect(plugins_);
}

// Nobody is connected to before the loops run.
void application::forward() {
  directory_table table;
  table.entries = settings_.position.entries;
  table.upstream = settings_.position.upstream;
  table.listen = position_addresses_;
  for (const auto& s : services_)
    table.services.push_back(s->entry());
  directory_.update(std::move(table));
  std::vector<std::vector<vsoa::socket_address>> addresses;
  for (const auto& s : services_)
    addresses.push_back(s->server().addresses());
  own_ = std::make_unique<own_services>(settings_.services, std::move(addresses));
  const auto resolver = [this](std::string_view name, vsoa::position_domain domain, auto found) {
    directory_.find(name, domain, std::move(found));
  };
  for (const auto& s : services_)
    s->forward(resolver, *own_);
}

void application::start_services() {
  for (const auto& s : services_)
    s->start();
  position_.start();
}

bool application::is_idle() const {
  return std::all_of(services_.begin(), services_.end(),
                     [](const auto& s) { return s->server().idle(); });
}

bool application::stop(const std::function<bool()>& hurry) {
  const auto deadline = std::chrono::steady_clock::now() + settings_.runtime.shutdown_grace;
  // Whoever connects from now on is for the next vsoad, if systemd keeps the sockets for it.
  sockets_.close();
  const bool stopped = loops_answer(deadline, hurry) && drain(deadline, hurry);
  for (const auto& s : services_) {
    for (const auto& line : s->summary())
      log_.info(line);
  }
  for (const auto& line : plugins_.summary())
    log_.info(line);
  if (!position_addresses_.empty()) log_.info(position_summary());
  return stopped;
}

// A loop that a plugin keeps can be asked for nothing, not even to end.
bool application::loops_answer(std::chrono::steady_clock::time_point deadline,
                               const std::function<bool()>& hurry) {
  constexpr std::chrono::milliseconds moment{20};
  while (!loops_.quiesce(moment)) {
    if (!hurry() && std::chrono::steady_clock::now() < deadline) continue;
    log_.error(
        "an event loop is kept by a plugin's callback that does not return: ending without "
        "its clients' answers, and without stop() of the plugins");
    return false;
  }
  return true;
}

bool application::drain(std::chrono::steady_clock::time_point deadline,
                        const std::function<bool()>& hurry) {
  for (const auto& s : services_)
    s->server().drain();
  while (!is_idle() && std::chrono::steady_clock::now() < deadline) {
    if (hurry()) break;
  }
  if (!is_idle()) log_.warning("stopping with calls or answers still in flight");
  // Plugins that are asked in vain have had the grace already.
  const bool stopped = plugins_.stop(hurry() ? patience::in_a_hurry : plugin_patience, hurry);
  // What does not return may be on a loop, which then does not end either.
  if (!stopped && !loops_.quiesce(patience::in_a_hurry)) return false;
  // Plugins have answered what they had deferred: let the loops write that.
  while (!is_idle() && std::chrono::steady_clock::now() < deadline) {
    if (hurry()) break;
  }
  for (const auto& s : services_)
    s->stop();
  position_.stop();
  return stopped;
}

std::string application::position_summary() const {
  const vsoa::position_server_stats p = position_.stats();
  const directory_stats d = directory_.stats();
  const std::pair<const char*, std::uint64_t> fields[] = {
      {"queries", p.queries},           {"answered", p.answered},
      {"unknown", p.unknown},           {"malformed", p.malformed},
      {"rate_limited", p.rate_limited}, {"overloaded", p.overloaded},
      {"forwarded", d.forwarded},       {"shared", d.shared},
  };
  std::string line = "position:";
  for (const auto& [name, value] : fields)
    line += std::string(" ") + name + "=" + std::to_string(value);
  return line;
}

void application::reload_certificates() {
  for (const auto& s : services_)
    (void)s->reload_certificates();
}

std::string application::status() const {
  std::size_t clients = 0;
  for (const auto& s : services_)
    clients += s->server().stats().clients;
  const auto running = std::count_if(plugins_.plugins().begin(), plugins_.plugins().end(),
                                     [](const auto& p) { return p->is_running(); });
  const std::size_t failed = plugins_.failures().size();
  return std::to_string(services_.size()) + " services, " + std::to_string(running) + " plugins, " +
         std::to_string(clients) + " clients" +
         (failed == 0 ? "" : "; " + std::to_string(failed) + " plugin files not served");
}

}  // namespace vsoad
