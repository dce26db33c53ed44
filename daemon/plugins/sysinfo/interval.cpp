#include "interval.hpp"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>

namespace machine_info {
namespace {

constexpr double shortest_seconds = 0.1;
constexpr double longest_seconds = 3600;

/// "500ms", "5s", "2m", "1h"; not a number otherwise.
double parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{}) return std::nan("");
  if (unit == "ms") return value / 1000;
  if (unit == "s") return value;
  if (unit == "m") return value * 60;
  if (unit == "h") return value * 3600;
  return std::nan("");
}

double seconds_of(simdjson::dom::element value) {
  double number = 0;
  std::string_view text;
  if (value.get(number) == simdjson::SUCCESS) return number;
  if (value.get(text) == simdjson::SUCCESS) return parse_duration(text);
  return std::nan("");
}

}  // namespace

std::chrono::milliseconds read_interval(std::string_view json) {
  double seconds = 1;
  simdjson::dom::parser parser;
  simdjson::dom::element settings;
  if (parser.parse(json.data(), json.size()).get(settings) != simdjson::SUCCESS) {
    throw std::invalid_argument("the settings are not JSON");
  }
  if (!settings.is_null()) {
    simdjson::dom::object members;
    if (settings.get(members) != simdjson::SUCCESS) {
      throw std::invalid_argument("the settings must be a mapping");
    }
    for (const auto& [key, value] : members) {
      if (key != "interval") {
        throw std::invalid_argument("unknown setting \"" + std::string(key) +
                                    "\"; there is only interval");
      }
      seconds = seconds_of(value);
    }
  }
  const bool is_good =
      seconds == 0 || (seconds >= shortest_seconds && seconds <= longest_seconds);  // not for NaN
  if (!is_good) {
    throw std::invalid_argument("interval must be 100ms to 1h, in seconds or as text, or 0");
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

}  // namespace machine_info
