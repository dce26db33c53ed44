// A plugin with streams, which counts all that they tell: each command offers one kind.
#include <unistd.h>

#include <string>
#include <thread>
#include <vsoa/plugin.hpp>

using vsoa::plugin::call;
using vsoa::plugin::status;
using vsoa::plugin::stream;
using vsoa::plugin::stream_events;

namespace {

class streams : public vsoa::plugin::base {
 public:
  using base::base;

  /// Sends back what comes, in order; counts.
  void echo(call& c) {
    stream_events e;
    e.on_data = [this](stream s, vsoa::plugin::bytes data) {
      enter();
      host.count("bytes", data.size);
      if (s.send(data) != static_cast<std::int64_t>(data.size)) host.count("lost");
      if (!s.is_writable()) s.pause();
      leave();
    };
    e.on_writable = [](stream s) { s.resume(); };
    e.on_end = [](stream s) { s.shutdown_write(); };
    offer(c, std::move(e));
  }
  /// Says one word, and closes.
  void word(call& c) {
    stream_events e;
    e.on_link = [](stream s, bool connected) {
      if (!connected) return;
      s.set_keepalive(std::chrono::seconds(60));
      s.set_send_timeout(std::chrono::milliseconds(5000));
      s.send(std::string_view("word"));
      s.close();
    };
    offer(c, std::move(e));
  }
  /// Ends it at once.
  void abort(call& c) {
    stream_events e;
    e.on_link = [](stream s, bool connected) {
      if (connected) s.abort();
    };
    offer(c, std::move(e));
  }
  /// Nobody is waited for.
  void timeout(call& c) { offer(c, {}, std::chrono::milliseconds(30)); }
  /// Throws whatever happens.
  void fail(call& c) {
    stream_events e;
    e.on_data = [](stream, vsoa::plugin::bytes) { throw 1; };
    offer(c, std::move(e));
  }
  void pid(call& c) { c.reply(std::to_string(::getpid())); }
  /// What the last stream says of itself.
  void info(call& c) {
    const auto i = last_.info();
    c.reply(i ? "[" + std::to_string(i->received) + "," + std::to_string(i->sent) + "," +
                    std::to_string(i->connected) + "]"
              : std::string("null"));
  }
  /// Keeps the plugin's turn, so that events must wait.
  void slow(call& c) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    c.reply(status::success);
  }

 private:
  void offer(call& c, stream_events e, std::chrono::milliseconds wait = {}) {
    const auto told = std::move(e.on_link);
    e.on_link = [this, told](stream s, bool connected) {
      if (!connected) {
        const auto i = s.info();
        host.gauge("error", i ? i->error : -1);
      }
      if (told) told(s, connected);
      host.count(connected ? "links" : "ends");
    };
    const auto made = host.create_stream(c.client(), std::move(e), wait);
    last_ = made.stream;
    c.reply(made ? status::success : status::no_memory, {}, {}, made.tunid);
  }
  // Callbacks come one at a time; a counter without a lock finds out if they do not.
  void enter() {
    if (inside_++ != 0) host.count("overlaps");
  }
  void leave() { --inside_; }

  stream last_;
  int inside_ = 0;
};

}  // namespace

VSOA_PLUGIN(streams, "streams", "1.0", "Streams for tests") {
  command("/s/echo", &streams::echo);
  command("/s/word", &streams::word);
  command("/s/abort", &streams::abort);
  command("/s/timeout", &streams::timeout);
  command("/s/fail", &streams::fail);
  command("/s/info", &streams::info);
  command("/s/pid", &streams::pid);
  command("/s/slow", &streams::slow);
}
