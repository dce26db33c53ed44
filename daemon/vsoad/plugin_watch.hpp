// Has the plugin directories looked through when something has happened in them, once it has become
// quiet there. On the main loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace vsoad {

class logging;

class plugin_watch {
 public:
  /// Without inotify it says so in the log, and watches nothing.
  /// @param changed  look through the directories. On the main loop
  plugin_watch(boost::asio::io_context& main_loop, std::function<void()> changed,
               const logging& log);
  ~plugin_watch();
  plugin_watch(const plugin_watch&) = delete;
  plugin_watch& operator=(const plugin_watch&) = delete;

  /// These from now on.
  void set_directories(const std::vector<std::string>& directories);
  /// Whether somebody is writing to this file.
  bool is_unfinished(const std::string& path) const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;  // null: nothing is watched
};

}  // namespace vsoad
