/* fast_choose.h - the bucket of a select group, as select_bucket() (pipeline_steps.c) finds it: the
 * hash of the key, modulo the weight of the buckets that are live, falls on one of them. First all
 * are weighed, then each is asked whether it is the one. */
#ifndef EDGE_KERNEL_FAST_CHOOSE_H
#define EDGE_KERNEL_FAST_CHOOSE_H

#include "edge/kernel/fast_abi.h"

static inline __attribute__((always_inline)) void
fast_weigh(struct fast_packet *p, const struct fast_op *op, bool live)
{
    p->weight += live ? op->b : 0;
}

static inline __attribute__((always_inline)) void
fast_choose(struct fast_packet *p, const struct fast_op *op, uint64_t hash)
{
    if (p->weight)
        p->point = (uint32_t)(hash % p->weight);
    else
        p->at = op->a;
    p->weight = 0; /* the next choice begins anew */
}

static inline __attribute__((always_inline)) void
fast_if_other(struct fast_packet *p, const struct fast_op *op, bool live)
{
    uint32_t weight = live ? op->b : 0;
    if (p->point < weight)
        return;
    p->point -= weight;
    p->at = op->a;
}

#endif
