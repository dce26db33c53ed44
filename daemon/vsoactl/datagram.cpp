// vsoactl datagram, also called publish: a datagram to a server, which may relay it to subscribers.

#include "command.hpp"
#include "exit_code.hpp"
#include "session.hpp"

namespace vsoad::ctl {
namespace datagram {

namespace po = boost::program_options;

constexpr std::string_view help = R"(Usage: vsoactl datagram URL [PARAM] [--data FILE] [--quick]
       vsoactl publish  URL [PARAM] [--data FILE] [--quick]

Sends a datagram to the URL of a server. Where vsoad's topics have "relay", it publishes it to the
URL's subscribers. Nothing is answered to a datagram; a ping behind it shows that it has arrived.

  PARAM        JSON text; "-": standard input; default: none
  --data FILE  send the bytes of FILE as data, too; "-": standard input
  --quick      by UDP, which may lose it

Examples:
  vsoactl publish vsoa://cabin/speed 88
  vsoactl datagram 127.0.0.1:3005/log '"all is well"' --quick
)";

void add_options(po::options_description& o) {
  o.add_options()("data", po::value<std::string>())("quick", po::bool_switch());
}

int run(const invocation& use) {
  const vsoa::server_url url = only_url(use, 2);
  const given_payload payload(use);
  const auto via = use.has("quick") ? vsoa::channel::quick : vsoa::channel::normal;
  session s(use);
  if (const auto error = s.connect(url)) return report(url.to_string(), error);
  if (!s.client().datagram(url.path, payload.view(), via)) {
    if (!s.client().is_connected()) return report(url.to_string(), vsoa::errc::closed);
    output::complain(url.to_string() + ": can't be sent: too large" +
                     (via == vsoa::channel::quick ? ", or the server has no quick channel" : ""));
    return exit_usage;
  }
  if (const auto error = s.client().ping(use.timeout)) return report(url.to_string(), error);
  if (use.out.is_json()) use.out.line(R"({"sent":true})");
  return exit_ok;
}

}  // namespace datagram

const command datagram_command{"datagram", "send a datagram; also: publish", datagram::help,
                               datagram::add_options, datagram::run};

}  // namespace vsoad::ctl
