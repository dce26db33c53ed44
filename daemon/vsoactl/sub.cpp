// vsoactl sub: subscribes, and prints what comes.

#include <atomic>
#include <ctime>
#include <map>
#include <memory>

#include "command.hpp"
#include "config/json.hpp"
#include "exit_code.hpp"
#include "interruption.hpp"
#include "session.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace sub {

namespace po = boost::program_options;
using namespace std::chrono_literals;

constexpr std::string_view help = R"(Usage: vsoactl sub URL... [--count N] [--retry]

Subscribes to URLs, of one server or several, and prints what is published, until Ctrl-C. A URL that
ends with "/" stands for all below it, vsoa://SERVER alone for everything.

  --count N  end after N messages
  --retry    when there is no connection, say so once, try again for ever, and subscribe anew;
             without, that ends the command

Examples:
  vsoactl sub vsoa://cabin/speed vsoa://cabin/doors/
  vsoactl sub 127.0.0.1:3005 --json | jq -c '[.url, .param]'
  timeout 10 vsoactl sub cabin/ready --count 1 || echo "not ready"
)";

void add_options(po::options_description& o) {
  o.add_options()("count", po::value<std::string>())("retry", po::bool_switch());
}

std::string time_of_day() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::localtime_r(&now.tv_sec, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  const std::string millis = std::to_string(1000 + now.tv_nsec / 1'000'000);
  return std::string(text) + '.' + millis.substr(1);
}

std::string message_text(const output& out, std::string_view url, vsoa::payload_view payload,
                         bool quick) {
  if (out.is_json())
    return "{\"url\":" + config::json_string(printable(url)) +
           ",\"quick\":" + (quick ? "true" : "false") + ',' + payload_members(payload) + '}';
  const palette& p = out.colours();
  std::string line;
  if (out.is_terminal()) line = std::string(p.dim) + time_of_day() + std::string(p.off) + ' ';
  line += std::string(p.name) + printable(url) + std::string(p.off);
  if (!payload.empty()) line += ' ' + payload_text(payload);
  return line;
}

// What all connections of the command share. Callbacks run on their loops.
class listening {
 public:
  explicit listening(const invocation& use)
      : use_(use), left_(use.number("count", 0, 1, 1'000'000'000)), bounded_(left_ != 0) {}

  void show(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    const std::size_t before = take();
    if (before == 0) return;
    has_shown_ = true;
    if (!use_.out.line(message_text(use_.out, url, payload, via == vsoa::channel::quick))) {
      end(exit_refused);
    }
    if (bounded_ && before == 1) end(exit_ok);
  }
  void lost(const std::string& server, std::error_code error) {
    if (!error) return;
    const int code = report(server, error);
    if (use_.has("retry")) return;
    end(code);
  }
  int wait() {
    while (!is_over_ && interrupted_.wait() != interruption::cause::signal) {
    }
    // Whoever wants a number of messages has not got them.
    if (!is_over_ && bounded_ && left_ != 0) {
      output::complain("interrupted");
      return exit_no_answer;
    }
    return code_;
  }
  const interruption& interrupted() const noexcept { return interrupted_; }
  /// Whether it has begun: a retained message may come before the subscription is answered.
  bool has_shown() const noexcept { return has_shown_; }

 private:
  void end(int code) {
    if (code != exit_ok) code_ = code;
    is_over_ = true;
    interrupted_.wake();
  }
  // How many messages may still be shown, this one included.
  std::size_t take() {
    if (!bounded_) return 1;
    std::size_t now = left_;
    while (now != 0 && !left_.compare_exchange_weak(now, now - 1)) {
    }
    return now;
  }

  const invocation& use_;
  const interruption interrupted_;
  std::atomic<std::size_t> left_;
  const bool bounded_;
  std::atomic<int> code_ = exit_ok;
  std::atomic<bool> is_over_ = false;
  std::atomic<bool> has_shown_ = false;
};

// What --retry says of a connection that comes and goes: why there is none, once, and when it is
// back. On the loop of its client.
class outage {
 public:
  explicit outage(std::string server) : server_(std::move(server)) {}

  void failed(std::error_code why) {
    if (std::exchange(has_failed_, true)) return;
    output::complain(server_ + ": " + why.message() + "; trying again");
  }
  void lost() { is_lost_ = true; }
  void over() {
    if (has_failed_ || is_lost_) output::complain(server_ + ": connected");
    has_failed_ = is_lost_ = false;
  }

 private:
  const std::string server_;
  bool has_failed_ = false;
  bool is_lost_ = false;
};

// With --retry: by the robot. What is granted once it restores itself.
void stay(session& s, const invocation& use, listening& all, const vsoa::server_url& server,
          const std::vector<std::string>& topics) {
  vsoa::client& client = s.client();
  const auto state = std::make_shared<outage>(server.to_string());
  client.on_connect_failed([state](std::error_code why) { state->failed(why); });
  client.on_disconnect([state, &all, name = server.to_string()](std::error_code why) {
    all.lost(name, why);
    state->lost();
  });
  client.on_connect([state, &client, topics, name = server.to_string()](const vsoa::server_info&) {
    state->over();
    if (!client.subscriptions().empty()) return;
    client.start_subscribe(topics, [name](std::error_code error, const vsoa::reply_view&) {
      if (error) report(name, error);
    });
  });
  vsoa::robot_options robot;
  robot.connect = use.connect;
  client.start_robot(server.to_string(), robot);
}

int open(session& s, const invocation& use, listening& all, const vsoa::server_url& server,
         const std::vector<std::string>& topics) {
  if (use.has("retry")) {
    stay(s, use, all, server, topics);
    return exit_ok;
  }
  s.client().on_disconnect(
      [&all, name = server.to_string()](std::error_code why) { all.lost(name, why); });
  std::error_code error = s.connect(server, all.interrupted());
  if (!error) {
    error = await(all.interrupted(), [&](std::function<void(std::error_code)> done) {
      s.client().start_subscribe(
          topics, [done = std::move(done)](std::error_code e, const vsoa::reply_view&) { done(e); },
          use.timeout);
    });
  }
  if (error == vsoa::errc::cancelled && all.has_shown()) return exit_ok;
  return error ? report(server.to_string(), error) : exit_ok;
}

int run(const invocation& use) {
  if (use.words.empty()) throw usage_error("to what? A URL is missing");
  // By server, as the user has written it.
  std::map<std::string, std::pair<vsoa::server_url, std::vector<std::string>>> servers;
  for (const std::string& word : use.words) {
    vsoa::server_url url = parse_url(word);
    std::string path = std::exchange(url.path, "/");
    auto& entry = servers[url.to_string()];
    entry.first = std::move(url);
    entry.second.push_back(std::move(path));
  }
  listening all(use);
  std::vector<std::unique_ptr<session>> sessions;
  for (const auto& [name, entry] : servers) {
    session& s = *sessions.emplace_back(std::make_unique<session>(use));
    s.client().on_message([&all](std::string_view url, vsoa::payload_view payload,
                                 vsoa::channel via) { all.show(url, payload, via); });
    if (const int code = open(s, use, all, entry.first, entry.second); code != exit_ok) return code;
  }
  return all.wait();
}

}  // namespace sub

const command sub_command{"sub", "subscribe, and print what is published", sub::help,
                          sub::add_options, sub::run};

}  // namespace vsoad::ctl
