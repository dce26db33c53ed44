// A move-only function object: what std::function is not before C++23. Small callables lie within
// it, so that a call whose handler is small costs no allocation for it.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace vsoa {

template <class Signature>
class unique_function;

/// Calling an empty one is undefined. Not for several threads at a time.
template <class Result, class... Arguments>
class unique_function<Result(Arguments...)> {
 public:
  /// Callables up to this size, with a move that does not throw, are not allocated.
  static constexpr std::size_t inline_bytes = 8 * sizeof(void*);

  unique_function() noexcept = default;
  /// Empty.
  unique_function(std::nullptr_t) noexcept {}
  /// Holds whatever can be called so.
  template <class Callable>
  requires(!std::same_as<std::remove_cvref_t<Callable>, unique_function> &&
           std::is_invocable_r_v<Result, std::remove_cvref_t<Callable>&, Arguments...>)
      unique_function(Callable&& callable) {  // NOLINT(bugprone-forwarding-reference-overload)
    using body = std::remove_cvref_t<Callable>;
    if constexpr (is_inline<body>) {
      ::new (static_cast<void*>(place_)) body(std::forward<Callable>(callable));
    } else {
      ::new (static_cast<void*>(place_)) body*(new body(std::forward<Callable>(callable)));
    }
    actions_ = &actions_of<body>;
  }
  /// The other is empty then.
  unique_function(unique_function&& other) noexcept { take(other); }
  /// The other is empty then.
  unique_function& operator=(unique_function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~unique_function() { reset(); }

  /// Calls what it holds.
  Result operator()(Arguments... arguments) {
    return actions_->call(place_, std::forward<Arguments>(arguments)...);
  }
  /// Whether it holds something.
  explicit operator bool() const noexcept { return actions_ != nullptr; }
  /// Destroys what it holds.
  void reset() noexcept {
    if (actions_ != nullptr) std::exchange(actions_, nullptr)->destroy(place_);
  }

 private:
  struct actions {
    Result (*call)(void*, Arguments...);
    void (*move)(void* from, void* to) noexcept;  // and destroys what is left
    void (*destroy)(void*) noexcept;
  };
  template <class Body>
  static constexpr bool is_inline =
      sizeof(Body) <= inline_bytes &&
      alignof(Body) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<Body>;

  template <class Body>
  static Body& body_at(void* place) noexcept {
    if constexpr (is_inline<Body>) {
      return *std::launder(static_cast<Body*>(place));
    } else {
      return **std::launder(static_cast<Body**>(place));
    }
  }
  template <class Body>
  static Result call_body(void* place, Arguments... arguments) {
    return static_cast<Result>(body_at<Body>(place)(std::forward<Arguments>(arguments)...));
  }
  template <class Body>
  static void move_body(void* from, void* to) noexcept {
    if constexpr (is_inline<Body>) {
      Body& body = body_at<Body>(from);
      ::new (to) Body(std::move(body));
      body.~Body();
    } else {
      ::new (to) Body*(&body_at<Body>(from));
    }
  }
  template <class Body>
  static void destroy_body(void* place) noexcept {
    if constexpr (is_inline<Body>) {
      body_at<Body>(place).~Body();
    } else {
      delete &body_at<Body>(place);
    }
  }
  template <class Body>
  static constexpr actions actions_of{&call_body<Body>, &move_body<Body>, &destroy_body<Body>};

  void take(unique_function& other) noexcept {
    if (other.actions_ == nullptr) return;
    other.actions_->move(other.place_, place_);
    actions_ = std::exchange(other.actions_, nullptr);
  }

  const actions* actions_ = nullptr;
  alignas(std::max_align_t) std::byte place_[inline_bytes];
};

}  // namespace vsoa
