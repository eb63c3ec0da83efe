/* pce.h - an active stateful path computation element (PCE) as a pure state machine: thousands of
 * PCEP sessions, what their routers have reported, and what they are asked to do.
 *
 * RFC 5440, 8231 (stateful), 8232 (synchronisation), 8281 (initiation). Octets of a connection go
 * in, octets for it come out, and what happened is asked for event by event. No socket, no clock;
 * pce_server.h brings both.
 *
 * ## Who owns what
 *
 *     pce ---- pcc: a router, by its address. Kept while it has a session, LSPs or a penalty.
 *      |        |--- its LSPs (lsp_db.h), under the number of the pcc
 *      |        '--- link: one connection; at most one is its session (RFC 5440 section 4.2.1)
 *      |              |--- the machine of the session (pcep_session.h)
 *      |              '--- orders: waiting by urgency, then in flight by SRP-ID
 *      |--- requests: path computation requests that await the caller's answer
 *      '--- events: what the caller has not asked for yet
 *
 * A PCC is known by the address that it comes from, and by nothing that it says of itself: what one
 * router claims can never touch the LSPs of another. (SPEAKER-ENTITY-ID is told, not believed.)
 *
 * ## A session
 *
 *     attached -> [TLS] -> up -> synchronising -> synchronised -> down
 *
 * While it is down its LSPs are stale and stay for `stale_time`: routers forward on while a PCE
 * restarts or a link is cut, and the orders of a PCE that forgot them would be wrong. A new session
 * makes them fresh one by one as they are reported, all at once if the PCC shows the version of the
 * database that is known here (RFC 8232 section 3), or all but those that changed (section 4). What
 * is stale at the end of a full synchronisation is gone.
 *
 * ## Two PCEs
 *
 * A PCC delegates an LSP to one of its PCEs. Here that is `delegated` of the LSP, and nothing else:
 * the primary is who has the delegations. A backup sees the same LSPs without them; when the
 * primary fails, the PCC delegates to it by itself (RFC 8231 section 5.7.4), and LSP_CHANGED says
 * so with LSP_DELEGATION_CHANGED. LSPs that a PCE created are not given away like that: they are
 * `orphan` until a PCE takes them over (PCE_TAKE_OVER, RFC 8281 section 6), or the PCC removes them
 * when its State Timeout Interval ends. Which PCE does is for the caller to decide: a PCE cannot
 * see whether another one has an LSP.
 *
 * ## An order
 *
 * What pce_order() accepts ends in exactly one PCE_RESULT. The most urgent leave first, a bounded
 * number of them unanswered at a time, and no faster than the PCC is said to bear. Many messages
 * leave at once.
 *
 * ## A PCC that misbehaves
 *
 * Each kind has a name, a counter per PCC, and an event (no more than one in ten seconds). Those
 * that flood are not read for a while, so that it is their own connection that fills up; those that
 * come and go are refused for a while; a lie is left out of account. Nothing of it costs another
 * PCC more than the time to look at it. */
#ifndef WAN_PCE_H
#define WAN_PCE_H

#include "proto/pcep/pcep_session.h"
#include "wan/lsp_db.h"

struct pce;      /* Opaque; not thread-safe. */
struct pce_link; /* Opaque: one connection of a PCC. */

#define PCE_NO_PCC UINT32_MAX
#define PCE_ADDRESS_SIZE 64 /* of a PCC in text, with the NUL */

/* Zero means the value in brackets. */
struct pce_config {
    enum pcep_tls tls;
    uint8_t keepalive, deadtimer; /* seconds [30, 120] */
    bool passive;    /* computes and listens, but never asks for updates or initiation */
    bool tell_nodes; /* with labels, whose they are (NAI). FRR takes an adjacency told so, and goes
                        on as before */

    struct te_address address; /* ours: who is behind candidate paths (RFC 9256 section 2.4); family
                                  0: not told */
    struct lsp_limits limits;  /* of one PCC [100,000 LSPs, 128 MiB], of all [1 GiB] */
    nsec_t sync_timeout;       /* without a report, while synchronising [60 s] */
    nsec_t stale_time;         /* that LSPs stay without a session [10 min] */
    uint32_t reports_per_s;    /* of one PCC once synchronised, on average [20,000] */
    uint32_t reports_burst;    /* [100,000] */
    uint32_t orders_per_s;     /* to one PCC [5,000] */
    uint32_t max_in_flight;    /* orders to one PCC without an answer [2,000] */
    uint32_t max_entries;      /* in a message: FRR's pathd ends at a second order in one [1] */
    uint32_t max_waiting;      /* orders for one PCC [100,000] */
    nsec_t order_timeout;      /* from pce_order() to the result [30 s] */
    uint32_t max_requests;     /* of one PCC, unanswered [1,000] */
    nsec_t request_timeout;    /* then it is told that the PCE has no time [20 s] */
    nsec_t stable_after;       /* a session that ends sooner counts as a flap [60 s] */
    uint32_t flaps;            /* of which so many [6] ... */
    nsec_t flap_half_life;     /* ... are halved in this time [60 s], and refused until then */
    uint32_t max_pccs;         /* [10,000] */

    /* Whether a PCC may come; NULL: all. Asked when it connects (`name` is NULL then), and again
     * when its session is up: `name` is that of its certificate, "" without TLS. */
    bool (*admits)(void *arg, const char *address, const char *name, struct diag *);
    /* Whether an address may be the router's own, as an LSP that begins there. One that is the
     * address of another PCC that has a session never is; NULL: any other is. */
    bool (*owns)(void *arg, const char *pcc_address, const struct te_address *);
    void *arg;
};

struct pce *pce_new(const struct pce_config *, nsec_t now); /* Copies it. Never NULL. */
/* Ends all; no events. Links are freed with it: their transports must know. NULL is fine. */
void pce_free(struct pce *);

/* ---- connections: for whoever has the sockets ---- */

/* A connection from `address` (without a port) is there; `arg` is for the owner of the transport.
 * ERR_DENIED: it is refused without a word, and `diag` says why. */
MUST_CHECK enum err pce_attach(struct pce *, const char *address, void *arg, nsec_t now,
                               struct pce_link **, struct diag *);
void pce_link_input(struct pce_link *, const uint8_t *data, size_t size, nsec_t now);
/* The transport has ended, or must end. */
void pce_link_close(struct pce_link *, enum err, const char *why, nsec_t now);
/* The transport is gone and does not know the link any more. Closes it first if need be. */
void pce_link_detach(struct pce_link *, nsec_t now);

/* Links at which something is to be done, each once: output waits, TLS is wanted, it is over, or it
 * may be read again. Ask until NULL after every other call. */
struct pce_link *pce_next_ready(struct pce *);
void *pce_link_arg(const struct pce_link *);
struct buf *pce_link_output(struct pce_link *);
/* True once: send the output, then shake hands as a server; the client's first octets may be in
 * `rest`. Then pce_link_tls_done(); input and output are inside TLS. */
bool pce_link_wants_tls(struct pce_link *, struct pcep_octets *rest);
void pce_link_tls_done(struct pce_link *, const char *peer_name, nsec_t now);
/* No more comes of it: send the output and end the transport. */
bool pce_link_is_over(const struct pce_link *);
/* It floods: do not read from it before it is ready again. */
bool pce_link_is_paused(const struct pce_link *);
/* The transport has room again: orders that wait may become output. */
void pce_link_drained(struct pce_link *, nsec_t now);

void pce_tick(struct pce *, nsec_t now); /* Call it at pce_deadline(). */
nsec_t pce_deadline(const struct pce *); /* NSEC_NEVER: no need */

/* ---- orders ---- */

enum pce_order_kind {
    PCE_INITIATE, /* a new LSP at a PCC: RFC 8281 section 5.3 */
    PCE_UPDATE,   /* path and attributes of an LSP that is delegated */
    PCE_REMOVE,   /* an LSP that a PCE created and that is delegated: section 5.4. See is_certain */
    PCE_RETURN,   /* gives back the delegation: RFC 8231 section 5.7.3 */
    PCE_TAKE_OVER, /* asks for the delegation of an orphan: RFC 8281 section 6 */
};

enum pce_urgency { PCE_RESTORATION, PCE_CHANGE, PCE_HOUSEKEEPING, PCE_N_URGENCIES };

/* When an update or initiation is done. */
enum pce_until {
    PCE_UNTIL_ACCEPTED, /* the PCC has reported the LSP in answer */
    PCE_UNTIL_UP,       /* and it is up or active */
};

/* All is copied. */
struct pce_order {
    enum pce_order_kind kind;
    enum pce_urgency urgency;
    enum pce_until until;
    nsec_t timeout; /* 0: as configured */
    void *arg;      /* comes back with the result */
    uint64_t lsp;   /* all but INITIATE */

    /* REMOVE: the caller knows that a PCE created it. Without that an LSP is removed only if this
     * PCE remembers to have created it: that a PCC says so (C) is no proof. FRR says it of all that
     * a PCE has updated, and removes what its operator configured. */
    bool is_certain;

    /* INITIATE */
    uint32_t pcc;
    const char *name;
    struct te_address source, destination;
    bool has_color;
    uint32_t color;         /* of the SR policy, of which it is a candidate path */
    uint32_t preference;    /* of the candidate path; 0: not told, which is 100 (RFC 9256 2.7) */
    uint32_t binding_label; /* wanted; 0: none */

    /* INITIATE, UPDATE */
    uint8_t setup_type; /* INITIATE: enum pcep_path_setup_type; UPDATE: that of the LSP */
    bool down;          /* administratively */
    const struct lsp_hop *path;
    const struct lsp_metric *metrics;
    const struct lsp_association *associations;
    size_t n_path, n_metrics, n_associations;
    uint64_t bandwidth_bps;                   /* 0: not told */
    uint8_t setup_priority, holding_priority; /* told if has_priorities */
    bool has_priorities;
};

/* *id: its number. On failure there is no result: ERR_NOT_FOUND: no such PCC or LSP; ERR_CLOSED: no
 * session; ERR_BUSY: not synchronised yet (RFC 8231 section 5.6); ERR_UNSUPPORTED: one of both
 * sides cannot do it; ERR_DENIED: it is not delegated, or was not created by a PCE; ERR_INVALID:
 * more labels than the PCC can put on a packet, no path, or a segment without label and index;
 * ERR_LIMIT: too many wait. */
MUST_CHECK enum err pce_order(struct pce *, const struct pce_order *, nsec_t now, uint64_t *id,
                              struct diag *);
/* Takes back what was not sent yet: its result is PCE_CANCELLED. ERR_NOT_FOUND: it has ended, or is
 * in flight. */
MUST_CHECK enum err pce_cancel(struct pce *, uint64_t id);

enum pce_outcome {
    PCE_DONE,
    PCE_REFUSED,   /* the PCC says no: `error`, or the LSP's error code; `text` in words */
    PCE_TIMED_OUT, /* no answer; or accepted, but not up in time: `is_accepted` */
    PCE_LOST,      /* the session ended; what became of it, the next synchronisation tells */
    PCE_CANCELLED,
};
const char *pce_outcome_name(enum pce_outcome); /* static */
const char *pce_order_kind_name(enum pce_order_kind);

struct pce_result {
    uint64_t id;
    void *arg;
    enum pce_order_kind kind;
    enum pce_outcome outcome;
    bool is_accepted;        /* the PCC has answered with a report */
    bool path_differs;       /* ... in which the labels are not those that were ordered */
    uint64_t lsp;            /* LSP_NONE: it never was there */
    uint8_t operational;     /* as reported last */
    struct pcep_error error; /* type 0: none */
    nsec_t waited, took;     /* until it was sent; from then to the end */
    char text[160];          /* "" or what the PCC says against it */
};

/* ---- requests of PCCs ---- */

/* Of an IRO or XRO. */
struct pce_resource {
    struct lsp_hop hop; /* XRO: `loose`: better without it, not never */
    uint8_t attribute;  /* XRO: enum pce_exclusion */
};
enum pce_exclusion { PCE_EXCLUDE_INTERFACE, PCE_EXCLUDE_NODE, PCE_EXCLUDE_SRLG };
#define PCE_RESOURCES_MAX 255 /* of a request, of each of both */
#define PCE_TOGETHER_MAX 8    /* requests that are dependent on each other */

struct pce_request {
    uint64_t id; /* for pce_answer() */
    uint32_t pcc;
    uint32_t request_id; /* the PCC's */
    struct te_address source, destination;
    uint8_t setup_type;
    bool reoptimise;
    bool has_bandwidth, has_priorities;
    uint64_t bandwidth_bps;
    uint8_t setup_priority, holding_priority;
    uint32_t exclude_any, include_any, include_all; /* affinities: RFC 3209 section 4.7.4 */
    uint8_t max_sids;   /* RFC 8664 section 4.5: bound of type 11; 0: as the PCC told */
    uint16_t objective; /* RFC 5541; 0: none */
    uint32_t plsp_id;   /* 0: not about an LSP that is known */
    unsigned n_metrics; /* bounds, and what is to be told */
    struct lsp_metric metrics[LSP_METRICS_MAX];
    unsigned n_associations; /* disjointness of RFC 8800, too */
    struct lsp_association associations[4];
    const struct pce_resource *include, *exclude; /* IRO, XRO: good as long as the request is */
    unsigned n_include, n_exclude;
    bool include_is_optional;   /* the IRO came without P; an XRO without P is desired as a whole */
    uint32_t together;          /* requests with the same number above 0 are dependent: SVEC ... */
    uint8_t diversity;          /* ... 1 link, 2 node, 4 SRLG (RFC 5440 section 7.13.2) */
    bool diversity_is_optional; /* the SVEC came without P */
};

enum pce_no_path { /* RFC 5440 section 7.5 */
                   PCE_NO_PATH_UNAVAILABLE = 1,
                   PCE_NO_PATH_UNKNOWN_DESTINATION = 2,
                   PCE_NO_PATH_UNKNOWN_SOURCE = 4,
};

struct pce_answer {
    const struct lsp_hop *path; /* none: NO-PATH */
    size_t n_path;
    const struct lsp_metric *metrics;
    size_t n_metrics;
    uint64_t bandwidth_bps;
    const struct lsp_association *associations;
    size_t n_associations;
    unsigned no_path; /* why: of enum pce_no_path, or 0: no path satisfies the constraints */
};

/* The n-th, from 0, of the requests that are dependent on this one and wait for an answer, itself
 * included; all of them came in one message. NULL: no more. */
const struct pce_request *pce_request_together(const struct pce *, uint64_t request, unsigned n);

/* ERR_NOT_FOUND: answered, cancelled, timed out, or its session is gone. */
MUST_CHECK enum err pce_answer(struct pce *, uint64_t request, const struct pce_answer *,
                               nsec_t now);

/* Tells all PCCs that the PCE is congested, or not any more (RFC 5440 section 7.14, type 2). While
 * it is, requests are not told, and are answered with NO-PATH. */
void pce_set_overload(struct pce *, bool overload, uint32_t seconds, nsec_t now);

/* Asks for the LSP, or with LSP_NONE for all of the PCC, to be reported again (RFC 8232 section
 * 6.2). All: it synchronises anew, and orders wait until it has; what it does not report is gone.
 * ERR_UNSUPPORTED: the PCC cannot; ERR_BUSY: it synchronises now; ERR_CLOSED; ERR_NOT_FOUND. */
MUST_CHECK enum err pce_resync(struct pce *, uint32_t pcc, uint64_t lsp, nsec_t now);
/* Ends the session of a PCC. */
void pce_disconnect(struct pce *, uint32_t pcc, const char *why, nsec_t now);

/* ---- what happened ---- */

enum pce_misbehaviour {
    PCE_NOT_ADMITTED,
    PCE_FLAPS,
    PCE_SECOND_SESSION,
    PCE_FLOODS,
    PCE_TOO_MANY_LSPS,
    PCE_TOO_MANY_REQUESTS,
    PCE_PLSP_ID_REUSED,
    PCE_NAME_TAKEN,
    PCE_NAME_MISSING,
    PCE_FOREIGN_END_POINT,
    PCE_UNKNOWN_LSP,
    PCE_WRONG_SRP,
    PCE_NO_DB_VERSION,
    PCE_SYNC_STALLS,
    PCE_BAD_MESSAGE,
    PCE_N_MISBEHAVIOURS,
};
const char *pce_misbehaviour_name(enum pce_misbehaviour); /* "plsp-id-reused"; static */

enum pce_sync_kind { PCE_SYNC_FULL, PCE_SYNC_DELTA, PCE_SYNC_AVOIDED };

enum pce_gone { PCE_GONE_REMOVED, PCE_GONE_SWEPT, PCE_GONE_EXPIRED };

enum pce_event_kind {
    PCE_UP,           /* `pcc`; pce_pcc_info() tells the rest */
    PCE_SYNCED,       /* `sync`, `n`: LSPs */
    PCE_DOWN,         /* `err`, `text` */
    PCE_LSP_CHANGED,  /* `lsp`, `changed`; of changes close together the last may be told alone */
    PCE_LSP_GONE,     /* `lsp` as it was; `gone` */
    PCE_RESULT,       /* `result` */
    PCE_REQUEST,      /* `request`: answer it */
    PCE_REQUEST_GONE, /* `request`: cancelled by the PCC, timed out, or its session is down */
    PCE_MISBEHAVES,   /* `misbehaviour`, `n` times since the last event, `text` of the newest */
};

/* What is pointed to holds until the next call of any function. */
struct pce_event {
    enum pce_event_kind kind;
    uint32_t pcc; /* PCE_NO_PCC: of none that is known */
    const char *address;
    const struct lsp *lsp;
    unsigned changed;
    enum pce_gone gone;
    enum pce_sync_kind sync;
    enum pce_misbehaviour misbehaviour;
    uint64_t n;
    enum err err;
    const struct pce_result *result;
    const struct pce_request *request;
    const char *text;
};

/* False: nothing for now. */
bool pce_next(struct pce *, struct pce_event *);

/* ---- what is ---- */

enum pce_pcc_state { PCE_PCC_DOWN, PCE_PCC_SYNCING, PCE_PCC_READY };
const char *pce_pcc_state_name(enum pce_pcc_state);

struct pce_pcc_info {
    uint32_t pcc;
    const char *address, *name; /* `name`: of its certificate, or "" */
    enum pce_pcc_state state;
    bool secure;
    nsec_t since;                          /* of the state */
    struct pcep_capabilities capabilities; /* of the session; all zero without */
    uint64_t db_version;
    enum pce_sync_kind sync;
    nsec_t sync_took;
    uint32_t lsps, waiting, in_flight;
    size_t octets;
    uint64_t sessions, reports, orders, done, refused, timed_out;
    uint64_t errors; /* in PCErr of the PCC */
    struct pcep_error last_error;
    uint64_t misbehaviours[PCE_N_MISBEHAVIOURS];
};

/* False: no such. Numbers of PCCs are small and may come again after a PCC was forgotten. */
bool pce_pcc_info(const struct pce *, uint32_t pcc, struct pce_pcc_info *);
uint32_t pce_n_pccs(const struct pce *);                        /* numbers are below it */
uint32_t pce_find_pcc(const struct pce *, const char *address); /* PCE_NO_PCC: unknown */
const struct lsp_db *pce_lsps(const struct pce *);

#endif
