#include "net/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace vsoa::net {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

epoll_event event_for(pollable& who, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  return event;
}

}  // namespace

poller::poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) fail("epoll_create1");
}

void poller::add(int fd, pollable& who, std::uint32_t events) {
  epoll_event event = event_for(who, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void poller::change(int fd, pollable& who, std::uint32_t events) noexcept {
  epoll_event event = event_for(who, events);
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void poller::remove(int fd, const pollable& who) noexcept {
  epoll_event ignored{};
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
  for (std::size_t i = next_; i < count_; ++i) {
    if (ready_[i].data.ptr == &who) ready_[i].data.ptr = nullptr;
  }
}

bool poller::poll(int timeout) {
  const int found =
      ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(batch_size), timeout);
  count_ = static_cast<std::size_t>(std::max(found, 0));
  for (next_ = 0; next_ < count_;) {
    const epoll_event& event = ready_[next_++];
    if (event.data.ptr != nullptr) static_cast<pollable*>(event.data.ptr)->on_ready(event.events);
  }
  next_ = count_ = 0;
  return found > 0;
}

}  // namespace vsoa::net
