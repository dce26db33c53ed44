// What the parts of the table write defaults and ranges with. Defaults that the code has already
// are asked of it, not written down a second time.
#pragma once

#include <string>
#include <vector>

#include "schema.hpp"

namespace vsoad::config {

constexpr std::uint64_t operator""_KiB(unsigned long long n) {
  return n << 10U;
}
constexpr std::uint64_t operator""_MiB(unsigned long long n) {
  return n << 20U;
}
constexpr std::uint64_t operator""_GiB(unsigned long long n) {
  return n << 30U;
}

constexpr std::uint64_t million = 1000000;

using rows = std::vector<row>;

inline std::vector<std::string> number_text(std::size_t n) {
  return {std::to_string(n)};
}
inline std::vector<std::string> time_text(std::chrono::milliseconds t) {
  return {to_text(t)};
}
template <typename Enum>
std::vector<std::string> word_text(const type_spec& type, Enum index) {
  return {std::string(type.words[static_cast<std::size_t>(index)])};
}

/// The rows below services[], in schema_services.cpp.
rows all_service_rows();
/// Those among them about commands that another server answers, in schema_forward.cpp.
rows all_forward_rows();
/// Those among them about credentials and TLS, in schema_tls.cpp.
rows all_security_rows();
/// Those among them about what roles may do, in schema_access.cpp.
rows all_access_rows();

}  // namespace vsoad::config
