#include "control/json_writer.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace json_writer_test {

using vsoad::control::json_writer;

TEST_CASE("objects, arrays and values of all types") {
  json_writer out;
  out.open_object();
  out.field("text", "a\"b\n");
  out.field("flag", true);
  out.field("number", std::uint64_t{18446744073709551615U});
  out.field("negative", -1);
  out.field("gauge", 1.5);
  out.field("no number", std::nan(""));
  out.field("infinite", std::numeric_limits<double>::infinity());
  out.null("nothing");
  out.open_array("list");
  out.item("x");
  out.open_object();
  out.close();
  out.close();
  out.open_object("empty");
  CHECK(out.take() ==
        R"({"text":"a\"b\n","flag":true,"number":18446744073709551615,"negative":-1,"gauge":1.5,)"
        R"("no number":null,"infinite":null,"nothing":null,"list":["x",{}],"empty":{}})");
  out.open_array();
  CHECK(out.take() == "[]");
}

TEST_CASE("what is no UTF-8 is valid JSON all the same") {
  json_writer out;
  out.open_object();
  out.field("bad\xff", "worse\xc3(");
  const std::string text = out.take();
  simdjson::dom::parser parser;
  CHECK(parser.parse(text).error() == simdjson::SUCCESS);
  CHECK(text == R"({"bad?":"worse?("})");
}

}  // namespace json_writer_test
