/* moves_work.h - what the parts of moves.h share. Of this directory alone. */
#ifndef TE_MOVES_WORK_H
#define TE_MOVES_WORK_H

#include "te/moves.h"

/* All simple paths of one LSP, made when first needed. */
struct ways {
    bool known, complete;
    uint32_t n;
    struct way {
        uint32_t *links, n;
    } * list;
};

struct relieving {
    struct te_state *s;
    const struct te_outage *outage;
    const bool *may_move;
    bool *moved;       /* on the way that is being looked at */
    struct ways *ways; /* by LSP; NULL: greedy only */
    uint64_t *budget;
    bool exhaustive;
};

struct candidate {
    double relief;
    uint64_t bps;
    uint32_t lsp;
};

struct saved {
    uint32_t lsp, n, *links;
};

/* The most loaded link above its limit; TE_NONE. */
uint32_t relief_worst_link(const struct te_state *);
/* Who passes the link and may still be moved, most relief first, in a list to be freed. */
uint32_t relief_candidates(const struct relieving *, uint32_t link, struct candidate **);
/* How many must go at least, link by link; UINT32_MAX: all together are too few. */
uint32_t relief_needed(const struct relieving *);
/* Where an LSP is, and back there. */
struct saved relief_save(const struct te_state *, uint32_t lsp);
void relief_restore(struct te_state *, struct saved *);
/* Whether at most `left` more moves do; if so they are made. Clears `exhaustive` if something was
 * left out. */
bool relief_search(struct relieving *, uint32_t left);

#endif
