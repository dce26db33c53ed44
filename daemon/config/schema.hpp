// The table of configuration keys. schema.cpp is the only place that knows a key: the reader, the
// checks, --print-config, the JSON Schema and the manual page vsoad.yaml(5) all come from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder.hpp"
#include "values.hpp"

namespace vsoad::config {

enum class reload_scope {
  live,     ///< a reload applies it
  restart,  ///< takes a restart
};

/// One key.
struct row {
  /// "services[].limits.outbox": `[]` after a list of sections, `<name>` or `<url>` for a key of
  /// the user's own.
  std::string_view path;
  type_spec type{};
  bool required = false;
  bool printed = true;                  ///< by --print-config
  std::vector<std::string> fallback{};  ///< as it would be written; empty: none
  reload_scope reload = reload_scope::live;
  std::string_view help{};
  std::string_view example{};
  /// Puts a value into the configuration; for `list` and `mapping`, makes room for an element, and
  /// for a word in place of a mapping too. Null: nothing to do. A `section` that has one is absent
  /// unless it is written: it has no defaults then.
  void (*store)(builder&, const value&) = nullptr;
  /// What a missing value of type `any` stands for. Null: nothing.
  node_ptr (*derive)(const builder&, place) = nullptr;
};

/// A key with the keys below it, in the order of the table. Of a list or a mapping these are the
/// keys of each element.
struct schema_node {
  std::string_view key;
  const row* declared = nullptr;
  std::vector<schema_node> children;

  const schema_node* find(std::string_view name) const;
  std::vector<std::string_view> keys() const;
};

/// All rows; a section comes before the keys in it.
const std::vector<row>& schema_rows();
/// The same as a tree. Its root has no row.
const schema_node& schema_root();

}  // namespace vsoad::config
