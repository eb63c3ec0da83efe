/* bgp_session.h - one BGP connection, from OPEN to its end, as a pure state machine.
 *
 * Octets of the peer go in, octets for it come out through a buffer, and what happened is asked for
 * event by event. No socket, no clock: the caller brings both, and a connection that stands; so the
 * states Idle, Connect and Active of RFC 4271 section 8.2.2 are the caller's, and here are
 *
 *     OpenSent -> OpenConfirm -> Established -> down
 *
 * The machine does by itself: OPEN and the agreement on capabilities, hold and keepalive timers
 * (section 10, with jitter), errors (sections 6.1 to 6.6, RFC 6608, 7606), and NOTIFICATION in both
 * directions. Two connections with one peer are the caller's matter: BGP_OPENED comes before
 * KEEPALIVE is looked for, tells the peer's identifier, and bgp_collision() says which of them has
 * to go (section 6.8).
 *
 * Graceful restart is done as a helper (RFC 4724 section 4.2): the machine says, with BGP_DOWN,
 * whether what was learnt may be kept for a while, and how long; bgpls_rib.h keeps it. */
#ifndef PROTO_BGPLS_BGP_SESSION_H
#define PROTO_BGPLS_BGP_SESSION_H

#include "base/time.h"
#include "proto/bgpls/bgp_update.h"

struct bgp_session; /* Opaque; not thread-safe. */

/* Zero means the value in brackets. */
struct bgp_session_config {
    uint32_t local_as, identifier; /* must be told */
    uint32_t remote_as;            /* [whatever the peer says] */
    nsec_t hold_time;    /* offered; whole seconds, 3 to 65,535 [90 s]; NSEC_NEVER: none */
    nsec_t open_timeout; /* until the peer's OPEN [4 min, RFC 4271 section 8.2.2] */
    bool no_graceful_restart, no_route_refresh, no_extended_messages; /* not offered [offered] */
    size_t output_limit; /* octets waiting to be sent [16 MiB] */
    uint64_t seed;       /* of the jitter of keepalives [0] */
};

enum bgp_state { BGP_OPEN_SENT, BGP_OPEN_CONFIRM, BGP_ESTABLISHED, BGP_CLOSED };

enum bgp_event_kind {
    BGP_EVENT_OPENED,  /* the peer's OPEN is acceptable: bgp_session_peer() */
    BGP_EVENT_UP,      /* established: updates may be sent */
    BGP_EVENT_UPDATE,  /* `update`, whatever its verdict but BGP_RESET */
    BGP_EVENT_REFRESH, /* the peer wants all again, or frames what it sends again: `refresh` */
    BGP_EVENT_DOWN,    /* `err`, `diag`. The last event. */
};

struct bgp_event {
    enum bgp_event_kind kind;
    struct bgp_update update; /* points to what is valid until the next bgp_session_next() */
    enum bgp_refresh refresh;
    /* Of BGP_EVENT_DOWN: ERR_CLOSED: the transport, or the peer by a NOTIFICATION, or we by
     * bgp_session_shutdown(); ERR_TIMEOUT: the hold timer; ERR_MALFORMED, ERR_UNSUPPORTED,
     * ERR_DENIED: the peer's fault; ERR_LIMIT: it does not read. */
    enum err err;
    struct diag diag;
    struct bgp_error sent, received; /* NOTIFICATIONs; code 0: none */
    bool graceful;                   /* what was learnt may be kept, for `restart_time` */
    nsec_t restart_time;             /* as the peer's OPEN told */
};

struct bgp_session_stats {
    uint64_t rx_messages[6], tx_messages[6]; /* by type; 0: all */
    uint64_t rx_octets, tx_octets;
    uint64_t withdrawn; /* UPDATEs that were treated as withdrawals */
    uint64_t discarded; /* UPDATEs of which an attribute was discarded */
    uint64_t other_family, ignored_refreshes;
};

/* Copies `config`. Never NULL; OPEN waits in the output. */
struct bgp_session *bgp_session_new(const struct bgp_session_config *, nsec_t now);
void bgp_session_free(struct bgp_session *); /* NULL is fine. Sends no events. */

/* Takes octets of the peer, at most 16 MiB at once. Ask for events until there are none before
 * giving it more. */
void bgp_session_input(struct bgp_session *, const uint8_t *data, size_t size, nsec_t now);
/* The transport is gone: DOWN follows. */
void bgp_session_lost(struct bgp_session *, enum err, const char *why);
/* Ends it with a NOTIFICATION, which may still be sent, then DOWN. `words` for the peer's operator
 * if it is an administrator's shutdown or reset (RFC 9003); NULL: none. */
void bgp_session_shutdown(struct bgp_session *, enum bgp_code, uint8_t subcode, const char *words);
/* Looks at the time; call it when bgp_session_deadline() has passed. Then ask for events. */
void bgp_session_tick(struct bgp_session *, nsec_t now);
/* When to call bgp_session_tick() at the latest; NSEC_NEVER: no need. */
nsec_t bgp_session_deadline(const struct bgp_session *);

/* The next event; false: none for now. */
bool bgp_session_next(struct bgp_session *, struct bgp_event *);

/* What is to be sent; consume it (buf_consume(), buf_clear()) as it is sent. */
struct buf *bgp_session_output(struct bgp_session *);

enum bgp_state bgp_session_state(const struct bgp_session *);
const char *bgp_state_name(enum bgp_state);                          /* "Established"; static */
const struct bgp_open *bgp_session_peer(const struct bgp_session *); /* NULL: no OPEN yet */
const struct bgp_session_stats *bgp_session_stats(const struct bgp_session *);
bool bgp_session_is_external(const struct bgp_session *);
bool bgp_session_has_four_octet_as(const struct bgp_session *);
nsec_t bgp_session_hold_time(const struct bgp_session *); /* as agreed; 0: none */

/* Announces NLRI with one BGP-LS attribute (size 0: none), in as many messages as it takes. `nlri`
 * holds whole NLRI. ERR_BUSY: not established; ERR_CLOSED: down; ERR_LIMIT: the output is full, or
 * an NLRI with its attribute is longer than a message may be; ERR_MALFORMED: `nlri` is not whole.
 * What was written before an error stays. The next hop is `identifier`. */
MUST_CHECK enum err bgp_session_announce(struct bgp_session *, struct bgp_span nlri,
                                         struct bgp_span link_state);
/* The same of what is withdrawn. */
MUST_CHECK enum err bgp_session_withdraw(struct bgp_session *, struct bgp_span nlri);
MUST_CHECK enum err bgp_session_end_of_rib(struct bgp_session *);
/* Asks for all again. ERR_UNSUPPORTED: the peer cannot. */
MUST_CHECK enum err bgp_session_refresh(struct bgp_session *);

/* Two connections with one peer, one of which has just seen its OPEN: must that which
 * `initiated_by_us` says be closed? By identifiers, and if these are the same, by AS (RFC 6286
 * section 2.3). */
bool bgp_collision_loses(uint32_t local_identifier, uint32_t local_as, const struct bgp_open *peer,
                         bool initiated_by_us);

#endif
