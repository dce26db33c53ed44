// A file on its way from a client: into a partial file, which takes the name's place when it is
// complete and its checksum right.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "json.hpp"
#include "root.hpp"
#include "transfer.hpp"

namespace files {

class upload final : public task, public std::enable_shared_from_this<upload> {
 public:
  /// Throws `failure`, and then has done nothing.
  upload(transfers& all, vsoa::plugin::deferred_call& call, vsoa::plugin::client from, place where,
         const request& wanted);
  ~upload() override;
  bool step() override;

 private:
  enum class phase { hashing, receiving, done };

  void offer();
  bool receive();
  bool is_idle() const;
  void write(const std::vector<char>& bytes);
  void finish();
  void tell(const std::string& outcome);
  void take(vsoa::plugin::stream from, vsoa::plugin::bytes piece);

  transfers& all_;
  vsoa::plugin::deferred_call call_;
  const vsoa::plugin::client from_;
  const place where_;
  std::uint64_t at_;
  const std::uint64_t size_;
  const std::string sha256_;  // empty: not to be checked
  slot slot_;
  const std::string key_;  // of all_.names
  unique_fd file_;
  hasher hasher_;
  file_hash hash_;  // of what is there already
  phase phase_ = phase::hashing;
  vsoa::plugin::stream stream_;
  std::chrono::steady_clock::time_point last_arrival_{};
  vsoa::plugin::timer idle_check_;

  std::mutex mutex_;
  std::vector<char> arrived_;  // under mutex_
  bool is_paused_ = false;     // under mutex_
  bool is_linked_ = false;     // under mutex_
  bool has_ended_ = false;     // under mutex_: nothing more comes
};

}  // namespace files
