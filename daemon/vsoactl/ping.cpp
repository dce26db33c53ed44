// vsoactl ping: does the server answer, and how fast?

#include <algorithm>

#include "command.hpp"
#include "exit_code.hpp"
#include "interruption.hpp"
#include "session.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace ping {

namespace po = boost::program_options;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using clock = std::chrono::steady_clock;

constexpr std::string_view help = R"(Usage: vsoactl ping URL [--count N] [--interval DURATION]

Connects, and asks the server for an echo, again and again, until Ctrl-C.

  --count N            end after N; default: never
  --interval DURATION  from one to the next; default 1s

Examples:
  vsoactl ping vsoa://cabin
  vsoactl ping 127.0.0.1:3005 --count 1 --timeout 500ms && echo alive
)";

void add_options(po::options_description& o) {
  o.add_options()("count", po::value<std::string>())("interval", po::value<std::string>());
}

struct tally {
  std::size_t sent = 0;
  std::size_t answered = 0;
  nanoseconds least = nanoseconds::max();
  nanoseconds most{0};
  nanoseconds sum{0};

  void add(nanoseconds took) {
    ++answered;
    least = std::min(least, took);
    most = std::max(most, took);
    sum += took;
  }
};

std::string microseconds(nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

void print_one(const output& out, const std::string& server, std::size_t number, nanoseconds took) {
  if (out.is_json()) {
    out.line("{\"ping\":" + std::to_string(number) + ",\"us\":" + microseconds(took) + '}');
  } else {
    out.line(server + ": " + std::to_string(number) + ": " + short_time(took));
  }
}

void print_sum(const output& out, const tally& t) {
  if (out.is_json()) return;  // programs add up themselves
  std::string text = std::to_string(t.answered) + " of " + std::to_string(t.sent) + " answered";
  if (t.answered != 0) {
    text += "; least " + short_time(t.least) + ", mean " +
            short_time(t.sum / static_cast<std::int64_t>(t.answered)) + ", most " +
            short_time(t.most);
  }
  out.line(text);
}

// A time, or true: a signal.
bool rest(const interruption& interrupted, std::chrono::milliseconds time) {
  const auto end = clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0) return interrupted.has_come();
    if (interrupted.wait(left) == interruption::cause::signal) return true;
  }
}

int run(const invocation& use) {
  const vsoa::server_url url = only_url(use, 1);
  const std::size_t count = use.number("count", 0, 1, 1'000'000'000);
  const auto interval = use.duration("interval", 1s, 1ms, 1h);
  const interruption interrupted;
  nanoseconds took{};  // of the last ping; before the session, whose callbacks fill it
  session s(use);
  const std::string name = url.to_string();
  if (const auto error = s.connect(url, interrupted)) return report(name, error);
  tally t;
  std::error_code error;
  while (count == 0 || t.sent < count) {
    if (t.sent != 0 && rest(interrupted, interval)) break;
    ++t.sent;
    const auto begin = clock::now();
    error = await(interrupted, [&](std::function<void(std::error_code)> done) {
      s.client().start_ping(
          [&took, begin, done = std::move(done)](std::error_code e, const vsoa::reply_view&) {
            if (!e) took = clock::now() - begin;
            done(e);
          },
          use.timeout);
    });
    if (!error) {
      t.add(took);
      print_one(use.out, name, t.sent, took);
      continue;
    }
    if (error == vsoa::errc::cancelled) {  // not a failure of the server's
      --t.sent;
      break;
    }
    report(name, error);
    if (error != vsoa::errc::timeout) break;
  }
  print_sum(use.out, t);
  if (interrupted.has_come() && t.sent < count) return exit_no_answer;
  return t.answered == t.sent ? exit_ok : exit_code_of(error ? error : vsoa::errc::timeout);
}

}  // namespace ping

const command ping_command{"ping", "ask a server for an echo", ping::help, ping::add_options,
                           ping::run};

}  // namespace vsoad::ctl
