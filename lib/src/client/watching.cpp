// The passing of time: keepalive, turbo, the robot.
#include <algorithm>
#include <random>
#include <utility>

#include "client/client_impl.hpp"
#include "protocol/encoder.hpp"

namespace vsoa {
namespace {

constexpr std::chrono::milliseconds shortest_keepalive{50};
constexpr std::chrono::milliseconds shortest_timeout{50};
constexpr std::chrono::milliseconds shortest_delay{20};
constexpr std::chrono::milliseconds shortest_turbo{25};

bool is_turbo(std::chrono::milliseconds turbo, std::chrono::milliseconds keepalive) noexcept {
  return turbo.count() == 0 || (turbo >= shortest_turbo && turbo <= keepalive);
}

std::uint32_t any_number() {
  thread_local std::mt19937 source{std::random_device{}()};
  return static_cast<std::uint32_t>(source());
}

}  // namespace

// --- one timer for all ---

void client_impl::rearm() {
  const auto due =
      std::min({connect_end_, secured_by_, reconnect_at_, turbo_at_, keepalive_.due()});
  if (due == net::steady_time::max()) return net::timer_wheel::cancel(*this);
  if (!is_waiting() || net::timer_wheel::entry::due() > due) loop_.schedule(*this, due);
}

// What was armed and is no longer wanted is noticed here.
void client_impl::on_timer(net::steady_time now) {
  const auto self = shared_from_this();
  if (now >= connect_end_) {
    connect_end_ = net::steady_time::max();
    connect_failed(dialer_ ? dialer_->error_when_late() : connect_errc::no_responding);
  }
  if (now >= secured_by_) connect_failed(connect_errc::tls_failed);
  if (now >= reconnect_at_ && !closed_) {
    reconnect_at_ = net::steady_time::max();
    const robot_state robot = *robot_;
    dial(robot.url, robot.options.connect, robot.tls);
  }
  if (phase_ == phase::connected) watch(now);
  if (!closed_) rearm();
}

void client_impl::watch(net::steady_time now) {
  if (now >= turbo_at_) {
    packet_view p;
    p.type = packet_type::noop;
    if (calls_ != 0) send_now(p, channel::normal);
    turbo_at_ = net::steady_time::max();
    turn_turbo(now);
  }
  switch (keepalive_.tick(now)) {
    case protocol::keepalive::action::none:
      return;
    case protocol::keepalive::action::ping:
      return ping_server();
    case protocol::keepalive::action::lost:
      return end_session(errc::no_answer);
  }
}

void client_impl::ping_server() {
  packet_view p;
  p.type = packet_type::pingecho;
  operation_ptr o = take_free(client_operation::kind::ping);
  reserve(*o);
  o->internal = true;
  // Also a late answer counts.
  o->timeout = default_call_timeout;
  o->done = [this](std::error_code error, const reply_view&) {
    if (!error) keepalive_.answered();
  };
  if (const auto error = send_request(o, p)) finish(std::move(o), error);
}

void client_impl::start_watching() {
  protocol::keepalive::settings s{options_.idle_ping, {}};
  if (robot_) s = {robot_->options.keepalive, robot_->options.max_lost};
  keepalive_.start(s, std::chrono::steady_clock::now());
  rearm();
}

void client_impl::turn_turbo(net::steady_time now) {
  if (turbo_.count() == 0 || calls_ == 0 || turbo_at_ != net::steady_time::max()) return;
  turbo_at_ = now + turbo_;
  rearm();
}

// --- the robot ---

void client_impl::start_robot(std::string url, robot_options options,
                              std::shared_ptr<const net::tls_context> tls) {
  options.keepalive = std::max(options.keepalive, shortest_keepalive);
  options.reconnect_delay = std::max(options.reconnect_delay, shortest_delay);
  options.connect.timeout = std::max(options.connect.timeout, shortest_timeout);
  if (!is_turbo(options.turbo, options.keepalive)) options.turbo = {};
  disconnect();
  if (closed_) return;  // by a completion
  {
    const std::lock_guard lock(mutex_);
    robot_ = {std::move(url), std::move(options), std::move(tls)};
  }
  update_idle();
  turbo_ = robot_->options.turbo;
  delays_.start(robot_->options.reconnect_delay, robot_->options.max_reconnect_delay);
  reconnect_at_ = std::chrono::steady_clock::now();
  rearm();
}

// Never for one in clear text: what was asked for without TLS may be no server that has it.
void client_impl::set_tls(std::shared_ptr<const net::tls_context> tls) {
  const std::lock_guard lock(mutex_);
  if (robot_ && robot_->tls) robot_->tls = std::move(tls);
}

bool client_impl::set_turbo(std::chrono::milliseconds turbo) {
  {
    const std::lock_guard lock(mutex_);
    if (!robot_ || !is_turbo(turbo, robot_->options.keepalive)) return false;
  }
  run([this, turbo] {
    if (!robot_) return;
    turbo_ = turbo;
    turbo_at_ = net::steady_time::max();
    turn_turbo(std::chrono::steady_clock::now());
  });
  return true;
}

void client_impl::plan_reconnect() {
  if (!robot_ || closed_) return;
  reconnect_at_ = net::after(net::clock_now(), delays_.next(any_number()));
  rearm();
}

}  // namespace vsoa
