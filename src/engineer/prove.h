/* prove.h - does a network with these tables pass exactly what its circuits allow?
 *
 * Every class of packets that any rule lets in at a host's port (or a node's own) is followed
 * through the tables of all nodes, with its headers as they change. Proved, or refuted by a packet:
 *
 *   nothing else   a class that gets in is allowed there by a circuit, found by its header, and
 * comes out only where and as the circuit says everything     what a circuit allows arrives at
 * every receiver no loop        no packet comes to the same node by the same port with the same
 * headers again kept in bounds it passes the circuit's meter where it enters, and uses its class's
 * queue after failure  all of it again for each link, node and shared-risk group that it could
 * meet, failing alone; a receiver may be missed only where the design has said that its paths share
 *                  the failed element, or where there is no failover path
 *
 * The tables may be a plan's, or read back from devices. Pure. */
#ifndef ENGINEER_PROVE_H
#define ENGINEER_PROVE_H

#include "engineer/plan.h"

enum violation_kind {
    VIOLATION_LEAK, /* passes something no circuit allows */
    VIOLATION_LOSS, /* a circuit's packets do not arrive */
    VIOLATION_LOOP,
    VIOLATION_UNMETERED, /* no meter, or not the circuit's */
    VIOLATION_QUEUE,     /* not the class's queue */
    VIOLATION_UNJUDGED,  /* a rule does what this proof cannot follow; it counts as a leak */
    VIOLATION_MAX
};

const char *violation_name(enum violation_kind); /* "leak"; static */

struct violation {
    enum violation_kind kind;
    char *circuit; /* the one that is harmed or should allow it; NULL: none */
    char *node;    /* where the rule is */
    char *rule;    /* as flow_format() writes it; NULL: it is the absence of a rule */
    char *packet;  /* a packet that shows it, as match_format() writes it */
    char *path;    /* "a1 > a2 > b1" as far as it got */
    char *failure; /* "link a1-a2"; NULL: with everything up */
    char *text;    /* one sentence */
};

struct proof {
    uint32_t n, capacity;
    struct violation *violations;
    bool truncated; /* there are more than `limit` */
    /* What it looked at. */
    uint64_t circuits, rules, classes, walks, failures, steps;
};

void proof_fini(struct proof *);
/* For a person: a line per violation, or that there are none; and the numbers. */
void proof_format(const struct proof *, struct buf *);

struct prover; /* tables to be judged */

struct prover *prover_new(const struct network *);
void prover_free(struct prover *);
/* Adds one rule of a node; it must stay alive. ERR_NOT_FOUND: the network has no such node. */
MUST_CHECK enum err prover_add(struct prover *, const char *node, const struct rule *);
/* All rules of a plan. */
MUST_CHECK enum err prover_add_plan(struct prover *, const struct plan *);

/* Judges the tables against all circuits of the network that have a design. Stops after `limit`
 * violations (0: 100). ERR_NOT_FOUND: a circuit names what is not there. */
MUST_CHECK enum err prover_run(struct prover *, uint32_t limit, struct proof *, struct diag *);

/* The usual case: is this plan right for this network? */
MUST_CHECK enum err prove_plan(const struct network *, const struct plan *, struct proof *,
                               struct diag *);

#endif
