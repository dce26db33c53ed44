#include "vsoactl/table.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "file.hpp"

namespace table_test {

using namespace vsoad::ctl;

// What is printed on standard output meanwhile.
template <class Print>
std::string printed(Print print) {
  std::string path = (std::filesystem::temp_directory_path() / "vsoa-table-XXXXXX").string();
  const int file = ::mkstemp(path.data());
  std::fflush(stdout);
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(file, STDOUT_FILENO);
  print();
  std::fflush(stdout);
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  ::close(file);
  std::string text = vsoa_test::read_file(path);
  std::filesystem::remove(path);
  return text;
}

TEST_CASE("columns are aligned, to the left or to the right; nothing is a dash") {
  const std::string text = printed([] {
    table t({"NAME", ">CALLS", "ROLE"});
    CHECK(t.empty());
    t.row({"a", "1 000", "x"});
    t.row({"längere", "7", ""});
    CHECK(!t.empty());
    t.print(output(false), 1);
  });
  CHECK(text ==
        " NAME     CALLS  ROLE\n"
        " a        1 000  x\n"
        " längere      7  -\n");
}

}  // namespace table_test
