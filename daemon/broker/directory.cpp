#include "broker/directory.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace vsoad {
namespace {

using vsoa::ip_address;
using vsoa::position_domain;
using vsoa::position_entry;
using vsoa::position_query;
using vsoa::socket_address;
using address_source = std::function<std::vector<interface_address>()>;

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool matches(position_domain domain, const ip_address& ip) {
  return domain == position_domain::any ||
         domain == (ip.v6 ? position_domain::inet6 : position_domain::inet);
}

// Whoever asks from another machine can't use our loopback addresses.
bool is_on_this_machine(const position_query& query) {
  return is_loopback(query.peer.ip) || query.peer.ip == query.local;
}

ip_address loopback(bool v6) {
  ip_address ip;
  ip.v6 = v6;
  if (v6) {
    ip.bytes.back() = 1;
  } else {
    ip.bytes = {127, 0, 0, 1};
  }
  return ip;
}

// An address of the other family on the interface that has this one.
std::optional<ip_address> sibling(const ip_address& ip, const address_source& addresses) {
  const auto all = addresses();
  const auto self =
      std::find_if(all.begin(), all.end(), [&ip](const auto& entry) { return entry.ip == ip; });
  if (self == all.end()) return {};
  for (const auto& entry : all) {
    if (entry.interface == self->interface && entry.ip.v6 != ip.v6 && !is_link_local(entry.ip)) {
      return entry.ip;
    }
  }
  return {};
}

// What a wildcard listener of a family is to the one who asks.
std::optional<ip_address> wildcard_address(bool v6, const position_query& query,
                                           const address_source& addresses) {
  if (query.local.v6 == v6) return query.local;
  if (is_loopback(query.local)) return loopback(v6);
  return sibling(query.local, addresses);
}

std::optional<socket_address> reach(const directory_service& service, bool v6,
                                    const position_query& query, const address_source& addresses) {
  const auto listens = [&](auto&& condition) {
    return std::find_if(service.listen.begin(), service.listen.end(), [&](const auto& address) {
      return address.ip.v6 == v6 && condition(address.ip);
    });
  };
  const auto none = service.listen.end();
  const auto exact = listens([&](const auto& ip) { return ip == query.local; });
  if (exact != none) return *exact;
  const auto wildcard = listens([](const auto& ip) { return ip.is_unspecified(); });
  if (wildcard != none) {
    if (const auto ip = wildcard_address(v6, query, addresses)) {
      return socket_address{*ip, wildcard->port};
    }
  }
  const auto other = listens([&](const auto& ip) {
    return !ip.is_unspecified() && (!is_loopback(ip) || is_on_this_machine(query));
  });
  if (other != none) return *other;
  return {};
}

std::optional<socket_address> advertised(const directory_service& service,
                                         const position_query& query) {
  if (!service.advertise || service.listen.empty()) return {};
  if (!matches(query.domain, *service.advertise)) return {};
  const bool v6 = service.advertise->v6;
  const auto same_family = std::find_if(service.listen.begin(), service.listen.end(),
                                        [v6](const auto& address) { return address.ip.v6 == v6; });
  const auto& listener =
      same_family != service.listen.end() ? *same_family : service.listen.front();
  return socket_address{*service.advertise, listener.port};
}

std::optional<socket_address> locate(const directory_service& service, const position_query& query,
                                     const address_source& addresses) {
  if (const auto address = advertised(service, query)) return address;
  // The family in which the query arrived is one that the asker has.
  for (const bool v6 : {query.local.v6, !query.local.v6}) {
    const auto family = v6 ? position_domain::inet6 : position_domain::inet;
    if (query.domain != position_domain::any && query.domain != family) continue;
    if (const auto address = reach(service, v6, query, addresses)) return address;
  }
  return {};
}

}  // namespace

local_answer find_local(const directory_table& table, const position_query& query,
                        const address_source& addresses) {
  bool known = false;
  for (const auto& entry : table.entries) {
    if (!same_name(entry.name, query.name)) continue;
    known = true;
    if (matches(query.domain, entry.address.ip)) return {true, entry};
  }
  for (const auto& service : table.services) {
    if (!same_name(service.name, query.name)) continue;
    known = true;
    if (const auto address = locate(service, query, addresses)) {
      return {true, position_entry{service.name, *address, service.secure}};
    }
  }
  return {known, {}};
}

std::vector<socket_address> usable_upstream(const directory_table& table,
                                            const std::vector<interface_address>& addresses) {
  const auto is_ours = [&](const ip_address& ip) {
    // To connect to the unspecified address is to connect to oneself.
    return ip.is_unspecified() || is_loopback(ip) ||
           std::any_of(addresses.begin(), addresses.end(),
                       [&ip](const auto& entry) { return entry.ip == ip; });
  };
  const auto is_self = [&](const socket_address& server) {
    return std::any_of(table.listen.begin(), table.listen.end(), [&](const auto& listen) {
      if (listen.port != server.port || listen.ip.v6 != server.ip.v6) return false;
      if (listen.ip.is_unspecified() || server.ip.is_unspecified()) return is_ours(server.ip);
      return listen.ip == server.ip;
    });
  };
  std::vector<socket_address> result;
  std::remove_copy_if(table.upstream.begin(), table.upstream.end(), std::back_inserter(result),
                      is_self);
  return result;
}

using found_callback = std::function<void(std::optional<position_entry>)>;

class directory::impl : public std::enable_shared_from_this<directory::impl> {
 public:
  impl(vsoa::runtime& loops, directory_options options)
      : loops_(loops), options_(std::move(options)) {}

  void update(directory_table table);
  void answer(const position_query& query, vsoa::position_server::answer reply);
  void find(std::string_view name, position_domain domain, found_callback found);
  directory_stats stats() const;

 private:
  // As asked, case included: an upstream server may make a difference.
  using lookup_key = std::pair<std::string, position_domain>;

  std::shared_ptr<const directory_table> table() const;
  void ask_upstream(const position_query& query, vsoa::position_server::answer reply,
                    const std::vector<socket_address>& servers);
  void on_upstream_answer(const lookup_key& key, const std::optional<position_entry>& entry);
  void seek(const lookup_key& key, const std::vector<socket_address>& upstream);
  void on_found(const lookup_key& key, const std::optional<position_entry>& entry);

  vsoa::runtime& loops_;
  const directory_options options_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::shared_ptr<const directory_table> table_ = std::make_shared<directory_table>();
  std::map<lookup_key, std::vector<found_callback>> seekers_;  // who waits for find()
  // On the thread of lookups only. The answers that wait for each lookup; the position server
  // bounds their number.
  std::map<lookup_key, std::vector<vsoa::position_server::answer>> lookups_;

  std::atomic<std::uint64_t> local_ = 0;
  std::atomic<std::uint64_t> unknown_ = 0;
  std::atomic<std::uint64_t> forwarded_ = 0;
  std::atomic<std::uint64_t> shared_ = 0;
  std::atomic<std::uint64_t> overloaded_ = 0;
};

void directory::impl::update(directory_table table) {
  table.upstream = usable_upstream(table, options_.addresses());
  auto next = std::make_shared<const directory_table>(std::move(table));
  const std::lock_guard lock(mutex_);
  table_ = std::move(next);
}

std::shared_ptr<const directory_table> directory::impl::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

void directory::impl::answer(const position_query& query, vsoa::position_server::answer reply) {
  const auto known = table();
  auto found = find_local(*known, query, options_.addresses);
  if (found.entry) {
    ++local_;
    return reply(std::move(found.entry));
  }
  if (found.known || known->upstream.empty()) {
    ++unknown_;
    return reply({});
  }
  ask_upstream(query, std::move(reply), known->upstream);
}

void directory::impl::ask_upstream(const position_query& query, vsoa::position_server::answer reply,
                                   const std::vector<socket_address>& servers) {
  lookup_key key{query.name, query.domain};
  const auto under_way = lookups_.find(key);
  if (under_way != lookups_.end()) {
    // Two daemons that are each other's upstream meet here, and not in a storm: the question comes
    // back, waits for itself, and both give up when its time is over.
    ++shared_;
    return under_way->second.push_back(std::move(reply));
  }
  if (lookups_.size() >= options_.max_lookups) {
    ++overloaded_;
    return;
  }
  ++forwarded_;
  lookups_[key].push_back(std::move(reply));
  auto options = options_.upstream;
  options.domain = query.domain;
  vsoa::async_lookup(loops_, query.name, servers, options,
                     [weak = weak_from_this(), key](const std::optional<position_entry>& entry) {
                       if (const auto self = weak.lock()) self->on_upstream_answer(key, entry);
                     });
}

void directory::impl::on_upstream_answer(const lookup_key& key,
                                         const std::optional<position_entry>& entry) {
  auto waiting = lookups_.extract(key);
  if (waiting.empty()) return;
  for (const auto& reply : waiting.mapped()) {
    if (!entry) ++unknown_;
    reply(entry);
  }
}

void directory::impl::find(std::string_view name, position_domain domain, found_callback found) {
  const auto known = table();
  position_query query;
  query.name = name;
  query.domain = domain;
  query.local = query.peer.ip = loopback(domain == position_domain::inet6);
  const auto here = find_local(*known, query, options_.addresses);
  if (here.known) return found(here.entry);
  lookup_key key{query.name, domain};
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = seekers_[key];
    waiting.push_back(std::move(found));
    if (waiting.size() > 1) return;
  }
  seek(key, known->upstream);
}

// Upstream, and then where all look; what the first leaves of its half is the second's.
void directory::impl::seek(const lookup_key& key, const std::vector<socket_address>& upstream) {
  const auto end = std::chrono::steady_clock::now() + options_.find_total;
  auto options = options_.upstream;
  options.domain = key.second;
  options.total = options_.find_total / 2;
  // Where to look after that is read on the thread of lookups: it may be in a file.
  vsoa::async_lookup(
      loops_, key.first, upstream, options,
      [self = shared_from_this(), key, end](const std::optional<position_entry>& entry) {
        if (entry) return self->on_found(key, entry);
        vsoa::lookup_options everywhere;
        everywhere.domain = key.second;
        everywhere.total =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (everywhere.total.count() <= 0) return self->on_found(key, {});
        vsoa::async_lookup(self->loops_, key.first, vsoa::position_servers(), everywhere,
                           [self, key](const std::optional<position_entry>& elsewhere) {
                             self->on_found(key, elsewhere);
                           });
      });
}

void directory::impl::on_found(const lookup_key& key, const std::optional<position_entry>& entry) {
  std::vector<found_callback> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::move(seekers_.extract(key).mapped());
  }
  for (const auto& found : waiting)
    found(entry);
}

directory_stats directory::impl::stats() const {
  return {local_, unknown_, forwarded_, shared_, overloaded_};
}

directory::directory(vsoa::runtime& loops, directory_options options)
    : impl_(std::make_shared<impl>(loops, std::move(options))) {}
directory::~directory() = default;
void directory::update(directory_table table) {
  impl_->update(std::move(table));
}
void directory::answer(const position_query& query, vsoa::position_server::answer reply) {
  impl_->answer(query, std::move(reply));
}
void directory::find(std::string_view name, position_domain domain,
                     std::function<void(std::optional<position_entry>)> found) const {
  impl_->find(name, domain, std::move(found));
}
directory_stats directory::stats() const {
  return impl_->stats();
}

}  // namespace vsoad
