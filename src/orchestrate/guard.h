/* guard.h - may a change of the model be made while circuits stand on it? Pure.
 *
 * A circuit that has a design was approved as it is. So nothing may change that would change it:
 * not its statement, nor a rule of it in any node, nor may a link have less capacity than is
 * reserved on it. Who wants that takes the circuits down first. So it is with tunnels. */
#ifndef ORCHESTRATE_GUARD_H
#define ORCHESTRATE_GUARD_H

#include "model/model.h"

#include <jansson.h>

/* ERR_CONFLICT: a circuit that has a design in `before` would not be the same in `after`; `diag`
 * names it and what is in its way. */
MUST_CHECK enum err guard_check(const struct network *before, const struct network *after,
                                struct diag *);

/* ERR_CONFLICT: `after` has an error that `before` does not have, as when something is gone that
 * others refer to; `diag` says which. */
MUST_CHECK enum err guard_check_references(const struct network *before,
                                           const struct network *after, struct diag *);

/* What is new or different in `after`, as a document that inventory_apply_json() takes; empty if
 * nothing is. The caller owns it. */
json_t *guard_document(const struct network *before, const struct network *after);

/* The names of the circuits of `before` that are different in `after` or not there: a list; the
 * caller owns it. */
json_t *guard_changed_circuits(const struct network *before, const struct network *after);
/* The same of tunnels, but for descriptions; also those one of whose ends has another router id:
 * what is reserved for them was computed for what they said. */
json_t *guard_changed_tunnels(const struct network *before, const struct network *after);

/* Names of VPNs that are gone; and of routers that are, or are configured in another way. */
json_t *guard_removed_vpns(const struct network *before, const struct network *after);
json_t *guard_changed_platforms(const struct network *before, const struct network *after);

#endif
