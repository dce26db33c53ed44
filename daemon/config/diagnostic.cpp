#include "diagnostic.hpp"

#include <algorithm>
#include <tuple>

namespace vsoad::config {

namespace {

constexpr std::size_t max_shown_bytes = 100;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

void append_position(std::string& out, std::size_t line, std::size_t column) {
  if (line == 0) return;
  out += ':' + std::to_string(line) + ':' + std::to_string(column);
}

}  // namespace

std::string shown(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::size_t end = std::min(text.size(), max_shown_bytes);
  if (end < text.size()) {
    while (end > 0 && is_continuation(text[end]))
      --end;
  }
  std::string out;
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  if (end < text.size()) out += "...";
  return out;
}

std::string in_quotes(std::string_view text) {
  return '"' + shown(text) + '"';
}

std::string to_string(const diagnostic& d) {
  std::string out = d.file;
  append_position(out, d.line, d.column);
  out += d.level == severity::warning ? ": warning: " : ": ";
  if (!d.key.empty()) out += d.key + ": ";
  return out + d.message;
}

std::size_t report::add_file(std::string name) {
  files_.push_back(std::move(name));
  return files_.size() - 1;
}

void report::error(place at, std::string_view key, std::string message) {
  ++errors_;
  add(severity::error, at, key, std::move(message));
}

void report::warning(place at, std::string_view key, std::string message) {
  add(severity::warning, at, key, std::move(message));
}

void report::add(severity level, place at, std::string_view key, std::string message) {
  if (findings_.size() == max_findings) {
    ++dropped_;
    return;
  }
  findings_.push_back({level, at, std::string(key), std::move(message)});
}

bool report::has_error_below(std::string_view key) const {
  return std::any_of(findings_.begin(), findings_.end(), [key](const finding& f) {
    return f.level == severity::error && f.key.size() > key.size() && f.key.starts_with(key) &&
           (f.key[key.size()] == '.' || f.key[key.size()] == '[');
  });
}

std::string report::where(place at) const {
  std::string out = files_[at.file];
  append_position(out, at.line, at.column);
  return out;
}

std::vector<diagnostic> report::sorted() const {
  std::vector<const finding*> order;
  order.reserve(findings_.size());
  for (const finding& f : findings_)
    order.push_back(&f);
  std::stable_sort(order.begin(), order.end(), [](const finding* a, const finding* b) {
    return std::tie(a->at.file, a->at.line, a->at.column) <
           std::tie(b->at.file, b->at.line, b->at.column);
  });
  std::vector<diagnostic> out;
  out.reserve(order.size() + 1);
  for (const finding* f : order) {
    out.push_back({f->level, files_[f->at.file], f->at.line, f->at.column, f->key, f->message});
  }
  if (dropped_ != 0) {
    out.push_back({severity::error, files_.front(), 0, 0, "",
                   "and " + std::to_string(dropped_) + " more findings, not shown"});
  }
  return out;
}

}  // namespace vsoad::config
