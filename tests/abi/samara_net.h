/* samara_net: the TCP/IP stack of samara behind a C interface, for conformance suites, fuzzers and simulators that bring their
 * own wire, clock and random source. The library is out/test/libsamara_net.so; example.py drives two hosts through it.
 *
 * One samara_net is one host on one Ethernet link. It does no I/O, has no threads, reads no clock and draws no random numbers
 * of its own: given the same calls it does the same, octet for octet. Different hosts may be used by different threads, one
 * host by one at a time. All memory a host may need but that of queued datagrams is taken when it is created.
 *
 * A turn of the caller's loop:
 *   1. samara_net_set_time() with the present, which also does what is due by then
 *   2. samara_net_feed_frame() for each frame that arrived
 *   3. socket calls; none of them blocks
 *   4. samara_net_poll_frame() until it yields nothing: these frames leave now
 *   5. wait for a frame or for samara_net_next_deadline(), whichever comes first
 *
 * Calls that can fail return a negative number from the list of errors below, all others 0 or more. Pointers are borrowed for
 * the call only. Ports and counts are in the machine's byte order, addresses in network order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when something here changes its meaning; additions do not count. */
#define SAMARA_NET_VERSION 1
uint32_t samara_net_version(void);

/* ---- Errors */
enum {
  SAMARA_NET_WOULD_BLOCK = -1,    /* nothing now; ask again after the next turn */
  SAMARA_NET_INVALID = -2,        /* an argument makes no sense, or the call does not go with this kind of socket */
  SAMARA_NET_BAD_SOCKET = -3,     /* no such socket, or no more */
  SAMARA_NET_ADDRESS_IN_USE = -4, /* another socket has the port, or the connection exists */
  SAMARA_NET_NO_ADDRESS = -5,     /* no address of ours to send from, or not ours */
  SAMARA_NET_NO_ROUTE = -6,
  SAMARA_NET_TOO_LONG = -7,  /* a datagram larger than can be sent, or a buffer too small for a frame */
  SAMARA_NET_NO_MEMORY = -8, /* a bound was reached: sockets, connections, queues */
  SAMARA_NET_NO_PORT = -9,   /* all ephemeral ports are taken */
  SAMARA_NET_NOT_CONNECTED = -10,
  SAMARA_NET_RESET = -11,   /* by the peer */
  SAMARA_NET_REFUSED = -12, /* the peer's host answers, nobody listens */
  SAMARA_NET_TIMED_OUT = -13,
  SAMARA_NET_UNREACHABLE = -14 /* an ICMP error says so */
};
/* In English, without a newline. */
const char* samara_net_error_text(int error);

/* ---- Addresses */
struct samara_net_address {
  uint8_t family;     /* 4 or 6 */
  uint8_t octets[16]; /* the first 4, or all */
};
struct samara_net_endpoint {
  struct samara_net_address address;
  uint16_t port;
};
/* An address of ours; prefix_length bits of it are the link's. */
struct samara_net_interface {
  struct samara_net_address address;
  uint8_t prefix_length;
  uint8_t origin;    /* out only: 0 configured, 1 DHCP, 2 router advertisement, 3 link-local */
  uint8_t condition; /* out only: 0 tentative, 1 preferred, 2 deprecated, 3 duplicate */
};
struct samara_net_route {
  struct samara_net_address destination;
  uint8_t prefix_length;
  struct samara_net_address gateway;
  uint32_t metric; /* of routes to the same prefix the lowest is taken */
};

/* ---- A host */
/* Fills `out` with `size` random octets. The same octets at the same calls make the same run. */
typedef void (*samara_net_random)(void* context, uint8_t* out, size_t size);

enum {
  SAMARA_NET_DHCP = 1,                    /* take an IPv4 address by DHCP */
  SAMARA_NET_NO_IPV6 = 2,                 /* nothing of IPv6 is sent or heard */
  SAMARA_NET_NO_ROUTER_ADVERTISEMENTS = 4 /* take no addresses and routes from routers */
};
struct samara_net_config {
  uint32_t size; /* sizeof(struct samara_net_config) */
  uint8_t mac[6];
  uint16_t mtu;   /* octets of an IP packet; 0: 1500 */
  uint32_t flags; /* SAMARA_NET_DHCP … */
  const struct samara_net_interface* addresses;
  uint32_t address_count;
  const struct samara_net_route* routes;
  uint32_t route_count;
  samara_net_random random;
  void* random_context;
  /* Bounds of TCP; 0: the default. What they bound: struct Capacity in platform/net/tcp/tcp.h. */
  uint32_t tcp_connections, tcp_half_open, tcp_time_wait, tcp_listeners, tcp_blocks, tcp_send_limit, tcp_receive_limit;
};

typedef struct samara_net samara_net;

/* A host that comes up at `now`. Times are nanoseconds on a clock of the caller's that never goes back. NULL: the configuration
 * makes no sense. */
samara_net* samara_net_create(const struct samara_net_config* config, uint64_t now);
void samara_net_destroy(samara_net* net);

/* It is `now`: does what is due. An earlier time than the last is taken for the last. */
void samara_net_set_time(samara_net* net, uint64_t now);
/* When samara_net_set_time() has something to do next; UINT64_MAX: never, unless something else happens. */
uint64_t samara_net_next_deadline(const samara_net* net);

/* An Ethernet frame arrived, from its destination address on, without frame check sequence. What is wrong with it is counted.
 */
void samara_net_feed_frame(samara_net* net, const uint8_t* frame, size_t size);
/* The next frame to send: its size, or 0. `capacity` is mtu + 14 at least, otherwise SAMARA_NET_TOO_LONG. */
long samara_net_poll_frame(samara_net* net, uint8_t* out, size_t capacity);

/* Writes up to `capacity` of our addresses to `out`; returns how many there are. */
size_t samara_net_addresses(const samara_net* net, struct samara_net_interface* out, size_t capacity);
/* The largest IP packet the path to `peer` carries, as far as known; or SAMARA_NET_INVALID. */
int samara_net_path_mtu(const samara_net* net, const struct samara_net_address* peer);

/* What happened to the host itself. The oldest are forgotten when nobody asks. */
enum {
  SAMARA_NET_ADDRESS_UP = 0,
  SAMARA_NET_ADDRESS_DOWN = 1,
  SAMARA_NET_ADDRESS_DUPLICATE = 2,
  SAMARA_NET_DHCP_FAILED = 3,
  SAMARA_NET_GATEWAY_UNREACHABLE = 4,
  SAMARA_NET_ADDRESS_CONFLICT = 5, /* somebody else claims an address we keep */
  SAMARA_NET_DHCP_UNUSABLE = 6
};
struct samara_net_event {
  uint32_t kind;
  struct samara_net_address address;
};
/* 1: `out` was filled in; 0: nothing happened. */
int samara_net_poll_event(samara_net* net, struct samara_net_event* out);

/* ---- Sockets: numbers from 0 on; a number is not used again soon after its socket was closed. */
enum { SAMARA_NET_DATAGRAM = 1, SAMARA_NET_STREAM = 2 };
int samara_net_open(samara_net* net, int type);

/* Names the own end. The unspecified address: all of that family's. Port 0: one that is free. */
int samara_net_bind(samara_net* net, int socket, const struct samara_net_endpoint* local);
/* Stream, bound. At most `backlog` connections wait for samara_net_accept(); more are reset. */
int samara_net_listen(samara_net* net, int socket, uint32_t backlog);
/* Stream: begins to connect; samara_net_readiness() says CONNECTED when it is, CLOSED when it failed. Datagram: from now on
 * samara_net_send() goes there, and only what comes from there is received. */
int samara_net_connect(samara_net* net, int socket, const struct samara_net_endpoint* peer);
/* A connection that waits at a listening socket, as a socket; `peer` may be NULL. */
int samara_net_accept(samara_net* net, int socket, struct samara_net_endpoint* peer);

enum {
  SAMARA_NET_MORE = 1,  /* stream: more follows at once, do not push */
  SAMARA_NET_URGENT = 2 /* stream: everything up to here is urgent (RFC 9293 section 3.8.5) */
};
/* Stream: how many octets were taken, which may be fewer. Datagram, connected: all of it is sent as one. */
long samara_net_send(samara_net* net, int socket, const uint8_t* data, size_t size, int flags);
/* Stream: how many octets were received; 0: the peer sends no more. Datagram: one of them; what does not fit is lost. A
 * datagram may be empty, too. */
long samara_net_receive(samara_net* net, int socket, uint8_t* into, size_t capacity);
long samara_net_sendto(samara_net* net, int socket, const uint8_t* data, size_t size, const struct samara_net_endpoint* peer);
/* `peer` and `local` (which of our addresses it was sent to) may be NULL. */
long samara_net_recvfrom(samara_net* net, int socket, uint8_t* into, size_t capacity, struct samara_net_endpoint* peer,
                         struct samara_net_endpoint* local);

/* Stream: nothing more will be sent (FIN); receiving goes on. */
int samara_net_shutdown(samara_net* net, int socket);
/* The socket is gone. A connection ends by FIN, or by RST when received octets were not taken (RFC 9293 section 3.6.1). */
int samara_net_close(samara_net* net, int socket);
/* The socket is gone. A connection ends by RST. */
int samara_net_reset(samara_net* net, int socket);

/* Of a stream, before or after it is connected; an accepted one has those of its listener. Times are milliseconds. */
enum {
  SAMARA_NET_NO_DELAY = 1, /* 1: Nagle's algorithm is off */
  SAMARA_NET_KEEP_ALIVE = 2,
  SAMARA_NET_KEEP_ALIVE_IDLE = 3,
  SAMARA_NET_KEEP_ALIVE_INTERVAL = 4,
  SAMARA_NET_KEEP_ALIVE_PROBES = 5,
  SAMARA_NET_USER_TIMEOUT = 6,
  SAMARA_NET_HOP_LIMIT = 7,
  SAMARA_NET_TRAFFIC_CLASS = 8
};
int samara_net_set_option(samara_net* net, int socket, int option, int64_t value);
int samara_net_get_option(const samara_net* net, int socket, int option, int64_t* value);

/* What can be done with a socket now: a sum of these, or an error. */
enum {
  SAMARA_NET_READABLE = 1,  /* receive or accept yields something */
  SAMARA_NET_WRITABLE = 2,  /* send takes something */
  SAMARA_NET_CONNECTED = 4, /* stream: the connection was established */
  SAMARA_NET_END = 8,       /* stream: the peer sends no more, and all it sent was taken */
  SAMARA_NET_CLOSED = 16    /* stream: the connection is gone; samara_net_last_error() says why */
};
int samara_net_readiness(const samara_net* net, int socket);
/* Why a stream's connection ended: an error, or 0: both sides closed it, or it did not end. */
int samara_net_last_error(const samara_net* net, int socket);

/* Of a stream's connection, by RFC 9293 section 3.3.2. */
enum {
  SAMARA_NET_STATE_CLOSED = 0,
  SAMARA_NET_STATE_SYN_SENT,
  SAMARA_NET_STATE_SYN_RECEIVED,
  SAMARA_NET_STATE_ESTABLISHED,
  SAMARA_NET_STATE_FIN_WAIT_1,
  SAMARA_NET_STATE_FIN_WAIT_2,
  SAMARA_NET_STATE_CLOSE_WAIT,
  SAMARA_NET_STATE_CLOSING,
  SAMARA_NET_STATE_LAST_ACK,
  SAMARA_NET_STATE_TIME_WAIT,
  SAMARA_NET_STATE_LISTEN
};
int samara_net_state(const samara_net* net, int socket);
/* Octets given to samara_net_send() that the peer has not acknowledged. */
long samara_net_unacknowledged(const samara_net* net, int socket);
int samara_net_local(const samara_net* net, int socket, struct samara_net_endpoint* out);
int samara_net_peer(const samara_net* net, int socket, struct samara_net_endpoint* out);

#ifdef __cplusplus
}
#endif
