// vsoactl clients, disconnect: who is connected to vsoad, and the end of that.

#include "command.hpp"
#include "order.hpp"
#include "table.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace clients {

namespace po = boost::program_options;

constexpr std::size_t most_listed = 1'000'000;

constexpr std::string_view clients_help = R"(Usage: vsoactl clients [SERVICE] [--limit N]

Lists the clients of vsoad, or of one of its services, the oldest first. FLAGS: q: has a quick
channel; u: not authed, gets no publishes.

  --limit N  list at most N; default 10000
)";

constexpr std::string_view disconnect_help = R"(Usage: vsoactl disconnect ID

Closes the connection of a client. ID is as "vsoactl clients" shows it: SERVICE/NUMBER.
)";

void add_clients_options(po::options_description& o) {
  o.add_options()("limit", po::value<std::string>());
}

void add_no_options(po::options_description&) {}

std::string flags_of(const answer_view& client) {
  return std::string(client.flag("quick") ? "q" : "") + (client.flag("authed") ? "" : "u");
}

void show_clients(const answer_view& a, const output& out) {
  const auto clients = a.objects("clients");
  bool with_certificates = false;
  for (const answer_view& c : clients)
    with_certificates = with_certificates || !c.text("certificate").empty();
  std::vector<std::string_view> heads{"ID",    "ADDRESS", "ROLE", ">PRIO", "FLAGS",
                                      ">SUBS", ">SINCE",  ">IN",  ">OUT",  ">QUEUED"};
  if (with_certificates) heads.push_back("CERTIFICATE");
  table all(heads);
  for (const answer_view& c : clients) {
    std::vector<std::string> row{c.text("id"),
                                 c.text("address"),
                                 c.text("role"),
                                 std::to_string(c.number("priority")),
                                 flags_of(c),
                                 grouped(c.number("subscriptions")),
                                 short_span(std::chrono::seconds(c.number("connected_seconds"))),
                                 short_bytes(c.number("received_bytes")),
                                 short_bytes(c.number("sent_bytes")),
                                 short_bytes(c.number("queued_bytes"))};
    if (with_certificates) row.push_back(c.text("certificate"));
    all.row(std::move(row));
  }
  if (!all.empty()) all.print(out);
  const std::uint64_t total = a.number("total");
  if (clients.empty()) {
    out.line("no clients");
  } else if (clients.size() < total) {
    out.line("and " + grouped(total - clients.size()) + " more (--limit)");
  }
}

int run_clients(const invocation& use) {
  check_words(use, 0, 1, "");
  order what{"clients"};
  if (!use.words.empty()) what.arguments.emplace_back("service", use.words.front());
  const std::size_t limit = use.number("limit", 0, 1, most_listed);
  if (limit != 0) what.arguments.emplace_back("limit", static_cast<std::int64_t>(limit));
  return carry_out(use, what, show_clients);
}

void show_disconnected(const answer_view& a, const output& out) {
  out.line(a.text("disconnected") + " is disconnected");
}

int run_disconnect(const invocation& use) {
  check_words(use, 1, 1, "which client? Its ID");
  return carry_out(use, {"disconnect", {{"client", use.words.front()}}}, show_disconnected);
}

}  // namespace clients

const command clients_command{.name = "clients",
                              .summary = "who is connected to vsoad",
                              .help = clients::clients_help,
                              .add_options = clients::add_clients_options,
                              .run = clients::run_clients,
                              .is_operators = true};

const command disconnect_command{.name = "disconnect",
                                 .summary = "close the connection of a client",
                                 .help = clients::disconnect_help,
                                 .add_options = clients::add_no_options,
                                 .run = clients::run_disconnect,
                                 .is_operators = true};

}  // namespace vsoad::ctl
