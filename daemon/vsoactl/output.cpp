#include "output.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace vsoad::ctl {

palette colours_for(bool is_terminal) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool plain = !is_terminal || (no_colour != nullptr && *no_colour != '\0') ||
                     (term != nullptr && std::string_view(term) == "dumb");
  if (plain) return {};
  return {"\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[36m", "\x1b[0m"};
}

output::output(bool json)
    : json_(json), terminal_(::isatty(STDOUT_FILENO) == 1), colours_(colours_for(terminal_)) {}

bool output::line(std::string_view text) const {
  return raw(std::string(text) + '\n');
}

bool output::raw(std::string_view bytes) const {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
         std::fflush(stdout) == 0;
}

void output::complain(std::string_view text) {
  const palette p = colours_for(::isatty(STDERR_FILENO) == 1);
  const std::string whole =
      std::string(p.bad) + "vsoactl: " + std::string(p.off) + std::string(text) + '\n';
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

}  // namespace vsoad::ctl
