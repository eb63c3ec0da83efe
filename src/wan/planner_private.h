/* planner_private.h - what the files of the planner share:
 *
 *   planner.c            the network, what is held
 *   planner_place.c      ways for tunnels
 *   planner_look.c       is what is held still as it should be
 *   planner_mend.c       other ways where it is not
 *   planner_segments.c   label stacks
 *   planner_answer.c     ways that routers ask for
 *   planner_tree.c       trees to several routers
 *   planner_whatif.c     what failures would do
 *   planner_lineup.h     all that is held, as it is optimised
 *   planner_optimise.c   other ways for many at once
 *   planner_steps.h      in which order
 *   planner_drain.c      what has to move so that something is empty */
#ifndef WAN_PLANNER_PRIVATE_H
#define WAN_PLANNER_PRIVATE_H

#include "te/bookings.h"
#include "te/disjoint.h"
#include "te/optimise_lsp.h"
#include "te/segments.h"
#include "wan/planner.h"
#include "wan/report.h"

/* A path that is held: links by key, and where they are in the present network; TE_NONE: nowhere.
 */
struct held_path {
    uint32_t n;
    char **keys;
    uint32_t *links, *reverses;
};

struct held {
    struct tunnel *tunnel; /* key: its name */
    uint32_t number;
    bool standing; /* else it is only reserved */
    bool asleep;   /* nothing can be wrong with it: planner_look() passes it over */
    struct held_path paths[TUNNEL_PATHS];
    UT_hash_handle hh;
};

struct held_risk {
    char *key, *why;
    bool leave;
    UT_hash_handle hh;
};

struct planner_node {
    uint32_t router_id, index;
    UT_hash_handle hh;
};

struct planner {
    const struct ted_view *view; /* NULL: no network is known */
    const struct te_network *net;
    struct te_router *router;
    struct te_bookings *bookings;
    struct te_bookings *standing; /* of those alone that may push others aside */
    struct planner_node *nodes;   /* by router id */
    struct held *held;
    struct held_risk *risks; /* by key of the link */
    uint64_t *free_bps;      /* by link: room to write on */
    struct te_igp *igp;      /* NULL: not asked yet */
};

/* Of a link or its other direction; NULL: it is not at risk. */
const struct held_risk *planner_risk_of(const struct planner *, uint32_t link);
struct held *planner_held(const struct planner *, const char *tunnel); /* NULL: none */
/* What another planner holds of that tunnel, in place of what this one held. */
void planner_hold_as(struct planner *, const struct held *);
uint32_t planner_find_node(const struct planner *, uint32_t router_id); /* TE_NONE: none */
void planner_window(const struct tunnel *, const struct te_window **, uint32_t *n);

/* What a tunnel asks of each of its paths. What it points to is in the asking itself. */
struct asking {
    struct te_request request;
    struct te_hop *via;
    uint32_t n_via;
    uint32_t *exclude_nodes, *exclude_links, *exclude_srlgs;
};
/* ERR_INVALID: a router is not in the network. `free_bps` NULL: bandwidth does not matter. Free it
 * also on error. */
MUST_CHECK enum err planner_ask(struct planner *, const struct network *, const struct tunnel *,
                                bool apart, const uint64_t *free_bps, struct asking *,
                                struct diag *);
void asking_fini(struct asking *);
/* enum disjointness as te_disjoint() has it. */
unsigned planner_disjoint_flags(enum disjointness);
/* Does the path have all its links, both ways? */
bool planner_is_whole(const struct held_path *);
void planner_te_path(const struct held_path *, struct te_path *); /* borrows its links */
/* The links of a path as JSON, by place. NULL: not all are there, both ways. The caller frees it.
 */
uint32_t *planner_find_links(const struct planner *, const json_t *path, uint32_t *n);

/* As the inventory calls it, else as its routing protocol does. The caller owns it. */
json_t *planner_router_json(const struct network *model, const struct te_node *);
/* Links and routers of a row of links; and a path of a tunnel as planner.h says. The caller owns
 * both. ERR_NOT_FOUND: it has no labels. */
json_t *planner_links_json(const struct planner *, const struct network *model,
                           const uint32_t *links, uint32_t n);
MUST_CHECK enum err planner_path_json(struct planner *, const struct network *model,
                                      const struct te_path *, json_t **, struct diag *);
/* The labels of a path; NULL: there are none, `diag` says why. */
json_t *planner_labels_json(struct planner *, const uint32_t *links, uint32_t n, struct diag *);
/* Can the routers at both ends put the labels of this path on a packet? */
bool planner_can_label(struct planner *, const uint32_t *links, uint32_t n);
struct te_igp *planner_igp(struct planner *); /* of the present network */
/* The labels of links in a row, with whose they are; errors as planner_segments(). */
MUST_CHECK enum err planner_stack(struct planner *, const uint32_t *links, uint32_t n_links,
                                  struct planner_segment[PLANNER_SEGMENTS_MAX], size_t *n,
                                  struct diag *);
/* The way back, from the other ends of links in their order. The caller frees it. */
uint32_t *planner_turn(const uint32_t *reverses, uint32_t n);

#endif
