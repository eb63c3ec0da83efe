/* bounds_private.h - what the parts of the bounds share: bounds_ways.c lays out one circuit,
 * bounds_layout.c all of them, bounds_solve.c solves, bounds.c answers, bounds_judge.c judges.
 *
 * Ways are laid out as steps. A step is a queue as it is reached over the same queues before it:
 * all circuits that come that way in that class share the step, and with it the least and the
 * greatest age of their frames there; their token buckets are added up in it. So the fixpoint's
 * turns cost as much as there are different ways, not circuits. Where a frame may have come one way
 * or another (over its primary path, or back from where it broke), a step has several parents. */
#ifndef ENGINEER_BOUNDS_PRIVATE_H
#define ENGINEER_BOUNDS_PRIVATE_H

#include "engineer/bounds.h"
#include "engineer/trail.h"

/* Amounts are in microbits: kbit/s * ns. An octet is this many. */
#define OCTET INT64_C(8000000)
#define NO_BOUND (INT64_MAX / 4) /* a time; sums of two fit */
#define WIRE_OVERHEAD 24         /* octets on the wire beyond a meter's */
#define VLAN_TAG 4

/* One direction of a link, 2 * link and one more for b to a; or a host's port, behind those. */
struct server {
    const struct node *node; /* that sends */
    const struct link *link; /* NULL: a host's port */
    uint32_t from, to;       /* nodes; a host's port: its node, NO_INDEX */
    uint32_t port;
    uint32_t kbps; /* 0: not known */
    nsec_t travel; /* the link's own delay */
};

#define SOURCE 0                    /* the step before the first */
#define SEVERAL (UINT32_C(1) << 31) /* a parent with this bit: where its list is in `parents` */

struct step {
    uint32_t parent;   /* a step; or several */
    uint32_t queue;    /* CLASS_MAX * server + class */
    uint32_t arrivals; /* with which it comes to that queue */
    uint32_t circuits;
    int64_t burst;      /* microbits, of all circuits, at their sources */
    int64_t rate;       /* kbit/s */
    nsec_t least, most; /* age of a frame when it comes to the queue */
};

/* What comes to a queue by one link: no faster than that carries. */
struct arrivals {
    uint32_t queue;
    uint32_t input; /* server; NO_INDEX: from this node, or by one of several links */
    uint32_t next;  /* arrivals of the same queue; NO_INDEX: none */
    uint32_t circuits;
    int64_t frame; /* the largest, microbits */
    int64_t rate;
    double burst; /* of this turn */
    double known; /* ... for which the queue's delay is; negative: none */
};

/* Open addressing: 32 bits of the hash, and an index plus one. */
struct index_table {
    uint64_t *slots;
    uint32_t n, mask;
};

struct words {
    uint32_t n, capacity;
    uint32_t *list;
};

/* Queues of links wait for each other; those of hosts' ports only for them, and nobody for those.
 * So the latter are no part of the fixpoint. */
enum part { PART_LINKS, PART_HOSTS, PART_MAX };

/* One of the two states: all ways, laid out; and its solution. */
struct plane {
    uint32_t n_steps, steps_capacity;
    struct step *steps;
    struct index_table by_parent; /* steps by parent and queue */
    struct words parents;         /* lists: how many, the steps, ascending */
    struct index_table by_list;   /* of those */
    uint32_t n_arrivals, arrivals_capacity;
    struct arrivals *arrivals;
    uint32_t n_link_queues;                                   /* those behind are of hosts' ports */
    struct words own_steps[PART_MAX], own_arrivals[PART_MAX]; /* by index, rising */
    uint32_t *first;                                          /* arrivals by queue */
    nsec_t *delay;   /* by queue: greatest, from frame in to frame out */
    nsec_t *backlog; /* by queue, octets */
    uint32_t turns;
};

/* Where a list is in the words of the bounds. */
struct span {
    uint32_t at, n;
};

/* Circuits of one class that take the same ways from one node to others. */
struct profile {
    uint32_t hash;
    struct span key;
    struct span steps[BOUNDS_STATE_MAX]; /* that all of a circuit passes */
    struct span tests;                   /* in NORMAL: that tests of its failover path pass */
    uint32_t n_ends;                     /* receivers */
    uint32_t ends[BOUNDS_STATE_MAX];     /* word: n_ends spans, of parents with which frames end */
    /* Sums over its circuits. */
    uint32_t circuits;
    int64_t burst, rate, test_burst, test_rate, frame;
};

/* What a circuit sends, on the wire. */
struct load_curve {
    int64_t burst, rate, frame; /* microbits, kbit/s, microbits */
    int64_t test_burst, test_rate;
};

struct delivery {
    uint32_t way;  /* of the circuit: direction, or subscriber */
    uint32_t step; /* at the host's port; if those do not count, what leads there */
};

struct entry {
    const struct circuit *circuit;
    uint32_t number;      /* of its design */
    uint32_t profiles[2]; /* NO_INDEX: none; [1]: back */
    uint32_t deliveries[BOUNDS_STATE_MAX], n_deliveries[BOUNDS_STATE_MAX];
    struct load_curve curve;
    bool gone;
};

struct name_index {
    struct index_table index;
    const char **names;
};

struct bounds {
    const struct network *network;
    struct bounds_parameters parameters;
    uint32_t n_nodes, n_links, n_hosts, n_servers;
    const struct node **nodes;
    const struct link **links;
    const struct host **hosts;
    uint32_t *host_nodes; /* NO_INDEX: attached nowhere */
    struct name_index node_names, link_names, host_names;
    struct server *servers;
    struct words words; /* keys, lists of steps and ends */
    uint32_t n_profiles, profiles_capacity;
    struct profile *profiles;
    struct index_table by_key;
    uint32_t n_entries, entries_capacity;
    struct entry *entries;
    struct index_table by_name; /* entries */
    uint32_t n_deliveries[BOUNDS_STATE_MAX], deliveries_capacity[BOUNDS_STATE_MAX];
    struct delivery *deliveries[BOUNDS_STATE_MAX];
    struct plane planes[BOUNDS_STATE_MAX];
};

static inline struct server *
server_of(const struct bounds *b, uint32_t queue)
{
    return &b->servers[queue / CLASS_MAX];
}

/* ---- bounds_layout.c ---- */

/* Adds what a circuit sends to its steps, `sign` times; the profiles' sums stay as they are. */
void apply_curve(struct bounds *, const struct entry *, int sign);
/* Lays a circuit out, without what it sends: that is for apply_curve(). */
MUST_CHECK enum err lay_out_circuit(struct bounds *, const struct circuit *, const struct design *,
                                    struct entry *, struct diag *);
uint32_t find_entry(const struct bounds *, const char *name); /* NO_INDEX: none */
void put_entry(struct bounds *, const struct entry *);

/* ---- bounds_solve.c ---- */

/* From the delays as they are (none of them too great) upwards. */
void solve_on(struct bounds *, enum bounds_state);
/* From nothing. */
void solve_anew(struct bounds *, enum bounds_state);

/* When a frame gets to the end of a way: behind the queues and links of these parents. */
nsec_t greatest_age(const struct bounds *, enum bounds_state, uint32_t parent, uint32_t *by);
nsec_t least_age(const struct bounds *, enum bounds_state, uint32_t parent);
/* What a frame takes at least from a queue to the next node. */
nsec_t least_passage(const struct bounds *, uint32_t queue);
/* Of the greatest delay of a queue, which part is due to whom; octets that may wait in it. */
struct delay_parts {
    nsec_t blocked, above, beside, sending;
    uint64_t backlog;
};
void split_delay(const struct bounds *, enum bounds_state, uint32_t queue, struct delay_parts *);
/* By its class and those above. */
uint64_t asked_kbps(const struct bounds *, enum bounds_state, uint32_t queue);
uint32_t circuits_in(const struct bounds *, enum bounds_state, uint32_t queue);

/* ---- bounds.c ---- */

/* The greatest delay of a circuit in a state, over all ways; NSEC_NEVER: there is no bound. */
nsec_t worst_of(const struct bounds *, enum bounds_state, const struct entry *);
void result_of(const struct bounds *, enum bounds_state, const struct entry *,
               struct bounds_result *);

#endif
