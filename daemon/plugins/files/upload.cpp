#include "upload.hpp"

#include <sys/stat.h>

#include <utility>

namespace files {
namespace {

// What may have arrived and not been written: above it the client is held up.
constexpr std::size_t high_bytes = std::size_t{1} << 20U;

/// Names a place, however it was come by.
std::string key_of(const place& where) {
  struct stat s {};
  if (::fstat(where.directory.get(), &s) != 0) throw failure(io_error, "input/output error");
  return std::to_string(s.st_dev) + ":" + std::to_string(s.st_ino) + "/" + where.name;
}

std::string reserve(transfers& all, const place& where) {
  std::string key = key_of(where);
  if (!all.names.insert(key).second) throw failure(busy, "is being uploaded already");
  return key;
}

}  // namespace

upload::upload(transfers& all, vsoa::plugin::deferred_call& call, vsoa::plugin::client from,
               place where, const request& wanted)
    : all_(all),
      from_(from),
      where_(std::move(where)),
      at_(wanted.offset),
      size_(*wanted.size),
      sha256_(wanted.sha256),
      slot_(all),
      key_(reserve(all, where_)),
      hash_(-1, 0) {
  try {
    if (at_ > size_) throw failure(wrong_offset, "behind the end");
    file_ = root::open_partial(where_, at_);
  } catch (...) {
    all_.names.erase(key_);
    throw;
  }
  hash_ = file_hash(file_.get(), at_);
  call_ = std::move(call);
}

upload::~upload() = default;

bool upload::step() {
  try {
    switch (phase_) {
      case phase::hashing:
        if (hash_.step(hasher_, all_.buffer)) return true;
        offer();
        return false;
      case phase::receiving:
        return receive();
      case phase::done:
        return false;
    }
  } catch (const failure& why) {
    if (call_) {
      refuse(call_, why);
    } else {
      tell(std::string("{\"error\":\"") + why.what() + "\"}");
    }
  } catch (const std::exception&) {
    stream_.abort();
  }
  phase_ = phase::done;
  all_.names.erase(key_);
  return false;
}

void upload::offer() {
  const auto self = shared_from_this();
  vsoa::plugin::stream_events events;
  events.on_link = [self](vsoa::plugin::stream, bool connected) {
    {
      const std::lock_guard<std::mutex> lock(self->mutex_);
      (connected ? self->is_linked_ : self->has_ended_) = true;
    }
    self->all_.worker.wake(self);
  };
  events.on_data = [self](vsoa::plugin::stream s, vsoa::plugin::bytes piece) {
    self->take(s, piece);
  };
  const auto made = all_.host.create_stream(from_, std::move(events));
  if (!made) throw failure(status::no_memory, "too many streams");
  stream_ = made.stream;
  watch_over(all_, stream_);
  phase_ = phase::receiving;
  last_arrival_ = std::chrono::steady_clock::now();
  idle_check_ = all_.host.every(all_.idle_limit, [weak = weak_from_this()] {
    if (const auto still = weak.lock()) still->all_.worker.wake(still);
  });
  call_.reply(status::success, "{\"offset\":" + std::to_string(at_) + "}", {}, made.tunid);
  call_ = {};
}

// In the plugin's turn: must not wait for the disk.
void upload::take(vsoa::plugin::stream from, vsoa::plugin::bytes piece) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto* begin = static_cast<const char*>(piece.data);
    arrived_.insert(arrived_.end(), begin, begin + piece.size);
    if (arrived_.size() >= high_bytes && !is_paused_) {
      is_paused_ = true;
      from.pause();
    }
  }
  all_.worker.wake(shared_from_this());
}

bool upload::receive() {
  std::vector<char> bytes;
  bool resumes = false;
  bool is_over = false;
  bool is_linked = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bytes.swap(arrived_);
    resumes = std::exchange(is_paused_, false);
    is_over = has_ended_;
    is_linked = is_linked_;
  }
  write(bytes);
  if (!bytes.empty()) last_arrival_ = std::chrono::steady_clock::now();
  if (resumes) stream_.resume();
  if (at_ == size_ && is_linked) {
    finish();
  } else if (is_over || is_idle()) {  // what has come stays, and can be gone on with
    if (!is_over) stream_.abort();
    phase_ = phase::done;
    all_.names.erase(key_);
  }
  return false;
}

bool upload::is_idle() const {
  return std::chrono::steady_clock::now() - last_arrival_ >= all_.idle_limit;
}

void upload::write(const std::vector<char>& bytes) {
  if (bytes.size() > size_ - at_) throw failure(too_large, "more bytes than announced");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(at_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw failure(io_error, "no space left, or the file can't be written");
    hasher_.add(bytes.data() + done, static_cast<std::size_t>(count));
    done += static_cast<std::size_t>(count);
    at_ += static_cast<std::uint64_t>(count);
  }
}

void upload::finish() {
  const std::string found = hasher_.hex();
  if (!sha256_.empty() && found != sha256_) {
    root::discard_partial(where_);
    throw failure(io_error, "the checksum is wrong");
  }
  if (::fsync(file_.get()) != 0) throw failure(io_error, "the file can't be written");
  root::complete(where_);
  phase_ = phase::done;
  all_.names.erase(key_);
  tell("{\"size\":" + std::to_string(size_) + ",\"sha256\":\"" + found + "\"}");
}

/// The last word on the stream, and its end.
void upload::tell(const std::string& outcome) {
  stream_.send(std::string_view(outcome));
  stream_.close();
}

}  // namespace files
