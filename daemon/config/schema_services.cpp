// The table: the keys of a service.
#include <algorithm>

#include "schema_text.hpp"
#include "vsoa/packet.hpp"

namespace vsoad::config {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const type_spec slow_actions = choice({"close", "drop"});
const type_spec retain_modes = choice({"none", "last"});

node_ptr usual_info(const builder& b, place at) {
  auto out = std::make_shared<node>();
  out->type = node::kind::map;
  out->at = at;
  out->members.push_back({"name", at, make_scalar(at, b.config.services.back().name, true)});
  return out;
}

rows service_rows() {
  return {
      {.path = "services[]",
       .type = list(),
       .help = "The services, each a VSOA server with its own address, clients and rules.",
       .store = [](builder& b, const value&) { b.config.services.emplace_back(); }},
      {.path = "services[].name",
       .type = plain(kind::service),
       .required = true,
       .help = "Name that the position server answers, in upper or lower case.",
       .example = "cabin",
       .store =
           [](builder& b, const value& v) {
             b.service().name = v.text;
             b.note(mention::what::service_name, v);
           }},
      {.path = "services[].listen",
       .type = one_or_more(plain(kind::listen)),
       .required = true,
       .help = "Addresses for TCP; the quick channel is UDP on the same port.",
       .example = "0.0.0.0:3005",
       .store =
           [](builder& b, const value& v) {
             b.service().listen.push_back(v.address);
             b.note(mention::what::listen_service, v);
           }},
      {.path = "services[].advertise",
       .type = plain(kind::ip),
       .help = "Address that the position server answers for queries of its family, IPv4 or IPv6. "
               "Default: the address on which the service listens; if that is 0.0.0.0 or [::], "
               "the one on which the query arrived.",
       .example = "192.168.1.5",
       .store = [](builder& b, const value& v) { b.service().advertise = v.ip; }},
      {.path = "services[].info",
       .type = any(2048),
       .help =
           "What clients are told of the service when they connect, as JSON. Default: an object "
           "with the name.",
       .example = "{ name: cabin, vendor: acme }",
       .store = [](builder& b, const value& v) { b.service().info_json = v.text; },
       .derive = usual_info},
  };
}

void note_plugin_key(builder& b, const value& v) {
  b.note(mention::what::plugin_key, v, b.service().commands.size() - 1);
}

rows routing_rows() {
  type_spec used_plugins = or_word(mapping(kind::name), "all");
  used_plugins.names_allowed = true;
  return {
      {.path = "services[].plugins.<name>",
       .type = used_plugins,
       .help =
           "Plugins whose commands are served: all, a list of names, or a mapping from names to "
           "where each is mounted. all leaves out those that can't work without a config and "
           "have none. Default: only those under commands.",
       .example = "[ echo, sysinfo ]",
       .store =
           [](builder& b, const value& v) {
             if (v.word) {
               b.service().all_plugins = true;
             } else {
               b.service().plugins.push_back({v.text, ""});
             }
           }},
      {.path = "services[].plugins.<name>.mount",
       .type = plain(kind::url),
       .help = "URL below which the plugin's commands are served. Default: at the URLs that the "
               "plugin declares.",
       .example = "/cam",
       .store =
           [](builder& b, const value& v) {
             const std::string::size_type last = v.text.find_last_not_of('/');
             b.service().plugins.back().mount =
                 v.text.substr(0, last == std::string::npos ? 0 : last + 1);
           }},
      {.path = "services[].commands.<url>",
       .type = mapping(kind::url),
       .help = "Commands by URL; they win over those of mounted plugins. A URL that ends with / "
               "serves all below it, / what nothing else serves.",
       .store =
           [](builder& b, const value& v) {
             b.service().commands.emplace_back();
             b.command().url = v.text;
             b.note(mention::what::command, v, b.service().commands.size() - 1);
           }},
      {.path = "services[].commands.<url>.plugin",
       .type = plain(kind::name),
       .help = "The plugin that answers; without one there must be a forward.",
       .example = "echo",
       .store =
           [](builder& b, const value& v) {
             b.command().plugin = v.text;
             note_plugin_key(b, v);
           }},
      {.path = "services[].commands.<url>.command",
       .type = plain(kind::url),
       .help =
           "The plugin's command. Default: the one of the same URL, else its command /; under a "
           "URL that ends with /, the rest of the URL is looked up.",
       .example = "/snapshot",
       .store =
           [](builder& b, const value& v) {
             b.command().command = v.text;
             note_plugin_key(b, v);
           }},
      {.path = "services[].commands.<url>.work_queue",
       .type = plain(kind::name),
       .help = "The work queue on which it runs. Default: that of the plugin's settings.",
       .example = "slow",
       .store =
           [](builder& b, const value& v) {
             b.command().work_queue = v.text;
             b.note(mention::what::work_queue, v);
             note_plugin_key(b, v);
           }},
  };
}

rows topic_rows() {
  const topic_settings usual;
  return {
      {.path = "services[].topics.<url>",
       .type = mapping(kind::url),
       .help =
           "What is done with datagrams to, and publishes on, a URL; one that ends with / stands "
           "for all below it.",
       .store =
           [](builder& b, const value& v) {
             b.service().topics.emplace_back();
             b.service().topics.back().url = v.text;
           }},
      {.path = "services[].topics.<url>.relay",
       .type = boolean(),
       .fallback = {usual.relay ? "true" : "false"},
       .help = "Whether a datagram that a client sends to the URL is published to its subscribers.",
       .example = "true",
       .store = [](builder& b, const value& v) { b.service().topics.back().relay = v.flag; }},
      {.path = "services[].topics.<url>.retain",
       .type = retain_modes,
       .fallback = word_text(retain_modes, usual.retain_last ? 1 : 0),
       .help = "last: keep the last value of each URL; a new subscriber gets it, and a GET that no "
               "command serves is answered with it.",
       .example = "last",
       .store = [](builder& b,
                   const value& v) { b.service().topics.back().retain_last = v.number == 1; }},
      {.path = "services[].topics.<url>.max_rate",
       .type = integer(0, million),
       .fallback = number_text(usual.max_rate),
       .help = "Publishes of one URL in a second, at most. Of those that come too soon the newest "
               "waits "
               "for its time, the others are lost. 0: no limit.",
       .example = "50",
       .store =
           [](builder& b, const value& v) {
             b.service().topics.back().max_rate = static_cast<std::uint32_t>(v.number);
           }},
  };
}

rows client_limit_rows() {
  const vsoa::server_limits usual;
  return {
      {.path = "services[].limits",
       .type = section(),
       .help = "What clients can make the service hold, and for how long."},
      {.path = "services[].limits.clients",
       .type = integer(1, million),
       .fallback = number_text(usual.clients),
       .help = "Connections, handshakes under way included.",
       .example = "1000",
       .store = [](builder& b, const value& v) { b.limits().clients = v.number; }},
      {.path = "services[].limits.clients_per_address",
       .type = integer(1, million),
       .fallback = number_text(usual.clients_per_address),
       .help = "Connections from one IP address.",
       .example = "16",
       .store = [](builder& b, const value& v) { b.limits().clients_per_address = v.number; }},
      {.path = "services[].limits.handshakes",
       .type = integer(1, million),
       .fallback = number_text(usual.handshakes),
       .help =
           "Connections that have not passed the handshake. When clients, clients_per_address or "
           "this is reached, the oldest of them makes room; when there is none, the new "
           "connection is refused.",
       .example = "64",
       .store = [](builder& b, const value& v) { b.limits().handshakes = v.number; }},
      {.path = "services[].limits.handshake_timeout",
       .type = duration(milliseconds{100}, minutes{10}),
       .fallback = time_text(usual.handshake_timeout),
       .help = "From connecting to the end of the handshake.",
       .example = "2s",
       .store = [](builder& b, const value& v) { b.limits().handshake_timeout = v.duration; }},
      {.path = "services[].limits.partial_timeout",
       .type = duration(milliseconds{0}, hours{1}),
       .fallback = time_text(usual.partial_timeout),
       .help = "For the rest of a packet once its begin has arrived. 0s: no limit.",
       .example = "10s",
       .store = [](builder& b, const value& v) { b.limits().partial_timeout = v.duration; }},
  };
}

rows sending_limit_rows() {
  const vsoa::server_limits usual;
  return {
      {.path = "services[].limits.send_timeout",
       .type = duration(milliseconds{1}, minutes{10}),
       .fallback = time_text(usual.send_timeout),
       .help = "How long a client may read nothing of what is sent to it.",
       .example = "1s",
       .store = [](builder& b, const value& v) { b.limits().send_timeout = v.duration; }},
      // Less than one packet could never be sent.
      {.path = "services[].limits.outbox",
       .type = size(vsoa::max_packet_bytes, 1_GiB),
       .fallback = {size_to_text(usual.outbox)},
       .help = "Bytes queued for one client.",
       .example = "1MiB",
       .store = [](builder& b, const value& v) { b.limits().outbox = v.number; }},
      {.path = "services[].limits.slow_consumer",
       .type = slow_actions,
       .fallback = word_text(slow_actions, usual.slow),
       .help =
           "What becomes of a client that does not read. close: it is disconnected when its "
           "outbox is full or send_timeout is over; drop: publishes and datagrams that find its "
           "outbox full are dropped, send_timeout does not count, and only an answer that "
           "finds the outbox full ends it.",
       .example = "drop",
       .store =
           [](builder& b, const value& v) {
             b.limits().slow = static_cast<vsoa::slow_consumer>(v.number);
           }},
      {.path = "services[].limits.subscriptions",
       .type = integer(1, million),
       .fallback = number_text(usual.subscriptions),
       .help =
           "URLs that one client subscribes to; one more is answered NO_MEMORY, and so is one with "
           "which their text exceeds 64 bytes for each, 256 KiB at the least.",
       .example = "64",
       .store =
           [](builder& b, const value& v) {
             const auto text = static_cast<std::size_t>(v.number) * 64;
             b.limits().subscriptions = v.number;
             b.limits().subscription_bytes =
                 std::max(vsoa::server_limits{}.subscription_bytes, text);
           }},
      {.path = "services[].limits.calls_in_flight",
       .type = integer(1, million),
       .fallback = number_text(usual.calls_in_flight),
       .help = "Calls of one client that are not yet answered; one more is answered NO_MEMORY.",
       .example = "128",
       .store = [](builder& b, const value& v) { b.limits().calls_in_flight = v.number; }},
      {.path = "services[].limits.streams",
       .type = integer(1, million),
       .fallback = number_text(usual.streams),
       .help =
           "Streams of all clients at the same time, those offered and not yet opened included; "
           "one more is refused.",
       .example = "256",
       .store = [](builder& b, const value& v) { b.limits().streams = v.number; }},
      {.path = "services[].limits.streams_per_client",
       .type = integer(1, million),
       .fallback = number_text(usual.streams_per_client),
       .help = "Of these for one client.",
       .example = "8",
       .store = [](builder& b, const value& v) { b.limits().streams_per_client = v.number; }},
  };
}

rows priority_rows() {
  return {
      {.path = "services[].priority[]",
       .type = list(),
       .help = "Priority of clients by their role.",
       .store = [](builder& b, const value&) { b.service().priority.emplace_back(); }},
      {.path = "services[].priority[].role",
       .type = plain(kind::name),
       .required = true,
       .help = "One of the roles under credentials.",
       .example = "operator",
       .store =
           [](builder& b, const value& v) {
             b.service().priority.back().role = v.text;
             b.note(mention::what::role, v);
           }},
      {.path = "services[].priority[].level",
       .type = integer(0, vsoa::max_priority),
       .required = true,
       .help = "Clients of a higher level get publishes before others.",
       .example = "7",
       .store =
           [](builder& b, const value& v) {
             b.service().priority.back().level = static_cast<std::uint8_t>(v.number);
           }},
      {.path = "services[].keepalive",
       .type = duration(milliseconds{0}, hours{2}, seconds{1}),
       .fallback = time_text(service_settings{}.keepalive),
       .help = "TCP keepalive: probe a client that has been silent for so long. 0s: off.",
       .example = "30s",
       .store =
           [](builder& b, const value& v) {
             b.service().keepalive = std::chrono::duration_cast<seconds>(v.duration);
           }},
  };
}

}  // namespace

rows all_service_rows() {
  rows out;
  for (const auto& part :
       {service_rows(), all_security_rows(), all_access_rows(), routing_rows(), all_forward_rows(),
        topic_rows(), client_limit_rows(), sending_limit_rows(), priority_rows()}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace vsoad::config
