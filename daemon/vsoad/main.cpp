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
#include "vsoad/daemon.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/options.hpp"

namespace {

using namespace vsoad;

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

int run(const options& chosen, const config::load_result& loaded, logging& log,
        std::vector<inherited_socket> inherited) {
  vsoad::daemon broker(chosen, loaded, log, std::move(inherited));
  // A plugin's code holds threads of ours: ending the process is all that is left to do for it.
  if (!broker.run()) std::_Exit(exit_success);
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
  config::log_settings log_settings = loaded.config->log;
  if (chosen.log_level) log_settings.level = *chosen.log_level;
  logging log(log_settings);
  try {
    return run(chosen, loaded, log, inherit_sockets());
  } catch (const std::exception& e) {
    log.error(e.what());
    return exit_failure;
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Blocked in all threads from the beginning: they are read, never handled.
  const sigset_t signals = daemon_signals();
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
