/* The layout of ABI 1.1 where pointers have 64 bits. Plugins are built against it once and loaded for
 * ever: what is listed here never moves. What a later minor appends is added below, and the sizes. */
#include <stddef.h>
#include <vsoa/plugin.h>

#if UINTPTR_MAX == UINT64_MAX

#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member " moved")

AT(vsoa_request, size, 0);
AT(vsoa_request, service, 8);
AT(vsoa_request, seqno, 12);
AT(vsoa_request, client, 16);
AT(vsoa_request, method, 24);
AT(vsoa_request, url, 32);
AT(vsoa_request, command, 48);
AT(vsoa_request, path, 64);
AT(vsoa_request, param, 80);
AT(vsoa_request, data, 96);
_Static_assert(sizeof(vsoa_request) == 112, "grows only with a new minor");

AT(vsoa_client_info, size, 0);
AT(vsoa_client_info, service, 8);
AT(vsoa_client_info, id, 12);
AT(vsoa_client_info, address, 16);
AT(vsoa_client_info, role, 80);
AT(vsoa_client_info, port, 144);
AT(vsoa_client_info, quick_port, 146);
AT(vsoa_client_info, authed, 148);
AT(vsoa_client_info, priority, 149);
_Static_assert(sizeof(vsoa_client_info) == 152, "grows only with a new minor");

AT(vsoa_plugin, size, 0);
AT(vsoa_plugin, abi_major, 8);
AT(vsoa_plugin, abi_minor, 10);
AT(vsoa_plugin, flags, 12);
AT(vsoa_plugin, name, 16);
AT(vsoa_plugin, version, 24);
AT(vsoa_plugin, description, 32);
AT(vsoa_plugin, commands, 40);
AT(vsoa_plugin, start, 48);
AT(vsoa_plugin, stop, 56);
AT(vsoa_plugin, command, 64);
AT(vsoa_plugin, datagram, 72);
AT(vsoa_plugin, client, 80);
AT(vsoa_plugin, subscription, 88);
_Static_assert(sizeof(vsoa_plugin) == 96, "grows only with a new minor");

AT(vsoa_host, size, 0);
AT(vsoa_host, abi_major, 8);
AT(vsoa_host, abi_minor, 10);
AT(vsoa_host, reply, 16);
AT(vsoa_host, defer, 24);
AT(vsoa_host, drop, 32);
AT(vsoa_host, publish, 40);
AT(vsoa_host, datagram, 48);
AT(vsoa_host, is_subscribed, 56);
AT(vsoa_host, services, 64);
AT(vsoa_host, service_name, 72);
AT(vsoa_host, clients, 80);
AT(vsoa_host, client_info, 88);
AT(vsoa_host, client_certificate, 96);
AT(vsoa_host, client_is_subscribed, 104);
AT(vsoa_host, client_set_authed, 112);
AT(vsoa_host, client_set_priority, 120);
AT(vsoa_host, client_set_keepalive, 128);
AT(vsoa_host, client_set_send_timeout, 136);
AT(vsoa_host, client_close, 144);
AT(vsoa_host, timer_start, 152);
AT(vsoa_host, timer_stop, 160);
AT(vsoa_host, queue_add, 168);
AT(vsoa_host, log, 176);
AT(vsoa_host, counter_add, 184);
AT(vsoa_host, gauge_set, 192);
/* 1.1 */
AT(vsoa_host, stream_create, 200);
AT(vsoa_host, stream_send, 208);
AT(vsoa_host, stream_is_writable, 216);
AT(vsoa_host, stream_pause, 224);
AT(vsoa_host, stream_shutdown, 232);
AT(vsoa_host, stream_close, 240);
AT(vsoa_host, stream_set_keepalive, 248);
AT(vsoa_host, stream_set_send_timeout, 256);
AT(vsoa_host, stream_info, 264);
_Static_assert(sizeof(vsoa_host) == 272, "grows only with a new minor");

AT(vsoa_stream_callbacks, size, 0);
AT(vsoa_stream_callbacks, link, 8);
AT(vsoa_stream_callbacks, data, 16);
AT(vsoa_stream_callbacks, writable, 24);
AT(vsoa_stream_callbacks, end, 32);
_Static_assert(sizeof(vsoa_stream_callbacks) == 40, "grows only with a new minor");

AT(vsoa_stream_info, size, 0);
AT(vsoa_stream_info, client, 8);
AT(vsoa_stream_info, received, 16);
AT(vsoa_stream_info, sent, 24);
AT(vsoa_stream_info, queued, 32);
AT(vsoa_stream_info, error, 40);
AT(vsoa_stream_info, tunid, 44);
AT(vsoa_stream_info, connected, 46);
_Static_assert(sizeof(vsoa_stream_info) == 48, "grows only with a new minor");

_Static_assert(sizeof(vsoa_text) == 16 && sizeof(vsoa_bytes) == 16, "text and bytes are two words");
_Static_assert(VSOA_OK == 0 && VSOA_E_ARGUMENT == -1 && VSOA_E_NOT_FOUND == -2 && VSOA_E_FULL == -3 && VSOA_E_FAILED == -4, "results");
_Static_assert(VSOA_PLUGIN_CONCURRENT == 1 && VSOA_PLUGIN_NEEDS_CONFIG == 2 && VSOA_PLUGIN_MOUNT_DEFAULT == 4, "flags");

#endif
