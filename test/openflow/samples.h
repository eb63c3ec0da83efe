/* samples.h - one message of every type and multipart type, with all their parts in use: what a
 * switch would say, for the fake switch, and everything, for other implementations to decode. */
#ifndef TEST_OPENFLOW_SAMPLES_H
#define TEST_OPENFLOW_SAMPLES_H

#include "proto/openflow/openflow_multipart.h"

struct sample {
    const char *name;
    struct openflow_message message; /* its parts are static */
};

extern struct sample samples[];
extern const size_t n_samples;

/* Call once, before anything else. */
void samples_init(void);
/* Leaves out the fields and actions that Open vSwitch 3.1 does not know. */
void samples_for_ovs(void);
/* The reply to a request, with its xid; NULL: there is none. */
struct openflow_message *sample_reply(const struct openflow_message *request);

#endif
