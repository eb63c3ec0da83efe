/* vendor.h - who makes a device, by the many names that devices, registries of MAC addresses and
 * advisories have for the same company. */
#ifndef ADVISORY_VENDOR_H
#define ADVISORY_VENDOR_H

#include <stddef.h>

#define VENDOR_MAX 64 /* octets of a name, with its NUL */

/* "Schneider Electric SE", "TELEMECANIQUE" into "schneider electric"; a company that is in no table
 * is its name in small letters, without "Inc." and the like. `name` holds VENDOR_MAX octets.
 * Returns it. */
const char *vendor_name(const char *text, char *name);

#endif
