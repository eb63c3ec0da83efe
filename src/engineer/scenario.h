/* scenario.h - what if: a network that nobody has built, and what would come of it. Pure.
 *
 * A scenario begins as a copy of a network. Things are put into it and taken out; then it is run:
 * circuits that cannot stay on their paths are designed anew, new ones are designed, all is
 * planned, proved and bounded as if it were to be built, and compared with the network it came
 * from. That one stays as it is. The same scenario gives the same answer, byte for byte.
 *
 * What a circuit has stays, as in production: its paths are only left when they are not there any
 * more, lead elsewhere, are too slow for its budget, too small, or share other risks; or when it is
 * stated otherwise. These are designed before the new circuits, the highest class first; when a
 * link is too small, the lowest class leaves it first. */
#ifndef ENGINEER_SCENARIO_H
#define ENGINEER_SCENARIO_H

#include "engineer/impact.h"
#include "model/finding.h"
#include "model/object.h"

#include <jansson.h>

struct scenario; /* opaque; one thread at a time */

/* `base` must outlive it and not change meanwhile. Never NULL. */
struct scenario *scenario_new(const struct network *base);
void scenario_free(struct scenario *); /* NULL is fine */

/* The hypothetical network, to put objects into; designs are left to scenario_run(). */
struct network *scenario_network(struct scenario *);
/* Takes a site, node, link, host or circuit out, with all that cannot be without it: a node goes
 * with its links and hosts, a host with its circuits; a multicast goes with its publisher or its
 * last subscriber, and loses the others. ERR_NOT_FOUND: it is not there. ERR_CONFLICT: a site that
 * has nodes. */
MUST_CHECK enum err scenario_remove(struct scenario *, enum object_kind, const char *name,
                                    struct diag *);
/* A circuit of the base that has no design gets one, too. ERR_NOT_FOUND. */
MUST_CHECK enum err scenario_design(struct scenario *, const char *circuit, struct diag *);

struct scenario_options {
    bool redesign;     /* every circuit anew, in the order of `base`, the new ones last */
    bool each_failure; /* of each link, node and shared risk, alone */
    uint32_t n_failures;
    const struct failure *failures; /* all at once */
};

#define SCENARIO_SHOWN 200u /* in every list below; `n` counts all */

/* Once. The answer, which the caller owns:
 *
 *     {"ok",         every circuit fits, the proof holds, no budget is broken that held before
 *      "changes":    {"n", "list": [{"action": "created|changed|removed", "kind", "name"}]},
 *      "findings":   [...],        model/finding.h: what is wrong with it that was not before;
 * after an error there nothing more is computed "circuits":   {"n", "n-fit", "list": [{"circuit",
 * "why", "fits", "limit"?, "reason"?, "links"?}]}, those designed, the ones that do not fit first;
 * `why`: "new", or why it could not stay as it was "size":       {"nodes", "flows", "groups",
 * "meters"}, "proof":      proof_json.h, "bounds":     {"n", "n-unmet", "n-unmet-after-failure",
 * "n-broken", "list": [{"circuit", "budget-us"?, "asymmetry-budget-us"?, "asymmetry-us"?,
 * "normal-us", "failure-us", "normal-before-us"?, "failure-before-us"?, "broken"}], "overloads":
 * [text, ...]}, those that do not keep a budget, then those designed; null: no bound; `broken`:
 * kept before, or new "difference": {"circuits": {"n", "list": [{"circuit", "change", "before":
 * PATHS?, "after": PATHS?}]}, "nodes": {"n", "list": [{"node", "added", "removed", "changed"}]},
 * "rules-added", "rules-removed", "rules-changed"}, PATHS: {"primary": [link...], "failover":
 * [link...]?} "utilisation": {"n", "list": [{"link", "capacity-kbps", "reserved-kbps",
 *                     "before-capacity-kbps", "before-kbps"}]},   links that carry anything, the
 *                                                                fullest first
 *      "failure"?:   {"failed": [text...], "n", "n-redesigned", "counts": {IMPACT: n}, "list":
 *                     [{"circuit", "impact", "receiver", "redesigned", "reason"?}]},
 *      "failures"?:  {"tried", "n", "list": [{"element", "lost", "ends-lost", "on-failover",
 *                     "lose-failover", "redesigned"}]}}    those that hit anything, the worst first
 *
 * ERR_NOT_FOUND: what should fail is not there. Errors of plan_network() of the base. */
MUST_CHECK enum err scenario_run(struct scenario *, const struct scenario_options *,
                                 json_t **answer, struct diag *);

/* For a base that comes from files: designs all its circuits that have no design, in their order.
 * Those that do not fit stay without, and are findings "no-design". */
void scenario_design_base(struct network *base, struct findings *);

#endif
