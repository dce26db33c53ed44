#include "command.hpp"

#include <algorithm>
#include <array>

namespace vsoad::ctl {
namespace {

constexpr std::array<const command*, 16> all_commands{
    &call_command,     &sub_command,     &datagram_command,   &stream_command,
    &ping_command,     &lookup_command,  &bench_command,      &status_command,
    &services_command, &clients_command, &plugins_command,    &topics_command,
    &reload_command,   &log_command,     &disconnect_command, &plugin_command};

constexpr std::string_view common_help =
    R"(
Options of all commands:
  --json                 print a JSON object a line, for programs
  --timeout DURATION     for connecting, and for each answer; 500ms, 5s, 2m; default 10s
  --password-file FILE   the password is in FILE; "-": standard input
  --position ADDRESS     ask this position server for names, not those of VSOA_POS_SERVER and
                         /etc/vsoa.pos
  --tls                  speak TLS, and verify the server; each option below implies it
  --ca FILE              CAs that sign servers' certificates, not those of the system
  --cert FILE            our certificate, for servers that want one; with --key FILE
  --key-password-file F  the password of an encrypted key is in F
  --tls-host NAME        the name that the certificate must have; default: that of the URL
  --insecure             TLS without verifying who the server is
  --help                 print this text
Options may stand anywhere; behind "--" nothing is one.
)";

constexpr std::string_view operators_help =
    R"(
Options of all commands for the vsoad of this machine:
  --json              print vsoad's answer, a JSON object on one line
  --socket PATH       its control socket; default: $VSOAD_CONTROL, else /run/vsoad/control.sock
  --timeout DURATION  for the answer; 500ms, 5s, 2m; default 10s;
                      of reload and plugin restart 60s
  --help              print this text
)";

constexpr std::string_view overview_tail =
    R"(
A URL is vsoa://NAME-OR-ADDRESS[:PORT][/PATH]; "vsoa://" may be left out. Names are looked up at
position servers; an address needs its port.

Exit codes:
  0  all is well
  1  the server answered with an error, vsoad could not do it, or a file could not be read or written
  2  the command line is wrong
  3  there is no connection: name unknown, server unreachable, or not a VSOA server; no vsoad runs
  4  no answer in time, the connection was lost, or interrupted
  5  not let in: the password is wrong, TLS failed, or no permission for the control socket

"vsoactl COMMAND --help" tells more of a command, "man vsoactl" of all.
)";

}  // namespace

std::span<const command* const> commands() {
  return all_commands;
}

const command* find_command(std::string_view name) {
  if (name == "publish") name = datagram_command.name;
  const auto found = std::find_if(all_commands.begin(), all_commands.end(),
                                  [name](const command* c) { return c->name == name; });
  return found != all_commands.end() ? *found : nullptr;
}

std::string overview_text() {
  std::string out = "Usage: vsoactl COMMAND [ARGUMENTS]\n\nSpeaks with VSOA servers:\n\n";
  const auto list = [&out](bool operators) {
    for (const command* c : all_commands) {
      if (c->is_operators != operators) continue;
      std::string line = "  " + std::string(c->name);
      line.resize(14, ' ');
      out += line + std::string(c->summary) + '\n';
    }
  };
  list(false);
  out += "\nOperates the vsoad of this machine:\n\n";
  list(true);
  return out += overview_tail;
}

std::string help_text(const command& of) {
  return std::string(of.help) + std::string(of.is_operators ? operators_help : common_help);
}

}  // namespace vsoad::ctl
