/* whatif.h - what would come of circuits if they were ordered now: their paths, the rules, the
 * proof. Computed beside the loop on a copy of the network; nothing is changed or kept. */
#ifndef ORCHESTRATE_WHATIF_H
#define ORCHESTRATE_WHATIF_H

#include "orchestrate/requests.h"

#define WHATIF_CIRCUITS_MAX 1000

/* {"circuits": [circuit or name, ...]} is answered by
 *
 *     {"ok",        designed, and the proof holds
 *      "findings",  model/finding.h: of the circuits, and why they cannot be designed
 *      "design": [design, ...], "size": {"nodes", "flows", "groups", "meters"},
 *      "summary", "proof",
 *      "bounds": [bounds_json.h, ...],     worst-case delays; one that does not keep its budget, or
 *                                          breaks another's, is a finding "latency"
 *      "changes": [text, ...], "n-changes"}
 *
 * from `design` on only as far as it got. A circuit that is there already is designed anew, as if
 * it had not been; one that is stated takes the place of that of its name. */
request_fn whatif;

#endif
