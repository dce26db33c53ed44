#include "vsoa/position.hpp"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "net/loop.hpp"
#include "position/datagram.hpp"
#include "position/rate_limiter.hpp"
#include "protocol/position_message.hpp"

namespace vsoa {
namespace {

using boost::asio::posix::stream_descriptor;
using position::datagram_route;

// Datagrams handled before other work of the thread gets its turn.
constexpr int datagrams_per_turn = 64;

bool is_loopback(const ip_address& address) {
  constexpr ip_address v6_loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, true, 0};
  return address.v6 ? address.bytes == v6_loopback.bytes : address.bytes[0] == 127;
}

bool is_known_domain(position_domain domain) {
  return domain == position_domain::any || domain == position_domain::inet ||
         domain == position_domain::inet6;
}

struct counters {
  std::atomic<std::uint64_t> queries = 0;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<std::uint64_t> unknown = 0;
  std::atomic<std::uint64_t> malformed = 0;
  std::atomic<std::uint64_t> rate_limited = 0;
  std::atomic<std::uint64_t> overloaded = 0;
};

void count(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t value_of(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace

// Everything but answer() and stats() happens on the service's thread, or before start().
class VSOA_HIDDEN position_server::impl
    : public std::enable_shared_from_this<position_server::impl> {
 public:
  impl(runtime& loops, query_callback on_query, position_server_options options)
      : runtime_(loops.internals()),
        service_(&runtime_.services()),
        on_query_(std::move(on_query)),
        options_(options),
        limiter_(options.answers_per_second, options.burst) {}

  socket_address listen(net::unique_fd socket);
  void start();
  void stop();
  position_server_stats stats() const;

 private:
  struct ticket;

  void open_all();
  void wait(std::size_t index);
  void receive(std::size_t index);
  void handle(std::size_t index, const position::received_datagram& datagram);
  void ask(std::size_t index, protocol::position_question question, const datagram_route& route);
  void answer(const std::shared_ptr<ticket>& t, std::optional<position_entry> entry);
  void send(const ticket& t, const std::optional<position_entry>& entry);

  runtime::impl& runtime_;  // not after stop()
  std::mutex mutex_;
  net::service* service_;  // guarded by mutex_; null once stopped
  query_callback on_query_;
  const position_server_options options_;
  std::vector<net::unique_fd> bound_;       // before start()
  std::vector<stream_descriptor> sockets_;  // after
  bool started_ = false;
  position::rate_limiter limiter_;
  protocol::position_reader reader_;
  std::array<char, protocol::max_position_message_bytes> buffer_{};
  std::atomic<std::size_t> pending_ = 0;
  counters counters_;
};

// One query under way. The callback's answer function shares it, wherever that is kept.
struct position_server::impl::ticket {
  ticket(std::shared_ptr<impl> s, std::size_t i, protocol::position_question q,
         const datagram_route& r)
      : server(std::move(s)), socket(i), question(std::move(q)), route(r) {
    server->pending_.fetch_add(1, std::memory_order_relaxed);
  }
  ~ticket() { server->pending_.fetch_sub(1, std::memory_order_relaxed); }
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;

  const std::shared_ptr<impl> server;
  const std::size_t socket;
  const protocol::position_question question;
  const datagram_route route;
  std::atomic<bool> used = false;
};

socket_address position_server::impl::listen(net::unique_fd socket) {
  if (started_) throw std::logic_error("position_server: listen() after start()");
  net::prepare_bound(socket.get(), SOCK_DGRAM);
  bound_.push_back(std::move(socket));
  return net::local_address(bound_.back().get());
}

void position_server::impl::start() {
  if (std::exchange(started_, true)) return;
  // Descriptors belong to the service's thread, from the first.
  std::exception_ptr failure;
  runtime_.run_and_wait(runtime_.services(), [this, &failure] {
    try {
      open_all();
    } catch (...) {
      sockets_.clear();
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

void position_server::impl::open_all() {
  sockets_.reserve(bound_.size());
  for (auto& fd : bound_) {
    sockets_.emplace_back(service_->context(), fd.get());
    static_cast<void>(fd.release());  // the descriptor's now
  }
  bound_.clear();
  for (std::size_t i = 0; i < sockets_.size(); ++i)
    wait(i);
}

void position_server::impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (service_ == nullptr) return;
  }
  runtime_.run_and_wait(runtime_.services(), [this] {
    {
      const std::lock_guard lock(mutex_);
      service_ = nullptr;
    }
    sockets_.clear();
    // Whatever it holds on to is free to go, although a late answer may keep this object.
    on_query_ = nullptr;
  });
  bound_.clear();
}

position_server_stats position_server::impl::stats() const {
  return {value_of(counters_.queries),      value_of(counters_.answered),
          value_of(counters_.unknown),      value_of(counters_.malformed),
          value_of(counters_.rate_limited), value_of(counters_.overloaded)};
}

void position_server::impl::wait(std::size_t index) {
  sockets_[index].async_wait(
      stream_descriptor::wait_read,
      [self = shared_from_this(), index](const boost::system::error_code& error) {
        if (error || self->sockets_.empty()) return;  // stopped
        self->receive(index);
        self->wait(index);
      });
}

void position_server::impl::receive(std::size_t index) {
  for (int i = 0; i < datagrams_per_turn; ++i) {
    const auto datagram = position::receive_datagram(sockets_[index].native_handle(), buffer_);
    if (!datagram) return;
    handle(index, *datagram);
  }
}

void position_server::impl::handle(std::size_t index, const position::received_datagram& datagram) {
  // Nobody can be answered at port 0; longer than the buffer is longer than any query.
  if (datagram.truncated || datagram.route.peer.port == 0) return count(counters_.malformed);
  auto question = reader_.read_query(datagram.bytes);
  if (!question) return count(counters_.malformed);
  count(counters_.queries);
  const auto& source = datagram.route.peer.ip;
  // Nobody far away can forge a loopback source: the kernel drops such packets.
  if ((options_.limit_loopback || !is_loopback(source)) &&
      !limiter_.allow(source, std::chrono::steady_clock::now())) {
    return count(counters_.rate_limited);
  }
  if (pending_.load(std::memory_order_relaxed) >= options_.max_pending) {
    return count(counters_.overloaded);
  }
  ask(index, std::move(*question), datagram.route);
}

void position_server::impl::ask(std::size_t index, protocol::position_question question,
                                const datagram_route& route) {
  const auto t = std::make_shared<ticket>(shared_from_this(), index, std::move(question), route);
  if (!on_query_ || !is_known_domain(t->question.domain)) return send(*t, {});
  try {
    on_query_({t->question.name, t->question.domain, route.peer, route.local},
              [t](std::optional<position_entry> entry) {
                if (!t->used.exchange(true)) t->server->answer(t, std::move(entry));
              });
  } catch (const std::exception& error) {
    service_->log_line(log_level::error, std::string("position: query callback: ") + error.what());
  } catch (...) {
    service_->log_line(log_level::error, "position: query callback: unknown exception");
  }
}

void position_server::impl::answer(const std::shared_ptr<ticket>& t,
                                   std::optional<position_entry> entry) {
  std::unique_lock lock(mutex_);
  if (service_ == nullptr) return;
  if (!service_->is_here()) {
    // Under the lock: once stop() has returned, the runtime may be gone.
    return service_->post([t, e = std::move(entry)] { t->server->send(*t, e); });
  }
  lock.unlock();
  send(*t, entry);
}

void position_server::impl::send(const ticket& t, const std::optional<position_entry>& entry) {
  if (sockets_.empty()) return;  // stopped
  std::optional<std::string> text;
  if (entry && protocol::domain_matches(t.question.domain, entry->address.ip)) {
    auto complete = *entry;
    if (complete.name.empty()) complete.name = t.question.name;
    text = protocol::write_position_answer(complete);
  }
  count(text ? counters_.answered : counters_.unknown);
  const std::string_view bytes = text ? *text : protocol::position_unknown_answer;
  // An answer that can't be sent is a lost datagram: the client asks again.
  static_cast<void>(position::send_datagram(sockets_[t.socket].native_handle(), t.route, bytes));
}

position_server::position_server(runtime& loops, query_callback on_query,
                                 position_server_options options)
    : impl_(std::make_shared<impl>(loops, std::move(on_query), options)) {}
position_server::~position_server() {
  stop();
}
int bind_udp(const socket_address& address) {
  return net::bind_socket(address, SOCK_DGRAM).release();
}

socket_address position_server::listen(const socket_address& address) {
  return impl_->listen(net::bind_socket(address, SOCK_DGRAM));
}
socket_address position_server::listen(int udp) {
  return impl_->listen(net::unique_fd(udp));
}
void position_server::start() {
  impl_->start();
}
void position_server::stop() {
  impl_->stop();
}
position_server_stats position_server::stats() const {
  return impl_->stats();
}

}  // namespace vsoa
