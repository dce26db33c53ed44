#include "session.hpp"

#include <future>
#include <mutex>
#include <utility>

#include "config/diagnostic.hpp"
#include "exit_code.hpp"
#include "text.hpp"

namespace vsoad::ctl {

namespace {

// The library's error says what kind of failure it is, its log why.
class reason_keeper {
 public:
  void take(std::string_view line) {
    constexpr std::string_view ours = "client: ";
    if (!line.starts_with(ours)) return;
    line.remove_prefix(ours.size());
    if (!line.starts_with("can't connect to ") && !line.starts_with("TLS with ")) return;
    const std::lock_guard lock(mutex_);
    reason_ = printable(line);
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  mutable std::mutex mutex_;
  std::string reason_;
};

reason_keeper& last_reason() {
  static reason_keeper keeper;
  return keeper;
}

}  // namespace

vsoa::runtime_options client_loops() {
  vsoa::runtime_options out;
  out.log = [](vsoa::log_level, std::string_view line) { last_reason().take(line); };
  return out;
}

vsoa::server_url parse_url(const std::string& text) {
  auto url = vsoa::server_url::parse(text);
  if (!url)
    throw usage_error(config::in_quotes(text) +
                      " is not a URL: write vsoa://NAME-OR-ADDRESS[:PORT]/PATH");
  if (!url->port && vsoa::ip_address::parse(url->host))
    throw usage_error(config::in_quotes(text) + ": an address needs its port, such as " +
                      url->host + ":3005");
  return *url;
}

vsoa::server_url only_url(const invocation& use, std::size_t most) {
  if (use.words.empty()) throw usage_error("which server? A URL is missing");
  if (use.words.size() > most)
    throw usage_error("too many arguments, from " + config::in_quotes(use.words[most]) +
                      " on; a param with blanks wants quotes");
  return parse_url(use.words.front());
}

int report(std::string_view what, const std::error_code& error) {
  // Nothing but a signal cancels.
  const bool is_signal = error == vsoa::errc::cancelled;
  std::string why = is_signal ? "interrupted" : error.message();
  if (error.category() == vsoa::connect_category()) {
    const std::string reason = last_reason().get();
    if (!reason.empty()) why += ": " + reason;
    if (error == vsoa::connect_errc::tls_failed)
      why += reason.empty() ? ": the server wants TLS (--tls)" : " (see --ca and --tls-host)";
  }
  output::complain(std::string(what) + ": " + why);
  return exit_code_of(error);
}

int report(std::string_view what, vsoa::status status) {
  output::complain(std::string(what) + ": the server answered " +
                   std::to_string(static_cast<unsigned>(status)) + " (" +
                   std::string(vsoa::to_string(status)) + ")");
  return exit_code_of(make_error_code(status));
}

session::session(const invocation& use, vsoa::client_options options)
    : use_(use), loops_(client_loops()), client_(loops_, options) {
  loops_.start();
}

std::error_code session::connect(const vsoa::server_url& server) {
  return client_.connect(server.to_string(), use_.connect);
}

std::error_code session::connect(const vsoa::server_url& server, const interruption& interrupted) {
  return await(interrupted, [&](std::function<void(std::error_code)> done) {
    client_.start_connect(
        server.to_string(), use_.connect,
        [done = std::move(done)](std::error_code error, const vsoa::reply_view&) { done(error); });
  });
}

std::error_code await(const interruption& interrupted,
                      const std::function<void(std::function<void(std::error_code)>)>& begin) {
  // Shared: after a signal the end comes when nobody waits any more.
  const auto end = std::make_shared<std::promise<std::error_code>>();
  std::future<std::error_code> ended = end->get_future();
  begin([end, &interrupted](std::error_code error) {
    end->set_value(error);
    interrupted.wake();
  });
  while (ended.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (interrupted.wait() == interruption::cause::signal) return vsoa::errc::cancelled;
  }
  return ended.get();
}

given_payload::given_payload(const invocation& use) {
  const bool param_in = use.words.size() > 1 && use.words[1] == "-";
  if (int{param_in} + int{use.text("data") == "-"} + int{use.text("password-file") == "-"} > 1)
    throw usage_error("standard input, \"-\", can be read for one thing only");
  if (use.words.size() > 1) param = use.words[1] == "-" ? read_file("-") : use.words[1];
  if (use.given.count("data") != 0) data = read_file(use.text("data"));
}

vsoa::payload_view given_payload::view() const {
  return {param, std::as_bytes(std::span(data))};
}

}  // namespace vsoad::ctl
