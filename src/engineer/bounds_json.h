/* bounds_json.h - latency bounds as JSON. Times are whole microseconds: greatest ones rounded up,
 * least ones down; null: there is no bound.
 *
 *     {"circuit", "budget-us"?, "asymmetry-budget-us"?, "normal": STATE, "failure": STATE}
 *     STATE: {"worst-us", "best-us", "jitter-us", "asymmetry-us"?, "costliest"?: {"node", "port",
 * "us"}}
 *
 * `failure`: after any one link or node has failed. `asymmetry-us` only of IP circuits. */
#ifndef ENGINEER_BOUNDS_JSON_H
#define ENGINEER_BOUNDS_JSON_H

#include "engineer/bounds.h"

#include <jansson.h>

/* ERR_NOT_FOUND: there is no such circuit, or it has no design. The caller owns the result. */
MUST_CHECK enum err bounds_to_json(const struct bounds *, const struct circuit *, json_t **);

/* A greatest delay; null: there is none. */
json_t *bounds_worst_to_json(nsec_t);

#endif
