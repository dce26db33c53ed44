// The async_ functions of client, for programs that use Boost.Asio: they take any completion token
// (a callback, use_future, use_awaitable, deferred...). The only public header that includes Boost.
//
// Handlers run on their associated executor, which is kept busy (outstanding_work) meanwhile;
// without one, on the client's loop. Cancellation slots end an operation with
// boost::asio::error::operation_aborted, as do cancel() and the end of the client. All other errors
// are those of the client's functions and compare with vsoa::errc, connect_errc and status.
//
// Coroutines and g++ 12: inside a co_await expression that compiler destroys twice what braces have
// made there, if it has a destructor, and so corrupts the heap. Give it a name before:
//
//     vsoa::connect_options how{.password = "secret"};
//     co_await client.async_connect(url, how, use_awaitable);  // not: url, {.password = "secret"}
//     vsoa::urls both{"/a", "/b"};                             // braces below: does not compile
//     co_await client.async_subscribe(both, use_awaitable);
//
// vsoa::connect_options() is well, too, and so is a vsoa::request in braces: it has no destructor.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/prepend.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <type_traits>

#include "vsoa/client.hpp"

namespace vsoa {

/// Runs functions on one loop of a runtime: an Asio executor. It does not keep the loop running,
/// nor has it an execution_context, so that any_io_executor does not take it.
class loop_executor {
  using blocking = boost::asio::execution::blocking_t;

 public:
  /// `loops` outlives it.
  loop_executor(runtime& loops, std::size_t index) noexcept : loops_(&loops), index_(index) {}

  /// Whether both are the same loop.
  bool operator==(const loop_executor&) const noexcept = default;

  /// What Asio asks: whether execute() may run a function at once.
  blocking query(blocking) const noexcept {
    return never_ ? blocking(blocking::never) : blocking(blocking::possibly);
  }
  /// One that never does.
  loop_executor require(blocking::never_t) const noexcept { return {*this, true}; }
  /// One that may.
  loop_executor require(blocking::possibly_t) const noexcept { return {*this, false}; }

  /// At once on the loop's thread, unless blocking.never; else soon.
  template <class Function>
  void execute(Function&& f) const {
    using body = std::decay_t<Function>;
    if (!never_ && loops_->here() == index_) {
      body here(std::forward<Function>(f));
      return here();
    }
    // runtime::post() takes what can be copied.
    const auto there = std::make_shared<body>(std::forward<Function>(f));
    loops_->post(index_, [there] { (*there)(); });
  }

 private:
  loop_executor(const loop_executor& other, bool never) noexcept
      : loops_(other.loops_), index_(other.index_), never_(never) {}

  runtime* loops_;
  std::size_t index_;
  bool never_ = false;
};

namespace detail {

inline boost::system::error_code to_asio(const std::error_code& error) {
  if (error == errc::cancelled) return boost::asio::error::operation_aborted;
  return error;
}

// What an operation's end is made of, by signature.
template <class Signature>
struct completed;
template <>
struct completed<void(boost::system::error_code)> {
  template <class Handler>
  static auto bind(Handler&& handler, const std::error_code& error, const reply_view&) {
    return boost::asio::prepend(std::forward<Handler>(handler), to_asio(error));
  }
};
template <>
struct completed<void(boost::system::error_code, reply)> {
  template <class Handler>
  static auto bind(Handler&& handler, const std::error_code& error, const reply_view& view) {
    return boost::asio::prepend(std::forward<Handler>(handler), to_asio(error), reply(view));
  }
};
template <>
struct completed<void(boost::system::error_code, std::string)> {
  template <class Handler>
  static auto bind(Handler&& handler, const std::error_code& error, const reply_view& view) {
    return boost::asio::prepend(std::forward<Handler>(handler), to_asio(error),
                                std::string(view.payload.param));
  }
};

// A handler between the beginning of its operation and its end.
template <class Signature, class Handler>
class waiting_handler {
  static auto track(const Handler& handler, const loop_executor& loop) {
    return boost::asio::prefer(boost::asio::get_associated_executor(handler, loop),
                               boost::asio::execution::outstanding_work.tracked);
  }

 public:
  waiting_handler(Handler handler, const loop_executor& loop)
      : handler_(std::move(handler)), work_(track(handler_, loop)) {}

  void operator()(const std::error_code& error, const reply_view& view) {
    // The slot is left as it is: it belongs to the handler's thread, and what it holds is harmless.
    const auto executor = std::move(work_);
    boost::asio::dispatch(executor, completed<Signature>::bind(std::move(handler_), error, view));
  }

 private:
  Handler handler_;
  decltype(track(std::declval<const Handler&>(), std::declval<const loop_executor&>())) work_;
};

template <class Signature>
struct initiation {
  using executor_type = loop_executor;

  std::shared_ptr<client_impl> where;
  loop_executor loop;

  executor_type get_executor() const noexcept { return loop; }

  template <class Handler>
  void operator()(Handler&& handler, client::prepared what) const {
    using waiting = waiting_handler<Signature, std::decay_t<Handler>>;
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    const std::weak_ptr<client_impl> weak = where;
    // The slot first: once launched, the operation may end, and clear it, on another thread.
    const operation_id id = reserve_operation(*where, *what);
    if (slot.is_connected()) {
      slot.assign([weak, id](boost::asio::cancellation_type kind) {
        if (kind != boost::asio::cancellation_type::none) cancel(weak, id);
      });
    }
    launch(where, std::move(what), waiting(std::forward<Handler>(handler), loop));
  }
};

}  // namespace detail

template <class Signature, class Token>
auto client::initiate(prepared what, Token token) {
  return boost::asio::async_initiate<Token, Signature>(
      detail::initiation<Signature>{impl_, loop_executor(loops(), loop())}, token, std::move(what));
}

/// With g++ 12, `options` in braces must not stand in a co_await expression: see the head of this
/// file.
template <class Token>
auto client::async_connect(std::string_view url, connect_options options, Token&& token) {
  return initiate<void(boost::system::error_code, std::string)>(
      prepare_connect(url, std::move(options)), std::forward<Token>(token));
}
template <class Token>
auto client::async_call(const request& what, Token&& token) {
  return initiate<void(boost::system::error_code, reply)>(prepare_call(what),
                                                          std::forward<Token>(token));
}
template <class Token>
auto client::async_ping(Token&& token, std::chrono::milliseconds timeout) {
  return initiate<void(boost::system::error_code)>(prepare_ping(timeout),
                                                   std::forward<Token>(token));
}
template <class Token>
auto client::async_subscribe(urls what, Token&& token, std::chrono::milliseconds timeout) {
  return initiate<void(boost::system::error_code)>(
      prepare_subscribe(std::move(what), true, timeout), std::forward<Token>(token));
}
template <class Token>
auto client::async_unsubscribe(urls what, Token&& token, std::chrono::milliseconds timeout) {
  return initiate<void(boost::system::error_code)>(
      prepare_subscribe(std::move(what), false, timeout), std::forward<Token>(token));
}
template <class Token>
auto client::async_unsubscribe_all(Token&& token, std::chrono::milliseconds timeout) {
  return initiate<void(boost::system::error_code)>(prepare_unsubscribe_all(timeout),
                                                   std::forward<Token>(token));
}

}  // namespace vsoa
