// From a file in a directory to a mapped library with a checked descriptor. Nothing of the plugin
// runs but its constructors and vsoa_plugin_main.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin_host/descriptor.hpp"
#include "plugin_host/private_copy.hpp"
#include "vsoa/log.hpp"

namespace vsoad {

/// A file that was not loaded, or a plugin that did not start.
struct plugin_failure {
  std::string file;
  std::string reason;
};

/// A mapped plugin. Unmapped when destroyed: by then none of its code may run or be called.
class library {
 public:
  library(private_copy copy, void* handle, std::string path) noexcept
      : copy_(std::move(copy)), handle_(handle), path_(std::move(path)) {}
  library(const library&) = delete;
  library& operator=(const library&) = delete;
  ~library();

  const std::string& path() const noexcept { return path_; }
  /// Now rather than with the object: the descriptor's texts stay, its functions are gone.
  /// @return false: the linker keeps it mapped, which does no harm
  bool unmap() noexcept;
  /// Leaves the code mapped for ever: something may still be running in it.
  void abandon() noexcept;

  plugin_descriptor descriptor;

 private:
  private_copy copy_;
  void* handle_;
  std::string path_;
};

/// Vets and copies one file: the copy may be mapped. `name` is the file's without ".so".
/// @param reason  why not, when nothing is returned
private_copy vet_library(int directory, const std::string& name, std::string& reason);
/// Maps and asks such a copy.
std::unique_ptr<library> map_library(private_copy copy, const std::string& path,
                                     const std::string& name, std::string& reason);
/// Vets, copies, maps and asks one file. `name` is the file's without ".so".
/// @param reason  why not, when nothing is returned
std::unique_ptr<library> load_library(int directory, const std::string& path,
                                      const std::string& name, std::string& reason);

}  // namespace vsoad
