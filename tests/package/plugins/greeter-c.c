/* The example of the guide, in C: counts its calls, and greets by name a moment later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vsoa/plugin.h>

struct greeter {
  const vsoa_host *host;
  unsigned calls;
};

struct late_answer {
  const vsoa_host *host;
  vsoa_call *call;
};

static vsoa_text text(const char *s) {
  const vsoa_text t = {s, strlen(s)};
  return t;
}

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  struct greeter *self = calloc(1, sizeof *self);
  if (self == NULL) return 1;
  (void)config;
  self->host = host;
  *state = self;
  host->log(host, VSOA_LOG_INFO, text("ready to greet"));
  return 0;
}

static void stop(void *state) { free(state); }

static void answer_late(void *argument) {
  struct late_answer *late = argument;
  const vsoa_bytes no_data = {NULL, 0};
  late->host->reply(late->host, late->call, VSOA_STATUS_SUCCESS, text("\"good evening\""), no_data, 0);
  free(late);
}

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  struct greeter *self = state;
  const vsoa_host *host = self->host;
  const vsoa_bytes no_data = {NULL, 0};
  self->calls++; /* no lock: callbacks run one at a time */
  if (request->command.len == strlen("/later") && memcmp(request->command.ptr, "/later", request->command.len) == 0) {
    struct late_answer *late = malloc(sizeof *late);
    if (late == NULL) {
      host->reply(host, call, VSOA_STATUS_NO_MEMORY, text(""), no_data, 0);
      return;
    }
    late->host = host;
    late->call = host->defer(host, call);
    host->timer_start(host, 10, 0, answer_late, late);
  } else {
    char json[32];
    snprintf(json, sizeof json, "{\"calls\":%u}", self->calls);
    host->reply(host, call, VSOA_STATUS_SUCCESS, text(json), request->data, 0);
  }
}

const vsoa_plugin *vsoa_plugin_main(void) {
  static const char *const commands[] = {"/greet", "/later", NULL};
  static vsoa_plugin plugin;
  plugin.size = sizeof plugin;
  plugin.abi_major = VSOA_PLUGIN_ABI_MAJOR;
  plugin.abi_minor = VSOA_PLUGIN_ABI_MINOR;
  plugin.name = "greeter-c";
  plugin.version = "1.0";
  plugin.description = "Greets, in C";
  plugin.commands = commands;
  plugin.start = start;
  plugin.stop = stop;
  plugin.command = command;
  return &plugin;
}
