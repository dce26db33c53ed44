// Who is where: what this daemon answers to a position query, and what it asks itself. Known are
// the entries of the configuration and the services of this daemon; for other names upstream
// servers are asked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/interfaces.hpp"
#include "vsoa/position.hpp"
#include "vsoa/runtime.hpp"

namespace vsoad {

/// A service of this daemon, and how its clients reach it.
struct directory_service {
  std::string name;
  std::vector<vsoa::socket_address> listen;   ///< as bound, with real ports
  std::optional<vsoa::ip_address> advertise;  ///< instead of the address on which a query arrived
  bool secure = false;
};

/// All that a directory knows. Names are compared without regard to the case of ASCII letters; the
/// first that matches wins, entries before services.
struct directory_table {
  std::vector<vsoa::position_entry> entries;
  std::vector<directory_service> services;
  std::vector<vsoa::socket_address> upstream;
  /// Where this daemon's own position server listens; an upstream that is one of them is left out.
  std::vector<vsoa::socket_address> listen;
};

struct directory_options {
  /// For each upstream server. Together less than the 2 s that official clients wait for us.
  vsoa::lookup_options upstream{vsoa::position_domain::any, std::chrono::milliseconds(700), 2};
  /// For find(), upstream and elsewhere together: less than the 10 s that a connect has for all.
  std::chrono::milliseconds find_total{7500};
  std::size_t max_lookups = 128;  ///< upstream lookups under way; queries beyond are not answered
  /// The addresses of this machine; replaced by tests.
  std::function<std::vector<interface_address>()> addresses = interface_addresses;
};

struct directory_stats {
  std::uint64_t local = 0;       ///< answered from what is known here
  std::uint64_t unknown = 0;     ///< with {}: nobody is left to be asked
  std::uint64_t forwarded = 0;   ///< upstream lookups begun
  std::uint64_t shared = 0;      ///< queries that joined a lookup under way
  std::uint64_t overloaded = 0;  ///< not answered: too many lookups under way
};

/// What is known here about a name.
struct local_answer {
  bool known = false;                         ///< then nobody else is asked
  std::optional<vsoa::position_entry> entry;  ///< nothing: known, but not in the family asked for
};

/// Looks a name up without asking anybody.
local_answer find_local(const directory_table& table, const vsoa::position_query& query,
                        const std::function<std::vector<interface_address>()>& addresses);

/// The upstream servers without those that are this very daemon.
std::vector<vsoa::socket_address> usable_upstream(const directory_table& table,
                                                  const std::vector<interface_address>& addresses);

class directory {
 public:
  explicit directory(vsoa::runtime& loops, directory_options options = {});
  ~directory();  ///< lookups under way are forgotten, their queries not answered
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;

  /// Replaces what is known. Any thread, at any time.
  void update(directory_table table);

  /// Answers now, or when an upstream server has. On the thread of position_server's callback.
  void answer(const vsoa::position_query& query, vsoa::position_server::answer reply);

  /// Finds a name for this daemon: what is known here, else at upstream, else where all clients
  /// look (vsoa::position_servers()), for directory_options::find_total at most. Those who look for
  /// a name at a time share what is asked. `found` is called once, from any thread, at once or
  /// later; not at all when the loops end first. Any thread.
  void find(std::string_view name, vsoa::position_domain domain,
            std::function<void(std::optional<vsoa::position_entry>)> found) const;

  directory_stats stats() const;  ///< any thread

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace vsoad
