// The table: what the clients of a service may do.
#include "schema_text.hpp"

namespace vsoad::config {

namespace {

const type_spec permissions = choice({"call", "subscribe", "datagram"});

access_rule& rule(builder& b) {
  return b.service().access.back();
}

void permit(builder& b, const value& v) {
  constexpr bool access_rule::*members[] = {&access_rule::call, &access_rule::subscribe,
                                            &access_rule::datagram};
  rule(b).*members[v.number] = true;
}

}  // namespace

rows all_access_rows() {
  return {
      {.path = "services[].access[]",
       .type = list(),
       .help =
           "What clients may do, by their role. None: everything. Otherwise what no rule allows "
           "is not: a call or a subscription is answered NO_PERMISSIONS, a datagram is dropped, "
           "a subscription that a reload forbids is taken away, and each is counted as denied.",
       .store = [](builder& b, const value&) { b.service().access.emplace_back(); }},
      {.path = "services[].access[].role",
       .type = plain(kind::name),
       .help = "One of the roles under credentials. Default: every client.",
       .example = "viewer",
       .store =
           [](builder& b, const value& v) {
             rule(b).role = v.text;
             b.note(mention::what::access_role, v);
           }},
      {.path = "services[].access[].allow",
       .type = one_or_more(permissions),
       .required = true,
       .help = "call: commands, and the last values of topics; subscribe: what is published; "
               "datagram: datagrams to the service, which its topics may relay, and plugins see.",
       .example = "subscribe",
       .store = permit},
      {.path = "services[].access[].urls",
       .type = one_or_more(plain(kind::url)),
       .required = true,
       .help = "On these URLs; one that ends with / stands for all below it, / for all. A "
               "subscription must be to nothing else: one to / needs a rule for /.",
       .example = "/telemetry/",
       .store = [](builder& b, const value& v) { rule(b).urls.push_back(v.text); }},
  };
}

}  // namespace vsoad::config
