/* prove.h - does a network with these tables pass exactly what its circuits allow?
 *
 * Every class of packets that any rule lets in at a host's port (or a node's own) is followed
 * through the tables of all nodes, with its headers as they change. Proved, or refuted by a packet:
 *
 *   nothing else    a class that gets in is allowed there by circuits, found by its header, and
 * comes out only where and as they say everything      what a circuit allows arrives at every
 * receiver, and once (a multicast may arrive twice while something is broken); nothing of it goes
 * astray no loop         no packet comes to the same node by the same port with the same headers
 * again kept in bounds  it passes the circuit's meter where it enters and no other, and uses its
 * class's queue after failure   all of it again for each link, node and shared-risk group that it
 * could meet, failing alone; a receiver may be missed only where the design has said that its paths
 * share the failed element, or where there is no failover path. Nothing else and no loop also hold
 * after any number of failures at once
 *
 * A prover is kept: rules and circuits are put in and taken out one by one, and only what a change
 * could matter to is judged again; microseconds for one rule (make bench BENCH=prove). What stands
 * is the same in whatever order it came.
 *
 * The tables may be a plan's, or read back from devices. Pure; one thread at a time. */
#ifndef ENGINEER_PROVE_H
#define ENGINEER_PROVE_H

#include "engineer/plan.h"

enum violation_kind {
    VIOLATION_LEAK, /* passes something no circuit allows */
    VIOLATION_LOSS, /* a circuit's packets do not arrive */
    VIOLATION_LOOP,
    VIOLATION_UNMETERED, /* no meter, or not the circuit's */
    VIOLATION_QUEUE,     /* not the class's queue */
    VIOLATION_TWICE,     /* a receiver gets the same packet again */
    VIOLATION_STRAY,     /* packets go where no rule takes them any further */
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
    char *failure; /* "link a1-a2", "several failures at once", during an update
                      "some rules old and some new"; NULL: with everything up */
    char *text;    /* one sentence */
};

struct proof {
    uint32_t n;
    struct violation *violations; /* by circuit, kind, node */
    bool truncated;               /* there are more */
    /* What it looked at. */
    uint64_t circuits, rules, classes, walks, failures, steps;
    uint64_t idle; /* rules that would forward, but that no packet can reach */
};

void proof_fini(struct proof *);
/* For a person: a line per violation, or that there are none; and the numbers. */
void proof_format(const struct proof *, struct buf *);

struct prover; /* tables to be judged, and what they should do */

/* Of the nodes, ports, links and hosts of this network, which must stay as they are. No rules and
 * no circuits yet. Never NULL. */
struct prover *prover_new(const struct network *);
void prover_free(struct prover *); /* NULL is fine */

/* Adds a rule to a node, in place of the same one (rule_same()) if it is there. It must stay alive
 * and unchanged until it is replaced or removed; in an update, until that has ended. ERR_NOT_FOUND:
 * the network has no such node. */
MUST_CHECK enum err prover_put(struct prover *, const char *node, const struct rule *);
/* Takes the same rule out. ERR_NOT_FOUND: there is no such node or rule. */
MUST_CHECK enum err prover_remove(struct prover *, const char *node, const struct rule *);
/* All rules of a plan. */
MUST_CHECK enum err prover_put_plan(struct prover *, const struct plan *);

/* What the circuit states is to pass from now on, on the design's paths; both must stay alive and
 * unchanged until prover_forbid(). ERR_NOT_FOUND: it names what is not there. ERR_EXISTS. */
MUST_CHECK enum err prover_allow(struct prover *, const struct circuit *, const struct design *,
                                 struct diag *);
enum err prover_forbid(struct prover *, const char *circuit); /* ERR_NOT_FOUND */
/* All circuits of the network that have a design. */
MUST_CHECK enum err prover_allow_all(struct prover *, struct diag *);

/* An update: from here to its end, every rule put or removed may be there already or still, in any
 * mixture with the others. Judged meanwhile, no packet may leak or loop in any mixture, whatever
 * fails; that everything arrives is judged before and after. A circuit that goes is forbidden when
 * the update has ended. On a node, groups and meters are there before the flows that name them. Of
 * a rule that becomes another more than once, only the first and the last count: judge in between.
 */
void prover_begin_update(struct prover *);
void prover_end_update(struct prover *);

/* Judges what has changed. How many violations stand: 0, it is proved. */
uint64_t prover_judge(struct prover *);
/* What stood at the last prover_judge(), at most `limit` violations (0: all that were kept: 16 per
 * circuit's conversation and per rule, 10,000 in all). It looks at all rules. */
void prover_report(struct prover *, uint32_t limit, struct proof *);
/* The same without `classes`, `failures`, `steps` and `idle`: it looks at nothing but what stands.
 */
void prover_violations(struct prover *, uint32_t limit, struct proof *);

/* The usual case: is this plan right for this network? */
MUST_CHECK enum err prove_plan(const struct network *, const struct plan *, struct proof *,
                               struct diag *);

#endif
