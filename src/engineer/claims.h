/* claims.h - what circuits allow, said in packets: which headers may enter where, and come out
 * where.
 *
 * This is the proof's own reading of a circuit. It shares no code with compile*.c, so that a
 * mistake in one is not believed by the other: a claim says nothing of groups or rules, and of
 * paths (trail.h) only what both to a receiver have in common, which is what may fail without a
 * fault. */
#ifndef ENGINEER_CLAIMS_H
#define ENGINEER_CLAIMS_H

#include "model/model.h"
#include "packet/rule.h"

struct claim_end {
    const struct node *node;
    uint32_t port;     /* a host's, or PORT_LOCAL */
    bool has_failover; /* of a receiver: there is a failover path to it */
};

/* What both paths to a receiver need: if it fails, nothing arrives there. One of the three. */
struct shared_element {
    uint32_t receiver; /* index into claim.to */
    const struct link *link;
    const struct node *node; /* not the ends */
    const char *risk;        /* of other links of each path */
};

struct claim {
    const struct circuit *circuit;
    const struct design *design;
    struct claim_end from;
    struct match sent;     /* in_port included */
    struct match received; /* without in_port */
    uint32_t n_to;
    struct claim_end *to;
    uint32_t n_shared, shared_capacity;
    struct shared_element *shared;
    bool arp;           /* answered where it enters */
    bool test;          /* the test conversation, not the circuit's own */
    bool failover_only; /* a test of the failover paths, to who has one: says nothing of failures */
};

struct claims {
    uint32_t n, capacity;
    struct claim *list;
};

/* Adds all claims of one circuit. ERR_NOT_FOUND: a host or node it names is not there. */
MUST_CHECK enum err claims_add(struct claims *, const struct network *, const struct circuit *,
                               const struct design *, struct diag *);
/* Sorts them, for claims_at(). */
void claims_sort(struct claims *);
/* The claims that enter at this port. */
const struct claim *claims_at(const struct claims *, const struct node *, uint32_t port,
                              uint32_t *n);
void claims_fini(struct claims *);

#endif
