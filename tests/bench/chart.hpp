// The ratios as bars, for a README or a report.
#pragma once

#include <string>
#include <vector>

#include "report.hpp"

namespace bench {

/// The first figure of each scenario, each side divided by the first side, as an SVG image.
std::string draw_chart(const std::vector<outcome>& outcomes);

/// Throws when the file can't be written.
void write_chart(const std::string& path, const std::vector<outcome>& outcomes);

}  // namespace bench
