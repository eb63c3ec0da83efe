/* whatif.h - what if it fails: for links, nodes, risk groups, and chosen combinations: which LSPs
 * are hit, which live on their standby path, which find another way and where, what is lost, what
 * the links carry then, which delay bounds and diversities no longer hold. Pure.
 *
 * What happens in a failure, in this order: LSPs that begin or end in a failed node are lost. Those
 * whose standby path is whole change to it, room or not: routers do not ask. The others are routed
 * anew as the PCE would, the best setup priority first, then the largest, within the limits. Where
 * that fails, without its diversity, then without its delay bound, which is said.
 *
 * LSPs are indexed by link once; each failure touches only those that it hits. */
#ifndef TE_WHATIF_H
#define TE_WHATIF_H

#include "te/optimise_lsp.h"

enum te_element_kind { TE_FAIL_LINK, TE_FAIL_NODE, TE_FAIL_SRLG };

#define TE_FAILURE_MAX 4

/* Things that fail together. A link means both directions. */
struct te_failure {
    uint32_t n;
    struct te_element {
        enum te_element_kind kind;
        uint32_t id;
    } elements[TE_FAILURE_MAX];
};

enum te_fate_kind {
    TE_FATE_STANDBY,  /* lives on its standby path */
    TE_FATE_REROUTED, /* on `links` */
    TE_FATE_NO_PATH,  /* lost: nothing leads there any more */
    TE_FATE_NO_ROOM,  /* lost: there is a way, but it is full */
    TE_FATE_END,      /* lost: it began or ended there */
    TE_FATES
};
const char *te_fate_name(enum te_fate_kind);

struct te_fate {
    uint32_t lsp;
    enum te_fate_kind kind;
    bool late;        /* above its delay bound */
    bool not_diverse; /* has something in common with its partner */
    uint32_t *links;  /* its path now; none if it is lost */
    uint32_t n_links;
};

struct te_impact {
    struct te_failure failure;
    uint32_t n_hit, n[TE_FATES];
    uint64_t bps_lost; /* TE_FATE_END not counted */
    uint32_t n_pinned_lost, n_late, n_not_diverse;
    double highest;        /* utilisation of the capacity, of what is left */
    uint32_t hottest;      /* the link; TE_NONE */
    uint32_t n_over;       /* links above the limit */
    struct te_fate *fates; /* by LSP; NULL if not asked for */
};

struct te_whatif_options {
    bool links, nodes, srlgs;          /* each of them, alone */
    const struct te_failure *failures; /* and these */
    uint32_t n_failures;
    double share;    /* of the capacity that rerouting may fill */
    bool reservable; /* capacity is te_link.reservable_bps */
    bool recompute;  /* false: standby paths only; others are lost (TE_FATE_NO_PATH) */
    bool fates;      /* keep what happens to each LSP */
};
struct te_whatif_options te_whatif_defaults(void); /* all of them alone, 1.0, all kept */

struct te_whatif {
    uint32_t n;
    struct te_impact *impacts; /* worst first: pinned LSPs lost, bit/s lost, LSPs lost, links above
                                  the limit, bounds and diversities broken, highest utilisation */
    double highest;            /* without any failure */
    uint64_t searches;         /* work done */
};

/* ERR_INVALID: a path of an LSP is none, or a failure names what does not exist. te_whatif_fini()
 * frees. */
MUST_CHECK enum err te_whatif(struct te_router *, const struct te_lsp *, uint32_t n,
                              const struct te_whatif_options *, struct te_whatif *);
void te_whatif_fini(struct te_whatif *);

#endif
