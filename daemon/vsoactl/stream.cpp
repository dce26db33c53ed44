// vsoactl stream: bytes from a server, and to one, by a stream that an RPC opens.

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "command.hpp"
#include "config/diagnostic.hpp"
#include "config/json.hpp"
#include "exit_code.hpp"
#include "interruption.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace stream {

namespace po = boost::program_options;
using namespace std::chrono_literals;

constexpr std::string_view help =
    R"(Usage: vsoactl stream get URL [PARAM] [--path PATH] [--output FILE] [--set]
       vsoactl stream put URL [PARAM] --data FILE [--path PATH] [--set]

Calls a command that answers with a stream. "get" writes what comes on it until the server ends it;
"put" sends a file, and prints what the server says at its end, for which it waits --timeout.

  PARAM          JSON text for the call; "-": standard input; default: none
  --path PATH    the PARAM that vsoad's plugin "files" wants for this path
  --output FILE  where to; "-": standard output, which is the default
  --data FILE    what to send; "-": standard input
  --set          call with SET; without, with GET

Examples:
  vsoactl stream get cabin/files/download --path logs/today.txt --output today.txt
  vsoactl stream put cabin/files/upload --path map.bin --data map.bin
  vsoactl stream get 127.0.0.1:3005/stream '{"dir":"down"}' | head -c 1000000 | wc -c
)";

void add_options(po::options_description& o) {
  o.add_options()("path", po::value<std::string>())("output", po::value<std::string>())(
      "data", po::value<std::string>())("set", po::bool_switch());
}

struct closer {
  void operator()(std::FILE* f) const noexcept {
    if (f != stdin && f != stdout) std::fclose(f);
  }
};
using file = std::unique_ptr<std::FILE, closer>;

// What is written keeps its old content until there is a new one: see transfer::callbacks().
file open_file(const std::string& path, bool writing) {
  if (path == "-") return file(writing ? stdout : stdin);
  const int how = writing ? O_WRONLY | O_CREAT : O_RDONLY;
  const int fd = ::open(path.c_str(), how | O_CLOEXEC, 0666);
  file f(fd < 0 ? nullptr : ::fdopen(fd, writing ? "wb" : "rb"));
  if (!f)
    throw std::runtime_error(std::string(writing ? "can't write " : "can't read ") +
                             config::in_quotes(path) + ": " +
                             std::generic_category().message(errno));
  return f;
}

// The stream's callbacks run on the client's loop, one after the other. The main thread waits, and
// reads what is sent: that may be a terminal or a pipe, which let everybody wait.
class transfer {
 public:
  /// @param says_end  whether the server is told that all has been sent; else it knows how much
  transfer(file local, bool sending, bool says_end, const interruption& interrupted)
      : file_(std::move(local)),
        sending_(sending),
        says_end_(says_end),
        interrupted_(interrupted) {}

  vsoa::stream_callbacks callbacks();
  /// What must be readable for feed() to go on; -1: nothing, the stream is to take what is there.
  int input() const noexcept;
  /// Sends what the stream takes. On the main thread, again and again.
  void feed(const vsoa::stream& s, bool is_readable);
  std::uint64_t moved() const noexcept { return moved_; }
  bool ended() const noexcept { return ended_; }
  /// Whether the stream has been given all of the file. On the main thread.
  bool all_sent() const noexcept { return all_read_ && piece_sent_ == piece_.size(); }
  /// Bytes of the last word so far.
  std::uint64_t heard() const noexcept { return heard_; }

  // Once it has ended:
  std::error_code error() const { return error_; }
  bool file_failed() const { return file_failed_; }
  const std::string& last_word() const { return last_word_; }

 private:
  static constexpr std::size_t last_word_bytes = 64U << 10;

  void read_piece(const vsoa::stream& s);
  void take(const vsoa::stream& s, std::span<const std::byte> bytes);
  void fail(const vsoa::stream& s) {
    file_failed_ = true;
    s.abort();
  }

  const file file_;
  const bool sending_;
  const bool says_end_;
  const interruption& interrupted_;
  // On the main thread: what is read from the file, and not yet taken by the stream.
  std::vector<std::byte> piece_;
  std::size_t piece_sent_ = 0;
  bool all_read_ = false;
  std::atomic<bool> is_linked_ = false;
  std::atomic<bool> file_failed_ = false;
  std::string last_word_;
  std::error_code error_;
  std::atomic<std::uint64_t> moved_ = 0;
  std::atomic<std::uint64_t> heard_ = 0;
  std::atomic<bool> ended_ = false;
};

vsoa::stream_callbacks transfer::callbacks() {
  vsoa::stream_callbacks c;
  c.on_link = [this](const vsoa::stream& s, bool connected) {
    if (connected) {
      // Not of a pipe or a device; nor of what the shell has opened, perhaps to append.
      if (!sending_ && file_.get() != stdout) (void)!::ftruncate(::fileno(file_.get()), 0);
      is_linked_ = true;
      interrupted_.wake();
      return;
    }
    error_ = s.error();
    if (!sending_ && std::fflush(file_.get()) != 0) file_failed_ = true;
    ended_ = true;
    interrupted_.wake();
  };
  c.on_data = [this](const vsoa::stream& s, std::span<const std::byte> bytes) { take(s, bytes); };
  c.on_writable = [this](const vsoa::stream&) { interrupted_.wake(); };
  return c;
}

void transfer::take(const vsoa::stream& s, std::span<const std::byte> bytes) {
  if (sending_) {
    const std::size_t room = last_word_bytes - last_word_.size();
    last_word_.append(reinterpret_cast<const char*>(bytes.data()), std::min(room, bytes.size()));
    heard_ += bytes.size();
    return;
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return fail(s);
  moved_ += bytes.size();
}

int transfer::input() const noexcept {
  const bool wants_more = sending_ && is_linked_ && !all_read_ && piece_sent_ == piece_.size();
  return wants_more ? ::fileno(file_.get()) : -1;
}

void transfer::feed(const vsoa::stream& s, bool is_readable) {
  if (is_readable && input() >= 0) read_piece(s);
  while (piece_sent_ != piece_.size()) {
    const std::size_t taken = s.send(std::span(piece_).subspan(piece_sent_));
    if (taken == 0) return;
    piece_sent_ += taken;
    moved_ += taken;
  }
}

void transfer::read_piece(const vsoa::stream& s) {
  piece_.resize(vsoa::stream::max_piece);
  const ssize_t count = ::read(::fileno(file_.get()), piece_.data(), piece_.size());
  piece_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  piece_sent_ = 0;
  if (count < 0) return fail(s);
  if (count > 0) return;
  all_read_ = true;
  // Many a server closes altogether when it hears of an end, and has no last word then.
  if (says_end_) s.shutdown_write();
}

std::optional<std::uint64_t> number_in(const vsoa::reply& answer, const char* key) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::uint64_t value = 0;
  if (parser.parse(answer.param).get(root) != simdjson::SUCCESS) return {};
  if (root[key].get(value) != simdjson::SUCCESS) return {};
  return value;
}

// How much will come, if the answer says so.
std::optional<std::uint64_t> announced_length(const vsoa::reply& answer) {
  return number_in(answer, "length");
}

// The same for the bar, where a guess does no harm.
std::optional<std::uint64_t> announced(const vsoa::reply& answer) {
  const auto length = announced_length(answer);
  return length ? length : number_in(answer, "size");
}

bool says_error(const std::string& last_word) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  return parser.parse(last_word).get(root) == simdjson::SUCCESS &&
         root["error"].error() == simdjson::SUCCESS;
}

std::optional<std::uint64_t> size_of(const std::string& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (path == "-" || failed) return {};
  return size;
}

// A wait for the server's last word: from when the kernel has taken the last byte of ours, and anew
// with what comes.
class last_wait {
 public:
  explicit last_wait(std::chrono::milliseconds patience) : patience_(patience) {}

  /// Whether it is over. To be asked again and again.
  bool is_over(const transfer& t, const vsoa::stream& s) {
    const auto now = std::chrono::steady_clock::now();
    const std::uint64_t heard = t.heard();
    const bool is_waiting = t.all_sent() && s.counters().queued == 0;
    if (!is_waiting || heard != heard_) since_ = now;
    heard_ = heard;
    return is_waiting && now - since_ >= patience_;
  }

 private:
  const std::chrono::milliseconds patience_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::uint64_t heard_ = 0;
};

enum class ending { of_stream, interrupted, late };

ending wait_for_end(const invocation& use, transfer& t, const vsoa::stream& s,
                    const interruption& interrupted, std::optional<std::uint64_t> total,
                    bool putting) {
  const progress bar(total);
  last_wait last(use.timeout);
  while (!t.ended()) {
    const auto cause = interrupted.wait(100ms, t.input());
    if (cause == interruption::cause::signal) break;
    t.feed(s, cause == interruption::cause::readable);
    if (cause == interruption::cause::time || !putting) bar.show(t.moved());
    if (putting && !t.ended() && last.is_over(t, s)) return ending::late;
  }
  return t.ended() ? ending::of_stream : ending::interrupted;
}

// With TLS a server says that it is done. Some do not (the official Node.js one), and whoever cuts
// the connection does not either.
bool ended_unsaid(const transfer& t) {
  return t.error() == std::errc::connection_aborted;
}

// A server that breaks off may close as one does that is done: how much there is to move tells, and
// what the server says at its end.
// @param total  bytes, if they are known
// @return what is wrong; empty: nothing
std::string what_is_missing(const invocation& use, const transfer& t,
                            std::optional<std::uint64_t> total, bool putting) {
  const bool is_all = total && t.moved() >= *total;
  if (!putting) {
    if (!total && ended_unsaid(t))
      return "the server has ended the stream without saying so: bytes may be missing";
    if (!total || is_all) return {};
    return "the stream has ended after " + std::to_string(t.moved()) + " of " +
           std::to_string(*total) + " bytes";
  }
  if (!t.last_word().empty()) return {};
  if (!is_all && !t.all_sent()) return "the server has ended the stream before all was sent";
  // The plugin "files" says how it went.
  return use.given.count("path") == 0 ? "" : "the server has not said that it has taken all";
}

int finish(const invocation& use, const std::string& name, const transfer& t, ending how,
           std::optional<std::uint64_t> total, bool putting) {
  if (how == ending::interrupted) {
    output::complain(name + ": interrupted");
    return exit_no_answer;
  }
  if (how == ending::late) {
    output::complain(name + ": all is sent, but the server did not answer in time");
    return exit_no_answer;
  }
  if (t.file_failed()) {
    output::complain(std::string("can't ") + (putting ? "read " : "write ") +
                     config::in_quotes(use.text(putting ? "data" : "output")));
    return exit_refused;
  }
  if (t.error() && !ended_unsaid(t)) {
    output::complain(name + ": the stream broke: " + t.error().message());
    return exit_no_answer;
  }
  if (use.out.is_json() && (putting || use.given.count("output") != 0)) {
    use.out.line("{\"bytes\":" + std::to_string(t.moved()) + ',' +
                 payload_members({t.last_word(), {}}) + '}');
  } else if (!t.last_word().empty()) {
    use.out.line(printable(t.last_word()));
  }
  if (says_error(t.last_word())) return exit_refused;
  const std::string missing = what_is_missing(use, t, total, putting);
  if (missing.empty()) return exit_ok;
  output::complain(name + ": " + missing);
  return exit_no_answer;
}

int move_bytes(const invocation& use, const vsoa::server_url& url, const std::string& param,
               bool putting) {
  const std::string name = url.to_string();
  std::string path = use.text(putting ? "data" : "output");
  if (path.empty()) path = "-";
  const interruption interrupted;
  // The plugin "files" knows the size.
  transfer t(open_file(path, !putting), putting, use.text("path").empty(), interrupted);
  vsoa::reply answer;
  session s(use);
  if (const auto error = s.connect(url, interrupted)) return report(name, error);
  const vsoa::request request{
      .url = url.path,
      .payload = {param, {}},
      .method = use.has("set") ? vsoa::method::set : vsoa::method::get,
      .timeout = use.timeout,
  };
  const auto error = await(interrupted, [&](std::function<void(std::error_code)> done) {
    s.client().start_call(
        request, [&answer, done = std::move(done)](std::error_code e, const vsoa::reply_view& r) {
          if (!e) answer = vsoa::reply(r);
          done(e);
        });
  });
  if (error) return report(name, error);
  if (answer.status != vsoa::status::success) {
    if (!answer.param.empty()) output::complain(printable(answer.param));
    return report(name, answer.status);
  }
  vsoa::stream_options options;
  options.timeout = use.timeout;
  options.send_timeout = use.timeout;
  const vsoa::stream stream = s.client().create_stream(answer.tunid, t.callbacks(), options);
  if (!stream) {
    output::complain(name + ": the answer has no stream that can be connected to");
    return exit_refused;
  }
  const auto size = putting ? size_of(path) : announced(answer);
  const ending how = wait_for_end(use, t, stream, interrupted, size, putting);
  return finish(use, name, t, how, putting ? size : announced_length(answer), putting);
}

int run(const invocation& use) {
  if (use.words.empty() || (use.words.front() != "get" && use.words.front() != "put"))
    throw usage_error("write \"get\" or \"put\" first");
  const bool putting = use.words.front() == "put";
  invocation rest = use;
  rest.words.erase(rest.words.begin());
  const vsoa::server_url url = only_url(rest, 2);
  std::string param = rest.words.size() > 1 ? rest.words[1] : std::string();
  if (param == "-") {
    if (use.text("data") == "-" || use.text("password-file") == "-")
      throw usage_error("standard input, \"-\", can be read for one thing only");
    param = read_file("-");
  }
  const std::string path = use.text("path");
  if (!param.empty() && !path.empty()) throw usage_error("PARAM and --path: one of them");
  if (putting && use.text("data").empty()) throw usage_error("what is to be sent? --data FILE");
  if (putting && use.given.count("output") != 0) throw usage_error("--output is for get");
  if (!putting && use.given.count("data") != 0) throw usage_error("--data is for put");
  if (path.empty()) return move_bytes(rest, url, param, putting);
  param = "{\"path\":" + config::json_string(path);
  if (putting) {
    const auto size = size_of(use.text("data"));
    if (!size) throw usage_error("--path wants a --data whose size can be told");
    param += ",\"size\":" + std::to_string(*size);
  }
  return move_bytes(rest, url, param + '}', putting);
}

}  // namespace stream

const command stream_command{"stream", "get or put bytes by a stream", stream::help,
                             stream::add_options, stream::run};

}  // namespace vsoad::ctl
