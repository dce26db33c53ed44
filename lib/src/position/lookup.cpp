#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "net/loop.hpp"
#include "position/datagram.hpp"
#include "protocol/position_message.hpp"
#include "vsoa/position.hpp"

namespace vsoa {
namespace {

using boost::asio::posix::stream_descriptor;
using done_callback = std::function<void(std::optional<position_entry>)>;

// One lookup: the servers one after the other, each asked `attempts` times. On one io_context; its
// pending waits keep it alive.
class lookup_operation : public std::enable_shared_from_this<lookup_operation> {
 public:
  lookup_operation(boost::asio::io_context& context, std::string_view name,
                   std::vector<socket_address> servers, const lookup_options& options,
                   done_callback done)
      : socket_(context),
        timer_(context),
        query_(protocol::write_position_query(name, options.domain)),
        name_(name),
        servers_(std::move(servers)),
        options_(options),
        done_(std::move(done)) {}

  void start() {
    if (options_.total.count() > 0) end_ = net::after(net::clock_now(), options_.total);
    query_ ? ask_next_server() : finish({});
  }

 private:
  void ask_next_server();
  void share_time();
  bool open(const socket_address& server);
  void send();
  void wait_for_answer();
  void wait_for_timeout();
  void receive();
  void finish(std::optional<position_entry> entry);
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

  stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  const std::optional<std::string> query_;
  const std::string name_;
  const std::vector<socket_address> servers_;
  const lookup_options options_;
  done_callback done_;
  protocol::position_reader reader_;
  std::array<char, protocol::max_position_message_bytes> buffer_{};
  std::size_t next_server_ = 0;
  int attempts_left_ = 0;
  std::chrono::steady_clock::time_point server_end_ = std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::time_point::max();
  // Handlers that were queued for an earlier server, or an earlier attempt, are told by these.
  std::uint64_t socket_generation_ = 0;
  std::uint64_t timer_generation_ = 0;
};

void lookup_operation::ask_next_server() {
  while (next_server_ < servers_.size() && !is_over()) {
    share_time();
    if (!open(servers_[next_server_++])) continue;
    attempts_left_ = std::max(options_.attempts, 1);
    wait_for_answer();
    return send();
  }
  finish({});
}

// A server that is silent must leave time for those behind it.
void lookup_operation::share_time() {
  if (options_.total.count() <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  const auto servers_left = static_cast<std::int64_t>(servers_.size() - next_server_);
  server_end_ = now + (end_ - now) / servers_left;
}

bool lookup_operation::open(const socket_address& server) {
  ++socket_generation_;
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Connected: the kernel passes on only what comes from this address and port.
  auto fd = position::connect_datagram_socket(server);
  if (!fd) return false;
  socket_.assign(fd.get(), ignored);
  if (!socket_.is_open()) return false;
  static_cast<void>(fd.release());
  return true;
}

void lookup_operation::send() {
  --attempts_left_;
  const auto size = ::send(socket_.native_handle(), query_->data(), query_->size(), MSG_NOSIGNAL);
  // A full send buffer is a lost datagram; all else is an address that can't be reached.
  if (size < 0 && errno != EAGAIN && errno != ENOBUFS) return ask_next_server();
  wait_for_timeout();
}

void lookup_operation::wait_for_answer() {
  socket_.async_wait(stream_descriptor::wait_read,
                     [self = shared_from_this(),
                      generation = socket_generation_](const boost::system::error_code& error) {
                       if (error || generation != self->socket_generation_) return;
                       self->receive();
                     });
}

void lookup_operation::wait_for_timeout() {
  const auto generation = ++timer_generation_;
  const auto now = std::chrono::steady_clock::now();
  const auto share = now + (server_end_ - now) / (attempts_left_ + 1);
  timer_.expires_at(
      std::min({now + std::max(options_.timeout, std::chrono::milliseconds(1)), share, end_}));
  timer_.async_wait(
      [self = shared_from_this(), generation](const boost::system::error_code& error) {
        if (error || generation != self->timer_generation_) return;
        self->attempts_left_ > 0 && !self->is_over() ? self->send() : self->ask_next_server();
      });
}

void lookup_operation::receive() {
  const auto size = ::recv(socket_.native_handle(), buffer_.data(), buffer_.size(), MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return wait_for_answer();
  // Refused: nobody listens there.
  if (size < 0 || static_cast<std::size_t>(size) > buffer_.size()) return ask_next_server();
  auto answer = reader_.read_answer({buffer_.data(), static_cast<std::size_t>(size)});
  if (answer.kind != protocol::position_answer_kind::known ||
      !protocol::domain_matches(options_.domain, answer.entry.address.ip)) {
    return ask_next_server();
  }
  if (answer.entry.name.empty()) answer.entry.name = name_;
  finish(std::move(answer.entry));
}

void lookup_operation::finish(std::optional<position_entry> entry) {
  ++socket_generation_;
  ++timer_generation_;
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  const auto done = std::exchange(done_, nullptr);
  if (done) done(std::move(entry));
}

// The caller's function runs among the work of others, which its exceptions must not disturb.
done_callback contained(net::service& where, done_callback done) {
  return [&where, done = std::move(done)](std::optional<position_entry> entry) {
    try {
      done(std::move(entry));
    } catch (const std::exception& error) {
      where.log_line(log_level::error, std::string("position: lookup callback: ") + error.what());
    } catch (...) {
      where.log_line(log_level::error, "position: lookup callback: unknown exception");
    }
  };
}

}  // namespace

std::optional<position_entry> lookup(std::string_view name, const lookup_options& options) {
  return lookup(name, position_servers(), options);
}

std::optional<position_entry> lookup(std::string_view name,
                                     const std::vector<socket_address>& servers,
                                     const lookup_options& options) {
  boost::asio::io_context context(1);
  std::optional<position_entry> result;
  const auto operation = std::make_shared<lookup_operation>(
      context, name, servers, options,
      [&result](std::optional<position_entry> entry) { result = std::move(entry); });
  operation->start();
  context.run();
  return result;
}

void async_lookup(runtime& loops, std::string name, std::vector<socket_address> servers,
                  lookup_options options, done_callback done) {
  net::service& where = loops.internals().services();
  where.post([&where, name = std::move(name), servers = std::move(servers), options,
              done = contained(where, std::move(done))]() mutable {
    const auto operation = std::make_shared<lookup_operation>(
        where.context(), name, std::move(servers), options, std::move(done));
    operation->start();
  });
}

}  // namespace vsoa
