#include "vsoa/address.hpp"

#include <doctest/doctest.h>

#include <string>

namespace address_test {

using vsoa::ip_address;
using vsoa::socket_address;

TEST_CASE("IP literals") {
  struct row {
    const char* text;
    const char* written;  // null: not an address
  };
  constexpr row rows[] = {
      {"127.0.0.1", "127.0.0.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::1", "::1"},
      {"::", "::"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
      {"fe80::1%4000000", "fe80::1%4000000"},
      {"", nullptr},
      {" 127.0.0.1", nullptr},
      {"127.0.0.1 ", nullptr},
      {"127.0.0", nullptr},
      {"127.0.0.256", nullptr},
      {"127.0.0.1.5", nullptr},
      {"1", nullptr},
      {"localhost", nullptr},
      {"[::1]", nullptr},
      {"::1::", nullptr},
      {"12345::", nullptr},
      {"127.0.0.1%1", nullptr},
      {"fe80::1%", nullptr},
      {"fe80::1%0", nullptr},
      {"fe80::1%no-such-interface", nullptr},
      {"fe80::1%4294967296", nullptr},
  };
  for (const row& r : rows) {
    CAPTURE(r.text);
    const auto ip = ip_address::parse(r.text);
    REQUIRE(ip.has_value() == (r.written != nullptr));
    if (ip) CHECK(ip->to_string() == r.written);
  }
  CHECK_FALSE(ip_address::parse(std::string_view("127.0.0.1\0", 10)));
  CHECK_FALSE(ip_address::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("the unspecified addresses") {
  CHECK(ip_address::parse("0.0.0.0")->is_unspecified());
  CHECK(ip_address::parse("::")->is_unspecified());
  CHECK_FALSE(ip_address::parse("::1")->is_unspecified());
  CHECK_FALSE(ip_address::parse("127.0.0.1")->is_unspecified());
  CHECK(*ip_address::parse("0.0.0.0") != *ip_address::parse("::"));
}

TEST_CASE("addresses with a port of their own") {
  struct row {
    const char* text;
    const char* written;
  };
  constexpr row rows[] = {
      {"127.0.0.1:3005", "127.0.0.1:3005"},
      {"127.0.0.1:0", "127.0.0.1:0"},
      {"127.0.0.1:65535", "127.0.0.1:65535"},
      {"[::1]:3005", "[::1]:3005"},
      {"127.0.0.1", nullptr},
      {"127.0.0.1:", nullptr},
      {"127.0.0.1:65536", nullptr},
      {"127.0.0.1:-1", nullptr},
      {"127.0.0.1:+1", nullptr},
      {"127.0.0.1: 1", nullptr},
      {"127.0.0.1:1 ", nullptr},
      {"127.0.0.1:0x10", nullptr},
      {":3005", nullptr},
      {"::1", nullptr},
      {"[::1]", nullptr},
      {"[::1]3005", nullptr},
      {"[::1:3005", nullptr},
      {"[127.0.0.1]:3005", nullptr},
      {"host:3005", nullptr},
      {"", nullptr},
      {"[]", nullptr},
      {"[", nullptr},
  };
  for (const row& r : rows) {
    CAPTURE(r.text);
    const auto address = socket_address::parse(r.text);
    REQUIRE(address.has_value() == (r.written != nullptr));
    if (address) CHECK(address->to_string() == r.written);
  }
}

TEST_CASE("addresses that may leave their port out") {
  CHECK(socket_address::parse("127.0.0.1", 54)->to_string() == "127.0.0.1:54");
  CHECK(socket_address::parse("127.0.0.1:55", 54)->to_string() == "127.0.0.1:55");
  CHECK(socket_address::parse("::1", 54)->to_string() == "[::1]:54");
  CHECK(socket_address::parse("[::1]", 54)->to_string() == "[::1]:54");
  CHECK(socket_address::parse("[::1]:55", 54)->to_string() == "[::1]:55");
  // A port that is there must be right; it is not replaced.
  CHECK_FALSE(socket_address::parse("127.0.0.1:", 54));
  CHECK_FALSE(socket_address::parse("127.0.0.1:x", 54));
  CHECK_FALSE(socket_address::parse("[::1]:", 54));
  CHECK_FALSE(socket_address::parse("[::1]:65536", 54));
}

}  // namespace address_test
