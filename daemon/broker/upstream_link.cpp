#include "broker/upstream_link.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace vsoad {
namespace {

// Which server it is, and why it fails, is the operator's affair and stands in the log.
constexpr vsoa::payload_view not_connected_text{R"({"error":"upstream is not connected"})", {}};
constexpr vsoa::payload_view not_sent_text{R"({"error":"upstream does not take this call"})", {}};
constexpr vsoa::payload_view no_stream_text{R"({"error":"upstream's stream can't be reached"})",
                                            {}};

vsoa::client_options client_options(std::size_t loop, std::size_t outbox) {
  vsoa::client_options options;
  options.loop = loop;
  options.limits.outbox = outbox;
  return options;
}

}  // namespace

upstream_link::upstream_link(vsoa::runtime& loops, vsoa::server& server, std::size_t loop,
                             std::size_t outbox, const config::forward_settings& settings,
                             publisher publish, vsoa::log_sink log)
    : server_(server),
      settings_(settings),
      publish_(std::move(publish)),
      log_(std::move(log)),
      client_(loops, client_options(loop, outbox)) {}

void upstream_link::start(vsoa::name_resolver resolver, vetting vet,
                          std::function<void()> on_connect) {
  client_.on_connect([this, vet = std::move(vet), tell = std::move(on_connect)](
                         const vsoa::server_info& server) { connected(server, vet, tell); });
  client_.on_connect_failed([this](std::error_code why) { not_connected(why); });
  client_.on_disconnect([this](std::error_code why) { disconnected(why); });
  client_.on_message([this](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    ++counts_.publishes;
    publish_(url, payload, via);
  });
  // One is for the session as a whole, which stands for many clients; to tell it to all of them
  // would hand one's to the others.
  client_.on_datagram(
      [this](std::string_view, vsoa::payload_view, vsoa::channel) { ++counts_.datagrams_ignored; });
  vsoa::robot_options robot;
  robot.connect.password = settings_.password;
  robot.connect.tls = settings_.tls;
  robot.connect.resolver = std::move(resolver);
  robot.max_reconnect_delay = std::chrono::seconds(30);
  robot.restore_subscriptions = false;  // what is wanted may change meanwhile
  client_.start_robot(settings_.url, std::move(robot));
}

// --- the connection ---

void upstream_link::connected(const vsoa::server_info& server, const vetting& vet,
                              const std::function<void()>& tell) {
  last_failure_.clear();
  if (const std::string problem = vet(settings_.url, server); !problem.empty()) {
    say(vsoa::log_level::error,
        problem + ", at " + server.address.to_string() + ": not forwarded to until a reload");
    is_given_up_.store(true, std::memory_order_relaxed);
    return client_.disconnect();
  }
  ++counts_.connects;
  is_up_ = true;
  has_quick_ = server.quick_port != 0;
  say(vsoa::log_level::info, "connected at " + server.address.to_string());
  tell();
}

void upstream_link::not_connected(std::error_code why) {
  ++counts_.failed_connects;
  if (why == last_failure_) return;
  last_failure_ = why;
  say(vsoa::log_level::warning, "not connected: " + why.message() + "; trying again");
}

void upstream_link::disconnected(std::error_code why) {
  is_up_ = has_quick_ = false;
  if (why) say(vsoa::log_level::warning, "connection lost: " + why.message());
}

void upstream_link::say(vsoa::log_level level, const std::string& what) const {
  if (log_) log_(level, "upstream " + settings_.url + ' ' + what);
}

// --- calls ---

void upstream_link::call(vsoa::call& c, std::string_view url, std::chrono::milliseconds timeout) {
  ++counts_.calls;
  if (!is_up_) {
    ++counts_.refused;
    return c.reply(vsoa::status::proxy, not_connected_text);
  }
  vsoa::request what;
  what.url = url;
  what.payload = c.payload();
  what.method = c.method();
  what.timeout = timeout;
  client_.start_call(what, [this, client = c.client(), right = c.defer()](
                               std::error_code error, const vsoa::reply_view& reply) mutable {
    answer(std::move(right), client, error, reply);
  });
}

void upstream_link::answer(vsoa::deferred_call right, vsoa::client_id client, std::error_code error,
                           const vsoa::reply_view& reply) {
  if (error) return fail(std::move(right), error);
  if (reply.tunid != 0) return relay_stream(std::move(right), client, reply);
  right.reply(reply.status, reply.payload);
}

void upstream_link::fail(vsoa::deferred_call right, std::error_code error) {
  if (error == vsoa::errc::timeout) {
    ++counts_.timeouts;
    return right.reply(vsoa::status::no_responding);
  }
  if (error == vsoa::errc::closed || error == vsoa::errc::cancelled) {
    ++counts_.lost;
    return right.reply(vsoa::status::no_responding);
  }
  ++counts_.refused;
  if (error == vsoa::errc::too_many_pending || error == vsoa::errc::outbox_full) {
    return right.reply(vsoa::status::no_memory);
  }
  const bool is_gone = error == vsoa::errc::not_connected;
  right.reply(vsoa::status::proxy, is_gone ? not_connected_text : not_sent_text);
}

// Upstream waits for us; we wait for the client, and go there when it has come. Where that can't
// be, upstream has carried the call out all the same.
void upstream_link::relay_stream(vsoa::deferred_call right, vsoa::client_id client,
                                 const vsoa::reply_view& reply) {
  vsoa::stream_offer offer;
  if (const auto at = client_.stream_at(reply.tunid)) offer = server_.relay_stream(client, *at);
  if (offer) {
    ++counts_.streams;
    return right.reply(reply.status, reply.payload, offer.tunid);
  }
  ++counts_.streams_failed;
  right.reply(vsoa::status::no_responding, no_stream_text);
}

// --- datagrams, subscriptions ---

void upstream_link::datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  if (!has_quick_) via = vsoa::channel::normal;
  if (is_up_ && client_.datagram(url, payload, via)) {
    ++counts_.datagrams;
  } else {
    ++counts_.datagrams_dropped;
  }
}

void upstream_link::subscribe(const std::vector<std::string>& patterns,
                              const std::function<void(const std::string&)>& refused) {
  for (const std::string& pattern : patterns) {
    client_.start_subscribe(pattern, [this, pattern, refused](std::error_code error, const auto&) {
      const bool is_gone = error == vsoa::errc::closed || error == vsoa::errc::cancelled ||
                           error == vsoa::errc::not_connected;
      if (!error || is_gone) return;
      ++counts_.subscriptions_refused;
      say_refused(pattern, error);
      refused(pattern);
    });
  }
}

// One client can have thousands refused, again and again.
void upstream_link::say_refused(const std::string& pattern, std::error_code error) {
  constexpr std::chrono::minutes silence{1};
  const auto now = std::chrono::steady_clock::now();
  if (now < next_complaint_) {
    ++unsaid_;
    return;
  }
  next_complaint_ = now + silence;
  std::string line = "refuses a subscription to " + pattern + ": " + error.message();
  if (unsaid_ != 0) line += "; " + std::to_string(unsaid_) + " more since the last of these lines";
  unsaid_ = 0;
  say(vsoa::log_level::warning, line + "; tried again later");
}

void upstream_link::unsubscribe(const std::string& pattern) {
  client_.start_unsubscribe(pattern, [](std::error_code, const auto&) {});
}

upstream_stats upstream_link::stats() const {
  return {counts_.connects,
          counts_.failed_connects,
          counts_.calls,
          counts_.refused,
          counts_.timeouts,
          counts_.lost,
          counts_.publishes,
          counts_.datagrams,
          counts_.datagrams_dropped,
          counts_.datagrams_ignored,
          counts_.streams,
          counts_.streams_failed,
          counts_.subscriptions_refused};
}

}  // namespace vsoad
