#include "machine.hpp"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <fstream>
#include <sstream>

namespace machine_info {
namespace {

// A tenth of a second, in the ticks of one core: less says nothing.
constexpr std::uint64_t ticks_that_count = 10;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

/// Without the locale, which might write a comma.
std::string number(double value, int digits) {
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, digits);
  return std::string(text, end.ptr);
}

long cores() {
  const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? count : 1;
}

}  // namespace

std::optional<cpu_times> parse_stat(const std::string& text) {
  // cpu  user nice system idle iowait irq softirq steal guest guest_nice; guests are in user and
  // nice.
  std::istringstream line(text.substr(0, text.find('\n')));
  std::string word;
  if (!(line >> word) || word != "cpu") return {};
  cpu_times times;
  std::uint64_t ticks = 0;
  int column = 0;
  for (; column < 8 && line >> ticks; ++column) {
    times.total += ticks;
    if (column == 3 || column == 4) times.idle += ticks;
  }
  if (column < 4) return {};
  return times;
}

std::optional<memory> parse_meminfo(const std::string& text) {
  std::istringstream lines(text);
  std::optional<std::uint64_t> total, available;
  std::string name, rest;
  std::uint64_t kibibytes = 0;
  while (lines >> name >> kibibytes && std::getline(lines, rest)) {
    if (name == "MemTotal:") total = kibibytes * 1024;
    if (name == "MemAvailable:") available = kibibytes * 1024;
  }
  if (!total || !available || *available > *total) return {};
  return memory{*total, *available};
}

std::optional<double> cpu_usage::sample(std::optional<cpu_times> now) {
  if (!now) return {};
  if (now->total >= last_.total + ticks_that_count) {
    const auto total = static_cast<double>(now->total - last_.total);
    // Iowait may go backwards, the kernel says.
    const auto idle = now->idle > last_.idle ? static_cast<double>(now->idle - last_.idle) : 0.0;
    usage_ = idle < total ? 100.0 * (total - idle) / total : 0.0;
    last_ = *now;
  }
  return usage_;
}

std::optional<double> machine::usage() {
  return usage_.sample(parse_stat(read_file(proc_ + "/stat")));
}

std::string machine::cpu() {
  const auto percent = usage();
  if (!percent) return "null";
  return "{\"cores\":" + std::to_string(cores()) + ",\"usage\":" + number(*percent, 1) + "}";
}

std::string machine::memory() const {
  const auto m = parse_meminfo(read_file(proc_ + "/meminfo"));
  if (!m) return "null";
  return "{\"total\":" + std::to_string(m->total) +
         ",\"available\":" + std::to_string(m->available) +
         ",\"used\":" + std::to_string(m->total - m->available) + "}";
}

std::string machine::uptime() const {
  timespec now{};
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return "null";
  const double seconds = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  return "{\"seconds\":" + number(seconds, 2) + "}";
}

std::string machine::load() const {
  struct ::sysinfo info {};
  if (::sysinfo(&info) != 0) return "null";
  const auto value = [&info](int i) {
    return number(static_cast<double>(info.loads[i]) / (1 << SI_LOAD_SHIFT), 2);
  };
  return "{\"1m\":" + value(0) + ",\"5m\":" + value(1) + ",\"15m\":" + value(2) + "}";
}

std::string machine::all() {
  return "{\"cpu\":" + cpu() + ",\"memory\":" + memory() + ",\"uptime\":" + uptime() +
         ",\"load\":" + load() + "}";
}

}  // namespace machine_info
