#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>
#include <string>

#include "vsoad/logging.hpp"

namespace logging_test {

using namespace vsoad;
using vsoad::config::log_format;
using vsoad::config::log_target;

/// What is written to standard error while it lives.
class captured_stderr {
 public:
  captured_stderr() {
    REQUIRE(::pipe(pipe_) == 0);
    saved_ = ::dup(STDERR_FILENO);
    ::dup2(pipe_[1], STDERR_FILENO);
    ::close(pipe_[1]);
  }
  ~captured_stderr() {
    if (saved_ != -1) static_cast<void>(text());
  }
  std::string text() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
    std::string out;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(pipe_[0]);
    return out;
  }

 private:
  int pipe_[2]{};
  int saved_ = -1;
};

TEST_CASE("what peers send can't begin a line of its own") {
  CHECK(clean_line("plain text, caf\xC3\xA9") == "plain text, caf\xC3\xA9");
  CHECK(clean_line("a\nb\r\tc\x1B[31m\x7F") == "a\\x0ab\\x0d\\x09c\\x1b[31m\\x7f");
  CHECK(clean_line("\xC2\x9B"
                   "31m") == "\\xc2\\x9b31m");
  CHECK(clean_line(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(clean_line("\xff\xC3") == "\\xff\\xc3");
  CHECK(clean_line("\xE2\x82\xAC\xF0\x9F\x98\x80") == "\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(clean_line("").empty());
  const std::string cut = clean_line(std::string(100000, 'x'));
  CHECK(cut.size() == max_log_bytes + 3);
  CHECK(cut.ends_with("x..."));
}

TEST_CASE("lines") {
  const std::chrono::system_clock::time_point time{std::chrono::milliseconds{1700000000042}};
  CHECK(format_line(log_format::text, time, "info", "hello") ==
        "2023-11-14T22:13:20.042Z info hello");
  CHECK(format_line(log_format::json, time, "warning", "say \"hi\" \\x0a") ==
        R"({"time":"2023-11-14T22:13:20.042Z","level":"warning","message":"say \"hi\" \\x0a"})");
}

TEST_CASE("levels are set at run time, for sinks too") {
  captured_stderr capture;
  {
    logging log({vsoa::log_level::warning, log_target::standard_error, log_format::text});
    const vsoa::log_sink sink = log.sink();
    log.info("one");
    sink(vsoa::log_level::info, "two");
    log.error("three\nthree");
    log.set_level(vsoa::log_level::trace);
    sink(vsoa::log_level::trace, "four {} %s");
  }
  const std::string text = capture.text();
  CHECK(text.find("one") == std::string::npos);
  CHECK(text.find("two") == std::string::npos);
  CHECK(text.find("Z error three\\x0athree\n") != std::string::npos);
  CHECK(text.find("Z trace four {} %s\n") != std::string::npos);
}

TEST_CASE("a sink outlives its log") {
  captured_stderr capture;
  vsoa::log_sink sink;
  sink = logging({vsoa::log_level::info, log_target::standard_error, log_format::json}).sink();
  sink(vsoa::log_level::info, "still here");
  CHECK(capture.text().ends_with(R"("level":"info","message":"still here"})"
                                 "\n"));
}

TEST_CASE("the journal is known by its device and inode") {
  captured_stderr capture;
  struct stat info {};
  REQUIRE(::fstat(STDERR_FILENO, &info) == 0);
  const std::string good = std::to_string(info.st_dev) + ':' + std::to_string(info.st_ino);
  ::setenv("JOURNAL_STREAM", good.c_str(), 1);
  CHECK(stderr_is_journal());
  ::setenv("JOURNAL_STREAM", (good + "1").c_str(), 1);
  CHECK_FALSE(stderr_is_journal());
  ::setenv("JOURNAL_STREAM", (good + " ").c_str(), 1);
  CHECK_FALSE(stderr_is_journal());
  ::setenv("JOURNAL_STREAM", "", 1);
  CHECK_FALSE(stderr_is_journal());
  ::unsetenv("JOURNAL_STREAM");
  CHECK_FALSE(stderr_is_journal());
}

}  // namespace logging_test
