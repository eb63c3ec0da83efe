/* bgpls_rib.h - all that one peer has told of link state: NLRI, and the attribute of each. Pure.
 *
 * An NLRI's octets are its key (bgpls_nlri.h). Kept are octets, of the NLRI and of its attribute,
 * within a budget: a few hundred octets each, a tenth of what they take when decoded. Decoded they
 * are told, whenever something changes, and read again with bgpls_rib_each() and bgpls_rib_find().
 *
 * What the peer had told may outlive its session (graceful restart, RFC 4724 section 4.2): it is
 * stale then, until it is told again, or swept: when End-of-RIB comes, when the restart takes
 * longer than the peer promised, or when it returns without having kept anything. The same with a
 * refresh that is framed (RFC 7313 section 4). */
#ifndef PROTO_BGPLS_BGPLS_RIB_H
#define PROTO_BGPLS_BGPLS_RIB_H

#include "base/time.h"
#include "proto/bgpls/bgp_update.h"
#include "proto/bgpls/bgpls_attributes.h"
#include "proto/bgpls/bgpls_nlri.h"

struct bgpls_rib; /* Opaque; not thread-safe. */

enum bgpls_change_kind {
    BGPLS_ADDED,
    BGPLS_CHANGED,   /* its attribute; or it was stale and is as it was: `refreshed` */
    BGPLS_WITHDRAWN, /* by the peer, or with its session */
    BGPLS_STALE,     /* the session has gone; it is kept for now */
    BGPLS_SWEPT,     /* stale, and not told again in time */
    BGPLS_DISCARDED, /* an NLRI was malformed, or the attribute of it: `why`. Nothing else came of
                        an NLRI; without its attribute it is added as well. */
    BGPLS_REFUSED,   /* the budget does not allow it: `why` */
};

struct bgpls_change {
    enum bgpls_change_kind kind;
    const struct bgpls_nlri *nlri;             /* never NULL; malformed: only its type and octets */
    const struct bgpls_attributes *attributes; /* added or changed only */
    bool refreshed;
    const char *why;
};

/* What is pointed to is valid during the call, which must not call the table. */
typedef void bgpls_change_fn(void *arg, const struct bgpls_change *);

struct bgpls_rib_config {
    size_t budget;                 /* octets of memory, overhead included [256 MiB] */
    nsec_t stale_limit;            /* from the peer's return until End-of-RIB [10 min] */
    uint32_t local_as, identifier; /* to know what we said ourselves */
    bgpls_change_fn *changed;
    void *arg;
};

struct bgpls_rib_stats {
    size_t n, n_stale, memory; /* NLRI, stale ones of them, octets */
    uint64_t added, changed, unchanged, withdrawn, swept;
    uint64_t discarded_nlri, discarded_attributes, dropped_values;
    uint64_t refused; /* for the budget: the picture is not complete */
    uint64_t loops;   /* what came back to us */
    uint64_t unknown; /* withdrawals of what was not there */
};

/* Copies `config`. Never NULL; bgpls_rib_free() tells nothing. */
struct bgpls_rib *bgpls_rib_new(const struct bgpls_rib_config *);
void bgpls_rib_free(struct bgpls_rib *); /* NULL is fine. */

/* The peer is back, or here for the first time: what is stale and was not kept is swept. */
void bgpls_rib_up(struct bgpls_rib *, const struct bgp_open *peer, nsec_t now);
/* The session has gone, with what bgp_session.h says of that: all becomes stale, or is withdrawn.
 */
void bgpls_rib_down(struct bgpls_rib *, bool graceful, nsec_t restart_time, nsec_t now);

/* Takes an UPDATE whose verdict is not BGP_RESET. ERR_MALFORMED: the end of an NLRI cannot be told,
 * and the session must be reset with `*error` (RFC 9552 section 8.2.2); nothing of it was taken. */
MUST_CHECK enum err bgpls_rib_update(struct bgpls_rib *, const struct bgp_update *,
                                     bool four_octet_as, struct bgp_error *error);
/* The peer frames what it sends again. */
void bgpls_rib_refresh(struct bgpls_rib *, enum bgp_refresh, nsec_t now);

/* Sweeps what is over; call it when bgpls_rib_deadline() has passed. */
void bgpls_rib_tick(struct bgpls_rib *, nsec_t now);
nsec_t bgpls_rib_deadline(const struct bgpls_rib *); /* NSEC_NEVER: no need */

/* End-of-RIB has come since the peer is up: all is here. */
bool bgpls_rib_is_complete(const struct bgpls_rib *);
const struct bgpls_rib_stats *bgpls_rib_stats(const struct bgpls_rib *);

/* Tells each as if it were added now, to `fn` instead of the handler. */
void bgpls_rib_each(struct bgpls_rib *, bgpls_change_fn *fn, void *arg);
/* The attribute's octets of an NLRI, valid until the table changes. ERR_NOT_FOUND. */
MUST_CHECK enum err bgpls_rib_find(const struct bgpls_rib *, struct bgp_span nlri,
                                   struct bgp_span *attribute, bool *stale);

#endif
