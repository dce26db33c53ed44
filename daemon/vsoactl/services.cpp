// vsoactl services: the services of vsoad, and what they forward to.

#include "command.hpp"
#include "order.hpp"
#include "table.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace services {

constexpr std::string_view help = R"(Usage: vsoactl services

Lists the services of vsoad with their addresses and what went through them, and the servers to
which they forward. --json has all counters.
)";

void add_options(boost::program_options::options_description&) {}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : " ") + word;
  return out;
}

void show(const answer_view& a, const output& out) {
  table all({"SERVICE", ">CLIENTS", ">CALLS", ">PUBLISHES", ">DELIVERIES", ">DROPPED", ">DENIED",
             ">IN", ">OUT", "TLS", "ADDRESSES"});
  table upstreams({"SERVICE", "FORWARDS TO", ">CONNECTED", ">CALLS", ">REFUSED", ">TIMEOUTS",
                   ">LOST", ">PUBLISHES"});
  for (const answer_view& s : a.objects("services")) {
    all.row({s.text("name"), grouped(s.number("clients")), grouped(s.number("calls")),
             grouped(s.number("publishes")), grouped(s.number("deliveries")),
             grouped(s.number("dropped")), grouped(s.number("denied")),
             short_bytes(s.number("received_bytes")), short_bytes(s.number("sent_bytes")),
             s.flag("tls") ? "yes" : "no", joined(s.texts("addresses"))});
    for (const answer_view& u : s.objects("upstreams")) {
      upstreams.row(
          {s.text("name"), u.text("url"),
           std::to_string(u.number("connected")) + " of " + std::to_string(u.number("connections")),
           grouped(u.number("calls")), grouped(u.number("refused")), grouped(u.number("timeouts")),
           grouped(u.number("lost")), grouped(u.number("publishes"))});
    }
  }
  all.print(out);
  if (!upstreams.empty()) {
    out.line("");
    upstreams.print(out);
  }
  const std::string position = joined(a.texts("position"));
  if (!position.empty()) out.line("\nposition server: " + position);
}

int run(const invocation& use) {
  check_words(use, 0, 0, "");
  return carry_out(use, {"services"}, show);
}

}  // namespace services

const command services_command{.name = "services",
                               .summary = "the services of vsoad, and their counters",
                               .help = services::help,
                               .add_options = services::add_options,
                               .run = services::run,
                               .is_operators = true};

}  // namespace vsoad::ctl
