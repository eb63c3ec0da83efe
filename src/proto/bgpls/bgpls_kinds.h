/* bgpls_kinds.h - the shapes that values of TLVs have: how each is read, written and printed. For
 * bgpls_attributes.c alone. */
#ifndef PROTO_BGPLS_BGPLS_KINDS_H
#define PROTO_BGPLS_BGPLS_KINDS_H

#include "base/cursor.h"
#include "proto/bgpls/bgpls_attributes.h"

struct bgpls_reader {
    struct arena *arena;
    struct bgpls_attributes *attributes;
    uint16_t type; /* of the TLV that is being read */
    bool nested;   /* within an application */
    enum err err;  /* the first */
    const char *what;
};

/* `at` is the member of struct bgpls_attributes. */
struct bgpls_kind {
    void (*decode)(struct bgpls_reader *, struct cursor *, void *at);
    /* Everything after the TLV's length, or with `several` whole TLVs. */
    void (*encode)(const void *at, uint16_t type, struct buf *);
    void (*print)(const void *at, struct buf *);
    /* TLVs of this type: then the member is a list, which grows at its beginning and is to be
     * turned round when all are there. `next` is the first member of what is in it. */
    bool several;
    size_t size; /* of the member */
};

extern const struct bgpls_kind bgpls_number8, bgpls_flags8, bgpls_number16, bgpls_number32,
    bgpls_bits32, bgpls_router4, bgpls_metric, bgpls_bandwidth, bgpls_bandwidths, bgpls_octets,
    bgpls_text, bgpls_numbers8, bgpls_numbers16, bgpls_numbers32, bgpls_words, bgpls_msds,
    bgpls_address, bgpls_addresses, bgpls_areas, bgpls_adjacency, bgpls_lan_adjacency,
    bgpls_prefix_sid, bgpls_block, bgpls_delay, bgpls_min_max;

/* A value that is left out, and why (static). */
void bgpls_drop(struct bgpls_reader *, float value, const char *why);
/* Keeps the first error; `what` is static. */
void bgpls_wrong(struct bgpls_reader *, enum err, const char *what);
/* NULL: the arena's budget, and that has been said. */
void *bgpls_take_memory(struct bgpls_reader *, size_t size);
void bgpls_put_tlv(uint16_t type, const struct bgpls_octets *, struct buf *);

#endif
