// How far a transfer is: a line on a terminal's standard error that is written over and over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace vsoad::ctl {

/// "  45 % [#####       ]  12.3 MB, 101 MB/s, 3 s left"; without a total no share and no bar.
std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> total,
                          std::chrono::milliseconds elapsed);

/// Prints nothing where standard error is no terminal.
class progress {
 public:
  explicit progress(std::optional<std::uint64_t> total);
  ~progress();  ///< leaves the line clean
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void show(std::uint64_t done) const;

 private:
  const std::optional<std::uint64_t> total_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace vsoad::ctl
