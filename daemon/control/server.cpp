#include "control/server.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>

#include "config/diagnostic.hpp"
#include "control/peer.hpp"
#include "control/socket_file.hpp"

namespace vsoad::control {

namespace asio = boost::asio;
using protocol = asio::local::stream_protocol;
using boost::system::error_code;

class server::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::io_context& where, operations& daemon, vsoa::log_sink log)
      : daemon_(daemon), log_(std::move(log)), acceptor_(where), pause_(where) {}

  void listen(const server_options& options) {
    options_ = options;
    if (!options.group.empty()) {
      group_ = find_group(options.group);
      if (!group_) {
        throw std::runtime_error("control.group: there is no group " +
                                 config::in_quotes(options.group) + "; make it, or name another");
      }
    }
    acceptor_.assign(protocol(), file_.listen(options.path, group_));
    accept();
  }

  void stop();

  bool group_has_access() const noexcept { return file_.has_group(); }

 private:
  class connection;

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const error_code& error, protocol::socket socket) {
          if (!self->acceptor_.is_open()) return;
          if (error) return self->accept_later();
          self->accept();
          self->admit(std::move(socket));
        });
  }

  // Out of descriptors, most likely: to try at once would keep the thread busy with nothing.
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error && self->acceptor_.is_open()) self->accept();
    });
  }

  void admit(protocol::socket socket);
  void tell_refused(const std::string& why);
  void forget(const std::shared_ptr<connection>& one) { connections_.erase(one); }

  operations& daemon_;
  const vsoa::log_sink log_;
  server_options options_;
  std::optional<gid_t> group_;
  socket_file file_;
  protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::optional<std::chrono::steady_clock::time_point> refused_told_;
  std::size_t refused_untold_ = 0;
  std::set<std::shared_ptr<connection>> connections_;
};

/// One program. Reads a request, answers it, reads the next: what is sent meanwhile waits in the
/// kernel, so there is never more than one answer.
class server::impl::connection : public std::enable_shared_from_this<connection> {
 public:
  connection(std::shared_ptr<impl> owner, protocol::socket socket)
      : owner_(std::move(owner)), socket_(std::move(socket)), idle_(socket_.get_executor()) {}

  void start() {
    watch();
    next();
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
    idle_.cancel();
    owner_->forget(shared_from_this());
  }

 private:
  void watch() {
    idle_.expires_after(owner_->options_.idle);
    idle_.async_wait([self = shared_from_this()](const error_code& error) {
      // One that was over already is told so, whatever has come since.
      if (!error && self->idle_.expiry() <= asio::steady_timer::clock_type::now()) self->close();
    });
  }

  void next() {
    const std::size_t end = input_.find('\n');
    if (end != std::string::npos) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return serve(line);
    }
    if (input_.size() > max_request_bytes) {
      return send(
          failure_text({code::bad_request,
                        "a request has at most " + std::to_string(max_request_bytes) + " bytes"}),
          true);
    }
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const error_code& error, std::size_t n) {
                              if (!self->socket_.is_open()) return;
                              if (error) return self->close();
                              self->watch();
                              self->input_.append(self->buffer_.data(), n);
                              self->next();
                            });
  }

  // Who does not know how to ask will hardly do so with the next line.
  void serve(const std::string& line) {
    auto asked = parse_request(line);
    if (const auto* wrong = std::get_if<failure>(&asked)) return send(failure_text(*wrong), true);
    send(answer(owner_->daemon_, std::get<request>(asked)), false);
  }

  void send(std::string text, bool is_last) {
    output_ = std::move(text) + '\n';
    sent_ = 0;
    is_last_ = is_last;
    write();
  }

  // Piece by piece: it is not idle as long as it reads.
  void write() {
    socket_.async_write_some(asio::buffer(output_.data() + sent_, output_.size() - sent_),
                             [self = shared_from_this()](const error_code& error, std::size_t n) {
                               if (!self->socket_.is_open()) return;
                               if (error) return self->close();
                               self->watch();
                               self->written(n);
                             });
  }

  void written(std::size_t n) {
    sent_ += n;
    if (sent_ < output_.size()) return write();
    output_ = {};
    if (is_last_) return close();
    next();
  }

  const std::shared_ptr<impl> owner_;
  protocol::socket socket_;
  asio::steady_timer idle_;
  std::array<char, 4096> buffer_{};
  std::string input_;  // not yet served
  std::string output_;
  std::size_t sent_ = 0;
  bool is_last_ = false;
};

void server::impl::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  file_.remove();
  for (const auto& one : std::set(connections_))
    one->close();
}

// Whoever may not can come as often as it likes: the log need not say so each time.
void server::impl::tell_refused(const std::string& why) {
  constexpr std::chrono::seconds interval{10};
  const auto now = std::chrono::steady_clock::now();
  if (refused_told_ && now - *refused_told_ < interval) {
    ++refused_untold_;
    return;
  }
  refused_told_ = now;
  const std::size_t before = std::exchange(refused_untold_, 0);
  const std::string more =
      before != 0 ? " (and " + std::to_string(before) + " others since the last line)" : "";
  if (log_) log_(vsoa::log_level::warning, "control socket: refused: " + why + more);
}

// Who is sent away has one chance to read why, and takes nobody's place.
void server::impl::admit(protocol::socket socket) {
  const auto send_away = [&](const char* code, const std::string& why) {
    const std::string text = failure_text({code, why}) + '\n';
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
  };
  const auto who = peer_of(socket.native_handle());
  if (!who) return send_away(code::denied, "the kernel does not say who you are");
  if (!may_command(*who, group_)) {
    const std::string why = refusal(*who, options_.group);
    tell_refused(why);
    return send_away(code::denied, why);
  }
  if (connections_.size() >= options_.connections) {
    return send_away(code::busy, "as many programs as may are connected: " +
                                     std::to_string(options_.connections) + "; try again later");
  }
  const auto one = std::make_shared<connection>(shared_from_this(), std::move(socket));
  connections_.insert(one);
  one->start();
}

server::server(asio::io_context& where, operations& daemon, vsoa::log_sink log)
    : impl_(std::make_shared<impl>(where, daemon, std::move(log))) {}

server::~server() {
  impl_->stop();
}

void server::listen(const server_options& options) {
  impl_->listen(options);
}

bool server::group_has_access() const noexcept {
  return impl_->group_has_access();
}

}  // namespace vsoad::control
