/* prove_private.h - shared by prove.c (what must hold) and prove_walk.c (what the tables do). */
#ifndef ENGINEER_PROVE_PRIVATE_H
#define ENGINEER_PROVE_PRIVATE_H

#include "base/hash.h"
#include "engineer/claims.h"
#include "engineer/prove.h"

/* A rule, and the place in its node's order of priorities. */
struct proved_flow {
    const struct flow *flow;
    bool forwards; /* may send a packet anywhere but to the controller */
};

/* Flows with the same mask. They are hashed by what classes nearly always specify, and not by
 * ports: a class that leaves the client's port open would have to look into every slot otherwise.
 */
struct flow_tuple {
    struct flow_key mask, hashed;
    uint32_t n_slots;            /* a power of two */
    uint32_t *slots;             /* index into flows + 1; 0: empty. Chained by `next` */
    uint32_t members;            /* the same of all of them; chained by `next_member` */
    struct flow_key same, value; /* the bits that all of them ask for alike, and what they ask */
};

struct proved_node {
    const struct node *node;
    uint32_t n_flows, capacity;
    struct proved_flow *flows; /* by falling priority */
    uint32_t *next;            /* the next flow of the same slot + 1 */
    uint32_t *next_member;     /* ... of the same tuple */
    uint32_t n_tuples;
    struct flow_tuple *tuples;
    const struct group **groups;
    uint32_t n_groups, groups_capacity;
    const struct meter **meters;
    uint32_t n_meters, meters_capacity;
    /* By port number: what is there. */
    struct proved_port {
        uint32_t number;
        uint32_t link, far_node, far_port; /* link NO_ELEMENT: not a link */
        bool host;
    } * ports;
    uint32_t n_ports;
};

#define NO_ELEMENT UINT32_MAX

struct prover {
    const struct network *network;
    uint32_t n_nodes, n_links;
    struct proved_node *nodes; /* by name */
    const struct link **links; /* by name */
    bool sorted;
};

/* What has failed. */
struct failure {
    uint32_t link, node; /* NO_ELEMENT: none */
    const char *risk;    /* all links of this shared-risk group; NULL: none */
};

/* One packet class on its way. */
struct state {
    uint32_t node, in_port;
    struct match cube;
    struct {
        uint64_t vid, vid_mask, pcp, pcp_mask;
    } saved[2]; /* tags below the outermost, as far as known */
    uint8_t n_saved;
    uint32_t queue;
};

/* The way it came, for reports and for finding loops. */
struct step {
    const struct step *before;
    const struct state *state;
    const struct flow *flow;
    uint32_t depth;
};

struct walk {
    struct prover *prover;
    struct failure failure;
    /* Told what happens. `step` is the last one. */
    void (*delivered)(struct walk *, const struct step *, uint32_t node, uint32_t port,
                      const struct match *cube);
    void (*forwarded)(struct walk *, const struct step *, uint32_t queue); /* over a link */
    void (*trouble)(struct walk *, const struct step *, enum violation_kind, const char *what);
    /* Every link and node whose failure could have changed what happened. */
    bool *touched_links, *touched_nodes; /* NULL: nobody asks */
    void *arg;
    uint64_t steps;
    uint32_t budget; /* steps left: nothing can keep a proof busy for ever */
};

static inline uint64_t
hash_masked(const struct flow_key *key, const struct flow_key *mask)
{
    uint64_t h = 0;
    for (int i = 0; i < FLOW_KEY_WORDS; i++)
        h = hash_add(h, key->words[i] & mask->words[i]);
    return hash_mix(h);
}

/* A class cut up: what is left of it when others have taken their parts. */
#define MAX_PIECES 512 /* beyond, it counts as all of it */
struct pieces {
    uint32_t n;
    struct match cubes[MAX_PIECES];
    bool overflow;
};
void pieces_start(struct pieces *, const struct match *whole);
void pieces_subtract(struct pieces *, const struct match *taken);

/* Follows a class from where it enters. */
void walk_run(struct walk *, const struct state *);
/* Carries out one given rule on the class, and follows it from there. */
void walk_rule(struct walk *, const struct state *, const struct flow *);

uint32_t prover_node(const struct prover *, const char *name); /* NO_ELEMENT: none */
const struct meter *proved_meter(const struct proved_node *, uint32_t meter_id);
const struct proved_port *proved_port(const struct proved_node *, uint32_t number);
bool link_is_down(const struct prover *, const struct failure *, uint32_t link);

#endif
