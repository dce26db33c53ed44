// ${ENV} and !file: scalars whose text is elsewhere.
#pragma once

#include <string_view>

#include "document.hpp"
#include "source.hpp"

namespace vsoad::config {

inline constexpr std::size_t max_secret_bytes = 4096;
inline constexpr std::size_t max_expanded_bytes = 65536;

class expander {
 public:
  expander(const load_options& options, report& findings)
      : options_(options), findings_(findings) {}

  /// The scalar with its final text. Null if that can't be had; the reason is reported.
  node_ptr expand(const node_ptr& scalar, std::string_view path);

 private:
  bool expand_variables(const node& scalar, std::string_view path, std::string& out);
  bool read_secret(const node& scalar, std::string_view path, std::string& text);
  bool fail(const node& at, std::string_view path, std::string message);

  const load_options& options_;
  report& findings_;
};

/// The opposite: a text that expands to `text`.
std::string escape_variables(std::string_view text);

}  // namespace vsoad::config
