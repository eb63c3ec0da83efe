/* cube.h - classes of IPv4 packets as packet filters write them: addresses with any mask, ranges of
 * protocols and ports. What others' filters say overlaps in every way; cut up, it does not. */
#ifndef ENGINEER_CUBE_H
#define ENGINEER_CUBE_H

#include "base/buf.h"

/* All numbers in host order. Bits of an address that its mask does not ask for are 0. */
struct cube {
    uint32_t src, src_mask, dst, dst_mask;
    uint16_t sport[2], dport[2]; /* first and last; of protocols without ports: all */
    uint8_t proto[2];            /* first and last */
};

struct packet5 { /* the headers that a filter looks at */
    uint32_t src, dst;
    uint16_t sport, dport;
    uint8_t proto;
};

extern const struct cube cube_all;

/* Prefix lengths as masks: 24 is 0xffffff00. */
static inline uint32_t
cube_prefix_mask(unsigned length)
{
    return length ? UINT32_MAX << (32 - length) : 0;
}

bool cube_equal(const struct cube *, const struct cube *);
bool cube_has(const struct cube *, const struct packet5 *);
bool cube_contains(const struct cube *outer, const struct cube *inner);

static inline bool
cube_overlaps(const struct cube *a, const struct cube *b)
{
    return !((a->src ^ b->src) & a->src_mask & b->src_mask) &&
           !((a->dst ^ b->dst) & a->dst_mask & b->dst_mask) && a->proto[0] <= b->proto[1] &&
           b->proto[0] <= a->proto[1] && a->dport[0] <= b->dport[1] && b->dport[0] <= a->dport[1] &&
           a->sport[0] <= b->sport[1] && b->sport[0] <= a->sport[1];
}

/* What both have. False: nothing; then `both` is left alone. */
bool cube_intersect(const struct cube *, const struct cube *, struct cube *both);

/* What `whole` has and `taken` has not, in parts that do not overlap; returns how many. */
#define CUBE_PARTS_MAX (32 + 32 + 3 * 2)
uint32_t cube_subtract(const struct cube *whole, const struct cube *taken,
                       struct cube parts[CUBE_PARTS_MAX]);

/* A packet of the class: its lowest numbers. */
struct packet5 cube_sample(const struct cube *);

/* "proto=6 src=10.0.0.0/8 dport=22"; "any". A mask that is no prefix: "10.0.0.1/255.0.0.255". */
void cube_format(const struct cube *, struct buf *);
/* "proto=6 src=10.0.0.1 sport=0 dst=10.0.0.2 dport=22" */
void packet5_format(const struct packet5 *, struct buf *);

#endif
