/* geo.h - in which country an address is, as a database of the user's says: MaxMind DB, format 2
 * (of GeoLite2, DB-IP and others). None is shipped. One thread. */
#ifndef DETECT_GEO_H
#define DETECT_GEO_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct geo; /* Opaque. */

/* ERR_NOT_FOUND: it cannot be read; ERR_MALFORMED: it is no such database. */
MUST_CHECK enum err geo_open(const char *path, struct geo **, struct diag *);
void geo_close(struct geo *); /* NULL is fine */

/* "DE", of ISO 3166-1, into `code`: where it is, or else where it is registered. `ip` is 4 or 6;
 * IPv4 in the first 4 octets. False: the database does not say. */
bool geo_country(const struct geo *, const uint8_t *address, uint8_t ip, char code[3]);

#endif
