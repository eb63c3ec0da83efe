/* openflow_session.h - one OpenFlow connection, either end of it, as a pure state machine.
 *
 * Octets from the peer go in, octets for the peer come out through a buffer, and what happened is
 * asked for event by event. No socket, no clock: the caller brings both.
 *
 *     start -> HELLO both ways -> UP -> requests, replies, notifications -> DOWN
 *
 * The machine does by itself: version negotiation (OpenFlow 1.3.5 section 6.3.1), keep-alive (ECHO
 * when the peer is silent, 6.3.2), answers to ECHO_REQUEST, errors for what cannot be decoded (as a
 * switch), numbering of requests, matching of replies, errors and barriers to them, timeouts, and
 * putting together multipart messages of several parts.
 *
 * A request that was accepted ends in exactly one DONE or FAILED event, also when the connection
 * goes down. What has no reply of its own (flow_mod, group_mod, meter_mod, ...) is done when a
 * barrier behind it is answered, and failed when an ERROR with its number arrives before. */
#ifndef PROTO_OPENFLOW_OPENFLOW_SESSION_H
#define PROTO_OPENFLOW_OPENFLOW_SESSION_H

#include "base/time.h"
#include "proto/openflow/openflow_multipart.h"

struct openflow_session; /* Opaque; not thread-safe. */

enum openflow_end { OPENFLOW_CONTROLLER, OPENFLOW_SWITCH };

/* Zero means the value in brackets. */
struct openflow_session_config {
    enum openflow_end end;
    nsec_t hello_timeout;    /* until the peer's HELLO [5 s] */
    nsec_t echo_interval;    /* silence after which the peer is asked [5 s] */
    nsec_t echo_timeout;     /* and after which it is given up [5 s] */
    nsec_t request_timeout;  /* until an answer, or the next part of it [10 s] */
    size_t message_limit;    /* octets of a message on the wire [65,535] */
    size_t message_budget;   /* octets a message may take when decoded [1 MiB, enough for any] */
    size_t multipart_budget; /* octets all unfinished parts may take, and again one decoded
                              * whole [64 MiB; 4 MiB as a switch] */
    size_t output_limit;     /* octets waiting to be sent [64 MiB] */
    uint32_t max_requests;   /* without an answer [1,000,000] */
};

enum openflow_event_kind {
    OPENFLOW_UP,      /* version 1.3 is agreed on; requests may be sent */
    OPENFLOW_MESSAGE, /* `message`, unasked for: a request to a switch, a notification */
    OPENFLOW_DONE,   /* request `xid`, `arg`: `message` is the reply; NULL: a barrier confirms it */
    OPENFLOW_FAILED, /* request `xid`, `arg`: `err` says why; ERR_DENIED: the peer, with `error` */
    OPENFLOW_REFUSED, /* something of the peer could not be decoded or is not for this end: `err`,
                       * `error`, `diag`. A switch has answered it; nothing else came of it. */
    OPENFLOW_DOWN,    /* `err`, `diag`. The last event. */
};

struct openflow_event {
    enum openflow_event_kind kind;
    enum err err;
    uint32_t xid;
    void *arg;
    struct openflow_message *message; /* valid until the next call of openflow_session_next() */
    struct openflow_data raw; /* it as it came; its last part if it had several. The same. */
    struct openflow_error error;
    struct diag diag;
};

struct openflow_session_stats {
    uint64_t rx_messages, tx_messages, rx_octets, tx_octets;
    uint64_t refused;   /* messages of the peer */
    uint64_t errors;    /* ERROR messages received */
    uint64_t timeouts;  /* requests */
    uint64_t unmatched; /* replies to nothing that is outstanding, dropped */
    uint64_t echoes;    /* sent because of silence */
};

/* Copies `config`. Never NULL; the HELLO waits in the output. */
struct openflow_session *openflow_session_new(const struct openflow_session_config *, nsec_t now);
void openflow_session_free(struct openflow_session *); /* NULL is fine. Sends no events. */

/* Takes octets of the peer, at most 16 MiB at once. Ask for events until there are none before
 * giving it more. */
void openflow_session_input(struct openflow_session *, const uint8_t *data, size_t size,
                            nsec_t now);
/* The transport is gone, or the caller wants no more: requests fail with `err`, then DOWN. What is
 * in the output may still be sent. */
void openflow_session_close(struct openflow_session *, enum err, const char *why);
/* Looks at the time; call it when openflow_session_deadline() has passed. Then ask for events. */
void openflow_session_tick(struct openflow_session *, nsec_t now);
/* When to call openflow_session_tick() at the latest; NSEC_NEVER: no need. */
nsec_t openflow_session_deadline(const struct openflow_session *);

/* The next event; false: none for now. */
bool openflow_session_next(struct openflow_session *, struct openflow_event *);
/* Hands over the arena in which all parts of the last event's message live, to keep them for
 * longer; the struct itself is to be copied. Never NULL; free it with arena_free(). */
struct arena *openflow_session_take_arena(struct openflow_session *);

/* What is to be sent; consume it (buf_consume(), buf_clear()) as it is sent. */
struct buf *openflow_session_output(struct openflow_session *);

bool openflow_session_is_up(const struct openflow_session *);
size_t openflow_session_outstanding(const struct openflow_session *); /* requests */
const struct openflow_session_stats *openflow_session_stats(const struct openflow_session *);

/* Sends a request under a number of its own, which becomes message->xid. `timeout` 0: as
 * configured; it is for the answer, or for the barrier behind a command. ERR_BUSY: not up, or too
 * many requests; ERR_CLOSED: down; ERR_LIMIT: the output, or the message is too long; ERR_INVALID:
 * it has no form on the wire, or is nothing to be answered. On failure nothing is sent. */
MUST_CHECK enum err openflow_session_request(struct openflow_session *, struct openflow_message *,
                                             void *arg, nsec_t timeout, nsec_t now);
/* Sends a message as it is, with its xid: replies and notifications. No event comes of it. */
MUST_CHECK enum err openflow_session_send(struct openflow_session *,
                                          const struct openflow_message *);
/* Answers a request with an error; `request` is the event's `raw`. */
MUST_CHECK enum err openflow_session_send_error(struct openflow_session *,
                                                const struct openflow_error *,
                                                const struct openflow_data *request);

#endif
