/* A plugin with one thing wrong, chosen when it is compiled (CMakeLists.txt); VARIANT is its name. */
#include <stddef.h>
#include <vsoa/plugin.h>

#ifndef ABI_MAJOR
#define ABI_MAJOR VSOA_PLUGIN_ABI_MAJOR
#endif
#ifndef ABI_MINOR
#define ABI_MINOR VSOA_PLUGIN_ABI_MINOR
#endif
#ifndef SIZE
#define SIZE sizeof(vsoa_plugin)
#endif
#ifndef NAME
#define NAME VARIANT
#endif
#ifndef COMMANDS
#define COMMANDS "/a", NULL
#endif
#ifndef START
#define START start
#endif
#ifndef COMMAND
#define COMMAND command
#endif
#ifndef START_RESULT
#define START_RESULT 0
#endif

#ifndef VERSION
#define VERSION "1.0"
#endif

#ifndef ENTRY
#define ENTRY vsoa_plugin_main
#endif

#ifdef UNDEFINED_FUNCTION
int a_function_that_nobody_has(void);
#endif

static const vsoa_host *vsoad;

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  (void)config;
  (void)state;
  vsoad = host;
#ifdef UNDEFINED_FUNCTION
  return a_function_that_nobody_has();
#else
  return START_RESULT;
#endif
}

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  (void)state;
  vsoad->reply(vsoad, call, VSOA_STATUS_SUCCESS, request->path, request->data, 0);
}

const vsoa_plugin *ENTRY(void) {
  static const char *const commands[] = {COMMANDS};
  static const vsoa_plugin plugin = {
      .size = SIZE,
      .abi_major = ABI_MAJOR,
      .abi_minor = ABI_MINOR,
      .name = NAME,
      .version = VERSION,
      .description = "a variant",
      .commands = commands,
      .start = START,
      .command = COMMAND,
  };
  (void)start;
  (void)command;
#ifdef RETURN_NULL
  return plugin.size == 0 ? &plugin : NULL;
#else
  return &plugin;
#endif
}
