/* draft.h - what an order is about to build, as a compact document that its steps hand on: the
 * designs of its circuits, and the hash of all the rules they make.
 *
 *     {"hash": "9f0c...", "designs": [design, ...]}     designs as in schema/tieline-circuit.yang
 *
 * The rules themselves are not in it. They are a function of the network, the circuits and the
 * designs, and made again wherever they are needed; the hash says whether they are still those that
 * people approved. It covers the rules of these circuits alone, so what other orders do meanwhile
 * changes nothing. Pure. */
#ifndef ORCHESTRATE_DRAFT_H
#define ORCHESTRATE_DRAFT_H

#include "engineer/bounds_json.h"
#include "engineer/plan.h"
#include "engineer/proof_json.h"

#include <jansson.h>

/* Designs the circuits named (a list of texts) within what the network has left, and puts the
 * designs into it. On error the network is spoilt. ERR_NOT_FOUND: there is no such circuit;
 * ERR_EXISTS: one has a design already; errors of designer_add() and plan_add_circuit(). The caller
 * owns the draft. */
MUST_CHECK enum err draft_make(struct network *, const json_t *circuits, json_t **draft,
                               struct diag *);

/* Puts the draft's designs into the network. On error it is spoilt. ERR_MALFORMED: not a draft.
 * ERR_CONFLICT: a number is another circuit's by now, a circuit has another design, or a link has
 * no capacity left. */
MUST_CHECK enum err draft_put(struct network *, const json_t *draft, struct diag *);

/* Puts what other orders have designed but not reserved into the network, so that a new design
 * leaves it alone. What does not fit any more is left out: it will fail on its own. */
void draft_hold(struct network *, const json_t *draft);

/* All rules of the draft's circuits, by the designs in the network; plan_changes_free() them.
 * `size` may be NULL. ERR_NOT_FOUND: a circuit or its design is not there; errors of
 * plan_add_circuit(). */
MUST_CHECK enum err draft_rules(const struct network *, const json_t *draft, struct plan_changes *,
                                struct plan_size *size, struct diag *);

/* Do the designs in the network make the rules of the draft's hash? ERR_CONFLICT: they do not;
 * `diag` gives both. */
MUST_CHECK enum err draft_check(const struct network *, const json_t *draft, struct diag *);

const char *draft_hash(const json_t *draft); /* NULL: not a draft */
size_t draft_size(const json_t *draft);      /* circuits */
/* The name of a circuit of it; NULL: not a draft. */
const char *draft_circuit(const json_t *draft, size_t index);

/* For the approvers: how many circuits, nodes, rules; the paths (of the first DRAFT_SHOWN); what
 * has no failover path, or one that shares something. `net` has the draft's designs. */
#define DRAFT_SHOWN 20
MUST_CHECK enum err draft_summary(const struct network *, const json_t *draft, json_t **summary,
                                  struct diag *);

/* Plans and proves all that is in the network. ERR_OK also with violations: `proof` says so. */
MUST_CHECK enum err draft_prove(const struct network *, struct proof *, struct diag *);

/* The latency bounds of the draft's circuits (the first DRAFT_SHOWN), with all that is in the
 * network: a list of what bounds_to_json() says. `*unmet`: why the first of them does not keep its
 * budget with everything up, or breaks another circuit's that holds without them; NULL if all do.
 * After a failure the bounds are too cautious to refuse by. The caller owns both. Errors as
 * bounds_new(). */
MUST_CHECK enum err draft_bounds(const struct network *, const json_t *draft, json_t **bounds,
                                 char **unmet, struct diag *);

#endif
