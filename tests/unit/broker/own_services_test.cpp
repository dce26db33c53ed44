// A service that would forward to itself, or in a circle, by whatever address.
#include "broker/own_services.hpp"

#include <doctest/doctest.h>

namespace own_services_test {

using namespace vsoad;

vsoa::socket_address at(const char* text) {
  return *vsoa::socket_address::parse(text);
}

config::service_settings service(const std::string& name, const std::string& url,
                                 const std::string& forward) {
  config::service_settings s;
  s.name = name;
  config::command_settings c;
  c.url = url;
  c.forward.url = forward;
  s.commands.push_back(c);
  return s;
}

// Two services on all addresses of a machine that has 192.0.2.7; each forwards to the other.
struct two : own_services {
  explicit two(const std::string& from_b = "/x/")
      : own_services([] {
          return std::vector<interface_address>{{"eth0", *vsoa::ip_address::parse("192.0.2.7")}};
        }) {
    update({service("a", "/x/", "vsoa://to-b"), service("b", from_b, "vsoa://to-a")},
           {{at("0.0.0.0:1000"), at("[::]:1000")}, {at("0.0.0.0:2000")}});
  }
};

TEST_CASE("itself, by any address of this machine") {
  two all;
  const char* const itself = "is this service itself";
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:1000"), at("192.0.2.9:40000")) == itself);
  CHECK(all.objection("a", "vsoa://to-b", at("127.0.0.2:1000"), at("127.0.0.1:40000")) == itself);
  CHECK(all.objection("a", "vsoa://to-b", at("[::1]:1000"), at("[::1]:40000")) == itself);
  CHECK(all.objection("a", "vsoa://to-b", at("198.51.100.1:1000"), at("198.51.100.1:4")) == itself);
  CHECK(all.objection("a", "vsoa://to-b", at("198.51.100.1:1000"), at("192.0.2.7:4")).empty());
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:3000"), at("192.0.2.7:4")).empty());
}

TEST_CASE("in a circle: the one that closes it is told, the other goes on") {
  two all;
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:2000"), at("192.0.2.7:4")).empty());
  CHECK(all.objection("b", "vsoa://to-a", at("192.0.2.7:1000"), at("192.0.2.7:4")) ==
        "is service \"a\", which forwards /x/ back");
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:2000"), at("192.0.2.7:4")).empty());
  // It has moved elsewhere meanwhile.
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.8:2000"), at("192.0.2.7:4")).empty());
  CHECK(all.objection("b", "vsoa://to-a", at("192.0.2.7:1000"), at("192.0.2.7:4")).empty());
}

TEST_CASE("each other's, but not in a circle") {
  two all("/y/");
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:2000"), at("192.0.2.7:4")).empty());
  CHECK(all.objection("b", "vsoa://to-a", at("192.0.2.7:1000"), at("192.0.2.7:4")).empty());
}

TEST_CASE("a service that is new, or gone") {
  two all;
  CHECK(all.objection("a", "vsoa://to-b", at("192.0.2.7:2000"), at("192.0.2.7:4")).empty());
  // What was found stays known: the circle is seen when the other way is added.
  all.update({service("b", "/x/", "vsoa://to-a"), service("a", "/x/", "vsoa://to-b")},
             {{at("0.0.0.0:2000")}, {at("0.0.0.0:1000")}});
  CHECK_FALSE(all.objection("b", "vsoa://to-a", at("192.0.2.7:1000"), at("192.0.2.7:4")).empty());
  all.update({service("a", "/x/", "vsoa://to-b")}, {{at("0.0.0.0:1000")}});
  CHECK(all.objection("b", "vsoa://to-a", at("192.0.2.7:1000"), at("192.0.2.7:4")).empty());
}

}  // namespace own_services_test
