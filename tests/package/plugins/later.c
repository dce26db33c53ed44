/* A plugin in C that takes its calls out of their callback and answers them from a timer. */
#include <stdlib.h>
#include <string.h>
#include <vsoa/plugin.h>

struct late_answer {
  const vsoa_host *host;
  vsoa_call *call;
};

static vsoa_text text(const char *s) {
  const vsoa_text t = {s, strlen(s)};
  return t;
}

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  (void)config;
  /* The host's table stays where it is until stop() has returned. */
  const vsoa_host **kept = malloc(sizeof *kept);
  if (kept == NULL) return 1;
  *kept = host;
  *state = kept;
  return 0;
}

static void stop(void *state) { free(state); }

static void answer(void *argument) {
  struct late_answer *late = argument;
  const vsoa_bytes no_data = {NULL, 0};
  late->host->reply(late->host, late->call, VSOA_STATUS_SUCCESS, text("\"good evening\""), no_data, 0);
  free(late);
}

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  const vsoa_host *host = *(const vsoa_host **)state;
  struct late_answer *late = malloc(sizeof *late);
  const vsoa_bytes no_data = {NULL, 0};
  (void)request;
  if (late == NULL) {
    host->reply(host, call, VSOA_STATUS_NO_MEMORY, text(""), no_data, 0);
    return;
  }
  late->host = host;
  late->call = host->defer(host, call);
  if (host->timer_start(host, 10, 0, answer, late) == 0) answer(late);
}

const vsoa_plugin *vsoa_plugin_main(void) {
  static const char *const commands[] = {"/later", NULL};
  static vsoa_plugin plugin;
  plugin.size = sizeof plugin;
  plugin.abi_major = VSOA_PLUGIN_ABI_MAJOR;
  plugin.abi_minor = VSOA_PLUGIN_ABI_MINOR;
  plugin.name = "later";
  plugin.version = "1.0";
  plugin.description = "Answers late";
  plugin.commands = commands;
  plugin.start = start;
  plugin.stop = stop;
  plugin.command = command;
  return &plugin;
}
