#include "download.hpp"

#include <fcntl.h>

#include <algorithm>

namespace files {
namespace {

constexpr int pieces_per_step = 8;

}  // namespace

download::download(transfers& all, vsoa::plugin::deferred_call call, vsoa::plugin::client to,
                   unique_fd file, entry what, const request& wanted, std::string facts)
    : all_(all),
      call_(std::move(call)),
      to_(to),
      file_(std::move(file)),
      what_(std::move(what)),
      at_(wanted.offset),
      end_(what_.size),
      sends_(facts.empty()),
      facts_(std::move(facts)),
      hash_(file_.get(), what_.size) {
  if (at_ > what_.size) throw failure(wrong_offset, "the file is shorter");
  if (wanted.length) end_ = at_ + std::min(*wanted.length, what_.size - at_);
  slot_.emplace(all_);
  if (wanted.checksum) hasher_.emplace();
  (void)::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

bool download::step() {
  try {
    if (has_ended_) {
      slot_.reset();
      return false;
    }
    if (stream_) return send();
    if (hasher_ && hash()) return true;
    answer();
    return false;
  } catch (const failure& why) {
    refuse(call_, why);
  } catch (const std::exception&) {
    refuse(call_, failure(status::no_memory, "no memory"));
  }
  stream_.abort();
  slot_.reset();
  return false;
}

bool download::hash() {
  return hash_.step(*hasher_, all_.buffer);
}

void download::answer() {
  if (sends_) {
    facts_ = "{\"size\":" + std::to_string(what_.size) +
             ",\"modified\":" + std::to_string(what_.modified_ms);
  }
  if (hasher_) facts_ += ",\"sha256\":\"" + hasher_->hex() + "\"";
  if (sends_) return offer();
  call_.reply(facts_ + "}");
  slot_.reset();
}

void download::offer() {
  const auto self = shared_from_this();
  vsoa::plugin::stream_events events;
  events.on_link = [self](vsoa::plugin::stream, bool connected) {
    (connected ? self->is_linked_ : self->has_ended_) = true;
    self->all_.worker.wake(self);
  };
  events.on_writable = [self](vsoa::plugin::stream) { self->all_.worker.wake(self); };
  const auto made = all_.host.create_stream(to_, std::move(events));
  if (!made) throw failure(status::no_memory, "too many streams");
  stream_ = made.stream;
  watch_over(all_, stream_);
  facts_ += ",\"offset\":" + std::to_string(at_) + ",\"length\":" + std::to_string(end_ - at_);
  call_.reply(status::success, facts_ + "}", {}, made.tunid);
}

// What was read and not taken is read again: from the page cache, and hardly ever.
bool download::send() {
  if (!is_linked_) return false;
  for (int i = 0; i < pieces_per_step; ++i) {
    if (at_ == end_) {
      stream_.close();
      return false;
    }
    if (!stream_.is_writable()) return false;
    const std::size_t wanted = std::min<std::uint64_t>(all_.buffer.size(), end_ - at_);
    const ssize_t count = ::pread(file_.get(), all_.buffer.data(), wanted, static_cast<off_t>(at_));
    // The client would take an early end for the file's.
    if (count <= 0) throw failure(io_error, "the file has become shorter");
    const auto taken =
        stream_.send(vsoa::plugin::bytes(all_.buffer.data(), static_cast<std::size_t>(count)));
    if (taken < 0) return false;
    at_ += static_cast<std::uint64_t>(taken);
  }
  return true;
}

}  // namespace files
