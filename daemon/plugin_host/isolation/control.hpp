// The messages of the two packet sockets between the daemon and the process of an isolated plugin.
//
// control: both ways, nobody answers.
// host: the plugin's process asks, the daemon answers; each question has a number, and the answer
// the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin_host/isolation/packet_socket.hpp"
#include "vsoa/plugin.h"

namespace vsoad::isolation {

/// The descriptors that vsoad-plugin is started with. From first_channel_fd on there is one for
/// each event loop: a stream socket, on which the daemon is a VSOA client.
inline constexpr int control_fd = 3, host_fd = 4, code_fd = 5, first_channel_fd = 6;

/// First byte of a message from the daemon.
namespace to_plugin {
inline constexpr char setup = 'u';     ///< see `setup`; once, first
inline constexpr char start = 's';     ///< services; with a descriptor: the config
inline constexpr char services = 'v';  ///< the services that it is in from now on
inline constexpr char stream = 'f';    ///< number, errno; with a descriptor if that is 0
inline constexpr char stop = 'q';      ///< milliseconds
}  // namespace to_plugin

/// First byte of a message from the plugin's process.
namespace from_plugin {
inline constexpr char command = 'c';  ///< a URL; before hello
inline constexpr char hello = 'h';    ///< see descriptor_text; or a reason
inline constexpr char started = 'r';  ///< a reason; empty: it runs
inline constexpr char log = 'l';      ///< level, text
inline constexpr char counter = 'm';  ///< name, what has been added
inline constexpr char gauge = 'g';    ///< name, value
/// plugin_counts, what has been added; calls deferred, and whether anything is under way, as is
inline constexpr char counts = 'k';
inline constexpr char stream_ended = 'e';  ///< number
inline constexpr char stopped = 'z';       ///< 1: in time
}  // namespace from_plugin

/// First byte of a question; then its number. The answer: `answer`, the number, and what is said
/// here.
namespace ask {
inline constexpr char answer = 'a';
inline constexpr char perform = 'p';               ///< envelope, param, data; or memory: an outcome
inline constexpr char is_subscribed = 's';         ///< service, URL: 0, 1
inline constexpr char clients = 'c';               ///< service, first: count of all, ids from there
inline constexpr char client = 'i';                ///< service, id: 0, or 1 and what is known
inline constexpr char certificate = 'z';           ///< service, id: 0, or 1 and DER
inline constexpr char client_is_subscribed = 'u';  ///< service, id, URL: 0, 1, or 2: no such client
inline constexpr char settle =
    'e';  ///< nothing; answered once what was performed is done on all loops
inline constexpr char stream = 'f';  ///< service, id, number, timeout ms, keepalive s: errno, tunid
}  // namespace ask

/// Answers of `perform`.
enum class performed : std::uint8_t { ok, no_client, full };

/// What vsoad-plugin has to know before anything of the plugin runs.
struct setup {
  struct queue {
    std::string name;
    std::uint64_t threads = 1, limit = 1;
  };

  std::string name;            ///< of the plugin
  std::string path;            ///< of its file
  std::uint64_t loops = 1;     ///< event loops
  std::uint64_t memory = 0;    ///< limit in bytes; 0: none
  std::uint64_t files = 0;     ///< open descriptors
  std::uint64_t stall_ms = 0;  ///< runtime.stall_warning
  std::string work_queue;      ///< the plugin's own; empty: none
  std::vector<queue> queues;

  std::string write() const;
  /// False: it is none, or of another version of vsoad.
  static bool read(std::string_view bytes, setup& out);
};

using named_services = std::vector<std::pair<vsoa_service, std::string>>;
std::string write_services(char kind, const named_services& list);
bool read_services(std::string_view bytes, named_services& out);

/// What a plugin says of itself, as it crosses.
struct descriptor_text {
  std::string name, version, description;
  std::uint64_t flags = 0;
  bool has_datagram = false, has_client = false, has_subscription = false, has_command = false;
};
std::string write_hello(const descriptor_text& d);
/// @param reason  not empty: why there is no descriptor
bool read_hello(std::string_view bytes, descriptor_text& d, std::string& reason);
std::string write_refusal(std::string_view reason);

}  // namespace vsoad::isolation
