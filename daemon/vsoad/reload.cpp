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
    : daemon_(daemon),
      wanted_(wanted),
      settings_(*wanted.config),
      places_(listen_places(settings_)) {
  keep_what_needs_a_restart(*daemon.started_.config, settings_);
}

reload_steps::~reload_steps() {
  if (is_committed_) return;
  plugins_.reset();
  daemon_.plugins_.set_queues(daemon_.settings_.work_queues);
  daemon_.host_services(daemon_.services_);
  daemon_.tell_own_services();
  for (step& each : steps_) {
    if (!each.is_new) continue;
    each.what->stop();
    daemon_.old_.retire(std::move(each.what));
  }
}

void reload_steps::prepare() {
  sockets_ = daemon_.sockets_.bind_missing(places_);
  prepare_services();
  prepare_plugins();
}

void reload_steps::prepare_services() {
  for (const auto& wanted : settings_.services) {
    if (auto known = find(daemon_.services_, wanted)) {
      auto change = known->prepare(wanted);
      steps_.push_back({std::move(known), std::move(change), false});
      continue;
    }
    steps_.push_back({std::make_shared<service>(daemon_.loops_, daemon_.old_, wanted,
                                                ++daemon_.last_id_, daemon_.log_.sink()),
                      nullptr, true});
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

/// Where the services will be, as far as their sockets are bound already.
std::vector<std::vector<vsoa::socket_address>> reload_steps::addresses() const {
  std::vector<std::vector<vsoa::socket_address>> all;
  for (const step& each : steps_) {
    auto& list = all.emplace_back(each.what->server().addresses());
    for (const auto& entry : sockets_) {
      if (entry.place.owner == each.what->settings().name && entry.place.wanted.port != 0)
        list.push_back(entry.place.wanted);
    }
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
  for (const auto& s : gone)
    s->stop();
  commit_sockets();
  daemon_.settings_ = settings_;
  for (step& each : steps_) {
    if (!each.is_new) each.what->apply(std::move(each.change));
    each.what->connect(daemon_.plugins_);
    if (each.is_new) each.what->start();
  }
  commit_certificates(report);
  daemon_.host_services(daemon_.services_);
  daemon_.tell_own_services();
  daemon_.update_directory();
  for (auto& s : gone)
    daemon_.old_.retire(std::move(s));
}

/// First those that go, as another service may get their addresses. A service that is made anew
/// under its old name gets all that it had.
void reload_steps::commit_sockets() {
  const auto is_wanted = [this](const listen_place& place) {
    return std::find(places_.begin(), places_.end(), place) != places_.end();
  };
  bool position_changes = false;
  for (const auto& entry : daemon_.sockets_.entries()) {
    if (is_wanted(entry.place)) continue;
    position_changes |= entry.place.owner.empty();
    for (const auto& s : daemon_.services_) {
      if (s->settings().name == entry.place.owner) s->close_listener(entry.place.wanted);
    }
  }
  std::vector<listen_place> fresh;
  for (const auto& entry : sockets_) {
    fresh.push_back(entry.place);
    position_changes |= entry.place.owner.empty();
  }
  daemon_.sockets_.commit(std::move(sockets_), places_);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    for (const listen_place& place : places_) {
      if (place.owner != settings_.services[i].name) continue;
      const bool is_there =
          !steps_[i].is_new && std::find(fresh.begin(), fresh.end(), place) == fresh.end();
      if (!is_there) daemon_.listen(*steps_[i].what, place);
    }
  }
  if (position_changes) daemon_.restart_position();
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
