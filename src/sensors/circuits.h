/* circuits.h - the circuits as a sensor is told them: who may say what to whom, in fields of
 * packets. Pure.
 *
 * Whatever one of a circuit's rules lets in at the port of a host, and what becomes of it on its
 * way (another MAC address behind a gateway, a VLAN as mark), follows from what is told:
 * doc/sensor.md says how. The test of this file compares it with the rules of every circuit. */
#ifndef SENSORS_CIRCUITS_H
#define SENSORS_CIRCUITS_H

#include "model/model.h"

#include <jansson.h>

/* One circuit; the design may be NULL: it has none, and nothing lets it pass. The caller owns it.
 */
json_t *sensors_circuit_json(const struct network *, const struct circuit *, const struct design *,
                             bool active);
/* A device of the inventory. */
json_t *sensors_host_json(const struct network *, const struct host *);
/* What Tieline itself sends, whatever the circuits: a list. */
json_t *sensors_own_json(const struct network *);

/* Does it begin, end, or pass at a node of these sites (ends with NULL; NULL: all)? */
bool sensors_circuit_is_at(const struct network *, const struct circuit *, const struct design *,
                           const char *const *sites);

#endif
