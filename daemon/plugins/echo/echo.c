/* echo: sends back what it is sent, publishes on request, and opens streams. README.md says more. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <vsoa/plugin.h>

/* --- JSON: /publish takes a string, /stream an object of one string --- */

struct reader {
  const char *at;
  const char *end;
};

static void skip_space(struct reader *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r'))
    ++in->at;
}

/* Four hexadecimal digits; -1: they are not. */
static long read_hex4(struct reader *in) {
  long value = 0;
  if (in->end - in->at < 4) return -1;
  for (int i = 0; i < 4; ++i) {
    const char c = *in->at++;
    value <<= 4;
    if (c >= '0' && c <= '9')
      value |= c - '0';
    else if (c >= 'a' && c <= 'f')
      value |= c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      value |= c - 'A' + 10;
    else
      return -1;
  }
  return value;
}

/* What follows "\u", both halves of a surrogate pair. -1: no character. */
static long read_code_point(struct reader *in) {
  const long first = read_hex4(in);
  if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF)) return -1;
  if (first < 0xD800 || first > 0xDBFF) return first;
  if (in->end - in->at < 2 || in->at[0] != '\\' || in->at[1] != 'u') return -1;
  in->at += 2;
  const long second = read_hex4(in);
  if (second < 0xDC00 || second > 0xDFFF) return -1;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

static char *put_utf8(char *out, long c) {
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  if (c < 0x800) {
    *out++ = (char)(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      *out++ = (char)(0xE0 | (c >> 12));
    } else {
      *out++ = (char)(0xF0 | (c >> 18));
      *out++ = (char)(0x80 | ((c >> 12) & 0x3F));
    }
    *out++ = (char)(0x80 | ((c >> 6) & 0x3F));
  }
  *out++ = (char)(0x80 | (c & 0x3F));
  return out;
}

/* What follows a backslash. NULL: no escape of JSON. */
static char *read_escape(struct reader *in, char *out) {
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  if (in->at == in->end) return NULL;
  const char name = *in->at++;
  if (name == 'u') {
    const long c = read_code_point(in);
    return c < 0 ? NULL : put_utf8(out, c);
  }
  const char *found = name == '\0' ? NULL : strchr(names, name);
  if (found == NULL) return NULL;
  *out++ = values[found - names];
  return out;
}

/* Decodes a string into `out`, which has room for as many bytes as the text. No escape is shorter than
 * what it stands for. Returns the length, or -1: it is something else. */
static long read_string(struct reader *in, char *out) {
  char *const begin = out;
  skip_space(in);
  if (in->at == in->end || *in->at++ != '"') return -1;
  for (;;) {
    if (in->at == in->end) return -1;
    const unsigned char c = (unsigned char)*in->at++;
    if (c == '"') return (long)(out - begin);
    if (c < 0x20) return -1;
    if (c != '\\') {
      *out++ = (char)c;
    } else {
      out = read_escape(in, out);
      if (out == NULL) return -1;
    }
  }
}

static bool take(struct reader *in, char wanted) {
  skip_space(in);
  if (in->at == in->end || *in->at != wanted) return false;
  ++in->at;
  return true;
}

static bool is_at_end(struct reader *in) {
  skip_space(in);
  return in->at == in->end;
}

/* A JSON text that is one string; as read_string. */
static long decode_string(vsoa_text json, char *out) {
  struct reader in = {json.ptr, json.ptr + json.len};
  const long length = read_string(&in, out);
  return length >= 0 && is_at_end(&in) ? length : -1;
}

/* The one member "dir" of a JSON object, a string, into `out` of 64 bytes, NUL-terminated. */
static bool decode_direction(vsoa_text json, char *out) {
  if (json.len >= 64) return false;
  struct reader in = {json.ptr, json.ptr + json.len};
  char key[64];
  if (!take(&in, '{')) return false;
  const long key_length = read_string(&in, key);
  if (key_length != 3 || memcmp(key, "dir", 3) != 0 || !take(&in, ':')) return false;
  const long length = read_string(&in, out);
  if (length < 0 || !take(&in, '}') || !is_at_end(&in)) return false;
  out[length] = '\0';
  return true;
}

/* --- the plugin --- */

/* It keeps nothing but this, so that its callbacks may run at the same time. */
static const vsoa_host *vsoad;

static const vsoa_text no_param = {NULL, 0};
static const vsoa_bytes no_data = {NULL, 0};

static void publish(vsoa_call *call, const vsoa_request *request) {
  int status = VSOA_STATUS_ARGUMENTS;
  if (request->param.len > 0) {
    char *const url = malloc(request->param.len);
    if (url == NULL) {
      status = VSOA_STATUS_NO_MEMORY;
    } else {
      const long length = decode_string(request->param, url);
      if (length >= 0) {
        const vsoa_text where = {url, (size_t)length};
        if (vsoad->publish(vsoad, request->service, where, no_param, request->data, VSOA_NORMAL) == VSOA_OK)
          status = VSOA_STATUS_SUCCESS;
      }
      free(url);
    }
  }
  vsoad->reply(vsoad, call, status, no_param, no_data, 0);
}

/* --- streams: nothing is kept of one, so that its number is all that its callbacks need --- */

/* What comes is thrown away. */
static const vsoa_stream_callbacks up = {.size = sizeof(vsoa_stream_callbacks)};

/* Zeros, for ever. */
static void fill_up(void *argument, vsoa_stream stream) {
  static const char zeros[256 * 1024];
  static const vsoa_bytes piece = {zeros, sizeof(zeros)};
  (void)argument;
  while (vsoad->stream_send(vsoad, stream, piece) > 0 && vsoad->stream_is_writable(vsoad, stream) == 1) {
  }
}

static void down_linked(void *argument, vsoa_stream stream, int connected) {
  if (connected) fill_up(argument, stream);
}

static const vsoa_stream_callbacks down = {
    .size = sizeof(vsoa_stream_callbacks), .link = down_linked, .writable = fill_up};

/* A stream that can be written to takes a whole piece, so that nothing is left to be kept. */
static void echo_data(void *argument, vsoa_stream stream, vsoa_bytes data) {
  (void)argument;
  vsoad->stream_send(vsoad, stream, data);
  if (vsoad->stream_is_writable(vsoad, stream) == 0) vsoad->stream_pause(vsoad, stream, 1);
}

static void echo_writable(void *argument, vsoa_stream stream) {
  (void)argument;
  vsoad->stream_pause(vsoad, stream, 0);
}

static void echo_end(void *argument, vsoa_stream stream) {
  (void)argument;
  vsoad->stream_shutdown(vsoad, stream);
}

static const vsoa_stream_callbacks both = {.size = sizeof(vsoa_stream_callbacks),
                                           .data = echo_data,
                                           .writable = echo_writable,
                                           .end = echo_end};

static const vsoa_stream_callbacks *callbacks_of(const char *direction) {
  if (strcmp(direction, "up") == 0) return &up;
  if (strcmp(direction, "down") == 0) return &down;
  if (strcmp(direction, "echo") == 0) return &both;
  return NULL;
}

static void open_stream(vsoa_call *call, const vsoa_request *request) {
  char direction[64];
  int status = VSOA_STATUS_ARGUMENTS;
  uint16_t tunid = 0;
  const vsoa_stream_callbacks *const callbacks =
      decode_direction(request->param, direction) ? callbacks_of(direction) : NULL;
  if (callbacks != NULL) {
    vsoa_stream stream;
    const int result = vsoad->stream_create(vsoad, request->client, callbacks, NULL, 0, &stream, &tunid);
    status = result == VSOA_OK ? VSOA_STATUS_SUCCESS : VSOA_STATUS_NO_MEMORY;
  }
  vsoad->reply(vsoad, call, status, no_param, no_data, tunid);
}

static bool is_command(const vsoa_request *request, const char *url) {
  return request->command.len == strlen(url) && memcmp(request->command.ptr, url, request->command.len) == 0;
}

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  (void)state;
  if (is_command(request, "/publish"))
    publish(call, request);
  else if (is_command(request, "/stream"))
    open_stream(call, request);
  else
    vsoad->reply(vsoad, call, VSOA_STATUS_SUCCESS, request->param, request->data, 0);
}

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  static const char reason[] = "needs plugin ABI 1.1";
  (void)config;
  (void)state;
  if (host->size < offsetof(vsoa_host, stream_info) + sizeof(host->stream_info)) {
    const vsoa_text line = {reason, sizeof(reason) - 1};
    host->log(host, VSOA_LOG_ERROR, line);
    return 1;
  }
  vsoad = host;
  return 0;
}

const vsoa_plugin *vsoa_plugin_main(void) {
  static const char *const commands[] = {"/", "/echo", "/publish", "/stream", NULL};
  static const vsoa_plugin plugin = {
      .size = sizeof(vsoa_plugin),
      .abi_major = VSOA_PLUGIN_ABI_MAJOR,
      .abi_minor = VSOA_PLUGIN_ABI_MINOR,
      .flags = VSOA_PLUGIN_CONCURRENT | VSOA_PLUGIN_MOUNT_DEFAULT,
      .name = "echo",
      .version = "1.1",
      .description = "Sends back what it is sent",
      .commands = commands,
      .start = start,
      .command = command,
  };
  return &plugin;
}
