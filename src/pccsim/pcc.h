/* pcc.h - a router's path computation client (PCC), simulated: a pure state machine.
 *
 * RFC 5440, 8231, 8232, 8281 from the PCC's side. It has LSPs from the start, reports them when a
 * session is up, does what the PCE orders, reports that as real routers do (going-up first, up a
 * while later), asks for paths, and keeps what a PCE created while that is gone (RFC 8281 section
 * 6). And it misbehaves in as many ways as its script says.
 *
 * A router with two PCEs is two of these that share their LSPs. The first PCE whose session is up
 * has the delegations; when it goes the other one gets them (RFC 8231 section 5.7.4), and keeps
 * them.
 *
 * Octets go in and out, time is told; whoever has the socket does the rest:
 *
 *     connected -> pcc_connected() -> input, output ... -> closed -> pcc_disconnected() */
#ifndef PCCSIM_PCC_H
#define PCCSIM_PCC_H

#include "proto/pcep/pcep_session.h"

#define PCC_MAX_HOPS 10
#define PCC_MAX_LSPS 1000000

/* What it does that a good router does not. */
struct pcc_faults {
    uint32_t refuse_every; /* orders: the k-th is answered with PCErr; 0: none */
    struct pcep_error refusal;
    uint32_t silent_every; /* orders: the k-th is never answered */
    uint32_t revoke_every; /* updates: the k-th is answered without the delegation */
    nsec_t flap_every;     /* the connection is cut; 0: never */
    nsec_t garbage_every;  /* octets that are no PCEP */
    bool half;             /* stops in the middle of a message, once it is synchronised */
    bool flood;            /* reports as fast as the connection takes them */
    bool lie_reuse;        /* a PLSP-ID under another name */
    bool lie_names;        /* a name for a second LSP */
    bool lie_foreign;      /* an LSP that begins at another router */
    bool lie_srp;          /* orders are answered about other LSPs */
    bool lie_nameless;     /* a new LSP without a name */
    bool lie_labels;       /* the last label that is ordered becomes another one */
    bool never_end;        /* of the synchronisation */
};

/* The names of lies; PCC_LIES is for people. NULL: there is no such lie. */
bool *pcc_lie(struct pcc_faults *, const char *name);
#define PCC_LIES "reuse, names, foreign, srp, nameless, labels"

struct pcc_config {
    struct pcep_address address; /* its own */
    struct pcep_address other;   /* another router's, for lies */
    uint32_t number;             /* of the PCC: in names, and where its end points are */
    uint32_t n_lsps;
    uint8_t n_hops;
    bool delegates;
    bool db_version, delta; /* RFC 8232 sections 3 and 4 */
    bool triggered;         /* RFC 8232 section 5: reports when the PCE asks for it */
    bool sr_policy;         /* RFC 9862: offers SR policies as associations */
    uint8_t keepalive, deadtimer;
    enum pcep_tls tls;
    nsec_t answer_after;  /* an order is answered */
    nsec_t up_after;      /* ... and its LSP is up: 0: in the same turn */
    nsec_t state_timeout; /* then LSPs that a PCE created are removed without it; 0: 60 s */
    uint32_t n_requests;  /* paths asked for, once synchronised */
    uint32_t changes_per_s;
    struct pcc_faults faults;
};

struct pcc; /* Opaque. */

/* Of all its sessions. */
struct pcc_stats {
    uint64_t sessions, synced, sync_avoided;
    uint64_t lsps_synced;
    uint64_t updates, initiations, removals, returns, takeovers; /* orders received */
    uint64_t answered, refused, unanswered, revoked;
    uint64_t reports;
    uint64_t requests, paths, no_paths;
    uint64_t errors; /* PCErr received */
    uint64_t orphaned, expired,
        inherited; /* inherited: reported to a PCE when the other had gone */
    struct pcep_error last_error;
};

struct pcc *pcc_new(const struct pcc_config *, nsec_t now); /* Copies it. Never NULL. */
/* Its session with another PCE, which behaves. To free before it. */
struct pcc *pcc_new_backup(struct pcc *, nsec_t now);
void pcc_free(struct pcc *); /* NULL is fine. */

void pcc_connected(struct pcc *, nsec_t now);
void pcc_disconnected(struct pcc *, const char *why, nsec_t now);
void pcc_input(struct pcc *, const uint8_t *data, size_t size, nsec_t now);
/* The transport has taken what was in the output: there may be more now. */
void pcc_drained(struct pcc *, nsec_t now);
void pcc_tick(struct pcc *, nsec_t now);
nsec_t pcc_deadline(const struct pcc *);

/* ---- what it is told to do besides: by a script */

enum pcc_act {
    PCC_CLOSE,   /* ends its session */
    PCC_FLAP,    /* ... and again and again: `every` */
    PCC_LIE,     /* from now on: `name` */
    PCC_GARBAGE, /* octets that are no PCEP, once */
    PCC_HALF,    /* the beginning of a message, and then silence */
    PCC_SILENCE, /* nothing more in this session */
    PCC_FLOOD,
    PCC_BEHAVE, /* none of what it does that a good router does not */
    /* LSPs whose names match `name`, as fnmatch() has it: */
    PCC_FAIL_LSP,   /* goes down */
    PCC_MEND_LSP,   /* comes up */
    PCC_REMOVE_LSP, /* is gone */
    PCC_REVOKE,     /* its delegation is taken back */
    PCC_RETURN,     /* it is delegated again */
};

struct pcc_action {
    enum pcc_act act;
    nsec_t every;
    char name[64];
};

void pcc_do(struct pcc *, const struct pcc_action *, nsec_t now);

/* What is to be sent; consume it. NULL: not connected. */
struct buf *pcc_output(struct pcc *);
/* True once: send the output, then shake hands as a client; then pcc_tls_done(). */
bool pcc_wants_tls(struct pcc *, struct pcep_octets *rest);
void pcc_tls_done(struct pcc *, nsec_t now);
/* The connection is to be closed once the output is sent. */
bool pcc_is_over(const struct pcc *);
const char *pcc_why(const struct pcc *); /* the last session ended */

bool pcc_is_up(const struct pcc *);
bool pcc_is_synced(const struct pcc *); /* all its LSPs are reported; or need not be */
uint32_t pcc_n_lsps(const struct pcc *);
const struct pcc_stats *pcc_stats(const struct pcc *);
/* How long from connected to up, from there to synchronised, and the answers to requests took;
 * each is told once. NSEC_NEVER: nothing new. */
nsec_t pcc_take_setup_time(struct pcc *);
nsec_t pcc_take_sync_time(struct pcc *);
nsec_t pcc_take_request_time(struct pcc *);

#endif
