/* scenario_private.h - what the parts of scenario.h share. */
#ifndef ENGINEER_SCENARIO_PRIVATE_H
#define ENGINEER_SCENARIO_PRIVATE_H

#include "engineer/compare.h"
#include "engineer/fit.h"
#include "engineer/scenario.h"

struct scenario {
    const struct network *base;
    struct network *network;
    uint32_t n_wanted, wanted_capacity; /* circuits of the base to be designed; its names */
    const char **wanted;
};

/* A circuit that is designed in the scenario. Both are the network's, or static. */
struct pending {
    const struct circuit *circuit;
    const char *why;
    uint32_t number; /* the one it had; 0: none */
};

struct settlement {
    uint32_t n;
    struct pending *pending;
    struct fit fit; /* a verdict for each, in that order; their designs are in the network now */
};

/* Gives the network the designs it needs. ERR_EXISTS: see fit_circuits(). */
MUST_CHECK enum err scenario_settle(struct scenario *, bool all_anew, struct settlement *,
                                    struct diag *);
void settlement_fini(struct settlement *);

/* ---- The parts of the answer ---- */

json_t *scenario_changes_to_json(const struct scenario *);
json_t *settlement_to_json(const struct settlement *);
/* ERR_...: of bounds_new(). `*n_broken`: budgets that were kept before, or are new, and are not. */
MUST_CHECK enum err scenario_bounds_to_json(const struct scenario *, const struct settlement *,
                                            json_t **, uint32_t *n_broken, struct diag *);
/* Adds "difference" and "utilisation". */
void scenario_add_difference(json_t *answer, const struct planned *before,
                             const struct planned *after);
MUST_CHECK enum err scenario_failure_to_json(const struct network *, const struct failure *,
                                             uint32_t n, json_t **, struct diag *);
json_t *scenario_failures_to_json(const struct network *);

/* {"n", "list"}; `list` is consumed. */
json_t *scenario_list(uint32_t n, json_t *list);

#endif
