/* oui.h - whose an Ethernet address is: IEEE's registries MA-L (24 bits), MA-M (28), MA-S and IAB
 * (36), as Debian's package ieee-data has them. The longest assignment counts. */
#ifndef SENSOR_OUI_H
#define SENSOR_OUI_H

#include "packet/addr.h"

#define OUI_DIRECTORY "/usr/share/ieee-data"

struct oui_registry; /* Opaque; read only, of any thread. */

/* Reads oui.csv, mam.csv, oui36.csv and iab.csv of the directory, of which oui.csv must be there.
 * Errors of mapped_file_open(), csv_open() and csv_next(); ERR_MALFORMED: the file, line and field.
 */
MUST_CHECK enum err oui_read(const char *directory, struct oui_registry **, struct diag *);
void oui_free(struct oui_registry *); /* NULL is fine */

/* The organization's name as it is registered; NULL: nobody's, a group's, or given locally (IEEE
 * 802-2014 clause 8.2.2, the second bit). */
const char *oui_vendor(const struct oui_registry *, const struct mac *);

#endif
