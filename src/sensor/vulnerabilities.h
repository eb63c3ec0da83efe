/* vulnerabilities.h - devices that were seen (assets.h), held against advisories
 * (advisory/advisory.h). */
#ifndef SENSOR_VULNERABILITIES_H
#define SENSOR_VULNERABILITIES_H

#include "advisory/advisory.h"
#include "sensor/assets.h"

/* What an advisory asks of the device; the texts are the asset's. */
struct advisory_device vulnerabilities_device(const struct asset *);

/* {"vulnerability":{"advisory","publisher"?,"title"?,"cve"?,"name"?,"score"?,"severity"?,"status",
 *  "product","reason","remedy"?,"url"?,"confidence"},"address","member"?} and a line feed. */
void vulnerability_put_json(struct buf *, const struct asset *, const struct advisory_match *);

#endif
