/* goose_subscriber.h - follows one GOOSE control block (IEC 61850-8-1 clause 18.1.2.5.3) as a pure
 * state machine: says what each message is, and when the publisher has gone silent.
 *
 *             any message                     same stNum, higher sqNum: RETRANSMISSION
 *   WAITING ---------------> VALID <---.      higher stNum:             NEW_STATE
 *      FIRST                   |       |      stNum 1 again, newer t:   RESTART
 *                              |       |      same numbers:             DUPLICATE, dropped
 *            timeAllowedtoLive |       |      lower numbers:            OLD, dropped
 *            has passed: LOST  v       |
 *                            SILENT ---'
 *                              any message: RECOVERED
 *
 * Numbers are compared as in RFC 1982, so that a wrap from 2^32-1 to 1 is a step forward. */
#ifndef PROTO_OT_GOOSE_GOOSE_SUBSCRIBER_H
#define PROTO_OT_GOOSE_GOOSE_SUBSCRIBER_H

#include "proto/ot/goose/goose.h"

enum goose_event_kind {
    GOOSE_FIRST,          /* the first message at all: its values are the state */
    GOOSE_NEW_STATE,      /* a later state: its values are new */
    GOOSE_RETRANSMISSION, /* the same state again */
    GOOSE_RESTART,        /* the publisher began anew: its values are the state */
    GOOSE_RECOVERED,      /* the first message after silence: its values are the state */
    GOOSE_DUPLICATE,      /* dropped: seen before */
    GOOSE_OLD,            /* dropped: older than what was seen, so delayed or replayed */
    GOOSE_MISMATCH,       /* dropped: ours, but not as engineered; see `field` */
    GOOSE_SIMULATED,      /* dropped: simulated while we take real ones, or the reverse */
    GOOSE_FOREIGN,        /* dropped: of another control block */
    GOOSE_EVENT_MAX
};

/* "new-state", "lost"; static. */
const char *goose_event_name(enum goose_event_kind);
/* May the receiver act on the values that came with it? */
bool goose_event_has_state(enum goose_event_kind);

struct goose_event {
    enum goose_event_kind kind;
    uint32_t missed_states; /* states that passed unseen before this message */
    uint32_t
        missed_messages; /* messages of this state, or at the end of the last, that are missing */
    bool altered;        /* the values or t differ though stNum says they are the same state */
    const char *field;   /* MISMATCH: "datSet", "goID", "confRev", "ndsCom"; static */
};

struct goose_subscriber_config {
    const char *gocb_ref;
    uint16_t appid;
    const char *dat_set; /* NULL: any */
    const char *go_id;   /* NULL: any */
    uint32_t conf_rev;   /* 0: any */
    bool simulation;     /* LPHD.Sim: once a simulated message came, take only those */
};

/* One counter per kind of event, and what they cannot show. */
struct goose_subscriber_counters {
    uint64_t events[GOOSE_EVENT_MAX];
    uint64_t lost; /* times the publisher went silent */
    uint64_t missed_states, missed_messages, altered;
};

struct goose_subscriber; /* Opaque; one control block; not thread-safe. */

/* Copies the configuration. Never NULL. */
struct goose_subscriber *goose_subscriber_new(const struct goose_subscriber_config *);
void goose_subscriber_free(struct goose_subscriber *); /* NULL is fine. */

/* Judges a decoded message that arrived at `now`. */
struct goose_event goose_subscriber_input(struct goose_subscriber *, const struct goose_pdu *,
                                          nsec_t now);

/* When silence will count as loss; NSEC_NEVER before the first message and after LOST. */
nsec_t goose_subscriber_next(const struct goose_subscriber *);
/* True once per silence: timeAllowedtoLive has passed without a message. */
bool goose_subscriber_expire(struct goose_subscriber *, nsec_t now);

const struct goose_subscriber_counters *goose_subscriber_counters(const struct goose_subscriber *);

#endif
