// Waiting for Ctrl-C or SIGTERM.
#pragma once

#include <csignal>

/// Construct it before any thread is made: they inherit that these signals are blocked.
class ending {
 public:
  ending() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
  }

 private:
  sigset_t signals_;
};
