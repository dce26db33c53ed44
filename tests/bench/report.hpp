// Medians over the rounds, ratios between the sides of one round, as a table and as JSON.
#pragma once

#include <string>
#include <vector>

#include "measure.hpp"

namespace bench {

/// All rounds of one scenario: rounds[r][s] is what side s gave in round r, empty when it has no
/// part in the scenario.
struct outcome {
  std::string scenario;
  std::vector<std::string> sides;  ///< the first is what the others are divided by
  std::vector<std::vector<sample>> rounds;
};

struct summary {
  double median = 0;
  double lowest = 0;
  double highest = 0;
};
/// Zeros when there are no values.
summary summarize(std::vector<double> values);

/// The values of one figure over all rounds; a round that lacks it is left out.
std::vector<double> values_of(const outcome& of, std::size_t side, const std::string& metric_name);
/// Side / first side, round by round: what disturbs the machine for long disturbs both.
std::vector<double> ratios_of(const outcome& of, std::size_t side, const std::string& metric_name);

void print_table_head(const std::vector<std::string>& sides);
void print_table(const outcome& of);

/// Writes every round's figures, medians and ratios. Throws when the file can't be written.
void write_json(const std::string& path, const std::vector<outcome>& outcomes);

}  // namespace bench
