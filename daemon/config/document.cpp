#include "document.hpp"

#include <simdjson.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace vsoad::config {

namespace {

// Counted for each node besides its text, so that a tree of empty nodes has a weight too.
constexpr std::size_t node_weight = 16;

/// Ends the parsing of a document; the reason has been reported.
struct given_up {};

place to_place(std::size_t file, const YAML::Mark& mark) {
  if (mark.is_null()) return {file, 0, 0};
  return {file, static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// From the begin of a line, which counts from 1, to the end of the text.
std::string_view from_line(std::string_view text, std::size_t line) {
  for (; line > 1; --line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return text;
}

std::string_view line_of(std::string_view text, std::size_t line) {
  text = from_line(text, line);
  return text.substr(0, text.find('\n'));
}

/// Builds the tree from yaml-cpp's events. Its own node type is not used: it accepts duplicate
/// keys, expands aliases without a bound and loses the difference between `5` and `"5"`.
class tree_builder : public YAML::EventHandler {
 public:
  tree_builder(std::string_view text, std::size_t file, report& findings)
      : text_(text), file_(file), findings_(findings) {}

  node_ptr root() const { return root_; }
  place last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    const place at = to_place(file_, mark);
    // yaml-cpp begins a document too where a line is indented less than the first one was.
    const bool is_marked = line_of(text_, at.line).starts_with("---");
    fail(at, is_marked ? "a second document; one file holds one document"
                       : "not valid YAML: belongs to nothing above; check the indentation");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(node::kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(node::kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct frame {
    std::shared_ptr<node> value;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // map: the next value belongs to `key`
    bool duplicate = false;
    std::string key;
    place key_at;
    std::unordered_map<std::string, place> keys;
  };

  [[noreturn]] void fail(place at, std::string message) {
    findings_.error(at, path(), std::move(message));
    throw given_up{};
  }
  std::string path() const;
  bool wants_key() const {
    return !frames_.empty() && frames_.back().value->type == node::kind::map &&
           !frames_.back().has_key;
  }
  void begin(node::kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor);
  void end();
  void take_key(place at, const std::string& key);
  void take(node_ptr value);
  std::string checked_tag(place at, const std::string& tag);

  std::string_view text_;
  std::size_t file_;
  report& findings_;
  std::size_t documents_ = 0;
  place last_scalar_;
  std::vector<frame> frames_;
  std::unordered_map<YAML::anchor_t, node_ptr> anchors_;  // null: still being read
  node_ptr root_;
};

std::string tree_builder::path() const {
  std::string out;
  for (const frame& f : frames_) {
    if (f.value->type == node::kind::sequence) {
      out += '[' + std::to_string(f.value->items.size()) + ']';
    } else if (f.has_key) {
      if (!out.empty()) out += '.';
      out += shown(f.key);
    }
  }
  return out;
}

std::string tree_builder::checked_tag(place at, const std::string& tag) {
  // "?" and "!" are what yaml-cpp gives plain and quoted scalars without a tag.
  if (tag.empty() || tag == "?" || tag == "!") return {};
  if (tag == "!file" || tag == "tag:yaml.org,2002:str") return tag;
  findings_.error(at, path(), "unknown tag " + in_quotes(tag) + "; only !file is known here");
  return {};
}

void tree_builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const place at = to_place(file_, mark);
  if (wants_key()) fail(at, "a key is missing or null; write a text before the \":\"");
  auto value = std::make_shared<node>();
  value->at = at;
  value->weight = node_weight;
  if (anchor != 0) anchors_[anchor] = value;
  take(std::move(value));
}

void tree_builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const place at = to_place(file_, mark);
  const node_ptr value = anchors_[anchor];
  if (!value) fail(at, "an alias inside its own anchor; it would never end");
  if (!wants_key()) return take(value);
  if (value->type != node::kind::scalar) fail(at, "a key must be a text");
  take_key(at, value->text);
}

void tree_builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                            const std::string& text) {
  const place at = to_place(file_, mark);
  last_scalar_ = at;
  auto value = std::make_shared<node>();
  value->type = node::kind::scalar;
  value->at = at;
  value->tag = checked_tag(at, tag);
  value->text_only = tag == "!";
  if (value->tag == "tag:yaml.org,2002:str") {
    value->tag.clear();
    value->text_only = true;
  }
  value->text = text;
  value->weight = node_weight + text.size();
  if (anchor != 0) anchors_[anchor] = value;
  if (wants_key()) return take_key(at, text);
  take(std::move(value));
}

void tree_builder::take_key(place at, const std::string& key) {
  frame& top = frames_.back();
  const auto [first, is_new] = top.keys.emplace(key, at);
  top.duplicate = !is_new;
  top.has_key = true;
  top.key = key;
  top.key_at = at;
  if (is_new) return;
  findings_.error(at, path(),
                  "set twice, first at line " + std::to_string(first->second.line) + "; keep one");
}

void tree_builder::begin(node::kind kind, const YAML::Mark& mark, const std::string& tag,
                         YAML::anchor_t anchor) {
  const place at = to_place(file_, mark);
  if (wants_key())
    fail(at, "a key must be a text, not a list or a mapping; is a bracket left open?");
  if (frames_.size() == max_depth) {
    fail(at, "nested deeper than " + std::to_string(max_depth) + " levels");
  }
  frame f;
  f.value = std::make_shared<node>();
  f.value->type = kind;
  f.value->at = at;
  f.value->tag = checked_tag(at, tag);
  f.value->weight = node_weight;
  f.anchor = anchor;
  if (anchor != 0) anchors_[anchor] = nullptr;
  frames_.push_back(std::move(f));
}

void tree_builder::end() {
  frame done = std::move(frames_.back());
  frames_.pop_back();
  if (done.anchor != 0) anchors_[done.anchor] = done.value;
  take(std::move(done.value));
}

void tree_builder::take(node_ptr value) {
  if (frames_.empty()) {
    root_ = std::move(value);
    return;
  }
  frame& top = frames_.back();
  node& parent = *top.value;
  if (frames_.size() + value->height > max_depth + 1) {
    fail(value->at, "nested deeper than " + std::to_string(max_depth) + " levels");
  }
  parent.height = std::max(parent.height, value->height + 1);
  parent.weight += value->weight + (parent.type == node::kind::map ? top.key.size() : 0);
  if (parent.weight > max_weight) fail(value->at, "aliases that stand for too much; write less");
  if (parent.type == node::kind::sequence) {
    parent.items.push_back(std::move(value));
    return;
  }
  // Of a key that is set twice the first value stays; its other findings remain useful.
  if (!top.duplicate) parent.members.push_back({top.key, top.key_at, std::move(value)});
  top.has_key = false;
}

/// yaml-cpp replaces what is not UTF-8 without a word, so look first.
bool check_encoding(std::string_view text, std::size_t file, report& findings) {
  std::size_t line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view row = text.substr(begin, end - begin);
    if (!simdjson::validate_utf8(row.data(), row.size()) ||
        row.find('\0') != std::string_view::npos) {
      findings.error({file, line, 1}, "", "this line is not UTF-8 text; save the file as UTF-8");
      return false;
    }
    begin = end + 1;
  }
  return true;
}

/// yaml-cpp says that the end came too early without saying where that is.
place syntax_place(std::string_view text, std::size_t file, const YAML::Exception& e) {
  if (e.mark.line > 0 || e.mark.column > 0 || !std::string_view(e.msg).starts_with("end of ")) {
    return to_place(file, e.mark);
  }
  const std::string_view::size_type last = text.rfind('\n');
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return {file, lines + 1, text.size() - (last == std::string_view::npos ? 0 : last + 1) + 1};
}

/// What is easily done wrong, if it was done in this line.
std::string syntax_hint(std::string_view text, std::size_t line) {
  text = line_of(text, line);
  if (text.find("${") != std::string_view::npos) {
    return "; inside { } and [ ], write \"${NAME}\" in quotes";
  }
  if (text.find('\t') != std::string_view::npos) return "; indent with spaces, not tabs";
  return {};
}

/// yaml-cpp takes the end of the file for the missing end of a quoted text.
bool is_unclosed(std::string_view text, place scalar) {
  if (scalar.line == 0) return false;
  text = from_line(text, scalar.line);
  text.remove_prefix(std::min(scalar.column - 1, text.size()));
  while (text.starts_with('!') || text.starts_with('&')) {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return false;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      // Two in a row stand for one in single quotes.
      if (quote == '"' || text.substr(i + 1, 1) != "'") return false;
      ++i;
    }
  }
  return true;
}

}  // namespace

std::string_view kind_name(const node& n) {
  switch (n.type) {
    case node::kind::null:
      return "empty";
    case node::kind::scalar:
      return "a text";
    case node::kind::sequence:
      return "a list";
    case node::kind::map:
      return "a mapping";
  }
  return "";
}

node_ptr make_scalar(place at, std::string text, bool text_only) {
  auto out = std::make_shared<node>();
  out->type = node::kind::scalar;
  out->at = at;
  out->text = std::move(text);
  out->text_only = text_only;
  return out;
}

node_ptr parse_document(std::string_view text, std::size_t file, report& findings) {
  if (text.size() > max_document_bytes) {
    findings.error({file, 0, 0}, "",
                   "larger than " + std::to_string(max_document_bytes) + " bytes; split it");
    return nullptr;
  }
  if (!check_encoding(text, file, findings)) return nullptr;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // columns do not count it
  tree_builder builder(text, file, findings);
  try {
    std::istringstream input{std::string(text)};
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    const place at = syntax_place(text, file, e);
    findings.error(at, "", "not valid YAML: " + shown(e.msg) + syntax_hint(text, at.line));
    return nullptr;
  } catch (const given_up&) {
    return nullptr;
  }
  if (is_unclosed(text, builder.last_scalar())) {
    findings.error(builder.last_scalar(), "", "not valid YAML: this quote is never closed");
    return nullptr;
  }
  node_ptr root = builder.root();
  if (!root || root->type == node::kind::null) {
    auto empty = std::make_shared<node>();
    empty->type = node::kind::map;
    empty->at = {file, 1, 1};
    return empty;
  }
  if (root->type == node::kind::map) return root;
  findings.error(root->at, "",
                 "the file is " + std::string(kind_name(*root)) + "; it must be a mapping of keys");
  return nullptr;
}

}  // namespace vsoad::config
