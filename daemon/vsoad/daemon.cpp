#include "vsoad/daemon.hpp"

#include <chrono>
#include <csignal>
#include <utility>

#include "vsoad/control_socket.hpp"
#include "vsoad/notify.hpp"
#include "vsoad/version.hpp"

namespace vsoad {
namespace {

using namespace std::chrono_literals;

constexpr auto status_interval = 10s;
constexpr std::chrono::milliseconds tidy_interval = 100ms;
constexpr std::chrono::milliseconds calm_interval = 1s;
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

daemon::daemon(const options& chosen, const config::load_result& loaded, logging& log,
               std::vector<inherited_socket> inherited)
    : control_settings_(loaded.config->control),
      log_(log),
      loop_(daemon_signals(), log),
      application_(loaded, log, chosen.log_level.has_value(), std::move(inherited)),
      watch_(
          loop_.context(), [this] { rescan(); }, log),
      reloader_(
          chosen.config, application_, [this] { reloaded(); }, log),
      operations_(application_, reloader_, log) {}

bool daemon::run() {
  log_.info("vsoad " + std::string(version()) + " (" + std::string(commit()) + ")");
  // First, so that what comes while it starts is not missed.
  watch_.set_directories(application_.plugin_directories());
  application_.set_unfinished(
      [this](const std::string& path) { return watch_.is_unfinished(path); });
  application_.start([this] {
    control_ = open_control_socket(control_settings_, loop_.context(), operations_, log_);
  });
  log_.info("ready");
  told_status_ = application_.status();
  notify::ready(told_status_);
  loop_.on_signal([this](int number) { signal(number); });
  loop_.every(status_interval, [this] { tell_status(); });
  loop_.repeat(tidy_interval, [this] {
    // Seldom when there is nothing to do: an idle daemon lets its machine sleep.
    const bool is_tidy = is_stopping_ || application_.tidy();
    return is_tidy ? calm_interval : tidy_interval;
  });
  loop_.run();
  is_stopping_ = true;
  operations_.stop();
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
    log_.info("SIGHUP: reading " + reloader_.file().string() + " again");
    (void)reloader_.run(false);
  } else {
    log_.info(std::string("stopping: ") + (number == SIGTERM ? "SIGTERM" : "SIGINT"));
    loop_.quit();
  }
}

void daemon::reloaded() {
  watch_.set_directories(application_.plugin_directories());
  tell_status();
}

void daemon::rescan() {
  if (is_stopping_) return;
  application_.rescan();
  tell_status();
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
