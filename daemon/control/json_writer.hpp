// Writes JSON, piece by piece.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace vsoad::control {

/// Puts the commas and the closing brackets; that names are unique and stand in objects alone is
/// its user's duty. Text that is no UTF-8 is made so: what is printed is always valid JSON.
class json_writer {
 public:
  // Within an object with a name, within an array without.
  void open_object(std::string_view name = {}) { open(name, '{'); }
  void open_array(std::string_view name = {}) { open(name, '['); }
  /// Ends what was opened last.
  void close();

  void field(std::string_view name, std::string_view text);
  void field(std::string_view name, const char* text) { field(name, std::string_view(text)); }
  void field(std::string_view name, double number);
  template <class Flag>
  requires std::same_as<Flag, bool>
  void field(std::string_view name, Flag flag) { raw(name, flag ? "true" : "false"); }
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) void field(std::string_view name, Number number) {
    raw(name, std::to_string(number));
  }
  void null(std::string_view name) { raw(name, "null"); }
  void item(std::string_view text);

  /// All that is open closed; empty afterwards.
  std::string take();

 private:
  void open(std::string_view name, char bracket);
  void begin(std::string_view name);
  void raw(std::string_view name, std::string_view json);

  std::string out_;
  std::string closers_;  // of what is open
  bool is_first_ = true;
};

}  // namespace vsoad::control
