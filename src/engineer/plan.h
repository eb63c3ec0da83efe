/* plan.h - all rules of the network, per node: what the devices should hold.
 *
 * A plan grows and shrinks circuit by circuit; a rule that several circuits need (an ARP answer, a
 * group) is there once and counted. Each step says what changes, so that a controller sends only
 * that. The plan of the same network and circuits is the same, whatever the order they came in. */
#ifndef ENGINEER_PLAN_H
#define ENGINEER_PLAN_H

#include "engineer/compile.h"
#include "engineer/ruleset.h"

struct plan;

struct plan_change {
    const char *node;
    bool add; /* false: it goes away */
    struct rule rule;
};

/* What a step changed, in the order meters, groups, flows for what is added, and the reverse for
 * what goes. The rules are kept alive until plan_changes_free(). */
struct plan_changes {
    uint32_t n, capacity;
    struct plan_change *list;
};
void plan_changes_free(struct plan_changes *);
/* Puts `more` behind `all`, in the order in which they came, and empties it. For many circuits: a
 * step sorts the list it is given. */
void plan_changes_append(struct plan_changes *all, struct plan_changes *more);

struct plan *plan_new(void);
void plan_free(struct plan *);

/* Adds what every node has by itself (compile_node). ERR_EXISTS: the node is there already. */
MUST_CHECK enum err plan_add_node(struct plan *, const struct node *, struct plan_changes *,
                                  struct diag *);
void plan_remove_node(struct plan *, const struct node *, struct plan_changes *);

/* Adds a circuit's rules. On error the plan is as it was: ERR_CONFLICT: a rule for the same packets
 * that does something else is there, which the text names; others as compile_circuit(). */
MUST_CHECK enum err plan_add_circuit(struct plan *, const struct network *, const struct circuit *,
                                     const struct design *, struct plan_changes *, struct diag *);
/* Takes a circuit's rules out. The network, circuit and design must be what they were when it was
 * added. `changes` may be NULL here and above. */
void plan_remove_circuit(struct plan *, const struct network *, const struct circuit *,
                         const struct design *, struct plan_changes *);

/* The plan of a network: all its nodes, and the circuits of all its designs. */
MUST_CHECK enum err plan_network(const struct network *, struct plan **, struct diag *);

/* The rules of a node, not to be changed; NULL: it is not in the plan. */
const struct ruleset *plan_ruleset(const struct plan *, const char *node);
/* The same as a list in canonical order; free(list). */
void plan_rules(const struct plan *, const char *node, struct rule_list *);
/* The names of all nodes that have rules, sorted; free() the array. */
uint32_t plan_nodes(const struct plan *, const char ***names);

struct plan_size {
    uint32_t nodes, flows, groups, meters;
};
void plan_get_size(const struct plan *, struct plan_size *);

#define PLAN_HASH_SIZE 65 /* SHA-256 in hex and a NUL */
/* What approvals are bound to: a hash over every change, its node and its rule, in canonical order.
 */
void plan_changes_hash(const struct plan_changes *, char text[PLAN_HASH_SIZE]);
/* One line per change, "+ a1 table=0,priority=1000 ...", in that order. */
void plan_changes_format(const struct plan_changes *, struct buf *);

#endif
