#include "report.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace bench {
namespace {

constexpr int scenario_width = 32;
constexpr int metric_width = 24;
constexpr int value_width = 14;

const metric* find(const sample& in, const std::string& name) {
  for (const metric& each : in) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

// Every figure that any side reported, in the order of the first that has it.
std::vector<metric> metrics_of(const outcome& of) {
  std::vector<metric> all;
  for (const auto& round : of.rounds) {
    for (const sample& each : round) {
      for (const metric& figure : each) {
        if (find(all, figure.name) == nullptr) all.push_back(figure);
      }
    }
  }
  return all;
}

std::string number(double value) {
  char text[32];
  const int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 4;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string ratio_text(const outcome& of, std::size_t side, const std::string& name) {
  const std::vector<double> ratios = ratios_of(of, side, name);
  if (ratios.empty()) return "-";
  const summary ratio = summarize(ratios);
  char text[64];
  std::snprintf(text, sizeof text, "%.2f (%.2f-%.2f)", ratio.median, ratio.lowest, ratio.highest);
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string json_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void write_summary(std::ostream& to, const char* name, const summary& of) {
  to << quoted(name) << ": { \"median\": " << json_number(of.median)
     << ", \"lowest\": " << json_number(of.lowest) << ", \"highest\": " << json_number(of.highest)
     << " }";
}

void write_side(std::ostream& to, const outcome& of, std::size_t side, const metric& figure) {
  const std::vector<double> values = values_of(of, side, figure.name);
  to << "        { \"side\": " << quoted(of.sides[side]) << ", ";
  write_summary(to, "value", summarize(values));
  if (const auto ratios = ratios_of(of, side, figure.name); side > 0 && !ratios.empty()) {
    to << ", ";
    write_summary(to, "ratio", summarize(ratios));
  }
  to << ", \"rounds\": [";
  for (std::size_t i = 0; i < values.size(); ++i)
    to << (i > 0 ? ", " : "") << json_number(values[i]);
  to << "] }";
}

void write_outcome(std::ostream& to, const outcome& of) {
  to << "  { \"scenario\": " << quoted(of.scenario) << ", \"metrics\": [\n";
  const std::vector<metric> figures = metrics_of(of);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    to << "    { \"name\": " << quoted(figures[i].name) << ", \"unit\": " << quoted(figures[i].unit)
       << ", \"sides\": [\n";
    const char* separator = "";
    for (std::size_t side = 0; side < of.sides.size(); ++side) {
      if (values_of(of, side, figures[i].name).empty()) continue;
      to << separator;
      write_side(to, of, side, figures[i]);
      separator = ",\n";
    }
    to << "\n    ] }" << (i + 1 < figures.size() ? ",\n" : "\n");
  }
  to << "  ] }";
}

void write_machine(std::ostream& to) {
  utsname system{};
  ::uname(&system);
  double load[3] = {};
  if (::getloadavg(load, 3) < 1) load[0] = 0;
  to << "\"machine\": { \"kernel\": " << quoted(system.release)
     << ", \"architecture\": " << quoted(system.machine)
     << ", \"cores\": " << ::sysconf(_SC_NPROCESSORS_ONLN)
     << ", \"load_average\": " << json_number(load[0]) << " },\n";
}

}  // namespace

summary summarize(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

std::vector<double> values_of(const outcome& of, std::size_t side, const std::string& metric_name) {
  std::vector<double> values;
  for (const auto& round : of.rounds) {
    if (const metric* figure = find(round[side], metric_name)) values.push_back(figure->value);
  }
  return values;
}

std::vector<double> ratios_of(const outcome& of, std::size_t side, const std::string& metric_name) {
  std::vector<double> ratios;
  for (const auto& round : of.rounds) {
    const metric* base = find(round[0], metric_name);
    const metric* figure = find(round[side], metric_name);
    if (base != nullptr && figure != nullptr && base->value > 0)
      ratios.push_back(figure->value / base->value);
  }
  return ratios;
}

void print_table_head(const std::vector<std::string>& sides) {
  std::printf("%-*s %-*s", scenario_width, "scenario", metric_width, "figure (median)");
  for (const std::string& side : sides)
    std::printf(" %*s", value_width, side.c_str());
  for (std::size_t i = 1; i < sides.size(); ++i)
    std::printf("   %s / %s", sides[i].c_str(), sides[0].c_str());
  std::printf("\n");
}

void print_table(const outcome& of) {
  bool first = true;
  for (const metric& figure : metrics_of(of)) {
    const std::string label = figure.name + ", " + figure.unit;
    std::printf("%-*s %-*s", scenario_width, first ? of.scenario.c_str() : "", metric_width,
                label.c_str());
    for (std::size_t side = 0; side < of.sides.size(); ++side) {
      const std::vector<double> values = values_of(of, side, figure.name);
      const std::string text = values.empty() ? "-" : number(summarize(values).median);
      std::printf(" %*s", value_width, text.c_str());
    }
    for (std::size_t side = 1; side < of.sides.size(); ++side)
      std::printf("   %s", ratio_text(of, side, figure.name).c_str());
    std::printf("\n");
    first = false;
  }
  std::fflush(stdout);
}

void write_json(const std::string& path, const std::vector<outcome>& outcomes) {
  std::ofstream file(path);
  file << "{ ";
  write_machine(file);
  file << "\"scenarios\": [\n";
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    write_outcome(file, outcomes[i]);
    file << (i + 1 < outcomes.size() ? ",\n" : "\n");
  }
  file << "] }\n";
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace bench
