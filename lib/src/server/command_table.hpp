// Which handler serves an RPC's URL. Never changes once built: a new table replaces it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vsoa/server.hpp"
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

 private:
  url_map<entry> entries_;
};

}  // namespace vsoa
