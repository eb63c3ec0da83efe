/* cli_stix.h - an alert for others, as STIX 2.1: a bundle with the sensor as identity, the rule as
 * indicator, the techniques as attack patterns, what was seen as observed data, and the sighting
 * that ties them together. Pure.
 *
 * The ids of what is the same everywhere (addresses, techniques, rules) are made from it (UUID
 * version 5), so that whoever gets two bundles knows it again. */
#ifndef CLI_CLI_STIX_H
#define CLI_CLI_STIX_H

#include "base/time.h"

#include <jansson.h>

/* Of an alert as the API shows it. The caller owns it. */
json_t *stix_sighting(const json_t *alert, nsec_t now);

#endif
