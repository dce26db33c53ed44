// What the operator's commands have in common: an order goes to the control socket of vsoad, its
// answer is shown.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "invocation.hpp"

namespace vsoad::ctl {

/// See control/request.hpp.
struct order {
  std::string command;
  std::vector<std::pair<std::string, std::variant<bool, std::int64_t, std::string>>> arguments{};
};

/// An answer, or an object in it. A member that is not there, or is something else, as an older
/// vsoad's may be, is empty, 0 or false.
class answer_view {
 public:
  explicit answer_view(simdjson::dom::element object) : object_(object) {}

  std::string text(std::string_view name) const;  ///< fit for a terminal
  std::uint64_t number(std::string_view name) const;
  bool flag(std::string_view name) const;
  answer_view object(std::string_view name) const;
  std::vector<answer_view> objects(std::string_view name) const;  ///< of a list of them
  std::vector<std::string> texts(std::string_view name) const;    ///< the same
  /// Names and values of an object of numbers.
  std::vector<std::pair<std::string, std::string>> numbers(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  simdjson::dom::element member(std::string_view name) const;

  simdjson::dom::element object_;
};

/// Sends an order, waits for the answer, and prints it: as it is with --json, else by `show`. What
/// goes wrong is told on standard error.
/// @return the exit code
int carry_out(const invocation& use, const order& what,
              void (*show)(const answer_view& answer, const output& out));

/// Throws usage_error unless so many words were written: at least, and at most.
void check_words(const invocation& use, std::size_t least, std::size_t most, const char* what);

}  // namespace vsoad::ctl
