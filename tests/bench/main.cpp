// vsoa_bench: what vsoad costs, as a ratio to what the machine's sockets allow.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "chart.hpp"
#include "options.hpp"
#include "peers.hpp"
#include "process.hpp"
#include "report.hpp"
#include "scenario.hpp"

namespace bench {
namespace {

constexpr std::uint64_t smoke_messages = 500;
constexpr std::int64_t smoke_limit_ns = 20'000'000'000;

std::vector<side> make_sides(const options& from) {
  std::vector<side> sides = {raw_side("raw", from.server_core)};
  if (from.self_check) sides.push_back(raw_side("raw again", from.server_core));
  for (const unsigned loops : from.loops) {
    if (from.vsoad.empty()) break;
    daemon_options daemon{from.vsoad, from.plugins,          loops,
                          {},         std::string(echo_url), std::string(topic_url)};
    for (unsigned i = 0; i < loops; ++i)
      daemon.cores.push_back(from.server_core + static_cast<int>(i));
    const std::string suffix = from.loops.size() > 1 ? " x" + std::to_string(loops) : "";
    sides.push_back(daemon_side("vsoad" + suffix, daemon));
  }
  if (from.peer) sides.push_back(running_side("peer", *from.peer, from.peer_pid));
  for (const side& each : peer_sides(from.peers, from.server_core, from.node_modules))
    sides.push_back(each);
  return sides;
}

budget make_budget(const options& from) {
  constexpr double ns_per_s = 1e9;
  budget limits;
  limits.warm_up_ns = static_cast<std::int64_t>(from.warm_up_s * ns_per_s);
  limits.measure_ns = static_cast<std::int64_t>(from.seconds * ns_per_s);
  if (from.smoke) {
    limits.smoke = true;
    limits.max_messages = smoke_messages;
    limits.measure_ns = smoke_limit_ns;
  }
  return limits;
}

bool wanted(const scenario& each, const options& from) {
  if (from.only.empty()) return true;
  for (const std::string& part : from.only) {
    if (each.name.find(part) != std::string::npos) return true;
  }
  return false;
}

// Rounds are interleaved, and every other one goes through the sides backwards, so that nothing
// that drifts favours one of them.
outcome run_scenario(const scenario& each, const std::vector<side>& sides, const options& from) {
  const budget limits = make_budget(from);
  outcome result;
  result.scenario = each.name;
  for (const side& candidate : sides)
    result.sides.push_back(candidate.name);
  std::vector<std::unique_ptr<server>> running(sides.size());
  const unsigned rounds = from.smoke ? 1 : from.rounds;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<sample>& samples = result.rounds.emplace_back(sides.size());
    for (std::size_t turn = 0; turn < sides.size(); ++turn) {
      const std::size_t i = round % 2 == 0 ? turn : sides.size() - 1 - turn;
      if (!sides[i].serves(each.needs)) continue;
      if (!running[i] || each.fresh_server)
        running[i] = std::make_unique<server>(sides[i].start(each.needs));
      samples[i] = each.run(*running[i], limits);
    }
  }
  return result;
}

// True when all of them ran.
bool run_all(const options& from) {
  const std::vector<side> sides = make_sides(from);
  std::vector<std::string> names;
  names.reserve(sides.size());
  for (const side& each : sides)
    names.push_back(each.name);
  if (!from.smoke) print_table_head(names);
  std::vector<outcome> outcomes;
  bool good = true;
  for (const scenario& each : all_scenarios()) {
    if (!wanted(each, from)) continue;
    try {
      outcomes.push_back(run_scenario(each, sides, from));
      if (from.smoke) {
        std::printf("ok: %s\n", each.name.c_str());
      } else {
        print_table(outcomes.back());
      }
    } catch (const std::exception& error) {
      std::printf("FAILED: %s: %s\n", each.name.c_str(), error.what());
      good = false;
    }
    std::fflush(stdout);
  }
  if (!from.smoke) {
    write_json(from.json, outcomes);
    write_chart(from.chart, outcomes);
  }
  return good;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    const bench::options options = bench::parse_options(argc, argv);
    if (options.list) {
      for (const bench::scenario& each : bench::all_scenarios())
        std::puts(each.name.c_str());
      return 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    bench::raise_file_limit();
    if (!bench::pin_to_cores({options.load_core}))
      std::fprintf(stderr, "load is not pinned: no core %d\n", options.load_core);
    return bench::run_all(options) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vsoa_bench: %s\n", error.what());
    return 2;
  }
}
