/* coverage.h - which techniques of MITRE ATT&CK for ICS (https://attack.mitre.org/matrices/ics/)
 * the rules see, out of those that network traffic shows at all. */
#ifndef DETECT_COVERAGE_H
#define DETECT_COVERAGE_H

#include "base/buf.h"
#include "detect/rule.h"

#include <jansson.h>

struct technique {
    const char *id, *name;
};
/* The 45 that leave something on the wire, by their ids. */
extern const struct technique techniques[];
extern const size_t n_techniques;

/* A table: each technique with the rules for it, or none; how many of how many; and which of the
 * promised detections (rule.h) have a rule. Techniques that rules name beyond are listed behind. */
void coverage_put(struct buf *, const struct rules *);
/* {"techniques": [{"id", "name", "rules": []}], "covered", "of", "detections": [{"number", "rules":
 *  []}]}, the caller's. */
json_t *coverage_json(const struct rules *);

#endif
