#include "reader.hpp"

#include <unordered_set>

#include "ascii.hpp"
#include "json.hpp"
#include "suggest.hpp"

namespace vsoad::config {

namespace {

std::shared_ptr<node> empty_node(node::kind kind, place at) {
  auto out = std::make_shared<node>();
  out->type = kind;
  out->at = at;
  return out;
}

std::string element_path(const std::string& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

bool is_null_word(std::string_view text) {
  return text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// Whether a member of a plugin's settings is called as secrets are.
bool is_secret_name(std::string_view key) {
  const std::string name = lower(key);
  for (const char* word : {"password", "passwd", "passphrase", "secret", "token"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return name == "key" || name.ends_with("_key") || name.ends_with("-key") || key.ends_with("Key");
}

node_ptr masked(const node_ptr& tree) {
  if (!tree || tree->type == node::kind::null) return tree;
  auto out = std::make_shared<node>(*tree);
  out->secret = true;
  for (node_ptr& item : out->items)
    item = masked(item);
  for (member& m : out->members)
    m.value = masked(m.value);
  return out;
}

/// All paths of the schema that end with this key, for somebody who wrote it at the wrong place.
std::string paths_of(std::string_view key) {
  std::string out;
  for (const row& r : schema_rows()) {
    if (r.path.size() > key.size() && r.path.ends_with(key) &&
        r.path[r.path.size() - key.size() - 1] == '.') {
      out += (out.empty() ? "" : ", ") + std::string(r.path);
    }
  }
  return out;
}

bool is_from_variable(const node& written) {
  return written.text.find("${") != std::string::npos;
}

std::string no_good_secret(const node& scalar, const type_spec& type) {
  return std::string("what ") + (scalar.secret ? "the file holds" : "it stands for") +
         " is no good here; write " + type_phrase(type);
}

}  // namespace

std::string join_path(std::string_view path, std::string_view key) {
  std::string out(path);
  if (!out.empty()) out += '.';
  return out + shown(key);
}

node_ptr reader::read_root(const node_ptr& document) {
  const auto out = empty_node(node::kind::map, document->at);
  read_members(schema_root(), *document, "", *out);
  return out;
}

node_ptr reader::read(const schema_node& schema, const node_ptr& written, const std::string& path) {
  const row& r = *schema.declared;
  switch (r.type.what) {
    case kind::section:
      return read_section(schema, written, path);
    case kind::list:
      return read_list(schema, written, path);
    case kind::mapping:
      return read_mapping(schema, written, path);
    case kind::any:
      return read_any(r, written, path);
    default:
      return r.type.many ? read_values(r, written, path) : read_value(r, written, path);
  }
}

void reader::unknown_key(const schema_node& schema, const member& m, const std::string& path) {
  const std::vector<std::string_view> known = schema.keys();
  std::string message = "unknown key";
  const std::string hint = did_you_mean(m.key, known);
  if (!hint.empty()) {
    message += hint;
  } else if (const std::string elsewhere = paths_of(m.key); !elsewhere.empty()) {
    message += "; it belongs at " + elsewhere;
  } else {
    message += "; known here: " + all_of(known);
  }
  findings_.error(m.at, join_path(path, m.key), std::move(message));
}

void reader::read_members(const schema_node& schema, const node& written, const std::string& path,
                          node& out) {
  for (const member& m : written.members) {
    if (schema.find(m.key) == nullptr) unknown_key(schema, m, path);
  }
  for (const schema_node& child : schema.children) {
    const std::string child_path = join_path(path, child.key);
    const member* found = nullptr;
    for (const member& m : written.members) {
      if (m.key == child.key) found = &m;
    }
    node_ptr result = found != nullptr ? read(child, found->value, child_path)
                                       : read_absent(child, written.at, child_path);
    if (result && child.declared->printed) {
      out.members.push_back(
          {std::string(child.key), found != nullptr ? found->at : written.at, std::move(result)});
    }
  }
}

node_ptr reader::read_absent(const schema_node& schema, place at, const std::string& path) {
  const row& r = *schema.declared;
  if (r.required) {
    findings_.error(
        at, path,
        "missing; write one such as " + std::string(schema.key) + ": " + std::string(r.example));
    return nullptr;
  }
  if (r.derive != nullptr) return read_any(r, r.derive(target_, at), path);
  if (r.type.what == kind::section) {
    if (r.store != nullptr) return nullptr;
    return read_section(schema, empty_node(node::kind::map, at), path);
  }
  if (r.type.what == kind::list) return empty_node(node::kind::sequence, at);
  if (r.type.what == kind::mapping) return empty_node(node::kind::map, at);
  if (!r.type.many) {
    return r.fallback.empty() ? nullptr
                              : read_value(r, make_scalar(at, r.fallback.front(), false), path);
  }
  const auto all = empty_node(node::kind::sequence, at);
  for (const std::string& text : r.fallback)
    all->items.push_back(make_scalar(at, text, false));
  return all->items.empty() ? all : read_values(r, all, path);
}

bool reader::check_kind(const node& written, node::kind wanted, const row& r,
                        const std::string& path) {
  if (written.type == wanted && written.tag.empty()) return true;
  std::string message = "is " + std::string(kind_name(written)) + "; write " + type_phrase(r.type);
  if (written.type == wanted) message = "can't come from a " + written.tag;
  findings_.error(written.at, path, std::move(message));
  return false;
}

node_ptr reader::read_section(const schema_node& schema, const node_ptr& written,
                              const std::string& path) {
  const auto out = empty_node(node::kind::map, written->at);
  if (schema.declared->store != nullptr) {
    value v;
    v.at = written->at;
    v.path = path;
    schema.declared->store(target_, v);
  }
  // A section whose keys are all commented out is null to YAML.
  if (written->type == node::kind::null) {
    read_members(schema, *empty_node(node::kind::map, written->at), path, *out);
  } else if (check_kind(*written, node::kind::map, *schema.declared, path)) {
    read_members(schema, *written, path, *out);
  }
  return out;
}

node_ptr reader::read_list(const schema_node& schema, const node_ptr& written,
                           const std::string& path) {
  const auto out = empty_node(node::kind::sequence, written->at);
  if (written->type == node::kind::null ||
      !check_kind(*written, node::kind::sequence, *schema.declared, path)) {
    return out;
  }
  for (std::size_t i = 0; i < written->items.size(); ++i) {
    const node& item = *written->items[i];
    const std::string item_path = element_path(path, i);
    if (item.type != node::kind::map || !item.tag.empty()) {
      findings_.error(item.at, item_path,
                      "is " + std::string(kind_name(item)) + "; write a mapping with the keys " +
                          all_of(schema.keys()));
      continue;
    }
    value v;
    v.at = item.at;
    v.path = item_path;
    schema.declared->store(target_, v);
    const auto element = empty_node(node::kind::map, item.at);
    read_members(schema, item, item_path, *element);
    out->items.push_back(element);
  }
  return out;
}

node_ptr reader::read_mapping(const schema_node& schema, const node_ptr& written,
                              const std::string& path) {
  const row& r = *schema.declared;
  const auto out = empty_node(node::kind::map, written->at);
  if (written->type == node::kind::null) return out;
  if (written->type == node::kind::scalar && !r.type.words.empty()) {
    const node_ptr scalar = expand_.expand(written, path);
    if (!scalar) return out;
    if (scalar->text != r.type.words.front()) {
      findings_.error(written->at, path,
                      in_quotes(scalar->text) + " is not allowed here; write " +
                          type_phrase(r.type) + did_you_mean(scalar->text, r.type.words));
      return out;
    }
    value v;
    v.text = scalar->text;
    v.word = true;
    r.store(target_, v);
    return make_scalar(written->at, v.text, false);
  }
  if (written->type == node::kind::sequence && r.type.names_allowed) {
    return read_names(schema, *written, path);
  }
  if (!check_kind(*written, node::kind::map, r, path)) return out;
  for (const member& m : written->members) {
    read_element(schema, m.key, m.at, m.value, join_path(path, m.key), *out);
  }
  return out;
}

/// A list of keys in place of a mapping.
node_ptr reader::read_names(const schema_node& schema, const node& written,
                            const std::string& path) {
  const auto out = empty_node(node::kind::map, written.at);
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < written.items.size(); ++i) {
    const node_ptr& item = written.items[i];
    const std::string item_path = element_path(path, i);
    if (item->type != node::kind::scalar) {
      findings_.error(item->at, item_path,
                      "is " + std::string(kind_name(*item)) + "; write a name");
      continue;
    }
    const node_ptr name = expand_.expand(item, item_path);
    if (!name) continue;
    if (!seen.insert(name->text).second) {
      findings_.error(item->at, item_path,
                      in_quotes(name->text) + " is in the list twice; keep one");
      continue;
    }
    read_element(schema, name->text, item->at, empty_node(node::kind::null, item->at), item_path,
                 *out);
  }
  return out;
}

void reader::read_element(const schema_node& schema, const std::string& key, place at,
                          const node_ptr& written, const std::string& path, node& out) {
  const row& r = *schema.declared;
  value v;
  v.at = at;
  v.path = path;
  const std::string problem = parse_value(plain(r.type.key), *make_scalar(at, key, true), v);
  if (!problem.empty()) findings_.error(at, path, problem);
  v.text = key;
  r.store(target_, v);
  const auto element = empty_node(node::kind::map, written->at);
  out.members.push_back({key, at, element});
  if (written->type == node::kind::null) {
    read_members(schema, *empty_node(node::kind::map, at), path, *element);
  } else if (written->type == node::kind::map && written->tag.empty()) {
    read_members(schema, *written, path, *element);
  } else {
    findings_.error(written->at, path,
                    "is " + std::string(kind_name(*written)) + "; write a mapping with the keys " +
                        all_of(schema.keys()));
  }
}

node_ptr reader::read_values(const row& r, const node_ptr& written, const std::string& path) {
  const auto out = empty_node(node::kind::sequence, written->at);
  if (written->type != node::kind::sequence) {
    if (node_ptr one = read_value(r, written, path)) out->items.push_back(std::move(one));
    return out;
  }
  if (written->items.empty() && r.required) {
    findings_.error(written->at, path,
                    "is an empty list; write at least one, such as " + std::string(r.example));
  }
  for (std::size_t i = 0; i < written->items.size(); ++i) {
    node_ptr item = read_value(r, written->items[i], element_path(path, i));
    if (item) out->items.push_back(std::move(item));
  }
  return out;
}

node_ptr reader::read_value(const row& r, const node_ptr& written, const std::string& path) {
  if (written->type == node::kind::null) {
    findings_.error(
        written->at, path,
        "has no value; write one such as " + std::string(r.example) + ", or remove the key");
    return nullptr;
  }
  if (written->type != node::kind::scalar) {
    findings_.error(written->at, path,
                    "is " + std::string(kind_name(*written)) + "; write " + type_phrase(r.type) +
                        ", such as " + std::string(r.example));
    return nullptr;
  }
  const node_ptr scalar = expand_.expand(written, path);
  if (!scalar) return nullptr;
  value v;
  std::string problem = parse_value(r.type, *scalar, v);
  if (!problem.empty()) {
    // The message may quote what is kept out of the file.
    const bool is_hidden = r.type.what == kind::secret && is_from_variable(*written);
    if (scalar->secret || is_hidden) problem = no_good_secret(*scalar, r.type);
    findings_.error(written->at, path, std::move(problem));
    return nullptr;
  }
  v.at = written->at;
  v.path = path;
  if (r.store != nullptr) r.store(target_, v);
  node_ptr printed = print_value(r.type, v);
  return r.type.what == kind::secret || scalar->secret ? masked(printed) : printed;
}

/// The same tree, variables and secrets filled in. Null if there is something wrong in it.
node_ptr reader::copy_any(const node_ptr& written, const std::string& path, std::size_t& bytes) {
  if (written->type == node::kind::scalar) {
    node_ptr scalar = expand_.expand(written, path);
    if (!scalar) return nullptr;
    if (!scalar->text_only && is_null_word(scalar->text)) {
      return empty_node(node::kind::null, written->at);
    }
    if (is_from_variable(*written) && !scalar->secret) {
      // What comes from the environment of a plugin's settings may be a token: not to be printed.
      scalar = masked(scalar);
    }
    bytes += scalar->text.size();
    const json_scalar json = scalar_to_json(*scalar);
    if (json.problem.empty()) return scalar;
    findings_.error(written->at, path,
                    scalar->secret ? "what it stands for has several meanings; put it in quotes"
                                   : json.problem);
    return nullptr;
  }
  if (!written->tag.empty()) {
    findings_.error(written->at, path, "can't come from a " + written->tag);
    return nullptr;
  }
  const auto out = empty_node(written->type, written->at);
  bool good = true;
  const auto add = [&](const node_ptr& child, const std::string& child_path) {
    // The JSON has at least two bytes more for each value. Once too large, reading on is no use.
    bytes += 2;
    node_ptr copy = bytes > max_weight ? nullptr : copy_any(child, child_path, bytes);
    good = good && copy != nullptr;
    return copy;
  };
  for (std::size_t i = 0; i < written->items.size(); ++i) {
    out->items.push_back(add(written->items[i], element_path(path, i)));
  }
  for (const member& m : written->members) {
    bytes += m.key.size();
    node_ptr value = add(m.value, join_path(path, m.key));
    if (is_secret_name(m.key)) value = masked(value);
    out->members.push_back({m.key, m.at, std::move(value)});
  }
  return good ? out : nullptr;
}

node_ptr reader::read_any(const row& r, const node_ptr& written, const std::string& path) {
  std::size_t bytes = 0;
  node_ptr copy = copy_any(written, path, bytes);
  value v;
  if (copy) v.text = to_json(*copy);
  if (bytes > max_weight || v.text.size() > r.type.max) {
    findings_.error(written->at, path, "is too large; allowed is " + range_text(r.type));
    return nullptr;
  }
  if (!copy) return nullptr;
  v.at = written->at;
  v.path = path;
  r.store(target_, v);
  return copy;
}

}  // namespace vsoad::config
