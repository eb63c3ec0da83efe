/* proof_json.h - a proof as JSON.
 *
 *     {"ok", "violations": [{"kind", "circuit", "node", "rule", "packet", "path", "failure",
 * "text"}], "n-violations", "circuits", "rules", "classes", "walks", "failures", "idle", "text"}
 *
 * Members of a violation that are not known are left out. */
#ifndef ENGINEER_PROOF_JSON_H
#define ENGINEER_PROOF_JSON_H

#include "engineer/prove.h"

#include <jansson.h>

/* With the first `limit` violations. */
json_t *proof_to_json(const struct proof *, uint32_t limit);

#endif
