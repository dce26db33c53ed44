// Which keys of two configurations differ, and can't be changed by a reload.
#include <algorithm>

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

class comparison {
 public:
  std::vector<std::string> take() { return std::move(found_); }

  void sections(const schema_node& schema, const node* a, const node* b, const std::string& path) {
    for (const schema_node& child : schema.children) {
      const std::string child_path = (path.empty() ? "" : path + '.') + std::string(child.key);
      keys(child, a != nullptr ? a->find(child.key) : nullptr,
           b != nullptr ? b->find(child.key) : nullptr, child_path);
    }
  }

 private:
  void keys(const schema_node& schema, const node* a, const node* b, const std::string& path) {
    if (equal(a, b)) return;
    const row& r = *schema.declared;
    const bool comes_or_goes = (a == nullptr) != (b == nullptr);
    if (r.type.what == kind::section && !(comes_or_goes && r.reload == reload_scope::restart)) {
      return sections(schema, a, b, path);
    }
    if (r.reload == reload_scope::restart) {
      found_.push_back(path);
      return;
    }
    if (r.type.what != kind::list || a == nullptr || b == nullptr) return;
    // Elements have no names to the schema; those at one place are taken for the same.
    const std::size_t count = std::max(a->items.size(), b->items.size());
    for (std::size_t i = 0; i < count; ++i) {
      sections(schema, i < a->items.size() ? a->items[i].get() : nullptr,
               i < b->items.size() ? b->items[i].get() : nullptr,
               path + '[' + std::to_string(i) + ']');
    }
  }

  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> needs_restart(const load_result& now, const load_result& wanted) {
  comparison c;
  c.sections(schema_root(), now.document.get(), wanted.document.get(), "");
  return c.take();
}

}  // namespace vsoad::config
