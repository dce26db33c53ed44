// vsoactl status: how is vsoad?

#include "command.hpp"
#include "order.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace status {

constexpr std::string_view help = R"(Usage: vsoactl status

Says how the vsoad of this machine is: version, uptime, its services', plugins' and clients' number,
what went through it, the last reload, and which files of plugins are not served.
)";

void add_options(boost::program_options::options_description&) {}

std::string last_reload(const answer_view& a) {
  if (!a.has("last_reload")) return "none since the start";
  const answer_view last = a.object("last_reload");
  if (last.flag("ok")) return last.text("when") + ", done";
  return last.text("when") + ", failed: " + std::to_string(last.number("problems")) + " problems";
}

void show(const answer_view& a, const output& out) {
  out.line("vsoad " + a.text("version") + " (" + a.text("commit") + ") is " + a.text("state") +
           ", process " + std::to_string(a.number("pid")) + ", up " +
           short_span(std::chrono::seconds(a.number("uptime_seconds"))));
  const auto line = [&out](std::string name, const std::string& value) {
    name.resize(15, ' ');
    out.line("  " + name + value);
  };
  const auto count = [&](const std::string& name, const char* member) {
    line(name, grouped(a.number(member)));
  };
  line("configuration", a.text("config"));
  line("last reload", last_reload(a));
  line("log level", a.text("log_level"));
  count("event loops", "loops");
  count("services", "services");
  count("plugins", "plugins");
  count("clients", "clients");
  count("calls", "calls");
  line("publishes", grouped(a.number("publishes")) + ", delivered " +
                        grouped(a.number("deliveries")) + " times");
  count("datagrams", "datagrams_in");
  count("dropped", "dropped");
  line("bytes", short_bytes(a.number("received_bytes")) + " received, " +
                    short_bytes(a.number("sent_bytes")) + " sent");
  for (const answer_view& f : a.objects("failures"))
    out.line("not served: " + f.text("file") + ": " + f.text("reason"));
}

int run(const invocation& use) {
  check_words(use, 0, 0, "");
  return carry_out(use, {"status"}, show);
}

}  // namespace status

const command status_command{.name = "status",
                             .summary = "how vsoad is",
                             .help = status::help,
                             .add_options = status::add_options,
                             .run = status::run,
                             .is_operators = true};

}  // namespace vsoad::ctl
