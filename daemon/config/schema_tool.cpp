// vsoad-schema: writes the texts that are made from the table of keys to standard output.
#include <cstdio>
#include <string>
#include <string_view>

#include "generate.hpp"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  std::string text;
  if (what == "json") text = vsoad::config::generate_json_schema();
  if (what == "man") text = vsoad::config::generate_man_page();
  if (text.empty()) {
    std::fputs("Usage: vsoad-schema json|man\n", stderr);
    return 2;
  }
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
