/* pcc_private.h - what pcc.c (sessions, time), pcc_lsps.c (LSPs and reports) and pcc_faults.c
 * share.
 */
#ifndef PCCSIM_PCC_PRIVATE_H
#define PCCSIM_PCC_PRIVATE_H

#include "pccsim/pcc.h"

#define PCC_NAME_SIZE 64
#define PCC_OUTPUT_ENOUGH ((size_t)256 << 10) /* octets waiting, above which it makes no more */

/* One LSP; its PLSP-ID is its place + 1. */
struct sim_lsp {
    uint32_t labels[PCC_MAX_HOPS];
    uint64_t version; /* of the database, when it changed last */
    char *name;       /* NULL: made of the numbers */
    struct pcep_address endpoint;
    uint8_t n_labels, operational;
    uint8_t owner; /* to which PCE it is delegated: its `place`; 0: none */
    bool there, created, has_bandwidth, has_lspa;
    bool has_policy;
    uint32_t color, preference; /* of the policy; of the candidate path, 0: not told */
    struct pcep_cpath_id cpath_id;
    struct pcep_bandwidth bandwidth; /* as it was ordered */
    struct pcep_lspa lspa;           /* the same */
};

/* Those of a router, whatever the number of its PCEs. */
struct sim_table {
    struct sim_lsp *list;
    uint32_t n, capacity, n_there;
    uint64_t version; /* of the LSP database; rises with every change */
};

/* What is to be done later. All of a kind wait equally long, so they are in order. */
struct sim_task {
    nsec_t due;
    uint32_t lsp, srp_id;
    bool revoke;
};

struct sim_queue {
    struct sim_task *tasks; /* a ring */
    uint32_t first, n, mask;
};

struct pcc {
    struct pcc_config config;
    struct pcep_session *session; /* NULL: not connected */
    nsec_t now, connected_at, up_at;
    bool up, over, wants_tls, synced, stuck;
    bool waits; /* until the PCE asks for the synchronisation */
    uint8_t sid;
    char why[160];

    struct pcc *other;       /* the same router's session with its other PCE; NULL */
    struct sim_table *table; /* both have it */
    uint8_t place;           /* 1; 2: with the backup */
    uint64_t sync_from;      /* report only what is newer */
    uint32_t sync_at;        /* the next LSP to report */
    uint32_t inherited_at;   /* the next to report of those that came from the other PCE */

    struct sim_queue answers, ups;
    uint32_t n_orders, n_updates;
    uint32_t requests_sent, requests_open;
    nsec_t *request_times; /* sent, by number less 1 */
    uint32_t change_at;
    nsec_t next_change, next_flap, next_garbage, next_lie, orphans_until;
    nsec_t setup_time, sync_time, request_time;
    uint64_t random;
    struct pcc_stats stats;
};

void sim_queue_put(struct sim_queue *, struct sim_task);
/* False: none is due. */
bool sim_queue_take(struct sim_queue *, nsec_t now, struct sim_task *);
nsec_t sim_queue_due(const struct sim_queue *);
void sim_queue_clear(struct sim_queue *);

/* ---- pcc_lsps.c */

void pcc_make_lsps(struct pcc *);
void pcc_free_lsps(struct pcc *);
/* What a report says besides the LSP itself. */
struct sim_report {
    uint32_t lsp, srp_id;
    bool sync, removed;
    const char *name;                  /* instead of its own; "": none */
    uint32_t plsp_id;                  /* instead of its own; 0: its own */
    const struct pcep_address *sender; /* instead of ours */
};
/* False: it could not be sent. */
bool pcc_report(struct pcc *, const struct sim_report *);
bool pcc_report_end_of_sync(struct pcc *);
void pcc_sync(struct pcc *); /* goes on with it */
void pcc_order(struct pcc *, const struct pcep_message *);
void pcc_run_queues(struct pcc *);
/* To all PCEs; the SRP-ID to this one alone. */
void pcc_tell(struct pcc *, const struct sim_report *);
void pcc_claim_lsps(struct pcc *);  /* a session is up: those whose PCE is away */
void pcc_orphan_lsps(struct pcc *); /* a session is over */
void pcc_inherit(struct pcc *);     /* goes on reporting what came from the other PCE */
void pcc_remove_orphans(struct pcc *);
void pcc_change_lsps(struct pcc *, const struct pcc_action *);
void pcc_ask(struct pcc *); /* sends the requests that are due */
void pcc_answered(struct pcc *, const struct pcep_message *);

/* ---- pcc_faults.c */

void pcc_misbehave(struct pcc *);
void pcc_act(struct pcc *, const struct pcc_action *);
nsec_t pcc_misbehave_due(const struct pcc *);
uint64_t pcc_random(struct pcc *);

#endif
