// The log of vsoad: text or JSON lines, to standard error or to the journal.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "vsoa/log.hpp"

namespace spdlog {
class logger;
}

namespace vsoad {

/// Never throws once constructed: what can't be written is lost. Any thread, the level included.
class logging {
 public:
  explicit logging(const config::log_settings& settings);

  void set_level(vsoa::log_level least) noexcept;
  vsoa::log_level level() const noexcept;

  void log(vsoa::log_level level, std::string_view text) const noexcept;
  void debug(std::string_view text) const noexcept { log(vsoa::log_level::debug, text); }
  void info(std::string_view text) const noexcept { log(vsoa::log_level::info, text); }
  void warning(std::string_view text) const noexcept { log(vsoa::log_level::warning, text); }
  void error(std::string_view text) const noexcept { log(vsoa::log_level::error, text); }

  /// For the library and the plugins. Keeps what it needs alive by itself.
  vsoa::log_sink sink() const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

inline constexpr std::size_t max_log_bytes = 8192;

/// Text that came from anywhere as one line of clean UTF-8: control characters and stray bytes are
/// written as \xNN, and what is beyond max_log_bytes is cut.
std::string clean_line(std::string_view text);

/// A line of the log without its end: `2026-01-31T12:00:00.000Z info text`, or an object with the
/// keys time, level and message. `clean` has been through clean_line().
std::string format_line(config::log_format format, std::chrono::system_clock::time_point time,
                        std::string_view level, std::string_view clean);

/// Whether standard error is connected to the journal: systemd says so in $JOURNAL_STREAM.
bool stderr_is_journal() noexcept;

}  // namespace vsoad
