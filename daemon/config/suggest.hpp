// "Did you mean": the nearest of some known words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vsoad::config {

/// The nearest to `word` by edits (a swap of neighbours is one), if near enough to be a slip; else
/// empty. The first of equals.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// ` (did you mean "x"?)`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

/// "a, b or c".
std::string one_of(const std::vector<std::string_view>& words);
/// "a, b and c".
std::string all_of(const std::vector<std::string_view>& words);

}  // namespace vsoad::config
