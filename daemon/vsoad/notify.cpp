#include "notify.hpp"

#include <systemd/sd-daemon.h>

#include <exception>
#include <string>

namespace vsoad::notify {

namespace {

void send(std::string_view state, std::string_view status) noexcept {
  try {
    std::string text(state);
    if (!status.empty()) {
      if (!text.empty()) text += '\n';
      text += "STATUS=";
      for (const char c : status)
        text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    // Whether anybody hears it does not matter to what we do.
    static_cast<void>(::sd_notify(0, text.c_str()));
  } catch (const std::exception&) {
    // Without memory for a status line, systemd keeps the old one.
  }
}

}  // namespace

void ready(std::string_view status) noexcept {
  send("READY=1", status);
}
void status(std::string_view status) noexcept {
  send("", status);
}
void stopping() noexcept {
  send("STOPPING=1", "stopping");
}
void alive() noexcept {
  send("WATCHDOG=1", "");
}

}  // namespace vsoad::notify
