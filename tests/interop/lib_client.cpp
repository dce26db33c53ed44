// A client written with libvsoa's public headers alone, led by lines on its input, for tests that
// run against official servers. Answers each with a line, and prints what the server sends.
//
//     connect URL [PASSWORD]        connected INFO | failed TEXT
//     call get|set URL PARAM DATA   reply STATUS TUNID PARAM DATA | failed TEXT
//     datagram normal|quick URL PARAM DATA
//     subscribe URL... | unsubscribe URL... | unsubscribe_all | ping | disconnect | priority
//     fetch URL PASSWORD PARAM      by vsoa::fetch()
//     robot URL                     each time it is connected: "up"
//     tls CA [CERT KEY [HOST]]      connects over TLS from now on
//     certificate                   the subject of the server's
//     stream TUNID | send COUNT | receive COUNT | shut | ended    see lib_client_stream.hpp
//
// "-" stands for nothing. The servers of names are those of VSOA_POS_SERVER.
#include <chrono>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "lib_client_stream.hpp"
#include "vsoa/client.hpp"
#include "vsoa/fetch.hpp"

namespace {

std::mutex output;

void print(const std::string& line) {
  const std::lock_guard lock(output);
  std::cout << line << std::endl;
}

std::string text_or_dash(std::string_view text) {
  return text.empty() ? "-" : std::string(text);
}

std::string text_of(const vsoa::payload_view& p) {
  return text_or_dash(p.param) + " " +
         text_or_dash({reinterpret_cast<const char*>(p.data.data()), p.data.size()});
}

std::string failed(std::error_code error) {
  return error ? "failed " + error.message() : "done";
}

std::string describe(std::error_code error, const vsoa::reply& answer) {
  if (error) return failed(error);
  return "reply " + std::to_string(static_cast<int>(answer.status)) + " " +
         std::to_string(answer.tunid) + " " + text_of(answer.payload());
}

// What stands on a line, and lives as long as it is used.
struct words {
  explicit words(const std::string& line) : stream(line) {}
  std::string next() {
    std::string word;
    stream >> word;
    return word == "-" ? std::string() : word;
  }
  std::size_t number() {
    std::size_t value = 0;
    stream >> value;
    return value;
  }
  std::vector<std::string> rest() {
    std::vector<std::string> all;
    for (std::string word; stream >> word;)
      all.push_back(word);
    return all;
  }
  vsoa::payload_view payload() {
    param = next();
    data = next();
    return {param, {reinterpret_cast<const std::byte*>(data.data()), data.size()}};
  }
  std::istringstream stream;
  std::string param;
  std::string data;
};

class commands {
 public:
  commands() {
    loops_.start();
    const auto told = [](const char* kind) {
      return [kind](std::string_view url, vsoa::payload_view p, vsoa::channel via) {
        print(std::string(kind) + " " + std::string(url) + " " + text_of(p) +
              (via == vsoa::channel::quick ? " quick" : " normal"));
      };
    };
    client_.on_message(told("message"));
    client_.on_datagram(told("datagram"));
    client_.on_connect([](const vsoa::server_info&) { print("up"); });
    client_.on_disconnect([](std::error_code) { print("down"); });
  }

  std::string run(const std::string& line) {
    words w(line);
    const std::string command = w.next();
    if (command == "connect") return connect(w);
    if (command == "call") return call(w);
    if (command == "fetch") return fetch(w);
    if (command == "datagram") {
      const auto via = w.next() == "quick" ? vsoa::channel::quick : vsoa::channel::normal;
      const std::string url = w.next();
      return client_.datagram(url, w.payload(), via) ? "done" : "failed";
    }
    if (command == "subscribe") return failed(client_.subscribe(w.rest()));
    if (command == "unsubscribe") return failed(client_.unsubscribe(w.rest()));
    if (command == "unsubscribe_all") return failed(client_.unsubscribe_all());
    if (command == "ping") return failed(client_.ping());
    if (command == "priority") return "priority " + std::to_string(client_.info()->priority);
    if (command == "tls") return use_tls(w);
    if (command == "certificate") {
      const auto shown = client_.peer_certificate();
      return shown ? shown->subject_text() : "none";
    }
    if (command == "stream") {
      stream_ = std::make_shared<pattern_stream>();
      return stream_->open(client_, static_cast<std::uint16_t>(w.number()));
    }
    if (stream_ && command == "send") return stream_->send(w.number());
    if (stream_ && command == "receive") return stream_->receive(w.number());
    if (stream_ && command == "shut") return stream_->shut();
    if (stream_ && command == "ended") return stream_->ended();
    if (command == "robot") {
      vsoa::robot_options options;
      options.connect.tls = tls_;
      options.keepalive = std::chrono::milliseconds(500);
      options.reconnect_delay = std::chrono::milliseconds(50);
      client_.start_robot(w.next(), options);
      return "done";
    }
    if (command != "disconnect") return "unknown";
    client_.disconnect();
    return failed(client_.run());
  }

 private:
  std::string use_tls(words& w) {
    tls_.emplace();
    tls_->ca = w.next();
    tls_->identity.cert = w.next();
    tls_->identity.key = w.next();
    tls_->host = w.next();
    return "done";
  }
  std::string connect(words& w) {
    const std::string url = w.next();
    vsoa::connect_options how;
    how.password = w.next();
    how.tls = tls_;
    if (const auto error = client_.connect(url, how)) return failed(error);
    return "connected " + client_.info()->info;
  }
  std::string call(words& w) {
    vsoa::request what;
    what.method = w.next() == "set" ? vsoa::method::set : vsoa::method::get;
    const std::string url = w.next();
    what.url = url;
    what.payload = w.payload();
    vsoa::reply answer;
    const auto error = client_.fetch(what, answer);
    return describe(error, answer);
  }
  std::string fetch(words& w) const {
    const std::string url = w.next();
    vsoa::fetch_options how;
    how.connect.password = w.next();
    how.connect.tls = tls_;
    how.payload = w.payload();
    vsoa::reply answer;
    const auto error = vsoa::fetch(url, answer, how);
    return describe(error, answer);
  }

  std::optional<vsoa::tls_options> tls_;
  std::shared_ptr<pattern_stream> stream_;
  vsoa::runtime loops_;
  vsoa::client client_{loops_};
};

}  // namespace

int main() {
  commands all;
  for (std::string line; std::getline(std::cin, line);)
    print("= " + all.run(line));
}
