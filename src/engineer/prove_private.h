/* prove_private.h - shared by prove.c (what must hold), prove_network.c, prove_tables.c and
 * prove_circuits.c (what is being judged), prove_walk.c and prove_graph.c (what the tables do), and
 * prove_been.c, and prove_report.c (what is said of it).
 *
 * Failures are lanes. A class of packets is followed once, with a word of 64 bits that says in
 * which cases it gets as far as this: with everything up, with the first, the second, ... of the
 * elements that it could meet failed, or with any of them. A port takes the lanes in which it is
 * down out of the word, a fast-failover group shares them out among its buckets. So one walk judges
 * what would be a walk for every single failure. An element gets its lane when the class first
 * meets it with everything up: what is met only after another failure is a second one, and alone
 * changes nothing. More than LANES_FAILURE elements are judged in several rounds.
 *
 * The last lane stands for any number of failures at once: it takes every bucket of every group,
 * and every rule that could be chosen where the standard leaves the choice. What neither leaks nor
 * loops there does not do so whatever breaks, in whatever order.
 *
 * A rule that a claim's walk has come by, and the place where it found none, know the claim as
 * their user. When one of them changes, or a group or meter that it names, its users are judged
 * again, and nothing else is. */
#ifndef ENGINEER_PROVE_PRIVATE_H
#define ENGINEER_PROVE_PRIVATE_H

#include "engineer/claims.h"
#include "engineer/cubes.h"
#include "engineer/prove.h"

#include <uthash.h>

#define NO_ELEMENT UINT32_MAX

#define LANE_UP UINT64_C(1)          /* nothing has failed */
#define LANE_ANY (UINT64_C(1) << 63) /* anything may have */
#define LANES_FAILURE 62
#define LANES_ALL UINT64_MAX
#define WHEN_SEVERAL_FAIL "several failures at once" /* what the last lane is called */
#define WHEN_MIXED "some rules old and some new"     /* ... during an update */

struct judged;
struct walk;
struct step;
struct state;
struct graph_of_ways;
struct been;
struct sketch;

/* One more claim whose walk has been here. */
struct use {
    struct judged *by;
    struct use *next, **previous_at;
};

/* A rule, or the absence of one, that walks come by. Nearly all have one claim's, which costs no
 * memory. */
struct element {
    struct judged *user; /* NULL: none */
    struct use *more;
    uint64_t seen; /* the last walk that came by */
};

/* What a claim's walk has come by. */
struct used {
    struct element *element;
    struct use *use; /* NULL: it is the element's `user` */
};

struct violations {
    uint32_t n;     /* kept, at most VIOLATIONS_KEPT */
    uint32_t found; /* also those not kept */
    struct violation *list;
    struct violations *next, **previous_at; /* of all that stand */
};
#define VIOLATIONS_KEPT 16 /* per claim, per rule */
#define VIOLATIONS_KEPT_IN_ALL 10000

struct proved_flow {
    struct cube_item item; /* the first member: an item is its flow */
    struct element element;
    const struct flow *flow;
    const struct flow *old; /* during an update: what it may still be; NULL: nothing else */
    bool goes;              /* ... and it is taken out at the end */
    uint64_t replaced;      /* the prover's number of changes when it last became another */
    uint32_t node;
    bool forwards; /* may send a packet anywhere but to the controller */
    bool entry_is_dirty;
    bool odd; /* what it lets in is not one circuit's: judged again when its node changes */
    uint32_t n_classes; /* ports where it lets something in */
    struct proved_flow *next_dirty, **previous_dirty_at;
    struct proved_flow *next_odd, **previous_odd_at;
    struct violations *leaks; /* NULL: none */
};

struct proved_group {
    uint32_t group_id;
    const struct group *group; /* NULL: a rule names it, but it is not there */
    const struct group *old;   /* during an update: what it may still be */
    bool looked_at;            /* by any walk */
    UT_hash_handle hh;
};

struct proved_meter {
    uint32_t meter_id;
    const struct meter *meter; /* NULL: likewise */
    const struct meter *old;
    bool looked_at;
    UT_hash_handle hh;
};

struct proved_port {
    uint32_t number;
    uint32_t link, far_node, far_port; /* link NO_ELEMENT: not a link */
    const struct host *host;
    struct cubes claims; /* what may enter here, if it is not a link; items: struct judged */
};

/* The link behind a port, and where it leads; NO_ELEMENT: it is no link's. */
struct far_end {
    uint32_t link, node;
};

static inline struct far_end
far_end(const struct proved_port *port)
{
    return (struct far_end){port->link, port->far_node};
}

struct numbers {
    uint32_t n, capacity;
    uint32_t *list;
};

struct proved_node {
    const struct node *node;
    struct cubes flows;     /* of table 0; items: struct proved_flow */
    struct cubes unreached; /* of other tables, where nothing gets without a goto */
    struct proved_group *groups;
    struct proved_meter *meters;
    struct numbers changed_groups, changed_meters; /* whose namers are not marked yet */
    struct proved_flow *odd;
    struct element miss; /* the absence of a rule */
    uint32_t n_ports;
    struct proved_port *ports; /* by number; LOCAL is the last */
};

struct proved_link {
    const struct link *link;
    uint32_t n_risks;
    uint32_t *risks; /* index into the prover's risks */
};

enum failure_kind { FAILS_LINK, FAILS_NODE, FAILS_RISK, FAILS_KINDS };

struct failure {
    enum failure_kind kind;
    uint32_t index;
};

#define REPLACED_KEPT 8

/* A circuit, and all its claims. */
struct judged_circuit {
    const struct circuit *circuit;
    const struct design *design;
    struct claims claims;
    struct judged *judged; /* an array, one per claim */
    UT_hash_handle hh;     /* key: the circuit's name */
};

struct judged {
    struct cube_item item; /* the first member; of the port where it enters */
    const struct claim *claim;
    uint32_t node;            /* where it enters, */
    struct proved_port *port; /* and by which port */
    uint32_t n_used, used_capacity;
    struct used *used;
    struct judged *next_dirty;
    bool dirty;
    bool anew; /* more has changed than what rules do that took its packets before */
    struct graph_of_ways *ways; /* prove_graph.c; NULL: not drawn yet */
    bool provisional;    /* judged during an update: only for what must hold in any mixture */
    uint32_t n_failures; /* elements it meets */
    struct failure *failures;
    uint32_t n_steps;
    struct violations *violations; /* NULL: none */
};

/* What has arrived at a receiver. */
struct arrivals {
    uint64_t whole; /* lanes in which all of the class has arrived at once */
    uint64_t any;   /* ... in which some of it has */
    uint32_t n, capacity;
    struct arrival {
        uint64_t lanes;
        struct match cube;
    } * parts;
};

struct prover {
    const struct network *network;
    uint32_t n_nodes, n_links, n_risks;
    struct proved_node *nodes; /* by name */
    uint32_t n_name_slots;     /* a power of two */
    struct name_slot {
        uint64_t hash;
        uint32_t node; /* + 1; 0: empty */
    } * name_slots;
    struct proved_link *links; /* by name */
    char **risks;              /* by name; the links' own texts */
    struct judged_circuit *circuits;
    struct judged *dirty;
    struct proved_flow *dirty_flows;
    struct numbers named_at; /* nodes with groups or meters that have changed */
    bool step_by_step;       /* nothing is drawn: for tests */
    bool updating;
    struct changing {
        uint32_t n, capacity;
        struct changing_rule {
            uint32_t node;
            struct proved_flow *flow; /* the one that is not NULL */
            struct proved_group *group;
            struct proved_meter *meter;
        } * list;
    } changing;
    struct {
        uint32_t n, capacity;
        struct judged **list;
    } provisional;
    uint64_t n_changes;  /* of rules that were replaced */
    uint32_t n_replaced; /* since all was judged; more than REPLACED_KEPT: they are not all there */
    struct proved_flow *replaced[REPLACED_KEPT];
    uint64_t n_flows, n_claims, n_violations; /* violations: standing, also those not kept */
    struct violations *violations;            /* all that stand */
    uint32_t n_kept;

    struct use *free_uses;
    struct use_block *use_blocks;
    uint32_t n_used, used_capacity; /* by the walk that is under way */
    struct used *used;
    /* Scratch. */
    uint64_t walk_number;
    struct lane_number {
        uint64_t walk;
        uint32_t number;
    } * lane_numbers[FAILS_KINDS]; /* by link, node, risk */
    struct failure *failures;
    uint32_t n_failures, failures_capacity;
    struct arrivals *arrivals;
    uint32_t arrivals_capacity;
    uint64_t *guards;
    uint32_t guards_capacity;
    struct cube_list found;
    struct spare_pieces *spare_pieces;
    struct been *been;     /* NULL: no walk has asked yet */
    struct sketch *sketch; /* prove_graph.c; NULL: nothing was drawn yet */
};

/* ---- prove_network.c ---- */

uint32_t prover_node(const struct prover *, const char *name);                /* NO_ELEMENT: none */
struct proved_port *proved_port(const struct proved_node *, uint32_t number); /* NULL: none */

/* ---- prove_circuits.c ---- */

void forget_circuit(struct prover *, struct judged_circuit *);

/* ---- prove_tables.c ---- */

/* Made if it is not there: its absence can be looked at too. */
struct proved_group *proved_group(struct proved_node *, uint32_t group_id);
struct proved_meter *proved_meter(struct proved_node *, uint32_t meter_id);

/* Anything but "to the controller" and "nowhere"? */
bool flow_forwards(const struct flow *);
void mark_dirty(struct prover *, struct judged *);
void mark_users_dirty(struct prover *, const struct element *);
void mark_entry_dirty(struct prover *, struct proved_flow *);
/* Who may come by groups and meters that have changed. */
void mark_named(struct prover *);
void set_odd(struct prover *, struct proved_flow *, bool odd);
/* Those of a node that meet what has changed. */
void mark_odd_dirty(struct prover *, const struct proved_node *, const struct match *changed);
void drop_uses(struct prover *, struct judged *); /* it uses nothing any more */
/* A walk begins; comes by this element; has ended. */
void begin_uses(struct prover *, struct judged *);
void note_use(struct prover *, struct judged *, struct element *);
void end_uses(struct prover *, struct judged *);

/* ---- prove.c ---- */

/* A claim that is being judged. */
struct judging {
    struct prover *prover;
    struct judged *judged;
    const struct claim *claim;
    struct proved_port *entry;
    bool silent;     /* a question: nothing is reported, */
    bool complained; /* but that it would have been */
};

/* What a walk or a drawing tells; each reports what is wrong. */
void judging_taken(struct walk *, const struct step *, const struct state *, bool forwards);
void judging_forwarded(struct walk *, const struct step *, const struct state *);
void judging_delivered(struct walk *, const struct step *, const struct state *, uint32_t port);
void judging_trouble(struct walk *, const struct step *, const struct state *, enum violation_kind,
                     const char *what);
void judging_twice(struct walk *, const struct step *, const struct state *);
/* Which receiver gets this at this port; NO_ELEMENT: none, or not with these headers. `whole`: all
 * of the claim's class at once. */
uint32_t judging_receiver(const struct judging *, const struct state *, uint32_t port, bool *whole);

/* The lanes in which nothing may come a second time. The failover paths of a multicast may join
 * again, so a frame that takes them may be doubled: while something is broken, and in their own
 * tests. */
static inline uint64_t
lanes_once(const struct claim *claim)
{
    if (claim->circuit->kind == CIRCUIT_IP)
        return ~LANE_ANY;
    return claim->failover_only ? 0 : LANE_UP;
}

/* Would all of the claim arrive if this alone had failed? It is an element the claim meets. */
bool claim_survives(struct prover *, struct judged *, const struct failure *);

/* ---- prove_walk.c ---- */

/* A tag below the outermost, as far as it is known. */
struct saved_tag {
    uint64_t vid, vid_mask, pcp, pcp_mask;
};
#define SAVED_TAGS 2
#define WALK_DEPTH_MAX 1000 /* nodes in a row */
#define WALK_BUDGET 100000  /* places and buckets of one class */

/* One packet class on its way. */
struct state {
    uint64_t lanes;
    uint32_t node, in_port;
    uint32_t queue;
    uint8_t n_saved;
    struct saved_tag saved[SAVED_TAGS];
    struct match cube;
};

/* The way it came, for reports and for finding loops. */
struct step {
    const struct step *before;
    const struct state *state;
    const struct flow *flow; /* NULL: not looked up yet */
    uint32_t depth;
};

struct walk {
    struct prover *prover;
    struct judged *by;
    uint32_t entry_node; /* where the class enters: it does not fail */
    bool with_failures;  /* elements get lanes */
    uint32_t round;      /* which of the elements have lanes */
    uint32_t choice;     /* which bucket a select group takes first */
    uint32_t choices;    /* how many there are at most */
    /* Told what happens. `step` is the last one. */
    /* By a rule, which may forward it; or by none (step->flow is NULL). */
    void (*taken)(struct walk *, const struct step *, const struct state *, bool forwards);
    void (*delivered)(struct walk *, const struct step *, const struct state *, uint32_t port);
    void (*forwarded)(struct walk *, const struct step *, const struct state *);
    void (*trouble)(struct walk *, const struct step *, const struct state *, enum violation_kind,
                    const char *what);
    /* Set by who draws the ways instead of following them (prove_graph.c); NULL otherwise. */
    void (*leaving)(struct walk *, const struct step *, const struct state *,
                    const struct proved_port *);
    void (*buckets)(struct walk *, const struct step *, const struct state *, const struct group *,
                    int depth);
    void (*rule)(struct walk *, const struct state *, struct proved_flow *, bool all);
    void (*drop)(struct walk *, const struct state *);
    void *arg;
    bool aside; /* a question: nobody becomes a user */
    bool once;  /* only the lane of anything: where it has been it does not go on again */
    uint64_t steps;
    uint32_t budget; /* steps left: nothing can keep a proof busy for ever */
};

/* Follows a class from where it enters. */
void walk_run(struct walk *, const struct state *);
/* Looks a class up, and has the rules carried out that take it; runs a rule's actions, a bucket's.
 */
void walk_take(struct walk *, const struct state *);
void walk_actions(struct walk *, const struct step *, const struct state *, const struct flow *);
void walk_bucket(struct walk *, const struct step *, const struct state *, const struct bucket *,
                 int depth);
/* Of these lanes: in which the bucket is live, in which the port is down. */
uint64_t walk_live(struct walk *, struct proved_node *, const struct bucket *, uint64_t lanes);
uint64_t walk_down(struct walk *, struct far_end, uint64_t lanes);
/* The lane of the number-th element in this round; 0: it has none. */
uint64_t walk_lane(const struct walk *, uint32_t number);

struct pieces *pieces_take(struct prover *); /* from those that are spare */
void pieces_give(struct prover *, struct pieces *);

/* ---- prove_been.c ---- */

void been_begin(struct prover *);                      /* a walk */
bool been_here(struct prover *, const struct state *); /* and notes that it has */
void been_free(struct been *);                         /* NULL is fine */

/* ---- prove_report.c ---- */

/* Takes over what is in the violation. */
void violations_add(struct prover *, struct violations **, struct violation *);
void violations_clear(struct prover *, struct violations **);
char *cube_text(const struct match *);
char *flow_text(const struct flow *);
char *path_text(const struct prover *, const struct step *);
/* What a packet that is in this cube at this step looked like when it entered the network. */
void entering_cube(const struct prover *, const struct step *, const struct match *cube,
                   struct match *entering);
char *entering_text(const struct prover *, const struct step *, const struct match *cube);
char *failure_text(const struct prover *, const struct failure *);

#endif
