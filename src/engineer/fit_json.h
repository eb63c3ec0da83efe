/* fit_json.h - what fit.h says, as JSON. */
#ifndef ENGINEER_FIT_JSON_H
#define ENGINEER_FIT_JSON_H

#include "engineer/fit.h"

#include <jansson.h>

/* {"circuit", "fits", "limit"?, "reason"?, "links"?: [name, ...]}; the caller's. */
json_t *fit_verdict_to_json(const struct fit_verdict *);

/* {"n", "n-fit", "rate-kbps", "orders": [{"order", "n-fit", "rate-kbps"}], "circuits": [verdict],
 * "links": [{"link", "capacity-kbps", "before-kbps", "after-kbps", "limits"}]}, the caller's;
 * `n_links` of them at most, the fullest. */
json_t *fit_to_json(const struct fit *, uint32_t n_links);

#endif
