#include "plugin_host/isolation/isolated_plugin.hpp"

#include <exception>
#include <utility>

#include "plugin_host/loader.hpp"

namespace vsoad {

using isolation::keeper;
using isolation::lane;

namespace {

isolation::setup make_setup(const environment& env, const std::string& path,
                            const std::string& name, const config::plugin_settings& settings) {
  isolation::setup s;
  s.name = name;
  s.path = path;
  s.loops = env.loops.size();
  s.memory = settings.isolation.memory;
  s.files = settings.isolation.files;
  s.stall_ms = static_cast<std::uint64_t>(env.stalls.threshold().count());
  s.work_queue = settings.work_queue;
  for (const auto& [queue, how] : env.queues.wanted())
    s.queues.push_back({queue, how.threads, how.limit});
  return s;
}

/// What is under way on a loop is none of its caller's to fail.
template <class Action>
bool unless_it_throws(Action action) noexcept {
  try {
    action();
    return true;
  } catch (const std::exception&) {  // memory
    return false;
  }
}

}  // namespace

std::unique_ptr<isolated_plugin> isolated_plugin::load(
    std::shared_ptr<isolation::supervisor> thread, const std::string& program, environment& env,
    int directory, const std::string& path, const std::string& name,
    const config::plugin_settings& settings, std::string& reason) {
  private_copy code = vet_library(directory, name, reason);
  if (!code) return nullptr;
  isolation::keeper_settings how;
  how.program = program;
  how.setup = make_setup(env, path, name, settings);
  how.config_json = settings.config_json;
  how.ping_timeout = settings.isolation.ping_timeout;
  auto made = std::make_shared<keeper>(std::move(thread), env, std::move(code), std::move(how));
  reason = made->load();
  if (!reason.empty()) return nullptr;
  return std::unique_ptr<isolated_plugin>(
      new isolated_plugin(std::move(made), path, env, settings));
}

isolated_plugin::isolated_plugin(std::shared_ptr<isolation::keeper> keeper, std::string file,
                                 environment& env, const config::plugin_settings& settings)
    : plugin(keeper->descriptor(), std::move(file), settings),
      env_(env),
      keeper_(std::move(keeper)) {
  for (const auto& [name, unused] : env.queues.wanted()) {
    queue_numbers_.emplace(name, static_cast<std::uint16_t>(queue_numbers_.size() + 1));
  }
}

isolated_plugin::~isolated_plugin() {
  patience none(std::chrono::milliseconds(0));
  (void)stop(none);
}

bool isolated_plugin::is_running() const noexcept {
  return keeper_->is_running();
}
plugin_state isolated_plugin::state() const {
  return keeper_->state();
}
plugin_counts isolated_plugin::counts() const {
  return keeper_->counts();
}
void isolated_plugin::metrics(std::vector<plugin_metric>& out) const {
  keeper_->metrics().snapshot(name(), out);
}
std::size_t isolated_plugin::calls_deferred() const {
  return keeper_->calls_deferred();
}

void isolated_plugin::set_services(std::vector<vsoa_service> services) {
  keeper_->set_services(std::move(services));
}
bool isolated_plugin::is_quiet() const {
  return keeper_->is_quiet();
}
std::string isolated_plugin::start() {
  return keeper_->start();
}

void isolated_plugin::replaced() noexcept {
  keeper_->replaced();
}

bool isolated_plugin::stop(patience& limit) noexcept {
  return keeper_->stop(limit);
}

// --- on the loops ---

lane* isolated_plugin::lane_here() const noexcept {
  const std::size_t here = env_.loops.here();
  return here < keeper_->loops() ? &keeper_->lane_of(here) : nullptr;
}

// Nothing: the process has been started without that queue. Not 0, as what blocks would run on a
// loop then.
std::optional<std::uint16_t> isolated_plugin::queue_number(const std::string& name) const {
  const auto found = queue_numbers_.find(name);
  if (found == queue_numbers_.end()) return {};
  return found->second;
}

void isolated_plugin::command(vsoa_service service, const route& where, vsoa::call& call) noexcept {
  lane* const l = lane_here();
  std::optional<std::uint16_t> queue = std::uint16_t{0};
  if (!where.work_queue.empty()) [[unlikely]]
    queue = queue_number(where.work_queue);
  const bool done =
      l != nullptr && queue && unless_it_throws([&] { l->call(service, where, *queue, call); });
  if (!done) call.reply(vsoa::status::no_responding);
}

void isolated_plugin::datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                               vsoa::payload_view payload, vsoa::channel via) noexcept {
  if (lane* const l = lane_here()) {
    (void)unless_it_throws([&] { l->datagram(service, client, url, payload, via); });
  }
}

void isolated_plugin::client(vsoa_service service, vsoa::client_id client,
                             bool connected) noexcept {
  if (lane* const l = lane_here()) {
    (void)unless_it_throws([&] { l->client(service, client, connected); });
  }
}

void isolated_plugin::subscription(vsoa_service service, vsoa::client_id client,
                                   std::span<const std::string_view> urls,
                                   bool subscribed) noexcept {
  if (lane* const l = lane_here()) {
    (void)unless_it_throws([&] { l->subscription(service, client, urls, subscribed); });
  }
}

}  // namespace vsoad
