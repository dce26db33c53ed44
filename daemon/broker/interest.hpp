// What one upstream server should be subscribed to, so that our own subscribers get what they want:
// counted, and compared with what has been asked for already.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace vsoad {

/// All functions: any thread. take() and restart() are for the one who asks upstream.
class interest {
 public:
  struct change {
    std::string pattern;
    bool wanted = false;  ///< false: unsubscribe
  };

  // Each: whether take() must be called now, as there was nothing to be taken before.
  bool add(const std::string& pattern);
  bool remove(const std::string& pattern);

  /// What is to be asked for since the last time. What has come and gone meanwhile is not in it.
  std::vector<change> take();
  /// Nothing is subscribed to any more: all that is wanted.
  std::vector<std::string> restart();

  std::size_t size() const;  ///< patterns that are wanted

 private:
  struct entry {
    std::size_t count = 0;  // of our own patterns, on all loops
    bool asked = false;
    bool is_dirty = false;
  };
  bool touch(const std::string& pattern, entry& e);

  mutable std::mutex mutex_;
  std::map<std::string, entry> entries_;  // under mutex_
  std::vector<std::string> dirty_;        // under mutex_
};

}  // namespace vsoad
