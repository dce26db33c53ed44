// vsoad: reads the command line and the configuration, runs the daemon until a signal ends it.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"
#include "config/print.hpp"
#include "vsoad/application.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/notify.hpp"
#include "vsoad/options.hpp"
#include "vsoad/version.hpp"

namespace {

using namespace vsoad;

// Blocked in all threads from the beginning: they are waited for, never handled.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, signal);
  return set;
}

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

void wait_for_end(const sigset_t& signals, application& broker, const logging& log) {
  const timespec status_interval{10, 0};
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &status_interval);
    if (signal < 0) {
      notify::status(broker.status());
    } else if (signal == SIGHUP) {
      log.info(
          "SIGHUP: reading certificates again; the configuration itself is read at start only");
      broker.reload_certificates();
    } else {
      log.info(std::string("stopping: ") + (signal == SIGTERM ? "SIGTERM" : "SIGINT"));
      return;
    }
  }
}

// A second SIGTERM or SIGINT means now. Waits a moment, since it is asked in a loop.
bool is_in_a_hurry(const sigset_t& signals) {
  const timespec moment{0, 5'000'000};
  const int signal = sigtimedwait(&signals, nullptr, &moment);
  return signal == SIGTERM || signal == SIGINT;
}

int run(const config::configuration& settings, const logging& log,
        std::vector<inherited_socket> sockets) {
  const sigset_t signals = ending_signals();
  log.info("vsoad " + std::string(version()) + " (" + std::string(commit()) + ")");
  auto broker = std::make_unique<application>(settings, log, std::move(sockets));
  broker->start();
  log.info("ready");
  notify::ready(broker->status());
  wait_for_end(signals, *broker, log);
  notify::stopping();
  bool hurry = false;
  const bool stopped = broker->stop([&] { return hurry = hurry || is_in_a_hurry(signals); });
  log.info("stopped");
  // A plugin's code holds threads of ours: ending the process is all that is left to do for it.
  if (!stopped) std::_Exit(exit_success);
  return exit_success;
}

int main_or_throw(const options& chosen) {
  const auto loaded = config::load(chosen.config);
  for (const auto& d : loaded.diagnostics)
    print(stderr, config::to_string(d) + "\n");
  if (!loaded.ok()) return exit_failure;
  switch (chosen.what) {
    case options::action::check:
      return exit_success;
    case options::action::print_config:
      print(stdout, config::print_yaml(*loaded.document));
      return exit_success;
    case options::action::run:
      break;
  }
  config::configuration settings = *loaded.config;
  if (chosen.log_level) settings.log.level = *chosen.log_level;
  const logging log(settings.log);
  try {
    return run(settings, log, inherit_sockets());
  } catch (const std::exception& e) {
    log.error(e.what());
    return exit_failure;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto parsed = parse_options(argc, argv);
    if (const auto* early = std::get_if<early_exit>(&parsed)) {
      print(early->code == exit_success ? stdout : stderr, early->text);
      return early->code;
    }
    return main_or_throw(std::get<options>(parsed));
  } catch (const std::exception& e) {
    print(stderr, std::string("vsoad: ") + e.what() + "\n");
    return exit_failure;
  }
}
