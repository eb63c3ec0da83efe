/* fit.h - which of many circuits a network can carry, and what limits the others. Pure: nothing is
 * put anywhere.
 *
 * The circuits are designed one after the other, in the given order, over what the network's
 * designs leave free; each that fits takes its share from those behind it. For each that does not
 * fit, the answer names what is in its way: the full links that every way crosses, or the full
 * links of the paths it would get in an empty network, or that not even an empty network would do.
 */
#ifndef ENGINEER_FIT_H
#define ENGINEER_FIT_H

#include "base/buf.h"
#include "model/model.h"

enum fit_limit {
    FIT_NONE,       /* it fits */
    FIT_HOST,       /* a host is not there, or attached nowhere */
    FIT_CAPACITY,   /* no path has its rate left, or there is no path */
    FIT_LATENCY,    /* its budget */
    FIT_SEPARATION, /* its failover path */
    FIT_NUMBER,     /* all numbers are taken */
    FIT_LIMIT_MAX
};
const char *fit_limit_name(enum fit_limit); /* "capacity"; static */

/* A link without room for a circuit, when that one's turn came. Names are the network's. */
struct fit_link {
    const char *name;
    uint32_t capacity_kbps, reserved_kbps;
};

struct fit_verdict {
    const struct circuit *circuit; /* the caller's */
    enum fit_limit limit;
    struct design *design; /* if it fits; with the number it got here */
    char *reason;          /* if not: a sentence */
    const char *host;   /* if not: the missing one, or the receiver not reached as asked; or NULL */
    bool even_if_empty; /* it would not fit into the network without any other circuit either */
    /* By name. Capacity: every way to the receiver goes over one of these (if even_if_empty, they
     * are too small; or there is none, and no way). Latency, separation: they keep it from the
     * paths it would have in an empty network. */
    uint32_t n_links;
    struct fit_link *links;
    /* Latency: what the budget is compared with, and the shortest way there is in an empty network.
     */
    int64_t delay_us, shortest_us;
    /* Separation: what both paths share, links before nodes; names are the network's. */
    uint32_t n_shared;
    const char **shared;
};

/* How much of a link is reserved, in kbit/s. */
struct fit_usage {
    const char *link;
    uint32_t capacity_kbps, before_kbps, after_kbps;
    uint32_t n_limited; /* circuits in whose `links` it is */
};

enum fit_order {
    FIT_AS_GIVEN,
    FIT_SMALL_FIRST,       /* by rate */
    FIT_LARGE_FIRST,       /* by falling rate */
    FIT_CONSTRAINED_FIRST, /* by falling separation, then by budget, then by falling rate */
    FIT_ORDERS
};
const char *fit_order_name(enum fit_order); /* "smallest rate first"; static */

struct fit_count {
    uint32_t n_fit;
    uint64_t rate_kbps; /* of those that fit, together */
};

struct fit {
    uint32_t n;
    struct fit_verdict *verdicts; /* in the given order */
    uint32_t n_links;
    struct fit_usage *links; /* by falling utilisation afterwards, then by name */
    struct fit_count counts[FIT_ORDERS];
    bool has_orders; /* else only counts[FIT_AS_GIVEN] */
};

/* `circuits` need not be in the network, and must outlive the result, as the network must.
 * `orders`: count also how many would fit in other orders. ERR_EXISTS: one of them has a design
 * already, or is there twice. fit_fini() the result. */
MUST_CHECK enum err fit_circuits(const struct network *, const struct circuit *const *circuits,
                                 uint32_t n, bool orders, struct fit *, struct diag *);
void fit_fini(struct fit *);
/* A summary, the reasons, and the fullest links, `n_lines` of each at most. */
void fit_format(const struct fit *, uint32_t n_lines, struct buf *);

#endif
