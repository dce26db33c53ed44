// A connection to one server, for the length of a command.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "interruption.hpp"
#include "invocation.hpp"
#include "vsoa/client.hpp"
#include "vsoa/server_url.hpp"

namespace vsoad::ctl {

/// "vsoa://cabin/echo" and "cabin/echo"; throws usage_error for what is no such URL, or an address
/// without a port.
vsoa::server_url parse_url(const std::string& text);

/// The only URL among the words, which are one to `most` many; throws usage_error otherwise.
vsoa::server_url only_url(const invocation& use, std::size_t most);

/// What has gone wrong, in words, on standard error.
/// @return the exit code
int report(std::string_view what, const std::error_code& error);
/// The same of an answer's status.
int report(std::string_view what, vsoa::status status);

/// For the loops of clients: what they have to say of connections is kept, for report().
vsoa::runtime_options client_loops();

class session {
 public:
  explicit session(const invocation& use, vsoa::client_options options = {});

  /// Connects; blocks. For commands that end by themselves.
  std::error_code connect(const vsoa::server_url& server);
  /// The same, but a signal ends it: errc::cancelled.
  std::error_code connect(const vsoa::server_url& server, const interruption& interrupted);
  vsoa::client& client() noexcept { return client_; }
  vsoa::runtime& loops() noexcept { return loops_; }

 private:
  const invocation& use_;
  vsoa::runtime loops_;
  vsoa::client client_;
};

/// Waits until what `begin` has begun is over, or a signal comes: errc::cancelled.
/// @param begin  is given what is to be told of the end, on whatever thread
std::error_code await(const interruption& interrupted,
                      const std::function<void(std::function<void(std::error_code)>)>& begin);

/// The request's payload as the command line gives it: PARAM, the second word, and --data FILE.
struct given_payload {
  explicit given_payload(const invocation& use);
  vsoa::payload_view view() const;

  std::string param;
  std::string data;
};

}  // namespace vsoad::ctl
