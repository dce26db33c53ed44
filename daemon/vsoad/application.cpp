#include "vsoad/application.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>

#include "plugin_host/environment.hpp"
#include "plugin_host/plugin_update.hpp"
#include "plugin_host/server_port.hpp"
#include "vsoad/privileges.hpp"

namespace vsoad {
namespace {

// For loops to come round, unless a plugin keeps them.
constexpr std::chrono::milliseconds loop_patience{500};

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

}  // namespace

std::string why_not_listening(const std::string& who, const std::system_error& e) {
  std::string hint;
  if (e.code() == std::errc::address_in_use)
    hint = "; another program has this address, or this vsoad by 0.0.0.0 or [::] until a restart";
  if (e.code() == std::errc::permission_denied)
    hint = "; ports below 1024 need root or a capability";
  if (e.code() == std::errc::address_not_available) hint = "; no interface has this address";
  return who + ": can't listen on " + e.what() + hint;
}

application::application(const config::load_result& started, logging& log, bool keeps_level,
                         std::vector<inherited_socket> inherited)
    : started_(started),
      loaded_(started),
      settings_(*started.config),
      log_(log),
      keeps_level_(keeps_level),
      loops_({settings_.runtime.threads, log.sink(), settings_.runtime.busy_poll}),
      old_(loops_),
      sockets_(std::move(inherited), log.sink()),
      directory_(loops_),
      plugins_(loops_, old_, settings_.work_queues, settings_.runtime.stall_warning, log.sink()) {
  for (const auto& s : settings_.services) {
    services_.push_back(std::make_shared<service>(loops_, old_, s, ++last_id_, log.sink()));
  }
}

application::~application() {
  watchdog_.reset();
  for (const auto& s : services_)
    s->stop();
  if (position_) position_->stop();
  loops_.stop();  // timers use what is destroyed next
}

void application::start(const std::function<void()>& as_root) {
  raise_descriptor_limit();
  keep_freed_memory();
  listen();
  forward();  // while root: it may be who may read the files of TLS
  if (as_root) as_root();
  const std::string problem = become_user(settings_.runtime.user);
  if (!problem.empty()) throw std::runtime_error(problem);
  loops_.start();
  // Before the plugins: what keeps a loop from the beginning is found, too.
  watchdog_ = std::make_unique<watchdog>(
      [this](std::chrono::milliseconds patience) { return loops_.quiesce(patience); }, log_.sink());
  start_plugins();
  start_services();
}

void application::listen() {
  for (const auto& s : services_) {
    const std::string who = "service \"" + s->settings().name + "\"";
    for (const auto& wanted : s->settings().listen)
      listen(*s, wanted, sockets_for(who, [&] { return sockets_.for_service(wanted); }));
  }
  if (!settings_.position.listen.empty()) make_position(settings_.position.listen);
  sockets_.close_unused();
}

void application::listen(service& s, const vsoa::socket_address& wanted,
                         vsoa::bound_sockets sockets) {
  const vsoa::socket_address bound = s.listen(wanted, sockets);
  log_.info("service \"" + s.settings().name + "\" listening on " + bound.to_string() +
            (s.settings().tls ? " with TLS" : ""));
}

/// It answers when it is started.
void application::make_position(const std::vector<vsoa::socket_address>& listen) {
  position_addresses_.clear();
  position_ = std::make_unique<vsoa::position_server>(
      loops_, [this](const vsoa::position_query& query, vsoa::position_server::answer answer) {
        directory_.answer(query, std::move(answer));
      });
  for (const auto& wanted : listen) {
    const int udp = sockets_for("position", [&] { return sockets_.for_position(wanted); });
    position_addresses_.push_back(position_->listen(udp));
    log_.info("position listening on " + position_addresses_.back().to_string());
  }
}

/// With other addresses. Queries that come meanwhile wait in the sockets that stay.
void application::restart_position(std::vector<vsoa::socket_address> before,
                                   const std::vector<vsoa::socket_address>& listen) {
  if (position_) {
    log_.info(position_summary());
    position_->stop();
    position_.reset();
  }
  position_addresses_.clear();
  if (!listen.empty()) {
    make_position(listen);
    position_->start();
  }
  for (const auto& each : before) {
    const auto& now = position_addresses_;
    if (std::find(now.begin(), now.end(), each) == now.end()) sockets_.release_position(each);
  }
}

std::vector<service_wishes> application::wishes() const {
  std::vector<service_wishes> all;
  for (const auto& s : services_)
    all.push_back({s->id(), &s->settings()});
  return all;
}

/// A service that goes is let go of by who publishes in it, before it goes.
void application::host_services(const std::vector<std::shared_ptr<service>>& services) {
  std::vector<hosted_service> all;
  for (const auto& s : services) {
    all.push_back({s->id(), s->settings().name,
                   std::make_shared<server_port>(
                       s->server(), [s = s.get()](std::string_view url, vsoa::payload_view payload,
                                                  vsoa::channel via) {
                         return s->publish(url, payload, via);
                       })});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  plugins_.set_services(std::move(all));
}

void application::start_plugins() {
  host_services(services_);
  plugins_.apply(plugins_.prepare(settings_.plugins, wishes()));
  for (const auto& s : services_)
    (void)s->connect(plugins_);
  plugins_.announce();
}

vsoa::name_resolver application::resolver() {
  return [this](std::string_view name, vsoa::position_domain domain, auto found) {
    directory_.find(name, domain, std::move(found));
  };
}

void application::update_directory() {
  directory_table table;
  table.entries = settings_.position.entries;
  table.upstream = settings_.position.upstream;
  table.listen = position_addresses_;
  for (const auto& s : services_)
    table.services.push_back(s->entry());
  directory_.update(std::move(table));
}

// Nobody is connected to before the loops run.
void application::forward() {
  update_directory();
  tell_own_services();
  for (const auto& s : services_)
    s->forward(resolver(), own_);
}

void application::tell_own_services() {
  std::vector<std::vector<vsoa::socket_address>> addresses;
  for (const auto& s : services_)
    addresses.push_back(s->server().addresses());
  own_.update(settings_.services, std::move(addresses));
}

void application::start_services() {
  for (const auto& s : services_)
    s->start();
  if (position_) position_->start();
}

// --- another configuration ---

reload_report application::reload(const config::load_result& wanted, bool plan_only) {
  reload_report report;
  for (const auto& d : config::differences(started_, wanted)) {
    if (d.needs_restart) report.needs_restart.push_back(config::to_string(d));
  }
  for (const auto& d : config::differences(loaded_, wanted)) {
    if (!d.needs_restart) report.changes.push_back(config::to_string(d));
  }
  if (plan_only) return report;
  if (!loops_.quiesce(loop_patience)) {
    report.ok = false;
    report.changes.clear();
    report.problems.emplace_back(
        "an event loop is kept by a plugin's callback that does not return; the log names it");
    tell(report);
    return report;
  }
  try {
    reload_steps steps(*this, wanted);
    steps.prepare();
    steps.commit(report);
    await_loops();
    loaded_ = wanted;
    if (!keeps_level_) log_.set_level(settings_.log.level);
  } catch (const std::exception& e) {
    report.ok = false;
    report.changes.clear();
    report.problems.emplace_back(e.what());
  }
  tell(report);
  return report;
}

/// Who is told that a change is in force finds it in force, unless a plugin keeps a loop.
void application::await_loops() {
  (void)loops_.quiesce(loop_patience);
}

void application::tell(const reload_report& report) const {
  for (const auto& line : report.changes)
    log_.info("reload: " + line);
  for (const auto& line : report.needs_restart)
    log_.warning("reload: takes a restart: " + line);
  for (const auto& line : report.problems)
    log_.error("reload: " + line);
  if (report.ok) {
    log_.info("reload: the new configuration is in force");
  } else {
    log_.error("reload: the configuration of before stays in force");
  }
}

// --- plugins that come and go ---

std::vector<std::string> application::update_plugins(const std::vector<std::string>& anew) {
  auto update = plugins_.prepare(settings_.plugins, wishes(), is_unfinished_, anew);
  const auto problems = update->problems();
  const auto changes = update->changes();
  plugins_.apply(std::move(update));
  if (changes.empty()) return problems;
  for (const auto& s : services_)
    (void)s->connect(plugins_);
  plugins_.announce();
  await_loops();
  for (const auto& line : changes)
    log_.info(line);
  return problems;
}

void application::rescan() {
  try {
    (void)update_plugins({});
  } catch (const std::exception& e) {
    log_.error(std::string("plugins: ") + e.what());
  }
}

std::string application::restart_plugin(const std::string& name) {
  const auto& slots = plugins_.slots();
  const bool is_known =
      std::any_of(slots.begin(), slots.end(), [&](const plugin_slot& s) { return s.name == name; });
  if (!is_known) return "there is no plugin " + name;
  const auto before = plugins_.find(name);
  (void)update_plugins({name});
  const auto slot = std::find_if(slots.begin(), slots.end(),
                                 [&](const plugin_slot& s) { return s.name == name; });
  if (slot == slots.end()) return "its file is gone";
  if (!slot->failure.empty()) return slot->failure;
  if (slot->what == before) return "its file is still being written";
  return slot->what->is_running() ? "" : "no service uses it";
}

bool application::tidy() {
  constexpr std::chrono::milliseconds moment{20};
  const bool is_tidy = old_.is_empty() && !plugins_.is_retiring() &&
                       std::none_of(services_.begin(), services_.end(),
                                    [](const auto& s) { return s->is_retiring(); });
  if (is_tidy) return true;
  // A loop that a plugin keeps would keep us, too.
  if (!loops_.quiesce(moment)) return false;
  (void)plugins_.retire();
  for (const auto& s : services_)
    (void)s->retire(false);
  (void)old_.collect(moment);
  return false;
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
  if (position_) log_.info(position_summary());
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
  if (position_) position_->stop();
  return stopped;
}

std::string application::position_summary() const {
  const vsoa::position_server_stats p = position_->stats();
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

std::string application::status() const {
  std::size_t clients = 0;
  for (const auto& s : services_)
    clients += s->server().stats().clients;
  const auto& slots = plugins_.slots();
  const auto running = std::count_if(slots.begin(), slots.end(), [](const plugin_slot& each) {
    return each.what != nullptr && each.what->is_running();
  });
  const std::size_t failed = plugins_.failures().size();
  return std::to_string(services_.size()) + " services, " + std::to_string(running) + " plugins, " +
         std::to_string(clients) + " clients" +
         (failed == 0 ? "" : "; " + std::to_string(failed) + " plugin files not served");
}

}  // namespace vsoad
