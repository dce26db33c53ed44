// A move-only `void()`: what loops run and send each other. std::function would demand copies.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace vsoa::net {

class task {
 public:
  task() noexcept = default;

  template <class Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, task> &&
           std::invocable<std::remove_cvref_t<Function>&>)
      task(Function&& function)  // NOLINT(bugprone-forwarding-reference-overload)
      : body_(std::make_unique<body_of<std::remove_cvref_t<Function>>>(
            std::forward<Function>(function))) {}

  void operator()() { body_->run(); }
  explicit operator bool() const noexcept { return body_ != nullptr; }

 private:
  struct body {
    virtual ~body() = default;
    virtual void run() = 0;
  };
  template <class Function>
  struct body_of final : body {
    explicit body_of(Function f) : function(std::move(f)) {}
    void run() override { function(); }
    Function function;
  };

  std::unique_ptr<body> body_;
};

}  // namespace vsoa::net
