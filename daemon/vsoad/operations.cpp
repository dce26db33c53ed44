#include "vsoad/operations.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/suggest.hpp"
#include "vsoad/application.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/reloader.hpp"
#include "vsoad/version.hpp"

namespace vsoad {
namespace {

using config::in_quotes;
using control::json_writer;

std::string_view level_name(vsoa::log_level level) {
  constexpr std::array<std::string_view, 5> names{"trace", "debug", "info", "warning", "error"};
  return names[static_cast<std::size_t>(level)];
}

std::string utc(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void write_list(json_writer& out, std::string_view name, const std::vector<std::string>& lines) {
  out.open_array(name);
  for (const auto& line : lines)
    out.item(line);
  out.close();
}

void write_upstreams(json_writer& out, const service& s) {
  out.open_array("upstreams");
  for (const upstream_report& u : s.upstreams().reports()) {
    out.open_object();
    out.field("url", u.url);
    out.field("connections", u.connections);
    out.field("connected", u.connected);
    for (const auto& counter : upstream_counters)
      out.field(counter.name, u.stats.*counter.member);
    out.close();
  }
  out.close();
}

void write_client(json_writer& out, const service& s, const vsoa::session_report& session) {
  const vsoa::client_info& client = session.client;
  out.open_object();
  out.field("id", s.settings().name + '/' + std::to_string(client.id));
  out.field("service", s.settings().name);
  out.field("address", client.address.to_string());
  out.field("local", client.local.to_string());
  out.field("role", client.role);
  out.field("authed", client.authed);
  out.field("priority", client.priority);
  out.field("quick", client.quick_port != 0);
  out.field("subscriptions", session.subscriptions);
  out.field("connected_seconds", session.age.count());
  out.field("received_bytes", session.received_bytes);
  out.field("sent_bytes", session.sent_bytes);
  out.field("queued_bytes", session.queued_bytes);
  if (s.settings().tls) out.field("certificate", session.certificate);
  out.close();
}

void write_metrics(json_writer& out, const plugin& p) {
  std::vector<plugin_metric> all;
  p.metrics(all);
  out.open_object("metrics");
  for (const plugin_metric& m : all) {
    if (m.is_counter) {
      out.field(m.name, m.count);
    } else {
      out.field(m.name, m.value);
    }
  }
  out.close();
}

// An isolated one may be starting, or waiting to be started again, while it serves.
std::string state_of(const plugin_slot& slot) {
  const plugin* const p = slot.what.get();
  if (p != nullptr && p->is_running()) return p->state().phase;
  if (!slot.failure.empty() || p == nullptr) return "failed";
  return p->needs_config() && !p->has_config() ? "not configured" : "not used";
}

void write_process(json_writer& out, const plugin_state& state) {
  out.open_object("process");
  out.field("pid", state.pid);
  if (state.pid != 0) {
    out.field("since", utc(state.since));
    out.field("memory_bytes", state.memory_bytes);
  }
  out.field("restarts", state.restarts);
  out.field("last_exit", state.last_exit);
  out.close();
}

void write_counts(json_writer& out, const plugin& p) {
  out.open_array("commands");
  for (const auto& command : p.commands())
    out.item(command);
  out.close();
  const plugin_counts counts = p.counts();
  out.field("calls_deferred", p.calls_deferred());
  out.field("calls_refused", counts.calls_refused);
  out.field("calls_timed_out", counts.calls_timed_out);
  out.field("stalls", counts.stalls);
  out.field("datagrams_lost", counts.datagrams_lost);
  out.field("events_refused", counts.events_refused);
  write_metrics(out, p);
}

// What runs may be the one of before, and the reason why its file's is not served.
void write_plugin(json_writer& out, const plugin_slot& slot) {
  out.open_object();
  out.field("name", slot.name);
  out.field("state", state_of(slot));
  if (!slot.failure.empty()) out.field("reason", slot.failure);
  out.field("file", slot.file.path);
  out.field("work_queue", slot.settings.work_queue);
  if (slot.what != nullptr) {
    out.field("version", slot.what->version());
    out.field("description", slot.what->description());
    const plugin_state state = slot.what->state();
    out.field("isolation", state.is_isolated ? "process" : "none");
    if (state.is_isolated) write_process(out, state);
    write_counts(out, *slot.what);
  }
  out.close();
}

void write_topics(json_writer& out, const service& s, std::size_t limit) {
  out.open_object();
  out.field("service", s.settings().name);
  out.open_array("rules");
  for (const config::topic_settings& t : s.settings().topics) {
    out.open_object();
    out.field("url", t.url);
    out.field("relay", t.relay);
    out.field("retain", t.retain_last);
    out.field("max_rate", t.max_rate);
    out.close();
  }
  out.close();
  const topic_stats counts = s.topic_values().stats();
  out.field("relayed", s.server().stats().relayed + counts.relayed);
  out.field("thinned", counts.thinned);
  out.field("not_retained", counts.not_retained);
  out.open_array("subscribed");
  for (const vsoa::subscribed_url& each : s.server().subscribed_urls(limit)) {
    out.open_object();
    out.field("url", each.url);
    out.field("subscribers", each.subscribers);
    out.close();
  }
  out.close();
  const retained_values kept = s.topic_values().retained(limit);
  out.field("retained_total", kept.total);
  out.open_array("retained");
  for (const auto& each : kept.values) {
    out.open_object();
    out.field("url", each.url);
    out.field("bytes", each.bytes);
    out.close();
  }
  out.close();
  out.close();
}

}  // namespace

// --- what is asked ---

void daemon_operations::write_traffic(json_writer& out) const {
  vsoa::server_stats sum;
  constexpr std::array counted{
      std::pair{"clients", &vsoa::server_stats::clients},
      std::pair{"calls", &vsoa::server_stats::calls},
      std::pair{"publishes", &vsoa::server_stats::publishes},
      std::pair{"deliveries", &vsoa::server_stats::deliveries},
      std::pair{"datagrams_in", &vsoa::server_stats::datagrams_in},
      std::pair{"dropped", &vsoa::server_stats::dropped},
      std::pair{"received_bytes", &vsoa::server_stats::received_bytes},
      std::pair{"sent_bytes", &vsoa::server_stats::sent_bytes},
  };
  for (const auto& s : application_.services()) {
    const vsoa::server_stats one = s->server().stats();
    for (const auto& each : counted)
      sum.*each.second += one.*each.second;
  }
  for (const auto& [name, member] : counted)
    out.field(name, sum.*member);
}

void daemon_operations::write_last_reload(json_writer& out) const {
  const auto& last = reloader_.last();
  if (!last) return out.null("last_reload");
  out.open_object("last_reload");
  out.field("when", utc(last->when));
  out.field("ok", last->ok);
  out.field("problems", last->problems);
  out.close();
}

control::operations::outcome daemon_operations::status(json_writer& out) {
  const auto uptime = std::chrono::steady_clock::now() - begin_;
  const auto& plugins = application_.plugins().slots();
  out.field("version", version());
  out.field("commit", commit());
  out.field("pid", ::getpid());
  out.field("state", is_stopping_ ? "stopping" : "running");
  out.field("uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
  out.field("config", reloader_.file().native());
  out.field("log_level", level_name(log_.level()));
  out.field("loops", application_.loops());
  out.field("services", application_.services().size());
  out.field("plugins", std::count_if(plugins.begin(), plugins.end(), [](const plugin_slot& slot) {
              return slot.what != nullptr && slot.what->is_running();
            }));
  write_traffic(out);
  write_last_reload(out);
  out.open_array("failures");
  for (const plugin_failure& f : application_.plugins().failures()) {
    out.open_object();
    out.field("file", f.file);
    out.field("reason", f.reason);
    out.close();
  }
  out.close();
  return {};
}

control::operations::outcome daemon_operations::services(json_writer& out) {
  out.open_array("services");
  for (const auto& s : application_.services()) {
    out.open_object();
    out.field("name", s->settings().name);
    out.open_array("addresses");
    for (const auto& address : s->server().addresses())
      out.item(address.to_string());
    out.close();
    out.field("tls", s->settings().tls.has_value());
    const vsoa::server_stats now = s->server().stats();
    out.field("clients", now.clients);
    out.field("outbox_bytes", now.outbox_bytes);
    out.field("open_streams", now.streams);
    for (const auto& [name, value] : s->counters())
      out.field(name, value);
    write_upstreams(out, *s);
    out.close();
  }
  out.close();
  out.open_array("position");
  for (const auto& address : application_.position_addresses())
    out.item(address.to_string());
  out.close();
  return {};
}

control::operations::outcome daemon_operations::clients(json_writer& out, const std::string& name,
                                                        std::size_t limit) {
  if (auto wrong = check_service(name)) return wrong;
  std::size_t total = 0;
  out.open_array("clients");
  for (const auto& s : application_.services()) {
    if (!name.empty() && s->settings().name != name) continue;
    const vsoa::session_list found = s->server().sessions(limit);
    total += found.total;
    limit -= found.sessions.size();
    for (const auto& session : found.sessions)
      write_client(out, *s, session);
  }
  out.close();
  out.field("total", total);
  return {};
}

control::operations::outcome daemon_operations::plugins(json_writer& out) {
  const plugin_host& all = application_.plugins();
  out.open_array("plugins");
  for (const plugin_slot& slot : all.slots())
    write_plugin(out, slot);
  out.close();
  return {};
}

control::operations::outcome daemon_operations::topics(json_writer& out, const std::string& name,
                                                       std::size_t limit) {
  if (auto wrong = check_service(name)) return wrong;
  out.open_array("topics");
  for (const auto& s : application_.services()) {
    if (name.empty() || s->settings().name == name) write_topics(out, *s, limit);
  }
  out.close();
  return {};
}

// --- what is ordered ---

control::operations::outcome daemon_operations::reload(json_writer& out, bool plan_only) {
  if (is_stopping_) return control::failure{control::code::failed, "vsoad is stopping"};
  const reload_report report = reloader_.run(plan_only);
  if (!report.ok) {
    return control::failure{control::code::failed, "the configuration of before stays in force",
                            report.problems};
  }
  out.field("plan", plan_only);
  write_list(out, "changes", report.changes);
  write_list(out, "needs_restart", report.needs_restart);
  write_list(out, "problems", report.problems);
  return {};
}

control::operations::outcome daemon_operations::log_level(json_writer& out, vsoa::log_level least) {
  const std::string_view before = level_name(log_.level());
  // Said while the more talkative of the two is in force.
  const std::string line =
      "log level: " + std::string(level_name(least)) + ", was " + std::string(before);
  if (least < log_.level()) log_.set_level(least);
  log_.info(line);
  log_.set_level(least);
  out.field("level", level_name(least));
  out.field("before", before);
  return {};
}

control::operations::outcome daemon_operations::disconnect(json_writer& out,
                                                           const std::string& client) {
  const control::failure unknown{control::code::not_found,
                                 "there is no client " + in_quotes(client)};
  const auto slash = client.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    return control::failure{control::code::bad_request,
                            in_quotes(client) + " is no client: write SERVICE/NUMBER"};
  }
  if (auto wrong = check_service(client.substr(0, slash))) return wrong;
  vsoa::client_id id = 0;
  const char* const end = client.data() + client.size();
  const auto read = std::from_chars(client.data() + slash + 1, end, id);
  if (read.ec != std::errc{} || read.ptr != end) return unknown;
  if (!find(client.substr(0, slash))->server().close(id)) return unknown;
  log_.info("client " + client + " disconnected by an operator");
  out.field("disconnected", client);
  return {};
}

control::operations::outcome daemon_operations::restart_plugin(json_writer& out,
                                                               const std::string& name) {
  if (is_stopping_) return control::failure{control::code::failed, "vsoad is stopping"};
  std::vector<std::string_view> names;
  for (const plugin_slot& slot : application_.plugins().slots())
    names.push_back(slot.name);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return control::failure{control::code::not_found, "there is no plugin " + in_quotes(name) +
                                                          config::did_you_mean(name, names)};
  }
  std::string problem = application_.restart_plugin(name);
  if (!problem.empty()) return control::failure{control::code::failed, std::move(problem)};
  log_.info("plugin " + name + " restarted by an operator");
  out.field("restarted", name);
  return {};
}

service* daemon_operations::find(const std::string& name) const {
  for (const auto& s : application_.services()) {
    if (s->settings().name == name) return s.get();
  }
  return nullptr;
}

// Empty stands for all.
control::operations::outcome daemon_operations::check_service(const std::string& name) const {
  if (name.empty() || find(name) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const auto& s : application_.services())
    names.push_back(s->settings().name);
  return control::failure{control::code::not_found, "there is no service " + in_quotes(name) +
                                                        config::did_you_mean(name, names)};
}

}  // namespace vsoad
