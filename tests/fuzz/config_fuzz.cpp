// Any text at all is a configuration or has findings; nothing else may come of it. What is accepted
// is accepted again as it is printed, and prints the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.hpp"
#include "config/print.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vsoad::config;
  load_options options;
  options.allow_files = false;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "A") return "1";
    return {};
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const load_result result = load_text("fuzz.yaml", text, options);
  if (!result.ok()) {
    if (result.diagnostics.empty()) std::abort();
    for (const diagnostic& d : result.diagnostics) {
      if (to_string(d).find('\n') != std::string::npos) std::abort();
    }
    return 0;
  }
  const std::string printed = print_yaml(*result.document);
  const load_result again = load_text("printed.yaml", printed, options);
  if (!again.ok() || print_yaml(*again.document) != printed) std::abort();
  return 0;
}
