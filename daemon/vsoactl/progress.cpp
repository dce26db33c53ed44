#include "progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "text.hpp"

namespace vsoad::ctl {
namespace {

constexpr std::size_t bar_width = 24;

}  // namespace

std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> total,
                          std::chrono::milliseconds elapsed) {
  const double seconds = std::max(std::chrono::duration<double>(elapsed).count(), 0.001);
  const double rate = static_cast<double>(done) / seconds;
  std::string out;
  if (total && *total != 0) {
    const double share = std::min(static_cast<double>(done) / static_cast<double>(*total), 1.0);
    std::string percent = std::to_string(static_cast<int>(share * 100));
    percent.insert(0, 3 - std::min<std::size_t>(percent.size(), 3), ' ');
    std::string bar(static_cast<std::size_t>(share * bar_width), '#');
    bar.resize(bar_width, ' ');
    out = percent + " % [" + bar + "] ";
  }
  out += short_number(static_cast<double>(done)) + "B, " + short_number(rate) + "B/s";
  if (!total || done == 0 || done >= *total) return out;
  const double left = static_cast<double>(*total - done) / rate;
  return out + ", " + std::to_string(static_cast<std::uint64_t>(left + 1)) + " s left";
}

progress::progress(std::optional<std::uint64_t> total)
    : total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress::~progress() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

void progress::show(std::uint64_t done) const {
  if (!terminal_) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin_);
  std::fprintf(stderr, "\r\x1b[K%s", progress_text(done, total_, elapsed).c_str());
  std::fflush(stderr);
}

}  // namespace vsoad::ctl
