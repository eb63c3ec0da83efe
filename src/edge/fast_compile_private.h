/* fast_compile_private.h - what the files of the compiler share: fast_compile.c has programs and
 * outputs, fast_compile_edit.c changes of the packet, fast_compile_group.c groups. */
#ifndef EDGE_FAST_COMPILE_PRIVATE_H
#define EDGE_FAST_COMPILE_PRIVATE_H

#include "edge/fast_compile.h"

#define SHAPE_TAGS 4

/* The packet as it is at a step. One that the kernel takes has one tag at the most. */
struct shape {
    struct flow_key key;
    struct {
        be16_t vid; /* with VLAN_PRESENT */
        uint8_t pcp;
    } tags[SHAPE_TAGS]; /* the last is the outermost */
    uint8_t n_tags;
    uint8_t n_ttl;  /* times its TTL has been decremented */
    bool knows_ttl; /* it has been set, and is `ttl` */
    uint8_t ttl;
};

/* A program being made. */
struct compiler {
    const struct datapath *dp;
    const struct program *from;
    struct fast_program *to;
    struct shape shape;
    uint32_t n;
    bool edited; /* the packet, or its queue, is no longer as it came to the group */
    bool hashed; /* `to->hash` is in use */
    bool sends;  /* some packet leaves */
    bool drops;  /* ... or is dropped by a meter */
};

/* False: there is no room for it. */
static inline bool
emit(struct compiler *c, struct fast_op op)
{
    if (c->n == FAST_OPS - 1) /* the last one ends it */
        return false;
    c->to->ops[c->n++] = op;
    return true;
}

static inline bool
emit_counter(struct compiler *c, uint8_t type, uint8_t table, const struct counters *counters)
{
    const struct shared_lane *shared = atomic_load_explicit(&counters->shared,
                                                            memory_order_acquire);
    return shared &&
           emit(c, (struct fast_op){type, table, 0, slots_index(c->dp->shared.counters, shared)});
}

/* False, of all: the kernel cannot do it. */

void shape_init(struct shape *, const struct flow_key *);
bool compile_edit(struct compiler *, const struct action *);
bool compile_action(struct compiler *, const struct action *, int depth);
bool compile_group(struct compiler *, const struct group_entry *, int depth);

#endif
