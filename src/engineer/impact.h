/* impact.h - what failures would do to the circuits of a network: links, nodes or shared-risk
 * groups that are down, all at once. Pure. */
#ifndef ENGINEER_IMPACT_H
#define ENGINEER_IMPACT_H

#include "base/buf.h"
#include "model/model.h"

enum failure_kind { FAILURE_LINK, FAILURE_NODE, FAILURE_SHARED_RISK, FAILURE_KINDS };
const char *failure_kind_name(enum failure_kind); /* "shared risk"; static */

struct failure {
    enum failure_kind kind;
    const char *name;
};

/* By rising harm; a multicast is harmed as its worst receiver. */
enum impact_kind {
    IMPACT_LOSES_FAILOVER, /* goes on over its primary path, unprotected */
    IMPACT_ON_FAILOVER,    /* goes on over its failover path, unprotected */
    IMPACT_DOWN,           /* has no path left */
    IMPACT_END_LOST,       /* the node of one of its hosts is down: no path would help */
    IMPACT_KINDS
};
const char *impact_name(enum impact_kind); /* "loses its failover path"; static */

struct circuit_impact {
    const char *circuit; /* the network's */
    enum impact_kind kind;
    const char *receiver; /* the worst one; the network's */
    /* What it could get without what failed, once all affected circuits have given back what they
     * had: designed in the order of this list. NULL: nothing, because of `reason`. */
    struct design *redesign;
    char *reason;
};

struct impact {
    uint32_t n; /* circuits affected: by falling service class, then by name */
    struct circuit_impact *circuits;
    uint32_t counts[IMPACT_KINDS];
    uint32_t n_redesigned;
};

/* ERR_NOT_FOUND: what should fail is not there, or a design does not fit its network. impact_fini()
 * the result; the network must outlive it. */
MUST_CHECK enum err impact_of_failures(const struct network *, const struct failure *, uint32_t n,
                                       struct impact *, struct diag *);
void impact_fini(struct impact *);
/* A summary, and one line per circuit, `n_lines` of them at most. */
void impact_format(const struct impact *, uint32_t n_lines, struct buf *);

#endif
