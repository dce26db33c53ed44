#include "suggest.hpp"

#include <algorithm>

#include "ascii.hpp"

namespace vsoad::config {

namespace {

constexpr std::size_t max_edits = 3;
constexpr std::size_t max_word_bytes = 64;

/// Edits with adjacent swaps. Words are short: the full table is three rows at most.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::string as_key(std::string_view text) {
  std::string out = lower(text);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > max_word_bytes) return {};
  const std::string wanted = as_key(word);
  std::string_view best;
  // A slip changes a part of a word: one edit in three letters.
  std::size_t best_edits = std::min(max_edits, wanted.size() / 3 + 1) + 1;
  for (const std::string_view original : known) {
    const std::string candidate = as_key(original);
    // A word cut short is no slip, but just as plain: "warn" for "warning".
    const bool is_begin = wanted.size() >= 3 && candidate.starts_with(wanted);
    const std::size_t distance = is_begin ? 1 : edits(wanted, candidate);
    // "log" is not a slip for "url": something must remain of the word.
    if (distance < best_edits && distance < candidate.size()) {
      best_edits = distance;
      best = original;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view best = nearest(word, known);
  return best.empty() ? std::string{} : " (did you mean \"" + std::string(best) + "\"?)";
}

namespace {

std::string listed(const std::vector<std::string_view>& words, std::string_view last_word) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += i + 1 == words.size() ? last_word : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace

std::string one_of(const std::vector<std::string_view>& words) {
  return listed(words, " or ");
}
std::string all_of(const std::vector<std::string_view>& words) {
  return listed(words, " and ");
}

}  // namespace vsoad::config
