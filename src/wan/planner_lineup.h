/* planner_lineup.h - all that is held as te/ optimises it: both paths of each tunnel that stands as
 * LSPs, and what else is reserved on a link as one that stays there. Pure; within planner_*.c. */
#ifndef WAN_PLANNER_LINEUP_H
#define WAN_PLANNER_LINEUP_H

#include "te/moves.h"
#include "wan/planner_private.h"

struct lineup_part {
    const struct held *held; /* NULL: what else is reserved on a link */
    enum tunnel_path path;
};

struct lineup {
    struct planner *planner;
    const struct network *model;
    struct te_lsp *lsps;
    struct lineup_part *parts; /* of each */
    uint32_t n, n_tunnels, n_fixed;
    struct asking *askings; /* what the LSPs point to */
    uint32_t n_askings;
    uint32_t *places; /* each link's own number, for paths of one link */
    uint32_t **own;   /* by LSP: links that it was moved to; NULL: it was not */
};

/* The planner must know a network. */
void lineup_init(struct lineup *, struct planner *, const struct network *, uint8_t keep_priority);
void lineup_fini(struct lineup *);

/* Could the routers of both ends put the labels of such a way on a packet? */
bool lineup_has_labels(const struct lineup *, const struct te_move *);

#endif
