// vsoactl bench: how many calls a second, and how long each.

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "command.hpp"
#include "exit_code.hpp"
#include "histogram.hpp"
#include "interruption.hpp"
#include "session.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace bench {

namespace po = boost::program_options;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using clock = std::chrono::steady_clock;

constexpr std::string_view help =
    R"(Usage: vsoactl bench URL [PARAM] [--data FILE] [--set] [--clients N] [--depth N]
                     [--duration DURATION]

Calls a command again and again, and says how many answers came in a second and how long they took.
It is a single thread: when that is busy, the server may still have time.

  PARAM, --data, --set  as for call
  --clients N           connections; default 1
  --depth N             calls under way on each; default 1: one waits for the other
  --duration DURATION   default 5s

Examples:
  vsoactl bench 127.0.0.1:3005/echo '{"a":1}'
  vsoactl bench 127.0.0.1:3005/echo --clients 8 --depth 16 --json
)";

void add_options(po::options_description& o) {
  o.add_options()("data", po::value<std::string>())("set", po::bool_switch())(
      "clients", po::value<std::string>())("depth", po::value<std::string>())(
      "duration", po::value<std::string>());
}

// All clients live on the one loop, whose thread alone touches what is counted, until the end.
class measurement {
 public:
  measurement(const invocation& use, vsoa::request request, const interruption& interrupted)
      : use_(use), request_(request), interrupted_(interrupted) {}

  void call(vsoa::client& client) {
    const auto begin = clock::now();
    client.start_call(
        request_, [this, &client, begin](std::error_code error, const vsoa::reply_view& answer) {
          if (ended_) return;
          if (error) return stop(error);
          if (answer.status != vsoa::status::success) ++refused_;
          times_.record(static_cast<std::uint64_t>(nanoseconds(clock::now() - begin).count()));
          call(client);
        });
  }
  void end() { ended_ = true; }
  void wait(std::chrono::milliseconds time) const;
  int print(nanoseconds took);

 private:
  nanoseconds within(double share) const { return nanoseconds(times_.quantile(share)); }
  void stop(std::error_code error) {
    error_ = error;
    ended_ = true;
    has_failed_ = true;
    interrupted_.wake();
  }

  const invocation& use_;
  const vsoa::request request_;
  const interruption& interrupted_;
  histogram times_;  // ns
  std::size_t refused_ = 0;
  std::error_code error_;
  bool ended_ = false;
  std::atomic<bool> has_failed_ = false;
};

// What connecting woke may still be there: only an error's wake counts.
void measurement::wait(std::chrono::milliseconds time) const {
  const auto end = clock::now() + time;
  while (!has_failed_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0 || interrupted_.wait(left) == interruption::cause::signal) return;
  }
}

int measurement::print(nanoseconds took) {
  if (error_) return report("bench", error_);
  if (times_.count() == 0) return report("bench", vsoa::errc::timeout);
  const double rate =
      static_cast<double>(times_.count()) / std::chrono::duration<double>(took).count();
  const auto micros = [](nanoseconds t) {
    return std::to_string(static_cast<double>(t.count()) / 1e3);
  };
  if (use_.out.is_json()) {
    use_.out.line("{\"calls\":" + std::to_string(times_.count()) + ",\"refused\":" +
                  std::to_string(refused_) + ",\"per_second\":" + std::to_string(rate) +
                  ",\"us\":{\"p50\":" + micros(within(0.5)) + ",\"p99\":" + micros(within(0.99)) +
                  ",\"p999\":" + micros(within(0.999)) +
                  ",\"max\":" + micros(nanoseconds(times_.max())) + "}}");
  } else {
    use_.out.line(short_number(rate) + " calls/s; half within " + short_time(within(0.5)) +
                  ", 99 % within " + short_time(within(0.99)) + ", 99.9 % within " +
                  short_time(within(0.999)) + ", the slowest " +
                  short_time(nanoseconds(times_.max())));
  }
  if (refused_ == 0) return exit_ok;
  output::complain(std::to_string(refused_) + " calls were answered with an error");
  return exit_refused;
}

int run(const invocation& use) {
  const vsoa::server_url url = only_url(use, 2);
  const given_payload payload(use);
  const std::size_t count = use.number("clients", 1, 1, 10000);
  const std::size_t depth = use.number("depth", 1, 1, 65535);
  const auto duration = use.duration("duration", 5s, 1ms, 24h);
  const vsoa::request request{
      .url = url.path,
      .payload = payload.view(),
      .method = use.has("set") ? vsoa::method::set : vsoa::method::get,
      .timeout = use.timeout,
  };
  const interruption interrupted;
  measurement m(use, request, interrupted);
  vsoa::runtime loop(client_loops());
  loop.start();
  std::vector<std::unique_ptr<vsoa::client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    auto& client = *clients.emplace_back(std::make_unique<vsoa::client>(loop));
    const auto error = await(interrupted, [&](std::function<void(std::error_code)> done) {
      client.start_connect(
          url.to_string(), use.connect,
          [done = std::move(done)](std::error_code e, const vsoa::reply_view&) { done(e); });
    });
    if (error) return report(url.to_string(), error);
  }
  const auto begin = clock::now();
  loop.post(0, [&] {
    for (const auto& client : clients) {
      for (std::size_t i = 0; i < depth; ++i)
        m.call(*client);
    }
  });
  m.wait(duration);
  loop.post(0, [&m] { m.end(); });
  loop.quiesce(use.timeout);
  const nanoseconds took = clock::now() - begin;
  clients.clear();
  loop.stop();
  return m.print(took);
}

}  // namespace bench

const command bench_command{"bench", "measure how fast a server answers", bench::help,
                            bench::add_options, bench::run};

}  // namespace vsoad::ctl
