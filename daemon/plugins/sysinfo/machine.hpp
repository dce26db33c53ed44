// What the kernel says of the machine, each part on its own: a hardened service does not see all of
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace machine_info {

/// Processor time since boot, in ticks, of all cores.
struct cpu_times {
  std::uint64_t total = 0;
  std::uint64_t idle = 0;
};

/// Nothing: `text` is not that of /proc/stat.
std::optional<cpu_times> parse_stat(const std::string& text);

/// "used" is what is not available.
struct memory {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
};

/// Nothing: `text` is not that of /proc/meminfo.
std::optional<memory> parse_meminfo(const std::string& text);

/// Processor usage between two looks.
class cpu_usage {
 public:
  /// Takes a sample, if the last was long enough ago for the counters to have moved.
  /// @param now  the counters; nothing: they are not to be had
  /// @return usage in per cent, since the last sample or, the first time, since boot
  std::optional<double> sample(std::optional<cpu_times> now);

 private:
  cpu_times last_;
  double usage_ = 0;
};

/// The machine through `proc`, normally "/proc". Every text is a JSON value, "null" if unknown.
class machine {
 public:
  explicit machine(std::string proc) : proc_(std::move(proc)) {}

  void sample() { (void)usage(); }
  std::string cpu();
  std::string memory() const;
  std::string uptime() const;
  std::string load() const;
  std::string all();

 private:
  std::optional<double> usage();

  std::string proc_;
  cpu_usage usage_;
};

}  // namespace machine_info
