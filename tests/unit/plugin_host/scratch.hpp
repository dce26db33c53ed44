// A directory for one test, and plugins put into it with the modes that the host asks for.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "vsoa/log.hpp"

namespace vsoa_test {

class scratch {
 public:
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "plugin-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  std::string path() const { return path_.string(); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

  /// Copies a plugin in, under its own name or another's.
  std::string put(const std::string& source, const std::string& name, mode_t mode = 0755) const {
    const std::string target = file(name + ".so");
    std::filesystem::copy_file(source, target, std::filesystem::copy_options::overwrite_existing);
    ::chmod(target.c_str(), mode);
    return target;
  }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(file(name)) << text;
    ::chmod(file(name).c_str(), mode);
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

inline std::string sample(const std::string& name) {
  return std::string(VSOA_SAMPLES) + "/" + name + ".so";
}
inline std::string bundled(const std::string& name) {
  return std::string(VSOA_PLUGINS) + "/" + name + ".so";
}

/// Keeps what was logged.
class log_book {
 public:
  vsoa::log_sink sink() {
    return [this](vsoa::log_level level, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back({level, std::string(line)});
    };
  }
  /// Lines of at least this level that contain the text.
  std::size_t count(std::string_view text, vsoa::log_level least = vsoa::log_level::trace) const {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto& [level, line] : lines_) {
      if (level >= least && line.find(text) != std::string::npos) ++found;
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<vsoa::log_level, std::string>> lines_;
};

}  // namespace vsoa_test
