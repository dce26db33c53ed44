#include "protocol/param.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace param_test {

using vsoa::protocol::is_json;
using vsoa::protocol::read_password;
using vsoa::protocol::read_url_list;
using list = std::vector<std::string>;

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST_CASE("passwords") {
  struct row {
    const char* text;
    const char* password;  // null: none
  };
  constexpr row rows[] = {
      {R"({"passwd":"123456"})", "123456"},
      {R"({"passwd": "123456"})", "123456"},
      {" \t\r\n{ \"passwd\" : \"1\" } \n", "1"},
      {R"({"passwd":""})", ""},
      {R"({"pingInterval":3000,"passwd":"x","o":{"passwd":"y"}})", "x"},
      {R"({"passwd":"\u00e9\u4e2d"})", "é中"},
      {R"({"passwd":"é中"})", "é中"},
      {R"({"passwd":"\ud83d\ude00"})", "😀"},
      {R"({"passwd":"a\/b\"c\\d\n"})", "a/b\"c\\d\n"},
      {R"({"p\u0061sswd":"escaped key"})", "escaped key"},
      {R"({"passwd":123456})", nullptr},
      {R"({"passwd":null})", nullptr},
      {R"({"passwd":["x"]})", nullptr},
      {R"({"passwd":{"passwd":"x"}})", nullptr},
      {R"({"Passwd":"x"})", nullptr},
      {R"({"o":{"passwd":"y"}})", nullptr},
      {R"({"passwd":"\ud83d"})", nullptr},
      {R"({"passwd":"\ude00\ud83d"})", nullptr},
      {R"({"passwd":"\x"})", nullptr},
      {"{\"passwd\":\"\xff\"}", nullptr},
      {"{\"passwd\":\"a\nb\"}", nullptr},
      {R"({"passwd":"x")", nullptr},
      {R"({"passwd":"x"}})", nullptr},
      {R"({"passwd":"x"} garbage)", nullptr},
      {R"({"passwd":"x",})", nullptr},
      {R"({'passwd':'x'})", nullptr},
      {R"({"passwd":"x","n":NaN})", nullptr},
      {R"(["passwd","x"])", nullptr},
      {R"("passwd")", nullptr},
      {"{}", nullptr},
      {"null", nullptr},
      {"", nullptr},
      {"   ", nullptr},
      {"garbage", nullptr},
  };
  for (const row& r : rows) {
    CAPTURE(r.text);
    const auto password = read_password(r.text);
    REQUIRE(password.has_value() == (r.password != nullptr));
    if (password) CHECK(*password == r.password);
  }
}

TEST_CASE("a password may hold any character, NUL among them") {
  const auto password = read_password(R"({"passwd":"a\u0000b"})");
  REQUIRE(password);
  CHECK(*password == std::string("a\0b", 3));
}

TEST_CASE("of duplicate keys the same one counts each time") {
  CHECK(read_password(R"({"passwd":"a","passwd":"b"})") ==
        read_password(R"({"passwd":"a","x":1,"passwd":"b"})"));
}

TEST_CASE("lists of URLs") {
  CHECK(read_url_list("[]") == list{});
  CHECK(read_url_list(R"(["/a"])") == list{"/a"});
  CHECK(read_url_list(R"( [ "/a" , "\/b" , "/\u00e9" ] )") == list{"/a", "/b", "/é"});
  CHECK(read_url_list(R"(["/a","/a"])") == list{"/a", "/a"});
  CHECK(read_url_list(R"(["", "no slash"])") == list{"", "no slash"});  // the caller's to judge
  for (const char* text :
       {"", "null", "{}", R"("/a")", "1", R"({"0":"/a"})", R"(["/a",1])", R"(["/a",null])",
        R"([["/a"]])", R"(["/a")", R"(["/a",])", R"(["/a"]])", "[\"/\xff\"]", R"(["\ud800"])"}) {
    CAPTURE(text);
    CHECK_FALSE(read_url_list(text));
  }
}

TEST_CASE("a long list") {
  std::string text = "[";
  for (int i = 0; i < 20000; ++i)
    text += (i == 0 ? "\"/url/" : ",\"/url/") + std::to_string(i) + "\"";
  const auto urls = read_url_list(text + "]");
  REQUIRE(urls);
  REQUIRE(urls->size() == 20000);
  CHECK(urls->back() == "/url/19999");
  CHECK(read_url_list(R"(["/short"])") == list{"/short"});
}

TEST_CASE("nesting is read to a depth of 64") {
  CHECK(is_json(nested(63)));
  CHECK(is_json(nested(64)));
  CHECK_FALSE(is_json(nested(65)));
  CHECK_FALSE(is_json(nested(100000)));
  CHECK_FALSE(is_json(std::string(100000, '[')));
  CHECK_FALSE(read_password(R"({"x":)" + nested(64) + R"(,"passwd":"a"})"));
  CHECK(read_password(R"({"x":)" + nested(60) + R"(,"passwd":"a"})") == "a");
}

TEST_CASE("one JSON value, and nothing behind it") {
  for (const char* text : {"{}", "[]", "1", "-1.5e3", "true", "false", "null", R"("")", " 1 "}) {
    CAPTURE(text);
    CHECK(is_json(text));
  }
  for (const char* text : {"", " ", "1 2", "{}{}", "NaN", "Infinity", "tru", "01", "\"", "\xef\xbb",
                           "{\"a\":1,}", "\"\x01\"", "'a'"}) {
    CAPTURE(text);
    CHECK_FALSE(is_json(text));
  }
}

TEST_CASE("a megabyte is read, more is refused unread") {
  const std::size_t limit = std::size_t{1} << 20;
  CHECK(is_json('"' + std::string(limit - 2, 'a') + '"'));
  CHECK_FALSE(is_json('"' + std::string(limit - 1, 'a') + '"'));
}

TEST_CASE("threads do not disturb one another") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string text = R"({"passwd":")" + std::to_string(t) + R"("})";
      for (int i = 0; i < 500; ++i) {
        if (read_password(text) != std::to_string(t)) std::abort();
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
}

}  // namespace param_test
