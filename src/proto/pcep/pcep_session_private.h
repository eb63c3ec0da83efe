/* pcep_session_private.h - what the parts of a session share: pcep_session.c (sending, time,
 * events), pcep_negotiation.c (until it is up), pcep_conversation.c (what comes then). Internal. */
#ifndef PROTO_PCEP_PCEP_SESSION_PRIVATE_H
#define PROTO_PCEP_PCEP_SESSION_PRIVATE_H

#include "proto/pcep/pcep_session.h"

enum pcep_state {
    PCEP_WAIT_TLS,
    PCEP_HANDSHAKE,
    PCEP_OPEN_WAIT,
    PCEP_KEEP_WAIT,
    PCEP_UP,
    PCEP_DOWN
};

/* So many in a minute. */
struct pcep_rate {
    nsec_t since;
    uint32_t n;
};

struct pcep_session {
    struct pcep_session_config config;
    enum pcep_state state;
    nsec_t now;
    nsec_t waiting; /* since when, before UP */
    nsec_t heard, spoken;
    bool secure, told_handshake;
    bool local_ok, remote_ok, local_retried, remote_retried;
    bool met; /* an OPEN has come */

    struct arena *own; /* what config and own_open point to */
    struct pcep_open own_open;
    struct arena *peer; /* what peer_open points to; NULL: none has come */
    struct pcep_open peer_open;
    struct pcep_capabilities peer_capabilities;

    struct buf in, out;
    size_t at;         /* of `in`: behind what has been dealt with */
    size_t taken;      /* octets from there that the last event's `raw` is */
    size_t batch_size; /* octets of the last message in `out`, if entries may join it */
    uint32_t batch_n;  /* its entries */
    uint8_t batch_type;

    struct arena *arena; /* of one message; reset with every one */
    struct pcep_message message;
    struct pcep_rate unknown_messages, unknown_requests;

    bool told_down;
    struct pcep_event down;
    struct pcep_session_stats stats;
};

/* Everything that ends the session comes here; the first reason stays. */
void pcep_go_down(struct pcep_session *, enum err, bool by_peer, const char *why);
/* For what the machine sends by itself: if the peer does not read, that is the end. */
void pcep_put_own(struct pcep_session *, const struct pcep_message *);
void pcep_put_bare(struct pcep_session *, enum pcep_type);
void pcep_put_open(struct pcep_session *);
/* One error about no request, or about the one that the fault names; `proposal` may be NULL. */
void pcep_put_error(struct pcep_session *, const struct pcep_fault *,
                    const struct pcep_open *proposal);
void pcep_put_session_error(struct pcep_session *, struct pcep_error);
/* PCErr, and the end of a session that does not come up. */
void pcep_give_up(struct pcep_session *, struct pcep_error, enum err, const char *why);
/* CLOSE, and the end of one that was up. */
void pcep_end_session(struct pcep_session *, enum pcep_close_reason, enum err, const char *why);
void pcep_start_open(struct pcep_session *);

/* pcep_negotiation.c: s->message while StartTLS is awaited; while the session is not up. False:
 * there is nothing to tell. */
void pcep_wait_tls(struct pcep_session *);
bool pcep_negotiate(struct pcep_session *, struct pcep_event *);

/* pcep_conversation.c: s->message when the session is up; octets that are none, in any state. */
bool pcep_converse(struct pcep_session *, struct pcep_event *);
bool pcep_take_undecodable(struct pcep_session *, enum err, unsigned type, struct pcep_event *);

#endif
