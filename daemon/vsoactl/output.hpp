// Standard output and error as the user wants them.
#pragma once

#include <string>
#include <string_view>

namespace vsoad::ctl {

/// Colours, or none.
struct palette {
  std::string_view dim, good, bad, name, off;
};

/// Colours on a terminal only, and not with NO_COLOR set or TERM=dumb.
palette colours_for(bool is_terminal);

class output {
 public:
  /// @param json  lines of standard output are JSON objects
  explicit output(bool json);

  bool is_json() const noexcept { return json_; }
  bool is_terminal() const noexcept { return terminal_; }
  const palette& colours() const noexcept { return colours_; }

  /// A line of standard output, at once. Any thread, whole lines. False: nobody reads any more.
  bool line(std::string_view text) const;
  /// The same bytes, without a line end.
  bool raw(std::string_view bytes) const;
  /// "vsoactl: TEXT" on standard error.
  static void complain(std::string_view text);

 private:
  bool json_;
  bool terminal_;
  palette colours_;
};

}  // namespace vsoad::ctl
