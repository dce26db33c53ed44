// From a request to the operation: the table of commands and their arguments.
#include <exception>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/suggest.hpp"
#include "control/operations.hpp"

namespace vsoad::control {
namespace {

using config::in_quotes;

constexpr std::size_t usual_clients = 10'000;
constexpr std::size_t usual_urls = 100;
constexpr std::int64_t most_listed = 1'000'000;

/// A request's arguments by their names; what is wrong with them ends the request.
class reader {
 public:
  explicit reader(const request& asked) : asked_(asked) {}

  std::string text(std::string_view name) const { return get<std::string>(name, "a text", {}); }
  std::string needed(std::string_view name) const {
    auto out = text(name);
    if (out.empty()) throw bad("argument " + in_quotes(name) + " is missing");
    return out;
  }
  bool flag(std::string_view name) const { return get<bool>(name, "true or false", false); }
  std::size_t limit(std::size_t usual) const {
    const auto n = get<std::int64_t>("limit", "a number", static_cast<std::int64_t>(usual));
    if (n < 1 || n > most_listed)
      throw bad("argument \"limit\" must be 1 to " + std::to_string(most_listed));
    return static_cast<std::size_t>(n);
  }

  static failure bad(std::string message) { return {code::bad_request, std::move(message)}; }

 private:
  template <class T>
  T get(std::string_view name, const char* wanted, T fallback) const {
    const auto found = asked_.arguments.find(name);
    if (found == asked_.arguments.end()) return fallback;
    if (const T* value = std::get_if<T>(&found->second)) return *value;
    throw bad("argument " + in_quotes(name) + " must be " + wanted);
  }

  const request& asked_;
};

vsoa::log_level level_of(const std::string& word) {
  const std::vector<std::string_view> words{"trace", "debug", "info", "warning", "error"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<vsoa::log_level>(i);
  }
  throw reader::bad("no level " + in_quotes(word) + ": " + config::one_of(words) +
                    config::did_you_mean(word, words));
}

struct command {
  std::string_view name;
  std::vector<std::string_view> arguments;
  operations::outcome (*run)(operations&, const reader&, json_writer&);
};

using outcome = operations::outcome;

const std::vector<command>& commands() {
  static const std::vector<command> table{
      {"status", {}, [](operations& d, const reader&, json_writer& out) { return d.status(out); }},
      {"services",
       {},
       [](operations& d, const reader&, json_writer& out) { return d.services(out); }},
      {"clients",
       {"service", "limit"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.clients(out, a.text("service"), a.limit(usual_clients));
       }},
      {"plugins",
       {},
       [](operations& d, const reader&, json_writer& out) { return d.plugins(out); }},
      {"topics",
       {"service", "limit"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.topics(out, a.text("service"), a.limit(usual_urls));
       }},
      {"reload",
       {"plan"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.reload(out, a.flag("plan"));
       }},
      {"log",
       {"level"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.log_level(out, level_of(a.needed("level")));
       }},
      {"disconnect",
       {"client"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.disconnect(out, a.needed("client"));
       }},
      {"plugin restart",
       {"name"},
       [](operations& d, const reader& a, json_writer& out) {
         return d.restart_plugin(out, a.needed("name"));
       }},
  };
  return table;
}

const command& find(const request& asked) {
  std::vector<std::string_view> names;
  for (const command& c : commands()) {
    if (c.name == asked.command) return c;
    names.push_back(c.name);
  }
  throw reader::bad("there is no command " + in_quotes(asked.command) +
                    config::did_you_mean(asked.command, names));
}

void check_names(const command& c, const request& asked) {
  for (const auto& [name, unused] : asked.arguments) {
    bool known = false;
    for (const auto each : c.arguments)
      known = known || each == name;
    if (!known)
      throw reader::bad(in_quotes(c.name) + " has no argument " + in_quotes(name) +
                        config::did_you_mean(name, c.arguments));
  }
}

std::string answer_or_throw(operations& daemon, const request& asked) {
  const command& c = find(asked);
  check_names(c, asked);
  json_writer out;
  out.open_object();
  out.field("protocol", protocol_version);
  out.field("ok", true);
  if (const auto failed = c.run(daemon, reader(asked), out)) return failure_text(*failed);
  return out.take();
}

}  // namespace

std::string answer(operations& daemon, const request& asked) {
  try {
    return answer_or_throw(daemon, asked);
  } catch (const failure& f) {
    return failure_text(f);
  } catch (const std::exception& e) {
    // Most likely for lack of memory: the next may fare better.
    return failure_text({code::failed, e.what()});
  }
}

}  // namespace vsoad::control
