#include "protocol/position_message.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

namespace position_message_test {

using vsoa::ip_address;
using vsoa::position_domain;
using vsoa::position_entry;
using vsoa::socket_address;
using namespace vsoa::protocol;
using namespace std::string_literals;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string text_or(const simdjson::dom::element& element, const char* key, std::string otherwise) {
  std::string_view text;
  return element[key].get(text) == simdjson::SUCCESS ? std::string(text) : otherwise;
}

socket_address address(std::string_view text) {
  const auto parsed = socket_address::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

void check_query_vector(position_reader& reader, const simdjson::dom::element& vector) {
  const auto query = reader.read_query(from_hex(text_or(vector, "hex", "")));
  REQUIRE(query);
  CHECK(query->name == text_or(vector["decoded"], "name", ""));
  std::int64_t domain = -1;
  static_cast<void>(!vector["decoded"]["domain"].get(domain));
  CHECK(static_cast<int>(query->domain) == domain);
}

void check_answer_vector(position_reader& reader, const simdjson::dom::element& vector) {
  const auto bytes = from_hex(text_or(vector, "hex", ""));
  const auto answer = reader.read_answer(bytes);
  const simdjson::dom::element decoded = vector["decoded"];
  if (decoded.get_object().size() == 0) {
    CHECK(answer.kind == position_answer_kind::unknown);
    CHECK(bytes == position_unknown_answer);
    return;
  }
  REQUIRE(answer.kind == position_answer_kind::known);
  CHECK(answer.entry.name == text_or(decoded, "name", ""));
  CHECK(answer.entry.address.ip.to_string() == text_or(decoded, "addr", ""));
  CHECK(answer.entry.address.port == decoded["port"].get_int64().value());
  bool secure = false;
  const bool has_security = decoded["security"].get(secure) == simdjson::SUCCESS;
  CHECK(answer.entry.secure == secure);
  // The Node.js server writes what we do: the same keys in the same order, compact.
  if (has_security && text_or(vector, "peer", "").starts_with("node")) {
    CHECK(write_position_answer(answer.entry) == bytes);
  }
}

TEST_CASE("every captured query and answer is understood") {
  position_reader reader;
  simdjson::dom::parser parser;
  std::size_t queries = 0;
  std::size_t answers = 0;
  for (const auto vector : parser.load(VSOA_TEST_SOURCE_DIR "/vectors/position.json").get_array()) {
    const auto name = text_or(vector, "name", "");
    CAPTURE(name);
    if (text_or(vector, "direction", "") == "c2s") {
      check_query_vector(reader, vector);
      ++queries;
    } else if (!vector["hex"].is_null()) {
      check_answer_vector(reader, vector);
      ++answers;
    }
  }
  CHECK(queries == 9);
  CHECK(answers > 30);
}

TEST_CASE("we are silent where the Node.js server with a callback is") {
  position_reader reader;
  simdjson::dom::parser parser;
  std::size_t silent = 0;
  for (const auto vector : parser.load(VSOA_TEST_SOURCE_DIR "/vectors/position.json").get_array()) {
    const auto name = text_or(vector, "name", "");
    if (!name.starts_with("node+onquery")) continue;
    CAPTURE(name);
    const auto bytes = from_hex(text_or(vector, "query_hex", ""));
    const bool answered_by_peer = !vector["hex"].is_null();
    // The one difference: a trailing NUL, which C programs send, is no reason to be silent.
    const bool answered_by_us = answered_by_peer || bytes.ends_with('\0');
    CHECK(reader.read_query(bytes).has_value() == answered_by_us);
    if (!answered_by_us) ++silent;
  }
  CHECK(silent == 8);
}

TEST_CASE("queries") {
  struct row {
    std::string text;
    std::string name;  // empty: not a query
    int domain = -1;
  };
  const std::string long_name(512, 'n');
  const std::vector<row> rows{
      {R"({"name":"a"})", "a"},
      {R"({"domain":2,"x":[{}],"name":"a"})", "a", 2},
      {R"({"name":"a","domain":10})", "a", 10},
      {R"({"name":"a","domain":0})", "a"},
      {R"({"name":"a","domain":-1})", "a"},
      {R"({"name":"a","domain":null})", "a"},
      {R"({"name":"a","domain":"10"})", "a", 10},
      {R"({"name":"a","domain":"-1"})", "a"},
      {R"({"name":"a","domain":7})", "a", 7},
      {R"({"name":"a","domain":9000000000})", "a", 2147483647},
      {R"({"name":"a","domain":""})", ""},
      {R"({"name":"a","domain":"inet"})", ""},
      {R"({"name":"a","domain":"2 "})", ""},
      {R"({"name":"a","domain":true})", ""},
      {R"({"name":"a","domain":{}})", ""},
      {R"({"name":"a","domain":99999999999999999999})", ""},
      {"{\"name\":\"a\"}\0"s, "a"},
      {"\r\n {\"name\":\"a\"} \0\0\n\t"s, "a"},
      {R"({"name":"\u670d\u52a1\/\ud83d\ude97"})", "服务/🚗"},
      {R"({"name":"\u0000"})", "\0"s},
      {R"({"name":"\ud83d"})", ""},
      {"{\"name\":\"\xff\"}", ""},
      {R"({"name":")" + long_name + "\"}", long_name},
      {R"({"name":"n)" + long_name + "\"}", ""},
      {R"({"name":"a"})" + std::string(5000, ' '), "a"},
      {R"({"name":"a","x":")" + std::string(5000, 'x') + "\"}", ""},
      {R"({"name":"a","x":[[[[]]]]})", "a"},
      {R"({"name":"a","x":)" + std::string(20, '[') + std::string(20, ']') + "}", ""},
      {R"({"name":"a"}})", ""},
      {R"({"name":"a"} {})", ""},
      {R"({"name":"a")", ""},
      {R"({"Name":"a"})", ""},
      {R"({"name":["a"]})", ""},
      {R"({"name":null})", ""},
      // An answer is not a query, or two servers could be made to answer each other for ever.
      {R"({"name":"a","domain":2,"addr":"10.0.0.1","port":1,"security":false})", ""},
      {R"([{"name":"a"}])", ""},
      {std::string(1, '\0'), ""},
      {" ", ""},
      {"", ""},
  };
  position_reader reader;
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto query = reader.read_query(row.text);
    REQUIRE(query.has_value() == !row.name.empty());
    if (!query) continue;
    CHECK(query->name == row.name);
    CHECK(static_cast<int>(query->domain) == row.domain);
  }
}

TEST_CASE("answers") {
  struct row {
    std::string text;
    position_answer_kind kind;
    std::string address = {};
    bool secure = false;
  };
  constexpr auto known = position_answer_kind::known;
  constexpr auto unknown = position_answer_kind::unknown;
  constexpr auto invalid = position_answer_kind::invalid;
  const std::vector<row> rows{
      {"{}", unknown},
      {" { } \0"s, unknown},
      {R"({"addr":"10.0.0.1","port":1})", known, "10.0.0.1:1"},
      {R"({"addr":"10.0.0.1","port":65535,"domain":2})", known, "10.0.0.1:65535"},
      {R"({"addr":"::1","port":9,"domain":"10","security":true})", known, "[::1]:9", true},
      {R"({"addr":"::1","port":9,"domain":-1,"security":null})", known, "[::1]:9"},
      {R"({"addr":"::1","port":9,"name":5,"security":1})", known, "[::1]:9", true},
      {R"({"addr":"::1","port":9,"domain":2})", invalid},
      {R"({"addr":"10.0.0.1","port":9,"domain":10})", invalid},
      {R"({"addr":"10.0.0.1","port":9,"domain":7})", invalid},
      {R"({"addr":"10.0.0.1","port":0})", invalid},
      {R"({"addr":"10.0.0.1","port":-1})", invalid},
      {R"({"addr":"10.0.0.1","port":65536})", invalid},
      {R"({"addr":"10.0.0.1","port":4294967297})", invalid},
      {R"({"addr":"10.0.0.1","port":"80"})", invalid},
      {R"({"addr":"10.0.0.1","port":80.5})", invalid},
      {R"({"addr":"10.0.0.1"})", invalid},
      {R"({"port":80})", invalid},
      {R"({"addr":"localhost","port":80})", invalid},
      {R"({"addr":"10.0.0.1 ","port":80})", invalid},
      {R"({"addr":"10.0.0.1\u0000","port":80})", invalid},
      {R"({"addr":"fe80::1%1","port":80})", invalid},
      {R"({"addr":"fe80::1%lo","port":80})", invalid},
      {R"({"addr":"","port":80})", invalid},
      {R"({"addr":5,"port":80})", invalid},
      {R"({"addr":"10.0.0.1","port":80,"security":"no"})", invalid},
      {R"({"name":"a"})", invalid},
      {"null", invalid},
      {"[]", invalid},
      {"", invalid},
      {"{", invalid},
  };
  position_reader reader;
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto answer = reader.read_answer(row.text);
    REQUIRE(answer.kind == row.kind);
    if (answer.kind != known) continue;
    CHECK(answer.entry.address.to_string() == row.address);
    CHECK(answer.entry.secure == row.secure);
  }
}

TEST_CASE("written queries are those of the official clients") {
  CHECK(write_position_query("srv", position_domain::any) == R"({"name":"srv"})");
  CHECK(write_position_query("srv", position_domain::inet) == R"({"name":"srv","domain":2})");
  CHECK(write_position_query("srv", position_domain::inet6) == R"({"name":"srv","domain":10})");
  CHECK(write_position_query("a\"\\\n\x01/\x7f服", position_domain::any) ==
        "{\"name\":\"a\\\"\\\\\\u000a\\u0001/\x7f服\"}");
  CHECK_FALSE(write_position_query("", position_domain::any));
  CHECK_FALSE(write_position_query("\xc3", position_domain::any));
  CHECK_FALSE(write_position_query(std::string(513, 'n'), position_domain::any));
}

TEST_CASE("every character of a name survives a query") {
  position_reader reader;
  for (int c = 0; c < 128; ++c) {
    const std::string name(512, static_cast<char>(c));
    const auto text = write_position_query(name, position_domain::inet6);
    REQUIRE(text);
    const auto query = reader.read_query(*text);
    REQUIRE(query);
    CHECK(query->name == name);
  }
}

TEST_CASE("answers are written with all keys and under the limit, or not at all") {
  CHECK(write_position_answer({"srv", address("127.0.0.1:3005"), false}) ==
        R"({"name":"srv","domain":2,"addr":"127.0.0.1","port":3005,"security":false})");
  CHECK(write_position_answer({"v6", address("[::1]:65535"), true}) ==
        R"({"name":"v6","domain":10,"addr":"::1","port":65535,"security":true})");
  auto scoped = address("[fe80::1]:1");
  scoped.ip.scope_id = 1;
  CHECK(write_position_answer({"ll", scoped, false}) ==
        R"({"name":"ll","domain":10,"addr":"fe80::1","port":1,"security":false})");
  CHECK(write_position_answer({std::string(512, 'n'), address("[::1]:1"), false})->size() < 1024);
  CHECK_FALSE(write_position_answer({std::string(512, '\x01'), address("[::1]:1"), false}));
  CHECK_FALSE(write_position_answer({"", address("[::1]:1"), false}));
  CHECK_FALSE(write_position_answer({"\xff", address("[::1]:1"), false}));
  CHECK_FALSE(write_position_answer({"a", address("[::1]:0"), false}));
}

}  // namespace position_message_test
