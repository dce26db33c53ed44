#include "position/sources.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "vsoa/position.hpp"

namespace sources_test {

using namespace vsoa::position;

std::vector<std::string> texts(const std::vector<vsoa::socket_address>& servers) {
  std::vector<std::string> result;
  for (const auto& server : servers)
    result.push_back(server.to_string());
  return result;
}

using list = std::vector<std::string>;

class scratch_file {
 public:
  explicit scratch_file(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("vsoa_sources_test." + std::to_string(::getpid()))) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~scratch_file() { std::filesystem::remove(path_); }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("the environment's list") {
  struct row {
    std::string text;
    list servers;
  };
  const std::vector<row> rows{
      {"10.0.0.1", {"10.0.0.1:54"}},
      {"10.0.0.1:3000", {"10.0.0.1:3000"}},
      {"10.0.0.1:3000,10.0.0.2", {"10.0.0.1:3000", "10.0.0.2:54"}},
      {" 10.0.0.1:3000 ,\t10.0.0.2 \n", {"10.0.0.1:3000", "10.0.0.2:54"}},
      {"[::1]:3000", {"[::1]:3000"}},
      {"[::1]", {"[::1]:54"}},
      {"::1", {"[::1]:54"}},
      {"::1,10.0.0.1", {"[::1]:54", "10.0.0.1:54"}},
      {",,10.0.0.1,,", {"10.0.0.1:54"}},
      {"10.0.0.1,10.0.0.1:54", {"10.0.0.1:54"}},
      {"host,10.0.0.1:0,10.0.0.1:65536,10.0.0.1:,1.2.3,10.0.0.9", {"10.0.0.9:54"}},
      {"[::1:3000,[10.0.0.1]:5,::1]", {}},
      {" ", {}},
      {"", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(texts(parse_server_list(row.text)) == row.servers);
  }
}

TEST_CASE("the file's lines") {
  struct row {
    std::string text;
    list servers;
  };
  const std::vector<row> rows{
      {"10.0.0.1 3000\n10.0.0.2 3001\n", {"10.0.0.1:3000", "10.0.0.2:3001"}},
      {"10.0.0.1 3000\r\n10.0.0.2 3001\r\n", {"10.0.0.1:3000", "10.0.0.2:3001"}},
      {"10.0.0.1 3000", {"10.0.0.1:3000"}},
      {"\t 10.0.0.1 \t  3000 \t", {"10.0.0.1:3000"}},
      {"10.0.0.1\n", {"10.0.0.1:54"}},
      {"10.0.0.1:3000\n[::1]:3001\n", {"10.0.0.1:3000", "[::1]:3001"}},
      {"::1\n::2 3000\n[::3] 3000\n[::4]", {"[::1]:54", "[::2]:3000", "[::3]:3000", "[::4]:54"}},
      {"# a comment\n\n  \r\n10.0.0.1 54 # the first\n#10.0.0.2\n", {"10.0.0.1:54"}},
      {"host 54\n10.0.0.1 0\n10.0.0.1 port\n10.0.0.1 54 55\n10.0.0.1:54 54\n10.0.0.9\n",
       {"10.0.0.9:54"}},
      {"", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(texts(parse_server_file(row.text)) == row.servers);
  }
}

TEST_CASE("the number of servers is bounded") {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "10.0.0." + std::to_string(i) + "\n";
  CHECK(parse_server_file(text).size() == max_servers);
}

TEST_CASE("the environment comes before the file, and each server once") {
  const scratch_file file("10.0.0.1 54\n10.0.0.2 54\n");
  ::setenv(environment_variable, "10.0.0.3,10.0.0.2", 1);
  CHECK(texts(find_servers(file.path())) == list{"10.0.0.3:54", "10.0.0.2:54", "10.0.0.1:54"});
  ::unsetenv(environment_variable);
  CHECK(texts(find_servers(file.path())) == list{"10.0.0.1:54", "10.0.0.2:54"});
}

TEST_CASE("a file that can't be read has no servers") {
  ::unsetenv(environment_variable);
  CHECK(find_servers("/nonexistent/vsoa.pos").empty());
  CHECK(find_servers("/").empty());
  CHECK(find_servers("/dev/zero").empty());
}

TEST_CASE("only the server that was set is asked") {
  ::setenv(environment_variable, "10.0.0.3", 1);
  vsoa::set_position_server(vsoa::socket_address::parse("10.9.9.9:9"));
  CHECK(texts(vsoa::position_servers()) == list{"10.9.9.9:9"});
  vsoa::set_position_server({});
  CHECK(texts(vsoa::position_servers()).front() == "10.0.0.3:54");
  ::unsetenv(environment_variable);
}

}  // namespace sources_test
