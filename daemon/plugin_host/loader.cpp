#include "plugin_host/loader.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string_view>
#include <utility>

#include "plugin_host/elf_check.hpp"
#include "plugin_host/vet.hpp"

namespace vsoad {
namespace {

constexpr std::string_view suffix = ".so";

struct candidate {
  std::shared_ptr<unique_fd> directory;
  std::string path;
};
using candidates = std::map<std::string, candidate>;  // by name, hence in its order

void tell(const vsoa::log_sink& log, vsoa::log_level level, const std::string& line) {
  if (log) log(level, line);
}

std::string linker_message() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "the dynamic linker gives no reason";
}

/// False: the directory is not used.
bool scan(const std::string& path, candidates& found, std::vector<plugin_failure>& failures,
          const vsoa::log_sink& log) {
  std::string reason;
  bool missing = false;
  auto directory = std::make_shared<unique_fd>(open_directory(path, reason, missing));
  if (!*directory) {
    tell(log, missing ? vsoa::log_level::info : vsoa::log_level::warning,
         "plugin directory " + path + " is not used: " + reason);
    if (!missing) failures.push_back({path, reason});
    return false;
  }
  // A descriptor of its own, because closedir() closes it.
  unique_fd listing(::openat(directory->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* entries = listing ? ::fdopendir(listing.get()) : nullptr;
  if (entries == nullptr) {
    tell(log, vsoa::log_level::warning, "plugin directory " + path + " can't be read");
    return false;
  }
  (void)listing.release();
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view file(entry->d_name);
    if (file == "." || file == "..") continue;
    const std::string full = path + "/" + std::string(file);
    const std::string name(file.substr(0, file.size() - std::min(file.size(), suffix.size())));
    if (!file.ends_with(suffix)) {
      tell(log, vsoa::log_level::debug, "plugin directory: " + full + " is skipped: not a .so");
    } else if (!is_plugin_name(name)) {
      tell(log, vsoa::log_level::warning,
           "plugin " + full +
               " is not served: its name is not one for a plugin, which is small "
               "letters, digits, \"-\" and \"_\"");
    } else if (!found.try_emplace(name, candidate{directory, full}).second) {
      tell(log, vsoa::log_level::debug,
           "plugin directory: " + full + " is skipped: " + found[name].path + " comes first");
    }
  }
  ::closedir(entries);
  return true;
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

std::unique_ptr<library> load_library(int directory, const std::string& path,
                                      const std::string& name, std::string& reason) {
  std::uint64_t size = 0;
  const unique_fd file = open_file(directory, name + std::string(suffix), size, reason);
  if (!file) return nullptr;
  private_copy copy = private_copy::make(file.get(), size, name, reason);
  if (!copy) return nullptr;
  // The copy is checked, not the file: what is checked is what is mapped.
  reason = elf_problem(copy.image());
  if (!reason.empty()) return nullptr;
  copy.drop_image();

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

std::vector<std::unique_ptr<library>> load_libraries(const std::vector<std::string>& directories,
                                                     std::vector<plugin_failure>& failures,
                                                     const vsoa::log_sink& log) {
  candidates found;
  bool any = false;
  for (const auto& directory : directories)
    any |= scan(directory, found, failures, log);
  if (!any) tell(log, vsoa::log_level::warning, "no plugin directory can be used: no plugins");
  std::vector<std::unique_ptr<library>> libraries;
  for (const auto& [name, file] : found) {
    std::string reason;
    if (auto loaded = load_library(file.directory->get(), file.path, name, reason)) {
      libraries.push_back(std::move(loaded));
    } else {
      tell(log, vsoa::log_level::warning, "plugin " + file.path + " is not served: " + reason);
      failures.push_back({file.path, reason});
    }
  }
  return libraries;
}

}  // namespace vsoad
