// What this program is, and what it is made of.
#pragma once

#include <string>
#include <string_view>

namespace vsoad {

/// "0.1.0".
std::string_view version() noexcept;
/// The commit it was built from; "unknown" outside a git checkout.
std::string_view commit() noexcept;
/// What --version prints: both, and the versions of the libraries it was built with.
std::string version_text();

}  // namespace vsoad
