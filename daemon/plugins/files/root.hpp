// The one directory whose files are served. A path is walked component by component from its
// descriptor, and no symbolic link is followed: there is no way out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unique_fd.hpp"

namespace files {

struct entry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;        ///< bytes; of a directory: 0
  std::int64_t modified_ms = 0;  ///< since 1970
};

/// An open directory and the name of something in it.
struct place {
  unique_fd directory;
  std::string name;
};

/// What an upload is written to until it is complete.
std::string partial_name(std::string_view name);

class root {
 public:
  /// Throws std::system_error naming the path.
  explicit root(const std::string& path);

  // All throw `failure`. A path is relative: names joined by "/", none of them empty, "." or "..";
  // where it says so, empty is the root itself. Any thread.

  place find(std::string_view path) const;
  /// @param path  may be empty
  unique_fd open_directory(std::string_view path) const;
  /// Nothing: it is not there.
  static std::optional<entry> look(int directory, const std::string& name);
  /// What is there of an upload. Nothing: none, or no upload can have such a name.
  static std::optional<entry> look_partial(const place& where);
  /// For reading: a regular file.
  static unique_fd open_file(const place& where, entry& found);
  /// For writing: `begin` bytes of it are there and stay.
  static unique_fd open_partial(const place& where, std::uint64_t begin);
  /// The partial file takes the name's place.
  static void complete(const place& where);
  static void discard_partial(const place& where) noexcept;
  /// Regular files and directories, by name; of names that are UTF-8.
  /// @param path  may be empty
  std::vector<entry> list(std::string_view path) const;

 private:
  unique_fd directory_;
};

}  // namespace files
