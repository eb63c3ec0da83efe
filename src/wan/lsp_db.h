/* lsp_db.h - the label-switched paths (LSPs) of all path computation clients (PCCs), as they were
 * last reported (RFC 8231 section 5.6, "LSP State Database").
 *
 * An LSP belongs to one PCC, for ever. Within a session the PCC calls it by its PLSP-ID; over
 * sessions its symbolic path name is what stays (RFC 8231 sections 7.3 and 7.3.2). So an LSP that
 * is stale, because the session in which it was reported has ended, is found by either: a new
 * session may give it another PLSP-ID, or give its PLSP-ID to something else.
 *
 * Each is one block of memory: what all have, then its name, paths, metrics and associations,
 * packed. Tables hand out numbers that are never given twice; pointers hold until the next change.
 * Pure: no clock, no socket. Nothing here costs more than it must when a PCC chooses PLSP-IDs and
 * names: both indices are hashed with a secret. */
#ifndef WAN_LSP_DB_H
#define WAN_LSP_DB_H

#include "base/time.h"
#include "te/network.h"

#include <stddef.h>

struct lsp_db; /* Opaque; not thread-safe. */

#define LSP_NONE UINT64_C(0)
#define LSP_NAME_MAX 1024  /* characters of a symbolic path name that are taken */
#define LSP_HOPS_MAX 255   /* of a path */
#define LSP_METRICS_MAX 16 /* of a path */
#define LSP_ASSOCIATIONS_MAX 32
#define LSP_SETUP_UNKNOWN UINT8_MAX /* a path setup type that nobody told */

/* RFC 8231 section 7.3, the O field. */
enum lsp_operational { LSP_DOWN, LSP_UP, LSP_ACTIVE, LSP_GOING_DOWN, LSP_GOING_UP };
const char *lsp_operational_name(unsigned); /* "going-up"; static */

/* ---- paths */

enum lsp_hop_kind {
    LSP_HOP_ADDRESS,    /* `local` with `prefix` bits: RFC 3209 section 4.3.3.2, 3 */
    LSP_HOP_SEGMENT,    /* RFC 8664 section 4.3.1 */
    LSP_HOP_UNNUMBERED, /* router `local`, interface `local_id`: RFC 3477 section 4 */
    LSP_HOP_LABEL,      /* recorded label of the hop before it: RFC 3209 section 4.4.1.3 */
    LSP_HOP_SRV6,       /* the SID is `local`: RFC 9603 section 4.3.1 */
    LSP_HOP_AS,         /* autonomous system `local_id` */
    LSP_HOP_SRLG,       /* shared risk `local_id`, of an XRO: RFC 5521 section 2.1.1 */
    LSP_HOP_OTHER,      /* a subobject of type `local_id` that is not understood here */
};

struct lsp_hop {
    uint8_t kind, prefix;
    bool loose;
    bool is_label;  /* `label` is an MPLS label (RFC 8664: M set); else an index */
    uint32_t label; /* MPLS label or index of the segment; TE_NO_LABEL: none is given */
    struct te_address local, remote; /* the node alone, or both ends of an adjacency (NAI) */
    uint32_t local_id, remote_id;    /* interfaces of an unnumbered adjacency */
};

struct lsp_metric {
    uint8_t type; /* RFC 5440 section 7.8: 1 IGP, 2 TE, 3 hops; RFC 8233: 12 delay */
    bool is_bound, is_computed;
    float value;
};

/* RFC 8697, with what RFC 8800 adds for disjoint paths. */
struct lsp_association {
    uint16_t type, id;
    bool removed; /* told: the LSP is not in it any more; never stored */
    struct te_address source;
    uint32_t disjointness; /* flags of DISJOINTNESS-CONFIGURATION; 0: not told */
    bool has_status;       /* to be told, with what was reached; never stored ... */
    uint32_t status;       /* ... flags of DISJOINTNESS-STATUS: RFC 8800 section 4 */
};

/* ---- what a report tells */

/* Zero, NULL and LSP_SETUP_UNKNOWN mean: not told, where something may be left out of a report;
 * what was known of it stays. The paths, metrics, bandwidth and priorities are told anew with every
 * report. */
struct lsp_report {
    uint32_t plsp_id;
    const char *name; /* not terminated */
    size_t name_length;
    struct te_address source, destination;
    uint16_t tunnel_id, lsp_id;
    uint8_t operational, setup_type;
    uint8_t setup_priority, holding_priority;
    bool has_priorities;                            /* both are told */
    bool local_protection;                          /* desired: told with the priorities */
    uint32_t exclude_any, include_any, include_all; /* affinities, told with the priorities */
    bool admin, delegated, created_by_pce;
    uint32_t error_code;    /* RFC 8231 section 7.3.3; 0: none */
    uint32_t binding_label; /* RFC 9604; 0: not told */
    bool has_color;
    uint32_t color; /* of its SR policy, if it is told */
    uint64_t bandwidth_bps;
    const struct lsp_hop *ero, *rro; /* intended and actual path */
    const struct lsp_metric *metrics;
    const struct lsp_association *associations;
    size_t n_ero, n_rro, n_metrics, n_associations;
};

/* ---- what is known */

/* For reading only. */
struct lsp {
    uint64_t id; /* for the life of the database */
    nsec_t changed;
    uint64_t bandwidth_bps;
    uint32_t pcc;
    uint32_t plsp_id; /* 0: stale, and another one has its PLSP-ID now */
    uint32_t exclude_any, include_any, include_all; /* affinities; 0 without priorities */
    uint32_t error_code, binding_label;
    uint32_t color;      /* of its SR policy, if has_color */
    uint32_t srp_id;     /* of the newest operation that is under way; 0: none. The caller's. */
    uint32_t prev, next; /* of its PCC: places, private */
    struct te_address source, destination;
    uint16_t tunnel_id, lsp_id;
    uint8_t operational, setup_type;
    uint8_t setup_priority, holding_priority;
    bool has_priorities : 1; /* told with the newest report */
    bool local_protection : 1;
    bool has_color : 1;
    bool admin : 1, delegated : 1, created_by_pce : 1;
    bool stale : 1;     /* from a session that has ended, and not yet reported again */
    bool orphan : 1;    /* created by a PCE, and no PCE has it: RFC 8281 section 6. The caller's. */
    bool initiated : 1; /* an order of this PCE made it. The caller's. */
    bool shares_name : 1; /* another LSP of its PCC had the name when it came */
    uint8_t n_metrics, n_associations;
    uint16_t name_length, ero_size, rro_size; /* octets of the packed parts */
    uint8_t n_ero, n_rro;
    uint8_t packed[]; /* name and NUL, metrics, associations, ERO, RRO */
};

const char *lsp_name(const struct lsp *); /* terminated; as sent by the PCC */
void lsp_metric(const struct lsp *, unsigned i, struct lsp_metric *);
void lsp_association(const struct lsp *, unsigned i, struct lsp_association *);

/* Reads a path hop by hop; good until the LSP changes. */
struct lsp_hops {
    const uint8_t *pos, *end;
};
struct lsp_hops lsp_ero(const struct lsp *);
struct lsp_hops lsp_rro(const struct lsp *);
bool lsp_hops_next(struct lsp_hops *, struct lsp_hop *);

/* ---- the database */

struct lsp_limits {
    uint32_t lsps;  /* of one PCC; 0: 100,000 */
    size_t octets;  /* of one PCC, as counted by lsp_db_octets(); 0: 128 MiB */
    size_t total;   /* octets of all PCCs; 0: 1 GiB */
    size_t assured; /* octets that one PCC may have though all have the total; 0: 64 KiB */
};

struct lsp_db *lsp_db_new(const struct lsp_limits *); /* Never NULL. */
void lsp_db_free(struct lsp_db *);                    /* NULL is fine. */

enum lsp_changed {
    LSP_IS_NEW = 1,
    LSP_STATE_CHANGED = 2,      /* operational, administrative, error */
    LSP_PATH_CHANGED = 4,       /* ERO or RRO */
    LSP_DELEGATION_CHANGED = 8, /* delegated or not any more */
    LSP_ATTRIBUTES_CHANGED = 16,
    LSP_IS_FRESH = 32, /* it was stale */
    LSP_RENUMBERED = 64,
    LSP_NAME_TAKEN = 128, /* new, and another LSP of the same session has that name */
};

/* Enters what PCC `pcc` (any small number) reports. *id, *changed (of enum lsp_changed): what
 * became of it. ERR_NOT_FOUND: a PLSP-ID that is not known, and no name with it; ERR_CONFLICT: the
 * PLSP-ID is that of another name in this session; ERR_LIMIT: the PCC, or all of them, have as many
 * LSPs or octets as they may; ERR_INVALID: PLSP-ID 0, or a path or name longer than anything. */
MUST_CHECK enum err lsp_db_put(struct lsp_db *, uint32_t pcc, const struct lsp_report *, nsec_t now,
                               uint64_t *id, unsigned *changed);
/* Takes it out and hands it over, to free(). NULL: no such. */
struct lsp *lsp_db_take(struct lsp_db *, uint64_t id);
void lsp_db_remove(struct lsp_db *, uint64_t id); /* Any number is fine. */

/* The session has ended, or begins anew: all of it is stale. Returns how many were not yet. */
uint32_t lsp_db_mark_stale(struct lsp_db *, uint32_t pcc);
/* The session goes on where it ended (RFC 8232 section 3): nothing is stale any more. */
void lsp_db_mark_fresh(struct lsp_db *, uint32_t pcc);
/* What the caller keeps of an LSP. Unknown numbers are ignored. */
void lsp_db_set_srp(struct lsp_db *, uint64_t id, uint32_t srp_id);
void lsp_db_set_orphan(struct lsp_db *, uint64_t id, bool orphan);
void lsp_db_set_initiated(struct lsp_db *, uint64_t id);

/* NULL: no such. */
const struct lsp *lsp_db_get(const struct lsp_db *, uint64_t id);
const struct lsp *lsp_db_find(const struct lsp_db *, uint32_t pcc, uint32_t plsp_id);
const struct lsp *lsp_db_find_name(const struct lsp_db *, uint32_t pcc, const char *name,
                                   size_t length);

/* All of one PCC, the newest first; the one at hand may be taken out if `next` was asked before. */
const struct lsp *lsp_db_first(const struct lsp_db *, uint32_t pcc);
const struct lsp *lsp_db_next(const struct lsp_db *, const struct lsp *);
/* All: those whose number is above `after`, in an order of their own that changes do not disturb;
 * begin with LSP_NONE. NULL: no more. */
const struct lsp *lsp_db_after(const struct lsp_db *, uint64_t after);

uint32_t lsp_db_count(const struct lsp_db *, uint32_t pcc);
size_t lsp_db_octets(const struct lsp_db *, uint32_t pcc);
size_t lsp_db_total_octets(const struct lsp_db *);
uint32_t lsp_db_total(const struct lsp_db *);
uint64_t lsp_db_version(const struct lsp_db *); /* rises with every change */

#endif
