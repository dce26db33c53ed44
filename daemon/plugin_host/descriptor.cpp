#include "plugin_host/descriptor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "vsoa/url.hpp"

namespace vsoad {
namespace {

// ABI 1.0 ends with `subscription`; later minors only append.
constexpr std::size_t abi_1_0_bytes =
    offsetof(vsoa_plugin, subscription) + sizeof(vsoa_plugin::subscription);

constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t max_version_bytes = 64;
constexpr std::size_t max_description_bytes = 512;
constexpr std::size_t max_commands = 1024;
constexpr std::size_t max_url_bytes = 65535;

/// The text up to its NUL; nothing when there is none within the limit.
std::optional<std::string> bounded_text(const char* text, std::size_t limit) {
  if (text == nullptr) return std::string();
  const std::size_t length = ::strnlen(text, limit + 1);
  if (length > limit) return {};
  return std::string(text, length);
}

std::string abi_problem(const vsoa_plugin& plugin) {
  if (plugin.abi_major != VSOA_PLUGIN_ABI_MAJOR) {
    return "built for plugin ABI " + std::to_string(plugin.abi_major) + "." +
           std::to_string(plugin.abi_minor) + ", this vsoad has " +
           std::to_string(VSOA_PLUGIN_ABI_MAJOR) + "." + std::to_string(VSOA_PLUGIN_ABI_MINOR);
  }
  if (plugin.size < abi_1_0_bytes) {
    return "its descriptor states a size of " + std::to_string(plugin.size) +
           " bytes, ABI 1.0 has " + std::to_string(abi_1_0_bytes);
  }
  return {};
}

std::string read_commands(const char* const* commands, std::vector<std::string>& out) {
  for (; commands != nullptr && *commands != nullptr; ++commands) {
    if (out.size() == max_commands) {
      return "more than " + std::to_string(max_commands) + " commands, or no NULL after the last";
    }
    auto url = bounded_text(*commands, max_url_bytes);
    if (!url || !vsoa::is_valid_url(*url)) {
      return "its command " + std::to_string(out.size() + 1) + " is not a valid URL";
    }
    if (std::find(out.begin(), out.end(), *url) != out.end()) {
      return "it declares the command " + *url + " twice";
    }
    out.push_back(std::move(*url));
  }
  return {};
}

}  // namespace

bool is_plugin_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_name_bytes) return false;
  if (text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string read_descriptor(const vsoa_plugin* plugin, std::string_view file_name,
                            plugin_descriptor& out) {
  if (plugin == nullptr) return "vsoa_plugin_main returned NULL: it can't run here";
  if (auto problem = abi_problem(*plugin); !problem.empty()) return problem;
  std::memcpy(&out.callbacks, plugin, std::min(plugin->size, sizeof(out.callbacks)));

  const auto name = bounded_text(plugin->name, max_name_bytes);
  if (!name || *name != file_name) {
    return "it names itself \"" + (name ? *name : std::string("(too long)")) +
           "\", which must equal its file's name";
  }
  auto version = bounded_text(plugin->version, max_version_bytes);
  auto description = bounded_text(plugin->description, max_description_bytes);
  if (!version || !description) return "its version or description is too long";
  if (auto problem = read_commands(plugin->commands, out.commands); !problem.empty()) {
    return problem;
  }
  if (plugin->start == nullptr) return "it has no start callback";
  if (plugin->command == nullptr && !out.commands.empty()) {
    return "it declares commands and has no command callback";
  }
  out.name = *name;
  out.version = std::move(*version);
  out.description = std::move(*description);
  out.flags = plugin->flags;
  return {};
}

}  // namespace vsoad
