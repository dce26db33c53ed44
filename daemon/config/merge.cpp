#include "merge.hpp"

#include <unordered_map>

#include "reader.hpp"

namespace vsoad::config {

namespace {

class merger {
 public:
  explicit merger(report& findings) : findings_(findings) {}

  /// @param schema  null: of this key nothing is known, so nothing can be merged
  node_ptr merge(const schema_node* schema, const member& into, const member& from,
                 const std::string& path) {
    if (into.value->type == node::kind::null) return from.value;
    if (from.value->type == node::kind::null) return into.value;
    const bool both_maps =
        into.value->type == node::kind::map && from.value->type == into.value->type;
    const bool both_lists =
        into.value->type == node::kind::sequence && from.value->type == into.value->type;
    if (schema != nullptr && both_maps && is_merged(*schema)) {
      const bool named = schema->declared->type.what == kind::mapping;
      return merge_members(named ? nullptr : schema, *into.value, *from.value, path);
    }
    if (schema != nullptr && both_lists) return append(*into.value, *from.value);
    findings_.error(from.at, path,
                    "set twice, first at " + findings_.where(into.at) + "; keep one");
    return into.value;
  }

  /// @param schema  of the mapping; null: its keys are the user's own
  node_ptr merge_members(const schema_node* schema, const node& into, const node& from,
                         const std::string& path) {
    auto out = std::make_shared<node>(into);
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < into.members.size(); ++i)
      index.emplace(into.members[i].key, i);
    for (const member& m : from.members) {
      const auto found = index.find(m.key);
      if (found == index.end()) {
        out->members.push_back(m);
        continue;
      }
      member& mine = out->members[found->second];
      const schema_node* below = schema != nullptr ? schema->find(m.key) : nullptr;
      mine.value = merge(below, mine, m, join_path(path, m.key));
    }
    return out;
  }

 private:
  static bool is_merged(const schema_node& schema) {
    if (schema.declared == nullptr) return true;
    const kind type = schema.declared->type.what;
    return type == kind::section || type == kind::mapping;
  }

  static node_ptr append(const node& into, const node& from) {
    auto out = std::make_shared<node>(into);
    out->items.insert(out->items.end(), from.items.begin(), from.items.end());
    return out;
  }

  report& findings_;
};

}  // namespace

node_ptr merge_documents(const node_ptr& into, const node_ptr& from, report& findings) {
  return merger(findings).merge_members(&schema_root(), *into, *from, "");
}

}  // namespace vsoad::config
