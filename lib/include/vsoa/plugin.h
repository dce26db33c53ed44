/* The plugin interface of vsoad, ABI 1.1: plain C, self-contained.
 *
 * A plugin is a shared object that exports one function, vsoa_plugin_main, which returns a descriptor.
 * It links to nothing of vsoad's: whatever it may call comes in the host table that start() is given.
 * A plugin built against ABI 1.x loads in every vsoad of ABI 1.y with y >= x: structures only grow at
 * their end, and each side reads no further than the size that the other states.
 *
 * Text and bytes are pointer and length, never NUL-terminated unless it says so. What is passed to a
 * callback, or to a host function, is valid until that call returns.
 *
 * Threads. No other callback runs during start() and stop(), though a job of queue_add may during
 * start(). Without VSOA_PLUGIN_CONCURRENT all other callbacks are serialised by the host, so that a
 * plain plugin needs no locks. With it, callbacks of different clients run at the same time on several
 * threads. Callbacks run on an event loop and must not block (or on a work queue, where they may, if
 * the operator put the plugin, or the command, on one). Host functions may be called from any thread,
 * between the beginning of start() and the return of stop(), and never block; none of them calls a
 * callback before it returns. stop() is called when the last callback and the last job of
 * queue_add have returned, and none follows; if one does not return in time, stop() is not called.
 * It runs on a thread of the host's that runs nothing else, and has 2 seconds under vsoad.
 * Threads that the plugin made end in stop().
 * No C++ exception may leave a callback.
 */
#ifndef VSOA_PLUGIN_H
#define VSOA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VSOA_PLUGIN_ABI_MAJOR 1
#define VSOA_PLUGIN_ABI_MINOR 1

#if defined(__GNUC__)
#define VSOA_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define VSOA_PLUGIN_EXPORT
#endif

/* Text, not terminated; its length counts. */
typedef struct vsoa_text {
  const char *ptr;      /* null: none */
  size_t len;           /* in bytes */
} vsoa_text;

/* Bytes. */
typedef struct vsoa_bytes {
  const void *ptr;      /* null: none */
  size_t len;           /* in bytes */
} vsoa_bytes;

/* One client of one service. Never 0, not used again while the client lives. */
typedef uint64_t vsoa_client;
/* One service of the configuration. 0 means, where it is allowed, every service that this plugin is in. */
typedef uint32_t vsoa_service;
/* One running timer. Never 0. */
typedef uint64_t vsoa_timer;
/* One stream. Never 0, not used again. */
typedef uint64_t vsoa_stream;
/* One RPC to be answered. */
typedef struct vsoa_call vsoa_call;

/* Results of host functions. */
enum {
  VSOA_OK = 0,
  VSOA_E_ARGUMENT = -1,  /* bad URL, status, priority, or payload too large */
  VSOA_E_NOT_FOUND = -2, /* no such client, service, timer, queue or call */
  VSOA_E_FULL = -3,      /* a queue or a limit is full */
  VSOA_E_FAILED = -4     /* stopped, or out of memory */
};

/* Status of replies: 0..7 as VSOA defines them, 128..255 the plugin's own. */
enum {
  VSOA_STATUS_SUCCESS = 0,
  VSOA_STATUS_PASSWORD = 1,
  VSOA_STATUS_ARGUMENTS = 2,
  VSOA_STATUS_INVALID_URL = 3,
  VSOA_STATUS_NO_RESPONDING = 4,
  VSOA_STATUS_NO_PERMISSIONS = 5,
  VSOA_STATUS_NO_MEMORY = 6,
  VSOA_STATUS_PROXY = 7
};

enum { VSOA_METHOD_GET = 0, VSOA_METHOD_SET = 1 };

/* Channels: TCP, or the lossy UDP channel of clients that have one. */
enum { VSOA_NORMAL = 0, VSOA_QUICK = 1 };

enum {
  VSOA_LOG_TRACE = 0,
  VSOA_LOG_DEBUG = 1,
  VSOA_LOG_INFO = 2,
  VSOA_LOG_WARNING = 3,
  VSOA_LOG_ERROR = 4
};

/* One RPC, while `command` runs. */
typedef struct vsoa_request {
  size_t size;          /* of this structure */
  vsoa_service service; /* by which it came */
  uint32_t seqno;       /* as the client has numbered it */
  vsoa_client client;   /* who calls */
  int method;           /* VSOA_METHOD_GET or VSOA_METHOD_SET */
  vsoa_text url;        /* as the client sent it */
  vsoa_text command;    /* which of the descriptor's command URLs it was mapped to */
  vsoa_text path;       /* what a mount point leaves of the URL: the plugin's own view of it */
  vsoa_text param;      /* JSON text, unchecked; empty: none */
  vsoa_bytes data;      /* what came beside the param */
} vsoa_request;

/* What is known of a client. */
typedef struct vsoa_client_info {
  size_t size;          /* set by the caller to sizeof(vsoa_client_info) */
  vsoa_service service; /* by which it came */
  uint32_t id;          /* as the protocol numbers it within its service */
  char address[64];     /* IP address, NUL-terminated */
  char role[64];        /* from the credential that matched, cut to 63 bytes, NUL-terminated; empty: none */
  uint16_t port;        /* of the client's end */
  uint16_t quick_port;  /* 0: no quick channel */
  uint8_t authed;       /* 0 or 1 */
  uint8_t priority;     /* 0..7 */
} vsoa_client_info;

/* What a stream tells the plugin (ABI 1.1). Callbacks like all others (see Threads): those of one stream
 * come one after the other, in the order in which things happened. Each may be NULL. */
typedef struct vsoa_stream_callbacks {
  size_t size;          /* sizeof(vsoa_stream_callbacks) */
  /* connected 1: the client is there; 0: the end, or that it has not come. 0 comes once, and last, unless
   * the plugin is stopped before: then nothing comes. */
  void (*link)(void *argument, vsoa_stream stream, int connected);
  /* What has come. */
  void (*data)(void *argument, vsoa_stream stream, vsoa_bytes data);
  /* What made stream_send answer VSOA_E_FULL, or stream_is_writable 0, is sent. */
  void (*writable)(void *argument, vsoa_stream stream);
  /* The client sends no more, but may still read. NULL: the stream is closed then, once what is queued is
   * sent. */
  void (*end)(void *argument, vsoa_stream stream);
} vsoa_stream_callbacks;

/* ABI 1.1 */
typedef struct vsoa_stream_info {
  size_t size;          /* set by the caller to sizeof(vsoa_stream_info) */
  vsoa_client client;   /* that it was made for */
  uint64_t received;    /* bytes */
  uint64_t sent;        /* bytes that have left */
  uint64_t queued;      /* bytes that have not */
  int error;            /* in the callback that tells the end: why, as in errno; 0: it was closed */
  uint16_t tunid;       /* what the client was told */
  uint8_t connected;    /* 0 or 1 */
} vsoa_stream_info;

/* What the host does for a plugin. The first parameter is always the table itself, which belongs to one
 * plugin. A plugin built against a later minor looks at `size` before it uses what that minor added. */
typedef struct vsoa_host vsoa_host;
/* What the host does for a plugin. */
struct vsoa_host {
  size_t size;          /* of this structure, as the host knows it */
  uint16_t abi_major;   /* of the host */
  uint16_t abi_minor;   /* of the host */

  /* --- calls ---
   * reply: answers a call, once. status 0..255; tunid 0: none. The call is gone afterwards, answered or
   *   not. VSOA_E_ARGUMENT: the payload is too large and NO_MEMORY was answered instead, or an argument
   *   is wrong and NO_RESPONDING was. VSOA_E_NOT_FOUND: already answered, dropped or deferred. The call
   *   that a callback was given may be answered by that callback's own thread only, until it returns.
   * defer: takes a call out of its callback, to answer it later from any thread with the call that is
   *   returned. NULL: already answered or deferred. A deferred call must be replied to or dropped; what
   *   is left when stop() has returned is answered NO_RESPONDING.
   * drop: gives a call up without an answer. */
  int (*reply)(const vsoa_host *host, vsoa_call *call, int status, vsoa_text param, vsoa_bytes data,
               uint16_t tunid);
  /* Takes the right to answer out of the callback. */
  vsoa_call *(*defer)(const vsoa_host *host, vsoa_call *call);
  /* Gives a deferred call up: no answer is sent. */
  void (*drop)(const vsoa_host *host, vsoa_call *call);

  /* --- publish and datagram --- service 0: every service that this plugin is in. VSOA_E_FULL: the
   * client's outbox, or the way to it, has no room; for publish, at one service at least. */
  int (*publish)(const vsoa_host *host, vsoa_service service, vsoa_text url, vsoa_text param,
                 vsoa_bytes data, int channel);
  /* Sends a datagram to one client. */
  int (*datagram)(const vsoa_host *host, vsoa_client client, vsoa_text url, vsoa_text param,
                  vsoa_bytes data, int channel);
  /* 1: at least one client has a subscription that takes this URL; 0: none. */
  int (*is_subscribed)(const vsoa_host *host, vsoa_service service, vsoa_text url);

  /* --- services and clients ---
   * services, clients: write at most `capacity` of them and return how many there are.
   * service_name: writes at most `capacity` bytes, NUL included, and returns the length of the name, or
   *   VSOA_E_NOT_FOUND. */
  size_t (*services)(const vsoa_host *host, vsoa_service *out, size_t capacity);
  /* Its name, NUL-terminated. */
  int (*service_name)(const vsoa_host *host, vsoa_service service, char *out, size_t capacity);
  /* Fills `out`; returns how many there are. */
  size_t (*clients)(const vsoa_host *host, vsoa_service service, vsoa_client *out, size_t capacity);
  /* Fills `info`. */
  int (*client_info)(const vsoa_host *host, vsoa_client client, vsoa_client_info *info);
  /* The client's TLS certificate, DER: writes at most `capacity` bytes into `out` and its length into
   * `length`; length 0: the client showed none, as on every connection without TLS. */
  int (*client_certificate)(const vsoa_host *host, vsoa_client client, void *out, size_t capacity,
                            size_t *length);
  /* 1: this client would get a publish on this URL; 0: not. */
  int (*client_is_subscribed)(const vsoa_host *host, vsoa_client client, vsoa_text url);
  /* 0: it gets no publishes. */
  int (*client_set_authed)(const vsoa_host *host, vsoa_client client, int authed);
  /* 0..7. */
  int (*client_set_priority)(const vsoa_host *host, vsoa_client client, int priority);
  /* TCP keepalive; 0: off. */
  int (*client_set_keepalive)(const vsoa_host *host, vsoa_client client, unsigned idle_seconds);
  /* For the kernel to take some of what is queued; 0: no limit. */
  int (*client_set_send_timeout)(const vsoa_host *host, vsoa_client client, unsigned milliseconds);
  /* Ends the session. */
  int (*client_close)(const vsoa_host *host, vsoa_client client);

  /* --- timers --- first run after delay_ms, then every interval_ms unless that is 0. The function is a
   * callback like all others (see Threads). The delay of one started in start() begins when start() has
   * returned. 0: no function, 1024 timers of this plugin are running, or it is being stopped.
   * stop: VSOA_E_NOT_FOUND when it has already ended. Stopped in a callback of a plugin that is not
   * CONCURRENT, the function is not called again; otherwise one call may still be under way. */
  vsoa_timer (*timer_start)(const vsoa_host *host, unsigned delay_ms, unsigned interval_ms,
                            void (*function)(void *argument), void *argument);
  /* Ends a timer. */
  int (*timer_stop)(const vsoa_host *host, vsoa_timer timer);

  /* --- work queues --- runs the function on a work queue of the configuration; an empty name: the queue
   * that the operator gave this plugin. It may block there and is NOT serialised with the callbacks.
   * VSOA_E_FULL: the queue's limit is reached; VSOA_E_NOT_FOUND: there is no such queue. */
  int (*queue_add)(const vsoa_host *host, vsoa_text queue, void (*function)(void *argument),
                   void *argument);

  /* --- log and metrics --- a line of the log, marked with the plugin's name, cut to 4096 bytes, control
   * characters replaced by blanks; a counter to add to and a gauge to set, named [a-z_][a-z0-9_]* in at
   * most 64 bytes, at most 256 of them for a plugin (then VSOA_E_FULL). A name is either a counter or a
   * gauge. */
  void (*log)(const vsoa_host *host, int level, vsoa_text line);
  /* Adds to a counter of the metrics. */
  int (*counter_add)(const vsoa_host *host, vsoa_text name, uint64_t delta);
  /* Sets a gauge of the metrics. */
  int (*gauge_set)(const vsoa_host *host, vsoa_text name, double value);

  /* --- streams --- ABI 1.1: only where `size` reaches that far. Raw bytes both ways, over a connection of
   * their own, to be told to the client by `tunid` in the reply to its call. All but stream_create:
   * VSOA_E_NOT_FOUND when the stream has ended.
   * create: offers a stream to a client, for timeout_ms (0: 10 s); only the client's address is let in. It
   *   outlives the client's session. VSOA_E_NOT_FOUND: no such client; VSOA_E_FULL: 1024 streams of this
   *   plugin, or a limit of the service.
   * send: takes all of up to 256 KiB, or that much of more, and returns how much. VSOA_E_FULL: nothing was
   *   taken, too much is queued; `writable` follows. VSOA_E_NOT_FOUND also: not connected, or shut.
   * is_writable: 1: send takes a piece now. 0, on a connected stream: `writable` follows. It says 0 before
   *   send does: who stops then has nothing copied in vain.
   * pause: 1: `data` is not called until 0; the client is held up.
   * shutdown: nothing more is sent, behind what is queued; reading goes on.
   * close: ends the stream behind what is queued, and throws away what comes in; abort 1: at once, by a
   *   reset.
   * set_keepalive: TCP keepalive, the stream ends after about three times idle_seconds without an answer;
   *   0: off; at first 10.
   * set_send_timeout: the stream ends when nothing of what is queued leaves for so long; 0: never, as at
   *   first. */
  int (*stream_create)(const vsoa_host *host, vsoa_client client, const vsoa_stream_callbacks *callbacks,
                       void *argument, unsigned timeout_ms, vsoa_stream *stream, uint16_t *tunid);
  /* Sends; returns how many bytes were taken. */
  int64_t (*stream_send)(const vsoa_host *host, vsoa_stream stream, vsoa_bytes data);
  /* 1: stream_send takes a piece now. */
  int (*stream_is_writable)(const vsoa_host *host, vsoa_stream stream);
  /* Stops reading, or reads again. */
  int (*stream_pause)(const vsoa_host *host, vsoa_stream stream, int paused);
  /* Nothing more will be sent. */
  int (*stream_shutdown)(const vsoa_host *host, vsoa_stream stream);
  /* Ends it. */
  int (*stream_close)(const vsoa_host *host, vsoa_stream stream, int abort);
  /* TCP keepalive; 0: off. */
  int (*stream_set_keepalive)(const vsoa_host *host, vsoa_stream stream, unsigned idle_seconds);
  /* For the kernel to take some of what is queued. */
  int (*stream_set_send_timeout)(const vsoa_host *host, vsoa_stream stream, unsigned milliseconds);
  /* Fills `info`. */
  int (*stream_info)(const vsoa_host *host, vsoa_stream stream, vsoa_stream_info *info);
};

enum {
  VSOA_PLUGIN_CONCURRENT = 0x1,   /* callbacks may run at the same time: the plugin locks for itself */
  VSOA_PLUGIN_NEEDS_CONFIG = 0x2, /* useless without plugins.settings.<name>.config: `plugins: all` skips it */
  VSOA_PLUGIN_MOUNT_DEFAULT = 0x4 /* its command "/" serves below a mount point, or where the configuration
                                     names it, but not all that a service leaves over */
};

/* What a plugin is. Static storage. Callbacks may be NULL, but for start; `command` only when `commands`
 * is empty. `state` is what start() stored. */
typedef struct vsoa_plugin {
  size_t size;               /* sizeof(vsoa_plugin) */
  uint16_t abi_major;        /* VSOA_PLUGIN_ABI_MAJOR */
  uint16_t abi_minor;        /* VSOA_PLUGIN_ABI_MINOR */
  uint32_t flags;            /* VSOA_PLUGIN_... */
  const char *name;          /* NUL-terminated, equal to the file's name without ".so": [a-z][a-z0-9_-]*,
                                at most 64 bytes */
  const char *version;       /* NUL-terminated, at most 64 bytes */
  const char *description;   /* NUL-terminated, one line, at most 512 bytes */
  const char *const *commands; /* command URLs, NULL at the end: "/a" exact, "/a/" with all below, "/" rest;
                                  at most 1024, none twice */

  /* 0: running. Anything else: the plugin is not served; it should have logged why. `config` is JSON
   * text, the settings of the configuration, "null" when there are none. */
  int (*start)(const vsoa_host *host, vsoa_text config, void **state);
  /* Ends; no callback follows. */
  void (*stop)(void *state);

  /* An RPC. Answer it with host->reply, now, or later after host->defer. Returning without either means
   * that the client gets no answer. */
  void (*command)(void *state, vsoa_call *call, const vsoa_request *request);
  /* One datagram. */
  void (*datagram)(void *state, vsoa_client client, vsoa_text url, vsoa_text param, vsoa_bytes data,
                   int channel);
  /* connected 1: the client has passed the handshake; 0: it is gone. */
  void (*client)(void *state, vsoa_client client, int connected);
  /* URLs newly subscribed (subscribed 1), or given up or taken away (0). Those that end with the client
   * are not told. */
  void (*subscription)(void *state, vsoa_client client, const vsoa_text *urls, size_t count,
                       int subscribed);
} vsoa_plugin;

/* The one symbol of a plugin. NULL: it can't run here. */
VSOA_PLUGIN_EXPORT const vsoa_plugin *vsoa_plugin_main(void);

#ifdef __cplusplus
}
#endif

#endif /* VSOA_PLUGIN_H */
