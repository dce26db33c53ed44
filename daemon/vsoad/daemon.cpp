#include "vsoad/daemon.hpp"

#include <chrono>
#include <csignal>

#include "vsoad/notify.hpp"
#include "vsoad/version.hpp"

namespace vsoad {
namespace {

using namespace std::chrono_literals;

constexpr auto status_interval = 10s;
// Between two questions whether what ends has ended.
constexpr auto moment = 5ms;

}  // namespace

sigset_t daemon_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, signal);
  return set;
}

daemon::daemon(const options& chosen, const config::configuration& settings, const logging& log)
    : options_(chosen),
      log_(log),
      loop_(daemon_signals(), log),
      application_(settings, log, loop_.context()) {}

bool daemon::run() {
  log_.info("vsoad " + std::string(version()) + " (" + std::string(commit()) + ")");
  application_.start();
  log_.info("ready");
  told_status_ = application_.status();
  notify::ready(told_status_);
  loop_.on_signal([this](int number) { signal(number); });
  loop_.every(status_interval, [this] { tell_status(); });
  loop_.run();
  is_stopping_ = true;
  notify::stopping();
  const bool stopped = application_.stop([this] { return is_in_a_hurry(); });
  log_.info("stopped");
  return stopped;
}

void daemon::signal(int number) {
  if (is_stopping_) {
    hurry_ = hurry_ || number != SIGHUP;
    loop_.quit();
  } else if (number == SIGHUP) {
    reload();
  } else {
    log_.info(std::string("stopping: ") + (number == SIGTERM ? "SIGTERM" : "SIGINT"));
    loop_.quit();
  }
}

void daemon::reload() {
  log_.info("SIGHUP: reading certificates again; the configuration itself is read at start only");
  application_.reload_certificates();
}

void daemon::tell_status() {
  if (is_stopping_) return;
  std::string status = application_.status();
  if (status == told_status_) return;
  told_status_ = std::move(status);
  notify::status(told_status_);
}

// A second SIGTERM or SIGINT means now.
bool daemon::is_in_a_hurry() {
  loop_.run_for(moment);
  return hurry_;
}

}  // namespace vsoad
