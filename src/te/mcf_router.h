/* mcf_router.h - where routes come from: who solves a problem by columns asks a router for the
 * cheapest route of a demand at given prices, and does not know whether that is a path (this file)
 * or a segment list (mcf_segments.h). */
#ifndef TE_MCF_ROUTER_H
#define TE_MCF_ROUTER_H

#include "te/mcf.h"

struct mcf_router {
    void *arg;
    bool keeps; /* it keeps much of what it finds until prices change */
    /* Prices by arc, not negative; INFINITY: not over it. They are not copied, and stay as they are
     * until the next call. */
    void (*set_prices)(void *arg, const double *prices);
    /* The cheapest route, or nearly; returns its cost, INFINITY if there is none. The route's
     * arrays are the router's, until the next call. Demands are best asked for in order of `from`.
     */
    double (*quick)(void *arg, uint32_t demand, struct mcf_route *);
    /* The same, leaving nothing out; `least` becomes a cost that no route is below. */
    double (*cheapest)(void *arg, uint32_t demand, struct mcf_route *, double *least);
    uint64_t (*searches)(const void *arg); /* how many so far */
    void (*free)(void *arg);
};

/* Explicit paths. The problem stays. */
struct mcf_router mcf_path_router(const struct mcf_problem *);

#endif
