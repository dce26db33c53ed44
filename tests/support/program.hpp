// Runs a program to its end, or beside the test, and keeps what it says.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "wait.hpp"

namespace vsoa_test {

struct program_result {
  int code = -1;  ///< -1: a signal ended it
  std::string out;
  std::string err;
};

class program {
 public:
  /// @param command  path and arguments
  /// @param input    its standard input
  program(const std::vector<std::string>& command, const std::string& input = {},
          const std::map<std::string, std::string>& environment = {});
  ~program();  ///< ends it by SIGKILL if it still runs
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  void signal(int number) const;
  /// Whether it has ended by now.
  bool ended();
  /// What it has written to standard output so far.
  std::string said() const { return read_all("/out"); }
  /// And to standard error.
  std::string complained() const { return read_all("/err"); }
  /// Waits for its end. Throws when it does not come in time.
  program_result wait(milliseconds bound = patience);

 private:
  std::string read_all(const std::string& path) const;

  std::string directory_;  // its output goes to files, so that nobody has to read meanwhile
  pid_t pid_ = -1;
  int status_ = 0;
};

/// To its end.
program_result run_program(const std::vector<std::string>& command, const std::string& input = {},
                           const std::map<std::string, std::string>& environment = {});

}  // namespace vsoa_test
