/* netconf_session.h - a client's NETCONF session (RFC 6241, framing of RFC 6242) as a pure state
 * machine, whatever the transport below it.
 *
 * Octets from the server go in, octets for it come out through a buffer, and what happened is asked
 * for event by event. No socket, no clock: the caller brings both.
 *
 *     start -> hello both ways -> UP -> requests, replies, notifications -> DOWN
 *
 * The machine does by itself: hello and the choice of framing, numbering of requests, matching of
 * replies (requests may be sent before earlier ones are answered), timeouts, and asking a silent
 * server whether it lives.
 *
 * A request that was accepted ends in exactly one DONE or FAILED event, also when the connection
 * goes down. What a server answers to nothing, or says that cannot be understood, is counted and
 * dropped as long as it is well-formed; what is not ends the session, for nothing behind it can be
 * trusted (RFC 6242 section 4.2). */
#ifndef PROTO_NETCONF_NETCONF_SESSION_H
#define PROTO_NETCONF_NETCONF_SESSION_H

#include "base/time.h"
#include "proto/netconf/netconf_request.h"

struct netconf_session; /* Opaque; not thread-safe. */

/* Zero means the value in brackets. */
struct netconf_session_config {
    nsec_t hello_timeout;      /* until the server's hello [30 s] */
    nsec_t request_timeout;    /* until a reply [60 s] */
    nsec_t keepalive_interval; /* silence after which the server is asked for nothing [never] */
    size_t message_limit;      /* octets of a message of the server [16 MiB] */
    size_t message_budget;     /* octets of memory for one as a tree [8 times message_limit] */
    size_t output_limit;       /* octets waiting to be sent [64 MiB] */
    uint32_t max_requests;     /* without a reply [1,000] */
};

enum netconf_event_kind {
    NETCONF_UP,       /* `hello` is the server's; requests may be sent */
    NETCONF_DONE,     /* request `arg`: `message` is the reply; warnings are in it */
    NETCONF_FAILED,   /* request `arg`: `err`, `diag`; with `message` if the server says so */
    NETCONF_NOTIFIED, /* `message` */
    NETCONF_DOWN,     /* `err`, `diag`. The last event. */
};

struct netconf_event {
    enum netconf_event_kind kind;
    enum err err;
    uint32_t message_id;
    void *arg;
    const struct netconf_hello *hello;
    const struct netconf_message *message; /* valid until the next netconf_session_next() */
    struct diag diag;
};

struct netconf_session_stats {
    uint64_t rx_messages, tx_messages, rx_octets, tx_octets;
    uint64_t errors;    /* replies with an error */
    uint64_t timeouts;  /* requests */
    uint64_t unmatched; /* replies to nothing that is outstanding, dropped */
    uint64_t refused;   /* well-formed, but not NETCONF: dropped */
    uint64_t keepalives;
};

/* Copies `config`. Never NULL; the hello waits in the output. */
struct netconf_session *netconf_session_new(const struct netconf_session_config *, nsec_t now);
void netconf_session_free(struct netconf_session *); /* NULL is fine. Sends no events. */

/* Takes octets of the server. Ask for events until there are none before giving it more. */
void netconf_session_input(struct netconf_session *, const uint8_t *data, size_t size, nsec_t now);
/* The transport is gone, or the caller wants no more: requests fail with `err`, then DOWN. */
void netconf_session_close(struct netconf_session *, enum err, const char *why);
/* Looks at the time; call it when netconf_session_deadline() has passed. Then ask for events. */
void netconf_session_tick(struct netconf_session *, nsec_t now);
nsec_t netconf_session_deadline(const struct netconf_session *); /* NSEC_NEVER: no need */

/* The next event; false: none for now. */
bool netconf_session_next(struct netconf_session *, struct netconf_event *);
/* Hands over the arena in which the last event's message lives, to keep it for longer; the struct
 * netconf_message too is in it. Never NULL; free it with arena_free(). */
struct arena *netconf_session_take_arena(struct netconf_session *);
/* What is to be sent; consume it (buf_consume(), buf_clear()) as it is sent. */
struct buf *netconf_session_output(struct netconf_session *);

bool netconf_session_is_up(const struct netconf_session *);
const struct netconf_hello *netconf_session_hello(
    const struct netconf_session *);                                /* NULL: not up */
size_t netconf_session_outstanding(const struct netconf_session *); /* requests */
const struct netconf_session_stats *netconf_session_stats(const struct netconf_session *);

/* Sends a request. `timeout` 0: as configured. ERR_BUSY: not up, or too many requests; ERR_CLOSED:
 * down; ERR_UNSUPPORTED, ERR_INVALID, ERR_LIMIT: as netconf_request_put(). On failure nothing is
 * sent. */
MUST_CHECK enum err netconf_session_request(struct netconf_session *,
                                            const struct netconf_request *, void *arg,
                                            nsec_t timeout, nsec_t now, struct diag *);

#endif
