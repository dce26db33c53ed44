// Which handler serves an RPC's URL. Never changes once built: a new table replaces it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/server.hpp"
#include "vsoa/url_cache.hpp"
#include "vsoa/url_map.hpp"

namespace vsoa {

class command_table {
 public:
  struct entry {
    command_handler handler;
    work_queue* queue = nullptr;
  };

  /// A copy of `base` (null: empty) with one command more, or replaced.
  static std::shared_ptr<const command_table> with(const command_table* base,
                                                   const std::string& url, entry e);
  static std::shared_ptr<const command_table> of(std::vector<server::command_entry> entries);

  /// Exact, else the longest subtree, else "/", else null. A URL that is not UTF-8 is nobody's.
  const entry* find(std::string_view url) const;
  /// The command "/", if it is the only one: whatever is called is its own. Else null.
  const entry* only_default() const;

 private:
  url_map<entry> entries_;
};

/// A table as one loop uses it: remembers the answers for the URLs asked last.
class command_lookup {
 public:
  void set(std::shared_ptr<const command_table> table);
  const std::shared_ptr<const command_table>& table() const noexcept { return table_; }
  /// As command_table::find(); null also without a table.
  const command_table::entry* find(std::string_view url) {
    return recent_.is_last(url) ? recent_.last() : search(url);
  }

 private:
  const command_table::entry* search(std::string_view url);

  std::shared_ptr<const command_table> table_;
  // With it there is nothing to look for and nothing worth remembering: all that is asked may be
  // new, as what the process of an isolated plugin is asked always is.
  const command_table::entry* everything_ = nullptr;
  url_cache<command_table::entry> recent_;
};

}  // namespace vsoa
