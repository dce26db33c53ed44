/* A plugin for the system test, compiled with NAME and VERSION: says what it is, or misbehaves. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vsoa/plugin.h>

static const vsoa_host *vsoad;

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  (void)config;
  (void)state;
  vsoad = host;
  return 0;
}

static vsoa_text text(const char *value) {
  const vsoa_text result = {value, strlen(value)};
  return result;
}

static int is(vsoa_text given, const char *expected) {
  return given.len == strlen(expected) && memcmp(given.ptr, expected, given.len) == 0;
}

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  const vsoa_bytes nothing = {NULL, 0};
  (void)state;
  if (is(request->url, "/" NAME "/stall")) sleep(3600);
  if (is(request->url, "/" NAME "/crash")) abort();
  vsoad->reply(vsoad, call, VSOA_STATUS_SUCCESS, text("\"" VERSION "\""), nothing, 0);
}

const vsoa_plugin *vsoa_plugin_main(void) {
  static const char *const commands[] = {"/" NAME, "/" NAME "/stall", "/" NAME "/crash", NULL};
  static const vsoa_plugin plugin = {
      .size = sizeof(vsoa_plugin),
      .abi_major = VSOA_PLUGIN_ABI_MAJOR,
      .abi_minor = VSOA_PLUGIN_ABI_MINOR,
      .name = NAME,
      .version = VERSION,
      .description = "for the system test",
      .commands = commands,
      .start = start,
      .command = command,
  };
  return &plugin;
}
