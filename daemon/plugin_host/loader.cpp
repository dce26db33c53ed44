#include "plugin_host/loader.hpp"

#include <dlfcn.h>

#include <exception>
#include <string_view>
#include <utility>

#include "plugin_host/elf_check.hpp"
#include "plugin_host/vet.hpp"

namespace vsoad {
namespace {

std::string linker_message() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "the dynamic linker gives no reason";
}

/// vsoa_plugin_main is the plugin's code and may do anything, throw included.
const vsoa_plugin* ask(void* handle, std::string& reason) {
  void* symbol = ::dlsym(handle, "vsoa_plugin_main");
  if (symbol == nullptr) {
    reason = linker_message();
    return nullptr;
  }
  try {
    return reinterpret_cast<decltype(&vsoa_plugin_main)>(symbol)();
  } catch (const std::exception& e) {
    reason = std::string("vsoa_plugin_main threw: ") + e.what();
  } catch (...) {
    reason = "vsoa_plugin_main threw";
  }
  return nullptr;
}

}  // namespace

library::~library() {
  (void)unmap();
}

bool library::unmap() noexcept {
  if (handle_ == nullptr) return true;
  ::dlclose(std::exchange(handle_, nullptr));
  // The linker keeps libraries with thread-local destructors or unique symbols. Their name then
  // stays taken, and with it the descriptor that is part of it.
  void* still = ::dlopen(copy_.path().c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (still == nullptr) {
    (void)::dlerror();
    copy_ = {};
    return true;
  }
  ::dlclose(still);
  copy_.leak();
  return false;
}

void library::abandon() noexcept {
  handle_ = nullptr;
  copy_.leak();
}

private_copy vet_library(int directory, const std::string& name, std::string& reason) {
  std::uint64_t size = 0;
  const unique_fd file = open_file(directory, name + std::string(plugin_suffix), size, reason);
  if (!file) return {};
  private_copy copy = private_copy::make(file.get(), size, name, reason);
  if (!copy) return {};
  // The copy is checked, not the file: what is checked is what is mapped.
  reason = elf_problem(copy.image());
  if (!reason.empty()) return {};
  copy.drop_image();
  return copy;
}

std::unique_ptr<library> load_library(int directory, const std::string& path,
                                      const std::string& name, std::string& reason) {
  private_copy copy = vet_library(directory, name, reason);
  if (!copy) return nullptr;
  return map_library(std::move(copy), path, name, reason);
}

std::unique_ptr<library> map_library(private_copy copy, const std::string& path,
                                     const std::string& name, std::string& reason) {
  void* handle = nullptr;
  try {  // constructors of the library run in here
    handle = ::dlopen(copy.path().c_str(), RTLD_NOW | RTLD_LOCAL);
  } catch (...) {
    reason = "a constructor of the library threw";
    return nullptr;
  }
  if (handle == nullptr) {
    reason = linker_message();
    return nullptr;
  }
  copy.hide();
  auto loaded = std::make_unique<library>(std::move(copy), handle, path);
  const vsoa_plugin* plugin = ask(handle, reason);
  if (reason.empty()) reason = read_descriptor(plugin, name, loaded->descriptor);
  if (!reason.empty()) return nullptr;
  return loaded;
}

}  // namespace vsoad
