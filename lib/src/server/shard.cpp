#include "server/shard.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "protocol/decoder.hpp"
#include "protocol/encoder.hpp"
#include "server/server_impl.hpp"

namespace vsoa {
namespace {

// Bytes on their way to another loop: above the first, producers hold on until they are below the
// second.
constexpr std::size_t backlog_high = 8U << 20;
constexpr std::size_t backlog_low = 2U << 20;
// Publishes from threads that can't be held: dropped beyond this.
constexpr std::size_t outside_limit = 64U << 20;

// A packet in a block of its own, which one thread makes and hands to another.
net::slice encode_apart(const packet_view& p) {
  const std::size_t bytes = protocol::encoded_bytes(p);
  net::chunk_ptr block = net::chunk::allocate(bytes);
  protocol::encode(p, block->extend(bytes));
  return {std::move(block), 0, static_cast<std::uint32_t>(bytes)};
}

// Encoded packets on one URL, one behind the other.
struct encoded {
  net::slice packets;
  std::uint32_t count;
};

void encode_train(const packet_view& p, const protocol::packet_train& train, const encoded& e) {
  std::byte* out = e.packets.block->data() + e.packets.begin;
  if (e.count == 1) return protocol::encode(p, out);
  protocol::encode_train(p, train, e.count, out);
}

// As many of the train's packets as come to lie in one block.
encoded encode_to(net::output_log& log, const packet_view& p, const protocol::packet_train& train) {
  const std::size_t bytes = protocol::encoded_bytes(p);
  encoded e{log.reserve_several(bytes, train.count), 1};
  if (train.count != 1) e.count = static_cast<std::uint32_t>(e.packets.size() / bytes);
  encode_train(p, train, e);
  return e;
}

// The same in the batch's block, a new one when it is full. Receivers share these blocks.
encoded encode_to(publish_batch& batch, const packet_view& p, const protocol::packet_train& train) {
  const std::size_t bytes = protocol::encoded_bytes(p);
  if (bytes >= net::output_log::large_bytes) return {encode_apart(p), 1};
  if (!batch.block || batch.block->room() < bytes) {
    batch.block = net::chunk::allocate(net::output_log::block_bytes, true);
  }
  const std::size_t count = std::min(train.count, batch.block->room() / bytes);
  const auto begin = static_cast<std::uint32_t>(batch.block->size());
  batch.block->extend(count * bytes);
  encoded e{{batch.block, begin, begin + static_cast<std::uint32_t>(count * bytes)},
            static_cast<std::uint32_t>(count)};
  encode_train(p, train, e);
  return e;
}

// Calls work(p, rest) with what is left of the train, which answers how many packets it has dealt
// with, until there is nothing left.
template <class Work>
void for_train(packet_view p, protocol::packet_train train, Work&& work) {
  for (;;) {
    const std::size_t done = work(p, train);
    if (done == train.count) return;
    train = train.without(done);
    // The same URL and lengths: only where the payload lies is another.
    const std::byte* body = train.first + header_bytes + p.url.size();
    p.payload.param = {reinterpret_cast<const char*>(body), p.payload.param.size()};
    p.payload.data = {body + p.payload.param.size(), p.payload.data.size()};
  }
}

}  // namespace

shard::shard(server_impl& owner, net::loop& where, std::size_t shard_count,
             const server_limits& limits)
    : owner_(owner), loop_(where), limits_(limits), quick_(where), outgoing_(shard_count) {}

shard::~shard() = default;

// --- sessions ---

void shard::adopt(net::unique_fd socket, session::origin from) {
  const client_id id = from.id;
  if (!owner_.gate().is_member(id)) return;  // displaced on the way here
  try {
    net::transport bytes(std::move(socket), owner_.tls());
    const boost::intrusive_ptr<session> s(new session(*this, std::move(bytes), std::move(from)));
    {
      const std::unique_lock lock(mutex_);
      sessions_.emplace(id, s);
    }
    ++counters_.accepted;
    s->start();
  } catch (const std::exception& e) {
    if (session* s = find(id)) s->disconnect();
    owner_.gate().gone(id);
    owner_.log(log_level::error, std::string("can't take a connection: ") + e.what());
  }
}

void shard::set_limits(const server_limits& limits) {
  const server_limits before = std::exchange(limits_, limits);
  for_each([&before](session& s) { s.limits_changed(before); });
}

void shard::forget(session& s) {
  if (s.is_lingering()) lingering_.emplace(s.id(), &s);
  const std::unique_lock lock(mutex_);
  sessions_.erase(s.id());
}

void shard::forget_lingering(session& s) {
  lingering_.erase(s.id());
}

session* shard::find(client_id id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

session* shard::find(client_id id, std::uint64_t serial) const {
  session* s = find(id);
  return s != nullptr && s->serial() == serial ? s : nullptr;
}

std::size_t shard::connections() const {
  const std::shared_lock lock(mutex_);
  return sessions_.size();
}

void shard::abandon(client_id id) {
  const auto found = lingering_.find(id);
  if (found == lingering_.end()) return;
  found->second->abandon();
  lingering_.erase(found);
}

void shard::close_all() {
  for_each([](session& s) { s.disconnect(); });
  for (const auto& [id, s] : lingering_)
    s->abandon();
  lingering_.clear();
  waiting_for_backlog_.clear();
  run_ = {};
  // Blocks are not to be let go of on another thread.
  quick_.flush();
  for (publish_batch& batch : outgoing_)
    batch = {};
  loop_.cancel_turn_end(*this);
  loop_.cancel_turn_end(quick_);
}

void shard::stop_input() {
  for (const auto& [id, s] : sessions_)
    s->stop_input();
}

// The work may close sessions.
void shard::for_each(const std::function<void(session&)>& work) {
  std::vector<boost::intrusive_ptr<session>> all;
  for (const auto& [id, s] : sessions_)
    all.push_back(s);
  for (const auto& s : all)
    work(*s);
}

// --- subscriptions ---

bool shard::subscribe(std::string_view url, session& s, subscriptions::list& own) {
  settle();
  {
    const std::unique_lock lock(mutex_);
    if (!subscriptions_.add(url, s, own)) return false;
    subscriber_count_.fetch_add(1, std::memory_order_relaxed);
  }
  if (own.back()->sessions.size() == 1) tell_interest(url, true);
  return true;
}

bool shard::unsubscribe(std::string_view url, session& s, subscriptions::list& own) {
  settle();
  {
    const std::unique_lock lock(mutex_);
    if (!subscriptions_.remove(url, s, own)) return false;
    subscriber_count_.fetch_sub(1, std::memory_order_relaxed);
  }
  if (!subscriptions_.contains(url)) tell_interest(url, false);
  return true;
}

void shard::unsubscribe_all(session& s, subscriptions::list& own) {
  if (own.empty()) return;
  settle();
  std::vector<std::string> lost;
  if (owner_.on_interest) {
    for (const subscriptions::topic* t : own) {
      if (t->sessions.size() == 1) lost.push_back(t->url);
    }
  }
  {
    const std::unique_lock lock(mutex_);
    subscriber_count_.fetch_sub(own.size(), std::memory_order_relaxed);
    subscriptions_.remove_all(s, own);
  }
  for (const std::string& url : lost)
    tell_interest(url, false);
}

void shard::tell_interest(std::string_view url, bool wanted) {
  owner_.tell(owner_.on_interest, url, wanted);
}

void shard::for_each_interest(const std::function<void(std::string_view)>& visit) const {
  subscriptions_.for_each([&](const subscriptions::topic& t) { visit(t.url); });
}

bool shard::is_subscribed(std::string_view url) const {
  if (!has_subscribers()) return false;
  const std::shared_lock lock(mutex_);
  return subscriptions_.has(url);
}

// --- publishing ---

void shard::publish_here(const packet_view& p, const protocol::packet_train& train, channel via,
                         bool goes_on) {
  if (!has_subscribers()) return;
  const subscriptions::audience& to = goes_on ? *run_.to : audience_of(p.url);
  if (to.sessions.empty()) return;  // not even encoded
  for_train(p, train, [&](const packet_view& head, const protocol::packet_train& rest) {
    const encoded e = encode_to(loop_.log(), head, rest);
    deliver(e.packets, e.count, to, via);
    return e.count;
  });
}

const subscriptions::audience& shard::audience_of(std::string_view url) {
  if (is_publishing_on(url)) return *run_.to;
  settle();  // the next match may take its place
  return subscriptions_.match(url);
}

void shard::deliver(const net::slice& packets, std::uint32_t count,
                    const subscriptions::audience& to, channel via) {
  if (to.sessions.empty()) return;
  if (via == channel::quick) {  // one at a time
    for (session* s : to.sessions)
      s->deliver_quick(packets);
    return;
  }
  if (run_.to == &to && run_.packets.block == packets.block && run_.packets.end == packets.begin) {
    run_.packets.end = packets.end;
    run_.count += count;
    return;
  }
  settle();
  run_ = {&to, packets, count};
  if (!closing_requested_) {
    closing_requested_ = true;
    loop_.request_turn_closing(*this);
  }
}

void shard::settle() {
  if (run_.to == nullptr) return;
  const publish_run run = std::exchange(run_, {});
  for (session* s : run.to->sessions) {
    try {
      s->deliver(run.packets, run.count);
    } catch (const std::bad_alloc&) {  // must not cost the others theirs
      counters_.dropped += run.count;
    }
  }
}

void shard::on_turn_closing() {
  closing_requested_ = false;
  settle();
}

bool shard::publish_there(shard& target, const packet_view& p, const protocol::packet_train& train,
                          channel via) {
  const std::size_t bytes = train.count * protocol::encoded_bytes(p);
  if (!target.reserve_inbox(bytes, outside_limit)) {
    counters_.dropped += train.count;
    return false;
  }
  publish_batch& batch = outgoing_[target.loop_.index()];
  for_train(p, train, [&](const packet_view& head, const protocol::packet_train& rest) {
    encoded e = encode_to(batch, head, rest);
    batch.items.push_back({std::move(e.packets), e.count, via});
    return e.count;
  });
  batch.bytes += bytes;
  sent_across_ += bytes;
  if (target.inbox_bytes_.load() > backlog_high) backlogged_ = true;
  if (!outgoing_requested_) {
    outgoing_requested_ = true;
    loop_.request_turn_end(*this);
  }
  return true;
}

void shard::on_turn_end() {
  outgoing_requested_ = false;
  for (std::size_t i = 0; i < outgoing_.size(); ++i) {
    if (outgoing_[i].items.empty()) continue;
    publish_batch batch = std::move(outgoing_[i]);
    outgoing_[i] = {};
    batch.block.reset();  // from here on the items alone hold the blocks
    shard& target = *owner_.shards()[i];
    target.loop_.post([owner = owner_.shared_from_this(), &target, b = std::move(batch)]() mutable {
      target.deliver_batch(b);
    });
  }
}

void shard::deliver_batch(publish_batch& batch) {
  for (publish_batch::item& item : batch.items) {
    packet_view p;
    protocol::decode({item.packets.data(), item.packets.size()}, p);
    deliver(item.packets, item.count, audience_of(p.url), item.via);
  }
  batch.items.clear();
  release_inbox(batch.bytes);
}

bool shard::publish_from_outside(const packet_view& p, channel via) {
  const std::size_t bytes = protocol::encoded_bytes(p);
  if (!reserve_inbox(bytes, outside_limit)) return false;
  loop_.post([owner = owner_.shared_from_this(), this, packet = encode_apart(p), via] {
    packet_view view;
    protocol::decode({packet.data(), packet.size()}, view);
    deliver(keep(packet), 1, audience_of(view.url), via);
    release_inbox(packet.size());
  });
  return true;
}

// Small packets made elsewhere move into the log, where they join their neighbours.
net::slice shard::keep(const net::slice& packet) {
  if (packet.size() >= net::output_log::large_bytes) return packet;
  net::slice copy = loop_.log().reserve(packet.size());
  std::memcpy(copy.block->data() + copy.begin, packet.data(), packet.size());
  return copy;
}

void shard::answer(client_id client, std::uint64_t serial, std::uint32_t seqno, status s,
                   const payload_view& payload, std::uint16_t tunid) {
  if (loop_.is_here()) {
    session* const to = find(client, serial);
    if (to == nullptr) return;
    to->reply(seqno, s, payload, tunid);
    to->call_ended();  // last: until then the server is not idle
    return;
  }
  const bool fits = protocol::fits({}, payload, channel::normal);
  const auto head = fits ? protocol::rpc_answer(seqno, s, tunid)
                         : protocol::rpc_answer(seqno, status::no_memory, 0);
  packet_view p{head.type, head.flags, head.status, head.seqno, head.tunid, {}, {}};
  if (fits) p.payload = payload;
  loop_.post([owner = owner_.shared_from_this(), this, client, serial, packet = encode_apart(p)] {
    if (session* const to = find(client, serial)) to->reply_encoded(keep(packet));
  });
}

bool shard::send_to(client_id client, const packet_view& p, channel via) {
  if (loop_.is_here()) {
    session* s = find(client);
    return s != nullptr && s->is_handshaken() && s->send_message(p, via);
  }
  if (!inspect(client, [](const session&) {})) return false;
  const std::size_t bytes = protocol::encoded_bytes(p);
  if (!reserve_inbox(bytes, outside_limit)) return false;
  loop_.post([owner = owner_.shared_from_this(), this, client, packet = encode_apart(p), via] {
    packet_view view;
    protocol::decode({packet.data(), packet.size()}, view);
    if (session* s = find(client)) s->send_message(view, via);
    release_inbox(packet.size());
  });
  return true;
}

// --- back-pressure between loops ---

bool shard::reserve_inbox(std::size_t bytes, std::size_t limit) noexcept {
  if (inbox_bytes_.fetch_add(bytes) + bytes <= limit) return true;
  inbox_bytes_.fetch_sub(bytes);
  return false;
}

void shard::release_inbox(std::size_t bytes) noexcept {
  if (inbox_bytes_.fetch_sub(bytes) - bytes > backlog_low) return;
  if (!inbox_watched_.load() || !inbox_watched_.exchange(false)) return;
  for (const auto& other : owner_.shards()) {
    if (other.get() == this) continue;
    other->loop_.post([owner = owner_.shared_from_this(), s = other.get()] { s->catch_up(); });
  }
}

void shard::wait_for_backlog(session& s) {
  waiting_for_backlog_.emplace_back(&s);
  if (waiting_for_backlog_.size() > 1) return;
  for (const auto& other : owner_.shards())
    other->inbox_watched_.store(true);
  // The others may have caught up before they were watched.
  if (others_are_low()) {
    loop_.post([owner = owner_.shared_from_this(), this] { catch_up(); });
  }
}

bool shard::others_are_low() const noexcept {
  for (const auto& other : owner_.shards()) {
    if (other.get() != this && other->inbox_bytes_.load() > backlog_low) return false;
  }
  return true;
}

void shard::catch_up() {
  if (!others_are_low()) {
    for (const auto& other : owner_.shards())
      other->inbox_watched_.store(true);
    if (!others_are_low()) return;
  }
  backlogged_ = false;
  std::vector<boost::intrusive_ptr<session>> waiting;
  waiting.swap(waiting_for_backlog_);
  for (const auto& s : waiting)
    s->block_input(false);
}

}  // namespace vsoa
