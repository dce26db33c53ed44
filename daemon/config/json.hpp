// JSON from YAML, and JSON strings.
#pragma once

#include <string>
#include <string_view>

#include "document.hpp"

namespace vsoad::config {

/// What a plain scalar is to JSON.
struct json_scalar {
  std::string text;     ///< the JSON
  std::string problem;  ///< not empty: it is one thing to YAML 1.1 and another to YAML 1.2
};
/// Quoted scalars are strings; plain ones null, booleans, numbers where they look like it.
json_scalar scalar_to_json(const node& scalar);

/// A tree whose scalars all have a meaning to scalar_to_json.
std::string to_json(const node& tree);

/// With the quotes. Control characters are escaped; UTF-8 stays as it is.
std::string json_string(std::string_view text);

}  // namespace vsoad::config
