// The table of keys as a JSON Schema, so that editors complete, explain and check.
#include <initializer_list>
#include <utility>

#include "expand.hpp"
#include "generate.hpp"
#include "json.hpp"
#include "schema.hpp"

namespace vsoad::config {

namespace {

using fields = std::vector<std::pair<std::string, node_ptr>>;

// A JSON Schema is JSON, and a node is all that JSON can be.
node_ptr string_node(std::string_view text) {
  return make_scalar({}, std::string(text), true);
}
node_ptr literal(std::string_view text) {
  return make_scalar({}, std::string(text), false);
}
node_ptr number_node(std::uint64_t n) {
  return literal(std::to_string(n));
}

node_ptr object(const fields& members) {
  auto out = std::make_shared<node>();
  out->type = node::kind::map;
  for (const auto& [key, value] : members) {
    if (value) out->members.push_back({key, {}, value});
  }
  return out;
}

node_ptr array(std::vector<node_ptr> items) {
  auto out = std::make_shared<node>();
  out->type = node::kind::sequence;
  out->items = std::move(items);
  return out;
}

node_ptr reference(std::string_view name) {
  return object({{"$ref", string_node("#/definitions/" + std::string(name))}});
}

node_ptr pattern(std::string_view expression) {
  return object({{"type", string_node("string")}, {"pattern", string_node(expression)}});
}

node_ptr any_of(std::vector<node_ptr> choices) {
  return object({{"anyOf", array(std::move(choices))}});
}

node_ptr definitions() {
  return object({
      {"variable", pattern(R"(\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\})")},
      {"duration", pattern(R"(^(0|[1-9][0-9]*)(ms|s|m|h)$)")},
      {"size", object({{"type", array({string_node("integer"), string_node("string")})},
                       {"pattern", string_node(R"(^(0|[1-9][0-9]*)(KiB|MiB|GiB)?$)")}})},
      {"name", pattern(R"(^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$)")},
      {"service", pattern(R"(^[^/\\:@?#\[\]"\s]{1,255}$)")},
      {"url", pattern("^/")},
      {"listen", pattern(R"(^([0-9.]+|\[[^\]]+\]):[0-9]{1,5}$)")},
      {"address", pattern(R"(^([0-9.]+|\[[^\]]+\]|[0-9A-Fa-f:]+)(:[0-9]{1,5})?$)")},
      {"ip", pattern(R"(^([0-9.]+|[0-9A-Fa-f:.]+(%.+)?)$)")},
  });
}

node_ptr words_schema(const std::vector<std::string_view>& words) {
  std::vector<node_ptr> all;
  all.reserve(words.size());
  for (const std::string_view word : words)
    all.push_back(string_node(word));
  return object({{"enum", array(std::move(all))}});
}

node_ptr text_schema(const type_spec& type) {
  return object({{"type", string_node("string")},
                 {"minLength", number_node(type.min)},
                 {"maxLength", number_node(type.max)}});
}

node_ptr integer_schema(const type_spec& type) {
  return object({{"type", string_node("integer")},
                 {"minimum", number_node(type.min)},
                 {"maximum", number_node(type.max)}});
}

/// One value, not yet a list of them.
node_ptr single_schema(const type_spec& type) {
  const node_ptr variable = reference("variable");
  switch (type.what) {
    case kind::boolean:
      return any_of({object({{"type", string_node("boolean")}}), variable});
    case kind::integer:
      if (type.words.empty()) return any_of({integer_schema(type), variable});
      return any_of({integer_schema(type), words_schema(type.words), variable});
    case kind::duration:
      return any_of({reference("duration"), variable});
    case kind::size:
      return any_of({reference("size"), variable});
    case kind::choice:
      return any_of({words_schema(type.words), variable});
    case kind::name:
      return any_of({reference("name"), variable});
    case kind::service:
      return any_of({reference("service"), variable});
    case kind::url:
      return any_of({reference("url"), variable});
    case kind::listen:
      return any_of({reference("listen"), variable});
    case kind::address:
      return any_of({reference("address"), variable});
    case kind::ip:
      return any_of({reference("ip"), variable});
    case kind::secret:
    case kind::text:
      return text_schema(type);
    default:
      return object({});
  }
}

node_ptr default_of(const row& r) {
  if (r.fallback.empty()) return nullptr;
  std::vector<node_ptr> all;
  for (const std::string& text : r.fallback)
    all.push_back(literal(text));
  return all.size() == 1 ? all.front() : array(std::move(all));
}

/// `plain` with help and default of the key.
node_ptr described(const row& r, const node_ptr& plain) {
  auto out = std::make_shared<node>(*plain);
  std::string help(r.help);
  const std::string range = range_text(r.type);
  if (!range.empty()) help += " Allowed: " + range + '.';
  out->members.push_back({"description", {}, string_node(help)});
  if (node_ptr fallback = default_of(r)) out->members.push_back({"default", {}, fallback});
  return out;
}

node_ptr node_schema(const schema_node& schema);

/// The keys of a section, or of an element of a list or mapping. It may be left empty in YAML
/// unless something in it is required.
node_ptr keys_schema(const schema_node& schema) {
  fields properties;
  std::vector<node_ptr> required;
  for (const schema_node& child : schema.children) {
    properties.emplace_back(child.key, node_schema(child));
    if (child.declared->required) required.push_back(string_node(child.key));
  }
  return object({
      {"type", required.empty() ? array({string_node("object"), string_node("null")})
                                : string_node("object")},
      {"additionalProperties", literal("false")},
      {"properties", object(properties)},
      {"required", required.empty() ? nullptr : array(required)},
  });
}

node_ptr mapping_schema(const schema_node& schema) {
  const type_spec& type = schema.declared->type;
  const std::string_view keys = type.key == kind::url ? "url" : "name";
  node_ptr by_key = object({{"type", array({string_node("object"), string_node("null")})},
                            {"propertyNames", reference(keys)},
                            {"additionalProperties", keys_schema(schema)}});
  if (type.words.empty()) return by_key;
  return any_of({words_schema(type.words),
                 object({{"type", string_node("array")}, {"items", reference(keys)}}), by_key});
}

node_ptr node_schema(const schema_node& schema) {
  const row& r = *schema.declared;
  switch (r.type.what) {
    case kind::section:
      return described(r, keys_schema(schema));
    case kind::list:
      return described(r, object({{"type", array({string_node("array"), string_node("null")})},
                                  {"items", keys_schema(schema)}}));
    case kind::mapping:
      return described(r, mapping_schema(schema));
    default:
      break;
  }
  const node_ptr single = single_schema(r.type);
  if (!r.type.many) return described(r, single);
  return described(r,
                   any_of({single, object({{"type", string_node("array")}, {"items", single}})}));
}

bool is_short(const node& n) {
  if (n.type == node::kind::scalar) return true;
  if (n.items.size() + n.members.size() > 3) return false;
  for (const node_ptr& item : n.items) {
    if (item->type != node::kind::scalar) return false;
  }
  for (const member& m : n.members) {
    if (m.value->type != node::kind::scalar || m.value->text.size() > 60) return false;
  }
  return true;
}

/// JSON for people: what is short stays on one line.
void pretty(const node& n, std::size_t indent, std::string& out) {
  if (is_short(n)) {
    out += to_json(n);
    return;
  }
  const bool is_map = n.type == node::kind::map;
  const std::string margin = '\n' + std::string(indent + 2, ' ');
  out += is_map ? '{' : '[';
  bool first = true;
  const auto next = [&] {
    out += (first ? "" : ",") + margin;
    first = false;
  };
  for (const member& m : n.members) {
    next();
    out += json_string(m.key) + ": ";
    pretty(*m.value, indent + 2, out);
  }
  for (const node_ptr& item : n.items) {
    next();
    pretty(*item, indent + 2, out);
  }
  out += '\n' + std::string(indent, ' ') + (is_map ? '}' : ']');
}

}  // namespace

std::string generate_json_schema() {
  auto root = std::make_shared<node>(*keys_schema(schema_root()));
  const fields head{{"$schema", string_node("http://json-schema.org/draft-07/schema#")},
                    {"title", string_node("vsoad.yaml")},
                    {"description", string_node("Configuration of vsoad; see vsoad.yaml(5).")}};
  for (std::size_t i = 0; i < head.size(); ++i) {
    root->members.insert(root->members.begin() + static_cast<std::ptrdiff_t>(i),
                         {head[i].first, {}, head[i].second});
  }
  root->members.push_back({"definitions", {}, definitions()});
  std::string out;
  pretty(*root, 0, out);
  return out + '\n';
}

}  // namespace vsoad::config
