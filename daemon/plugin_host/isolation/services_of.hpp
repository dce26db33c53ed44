// The services of the daemon as the process of an isolated plugin may reach them: what it asks for
// is checked here, and nothing that it says is believed.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/environment.hpp"
#include "plugin_host/isolation/control.hpp"
#include "plugin_host/isolation/envelope.hpp"

namespace vsoad::isolation {

/// Any thread.
class services_of {
 public:
  explicit services_of(environment& env)
      : env_(env), ids_(std::make_shared<std::vector<vsoa_service>>()) {}

  /// Those that the plugin is in. One thread.
  void set(std::vector<vsoa_service> ids);

  // For who reads under the reclaimer.
  named_services list() const;
  const std::vector<vsoa_service>& ids() const { return ids_.read(); }
  /// Null: there is none, or the plugin is not in it.
  service_port* port(vsoa_service id) const noexcept;

  /// Does what needs no answer: publish, datagram, change.
  performed perform(const message& m, const vsoa::payload_view& payload);

  /// Streams that the plugin's process wants: who waits for the client, and what is told then.
  using stream_wish = std::function<vsoa::stream_offer(
      service_port& port, vsoa::client_id client, std::uint64_t number,
      std::chrono::milliseconds timeout, std::chrono::seconds keepalive)>;
  /// Answers one question. Empty: it is none.
  /// @param fd  that came with it; -1: none
  std::string answer(std::string_view question, int fd, const stream_wish& stream);

 private:
  performed change(service_port& port, const message& m);
  void answer_perform(field_reader& r, int fd, field_writer& w);
  void answer_clients(field_reader& r, field_writer& w);
  void answer_client(field_reader& r, field_writer& w);
  void answer_certificate(field_reader& r, field_writer& w);
  void answer_subscribed(field_reader& r, field_writer& w, bool of_client);
  void answer_stream(field_reader& r, field_writer& w, const stream_wish& stream);

  environment& env_;
  published<std::vector<vsoa_service>> ids_;
};

}  // namespace vsoad::isolation
