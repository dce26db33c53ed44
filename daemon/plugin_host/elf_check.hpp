// Whether a file's bytes are a plugin for this machine, found out without letting the dynamic
// linker near them: it maps and relocates whatever it is given, and a file cut short by a copy
// still under way would end the daemon with SIGBUS.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vsoad {

/// Checks that `image` is a whole ELF shared object of this machine that exports the function
/// vsoa_plugin_main. Every read is bounded by `image`; the contents may be anything.
/// @return why it is not one; empty: it is
std::string elf_problem(std::span<const std::byte> image);

}  // namespace vsoad
