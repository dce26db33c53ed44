#include "client/client_impl.hpp"

#include <algorithm>
#include <utility>

#include "stream/connect.hpp"

namespace vsoa {
namespace {

constexpr std::size_t first_free = 64;     // operations kept for the next ones
constexpr std::size_t most_free = 1024;    // the same where so many were under way; for good
constexpr std::size_t letter_bytes = 256;  // what one in the inbox takes besides its packet
constexpr std::chrono::hours longest{24 * 365};
// A number is left for the keepalive: a server with much to answer is not one that is lost.
constexpr std::size_t most_pending = 65535;

net::loop& choose_loop(runtime& loops, const client_options& options) {
  auto& all = loops.internals();
  if (options.loop) return all.at(*options.loop);
  net::loop* const here = all.here();
  return here != nullptr ? *here : all.next();
}

}  // namespace

client_impl::client_impl(runtime& loops, client_options options)
    : loops_(loops),
      loop_(choose_loop(loops, options)),
      options_(std::move(options)),
      streams_(std::make_shared<stream_registry>(
          stream_registry::limits{options_.limits.streams, options_.limits.streams})) {
  free_.reserve(first_free);
  options_.limits.pending = std::min(options_.limits.pending, most_pending);
}

// What reached the inbox when no loop read it any more.
client_impl::~client_impl() {
  closed_ = true;
  drain();
}

// --- the inbox ---

void client_impl::enqueue(letter l) {
  l.bytes += letter_bytes;
  bool post_drain = false;
  {
    const std::lock_guard lock(mutex_);
    if (l.what && !l.what->error && inbox_bytes_ > options_.limits.outbox) {
      l.what->error = errc::outbox_full;
      l.what->packet.reset();
    }
    inbox_bytes_ += l.bytes;
    inbox_.push_back(std::move(l));
    ++unsettled_;
    post_drain = !drain_posted_.exchange(true);
  }
  if (post_drain) loop_.post([self = shared_from_this()] { self->drain(); });
}

void client_impl::post(net::task work, std::size_t bytes) {
  enqueue({operation_ptr(nullptr, nullptr), std::move(work), bytes});
}

void client_impl::run(net::task work) {
  if (!is_next()) return post(std::move(work));
  const auto self = shared_from_this();  // a completion may destroy the client
  if (!closed_) work();
}

// A completion may end the client, and with it all that was to be read: so it is taken one by one.
void client_impl::drain() {
  {
    const std::lock_guard lock(mutex_);
    drain_posted_ = false;
    inbox_bytes_ = 0;
    for (letter& each : inbox_)
      reading_.push_back(std::move(each));
    inbox_.clear();
  }
  while (!reading_.empty()) {
    letter l = std::move(reading_.front());
    reading_.pop_front();
    settle_letter(std::move(l));
    --unsettled_;
  }
  if (phase_ == phase::idle) update_idle();
}

void client_impl::settle_letter(letter l) {
  if (!l.what) {
    if (!closed_) contain([&] { l.work(); });
    return;
  }
  std::error_code error = l.what->error;
  if (!error) error = begin(l.what);
  if (error) finish(std::move(l.what), error);
}

// --- operations ---

operation_id client_impl::reserve(client_operation& what) noexcept {
  if (what.id == 0) what.id = next_id_.fetch_add(1, std::memory_order_relaxed);
  return what.id;
}

void client_impl::launch(operation_ptr what, completion done) {
  reserve(*what);
  what->done = std::move(done);
  const std::size_t bytes = what->packet ? what->packet->size() : 0;
  enqueue({std::move(what), {}, bytes});
}

operation_ptr client_impl::take_free(client_operation::kind what) {
  if (free_.empty()) {
    if (active_.size() >= free_.capacity() && free_.capacity() < most_free) {
      free_.reserve(2 * free_.capacity());
    }
    return make_operation(what);
  }
  operation_ptr o = std::move(free_.back());
  free_.pop_back();
  o->what = what;
  return o;
}

void client_impl::recycle(operation_ptr o) noexcept {
  o->done.reset();  // first: what it destroys may be the client, or recycle others
  if (free_.size() == free_.capacity() || closed_) return;
  o->id = 0;
  o->internal = false;
  o->waits = false;
  o->timeout = {};
  o->error.clear();
  o->packet.reset();
  if (o->what != client_operation::kind::call) forget_details(*o);
  free_.push_back(std::move(o));
}

void client_impl::forget_details(client_operation& o) noexcept {
  o.urls.clear();
  o.group.reset();
  o.url.clear();
  o.socket = net::unique_fd();
  o.options.reset();
  o.tls.reset();
}

// An error leaves the operation where it was.
std::error_code client_impl::begin(operation_ptr& what) {
  if (closed_) return errc::cancelled;
  if (what->what == client_operation::kind::connect) return begin_connect(what);
  if (phase_ != phase::connected) return errc::not_connected;
  if (what->what == client_operation::kind::subscribe ||
      what->what == client_operation::kind::unsubscribe) {
    return begin_subscribing(what);
  }
  return send_request(what, {});
}

client_operation& client_impl::activate(operation_ptr what) {
  client_operation& o = *what.release();
  o.owner = this;
  active_.add(o);
  if (o.what == client_operation::kind::connect) return o;
  if (!o.internal) ++pendings_;
  const bool is_call = o.what == client_operation::kind::call;
  if (is_call) ++calls_;
  if (o.timeout.count() <= 0 && turbo_.count() == 0) return o;
  const auto now = std::chrono::steady_clock::now();
  if (o.timeout.count() > 0) {
    loop_.schedule(o, now + std::min<std::chrono::milliseconds>(o.timeout, longest));
  }
  if (is_call && calls_ == 1) turn_turbo(now);
  return o;
}

operation_ptr client_impl::deactivate(client_operation& o) {
  active_.remove(o);
  net::timer_wheel::cancel(o);
  if (o.waits) {
    // Without its session nothing answers it any more.
    phase_ == phase::connected ? table_.give_up(o.seqno)
                               : static_cast<void>(table_.take(o.seqno, o.type()));
  }
  o.waits = false;
  if (o.what != client_operation::kind::connect && !o.internal) {
    pendings_ -= 1;
  }
  if (o.what == client_operation::kind::call) --calls_;
  if (connecting_ == &o) connecting_ = nullptr;
  return {&o, [](client_operation* p) noexcept { delete p; }};
}

void client_impl::finish(operation_ptr what, std::error_code error, const reply_view& answer) {
  completion done = std::move(what->done);
  if (const auto group = std::move(what->group)) {
    if (error && !group->error) group->error = error;
    error = group->error;
    if (--group->missing == 0) done = std::move(group->done);
  }
  recycle(std::move(what));
  if (done) contain([&] { done(error, answer); });
}

void client_impl::expire(client_operation& which) {
  const auto self = shared_from_this();
  fail(which, errc::timeout);
}

void client_impl::fail_all(std::error_code error) {
  while (!active_.empty())
    fail(active_.first(), error);
}

void client_impl::cancel(operation_id which) {
  post([this, which] {
    while (client_operation* const found = active_.find(which)) {
      if (found == connecting_) {
        connect_failed(errc::cancelled);
      } else {
        fail(*found, errc::cancelled);
      }
    }
  });
}

// --- the end ---

void client_impl::shut_down() {
  const auto self = shared_from_this();  // a completion may destroy the client
  const auto abort = [streams = streams_, &where = loop_] { abort_streams(*streams, where); };
  streams_->close();
  // A callback of a stream may be what ends the client: its stream can't be aborted in there.
  if (is_here()) {
    end_on_loop();
    return loop_.post(abort);
  }
  loops_.internals().run_and_wait(loop_, [self, &abort] {
    self->end_on_loop();
    abort();
  });
}

void client_impl::end_on_loop() {
  closed_ = true;
  {
    const std::lock_guard lock(mutex_);
    robot_.reset();
  }
  keepalive_.stop();
  connect_end_ = reconnect_at_ = turbo_at_ = net::steady_time::max();
  net::timer_wheel::cancel(*this);
  if (dialer_) std::exchange(dialer_, nullptr)->cancel();
  drop_link(false);
  for (auto& each : std::exchange(lingering_, {}))
    each->abandon();
  connected_ = false;
  set_phase(phase::idle);
  fail_all(errc::cancelled);
  drain();
}

// --- what others may ask ---

std::optional<server_info> client_impl::info() const {
  const std::lock_guard lock(mutex_);
  if (!is_connected()) return {};
  return info_;
}

std::vector<std::byte> client_impl::peer_certificate() const {
  const std::lock_guard lock(mutex_);
  return is_connected() ? certificate_ : std::vector<std::byte>();
}

std::optional<stream_target> client_impl::stream_at(std::uint16_t tunid) const {
  const std::lock_guard lock(mutex_);
  if (!is_connected() || tunid == 0) return {};
  stream_target at(socket_address{info_.address.ip, tunid});
  at.from = info_.local.ip;
  at.tls = security_.tls;
  at.host = security_.host;
  return at;
}

stream client_impl::create_stream(std::uint16_t tunid, stream_callbacks callbacks,
                                  const stream_options& options) {
  const auto at = stream_at(tunid);
  if (!at) return {};
  return connect_stream(loop_, at->address, at->from, std::move(callbacks), options,
                        {at->tls, at->host}, streams_);
}

std::vector<std::string> client_impl::subscriptions() const {
  const std::lock_guard lock(mutex_);
  return {subscriptions_.begin(), subscriptions_.end()};
}

client_stats client_impl::stats() const {
  return {traffic_.received_bytes, traffic_.sent_bytes, traffic_.outbox_bytes, ignored_,
          quick_rejected_};
}

void client_impl::update_idle() {
  const std::lock_guard lock(mutex_);
  idle_ = phase_ == phase::idle && !robot_;
  if (idle_) became_idle_.notify_all();
}

void client_impl::wait_idle() {
  constexpr std::chrono::milliseconds look_around{100};
  std::unique_lock lock(mutex_);
  while (!(idle_ && unsettled_ == 0) && loops_.internals().is_running())
    became_idle_.wait_for(lock, look_around);
}

}  // namespace vsoa
