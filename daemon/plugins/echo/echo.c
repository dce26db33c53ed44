/* echo: sends back what it is sent, and publishes on request. README.md says more. */
#include <stdlib.h>
#include <string.h>
#include <vsoa/plugin.h>

/* --- the one JSON type that /publish takes: a string --- */

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

/* Decodes a JSON text that is one string into `out`, which has room for as many bytes as the text. No
 * escape is shorter than what it stands for. Returns the length, or -1: it is something else. */
static long decode_string(vsoa_text json, char *out) {
  struct reader in = {json.ptr, json.ptr + json.len};
  char *const begin = out;
  skip_space(&in);
  if (in.at == in.end || *in.at++ != '"') return -1;
  for (;;) {
    if (in.at == in.end) return -1;
    const unsigned char c = (unsigned char)*in.at++;
    if (c == '"') break;
    if (c < 0x20) return -1;
    if (c != '\\') {
      *out++ = (char)c;
    } else {
      out = read_escape(&in, out);
      if (out == NULL) return -1;
    }
  }
  skip_space(&in);
  return in.at == in.end ? (long)(out - begin) : -1;
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

static void command(void *state, vsoa_call *call, const vsoa_request *request) {
  static const char publish_url[] = "/publish";
  (void)state;
  if (request->command.len == sizeof(publish_url) - 1 &&
      memcmp(request->command.ptr, publish_url, sizeof(publish_url) - 1) == 0)
    publish(call, request);
  else
    vsoad->reply(vsoad, call, VSOA_STATUS_SUCCESS, request->param, request->data, 0);
}

static int start(const vsoa_host *host, vsoa_text config, void **state) {
  (void)config;
  (void)state;
  vsoad = host;
  return 0;
}

const vsoa_plugin *vsoa_plugin_main(void) {
  static const char *const commands[] = {"/", "/echo", "/publish", NULL};
  static const vsoa_plugin plugin = {
      .size = sizeof(vsoa_plugin),
      .abi_major = VSOA_PLUGIN_ABI_MAJOR,
      .abi_minor = VSOA_PLUGIN_ABI_MINOR,
      .flags = VSOA_PLUGIN_CONCURRENT | VSOA_PLUGIN_MOUNT_DEFAULT,
      .name = "echo",
      .version = "1.0",
      .description = "Sends back what it is sent",
      .commands = commands,
      .start = start,
      .command = command,
  };
  return &plugin;
}
