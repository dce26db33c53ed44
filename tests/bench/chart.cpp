#include "chart.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

// Pixels.
constexpr int label_width = 330;
constexpr int bar_unit = 220;  ///< length of a ratio of 1
constexpr int row_height = 18;
constexpr int bar_height = 13;
constexpr int text_drop = 11;
constexpr int head_height = 40;
constexpr double longest_ratio = 2;  ///< bars end there, their numbers go on
constexpr int width = label_width + static_cast<int>(bar_unit * longest_ratio) + 60;

struct bar {
  std::string label;
  double ratio;
  bool higher_is_better;
};

std::vector<bar> bars_of(const std::vector<outcome>& outcomes) {
  std::vector<bar> bars;
  for (const outcome& each : outcomes) {
    const sample& base = each.rounds.at(0).at(0);
    if (base.empty()) continue;  // nothing to be divided by
    const metric& headline = base.front();
    for (std::size_t side = 1; side < each.sides.size(); ++side) {
      const std::vector<double> ratios = ratios_of(each, side, headline.name);
      if (ratios.empty()) continue;
      std::string label = each.scenario + ", " + headline.name;
      if (each.sides.size() > 2) label += " (" + each.sides[side] + ')';
      bars.push_back({label, summarize(ratios).median, headline.unit == "1/s"});
    }
  }
  return bars;
}

void draw_bar(std::ostream& to, const bar& drawn, int top) {
  const int length = static_cast<int>(std::min(drawn.ratio, longest_ratio) * bar_unit);
  const char* colour = drawn.higher_is_better ? "#2a78b8" : "#c27a2c";
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.2f", drawn.ratio);
  to << "<text x=\"" << label_width - 8 << "\" y=\"" << top + text_drop << "\" text-anchor=\"end\">"
     << drawn.label << "</text>\n"
     << "<rect x=\"" << label_width << "\" y=\"" << top << "\" width=\"" << length << "\" height=\""
     << bar_height << "\" fill=\"" << colour << "\"/>\n"
     << "<text x=\"" << label_width + length + 6 << "\" y=\"" << top + text_drop << "\">" << ratio
     << "</text>\n";
}

}  // namespace

std::string draw_chart(const std::vector<outcome>& outcomes) {
  const std::vector<bar> bars = bars_of(outcomes);
  const int height = head_height + static_cast<int>(bars.size()) * row_height + 10;
  const int one = label_width + bar_unit;
  std::ostringstream svg;
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
      << "\" font-family=\"sans-serif\" font-size=\"11\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << "<text x=\"8\" y=\"18\">vsoad as a ratio to raw sockets; blue: a rate, higher is better; "
         "orange: a time or memory, lower is better</text>\n";
  int top = head_height;
  for (const bar& each : bars) {
    draw_bar(svg, each, top);
    top += row_height;
  }
  svg << "<line x1=\"" << one << "\" y1=\"" << head_height - 8 << "\" x2=\"" << one << "\" y2=\""
      << height - 6 << "\" stroke=\"#444\" stroke-dasharray=\"3 3\"/>\n</svg>\n";
  return svg.str();
}

void write_chart(const std::string& path, const std::vector<outcome>& outcomes) {
  std::ofstream file(path);
  file << draw_chart(outcomes);
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace bench
