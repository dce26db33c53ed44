// Any file, checked as a plugin. What is refused must be refused with a reason that names no
// nonsense; what matters most is that nothing outside the input is read.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "plugin_host/elf_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // In memory of exactly this size, so that a sanitizer sees each byte too far.
  const auto exact = std::make_unique<std::byte[]>(size);
  if (size != 0) std::memcpy(exact.get(), data, size);
  const auto problem = vsoad::elf_problem({exact.get(), size});
  if (problem.size() > 200) std::abort();
  return 0;
}
