// vsoactl topics: what is published in vsoad, and to how many.

#include "command.hpp"
#include "order.hpp"
#include "table.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace topics {

namespace po = boost::program_options;

constexpr std::size_t most_listed = 1'000'000;

constexpr std::string_view help = R"(Usage: vsoactl topics [SERVICE] [--limit N]

Of each service of vsoad, or of one: its topics, the URLs that clients have subscribed to, those with
the most subscribers first, and the values that are retained.

  --limit N  list at most N URLs, and N values, of each service; default 100
)";

void add_options(po::options_description& o) {
  o.add_options()("limit", po::value<std::string>());
}

void show_service(const answer_view& s, const output& out) {
  out.line("service " + s.text("service") + ": " + grouped(s.number("relayed")) + " relayed, " +
           grouped(s.number("thinned")) + " thinned, " + grouped(s.number("not_retained")) +
           " not retained");
  table rules({"TOPIC", "RELAY", "RETAIN", ">MAX RATE"});
  for (const answer_view& r : s.objects("rules")) {
    const std::uint64_t rate = r.number("max_rate");
    rules.row({r.text("url"), r.flag("relay") ? "yes" : "no", r.flag("retain") ? "last" : "no",
               rate == 0 ? "" : grouped(rate) + "/s"});
  }
  if (!rules.empty()) rules.print(out, 2);
  table subscribed({"SUBSCRIBED", ">CLIENTS"});
  for (const answer_view& u : s.objects("subscribed"))
    subscribed.row({u.text("url"), grouped(u.number("subscribers"))});
  if (!subscribed.empty()) subscribed.print(out, 2);
  table retained({"RETAINED", ">SIZE"});
  const auto values = s.objects("retained");
  for (const answer_view& v : values)
    retained.row({v.text("url"), short_bytes(v.number("bytes"))});
  if (!retained.empty()) retained.print(out, 2);
  const std::uint64_t total = s.number("retained_total");
  if (total > values.size())
    out.line("  and " + grouped(total - values.size()) + " more retained (--limit)");
}

void show(const answer_view& a, const output& out) {
  for (const answer_view& s : a.objects("topics"))
    show_service(s, out);
}

int run(const invocation& use) {
  check_words(use, 0, 1, "");
  order what{"topics"};
  if (!use.words.empty()) what.arguments.emplace_back("service", use.words.front());
  const std::size_t limit = use.number("limit", 0, 1, most_listed);
  if (limit != 0) what.arguments.emplace_back("limit", static_cast<std::int64_t>(limit));
  return carry_out(use, what, show);
}

}  // namespace topics

const command topics_command{.name = "topics",
                             .summary = "topics, subscribed URLs and retained values of vsoad",
                             .help = topics::help,
                             .add_options = topics::add_options,
                             .run = topics::run,
                             .is_operators = true};

}  // namespace vsoad::ctl
