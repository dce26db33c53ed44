// A plugin whose code runs in a process of its own, vsoad-plugin: whatever it does there, the
// daemon goes on. While there is no process its calls are answered NO_RESPONDING at once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "plugin_host/isolation/keeper.hpp"
#include "plugin_host/plugin.hpp"

namespace vsoad {

class isolated_plugin final : public plugin {
 public:
  /// Vets the file, starts the process, and asks what the plugin is.
  /// @param reason  why not, when nothing is returned
  static std::unique_ptr<isolated_plugin> load(std::shared_ptr<isolation::supervisor> thread,
                                               const std::string& program, environment& env,
                                               int directory, const std::string& path,
                                               const std::string& name,
                                               const config::plugin_settings& settings,
                                               std::string& reason);
  ~isolated_plugin() override;

  bool is_running() const noexcept override;
  vsoa::work_queue* queue_for(const route&) const noexcept override { return nullptr; }
  void command(vsoa_service service, const route& where, vsoa::call& call) noexcept override;
  void datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                vsoa::payload_view payload, vsoa::channel via) noexcept override;
  void client(vsoa_service service, vsoa::client_id client, bool connected) noexcept override;
  void subscription(vsoa_service service, vsoa::client_id client,
                    std::span<const std::string_view> urls, bool subscribed) noexcept override;
  plugin_state state() const override;
  plugin_counts counts() const override;
  void metrics(std::vector<plugin_metric>& out) const override;
  std::size_t calls_deferred() const override;

  void set_services(std::vector<vsoa_service> services) override;
  std::string start() override;
  bool is_quiet() const override;
  void replaced() noexcept override;
  bool stop(patience& limit) noexcept override;

 private:
  isolated_plugin(std::shared_ptr<isolation::keeper> keeper, std::string file, environment& env,
                  const config::plugin_settings& settings);

  isolation::lane* lane_here() const noexcept;
  std::optional<std::uint16_t> queue_number(const std::string& name) const;

  environment& env_;
  const std::shared_ptr<isolation::keeper> keeper_;
  std::map<std::string, std::uint16_t, std::less<>> queue_numbers_;
};

}  // namespace vsoad
