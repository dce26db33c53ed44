// Rules for URLs: bytes, case-sensitive, no percent-decoding, no normalisation. Source: the wire
// notes, lib/README.md, "URL matching".
#pragma once

#include <string_view>

#include "vsoa/export.hpp"

namespace vsoa {

/// Whether text may be sent as a URL: starts with '/', valid UTF-8, at most 65535 bytes.
VSOA_API bool is_valid_url(std::string_view text) noexcept;

/// Whether a subscription to `pattern` takes a publish on `url`: "/" takes all; "X/" takes "X",
/// "X/" and all below; anything else takes the equal URL only.
VSOA_API bool url_matches(std::string_view pattern, std::string_view url) noexcept;

}  // namespace vsoa
