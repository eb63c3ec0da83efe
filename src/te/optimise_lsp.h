/* optimise_lsp.h - an LSP, or a demand for one, as optimise.h, moves.h, optimise_order.h,
 * optimise_drain.h and whatif.h take it; and one network with many of them, while their paths are
 * being changed. Pure. */
#ifndef TE_OPTIMISE_LSP_H
#define TE_OPTIMISE_LSP_H

#include "te/route.h"

/* Of struct te_lsp.diversity: what two LSPs may not have in common. */
#define TE_DIVERSE_LINK 1u
#define TE_DIVERSE_NODE 2u /* between the ends */
#define TE_DIVERSE_SRLG 4u

/* All arrays stay the caller's. */
struct te_lsp {
    uint32_t from, to;
    /* bandwidth_bps is its size; free_bps is not read. A symmetric one has that size in both
     * directions, and its links are those of one. */
    struct te_constraints constraints;
    enum te_metric optimise; /* when it is routed anew */
    uint8_t hold_priority;   /* 0 is the best */
    bool pinned;             /* of a protection class: not moved unless the caller allows it */
    uint32_t diverse_from;   /* another LSP by its place, TE_NONE; tell both of each other */
    uint8_t diversity;
    const uint32_t *links;   /* where it goes now, in order */
    uint32_t n_links;        /* 0: nowhere */
    const uint32_t *standby; /* a path that it changes to by itself when this one fails */
    uint32_t n_standby;
};

/* No constraints, no path, the worst priority, by the IGP's metric. */
struct te_lsp te_lsp_plain(uint32_t from, uint32_t to, uint64_t bps);
/* The order in which several are routed: the best setup priority first, then the largest; `order`
 * has their places in `lsps`. */
void te_lsp_sort(const struct te_lsp *lsps, uint32_t *order, uint32_t n);

/* It loads both directions. */
static inline bool
te_lsp_is_symmetric(const struct te_lsp *lsp)
{
    return lsp->constraints.symmetric || lsp->constraints.bound_asymmetry;
}

/* Whether two paths have nothing of that kind in common. The same fibre in either direction is the
 * same link; the ends of `b` may be shared. */
bool te_paths_diverse(const struct te_network *, const uint32_t *a, uint32_t n_a, const uint32_t *b,
                      uint32_t n_b, uint8_t diversity);

/* What is taken out of service, on top of the network's own state. */
struct te_outage {
    const uint32_t *nodes, *links, *srlgs; /* a link means both directions */
    uint32_t n_nodes, n_links, n_srlgs;
};
/* By link and by node: whether the outage takes it. The links of a node go with it. */
void te_outage_mark(const struct te_network *, const struct te_outage *, bool *link_out,
                    bool *node_out);

/* Many LSPs on a network, as they are being moved. Loads and limits are in bit/s by link. */
struct te_state {
    struct te_router *router;
    const struct te_network *net;
    uint32_t n;
    struct te_lsp *lsps; /* its own copy; `links` of those that were moved are its own */
    bool *moved;         /* by LSP */
    uint64_t *load, *limit, *free;
    uint64_t n_searches;
};

/* Limits are `share` of what the wire carries, or of what may be reserved. The router and what the
 * LSPs point to stay the caller's. ERR_INVALID: a path of an LSP is not one from there to there, or
 * its ends or its partner do not exist. */
MUST_CHECK enum err te_state_init(struct te_state *, struct te_router *, const struct te_lsp *,
                                  uint32_t n, double share, bool reservable);
void te_state_fini(struct te_state *);

/* Changes where an LSP goes; copies the links; none: it goes nowhere. */
void te_state_place(struct te_state *, uint32_t lsp, const uint32_t *links, uint32_t n);
/* Adds its size to, or takes it from, these links (and their reverses, if it is symmetric). */
void te_state_load(struct te_state *, uint32_t lsp, const uint32_t *links, uint32_t n, bool add);
/* Whether it has the link now, in the direction that it loads. */
bool te_state_uses(const struct te_state *, uint32_t lsp, uint32_t link);

/* The best path within the limits, if all others stay: constraints, diversity, what is out (NULL:
 * nothing). `ignore_limits`: as if there was room everywhere. te_path_fini() it. */
MUST_CHECK enum err te_state_route(struct te_state *, uint32_t lsp, const struct te_outage *,
                                   bool ignore_limits, struct te_path *);
/* Constraints and diversity of a path, not the room for it. ERR_INVALID: it is no path from there
 * to there. ERR_CONFLICT: it breaks one of them. */
MUST_CHECK enum err te_state_check(struct te_state *, uint32_t lsp, const uint32_t *links,
                                   uint32_t n);
/* The highest load / limit, and the link (may be NULL; the lowest of several; TE_NONE: no load). */
double te_state_highest(const struct te_state *, uint32_t *link);
/* Links above their limit. */
uint32_t te_state_over(const struct te_state *);

#endif
