// What is printed: for people on a terminal, for people elsewhere, and for programs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vsoa/packet.hpp"

namespace vsoad::ctl {

/// Text of a peer, fit for a terminal: control characters, but for tab and line end, and what is no
/// UTF-8 are escaped, so that a server can't play with the terminal.
std::string printable(std::string_view text);

/// `"param":...,"data":...`: the param as it is if it is JSON (on one line), null if there is none,
/// else a string; data in base64, or null. Without braces, so that others can stand beside it.
std::string payload_members(vsoa::payload_view payload);

/// For people: the param, and how much data there is.
std::string payload_text(vsoa::payload_view payload);

std::string base64(std::span<const std::byte> bytes);

/// Three digits: "1.23 ms", "45.6 us", "789 ns", "2.00 s".
std::string short_time(std::chrono::nanoseconds time);
/// "1.50 M", "12.3 k", "7".
std::string short_number(double number);
/// "1 234 567": digits in groups of three.
std::string grouped(std::uint64_t number);
/// "1.50 MiB", "12.3 KiB", "7 B".
std::string short_bytes(std::uint64_t bytes);
/// The two largest parts: "3 d 4 h", "5 min 12 s", "0 s".
std::string short_span(std::chrono::seconds span);

}  // namespace vsoad::ctl
