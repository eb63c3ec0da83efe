/* finding_names.h - every name that a finding of a machine may have: rules name no other. */
#ifndef DETECT_FINDING_NAMES_H
#define DETECT_FINDING_NAMES_H

#include <stdbool.h>

struct finding_name {
    const char *name, *about; /* static */
};

extern const struct finding_name finding_names[]; /* sorted by name; ends with a NULL name */

bool finding_is_known(const char *name);

#endif
