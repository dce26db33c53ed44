#include "vsoad/reload.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "vsoad/application.hpp"

namespace vsoad {
namespace {

// What a reload can't change stays as it was at the start; the schema has the same list.
void keep_what_needs_a_restart(const config::configuration& started, config::configuration& next) {
  next.log.target = started.log.target;
  next.log.format = started.log.format;
  const auto grace = next.runtime.shutdown_grace;
  next.runtime = started.runtime;
  next.runtime.shutdown_grace = grace;
}

std::shared_ptr<service> find(const std::vector<std::shared_ptr<service>>& all,
                              const config::service_settings& wanted) {
  // A server is made with TLS, or without.
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& s) {
    return s->settings().name == wanted.name &&
           s->settings().tls.has_value() == wanted.tls.has_value();
  });
  return found == all.end() ? nullptr : *found;
}

}  // namespace

reload_steps::reload_steps(application& daemon, const config::load_result& wanted)
    : daemon_(daemon), settings_(*wanted.config) {
  keep_what_needs_a_restart(*daemon.started_.config, settings_);
}

reload_steps::~reload_steps() {
  if (is_committed_) return;
  plugins_.reset();
  daemon_.plugins_.set_queues(daemon_.settings_.work_queues);
  daemon_.host_services(daemon_.services_);
  daemon_.tell_own_services();
  for (step& each : steps_) {
    for (const place& p : std::exchange(each.places, {})) {
      if (!is_in_use(p.bound)) daemon_.sockets_.release_service(p.bound);
    }
    if (!each.is_new) continue;
    each.what->stop();
    daemon_.old_.retire(std::move(each.what));
  }
  for (const auto& each : position_bound_)
    daemon_.sockets_.release_position(each);
}

void reload_steps::prepare() {
  prepare_services();
  prepare_position();
  prepare_plugins();
}

void reload_steps::prepare_services() {
  for (const auto& wanted : settings_.services) {
    if (auto known = find(daemon_.services_, wanted)) {
      auto change = known->prepare(wanted);
      steps_.push_back({std::move(known), std::move(change), false, {}});
      prepare_places(steps_.back(), wanted);
      continue;
    }
    steps_.push_back({std::make_shared<service>(daemon_.loops_, daemon_.old_, wanted,
                                                ++daemon_.last_id_, daemon_.log_.sink()),
                      nullptr,
                      true,
                      {}});
    prepare_places(steps_.back(), wanted);
  }
  // They may connect before anything else is changed: what they must not connect to is known.
  daemon_.own_.update(settings_.services, addresses());
  for (step& each : steps_) {
    if (each.is_new) {
      each.what->forward(daemon_.resolver(), daemon_.own_);
    } else {
      each.what->forward(*each.change, daemon_.resolver(), daemon_.own_);
    }
  }
}

/// Addresses that are in the configuration more often than the service listens on them.
void reload_steps::prepare_places(step& s, const config::service_settings& wanted) {
  auto there = s.is_new ? std::vector<vsoa::socket_address>() : s.what->listening();
  for (const auto& address : wanted.listen) {
    const auto found = std::find(there.begin(), there.end(), address);
    if (found != there.end()) {
      there.erase(found);
      continue;
    }
    const auto sockets = sockets_for("service \"" + wanted.name + "\"",
                                     [&] { return daemon_.sockets_.for_service(address); });
    place p{address, address, unique_fd(sockets.tcp), unique_fd(sockets.udp)};
    p.bound = bound_address(sockets.tcp).value_or(address);
    s.places.push_back(std::move(p));
  }
}

/// Those that are there already stay: only whether the new ones can be had is found out here.
void reload_steps::prepare_position() {
  const auto& before = daemon_.settings_.position.listen;
  for (const auto& wanted : settings_.position.listen) {
    if (wanted.port == 0 || std::find(before.begin(), before.end(), wanted) != before.end())
      continue;
    const unique_fd udp(
        sockets_for("position", [&] { return daemon_.sockets_.for_position(wanted); }));
    position_bound_.push_back(wanted);
  }
}

bool reload_steps::is_in_use(const vsoa::socket_address& bound) const {
  return std::any_of(daemon_.services_.begin(), daemon_.services_.end(),
                     [&](const std::shared_ptr<service>& s) {
                       const auto all = s->server().addresses();
                       return std::find(all.begin(), all.end(), bound) != all.end();
                     });
}

/// Where the services will be, as far as their sockets are bound already.
std::vector<std::vector<vsoa::socket_address>> reload_steps::addresses() const {
  std::vector<std::vector<vsoa::socket_address>> all;
  for (const step& each : steps_) {
    auto& list = all.emplace_back(each.what->server().addresses());
    for (const place& p : each.places)
      list.push_back(p.bound);
  }
  return all;
}

void reload_steps::prepare_plugins() {
  daemon_.plugins_.set_queues(settings_.work_queues);
  std::vector<service_wishes> wishes;
  std::vector<std::shared_ptr<service>> all = daemon_.services_;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& what = steps_[i].what;
    wishes.push_back({what->id(), &settings_.services[i]});
    if (steps_[i].is_new) all.push_back(what);
  }
  daemon_.host_services(all);
  plugins_ = daemon_.plugins_.prepare(settings_.plugins, wishes, daemon_.is_unfinished_);
  // One that does not start with its new settings: these are wrong, as any other key may be.
  const auto& refused = plugins_->refused_settings();
  if (!refused.empty()) throw std::runtime_error(refused.front());
}

/// What fails from here on is said; the rest is done all the same.
template <class Work>
void reload_steps::attempt(reload_report& report, const std::string& who, Work work) {
  try {
    work();
  } catch (const std::exception& e) {
    report.problems.push_back(who + ": " + e.what());
  }
}

void reload_steps::commit(reload_report& report) {
  is_committed_ = true;
  for (const auto& line : plugins_->problems())
    report.problems.push_back(line);
  for (const auto& line : plugins_->changes())
    report.changes.push_back(line);
  daemon_.plugins_.apply(std::move(plugins_));
  std::vector<std::shared_ptr<service>> gone = std::move(daemon_.services_);
  daemon_.services_.clear();
  for (const step& each : steps_) {
    daemon_.services_.push_back(each.what);
    std::erase(gone, each.what);
  }
  const auto position_before = std::exchange(daemon_.settings_, settings_).position.listen;
  daemon_.host_services(daemon_.services_);
  for (const auto& s : gone)
    daemon_.old_.retire(s);
  attempt(report, "listening", [&] { close_listeners(gone); });
  for (step& each : steps_) {
    attempt(report, "service \"" + each.what->settings().name + "\"",
            [&] { commit_service(each, report); });
  }
  commit_certificates(report);
  if (settings_.position.listen != position_before) {
    attempt(report, "position", [&] {
      // Tried again by the next reload, should it fail.
      daemon_.settings_.position.listen.clear();
      daemon_.restart_position(daemon_.position_addresses_, settings_.position.listen);
      daemon_.settings_.position.listen = settings_.position.listen;
    });
  }
  attempt(report, "directory", [&] {
    daemon_.tell_own_services();
    daemon_.update_directory();
  });
  daemon_.plugins_.announce();
}

void reload_steps::commit_service(step& s, reload_report& report) {
  if (!s.is_new) s.what->apply(std::move(s.change));
  const auto unserved = s.what->connect(daemon_.plugins_);
  report.problems.insert(report.problems.end(), unserved.begin(), unserved.end());
  for (place& p : s.places)
    daemon_.listen(*s.what, p.wanted, {p.tcp.release(), p.udp.release()});
  if (s.is_new) s.what->start();
}

/// First of all, as another service may get their addresses.
void reload_steps::close_listeners(const std::vector<std::shared_ptr<service>>& gone) {
  std::vector<vsoa::socket_address> closed;
  for (const auto& s : gone) {
    const auto all = s->server().addresses();
    closed.insert(closed.end(), all.begin(), all.end());
    s->stop();
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].is_new) continue;
    auto unwanted = steps_[i].what->listening();
    for (const auto& wanted : settings_.services[i].listen) {
      const auto found = std::find(unwanted.begin(), unwanted.end(), wanted);
      if (found != unwanted.end()) unwanted.erase(found);
    }
    for (const auto& each : unwanted) {
      if (const auto bound = steps_[i].what->close_listener(each)) closed.push_back(*bound);
    }
  }
  for (const auto& each : closed) {
    const bool is_taken = std::any_of(steps_.begin(), steps_.end(), [&](const step& s) {
      return std::any_of(s.places.begin(), s.places.end(),
                         [&](const place& p) { return p.bound == each; });
    });
    if (!is_taken) daemon_.sockets_.release_service(each);
  }
}

void reload_steps::commit_certificates(reload_report& report) {
  for (const step& each : steps_) {
    if (each.is_new || each.what->reload_certificates()) continue;
    report.problems.push_back("service \"" + each.what->settings().name +
                              "\": certificates can't be used, those of before stay in use; the "
                              "log says why");
  }
}

}  // namespace vsoad
