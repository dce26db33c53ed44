// Files as tests look at them.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace vsoa_test {

/// All that a file holds, of /proc as well; nothing if it can't be read.
inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary)
              .rdbuf();  // in blocks: unoptimised code is slow by bytes
  return std::move(text).str();
}

}  // namespace vsoa_test
