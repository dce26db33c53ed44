// TLS: who is let in, what is known of them, and which certificate they see.

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <stdexcept>

#include "tls_server.hpp"

namespace tls_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("a client that trusts the CA is served, over TLS 1.3 and 1.2") {
  tls_echo_server r;
  for (const int version : {0, TLS1_2_VERSION}) {
    tls_peer_options options = trusting(r.ca);
    options.max_version = version;
    tls_peer peer(r.server.at(), options);
    CHECK(peer.secure() == "");
    peer.handshake();
    CHECK(peer.ask(rpc(7, "/echo", "{\"a\":1}", "bytes")).data == "bytes");
    CHECK_FALSE(r.server->peer_certificate(peer.client_id()));
    CHECK(r.server->client(peer.client_id())->quick_port == 0);
  }
  CHECK(r.server->stats().handshakes == 2);
  CHECK(r.server->stats().tls_failed == 0);
}

TEST_CASE("a client that does not trust the CA, or wants another host, goes away") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  test_server server(secured(ca));
  server.start();
  tls_peer distrustful(server.at(), trusting(other));
  CHECK(distrustful.secure() == "certificate verify failed");
  tls_peer_options options = trusting(ca);
  options.host = "127.0.0.2";
  tls_peer misled(server.at(), options);
  CHECK(misled.secure() == "certificate verify failed");
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  CHECK(server->stats().handshakes == 0);
}

TEST_CASE("TLS 1.1 is refused, and 1.2 if 1.3 is wanted") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  test_server server(options);
  server.start();
  tls_peer_options old = trusting(ca);
  old.max_version = TLS1_1_VERSION;
  CHECK(tls_peer(server.at(), old).secure() != "");
  CHECK(wait_until([&] { return server->stats().tls_failed == 1; }));
  options.tls->min_version = vsoa::tls_version::v1_3;
  test_server modern(options);
  modern.start();
  old.max_version = TLS1_2_VERSION;
  CHECK(tls_peer(modern.at(), old).secure() != "");
  old.max_version = TLS1_3_VERSION;
  CHECK(tls_peer(modern.at(), old).secure() == "");
}

TEST_CASE("mutual: the certificate of a client is demanded, verified and known") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  test_server server(mutual(ca));
  server.start();
  certificate_wishes wishes;
  wishes.name = "gateway-1";
  tls_peer_options options = trusting(ca);
  options.identity = ca.issue(wishes);
  tls_peer known(server.at(), options);
  known.handshake();
  const auto cert = server->peer_certificate(known.client_id());
  REQUIRE(cert);
  CHECK(cert->subject_text() == "CN=gateway-1");
  CHECK(cert->issuer_text() == "CN=Test CA");
  CHECK_FALSE(cert->der.empty());

  // The client of TLS 1.3 takes itself for accepted before it is told that it is not.
  for (const bool none : {true, false}) {
    options.identity = none ? certificate_files{} : other.issue(wishes);
    tls_peer refused(server.at(), options);
    CHECK(refused.secure() == "");
    CHECK_FALSE(refused.try_read(patience));
    CHECK(refused.failure().find("alert") != std::string::npos);
    CHECK(refused.wait_end() != ending::none);
  }
  CHECK(wait_until([&] { return server->stats().tls_failed == 2; }));
  CHECK(wait_until([&] { return server->stats().clients == 1; }));
}

TEST_CASE("optional: without a certificate is well, with a bad one is not") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  vsoa::server_options options = mutual(ca);
  options.tls->verify = vsoa::tls_verify::optional;
  test_server server(options);
  server.start();
  tls_peer_options client = trusting(ca);
  tls_peer bare(server.at(), client);
  bare.handshake();
  CHECK_FALSE(server->peer_certificate(bare.client_id()));
  client.identity = ca.issue();
  tls_peer known(server.at(), client);
  known.handshake();
  CHECK(server->peer_certificate(known.client_id()));
  client.identity = other.issue();
  tls_peer bad(server.at(), client);
  bad.secure();
  CHECK_FALSE(bad.try_read(patience));
  CHECK(wait_until([&] { return server->stats().tls_failed == 1; }));
  certificate_wishes old;
  old.begins_in_days = -3;
  old.ends_in_days = -1;
  client.identity = ca.issue(old);
  tls_peer late(server.at(), client);
  late.secure();
  CHECK_FALSE(late.try_read(patience));
  CHECK(wait_until([&] { return server->stats().tls_failed == 2; }));
}

TEST_CASE("roles by certificate, by password, by both, in the order of the credentials") {
  certificate_authority ca;
  vsoa::server_options options = mutual(ca);
  options.tls->verify = vsoa::tls_verify::optional;
  options.credentials = {
      {"both", "secret", "CN=special"}, {"service", "", "CN=gateway*"}, {"viewer", "guest"}};
  test_server server(options);
  server.start();
  const auto role = [&](const std::string& name, const std::string& password) -> std::string {
    tls_peer_options client = trusting(ca);
    certificate_wishes wishes;
    wishes.name = name;
    if (!name.empty()) client.identity = ca.issue(wishes);
    tls_peer peer(server.at(), client);
    try {
      peer.handshake(password);
    } catch (const std::runtime_error&) {
      return "-";
    }
    return server->client(peer.client_id())->role;
  };
  CHECK(role("gateway-1", "") == "service");
  CHECK(role("gateway-1", "guest") == "service");
  CHECK(role("special", "secret") == "both");
  CHECK(role("special", "guest") == "viewer");
  CHECK(role("special", "") == "-");
  CHECK(role("", "guest") == "viewer");
  CHECK(role("", "secret") == "-");
  CHECK(role("", "") == "-");
  CHECK(server->stats().bad_passwords == 3);
}

TEST_CASE("the certificate is that of the host asked for") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  const auto add = [&](const std::string& host, const std::string& name) {
    certificate_wishes wishes;
    wishes.name = name;
    wishes.hosts = {"DNS:" + host};
    vsoa::tls_named_identity id;
    static_cast<vsoa::tls_identity&>(id) = to_identity(ca.issue(wishes));
    id.host = host;
    options.tls->sni.push_back(id);
  };
  add("*.w.example", "wild");
  add("a.example", "exact");
  test_server server(options);
  server.start();
  const auto shown = [&](const std::string& host) {
    tls_peer_options client;  // verifies nothing
    client.host = host;
    tls_peer peer(server.at(), client);
    CHECK(peer.secure() == "");
    return peer.server_name();
  };
  CHECK(shown("a.example") == "exact");
  CHECK(shown("A.Example") == "exact");
  CHECK(shown("b.w.example") == "wild");
  CHECK(shown("a.b.w.example") == "server");
  CHECK(shown("w.example") == "server");
  CHECK(shown("127.0.0.1") == "server");
  tls_peer_options client = trusting(ca);
  client.host = "b.w.example";
  CHECK(tls_peer(server.at(), client).secure() == "");
}

TEST_CASE("clients are verified whatever host they ask for") {
  certificate_authority ca;
  vsoa::server_options options = mutual(ca);
  certificate_wishes wishes;
  wishes.hosts = {"DNS:a.example"};
  vsoa::tls_named_identity id;
  static_cast<vsoa::tls_identity&>(id) = to_identity(ca.issue(wishes));
  id.host = "a.example";
  options.tls->sni.push_back(id);
  test_server server(options);
  server.start();
  tls_peer_options client = trusting(ca);
  client.host = "a.example";
  client.identity = ca.issue();
  tls_peer known(server.at(), client);
  known.handshake();
  CHECK(server->peer_certificate(known.client_id()));
  client.identity = {};
  tls_peer bare(server.at(), client);
  bare.secure();
  CHECK_FALSE(bare.try_read(patience));
  CHECK(wait_until([&] { return server->stats().tls_failed == 1; }));
}

TEST_CASE("set_tls is for new connections; the old ones go on, and bad files change nothing") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  vsoa::server_options options = secured(ca);
  test_server server(options);
  server->command("/echo", echo);
  server.start();
  tls_peer before(server.at(), trusting(ca));
  before.handshake();
  vsoa::tls_options fresh = *options.tls;
  fresh.identity = to_identity(other.issue());
  server->set_tls(fresh);
  tls_peer after(server.at(), trusting(other));
  after.handshake();
  CHECK(before.ask(rpc(1, "/echo", "1")).param == "1");
  CHECK(tls_peer(server.at(), trusting(ca)).secure() != "");
  fresh.identity.key = "/nonexistent/key";
  CHECK_THROWS_AS(server->set_tls(fresh), vsoa::tls_error);
  tls_peer still(server.at(), trusting(other));
  still.handshake();
  CHECK(before.ask(rpc(2, "/echo", "2")).param == "2");
  test_server plain;
  CHECK_THROWS_AS(plain->set_tls(*options.tls), std::logic_error);
}

TEST_CASE("a server whose files can't be used is none") {
  vsoa::server_options options;
  options.tls.emplace();
  options.tls->identity = {"/nonexistent/a.crt", "", ""};
  CHECK_THROWS_AS(test_server{options}, vsoa::tls_error);
}

TEST_CASE("the quick channel is off, its port bound") {
  certificate_authority ca;
  test_server server(secured(ca));
  int datagrams = 0;
  server->on_datagram([&](auto&&...) { ++datagrams; });
  server.start();
  udp_peer udp;
  tls_peer peer(server.at(), trusting(ca));
  peer.handshake({}, udp.port());
  peer.ask(subscribe(1, "/t"));
  CHECK(server->client(peer.client_id())->quick_port == 0);
  server->datagram(peer.client_id(), "/t", text_payload("1"), vsoa::channel::quick);
  server->publish("/t", text_payload("1"), vsoa::channel::quick);
  udp.send_to(server.at(), datagram("/d", "1", {}, peer.client_id()));
  CHECK(wait_until([&] { return server->stats().quick_rejected == 1; }));
  CHECK_FALSE(udp.receive(quiet));
  CHECK(datagrams == 0);
}

}  // namespace tls_test
