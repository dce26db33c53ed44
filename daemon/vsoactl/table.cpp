#include "table.hpp"

#include <algorithm>

namespace vsoad::ctl {
namespace {

// Characters, as far as each takes one place.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

table::table(const std::vector<std::string_view>& heads) : rows_(1) {
  for (std::string_view head : heads) {
    is_right_.push_back(head.starts_with('>'));
    if (is_right_.back()) head.remove_prefix(1);
    rows_.front().emplace_back(head);
  }
}

void table::print(const output& out, std::size_t indent) const {
  std::vector<std::size_t> widths(is_right_.size(), 1);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = row[i].empty() ? "-" : row[i];
      const std::string blanks(widths[i] - width(cell), ' ');
      line += is_right_[i] ? blanks + cell : cell + blanks;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    const bool is_head = &row == &rows_.front();
    const palette& p = out.colours();
    out.line(is_head ? std::string(p.dim) + line + std::string(p.off) : line);
  }
}

}  // namespace vsoad::ctl
