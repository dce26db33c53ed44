// The effective configuration: what /etc/vsoad.yaml says, every default filled in. Plain values;
// the keys, types, ranges and defaults are declared in schema.cpp and nowhere else.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/log.hpp"
#include "vsoa/position.hpp"
#include "vsoa/server.hpp"
#include "vsoa/tls.hpp"

namespace vsoad::config {

enum class log_target { automatic, journal, standard_error };
enum class log_format { text, json };

struct log_settings {
  vsoa::log_level level = vsoa::log_level::info;
  log_target target = log_target::automatic;
  log_format format = log_format::text;
};

struct runtime_settings {
  std::size_t threads = 0;  // 0: one per core
  std::string user;         // empty: stay who we are
  std::chrono::milliseconds shutdown_grace{5000};
  std::chrono::milliseconds stall_warning{100};  // 0: off
  std::chrono::milliseconds busy_poll{0};        // 0: off
};

/// Of a plugin in a process of its own.
struct plugin_isolation {
  bool is_process = false;
  std::uint64_t memory = 256U << 20;  // bytes; 0: no limit
  std::uint64_t files = 1024;         // open descriptors
  std::chrono::milliseconds ping_timeout{5000};

  bool operator==(const plugin_isolation&) const = default;
};

struct plugin_settings {
  std::string work_queue;            // empty: inline
  std::string config_json = "null";  // what start() is given
  bool has_config = false;
  plugin_isolation isolation;

  bool operator==(const plugin_settings&) const = default;
};

struct plugins_settings {
  std::vector<std::string> directories;  // the first that has a name wins
  std::chrono::milliseconds unload_grace{30000};
  std::map<std::string, plugin_settings> settings;
};

struct work_queue_settings {
  std::size_t threads = 1;
  std::size_t limit = 1024;

  bool operator==(const work_queue_settings&) const = default;
};

struct position_settings {
  std::vector<vsoa::socket_address> listen;
  std::vector<vsoa::position_entry> entries;
  std::vector<vsoa::socket_address> upstream;
};

struct plugin_use {
  std::string plugin;
  std::string mount;  // "" : at the URLs that it declares; "/cam": below /cam
};

// Another VSOA server that answers instead of a plugin.
struct forward_settings {
  std::string url;  // vsoa://host[:port]; empty: there is none
  bool strip_prefix = false;
  std::string password;                      // empty: none
  std::optional<vsoa::tls_options> tls;      // nothing: in the clear
  std::chrono::milliseconds timeout{60000};  // for an answer
};

struct command_settings {
  std::string url;
  std::string plugin;      // empty: forwarded
  std::string command;     // empty: found by the rule of the manual
  std::string work_queue;  // empty: the plugin's own, else inline
  forward_settings forward;
  std::optional<std::chrono::milliseconds> timeout{};  // of a plugin's answer; nothing: none
};

struct topic_settings {
  std::string url;
  bool relay = false;
  bool retain_last = false;
  std::uint32_t max_rate = 0;  // publishes per second of one URL; 0: no limit
};

struct role_priority {
  std::string role;
  std::uint8_t level = 0;
};

// What clients of a role may do.
struct access_rule {
  std::string role;  // empty: everybody
  bool call = false;
  bool subscribe = false;
  bool datagram = false;
  std::vector<std::string> urls;

  bool operator==(const access_rule&) const = default;
};

struct service_settings {
  std::string name;
  std::vector<vsoa::socket_address> listen;
  std::optional<vsoa::ip_address> advertise;
  std::string info_json;  // never empty
  std::vector<vsoa::credential> credentials;
  std::vector<access_rule> access;  // none: all is allowed
  std::optional<vsoa::tls_options> tls;
  bool all_plugins = false;
  std::vector<plugin_use> plugins;
  std::vector<command_settings> commands;
  std::vector<topic_settings> topics;
  vsoa::server_limits limits;
  std::vector<role_priority> priority;
  std::chrono::seconds keepalive{0};  // 0: off
};

// Where operators' programs connect.
struct control_settings {
  std::optional<std::string> socket{};  // nothing: the usual place; empty: none
  std::optional<std::string> group{};   // nothing: vsoad, if there is one; empty: none
};

struct configuration {
  log_settings log;
  runtime_settings runtime;
  plugins_settings plugins;
  std::map<std::string, work_queue_settings> work_queues;
  position_settings position;
  control_settings control;
  std::vector<service_settings> services;
};

}  // namespace vsoad::config
