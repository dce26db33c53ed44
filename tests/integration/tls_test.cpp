// A service with TLS: who is let in and as whom, what the daemon says of it, and new certificates
// while clients are connected.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>

#include "daemon_runner.hpp"
#include "tls_peer.hpp"
#include "vsoa/tls.hpp"

namespace tls_test {

using namespace vsoa_test;

namespace {}  // namespace

TEST_CASE("one-way: served over TLS, said in the log, counted at the end") {
  certificate_authority ca;
  daemon_runner vsoad{one_service("    tls: { " + ca.issue().yaml() + " }\n")};
  CHECK_FALSE(vsoad.lines_with("listening on 127.0.0.1:").empty());
  CHECK(vsoad.lines_with(" with TLS").size() == 1);
  tls_peer client{vsoad.service(), trusting(ca)};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "{\"a\":1}", "bytes")).data == "bytes");
  tcp_peer plain{vsoad.service()};
  plain.send(servinfo(1, "{}"));
  CHECK(plain.wait_end() != ending::none);
  vsoad.signal(SIGTERM);
  CHECK(client.wait_end() == ending::closed);
  CHECK(client.was_told_goodbye());
  CHECK(vsoad.wait_exit().code == 0);
  CHECK(vsoad.lines_with(" tls_failed=1 ").size() == 1);
}

TEST_CASE("roles by certificate") {
  certificate_authority ca;
  daemon_runner vsoad{one_service("    tls: { " + ca.issue().yaml() + ", ca: " + ca.cert() +
                                  ", verify: optional }\n"
                                  "    credentials:\n"
                                  "      - { role: service, certificate: \"CN=gateway*\" }\n"
                                  "      - { role: viewer, password: guest }\n"
                                  "    priority: [ { role: service, level: 6 } ]\n")};
  certificate_wishes wishes;
  wishes.name = "gateway-1";
  tls_peer gateway{vsoad.service(), trusting(ca, ca.issue(wishes))};
  gateway.handshake();
  gateway.send(ping(1));
  const packet first = gateway.read();  // priority comes by role
  CHECK(first.type == type_qossetup);
  CHECK(first.status == 6);
  tls_peer viewer{vsoad.service(), trusting(ca)};
  viewer.handshake("guest");
  CHECK(viewer.ask(ping(1)).type == type_pingecho);
  wishes.name = "stranger";
  tls_peer stranger{vsoad.service(), trusting(ca, ca.issue(wishes))};
  REQUIRE(stranger.secure() == "");
  CHECK(stranger.ask(servinfo(1, "{}")).status == status_password);
}

TEST_CASE("a plugin sees the client's certificate, or that there is none") {
  certificate_authority ca;
  daemon_runner vsoad{std::string("plugins: { directory: \"" VSOAD_TEST_PLUGINS "\" }\n") +
                      "services:\n  - name: main\n    listen: \"127.0.0.1:0\"\n"
                      "    plugins: [ probe ]\n    tls: { " +
                      ca.issue().yaml() + ", ca: " + ca.cert() + ", verify: optional }\n"};
  certificate_wishes wishes;
  wishes.name = "gateway-1";
  tls_peer known{vsoad.service(), trusting(ca, ca.issue(wishes))};
  known.handshake();
  const std::string der = known.ask(rpc(1, "/certificate")).data;
  const auto info =
      vsoa::parse_certificate({reinterpret_cast<const std::byte*>(der.data()), der.size()});
  REQUIRE(info);
  CHECK(info->subject_text() == "CN=gateway-1");
  tls_peer bare{vsoad.service(), trusting(ca)};
  bare.handshake();
  const packet reply = bare.ask(rpc(1, "/certificate"));
  CHECK(reply.status == status_success);
  CHECK(reply.data.empty());
}

TEST_CASE("the position server says that TLS is wanted") {
  certificate_authority ca;
  const daemon_runner vsoad{"position: { listen: \"127.0.0.1:0\" }\n" +
                            one_service("    tls: { " + ca.issue().yaml() + " }\n")};
  udp_peer asker;
  asker.send_to(vsoad.position(), R"({"name":"main"})");
  const auto answer = asker.receive();
  REQUIRE(answer);
  CHECK(answer->find(R"("security":true)") != std::string::npos);
}

TEST_CASE(
    "SIGHUP: new certificates for new clients, the old clients stay; bad ones change nothing") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  const auto used = ca.issue();
  daemon_runner vsoad{one_service("    tls: { " + used.yaml() + " }\n")};
  tls_peer before{vsoad.service(), trusting(ca)};
  before.handshake();
  const auto replace = [&](const certificate_files& by) {
    namespace fs = std::filesystem;
    fs::copy_file(by.cert, used.cert, fs::copy_options::overwrite_existing);
    fs::copy_file(by.key, used.key, fs::copy_options::overwrite_existing);
  };
  replace(other.issue());
  vsoad.signal(SIGHUP);
  REQUIRE(vsoad.wait_for_line("certificates read again"));
  tls_peer after{vsoad.service(), trusting(other)};
  after.handshake();
  CHECK(before.ask(rpc(1, "/echo", "1")).param == "1");
  replace({ca.write("bad.crt", "nonsense"), ca.write("bad.key", "nonsense")});
  vsoad.signal(SIGHUP);
  REQUIRE(vsoad.wait_for_line("reload: the configuration of before stays in force"));
  tls_peer still{vsoad.service(), trusting(other)};
  still.handshake();
  CHECK(before.ask(rpc(2, "/echo", "2")).param == "2");
  CHECK(after.ask(rpc(2, "/echo", "2")).param == "2");
}

TEST_CASE("--check reads the files; a start with bad ones fails; no password is printed") {
  certificate_authority ca;
  certificate_wishes wishes;
  wishes.key_password = "sesame-word";
  const auto locked = ca.issue(wishes);
  const auto with = [](const char* argument) {
    runner_options o;
    o.arguments = {argument};
    o.await_ready = false;
    return o;
  };
  const std::string good =
      one_service("    tls: { " + locked.yaml() + ", key_password: sesame-word }\n");
  daemon_runner checked{good, with("--check")};
  CHECK(checked.wait_exit().code == 0);
  daemon_runner printed{good, with("--print-config")};
  CHECK(printed.wait_exit().code == 0);
  CHECK(printed.output().find("sesame-word") == std::string::npos);
  CHECK(printed.output().find(locked.cert) != std::string::npos);
  daemon_runner bad{one_service("    tls: { " + locked.yaml() + ", key_password: wrong-word }\n"),
                    with("--check")};
  CHECK(bad.wait_exit().code == 1);
  CHECK(bad.output().find("services[0].tls.key_password: the password does not open") !=
        std::string::npos);
  CHECK(bad.output().find("wrong-word") == std::string::npos);
}

}  // namespace tls_test
