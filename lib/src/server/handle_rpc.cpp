// RPC. Source: the wire notes, lib/README.md, "RPC".

#include <exception>
#include <string>

#include "protocol/encoder.hpp"
#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"
#include "vsoa/url.hpp"

namespace vsoa {
namespace {

// A call whose handler runs on the client's loop, on the packet as it lies in the loop's buffer.
class inline_call final : public call {
 public:
  inline_call(session& s, std::shared_ptr<server_impl> (*owner)(session&), const packet_view& p)
      : session_(s), owner_(owner) {
    client_ = s.id();
    url_ = p.url;
    method_ = p.is_set() ? method::set : method::get;
    seqno_ = p.seqno;
    payload_ = p.payload;
  }

 private:
  void do_reply(status s, const payload_view& payload, std::uint16_t tunid) override {
    session_.reply(seqno_, s, payload, tunid);
  }
  deferred_call do_defer() override {
    session_.call_deferred();
    return {owner_(session_), session_.id(), seqno_, session_.serial()};
  }

  session& session_;
  std::shared_ptr<server_impl> (*owner_)(session&);
};

// A call whose handler runs on a work queue, on a copy.
class queued_call final : public call {
 public:
  queued_call(const call& original, deferred_call right)
      : url_text_(original.url()),
        param_(original.payload().param),
        data_(original.payload().data.begin(), original.payload().data.end()),
        right_(std::move(right)) {
    client_ = original.client();
    url_ = url_text_;
    method_ = original.method();
    seqno_ = original.seqno();
    payload_ = {param_, data_};
  }

 private:
  void do_reply(status s, const payload_view& payload, std::uint16_t tunid) override {
    right_.reply(s, payload, tunid);
  }
  deferred_call do_defer() override { return std::move(right_); }

 public:
  // What the handler left unanswered stays so, as on the loop.
  void finish() noexcept { right_.drop(); }

 private:
  const std::string url_text_;
  const std::string param_;
  const std::vector<std::byte> data_;
  deferred_call right_;
};

[[gnu::cold, gnu::noinline]] void answer_thrown(const server_impl& owner, call& c,
                                                const char* what) {
  owner.log(log_level::error, "handler of " + std::string(c.url()) + ": " + what);
  c.reply(status::no_responding);
}

template <class Handler>
[[gnu::always_inline]] inline void run_handler(const server_impl& owner, const Handler& handler,
                                               call& c) {
  try {
    handler(c);
  } catch (const std::exception& e) {
    answer_thrown(owner, c, e.what());
  } catch (...) {
    answer_thrown(owner, c, "unknown exception");
  }
}

// A call of a URL that is no command.
[[gnu::cold, gnu::noinline]] void run_unserved(const server_impl& owner, call& c) {
  const auto unserved = [&fallback = owner.on_unserved](call& unknown) {
    if (!fallback || !is_valid_url(unknown.url()) || !fallback(unknown))
      unknown.reply(status::invalid_url);
  };
  run_handler(owner, unserved, c);
}

// The table is held so that the handler outlives a change of commands.
[[gnu::noinline]] bool run_queued(server_impl& server,
                                  const std::shared_ptr<const command_table>& table,
                                  const command_table::entry& command, call& c) {
  // std::function wants a copyable job.
  auto queued = std::make_shared<queued_call>(c, c.defer());
  const bool added =
      command.queue->add([owner = server.shared_from_this(), table, &command, queued] {
        if (!owner->is_stopped()) run_handler(*owner, command.handler, *queued);
        queued->finish();
      });
  if (!added) queued->reply(status::no_memory);
  return added;
}

}  // namespace

void session::handle_rpc(const packet_view& p) {
  shard_counters& counters = shard_.counters();
  ++counters.calls;
  if (p.url.empty() || p.url.front() != '/') return answer(p, status::arguments);
  if (shard_.owner().is_access_checked() && !may(server::access::call, p.url)) [[unlikely]]
    return answer(p, status::no_permissions);
  if (calls_in_flight_ >= shard_.limits().calls_in_flight) {
    ++counters.calls_refused;
    return answer(p, status::no_memory);
  }
  inline_call c(
      *this, [](session& s) { return s.shard_.owner().shared_from_this(); }, p);
  const command_table::entry* command = shard_.commands().find(p.url);
  if (command == nullptr) [[unlikely]]
    return run_unserved(shard_.owner(), c);
  if (command->queue == nullptr) [[likely]]
    return run_handler(shard_.owner(), command->handler, c);
  if (!run_queued(shard_.owner(), shard_.commands().table(), *command, c)) {
    ++counters.calls_refused;
  }
}

// --- the public faces ---

deferred_call call::defer() {
  if (!open_) return {};
  open_ = false;
  return do_defer();
}

deferred_call::deferred_call(std::shared_ptr<server_impl> owner, client_id client,
                             std::uint32_t seqno, std::uint64_t session) noexcept
    : owner_(std::move(owner)), client_(client), seqno_(seqno), session_(session) {}

deferred_call& deferred_call::operator=(deferred_call&& other) noexcept {
  if (this != &other) {
    reply(status::no_responding);
    owner_ = std::move(other.owner_);
    client_ = other.client_;
    seqno_ = other.seqno_;
    session_ = other.session_;
  }
  return *this;
}

void deferred_call::reply(status s, const payload_view& payload, std::uint16_t tunid) {
  const auto owner = std::move(owner_);
  if (!owner) return;
  owner->reply_deferred(client_, session_, seqno_, s, payload, tunid);
}

void deferred_call::drop() noexcept {
  const auto owner = std::move(owner_);
  if (owner) owner->drop_deferred(client_, session_);
}

}  // namespace vsoa
