/* sensor_options.h - the command line of tieline-sensor. */
#ifndef SENSOR_SENSOR_OPTIONS_H
#define SENSOR_SENSOR_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SENSOR_INTERFACES 16

struct sensor_options {
    const char *read; /* a capture; NULL: interfaces are listened to */
    const char *interfaces[SENSOR_INTERFACES];
    unsigned n_interfaces;
    uint32_t conversations, memory_mib; /* 0: as sensor.h has it */
    const char *oui;                    /* directory of the registries; NULL: Debian's */
    bool messages, identities, assets, counters, help, version;
};

/* Texts are those of `argv`. ERR_INVALID: `diag` names the option. */
MUST_CHECK enum err sensor_options_parse(int argc, char *const *argv, struct sensor_options *,
                                         struct diag *);
void sensor_options_help(FILE *);

#endif
