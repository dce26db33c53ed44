// Walks a document along the schema: checks each value, puts it into the configuration, and makes
// the document with every default filled in.
#pragma once

#include <string>
#include <string_view>

#include "builder.hpp"
#include "expand.hpp"
#include "schema.hpp"

namespace vsoad::config {

/// "services[0]" and "name" make "services[0].name".
std::string join_path(std::string_view path, std::string_view key);

class reader {
 public:
  reader(report& findings, expander& expand, builder& target)
      : findings_(findings), expand_(expand), target_(target) {}

  /// The document with all defaults; findings are reported.
  node_ptr read_root(const node_ptr& document);

 private:
  using node_builder = std::shared_ptr<node>;

  node_ptr read(const schema_node& schema, const node_ptr& written, const std::string& path);
  node_ptr read_absent(const schema_node& schema, place at, const std::string& path);
  void read_members(const schema_node& schema, const node& written, const std::string& path,
                    node& out);
  node_ptr read_section(const schema_node& schema, const node_ptr& written,
                        const std::string& path);
  node_ptr read_list(const schema_node& schema, const node_ptr& written, const std::string& path);
  node_ptr read_mapping(const schema_node& schema, const node_ptr& written,
                        const std::string& path);
  node_ptr read_names(const schema_node& schema, const node& written, const std::string& path);
  void read_element(const schema_node& schema, const std::string& key, place at,
                    const node_ptr& written, const std::string& path, node& out);
  node_ptr read_values(const row& r, const node_ptr& written, const std::string& path);
  node_ptr read_value(const row& r, const node_ptr& written, const std::string& path);
  node_ptr read_any(const row& r, const node_ptr& written, const std::string& path);
  node_ptr copy_any(const node_ptr& written, const std::string& path, std::size_t& bytes);
  bool check_kind(const node& written, node::kind wanted, const row& r, const std::string& path);
  void unknown_key(const schema_node& schema, const member& m, const std::string& path);

  report& findings_;
  expander& expand_;
  builder& target_;
};

}  // namespace vsoad::config
