#include "vsoad/reloader.hpp"

#include <exception>
#include <string>

#include "vsoad/application.hpp"
#include "vsoad/logging.hpp"

namespace vsoad {

reload_report reloader::run(bool plan_only) {
  reload_report report = try_to(plan_only);
  if (plan_only) return report;
  last_ = {std::chrono::system_clock::now(), report.ok, report.problems.size()};
  if (report.ok) reloaded_();
  return report;
}

reload_report reloader::try_to(bool plan_only) {
  const auto wanted = config::load(file_);
  reload_report report;
  report.ok = wanted.ok();
  std::vector<std::string> in_file;
  for (const auto& found : wanted.diagnostics) {
    in_file.push_back(config::to_string(found));
    // A plan is the asker's to read.
    if (plan_only) continue;
    const std::string line = "reload: " + config::to_string(found);
    found.level == config::severity::error ? log_.error(line) : log_.warning(line);
  }
  if (report.ok) report = application_.reload(wanted, plan_only);
  // Errors, for which nothing was done; or warnings, of what was.
  report.problems.insert(report.problems.begin(), in_file.begin(), in_file.end());
  if (!wanted.ok() && !plan_only) log_.error("reload: the configuration of before stays in force");
  return report;
}

}  // namespace vsoad
