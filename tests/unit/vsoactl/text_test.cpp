#include "vsoactl/text.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "vsoa/error.hpp"
#include "vsoactl/exit_code.hpp"
#include "vsoactl/output.hpp"
#include "vsoactl/progress.hpp"

namespace text_test {

using namespace vsoad::ctl;
using namespace std::chrono_literals;

vsoa::payload_view payload(std::string_view param, std::string_view data = {}) {
  return {param, std::as_bytes(std::span(data))};
}

TEST_CASE("a peer's text can't play with a terminal") {
  CHECK(printable("plain, \t and\nlines") == "plain, \t and\nlines");
  CHECK(printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
  CHECK(printable("a\rb\x7f") == "a\\x0db\\x7f");
  CHECK(printable("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
  CHECK(printable("\xC2\x9B"
                  "31m") == "\\x9b31m");  // CSI as one character
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("a payload as members of a JSON object") {
  CHECK(payload_members(payload("")) == R"("param":null,"data":null)");
  CHECK(payload_members(payload("{\"a\" :\n1}")) == R"("param":{"a":1},"data":null)");
  CHECK(payload_members(payload("7", "abcd")) == R"("param":7,"data":"YWJjZA==")");
  CHECK(payload_members(payload("{\"a\":")) == R"("param":"{\"a\":","data":null)");
  CHECK(payload_members(payload("1 2")) == R"("param":"1 2","data":null)");
}

TEST_CASE("a payload for people") {
  CHECK(payload_text(payload("")).empty());
  CHECK(payload_text(payload("{\"a\": 1}")) == "{\"a\": 1}");
  CHECK(payload_text(payload("", "x")) == "<1 byte of data>");
  CHECK(payload_text(payload("1", "xy")) == "1 <2 bytes of data>");
}

TEST_CASE("base64") {
  const auto encoded = [](std::string_view s) { return base64(std::as_bytes(std::span(s))); };
  CHECK(encoded("").empty());
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
}

TEST_CASE("times and numbers have three digits") {
  CHECK(short_time(7ns) == "7 ns");
  CHECK(short_time(999ns) == "999 ns");
  CHECK(short_time(1234ns) == "1.23 us");
  CHECK(short_time(45600ns) == "45.6 us");
  CHECK(short_time(456ms) == "456 ms");
  CHECK(short_time(2s) == "2.00 s");
  CHECK(short_number(7) == "7");
  CHECK(short_number(12345) == "12.3 k");
  CHECK(short_number(1.5e6) == "1.50 M");
}

TEST_CASE("progress: share, amount, speed and what is left") {
  CHECK(progress_text(0, 1000, 1s) == "  0 % [                        ] 0B, 0B/s");
  CHECK(progress_text(500, 1000, 1s) == " 50 % [############            ] 500B, 500B/s, 2 s left");
  CHECK(progress_text(2000000, 2000000, 2s) ==
        "100 % [########################] 2.00 MB, 1.00 MB/s");
  CHECK(progress_text(2000000, {}, 2s) == "2.00 MB, 1.00 MB/s");
  CHECK(progress_text(5, 0, 1s) == "5B, 5B/s");
}

TEST_CASE("numbers of operators") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1 000");
  CHECK(grouped(1234567) == "1 234 567");
  CHECK(short_bytes(1023) == "1023 B");
  CHECK(short_bytes(1536) == "1.50 KiB");
  CHECK(short_bytes(1047552) == "1023 KiB");
  CHECK(short_bytes(1048200) == "1.00 MiB");
  CHECK(short_bytes(std::uint64_t{12} << 30U) == "12.0 GiB");
  CHECK(short_span(0s) == "0 s");
  CHECK(short_span(59s) == "59 s");
  CHECK(short_span(312s) == "5 min 12 s");
  CHECK(short_span(std::chrono::hours(76)) == "3 d 4 h");
}

TEST_CASE("colours on a terminal alone, and not when they are not wanted") {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  CHECK_FALSE(colours_for(true).name.empty());
  CHECK(colours_for(false).name.empty());
  ::setenv("NO_COLOR", "1", 1);
  CHECK(colours_for(true).off.empty());
  ::setenv("NO_COLOR", "", 1);
  CHECK_FALSE(colours_for(true).off.empty());
  ::setenv("TERM", "dumb", 1);
  CHECK(colours_for(true).off.empty());
}

TEST_CASE("errors have exit codes") {
  CHECK(exit_code_of({}) == 0);
  CHECK(exit_code_of(vsoa::status::invalid_url) == 1);
  CHECK(exit_code_of(vsoa::errc::invalid_url) == 2);
  CHECK(exit_code_of(vsoa::connect_errc::unreachable) == 3);
  CHECK(exit_code_of(vsoa::connect_errc::not_found) == 3);
  CHECK(exit_code_of(vsoa::errc::timeout) == 4);
  CHECK(exit_code_of(vsoa::errc::closed) == 4);
  CHECK(exit_code_of(vsoa::connect_errc::invalid_password) == 5);
  CHECK(exit_code_of(vsoa::connect_errc::tls_failed) == 5);
}

}  // namespace text_test
