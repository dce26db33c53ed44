#include "vsoad/socket_table.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "vsoa/position.hpp"

namespace vsoad {
namespace {

bool contains(const std::vector<listen_place>& all, const listen_place& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

unique_fd duplicate(const unique_fd& fd) {
  if (!fd) return {};
  unique_fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) throw std::system_error(errno, std::system_category(), "can't duplicate a socket");
  return copy;
}

std::string explain(const listen_place& place, const std::system_error& e) {
  const std::string who = place.owner.empty() ? "position" : "service \"" + place.owner + "\"";
  std::string hint;
  if (e.code() == std::errc::address_in_use) hint = "; another program has this address";
  if (e.code() == std::errc::permission_denied)
    hint = "; ports below 1024 need root or a capability";
  if (e.code() == std::errc::address_not_available) hint = "; no interface has this address";
  return who + ": can't listen on " + e.what() + hint;
}

}  // namespace

const socket_table::entry* socket_table::find(const listen_place& place) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& e) { return e.place == place; });
  return found == entries_.end() ? nullptr : &*found;
}

socket_table::pair socket_table::bind(const listen_place& place,
                                      const std::vector<listen_place>& wanted) const {
  const bool with_tcp = !place.owner.empty();
  // Somebody here has it and gives it up now.
  const auto other = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) {
    return place.wanted.port != 0 && e.place.wanted == place.wanted &&
           e.place.owner.empty() == !with_tcp && !contains(wanted, e.place);
  });
  if (other != entries_.end()) {
    return {duplicate(other->sockets.tcp), duplicate(other->sockets.udp)};
  }
  pair found;
  if (source_ && place.wanted.port != 0) found = source_(place.wanted, with_tcp);
  if (found.udp && (found.tcp || !with_tcp)) return found;
  if (!with_tcp) return {{}, unique_fd(vsoa::bind_udp(place.wanted))};
  vsoa::bound_sockets bound = vsoa::bind_sockets(place.wanted, {found.tcp.get(), found.udp.get()});
  if (!found.tcp) found.tcp = unique_fd(bound.tcp);
  if (!found.udp) found.udp = unique_fd(bound.udp);
  return found;
}

std::vector<socket_table::entry> socket_table::bind_missing(
    const std::vector<listen_place>& wanted) const {
  std::vector<entry> fresh;
  for (const listen_place& place : wanted) {
    if (find(place) != nullptr) continue;
    try {
      fresh.push_back({place, bind(place, wanted)});
    } catch (const std::system_error& e) {
      throw std::runtime_error(explain(place, e));
    }
  }
  return fresh;
}

void socket_table::commit(std::vector<entry> fresh, const std::vector<listen_place>& wanted) {
  std::erase_if(entries_, [&](const entry& e) { return !contains(wanted, e.place); });
  std::move(fresh.begin(), fresh.end(), std::back_inserter(entries_));
}

vsoa::bound_sockets socket_table::share(const listen_place& place) const {
  const entry* const e = find(place);
  if (e == nullptr) throw std::logic_error("socket_table: nobody listens there");
  unique_fd tcp = duplicate(e->sockets.tcp);
  unique_fd udp = duplicate(e->sockets.udp);
  return {tcp.release(), udp.release()};
}

}  // namespace vsoad
