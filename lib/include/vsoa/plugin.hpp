// The C++ face of plugin.h: header only, C++17, links to nothing. A plugin is a class, made when it
// starts and destroyed when it stops, and a block that says which command runs which code:
//
//     #include <vsoa/plugin.hpp>
//
//     class hello : public vsoa::plugin::base {
//      public:
//       using base::base;
//       void greet(vsoa::plugin::call& c) { c.reply("\"hello\""); }
//     };
//
//     VSOA_PLUGIN(hello, "hello", "1.0", "Greets whoever calls") {
//       command("/hello", &hello::greet);
//       command("/bye", [](vsoa::plugin::call& c) { c.reply("\"bye\""); });
//     }
//
// An exception that leaves the plugin's code is logged, and a call it leaves behind is answered
// NO_RESPONDING. Threads, and how long what a callback is given stays valid: see plugin.h.
#ifndef VSOA_PLUGIN_HPP
#define VSOA_PLUGIN_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "vsoa/plugin.h"
#include "vsoa/plugin_stream.hpp"
#include "vsoa/plugin_types.hpp"

namespace vsoa {
namespace plugin {

/// What a plugin's class derives from: one object from start to stop. Override what you need,
/// publicly; what you do not override costs nothing.
class base {
 public:
  /// The host outlives the plugin.
  explicit base(plugin::host h) noexcept : host(h) {}
  virtual ~base() = default;
  base(const base&) = delete;
  base& operator=(const base&) = delete;

  /// @param config  JSON text, "null" when there are no settings. Throw to refuse to run.
  virtual void start(std::string_view config) { (void)config; }
  /// Just before destruction. No callback runs any more; host functions still work.
  virtual void stop() {}
  /// A datagram of a client; not answered.
  virtual void on_datagram(plugin::client from, std::string_view url, std::string_view param,
                           bytes data, channel via) {
    (void)from, (void)url, (void)param, (void)data, (void)via;
  }
  /// A client has passed the handshake, or is gone.
  virtual void on_client(plugin::client who, bool connected) { (void)who, (void)connected; }
  /// URLs that a client has newly subscribed to, or that it has given up or lost.
  virtual void on_subscription(plugin::client who, const std::vector<std::string_view>& urls,
                               bool subscribed) {
    (void)who, (void)urls, (void)subscribed;
  }

  /// Everything that the daemon does for a plugin.
  const plugin::host host;
};

/// What VSOA_PLUGIN describes: builds the descriptor, and stands between C and the class.
template <class Plugin>
class __attribute__((visibility("hidden"))) definition {
 public:
  static_assert(std::is_base_of<base, Plugin>::value, "derive from vsoa::plugin::base");

  /// NULL when the description is at fault, which can only be memory.
  static const vsoa_plugin* descriptor(const char* name, const char* version,
                                       const char* description) noexcept {
    try {
      static definition the(name, version, description);
      return &the.raw_;
    } catch (...) {
      return nullptr;
    }
  }

 private:
  struct instance {
    explicit instance(const vsoa_host* host) : object(plugin::host(host)) {}
    Plugin object;
  };
  using handler = std::function<void(Plugin&, call&)>;

  definition(const char* name, const char* version, const char* text) {
    raw_.size = sizeof(raw_);
    raw_.abi_major = VSOA_PLUGIN_ABI_MAJOR;
    raw_.abi_minor = VSOA_PLUGIN_ABI_MINOR;
    raw_.name = name;
    raw_.version = version;
    raw_.description = text;
    raw_.start = start;
    raw_.stop = stop;
    set_callbacks();
    describe();
    for (const auto& one : handlers_)
      urls_.push_back(one.first.c_str());
    urls_.push_back(nullptr);
    raw_.commands = urls_.data();
    if (!handlers_.empty()) raw_.command = run_command;
    table() = &handlers_;
  }

  /// The block after VSOA_PLUGIN.
  void describe();

  // For that block:
  /// Callbacks of different clients may run at the same time: the plugin locks for itself.
  void concurrent() noexcept { raw_.flags |= VSOA_PLUGIN_CONCURRENT; }
  /// Without settings, `plugins: all` leaves this plugin out.
  void needs_config() noexcept { raw_.flags |= VSOA_PLUGIN_NEEDS_CONFIG; }
  /// The command "/" serves below mount points, not what a whole service leaves over.
  void mount_default() noexcept { raw_.flags |= VSOA_PLUGIN_MOUNT_DEFAULT; }
  /// "/a" exact, "/a/" with all below, "/" the rest. The code is a member function of the class
  /// that takes a call&, or anything that can be called with (call&) or (Plugin&, call&).
  template <class Code>
  void command(std::string url, Code code) {
    if constexpr (std::is_invocable<Code, Plugin&, call&>::value) {
      handlers_.emplace_back(std::move(url),
                             [code](Plugin& p, call& c) { std::invoke(code, p, c); });
    } else {
      static_assert(std::is_invocable<Code, call&>::value, "a command takes a vsoa::plugin::call&");
      handlers_.emplace_back(std::move(url), [code](Plugin&, call& c) { code(c); });
    }
  }

  using handler_table = std::vector<std::pair<std::string, handler>>;
  static const handler_table*& table() noexcept {
    static const handler_table* handlers = nullptr;
    return handlers;
  }
  static Plugin& object(void* state) noexcept { return static_cast<instance*>(state)->object; }

  /// Callbacks of functions that the class overrides; the others stay NULL, and are not called.
  void set_callbacks() noexcept {
    if constexpr (!std::is_same<decltype(&Plugin::on_datagram),
                                decltype(&base::on_datagram)>::value) {
      raw_.datagram = run_datagram;
    }
    if constexpr (!std::is_same<decltype(&Plugin::on_client), decltype(&base::on_client)>::value) {
      raw_.client = run_client;
    }
    if constexpr (!std::is_same<decltype(&Plugin::on_subscription),
                                decltype(&base::on_subscription)>::value) {
      raw_.subscription = run_subscription;
    }
  }

  static int start(const vsoa_host* host, vsoa_text config, void** state) noexcept {
    try {
      auto fresh = std::make_unique<instance>(host);
      fresh->object.start(detail::view(config));
      *state = fresh.release();
      return 0;
    } catch (...) {
      detail::log_exception(host, "does not start");
      detail::streams().clear();
      return 1;
    }
  }
  static void stop(void* state) noexcept {
    const std::unique_ptr<instance> last(static_cast<instance*>(state));
    try {
      last->object.stop();
    } catch (...) {
      detail::log_exception(last->object.host.raw(), "stop() threw");
    }
    detail::streams().clear();  // nothing comes any more, and what they hold may be the object's
  }

  /// Runs a callback; what it throws is logged.
  template <class Code>
  static void guarded(void* state, const char* what, Code code) noexcept {
    try {
      code(object(state));
    } catch (...) {
      detail::log_exception(object(state).host.raw(), what);
    }
  }

  static void run_command(void* state, vsoa_call* raw, const vsoa_request* request) noexcept {
    Plugin& self = object(state);
    const vsoa_host* host = self.host.raw();
    call c(host, raw, *request);
    try {
      for (const auto& one : *table()) {
        if (one.first != c.command()) continue;
        one.second(self, c);
        return;
      }
      c.reply(status::invalid_url);
    } catch (...) {
      detail::log_exception(host, "a command threw");
      c.reply(status::no_responding);  // does nothing if it had been answered or deferred
    }
  }
  static void run_datagram(void* state, vsoa_client from, vsoa_text url, vsoa_text param,
                           vsoa_bytes data, int via) noexcept {
    guarded(state, "on_datagram threw", [&](Plugin& self) {
      self.on_datagram(from, detail::view(url), detail::view(param), data,
                       static_cast<channel>(via));
    });
  }
  static void run_client(void* state, vsoa_client who, int connected) noexcept {
    guarded(state, "on_client threw", [&](Plugin& self) { self.on_client(who, connected != 0); });
  }
  static void run_subscription(void* state, vsoa_client who, const vsoa_text* urls,
                               std::size_t count, int subscribed) noexcept {
    guarded(state, "on_subscription threw", [&](Plugin& self) {
      std::vector<std::string_view> list;
      list.reserve(count);
      for (std::size_t i = 0; i < count; ++i)
        list.push_back(detail::view(urls[i]));
      self.on_subscription(who, list, subscribed != 0);
    });
  }

  vsoa_plugin raw_{};
  handler_table handlers_;
  std::vector<const char*> urls_;
};

}  // namespace plugin
}  // namespace vsoa

/// Makes Class, which derives from vsoa::plugin::base, this library's plugin. Once, outside of all
/// namespaces, followed by a block of command(url, code), concurrent(), needs_config(),
/// mount_default().
#define VSOA_PLUGIN(Class, Name, Version, Description)                              \
  template <>                                                                       \
  void vsoa::plugin::definition<Class>::describe();                                 \
  extern "C" VSOA_PLUGIN_EXPORT const vsoa_plugin* vsoa_plugin_main(void) {         \
    return vsoa::plugin::definition<Class>::descriptor(Name, Version, Description); \
  }                                                                                 \
  template <>                                                                       \
  void vsoa::plugin::definition<Class>::describe()

#endif  // VSOA_PLUGIN_HPP
