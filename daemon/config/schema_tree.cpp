// The rows of the table as a tree.
#include <stdexcept>

#include "schema.hpp"

namespace vsoad::config {

namespace {

/// The next part of a path, without `[]`; `rest` is what follows.
std::string_view next_part(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  std::string_view part = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  if (part.ends_with("[]")) part.remove_suffix(2);
  return part;
}

schema_node make_root() {
  schema_node root;
  for (const row& r : schema_rows()) {
    schema_node* at = &root;
    for (std::string_view rest = r.path; !rest.empty();) {
      const std::string_view part = next_part(rest);
      // `<name>` stands for the keys of a mapping, which has a row of its own.
      if (part.starts_with('<')) continue;
      schema_node* below = nullptr;
      for (schema_node& child : at->children) {
        if (child.key == part) below = &child;
      }
      at = below != nullptr ? below : &at->children.emplace_back(schema_node{part, nullptr, {}});
    }
    at->declared = &r;
  }
  return root;
}

}  // namespace

const schema_node* schema_node::find(std::string_view name) const {
  for (const schema_node& child : children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

std::vector<std::string_view> schema_node::keys() const {
  std::vector<std::string_view> out;
  out.reserve(children.size());
  for (const schema_node& child : children)
    out.push_back(child.key);
  return out;
}

const schema_node& schema_root() {
  static const schema_node root = make_root();
  return root;
}

}  // namespace vsoad::config
