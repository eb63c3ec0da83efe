/* pcep_session.h - one PCEP session, either end of it, as a pure state machine (RFC 5440 section 4
 * and annex A, 8253).
 *
 * Octets from the peer go in, octets for the peer come out through a buffer, and what happened is
 * asked for event by event. No socket, no clock: the caller brings both.
 *
 *     TCP is up -> [StartTLS both ways -> TLS] -> OPEN both ways -> KEEPALIVE both ways
 *               -> UP -> DOWN
 *
 * The machine does by itself: negotiation of OPEN, a second OPEN included; keepalives and the dead
 * timer; PCErr for what cannot be decoded, or not in one part; CLOSE with its reason, as the peer
 * has to be told; counting of messages that are unknown (CLOSE reason 5) and of answers to nothing
 * (reason 4, told by the caller). What LSPs there are and which numbers requests have is the
 * caller's; that there is one session with a peer (PCErr 9/0) also: pcep_session_refuse().
 *
 * A session is told UP once, or not at all, and ends in exactly one DOWN. */
#ifndef PROTO_PCEP_PCEP_SESSION_H
#define PROTO_PCEP_PCEP_SESSION_H

#include "base/time.h"
#include "proto/pcep/pcep_message.h"

struct pcep_session; /* Opaque; not thread-safe. */

enum pcep_end { PCEP_PCE, PCEP_PCC };

enum pcep_tls {
    PCEP_TLS_NONE,     /* StartTLS is refused (PCErr 25/4: without, please) */
    PCEP_TLS_OFFERED,  /* PCE: whoever sends StartTLS gets it, whoever sends OPEN goes on without.
                        * PCC: StartTLS is sent; if the PCE cannot, DOWN says ERR_UNSUPPORTED, and
                        * the next session may be tried with PCEP_TLS_NONE */
    PCEP_TLS_REQUIRED, /* OPEN without it is refused (PCErr 25/3) */
};

/* Zero means the value in brackets; what has none is taken as it is. */
struct pcep_session_config {
    enum pcep_end end;
    enum pcep_tls tls;
    uint8_t keepalive;     /* seconds, proposed for our sending [30]; 255: none is sent */
    uint8_t deadtimer;     /* seconds [four times keepalive] */
    uint8_t sid;           /* of this session: another one each time (RFC 5440 section 7.3) */
    uint8_t min_keepalive; /* the peer may send no more often than that [1] */
    uint8_t max_deadtimer; /* nor be silent for longer; 0: any, also for ever */
    struct pcep_capabilities capabilities; /* copied, entity id included */
    nsec_t open_wait;                      /* until OPEN of the peer, or StartTLS [60 s] */
    nsec_t keep_wait;                      /* until KEEPALIVE or PCErr for ours [60 s] */
    uint32_t max_unknown_messages;         /* in a minute [5] */
    uint32_t max_unknown_requests;         /* in a minute [5] */
    uint32_t orders_a_message; /* update requests that one PCUpd may have, and so PCInitiate,
                                * PCReq, PCRep [1: at a second one FRR 8.4's pathd aborts].
                                * State reports always share a message. */
    size_t message_budget;     /* octets a message may take when decoded [8 MiB, enough for any] */
    size_t output_limit;       /* octets waiting to be sent [64 MiB] */
};

enum pcep_event_kind {
    PCEP_EVENT_START_TLS, /* send what is in the output, then do the handshake, as server if PCE;
                           * what the peer sent behind StartTLS is pcep_session_rest(). Then
                           * pcep_session_tls_done(), or pcep_session_close(). */
    PCEP_EVENT_UP,        /* `peer_open` and pcep_session_peer() are known */
    PCEP_EVENT_MESSAGE, /* `message`: PCReq, PCRep, PCNtf, PCErr, PCRpt, PCUpd, PCInitiate, as they
                         * are for this end; entries that were refused are in its `faults`, and
                         * have been answered */
    PCEP_EVENT_REFUSED, /* a whole message: `fault`, `diag`. It has been answered with PCErr. */
    PCEP_EVENT_DOWN,    /* `err`, `diag`, `reason`. The last event. */
};

struct pcep_event {
    enum pcep_event_kind kind;
    enum err err;
    const struct pcep_message *message; /* valid until the next call of pcep_session_next() */
    struct pcep_octets raw;             /* it as it came. The same. */
    struct pcep_fault fault;
    uint8_t reason; /* DOWN: of the CLOSE that was received or sent; 0: there was none */
    bool by_peer;   /* DOWN: the peer closed it, or refused it (`fault.error` if by PCErr) */
    struct diag diag;
};

struct pcep_session_stats {
    uint64_t rx_messages, tx_messages, rx_octets, tx_octets;
    uint64_t rx_type[16], tx_type[16]; /* messages by type; 0: any that is unknown */
    uint64_t rx_errors, tx_errors;     /* error objects in PCErr */
    uint64_t refused;                  /* messages of the peer, whole */
    uint64_t faults;                   /* entries of them, alone */
    uint64_t unknown_messages;
    uint64_t keepalives; /* sent because nothing else was */
};

/* Copies `config`. Never NULL. The OPEN (or StartTLS) waits in the output: call it when TCP is up.
 */
struct pcep_session *pcep_session_new(const struct pcep_session_config *, nsec_t now);
void pcep_session_free(struct pcep_session *); /* NULL is fine. Sends no events. */

/* Takes octets of the peer, at most 16 MiB at once. Ask for events until there are none before
 * giving it more. */
void pcep_session_input(struct pcep_session *, const uint8_t *data, size_t size, nsec_t now);
/* The next event; false: none for now. */
bool pcep_session_next(struct pcep_session *, struct pcep_event *);
/* What is to be sent; consume it (buf_consume(), buf_clear()) as it is sent. Look at it after every
 * call. When DOWN was told, what is left in it is still to be sent. */
struct buf *pcep_session_output(struct pcep_session *);
/* Looks at the time; call it when pcep_session_deadline() has passed. Then ask for events. */
void pcep_session_tick(struct pcep_session *, nsec_t now);
/* When to call pcep_session_tick() at the latest; NSEC_NEVER: no need. */
nsec_t pcep_session_deadline(const struct pcep_session *);

/* The transport is gone, or the handshake failed: no CLOSE is sent. DOWN follows. */
void pcep_session_close(struct pcep_session *, enum err, const char *why);
/* We end it: CLOSE with that reason, then DOWN with ERR_CLOSED. */
void pcep_session_end(struct pcep_session *, enum pcep_close_reason, const char *why);
/* We refuse it, before or after it is up: PCErr (such as 9/0, 20/1), then CLOSE if it is up; DOWN
 * with ERR_DENIED. */
void pcep_session_refuse(struct pcep_session *, const struct pcep_error *, const char *why);
/* The handshake of PCEP_EVENT_START_TLS is done: input and output are inside TLS from now on. */
void pcep_session_tls_done(struct pcep_session *, nsec_t now);
/* Octets that were given and are behind StartTLS: the begin of the peer's handshake. */
struct pcep_octets pcep_session_rest(const struct pcep_session *);
/* The peer answered a request that it was not asked (RFC 5440 section 7.17: CLOSE reason 4
 * when there are too many). */
void pcep_session_unknown_request(struct pcep_session *, nsec_t now);

bool pcep_session_is_up(const struct pcep_session *);
bool pcep_session_is_secure(const struct pcep_session *); /* inside TLS */
/* What the peer's OPEN said; all zero before it came. Valid as long as the session. */
const struct pcep_capabilities *pcep_session_peer(const struct pcep_session *);
const struct pcep_open *pcep_session_peer_open(const struct pcep_session *);
/* What we say, as configured. */
const struct pcep_capabilities *pcep_session_own(const struct pcep_session *);
/* Seconds that are agreed on: between our keepalives, and until the peer is given up. 0: none. */
uint8_t pcep_session_keepalive(const struct pcep_session *);
uint8_t pcep_session_deadtimer(const struct pcep_session *);
const struct pcep_session_stats *pcep_session_stats(const struct pcep_session *);

/* Sends one message as it is. ERR_BUSY: not up; ERR_CLOSED: down; ERR_LIMIT: the output, or the
 * message is too long; ERR_INVALID: it has no form on the wire, or is the machine's own (OPEN,
 * KEEPALIVE, CLOSE, StartTLS). On failure nothing is sent. */
MUST_CHECK enum err pcep_session_send(struct pcep_session *, const struct pcep_message *);
/* Sends one entry of a PCReq, PCRep, PCRpt, PCUpd or PCInitiate. It joins those of the same type
 * that were sent just before it and still wait, as long as a message may be (and, if it is no state
 * report, as `orders_a_message` allows): to send many, send them one by one. Errors as above. */
MUST_CHECK enum err pcep_session_send_entry(struct pcep_session *, enum pcep_type,
                                            const struct pcep_entry *);
/* Sends a PCErr with one error about those SRPs (none: `n` 0). Errors as above. */
MUST_CHECK enum err pcep_session_send_error(struct pcep_session *, const struct pcep_error *,
                                            const uint32_t *srp_ids, uint32_t n);

#endif
