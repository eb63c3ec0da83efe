/* sensor_options.h - the command line of tieline-sensor. */
#ifndef MONITOR_SENSOR_OPTIONS_H
#define MONITOR_SENSOR_OPTIONS_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SENSOR_INTERFACES 16
#define SENSOR_RULES 64
#define SENSOR_VARIABLES 64

struct sensor_options {
    const char *read; /* a capture; NULL: interfaces are listened to */
    const char *interfaces[SENSOR_INTERFACES];
    unsigned n_interfaces;
    uint32_t conversations, memory_mib; /* 0: as sensor.h has it */
    uint32_t cores;                     /* threads; 0, 1: one */
    const char *oui;                    /* directory of the registries; NULL: Debian's */
    const char *rules[SENSOR_RULES];    /* files, or directories of them */
    unsigned n_rules;
    const char *feeds[SENSOR_RULES]; /* files of what is bad */
    unsigned n_feeds;
    const char *geo;                    /* database of countries; NULL: none */
    const char *suricata[SENSOR_RULES]; /* files of rules */
    unsigned n_suricata;
    const char *variables[SENSOR_VARIABLES]; /* "HOME_NET=[10.0.0.0/8]" */
    unsigned n_variables;
    bool unsupported;            /* rules that are not loaded are told */
    const char *advisories;      /* a file or a directory; NULL: none */
    const char *name;            /* of the sensor; NULL: "sensor" */
    const char *evidence;        /* directory for packets; NULL: they are not kept */
    const char *baseline;        /* file of what is usual; NULL: it is not kept */
    nsec_t learn;                /* 0: nothing is new; default: a day */
    const char *link;            /* of tielined; NULL: nobody is told */
    const char *alerts_of;       /* another program, that are told too; NULL */
    const char *ca, *cert, *key; /* NULL: over a Unix socket */
    bool messages, identities, assets, habits, alerts, incidents, coverage, counters, help, version;
};

/* Texts are those of `argv`. ERR_INVALID: `diag` names the option. */
MUST_CHECK enum err sensor_options_parse(int argc, char *const *argv, struct sensor_options *,
                                         struct diag *);
void sensor_options_help(FILE *);

#endif
