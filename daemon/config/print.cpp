#include "print.hpp"

#include <algorithm>
#include <cctype>

#include "ascii.hpp"
#include "expand.hpp"
#include "json.hpp"

namespace vsoad::config {

namespace {

constexpr std::string_view mask = "********";

bool all_harmless(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("_./+-").find(c) != std::string::npos;
  });
}

/// Whether a string may be written without quotes and is a string still, to YAML 1.1 and 1.2.
bool is_plain_string(std::string_view text) {
  if (text.empty() || !all_harmless(text)) return false;
  if (!is_letter(text.front()) && text.front() != '_' && text.front() != '/') return false;
  if (text == "null" || text == "Null" || text == "NULL") return false;
  const json_scalar json = scalar_to_json(*make_scalar({}, std::string(text), false));
  return json.problem.empty() && json.text.front() == '"';
}

/// A number, a boolean, a duration or a size: nothing that YAML has another use for.
bool is_value(const node& scalar) {
  if (scalar.text.empty() || !all_harmless(scalar.text)) return false;
  return is_digit(scalar.text.front()) || scalar_to_json(scalar).text.front() != '"';
}

std::string scalar_text(const node& scalar) {
  if (scalar.secret) return json_string(mask);
  const bool plain = is_plain_string(scalar.text) || (!scalar.text_only && is_value(scalar));
  // YAML's double-quoted style is JSON's.
  return plain ? scalar.text : json_string(escape_variables(scalar.text));
}

std::string key_text(std::string_view key) {
  return is_plain_string(key) ? std::string(key) : json_string(key);
}

class printer {
 public:
  std::string take() { return std::move(out_); }

  void members(const node& map, std::size_t indent, bool first_is_inline) {
    bool first = first_is_inline;
    for (const member& m : map.members) {
      if (!first) out_.append(indent, ' ');
      first = false;
      out_ += key_text(m.key) + ':';
      value(*m.value, indent + 2);
    }
  }

 private:
  void value(const node& n, std::size_t indent) {
    switch (n.type) {
      case node::kind::null:
        out_ += " null\n";
        return;
      case node::kind::scalar:
        out_ += ' ' + scalar_text(n) + '\n';
        return;
      case node::kind::map:
        out_ += n.members.empty() ? " {}\n" : "\n";
        members(n, indent, false);
        return;
      case node::kind::sequence:
        out_ += n.items.empty() ? " []\n" : "\n";
        for (const node_ptr& item : n.items) {
          out_.append(indent, ' ');
          out_ += '-';
          list_item(*item, indent + 2);
        }
        return;
    }
  }

  void list_item(const node& item, std::size_t indent) {
    if (item.type != node::kind::map || item.members.empty()) return value(item, indent);
    out_ += ' ';
    members(item, indent, true);
  }

  std::string out_;
};

}  // namespace

std::string print_yaml(const node& document) {
  printer p;
  p.members(document, 0, false);
  return p.take();
}

}  // namespace vsoad::config
