#include "checks.hpp"

#include <map>

#include "suggest.hpp"

namespace vsoad::config {

namespace {

using what = mention::what;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

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

  void check_name(const mention& m) {
    // The protocol has one answer for each name and address family.
    const char* family = m.kind == what::service_name ? "" : m.written.ip.v6 ? "/6" : "/4";
    const auto [other, is_first] = names_.try_emplace(lower(m.written.text) + family, &m);
    if (is_first) return;
    findings_.error(m.written.at, m.written.path,
                    "the name " + in_quotes(m.written.text) + " is taken by " +
                        other->second->written.path + " at " +
                        findings_.where(other->second->written.at) +
                        "; upper and lower case are the same");
  }

 private:
  report& findings_;
  /// By port and whether it is IPv6.
  std::map<std::pair<std::uint16_t, bool>, std::map<vsoa::ip_address, const mention*>> listens_;
  std::map<std::string, const mention*> names_;
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
        break;
      case what::listen_service:
      case what::listen_position:
        users.check_listen(m);
        break;
      case what::service_name:
        users.check_name(m);
        break;
      case what::entry_name:
        if (!m.written.text.empty()) users.check_name(m);
        break;
    }
  }
}

}  // namespace vsoad::config
