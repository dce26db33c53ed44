#include "listening_sockets.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "vsoa/position.hpp"

namespace vsoad {

namespace {

using vsoa::log_level;
using vsoa::socket_address;

// Names in systemd's store begin so; those of vsoad.socket do not. A service's two sockets share
// one.
constexpr std::string_view service_prefix = "service/";
constexpr std::string_view position_prefix = "position/";

bool is_of_store(std::string_view name) {
  return name.starts_with(service_prefix) || name.starts_with(position_prefix);
}

// Colons would end the name.
std::string stored_name(bool position, const socket_address& address) {
  std::string name = std::string(position ? position_prefix : service_prefix) + address.to_string();
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

bool option_is(int fd, int name, int value) {
  int found = 0;
  socklen_t length = sizeof found;
  return ::getsockopt(fd, SOL_SOCKET, name, &found, &length) == 0 && found == value;
}

[[noreturn]] void fail(int error, const socket_address& address) {
  throw std::system_error(error, std::system_category(), address.to_string());
}

unique_fd copy_of(const unique_fd& fd, const socket_address& address) {
  unique_fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) fail(errno, address);
  return copy;
}

}  // namespace

std::optional<socket_address> bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  socket_address result;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(result.ip.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    result.port = ntohs(in.sin_port);
    return result;
  }
  if (storage.ss_family != AF_INET6) return {};
  sockaddr_in6 in{};
  std::memcpy(&in, &storage, sizeof in);
  result.ip.v6 = true;
  result.ip.scope_id = in.sin6_scope_id;
  std::memcpy(result.ip.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  result.port = ntohs(in.sin6_port);
  return result;
}

std::vector<inherited_socket> inherit_sockets() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  std::vector<inherited_socket> all;
  for (int i = 0; i < count; ++i) {
    inherited_socket one{unique_fd(SD_LISTEN_FDS_START + i), {}};
    if (names != nullptr && names[i] != nullptr) one.name = names[i];
    all.push_back(std::move(one));
  }
  for (char** name = names; name != nullptr && *name != nullptr; ++name)
    std::free(*name);
  std::free(names);
  return all;
}

listening_sockets::listening_sockets(std::vector<inherited_socket> inherited, vsoa::log_sink log)
    : log_(std::move(log)) {
  for (auto& socket : inherited)
    sort_in(std::move(socket));
}

void listening_sockets::sort_in(inherited_socket socket) {
  const int fd = socket.fd.get();
  const auto address = bound_address(fd);
  const bool tcp = option_is(fd, SO_TYPE, SOCK_STREAM) && option_is(fd, SO_ACCEPTCONN, 1);
  const bool udp = option_is(fd, SO_TYPE, SOCK_DGRAM);
  if (!address || !(tcp || udp)) {
    log(log_level::warning,
        "systemd has handed over \"" + socket.name +
            "\", which is neither a listening TCP socket nor one of UDP: closed");
    if (is_of_store(socket.name)) remove_from_store(socket.name);
    return;
  }
  unused_.push_back({*address, tcp, std::move(socket)});
}

vsoa::bound_sockets listening_sockets::for_service(const socket_address& address) {
  const holding& found = find_or_bind({false, address});
  unique_fd tcp = copy_of(found.tcp, address);
  unique_fd udp = copy_of(found.udp, address);
  return {tcp.release(), udp.release()};
}

int listening_sockets::for_position(const socket_address& address) {
  return copy_of(find_or_bind({true, address}).udp, address).release();
}

const listening_sockets::holding& listening_sockets::find_or_bind(const key& wanted) {
  // Port 0 asks for one that nobody has.
  if (wanted.address.port == 0) return bind(wanted);
  const auto held = held_.find(wanted);
  if (held != held_.end()) return held->second;
  holding found = take_inherited(wanted);
  if (!found.udp) return bind(wanted);
  return held_.emplace(wanted, std::move(found)).first->second;
}

unique_fd listening_sockets::take_unused(const socket_address& address, bool tcp,
                                         std::string& name) {
  const auto found = std::find_if(unused_.begin(), unused_.end(), [&](const unused_socket& each) {
    return each.address == address && each.tcp == tcp;
  });
  if (found == unused_.end()) return {};
  name = found->socket.name;
  unique_fd fd = std::move(found->socket.fd);
  unused_.erase(found);
  return fd;
}

listening_sockets::holding listening_sockets::take_inherited(const key& wanted) {
  holding found;
  std::string name;
  found.udp = take_unused(wanted.address, false, name);
  if (!wanted.position) found.tcp = take_unused(wanted.address, true, name);
  const bool has_all = found.udp && (wanted.position || found.tcp);
  const bool stored = is_of_store(name);
  if (has_all) {
    (stored ? found.stored : found.unit) = name;
    log(log_level::info, "using the socket of " + wanted.address.to_string() + " that " +
                             (stored ? "was kept over the restart" : "systemd has bound"));
    return found;
  }
  if (!found.udp && !found.tcp) return {};
  if (!stored) {
    throw std::runtime_error("systemd has bound only " + std::string(found.tcp ? "TCP" : "UDP") +
                             " of " + wanted.address.to_string() + " (\"" + name +
                             "\"): a service wants both; give the socket unit ListenStream= and "
                             "ListenDatagram= for this address");
  }
  // The store was full, or the other was lost. Who is to bind both must have neither in the way.
  found = {};
  remove_from_store(name);
  return {};
}

const listening_sockets::holding& listening_sockets::bind(const key& wanted) {
  holding made;
  if (wanted.position) {
    made.udp = unique_fd(vsoa::bind_udp(wanted.address));
  } else {
    const vsoa::bound_sockets both = vsoa::bind_sockets(wanted.address);
    made.tcp = unique_fd(both.tcp);
    made.udp = unique_fd(both.udp);
  }
  key bound = wanted;
  bound.address =
      bound_address(wanted.position ? made.udp.get() : made.tcp.get()).value_or(wanted.address);
  // Next time the port is another: nobody would ask for these.
  if (wanted.address.port != 0) store(bound, made);
  return held_.insert_or_assign(bound, std::move(made)).first->second;
}

// Both sockets of a service in one message: they are in the store together, or neither is.
void listening_sockets::store(const key& of, holding& sockets) const {
  sockets.stored = stored_name(of.position, of.address);
  // FDPOLL=0: for all the store knows, an error on a UDP socket would be its end.
  const std::string text = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + sockets.stored;
  const std::array<int, 2> both{sockets.udp.get(), sockets.tcp.get()};
  if (::sd_pid_notify_with_fds(0, 0, text.c_str(), both.data(), sockets.tcp ? 2 : 1) <= 0)
    sockets.stored.clear();
}

// Returns when systemd has done so: until then the address is taken.
void listening_sockets::remove_from_store(const std::string& name) const {
  constexpr std::chrono::microseconds patience = std::chrono::seconds(2);
  const std::string text = "FDSTOREREMOVE=1\nFDNAME=" + name;
  if (::sd_notify(0, text.c_str()) <= 0) return;
  const int result = ::sd_notify_barrier(0, static_cast<std::uint64_t>(patience.count()));
  if (result < 0) {
    log(log_level::warning, "systemd does not say whether it has closed \"" + name +
                                "\": " + std::generic_category().message(-result));
  }
}

void listening_sockets::release_service(const socket_address& address) {
  release({false, address});
}

void listening_sockets::release_position(const socket_address& address) {
  release({true, address});
}

void listening_sockets::release(const key& of) {
  const auto found = held_.find(of);
  if (found == held_.end()) return;
  holding gone = std::move(found->second);
  held_.erase(found);
  if (!gone.unit.empty()) {
    if (gone.tcp) keep(std::move(gone.tcp), true, of, gone.unit);
    return keep(std::move(gone.udp), false, of, gone.unit);
  }
  gone.tcp = {};
  gone.udp = {};
  if (!gone.stored.empty()) remove_from_store(gone.stored);
}

void listening_sockets::keep(unique_fd fd, bool tcp, const key& of, const std::string& unit) {
  unused_.push_back({of.address, tcp, {std::move(fd), unit}});
  warn_of(unused_.back());
}

void listening_sockets::warn_of(const unused_socket& one) const {
  log(log_level::warning,
      "systemd listens on " + std::string(one.tcp ? "TCP " : "UDP ") + one.address.to_string() +
          " (\"" + one.socket.name +
          "\"), where nothing is configured to be served: clients there wait in "
          "vain; correct the socket unit or the configuration");
}

void listening_sockets::close_unused() {
  std::vector<unused_socket> kept;
  for (auto& each : unused_) {
    const std::string name = each.socket.name;
    if (!is_of_store(name)) {
      warn_of(each);
      kept.push_back(std::move(each));
      continue;
    }
    each.socket.fd = {};
    log(log_level::info, std::string("closed ") + (each.tcp ? "TCP " : "UDP ") +
                             each.address.to_string() + ", which is no longer configured");
    remove_from_store(name);
  }
  unused_ = std::move(kept);
}

void listening_sockets::close() {
  unused_.clear();
  held_.clear();
}

void listening_sockets::log(log_level level, const std::string& line) const {
  if (log_) log_(level, line);
}

}  // namespace vsoad
