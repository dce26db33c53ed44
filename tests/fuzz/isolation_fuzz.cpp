// What the process of an isolated plugin, which may be anybody's, sends to the daemon: messages on
// a channel, questions on the host socket, what it says of itself. Nothing of it may reach a
// service that the plugin is not in, or be larger than a packet.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "plugin_host/environment.hpp"
#include "plugin_host/isolation/control.hpp"
#include "plugin_host/isolation/services_of.hpp"
#include "vsoa/url.hpp"

namespace {

using namespace vsoad;
using namespace vsoad::isolation;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Checks what reaches a service.
class checking_port final : public service_port {
 public:
  explicit checking_port(bool is_reachable) : is_reachable_(is_reachable) {}

  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) override {
    check(url, payload, via);
    return true;
  }
  outcome datagram(vsoa::client_id, std::string_view url, vsoa::payload_view payload,
                   vsoa::channel via) override {
    check(url, payload, via);
    return outcome::ok;
  }
  bool is_subscribed(std::string_view) override { return true; }
  std::vector<vsoa::client_id> clients() override { return {1, 2, 3}; }
  std::optional<vsoa::client_info> client(vsoa::client_id) override { return vsoa::client_info{}; }
  std::optional<std::vector<std::byte>> certificate(vsoa::client_id) override {
    return std::vector<std::byte>(10);
  }
  std::optional<bool> is_subscribed(vsoa::client_id, std::string_view) override { return false; }
  bool set_authed(vsoa::client_id, bool) override { return reached(); }
  bool set_priority(vsoa::client_id, std::uint8_t priority) override {
    require(priority <= vsoa::max_priority);
    return reached();
  }
  bool set_keepalive(vsoa::client_id, std::chrono::seconds idle) override {
    require(idle.count() >= 0);
    return reached();
  }
  bool set_send_timeout(vsoa::client_id, std::chrono::milliseconds timeout) override {
    require(timeout.count() >= 0);
    return reached();
  }
  bool close(vsoa::client_id) override { return reached(); }
  vsoa::stream_offer create_stream(vsoa::client_id, vsoa::stream_callbacks,
                                   const vsoa::stream_options&) override {
    return {};
  }
  vsoa::stream_offer hand_over_stream(vsoa::client_id, vsoa::stream_taker,
                                      const vsoa::stream_options&) override {
    return {};
  }

 private:
  bool reached() const {
    require(is_reachable_);
    return true;
  }
  void check(std::string_view url, const vsoa::payload_view& payload, vsoa::channel) const {
    reached();
    require(vsoa::is_valid_url(url));
    require(url.size() + payload.param.size() + payload.data.size() <= vsoa::max_packet_bytes);
  }

  const bool is_reachable_;
};

struct world {
  vsoa::runtime loops;
  reclaimer old{loops};
  environment env{loops, old, {}, {}, {}};
  std::unique_ptr<services_of> services;

  world() {
    auto table = std::make_shared<environment::services_table>();
    table->push_back({1, "in", std::make_shared<checking_port>(true)});
    table->push_back({2, "out", std::make_shared<checking_port>(false)});
    env.services.replace(std::move(table), old);
    services = std::make_unique<services_of>(env);
    services->set({1});
  }
};

/// Pieces of the input, each with a length of two bytes before it.
class pieces {
 public:
  explicit pieces(std::string_view bytes) : rest_(bytes) {}
  std::string next() {
    if (rest_.size() < 2) return {};
    const std::size_t size = static_cast<unsigned char>(rest_[0]) |
                             static_cast<std::size_t>(static_cast<unsigned char>(rest_[1])) << 8U;
    rest_.remove_prefix(2);
    std::string piece(rest_.substr(0, size));
    rest_.remove_prefix(piece.size());
    return piece;
  }
  bool is_over() const { return rest_.size() < 2; }

 private:
  std::string_view rest_;
};

void channel(world& w, pieces in) {
  parts kept;
  while (!in.is_over()) {
    const std::string url = in.next(), param = in.next(), data = in.next();
    auto m = read(url);
    if (!m) continue;
    vsoa::payload_view payload{param, std::as_bytes(std::span(data))};
    if (kept.take(*m, payload)) continue;
    if (kept.complete(*m, payload)) (void)w.services->perform(*m, payload);
    kept.forget();
  }
}

void questions(world& w, pieces in) {
  while (!in.is_over()) {
    const std::string answer =
        w.services->answer(in.next(), -1,
                           [](service_port&, vsoa::client_id, std::uint64_t,
                              std::chrono::milliseconds timeout, std::chrono::seconds keepalive) {
                             require(timeout.count() >= 0 && keepalive.count() >= 0);
                             return vsoa::stream_offer{};
                           });
    require(answer.size() <= max_message_bytes);
  }
}

void hello(pieces in) {
  descriptor_text text;
  std::string reason;
  (void)read_hello(in.next(), text, reason);
  named_services list;
  (void)read_services(in.next(), list);
  setup s;
  (void)setup::read(in.next(), s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static world* const w = std::make_unique<world>().release();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) channel(*w, pieces(bytes));
  if (data[0] % 3 == 1) questions(*w, pieces(bytes));
  if (data[0] % 3 == 2) hello(pieces(bytes));
  return 0;
}
