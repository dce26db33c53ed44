// A YAML document as a tree of our own: every value knows where it was written, and a quoted scalar
// is told from a plain one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostic.hpp"

namespace vsoad::config {

struct node;
/// Shared: an alias is a second reference to the value of its anchor.
using node_ptr = std::shared_ptr<const node>;

struct member {
  std::string key;
  place at;
  node_ptr value;
};

struct node {
  enum class kind { null, scalar, sequence, map };

  kind type = kind::null;
  place at;
  bool text_only = false;  ///< scalar: written in quotes, so never a number, a boolean or null
  bool variable = false;   ///< scalar: was nothing but ${NAME}, so may be a number in quotes, too
  bool secret = false;     ///< masked when printed
  std::string tag;         ///< as written, "!file"; empty: none
  std::string text;        ///< scalar
  std::vector<node_ptr> items;
  std::vector<member> members;  ///< in the order of the file, keys unique
  std::size_t weight = 0;       ///< bytes that the tree stands for, aliases counted in full
  std::size_t height = 1;       ///< levels of the tree

  const node* find(std::string_view key) const {
    for (const member& m : members) {
      if (m.key == key) return m.value.get();
    }
    return nullptr;
  }
};

/// "a text", "a list", "a mapping" or "empty", for messages.
std::string_view kind_name(const node& n);

/// A scalar; `text_only` as if it were in quotes.
node_ptr make_scalar(place at, std::string text, bool text_only);

inline constexpr std::size_t max_document_bytes = 1U << 20;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_weight = 16U << 20;

/// Reads one document. Syntax errors, duplicate keys, unknown tags, nesting deeper than max_depth,
/// aliases that stand for more than max_weight, and a second document are reported. An empty text
/// is an empty map. Null if nothing useful could be read.
node_ptr parse_document(std::string_view text, std::size_t file, report& findings);

}  // namespace vsoad::config
