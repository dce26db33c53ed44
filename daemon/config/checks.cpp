#include "checks.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ascii.hpp"
#include "suggest.hpp"

namespace vsoad::config {

namespace {

using what = mention::what;

void check_work_queue(const builder& built, const mention& m, report& findings) {
  const auto& queues = built.config.work_queues;
  if (queues.contains(m.written.text)) return;
  std::vector<std::string_view> known;
  known.reserve(queues.size());
  for (const auto& [name, settings] : queues)
    known.push_back(name);
  findings.error(m.written.at, m.written.path,
                 "work queue " + in_quotes(m.written.text) +
                     " is not defined; add it to work_queues" +
                     did_you_mean(m.written.text, known));
}

void check_role(const builder& built, const mention& m, report& findings) {
  std::vector<std::string_view> known;
  for (const vsoa::credential& c : built.config.services[m.service].credentials) {
    if (c.role == m.written.text) return;
    known.push_back(c.role);
  }
  findings.error(m.written.at, m.written.path,
                 "role " + in_quotes(m.written.text) +
                     " is not defined; add it to the credentials of this service" +
                     did_you_mean(m.written.text, known));
}

void check_absolute(const mention& m, report& findings) {
  if (m.written.text.starts_with('/')) return;
  findings.error(m.written.at, m.written.path,
                 in_quotes(m.written.text) +
                     " is relative, to whatever folder vsoad is started in; write a path that "
                     "starts with \"/\"");
}

class first_users {
 public:
  explicit first_users(report& findings) : findings_(findings) {}

  void check_listen(const mention& m) {
    const vsoa::socket_address& address = m.written.address;
    if (address.port == 0) return;  // the kernel finds a free one
    // IPv6 sockets take IPv6 only, so the families do not meet.
    auto& users = listens_[{address.port, address.ip.v6}];
    auto other = users.find(address.ip);
    if (other == users.end()) other = users.find({.bytes = {}, .v6 = address.ip.v6});
    if (other == users.end() && address.ip.is_unspecified()) other = users.begin();
    if (other == users.end()) {
      users.emplace(address.ip, &m);
      return;
    }
    findings_.error(m.written.at, m.written.path,
                    address.to_string() + " is in use by " + other->second->written.path + " (" +
                        other->second->written.address.to_string() + ") at " +
                        findings_.where(other->second->written.at) +
                        "; give each an address or a port of its own");
  }

  /// The protocol has one answer for each name and address family; a service may have both.
  void check_name(const mention& m) {
    const std::string name = lower(m.written.text);
    std::vector<std::string> families = {"/4", "/6"};
    if (m.kind == what::entry_name) families = {m.written.ip.v6 ? "/6" : "/4"};
    for (const std::string& family : families) {
      const auto other = names_.find(name + family);
      if (other == names_.end()) continue;
      return findings_.error(m.written.at, m.written.path,
                             "the name " + in_quotes(m.written.text) + " is taken by " +
                                 other->second->written.path + " at " +
                                 findings_.where(other->second->written.at) +
                                 "; upper and lower case are the same");
    }
    for (const std::string& family : families)
      names_.emplace(name + family, &m);
  }

  void check_priority(const mention& m) {
    const auto [other, is_first] = priorities_.try_emplace({m.service, m.written.text}, &m);
    if (is_first) return;
    findings_.error(m.written.at, m.written.path,
                    "role " + in_quotes(m.written.text) + " has its priority by " +
                        other->second->written.path + " at " +
                        findings_.where(other->second->written.at) + " already; remove one");
  }

 private:
  report& findings_;
  /// By port and whether it is IPv6.
  std::map<std::pair<std::uint16_t, bool>, std::map<vsoa::ip_address, const mention*>> listens_;
  std::map<std::string, const mention*> names_;
  std::map<std::pair<std::size_t, std::string>, const mention*> priorities_;  // by service, role
};

}  // namespace

void check_references(const builder& built, report& findings) {
  first_users users(findings);
  for (const mention& m : built.mentions) {
    switch (m.kind) {
      case what::work_queue:
        check_work_queue(built, m, findings);
        break;
      case what::role:
        check_role(built, m, findings);
        users.check_priority(m);
        break;
      case what::access_role:
        check_role(built, m, findings);
        break;
      case what::listen_service:
      case what::listen_position:
        users.check_listen(m);
        break;
      case what::service_name:
        users.check_name(m);
        break;
      case what::absolute_path:
        check_absolute(m, findings);
        break;
      case what::entry_name:
        if (!m.written.text.empty()) users.check_name(m);
        break;
      case what::tls:
      case what::credential:
      case what::certificate_pattern:
        break;  // check_tls()
      case what::command:
      case what::plugin_key:
      case what::forward:
      case what::forward_key:
      case what::strip_prefix:
      case what::forward_tls:
        break;  // check_forward()
    }
  }
}

}  // namespace vsoad::config
