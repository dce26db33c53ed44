#include "vsoa/error.hpp"

#include <string>

namespace vsoa {
namespace {

class vsoa_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "vsoa"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_magic:
        return "not a VSOA packet";
      case errc::too_large:
        return "packet too large";
      case errc::truncated:
        return "packet shorter than its header says";
      case errc::timeout:
        return "no answer in time";
      case errc::closed:
        return "the connection has ended";
      case errc::not_connected:
        return "not connected";
      case errc::already_connected:
        return "already connected or connecting";
      case errc::cancelled:
        return "cancelled";
      case errc::too_many_pending:
        return "too many requests wait for an answer";
      case errc::outbox_full:
        return "too much waits to be sent";
      case errc::invalid_url:
        return "not a valid URL";
      case errc::no_answer:
        return "the server answers no pings";
      case errc::not_reading:
        return "the server takes no bytes";
      case errc::violation:
        return "the server sent what is not VSOA";
      case errc::would_deadlock:
        return "a blocking function was called on a thread of a runtime's";
      case errc::not_running:
        return "the runtime does not run";
    }
    return "unknown error " + std::to_string(value);
  }
};

class connect_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "vsoa.connect"; }

  std::string message(int value) const override {
    switch (static_cast<connect_errc>(value)) {
      case connect_errc::ok:
        return "connected";
      case connect_errc::error:
        return "could not connect";
      case connect_errc::unreachable:
        return "the server can't be reached";
      case connect_errc::not_found:
        return "the server was not found";
      case connect_errc::no_responding:
        return "the server did not answer the handshake";
      case connect_errc::invalid_responding:
        return "the server gave an invalid answer to the handshake";
      case connect_errc::invalid_password:
        return "wrong password, or none where one is needed";
      case connect_errc::tls_failed:
        return "TLS failed";
    }
    return "unknown error " + std::to_string(value);
  }
};

class status_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "vsoa.status"; }

  std::string message(int value) const override {
    return "the server answered " + std::string(to_string(static_cast<status>(value))) + " (" +
           std::to_string(value) + ")";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const vsoa_category category;
  return category;
}

const std::error_category& connect_category() noexcept {
  static const connect_error_category category;
  return category;
}

const std::error_category& status_category() noexcept {
  static const status_error_category category;
  return category;
}

}  // namespace vsoa
