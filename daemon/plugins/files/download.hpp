// A file on its way to a client, or only its checksum.
#pragma once

#include <memory>
#include <optional>

#include "json.hpp"
#include "root.hpp"
#include "transfer.hpp"

namespace files {

class download final : public task, public std::enable_shared_from_this<download> {
 public:
  /// @param facts  not empty: nothing is sent, the answer is this, an object without its last
  ///               brace, and the checksum
  download(transfers& all, vsoa::plugin::deferred_call call, vsoa::plugin::client to,
           unique_fd file, entry what, const request& wanted, std::string facts);
  bool step() override;

 private:
  bool hash();
  void answer();
  void offer();
  bool send();

  transfers& all_;
  vsoa::plugin::deferred_call call_;
  const vsoa::plugin::client to_;
  unique_fd file_;
  const entry what_;
  std::uint64_t at_, end_;
  const bool sends_;
  std::string facts_;  // what the answer says, without its last brace
  std::optional<slot> slot_;
  std::optional<hasher> hasher_;  // with a checksum
  file_hash hash_;
  vsoa::plugin::stream stream_;
  std::atomic<bool> is_linked_{false};
  std::atomic<bool> has_ended_{false};
};

}  // namespace files
