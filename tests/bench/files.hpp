// What a started server has on disk.
#pragma once

#include <filesystem>
#include <string>

namespace bench {

/// Removed with all that is in it when this object goes.
class temporary_folder {
 public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& from);
/// Standard output and error of this process go to the end of a file.
void redirect_output(const std::filesystem::path& to);

}  // namespace bench
