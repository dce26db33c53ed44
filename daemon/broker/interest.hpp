// What one upstream server should be subscribed to, so that our own subscribers get what they want:
// counted, and compared with what has been asked for already. Never more than what is wanted now
// and what is still to be given up: a pattern that nobody wants any more is forgotten.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace vsoad {

/// All functions: any thread. Those from take() on are for the one who asks upstream.
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
  /// Nobody can be asked: what has changed is not to be taken, restart() comes first.
  void drop();

  /// Upstream has refused a pattern, or was not asked in the end: it is to be tried again.
  void refused(const std::string& pattern);
  /// Refused patterns that are still wanted, `most` at a time and each in its turn: they count as
  /// asked for now.
  std::vector<std::string> retry(std::size_t most);
  std::size_t refused_count() const;

  std::size_t size() const;  ///< patterns that are known, wanted or still to be given up

 private:
  struct entry {
    std::size_t count = 0;  // of our own patterns, on all loops
    bool asked = false;
    bool is_dirty = false;
  };
  bool touch(const std::string& pattern, entry& e);
  void forget(std::map<std::string, entry>::iterator which);
  void forget_asked();

  mutable std::mutex mutex_;
  std::map<std::string, entry> entries_;  // under mutex_
  std::vector<std::string> dirty_;        // under mutex_
  std::set<std::string> refused_;         // under mutex_; all of them in entries_
  std::string last_retried_;              // under mutex_
};

}  // namespace vsoad
