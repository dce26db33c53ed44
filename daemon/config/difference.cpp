// What is different between two configurations, key by key.
#include <algorithm>
#include <utility>

#include "load.hpp"
#include "schema.hpp"

namespace vsoad::config {

namespace {

/// Whether two trees say the same, secrets included.
bool equal(const node* a, const node* b) {
  if (a == nullptr || b == nullptr) return a == b;
  if (a->type != b->type || a->text != b->text || a->items.size() != b->items.size() ||
      a->members.size() != b->members.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a->items.size(); ++i) {
    if (!equal(a->items[i].get(), b->items[i].get())) return false;
  }
  for (const member& m : a->members) {
    const node* other = b->find(m.key);
    if (other == nullptr || !equal(m.value.get(), other)) return false;
  }
  return true;
}

std::string name_of(const node& element) {
  const node* const name = element.find("name");
  return name == nullptr ? std::string() : name->text;
}

class comparison {
 public:
  std::vector<difference> take() { return std::move(found_); }

  void sections(const schema_node& schema, const node* a, const node* b, const std::string& path) {
    for (const schema_node& child : schema.children) {
      keys(child, a != nullptr ? a->find(child.key) : nullptr,
           b != nullptr ? b->find(child.key) : nullptr,
           (path.empty() ? "" : path + '.') + std::string(child.key));
    }
  }

 private:
  void found(const schema_node& schema, const node* a, const node* b, std::string path) {
    const auto what = a == nullptr   ? difference::kind::added
                      : b == nullptr ? difference::kind::removed
                                     : difference::kind::changed;
    found_.push_back({std::move(path), what, schema.declared->reload == reload_scope::restart});
  }

  void keys(const schema_node& schema, const node* a, const node* b, const std::string& path) {
    if (equal(a, b)) return;
    const bool comes_or_goes = a == nullptr || b == nullptr;
    const kind what = schema.declared->type.what;
    if (what == kind::section && !comes_or_goes) return sections(schema, a, b, path);
    if (what == kind::mapping && is_map(a) && is_map(b)) return named(schema, a, b, path);
    if (what == kind::list && !comes_or_goes && has_names(*a) && has_names(*b))
      return elements(schema, *a, *b, path);
    // A section that is new says no more than its keys do; what needs a restart is named by key.
    if (what == kind::section && contains_restart(schema)) return sections(schema, a, b, path);
    found(schema, a, b, path);
  }

  static bool is_map(const node* n) { return n == nullptr || n->type == node::kind::map; }

  static bool contains_restart(const schema_node& schema) {
    return std::any_of(schema.children.begin(), schema.children.end(), [](const auto& child) {
      return child.declared->reload == reload_scope::restart || contains_restart(child);
    });
  }

  static bool has_names(const node& list) {
    return std::all_of(list.items.begin(), list.items.end(),
                       [](const auto& item) { return !name_of(*item).empty(); });
  }

  /// Keys of the user's own: names of plugins, URLs.
  void named(const schema_node& schema, const node* a, const node* b, const std::string& path) {
    const auto each = [&](const node* in, const node* other, bool only_missing) {
      if (in == nullptr) return;
      for (const member& m : in->members) {
        const node* const there = other == nullptr ? nullptr : other->find(m.key);
        if (only_missing && there != nullptr) continue;
        const std::string at = path + '.' + m.key;
        const node* const first = only_missing ? nullptr : m.value.get();
        const node* const second = only_missing ? m.value.get() : there;
        if (equal(first, second)) continue;
        if (first == nullptr || second == nullptr || schema.children.empty()) {
          found(schema, first, second, at);
        } else {
          sections(schema, first, second, at);
        }
      }
    };
    each(a, b, false);
    each(b, a, true);
  }

  /// Elements of a list, by name.
  void elements(const schema_node& schema, const node& a, const node& b, const std::string& path) {
    const auto find = [](const node& list, const std::string& name) -> const node* {
      for (const auto& item : list.items) {
        if (name_of(*item) == name) return item.get();
      }
      return nullptr;
    };
    const std::size_t before = found_.size();
    for (const auto& item : a.items) {
      const std::string name = name_of(*item);
      const std::string at = path + '[' + name + ']';
      const node* const other = find(b, name);
      if (other == nullptr) {
        found(schema, item.get(), nullptr, at);
      } else if (!equal(item.get(), other)) {
        sections(schema, item.get(), other, at);
      }
    }
    for (const auto& item : b.items) {
      const std::string name = name_of(*item);
      if (find(a, name) == nullptr) found(schema, nullptr, item.get(), path + '[' + name + ']');
    }
    if (found_.size() == before) found(schema, &a, &b, path);  // another order
  }

  std::vector<difference> found_;
};

}  // namespace

std::string to_string(const difference& d) {
  switch (d.what) {
    case difference::kind::added:
      return d.path + ": added";
    case difference::kind::removed:
      return d.path + ": removed";
    case difference::kind::changed:
      break;
  }
  return d.path + ": changed";
}

std::vector<difference> differences(const load_result& now, const load_result& wanted) {
  comparison c;
  c.sections(schema_root(), now.document.get(), wanted.document.get(), "");
  return c.take();
}

}  // namespace vsoad::config
