// Columns for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "output.hpp"

namespace vsoad::ctl {

class table {
 public:
  /// @param heads  a '>' before one: the column is aligned to the right
  explicit table(const std::vector<std::string_view>& heads);

  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const noexcept { return rows_.size() == 1; }
  /// Columns as wide as need be, two blanks between, `indent` before. What is empty is a dash.
  void print(const output& out, std::size_t indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first is the heads
  std::vector<bool> is_right_;
};

}  // namespace vsoad::ctl
