/* compile_private.h - what compile_ip.c, compile_multicast.c and compile.c share. */
#ifndef ENGINEER_COMPILE_PRIVATE_H
#define ENGINEER_COMPILE_PRIVATE_H

#include "engineer/compile.h"
#include "engineer/trail.h"

/* One compilation under way; the first error sticks and the rest does nothing. */
struct compilation {
    const struct network *network;
    const struct circuit *circuit;
    const struct design *design;
    const struct rule_sink *sink;
    struct diag *diag;
    enum err err;
    /* Those of the flow at hand: one flow after the other is made, and copied by the sink. */
    struct action *actions;
    uint32_t actions_capacity;
};

/* Adds to a flow's apply-actions, which stay the compilation's. */
struct action *flow_add(struct compilation *, struct flow *, enum action_type); /* else zero */
void flow_add_output(struct compilation *, struct flow *, uint32_t port);
void flow_add_set(struct compilation *, struct flow *, enum field, uint64_t value);
void flow_add_set_mac(struct compilation *, struct flow *, enum field, const struct mac *);

void emit_flow(struct compilation *, const struct node *, struct flow *);
void emit_group(struct compilation *, const struct node *, const struct group *);
void emit_meter(struct compilation *, const struct node *, uint32_t meter_id);

void compile_ip(struct compilation *);
void compile_multicast(struct compilation *);

/* Group numbers say what a group does, so that equal groups of different circuits are one. Ports
 * fit in 12 bits, circuit numbers in 16. A group names only groups of lower numbers. */
enum group_family {
    GROUP_OTHER_PATH = 1,      /* out by one port, or else by another */
    GROUP_RETURN = 2,          /* out by one port, or else back */
    GROUP_RETURN_TAGGED = 3,   /* a tagged multicast frame: or else back, marked */
    GROUP_RETURN_UNTAGGED = 4, /* an untagged one */
    GROUP_FAILOVER_PATHS = 5,  /* a circuit's own: over all its failover paths */
    GROUP_ROOT = 6,            /* a circuit's own: out by one port, or else by the group above */
};

static inline uint32_t
group_number(enum group_family family, uint32_t a, uint32_t b)
{
    return (uint32_t)family << 28 | (a & 0xffff) << 12 | (b & 0xfff);
}

#endif
