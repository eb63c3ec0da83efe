/* pce_private.h - what the files of the PCE share:
 *
 *     pce.c          the whole, its links and their sessions, events
 *     pce_pcc.c      PCCs by address: how long they are kept, and how they behave
 *     pce_report.c   state reports and synchronisation
 *     pce_order.c    orders: waiting, in flight, their results
 *     pce_request.c  path computation requests
 *     pce_message.c  LSPs as the protocol writes them
 */
#ifndef WAN_PCE_PRIVATE_H
#define WAN_PCE_PRIVATE_H

#include "base/hash_table.h"
#include "wan/lsp_db_private.h"
#include "wan/pce.h"
#include "wan/pce_timers.h"

#define CERTIFICATE_NAME_SIZE 65
#define OUTPUT_LIMIT ((size_t)8 << 20)    /* octets waiting, above which a session has an end */
#define OUTPUT_ENOUGH ((size_t)256 << 10) /* octets waiting, above which orders wait instead */

enum timer_kind { TIMER_LINK, TIMER_PCC, TIMER_ORDER, TIMER_REQUEST };

/* So many in a second, and so many at once; goes below zero by what was taken too much. */
struct bucket {
    double tokens;
    nsec_t at;
};

void bucket_fill(struct bucket *, double rate, double burst, nsec_t now);
/* When it is above zero again. */
nsec_t bucket_ready(const struct bucket *, double rate);

/* ---- orders */

enum op_state { OP_WAITING, OP_IN_FLIGHT, OP_ACCEPTED };

struct op {
    struct pce_order order; /* what it points to is in `copy` */
    struct pce_result result;
    struct pce_link *link;
    struct pce_timer timer;
    enum op_state state;
    uint32_t srp_id;
    nsec_t ordered, sent;
    struct op *prev, *next; /* while it waits */
    void *copy;
};

struct op_queue {
    struct op *first, *last;
};

/* ---- connections */

struct pce_link {
    struct pce *pce;
    struct pce_pcc *pcc;
    void *arg;
    struct pcep_session *machine;
    struct pce_link *next, *prev; /* of the pce */
    struct pce_link *next_ready;
    struct pce_timer timer;
    bool ready, is_session, up, over, wants_tls, paused, ended_by_us;
    bool has_synced, sync_delta, versions; /* versions: LSP-DB-VERSION is in every report */
    uint32_t n_synced;
    nsec_t sync_began;
    nsec_t attached, came_up, heard; /* heard: the last report while it synchronises */
    struct bucket reports, orders;
    struct op_queue waiting[PCE_N_URGENCIES];
    struct op **by_srp; /* by SRP-ID modulo srp_mask + 1 */
    struct request *requests;
    uint32_t srp_mask, next_srp, n_waiting, n_in_flight, n_by_srp, n_requests;
    char name[CERTIFICATE_NAME_SIZE];
};

/* ---- PCCs */

struct misbehaviour_count {
    uint64_t n, told;
    nsec_t told_at; /* 0: never */
};

struct pce_pcc {
    uint32_t number, n_links, n_events;
    char address[PCE_ADDRESS_SIZE];
    struct te_address te_address; /* the same */
    char name[CERTIFICATE_NAME_SIZE];
    struct pce_link *session; /* the one that is up or on its way; NULL */
    struct pce_timer timer;   /* when its LSPs, or it, are forgotten */
    nsec_t since, sync_took;
    uint64_t db_version;
    uint32_t next_srp; /* of the next session: goes on where the last one ended */
    enum pce_sync_kind sync;
    double penalty;
    nsec_t penalty_at;
    bool refused, over_limit;
    bool incomplete; /* something that was reported in this session is not kept */
    uint64_t sessions, reports, orders, errors, outcomes[PCE_CANCELLED + 1];
    struct pcep_error last_error;
    struct misbehaviour_count misbehaviours[PCE_N_MISBEHAVIOURS];
    UT_hash_handle hh; /* by address */
};

struct request {
    struct pce_request public; /* what it points to is in `resources` */
    struct pce_resource *resources;
    struct pce_link *link;
    struct pce_timer timer;
    bool told;
    UT_hash_handle hh, of_link; /* by its id; by the PCC's number, of the link */
};

struct queued {
    enum pce_event_kind kind;
    uint32_t pcc;
    uint64_t id; /* of an LSP or a request; of others a number */
    unsigned what;
    enum err err;
    void *owned;
};

struct pce {
    struct pce_config config;
    nsec_t now;
    struct lsp_db *lsps;
    struct pce_pcc *pccs_by_address, **pccs;
    uint32_t n_pccs, pccs_capacity;
    struct pce_link *links, *ready_first, *ready_last;
    struct pce_timers timers;
    struct request *requests;
    uint64_t next_request;
    uint32_t next_together;
    bool overload;

    struct op **ops; /* by place */
    uint32_t *op_generations, *free_ops;
    uint32_t n_ops, ops_capacity, n_free_ops, free_ops_capacity;

    struct queued *events; /* a ring */
    uint32_t first_event, n_events, events_mask;
    struct queued last; /* what the caller looks at */
    struct pce_request last_request;

    struct lsp_hop hops[2 * LSP_HOPS_MAX]; /* of the report that is read */
    struct pcep_hop wire_hops[LSP_HOPS_MAX];
    struct lsp_metric metrics[LSP_METRICS_MAX];
    struct lsp_association associations[LSP_ASSOCIATIONS_MAX];
};

/* ---- pce.c */

/* Appends an event; `owned` is freed after it was told. */
void pce_tell(struct pce *, struct queued);
/* After anything was done with a link: reads its machine's events, and sees what is next. */
void pce_link_touch(struct pce_link *);
void pce_link_set_ready(struct pce_link *);
/* Refuses what it is, with PCErr. */
void pce_link_refuse(struct pce_link *, const struct pcep_error *, const char *why);

/* ---- pce_pcc.c */

/* NULL: there may be no more. */
struct pce_pcc *pce_pcc_of(struct pce *, const char *address);
void pce_misbehaves(struct pce *, struct pce_pcc *, enum pce_misbehaviour, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Is it refused because it comes and goes? */
bool pce_pcc_is_damped(struct pce *, struct pce_pcc *);
/* A session was over `lived` after it began. */
void pce_pcc_session_over(struct pce *, struct pce_pcc *, nsec_t lived);
/* Sets the timer of a PCC without a session. */
void pce_pcc_idle(struct pce *, struct pce_pcc *);
void pce_pcc_expire(struct pce *, struct pce_pcc *);
void pce_pcc_drop_lsps(struct pce *, struct pce_pcc *, enum pce_gone, bool stale_only);

/* ---- pce_report.c */

void pce_sync_begin(struct pce_link *);
void pce_report(struct pce_link *, const struct pcep_message *);
nsec_t pce_sync_deadline(const struct pce_link *);

/* ---- pce_order.c */

void pce_orders_init(struct pce_link *);
void pce_orders_fini(struct pce_link *); /* all of them are lost */
void pce_orders_pump(struct pce_link *);
nsec_t pce_orders_wake(const struct pce_link *);
/* An LSP was reported in answer to `srp_id`, or to none (0); `lsp` is as it is now. */
void pce_order_reported(struct pce_link *, uint32_t srp_id, const struct lsp *);
/* An LSP has gone. */
void pce_order_lsp_gone(struct pce_link *, uint32_t srp_id, const struct lsp *);
void pce_order_errors(struct pce_link *, const struct pcep_message *);
void pce_op_expire(struct op *);

/* ---- pce_request.c */

void pce_requests(struct pce_link *, const struct pcep_message *);
void pce_requests_fini(struct pce_link *); /* all of the link are gone */
void pce_notified(struct pce_link *, const struct pcep_message *);
void pce_request_expire(struct request *);
struct request *pce_request_find(struct pce *, uint64_t id);

/* ---- pce_message.c */

struct te_address te_address_of(const struct pcep_address *);
struct pcep_address pcep_address_of(const struct te_address *);
/* Up to `max` hops; returns how many. */
size_t pce_read_route(const struct pcep_route *, struct lsp_hop *, size_t max);
/* The same of an IRO or XRO. */
size_t pce_read_resources(const struct pcep_route *, struct pce_resource *, size_t max);
size_t pce_write_route(const struct lsp_hop *, size_t n, struct pcep_hop *);
size_t pce_read_metrics(const struct pcep_metric *, size_t n, struct lsp_metric *, size_t max);
size_t pce_read_associations(const struct pcep_association *, size_t n, struct lsp_association *,
                             size_t max);
/* Into the PCE's scratch. */
void pce_read_report(struct pce *, const struct pcep_entry *, struct lsp_report *);
/* One entry of a PCUpd or PCInitiate. On failure nothing is sent. */
MUST_CHECK enum err pce_send_order(struct pce_link *, const struct op *, const struct lsp *);
MUST_CHECK enum err pce_send_answer(struct pce_link *, const struct pce_request *,
                                    const struct pce_answer *);
/* PCErr about one request; `missing` (0: none): another one that it depends on and is not there. */
void pce_send_refusal(struct pce_link *, uint32_t request_id, const struct pcep_error *,
                      uint32_t missing);

#endif
