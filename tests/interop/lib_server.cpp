// A server written with libvsoa's public headers alone, for official clients to drive:
// lib_server [PASSWORD]. Prints where it listens and ends when its standard input does.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <iterator>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "vsoa/work_queue.hpp"

namespace {

/// What is kept between calls.
struct state {
  std::mutex mutex;
  struct waiting_call {
    vsoa::deferred_call call;
    std::string param;
  };
  std::vector<waiting_call> waiting;
  struct event {
    vsoa::client_id client;
    std::string text;
  };
  std::vector<event> events;
};

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

/// The text of a JSON string without escapes.
std::string unquoted(std::string_view json) {
  return json.size() < 2 ? std::string{} : std::string(json.substr(1, json.size() - 2));
}

/// The number at the end of "/name/NUMBER"; -1: there is none.
int last_number(std::string_view url) {
  const std::string_view digits = url.substr(url.rfind('/') + 1);
  int number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void answer(vsoa::call& call, const std::string& param) {
  call.reply(vsoa::status::success, {.param = param, .data = {}});
}

void done(vsoa::call& call, bool good) {
  call.reply(good ? vsoa::status::success : vsoa::status::arguments);
}

void echo(vsoa::call& call) {
  call.reply(vsoa::status::success, call.payload());
}

void add_plain_commands(vsoa::server& server, vsoa::work_queue& queue) {
  server.command("/echo", echo);
  server.command("/queued", echo, &queue);
  server.command("/never", [](vsoa::call&) {});
  server.command("/method", [](vsoa::call& call) {
    answer(call, call.method() == vsoa::method::set ? R"({"set":true})" : R"({"set":false})");
  });
  server.command("/tree/",
                 [](vsoa::call& call) { answer(call, "{\"tree\":" + quoted(call.url()) + "}"); });
  server.command(
      "/", [](vsoa::call& call) { answer(call, "{\"default\":" + quoted(call.url()) + "}"); });
  server.command("/status/", [](vsoa::call& call) {
    const int number = last_number(call.url());
    const std::string param = "{\"status\":" + std::to_string(number) + "}";
    call.reply(static_cast<vsoa::status>(number), {.param = param, .data = {}});
  });
}

void add_client_commands(vsoa::server& server) {
  server.command("/authed/on",
                 [&](vsoa::call& call) { done(call, server.set_authed(call.client(), true)); });
  server.command("/authed/off",
                 [&](vsoa::call& call) { done(call, server.set_authed(call.client(), false)); });
  server.command("/priority/", [&](vsoa::call& call) {
    const auto level = static_cast<std::uint8_t>(last_number(call.url()));
    done(call, server.set_priority(call.client(), level));
  });
  server.command("/whoami", [&](vsoa::call& call) {
    const auto info = server.client(call.client());
    if (!info) return done(call, false);
    answer(call, "{\"priority\":" + std::to_string(info->priority) +
                     ",\"quick_port\":" + std::to_string(info->quick_port) + "}");
  });
  server.command("/close", [&](vsoa::call& call) { server.close(call.client()); });
}

void add_publish_commands(vsoa::server& server) {
  for (const auto via : {vsoa::channel::normal, vsoa::channel::quick}) {
    const std::string url = via == vsoa::channel::normal ? "/publish" : "/publish/quick";
    server.command(url, [&server, via](vsoa::call& call) {
      const vsoa::payload_view payload{.param = {}, .data = call.payload().data};
      done(call, server.publish(unquoted(call.payload().param), payload, via));
    });
  }
  server.on_datagram([&](vsoa::client_id client, std::string_view url, vsoa::payload_view payload,
                         vsoa::channel via) { server.datagram(client, url, payload, via); });
}

void add_deferred_commands(vsoa::server& server, state& kept) {
  server.command("/later", [&kept](vsoa::call& call) {
    std::string param{call.payload().param};
    const std::lock_guard lock(kept.mutex);
    kept.waiting.push_back({call.defer(), std::move(param)});
  });
  // Answers those that wait, the youngest first, from a thread that is none of the library's.
  server.command("/release", [&kept](vsoa::call& call) {
    std::vector<state::waiting_call> waiting;
    {
      const std::lock_guard lock(kept.mutex);
      waiting.swap(kept.waiting);
    }
    const std::string param = "{\"released\":" + std::to_string(waiting.size()) + "}";
    std::thread([&waiting] {
      for (auto& [later, text] : std::vector<state::waiting_call>(
               std::move_iterator(waiting.rbegin()), std::move_iterator(waiting.rend())))
        later.reply(vsoa::status::success, {.param = text, .data = {}});
    }).join();
    answer(call, param);
  });
}

void add_events(vsoa::server& server, state& kept) {
  const auto record = [&kept](char sign) {
    return [&kept, sign](vsoa::client_id client, std::span<const std::string_view> urls) {
      const std::lock_guard lock(kept.mutex);
      // A set has no order: the test expects that of the text.
      std::vector<std::string> sorted(urls.begin(), urls.end());
      std::sort(sorted.begin(), sorted.end());
      for (const auto& url : sorted)
        kept.events.push_back({client, sign + url});
    };
  };
  server.on_subscribe(record('+'));
  server.on_unsubscribe(record('-'));
  server.command("/events", [&kept](vsoa::call& call) {
    std::string list;
    const std::lock_guard lock(kept.mutex);
    for (const auto& [client, text] : kept.events)
      if (client == call.client()) list += (list.empty() ? "" : ",") + quoted(text);
    answer(call, "[" + list + "]");
  });
}

}  // namespace

int main(int argc, char** argv) {
  state kept;
  vsoa::work_queue queue{2};
  vsoa::runtime loops{{.loops = 2, .log = {}}};
  vsoa::server_options options;
  options.info = R"({"name":"lib"})";
  if (argc > 1) options.credentials.push_back({.role = {}, .password = argv[1]});
  vsoa::server server{loops, options};
  add_plain_commands(server, queue);
  add_client_commands(server);
  add_publish_commands(server);
  add_deferred_commands(server, kept);
  add_events(server, kept);
  const auto address = server.listen(*vsoa::socket_address::parse("127.0.0.1:0"));
  loops.start();
  server.start();
  std::cout << "listening on " << address.to_string() << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  server.stop();
  loops.stop();
}
