/* samples.h - messages that between them have every type, object, TLV and subobject in use, for
 * other implementations to decode and for the fuzzers to begin with. */
#ifndef TEST_PCEP_SAMPLES_H
#define TEST_PCEP_SAMPLES_H

#include "proto/pcep/pcep_message.h"

struct sample {
    const char *name;
    struct pcep_message message; /* its parts are static */
    /* What tshark must find in it: "field=value;field=value"; of a field that comes several times,
     * all values, with commas. NULL: nothing in particular. */
    const char *fields;
};

extern const struct sample samples[];
extern const size_t n_samples;

#endif
