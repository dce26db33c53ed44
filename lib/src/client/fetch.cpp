#include "vsoa/fetch.hpp"

#include "net/loop.hpp"
#include "vsoa/client.hpp"
#include "vsoa/server_url.hpp"

namespace vsoa {

std::error_code fetch(runtime& loops, std::string_view url, reply& answer,
                      const fetch_options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto parts = server_url::parse(url);
  if (!parts) return connect_errc::not_found;
  client_options how;
  how.quick = false;
  client one(loops, how);
  if (const auto error = one.connect(url, options.connect)) return error;
  request what{parts->path, options.payload, options.method, {}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(begin + options.connect.timeout -
                                                                 std::chrono::steady_clock::now());
  if (left.count() <= 0) return errc::timeout;
  what.timeout = left;
  return one.fetch(what, answer);
}

std::error_code fetch(std::string_view url, reply& answer, const fetch_options& options) {
  if (net::loop::current() != nullptr || net::service::current() != nullptr) {
    return errc::would_deadlock;
  }
  runtime loops;
  loops.start();
  return fetch(loops, url, answer, options);
}

}  // namespace vsoa
