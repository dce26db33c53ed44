// vsoad-plugin: the process in which vsoad runs one isolated plugin. It takes no arguments; what it
// has to know comes on the descriptors that vsoad starts it with (isolation/control.hpp).
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <vector>

#include "plugin_host/child/runner.hpp"

namespace {

using namespace vsoad::isolation;

bool is_started_by_vsoad() {
  struct stat attributes {};
  return ::fstat(control_fd, &attributes) == 0 && S_ISSOCK(attributes.st_mode) &&
         ::fstat(host_fd, &attributes) == 0 && S_ISSOCK(attributes.st_mode);
}

// These go to all that runs under a terminal, or a unit: when it is time vsoad says so. A handler,
// as what is ignored stays so in the programs that a plugin starts.
void leave_the_end_to_vsoad() {
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
    (void)::sigaction(signal, &nothing, nullptr);
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  (void)::sigaction(SIGPIPE, &ignored, nullptr);
}

std::optional<setup> read_setup() {
  std::vector<char> buffer(max_message_bytes);
  const received got = receive_message(control_fd, buffer, true);
  setup wanted;
  if (got.state != received::what::message || !setup::read(got.bytes, wanted)) return {};
  return wanted;
}

}  // namespace

int main() {
  if (!is_started_by_vsoad()) {
    std::fputs("vsoad-plugin is started by vsoad, for plugins with isolation: process\n", stderr);
    return 2;
  }
  // Programs that the plugin starts are not to speak with the daemon, nor keep the sockets open.
  (void)::close_range(control_fd, ~0U, CLOSE_RANGE_CLOEXEC);
  leave_the_end_to_vsoad();
  try {
    auto wanted = read_setup();
    if (!wanted) {
      constexpr auto reason = "vsoad and vsoad-plugin are of different versions: restart vsoad";
      (void)send_message(control_fd, write_refusal(reason), -1, true);
      return 2;
    }
    auto& whole = *std::make_unique<runner>(std::move(*wanted)).release();
    const int code = whole.load() ? whole.run() : 1;
    // Nothing is destroyed: threads of the plugin may still run, and the end is the same for them.
    std::fflush(nullptr);
    ::_exit(code);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "vsoad-plugin: %s\n", e.what());
    ::_exit(2);
  }
}
