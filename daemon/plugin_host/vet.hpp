// Who may put code into the daemon: the owner and mode of plugin files and of their directories.
// All is checked on descriptors that stay open, so that nothing can be exchanged after the check.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "plugin_host/unique_fd.hpp"

namespace vsoad {

/// Of the files that are plugins.
inline constexpr std::string_view plugin_suffix = ".so";

inline constexpr std::uint64_t max_plugin_bytes = std::uint64_t{64} << 20;

/// Why a file with these attributes is not loaded; empty: it may be. Regular, not empty, at most
/// max_plugin_bytes, owned by root or `daemon`, not writable by group or others.
std::string file_problem(const struct stat& attributes, uid_t daemon);

/// The same of a directory: owned by root or `daemon`, and sticky where all may write.
std::string directory_problem(const struct stat& attributes, uid_t daemon);

/// Opens a directory of plugins that may be trusted.
/// @param reason  why not, when the descriptor returned is empty
/// @param missing  set when the reason is that there is none
unique_fd open_directory(const std::string& path, std::string& reason, bool& missing);

/// Opens a file of that directory for reading, if it may be trusted. Symbolic links are not
/// followed.
/// @param size  receives the file's size
unique_fd open_file(int directory, const std::string& file, std::uint64_t& size,
                    std::string& reason);

}  // namespace vsoad
