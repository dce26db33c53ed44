// vsoactl lookup: where is a service?

#include "command.hpp"
#include "config/diagnostic.hpp"
#include "config/json.hpp"
#include "exit_code.hpp"
#include "text.hpp"
#include "vsoa/position.hpp"

namespace vsoad::ctl {
namespace lookup {

namespace po = boost::program_options;

constexpr std::string_view help = R"(Usage: vsoactl lookup NAME [--ipv4 | --ipv6]

Asks position servers where a service is, and prints its address and port. Asked are, in this order:
the one of --position alone; else those of VSOA_POS_SERVER, then those of /etc/vsoa.pos.

  --ipv4, --ipv6  an address of this family only

Examples:
  vsoactl lookup cabin
  vsoactl lookup cabin --position 127.0.0.1:3000
)";

void add_options(po::options_description& o) {
  o.add_options()("ipv4", po::bool_switch())("ipv6", po::bool_switch());
}

int run(const invocation& use) {
  if (use.words.size() != 1) throw usage_error("write one name");
  if (use.has("ipv4") && use.has("ipv6")) throw usage_error("--ipv4 and --ipv6: one at a time");
  const std::string& name = use.words.front();
  vsoa::lookup_options options;
  if (use.has("ipv4")) options.domain = vsoa::position_domain::inet;
  if (use.has("ipv6")) options.domain = vsoa::position_domain::inet6;
  options.total = use.timeout;
  const auto servers = use.connect.position_servers.empty() ? vsoa::position_servers()
                                                            : use.connect.position_servers;
  if (servers.empty()) {
    output::complain(
        "no position server is known: use --position, VSOA_POS_SERVER or /etc/vsoa.pos");
    return exit_no_connection;
  }
  const auto found = vsoa::lookup(name, servers, options);
  if (!found) {
    output::complain(config::in_quotes(name) + ": no position server knows it, or none answers");
    return exit_no_connection;
  }
  if (use.out.is_json()) {
    use.out.line("{\"name\":" + config::json_string(printable(found->name)) + ",\"address\":\"" +
                 found->address.ip.to_string() +
                 "\",\"port\":" + std::to_string(found->address.port) +
                 ",\"secure\":" + (found->secure ? "true" : "false") + '}');
  } else {
    use.out.line(found->address.to_string() + (found->secure ? " (TLS)" : ""));
  }
  return exit_ok;
}

}  // namespace lookup

const command lookup_command{"lookup", "ask position servers where a service is", lookup::help,
                             lookup::add_options, lookup::run};

}  // namespace vsoad::ctl
