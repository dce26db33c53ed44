#include "server/command_table.hpp"

#include <utility>

#include "vsoa/url.hpp"

namespace vsoa {

std::shared_ptr<const command_table> command_table::with(const command_table* base,
                                                         const std::string& url, entry e) {
  auto table =
      base != nullptr ? std::make_shared<command_table>(*base) : std::make_shared<command_table>();
  table->entries_[url] = std::move(e);
  return table;
}

std::shared_ptr<const command_table> command_table::of(std::vector<server::command_entry> entries) {
  auto table = std::make_shared<command_table>();
  for (auto& e : entries)
    table->entries_[e.url] = {std::move(e.handler), e.queue};
  return table;
}

const command_table::entry* command_table::find(std::string_view url) const {
  const auto match = entries_.best_match(url);
  if (!match) return nullptr;
  // What was registered is valid; only the part of the URL that a subtree leaves open may not be.
  if (match.pattern.size() != url.size() && !is_valid_url(url)) return nullptr;
  return match.value;
}

const command_table::entry* command_table::only_default() const {
  return entries_.size() == 1 ? entries_.find("/") : nullptr;
}

void command_lookup::set(std::shared_ptr<const command_table> table) {
  table_ = std::move(table);
  everything_ = table_ ? table_->only_default() : nullptr;
  recent_.clear();
}

const command_table::entry* command_lookup::search(std::string_view url) {
  if (!table_) return nullptr;
  if (everything_ != nullptr)
    return url.starts_with('/') && is_valid_url(url) ? everything_ : nullptr;
  return recent_.find(url, [this](std::string_view wanted) { return table_->find(wanted); });
}

}  // namespace vsoa
