#include "logging.hpp"

#include <simdjson.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>

#include "config/json.hpp"

namespace vsoad {

namespace {

spdlog::level::level_enum to_spdlog(vsoa::log_level level) noexcept {
  switch (level) {
    case vsoa::log_level::trace:
      return spdlog::level::trace;
    case vsoa::log_level::debug:
      return spdlog::level::debug;
    case vsoa::log_level::info:
      return spdlog::level::info;
    case vsoa::log_level::warning:
      return spdlog::level::warn;
    case vsoa::log_level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view level_name(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warning";
    default:
      return "error";
  }
}

class line_formatter : public spdlog::formatter {
 public:
  line_formatter(config::log_format format, std::string_view end) : format_(format), end_(end) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string line = format_line(format_, message.time, level_name(message.level),
                                         {message.payload.data(), message.payload.size()}) +
                             end_;
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<line_formatter>(format_, end_);
  }

 private:
  config::log_format format_;
  std::string end_;
};

bool has_journal() noexcept {
  return ::access("/run/systemd/journal/socket", W_OK) == 0;
}

std::shared_ptr<spdlog::logger> make_logger(const config::log_settings& settings) {
  const bool journal = (settings.target == config::log_target::journal && has_journal()) ||
                       (settings.target == config::log_target::automatic && stderr_is_journal());
  spdlog::sink_ptr sink;
  if (journal) {
    // The journal has time and level beside the text; only JSON says them once more.
    const bool formatted = settings.format == config::log_format::json;
    sink = std::make_shared<spdlog::sinks::systemd_sink_mt>("vsoad", formatted);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  auto out = std::make_shared<spdlog::logger>("vsoad", std::move(sink));
  out->set_formatter(std::make_unique<line_formatter>(settings.format, journal ? "" : "\n"));
  out->flush_on(spdlog::level::trace);
  out->set_error_handler([](const std::string&) {});
  return out;
}

/// Bytes of the UTF-8 character at the begin of `text`, 0 if there is none that may be shown.
std::size_t shown_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first < 0x20 || first == 0x7F ? 0 : 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (length > text.size() || !simdjson::validate_utf8(text.data(), length)) return 0;
  // U+0080 to U+009F are control characters too: terminals obey them.
  return first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0 ? 0 : length;
}

void write(spdlog::logger& logger, vsoa::log_level level, std::string_view text) noexcept {
  try {
    const spdlog::level::level_enum to = to_spdlog(level);
    if (logger.should_log(to)) logger.log(to, spdlog::string_view_t(clean_line(text)));
  } catch (...) {
    // The log is no reason to stop serving.
  }
}

}  // namespace

logging::logging(const config::log_settings& settings) : logger_(make_logger(settings)) {
  set_level(settings.level);
  if (settings.target == config::log_target::journal && !has_journal()) {
    warning("log.target is journal, and there is none here: this log goes to standard error");
  }
}

void logging::set_level(vsoa::log_level least) noexcept {
  logger_->set_level(to_spdlog(least));
}

vsoa::log_level logging::level() const noexcept {
  for (const auto level : {vsoa::log_level::trace, vsoa::log_level::debug, vsoa::log_level::info,
                           vsoa::log_level::warning}) {
    if (logger_->should_log(to_spdlog(level))) return level;
  }
  return vsoa::log_level::error;
}

void logging::log(vsoa::log_level level, std::string_view text) const noexcept {
  write(*logger_, level, text);
}

vsoa::log_sink logging::sink() const {
  return [logger = logger_](vsoa::log_level level, std::string_view line) {
    write(*logger, level, line);
  };
}

std::string clean_line(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(std::min(text.size(), max_log_bytes));
  while (!text.empty()) {
    if (out.size() >= max_log_bytes) return out + "...";
    const std::size_t length = shown_character(text);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
    out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string format_line(config::log_format format, std::chrono::system_clock::time_point time,
                        std::string_view level, std::string_view clean) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[32];
  const std::size_t length = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(milliseconds));
  const std::string stamp = std::string(date, length) + fraction;
  if (format == config::log_format::json) {
    return R"({"time":")" + stamp + R"(","level":")" + std::string(level) + R"(","message":)" +
           config::json_string(clean) + '}';
  }
  return stamp + ' ' + std::string(level) + ' ' + std::string(clean);
}

bool stderr_is_journal() noexcept {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  if (stream == nullptr) return false;
  unsigned long long device = 0;
  unsigned long long inode = 0;
  char rest = 0;
  struct stat info {};
  return std::sscanf(stream, "%llu:%llu%c", &device, &inode, &rest) == 2 &&
         ::fstat(STDERR_FILENO, &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

}  // namespace vsoad
