// The table: everything but services.
#include "schema.hpp"
#include "schema_text.hpp"

namespace vsoad::config {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

const type_spec log_levels = choice({"trace", "debug", "info", "warning", "error"});
const type_spec log_targets = choice({"auto", "journal", "stderr"});
const type_spec log_formats = choice({"text", "json"});
const type_spec isolations = choice({"none", "process"});

rows log_rows() {
  const log_settings usual;
  return {
      {.path = "include",
       .type = one_or_more(text(1, 4096)),
       .printed = false,
       .help = "Files to read after this one, each a pattern of glob(7), relative to the folder of "
               "this file. Lists in them are appended to those here and mappings are merged; a "
               "value that is set twice is an error. An included file includes no others.",
       .example = "/etc/vsoad.d/*.yaml"},
      {.path = "log", .type = section(), .help = "Where the log goes, and what is in it."},
      {.path = "log.level",
       .type = log_levels,
       .fallback = word_text(log_levels, usual.level),
       .help = "The least severe messages that are logged. --log-level overrides it.",
       .example = "debug",
       .store =
           [](builder& b, const value& v) {
             b.config.log.level = static_cast<vsoa::log_level>(v.number);
           }},
      {.path = "log.target",
       .type = log_targets,
       .fallback = word_text(log_targets, usual.target),
       .reload = reload_scope::restart,
       .help = "Where messages go. auto: the journal when systemd connected standard error to it, "
               "else standard error.",
       .example = "stderr",
       .store = [](builder& b,
                   const value& v) { b.config.log.target = static_cast<log_target>(v.number); }},
      {.path = "log.format",
       .type = log_formats,
       .fallback = word_text(log_formats, usual.format),
       .reload = reload_scope::restart,
       .help = "text: lines for people; json: one JSON object a line, for programs.",
       .example = "json",
       .store = [](builder& b,
                   const value& v) { b.config.log.format = static_cast<log_format>(v.number); }},
  };
}

rows runtime_rows() {
  const runtime_settings usual;
  return {
      {.path = "runtime", .type = section(), .help = "The process."},
      {.path = "runtime.threads",
       .type = or_word(integer(1, 64), "auto"),
       .fallback = {"auto"},
       .reload = reload_scope::restart,
       .help = "Event loops, each a thread. auto: one for each core that the process may use.",
       .example = "4",
       .store = [](builder& b, const value& v) { b.config.runtime.threads = v.number; }},
      {.path = "runtime.user",
       .type = plain(kind::name),
       .reload = reload_scope::restart,
       .help = "The user to become once the addresses are bound, when started as root. Default: "
               "stay who we are. Not needed under systemd, whose unit sets the user.",
       .example = "vsoad",
       .store = [](builder& b, const value& v) { b.config.runtime.user = v.text; }},
      {.path = "runtime.shutdown_grace",
       .type = duration(milliseconds{0}, minutes{10}),
       .fallback = time_text(usual.shutdown_grace),
       .help = "How long a shutdown waits for calls in flight to be answered.",
       .example = "10s",
       .store = [](builder& b, const value& v) { b.config.runtime.shutdown_grace = v.duration; }},
      {.path = "runtime.busy_poll",
       .type = duration(milliseconds{0}, milliseconds{1000}),
       .fallback = time_text(usual.busy_poll),
       .reload = reload_scope::restart,
       .help = "How long an event loop that has run out of work goes on asking for more before it "
               "sleeps: answers come sooner, and a core is busy meanwhile. 0s: not at all.",
       .example = "1ms",
       .store = [](builder& b, const value& v) { b.config.runtime.busy_poll = v.duration; }},
      {.path = "runtime.stall_warning",
       .type = duration(milliseconds{0}, minutes{1}),
       .fallback = time_text(usual.stall_warning),
       .reload = reload_scope::restart,
       .help =
           "A plugin that keeps an event loop for longer than this is named in the log. 0s: off.",
       .example = "250ms",
       .store = [](builder& b, const value& v) { b.config.runtime.stall_warning = v.duration; }},
  };
}

rows plugin_rows() {
  return {
      {.path = "plugins",
       .type = section(),
       .help = "Where plugins are found, and their settings."},
      {.path = "plugins.directory",
       .type = one_or_more(text(1, 4096)),
       .fallback = {"/usr/lib/vsoad/plugins", "/usr/local/lib/vsoad/plugins"},
       .help = "Folders with plugins, by absolute paths, <name>.so each. The first that has a name "
               "wins. They are watched: what comes, changes or goes there takes effect at once.",
       .example = "/opt/acme/plugins",
       .store =
           [](builder& b, const value& v) {
             b.config.plugins.directories.push_back(v.text);
             b.note(mention::what::absolute_path, v);
           }},
      {.path = "plugins.unload_grace",
       .type = duration(milliseconds{0}, std::chrono::hours{24}),
       .fallback = time_text(plugins_settings{}.unload_grace),
       .help = "How long a plugin that was replaced or removed may go on with the calls, jobs and "
               "streams that it has under way.",
       .example = "2m",
       .store = [](builder& b, const value& v) { b.config.plugins.unload_grace = v.duration; }},
      {.path = "plugins.settings.<name>",
       .type = mapping(kind::name),
       .help = "Settings of the plugin with this name.",
       .store = [](builder& b, const value& v) { b.plugin = &b.config.plugins.settings[v.text]; }},
      {.path = "plugins.settings.<name>.work_queue",
       .type = plain(kind::name),
       .help = "The work queue, one of work_queues, on which the plugin's commands run. Default: "
               "they run on the event loops and must not block.",
       .example = "slow",
       .store =
           [](builder& b, const value& v) {
             b.plugin->work_queue = v.text;
             b.note(mention::what::work_queue, v);
           }},
      {.path = "plugins.settings.<name>.isolation",
       .type = isolations,
       .fallback = word_text(isolations, 0),
       .help =
           "Where the plugin runs. none: in vsoad itself; process: in a process of its own, "
           "vsoad-plugin, so that whatever it does vsoad goes on. When that process ends, hangs "
           "or takes too much, calls are answered NO_RESPONDING and it is started again, after "
           "100ms at first and 30s at most. A call takes some 20 microseconds longer then.",
       .example = "process",
       .store = [](builder& b, const value& v) { b.plugin->isolation.is_process = v.number == 1; }},
      {.path = "plugins.settings.<name>.ping_timeout",
       .type = duration(milliseconds{100}, minutes{10}),
       .fallback = time_text(plugin_isolation{}.ping_timeout),
       .help =
           "With isolation: process: an event loop of that process which does not answer a ping "
           "for so long hangs, and the process is ended.",
       .example = "2s",
       .store = [](builder& b, const value& v) { b.plugin->isolation.ping_timeout = v.duration; }},
      {.path = "plugins.settings.<name>.limits",
       .type = section(),
       .help = "What the process of a plugin with isolation: process may take."},
      {.path = "plugins.settings.<name>.limits.memory",
       .type = size(0, 1024_GiB),
       .fallback = {size_to_text(plugin_isolation{}.memory)},
       .help = "Resident memory, without what is shared; with more it is ended. 0: no limit.",
       .example = "64MiB",
       .store = [](builder& b, const value& v) { b.plugin->isolation.memory = v.number; }},
      {.path = "plugins.settings.<name>.limits.files",
       .type = integer(64, million),
       .fallback = number_text(plugin_isolation{}.files),
       .help = "Open files and sockets; each stream is one.",
       .example = "256",
       .store = [](builder& b, const value& v) { b.plugin->isolation.files = v.number; }},
      {.path = "plugins.settings.<name>.config",
       .type = any(1_MiB),
       .help = "What the plugin is given at its start, as JSON. Its manual says what it knows.",
       .example = "{ device: /dev/video0 }",
       .store =
           [](builder& b, const value& v) {
             b.plugin->config_json = v.text;
             b.plugin->has_config = true;
           }},
      {.path = "work_queues.<name>",
       .type = mapping(kind::name),
       .help = "Queues with threads of their own, for commands too slow for an event loop.",
       .store = [](builder& b, const value& v) { b.queue = &b.config.work_queues[v.text]; }},
      {.path = "work_queues.<name>.threads",
       .type = integer(1, 256),
       .fallback = number_text(work_queue_settings{}.threads),
       .help = "Threads. With one, commands run in the order of their arrival.",
       .example = "2",
       .store = [](builder& b, const value& v) { b.queue->threads = v.number; }},
      {.path = "work_queues.<name>.limit",
       .type = integer(1, million),
       .fallback = number_text(work_queue_settings{}.limit),
       .help = "Commands that wait at most; one more is answered NO_MEMORY at once.",
       .example = "256",
       .store = [](builder& b, const value& v) { b.queue->limit = v.number; }},
  };
}

rows position_rows() {
  return {
      {.path = "position",
       .type = section(),
       .help = "The position server: clients ask it, by UDP, where a service is."},
      {.path = "position.listen",
       .type = one_or_more(plain(kind::listen)),
       .help =
           "UDP addresses. Clients ask port 54 unless told otherwise, which is a privileged port. "
           "Default: no position server.",
       .example = "0.0.0.0:3000",
       .store =
           [](builder& b, const value& v) {
             b.config.position.listen.push_back(v.address);
             b.note(mention::what::listen_position, v);
           }},
      {.path = "position.entries[]",
       .type = list(),
       .help = "Services of other servers that are answered for. A name may stand here twice, for "
               "IPv4 and for IPv6, and must not be that of a service.",
       .store = [](builder& b, const value&) { b.config.position.entries.emplace_back(); }},
      {.path = "position.entries[].name",
       .type = plain(kind::service),
       .required = true,
       .help = "Name that clients ask for, in upper or lower case.",
       .example = "legacy",
       .store = [](builder& b, const value& v) { b.entry().name = v.text; }},
      {.path = "position.entries[].address",
       .type = plain(kind::ip),
       .required = true,
       .help = "Address of the server, IPv4 or IPv6.",
       .example = "10.0.0.9",
       .store =
           [](builder& b, const value& v) {
             b.entry().address.ip = v.ip;
             value named = v;
             named.text = b.entry().name;
             b.note(mention::what::entry_name, named);
           }},
      {.path = "position.entries[].port",
       .type = integer(1, 65535),
       .required = true,
       .help = "TCP port of the server.",
       .example = "3001",
       .store =
           [](builder& b, const value& v) {
             b.entry().address.port = static_cast<std::uint16_t>(v.number);
           }},
      {.path = "position.entries[].secure",
       .type = boolean(),
       .fallback = {"false"},
       .help = "Whether the server wants TLS.",
       .example = "true",
       .store = [](builder& b, const value& v) { b.entry().secure = v.flag; }},
      {.path = "position.upstream",
       .type = one_or_more(address(vsoa::default_position_port)),
       .help = "Position servers that are asked, in this order, for names that are not known here.",
       .example = "10.0.0.1:54",
       .store = [](builder& b,
                   const value& v) { b.config.position.upstream.push_back(v.address); }},
  };
}

rows control_rows() {
  return {
      {.path = "control",
       .type = section(),
       .help =
           "The Unix socket by which vsoactl(1) shows and changes what vsoad does. Root and the "
           "user of vsoad may always use it."},
      {.path = "control.socket",
       .type = text(0, 90),
       .reload = reload_scope::restart,
       .help =
           "Its absolute path; none: there is no such socket. Default: control.sock in "
           "$RUNTIME_DIRECTORY, which systemd sets, else /run/vsoad/control.sock; if that can't "
           "be used, vsoad warns and goes on, while a path that is written here must be usable.",
       .example = "/run/acme/vsoad.sock",
       .store =
           [](builder& b, const value& v) {
             const bool is_none = v.text.empty() || v.text == "none";
             b.config.control.socket = is_none ? std::string() : v.text;
             if (!is_none) b.note(mention::what::absolute_path, v);
           }},
      {.path = "control.group",
       .type = text(0, 64),
       .reload = reload_scope::restart,
       .help = "The group, by name or number, whose members may use it, too; \"\": nobody else. "
               "Default: vsoad, if /etc/group has it. vsoad must be root, or in that group "
               "itself, to let it in.",
       .example = "operators",
       .store = [](builder& b, const value& v) { b.config.control.group = v.text; }},
  };
}

}  // namespace

const std::vector<row>& schema_rows() {
  static const rows all = [] {
    rows out;
    for (const auto& part : {log_rows(), runtime_rows(), plugin_rows(), position_rows(),
                             control_rows(), all_service_rows()}) {
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }();
  return all;
}

}  // namespace vsoad::config
