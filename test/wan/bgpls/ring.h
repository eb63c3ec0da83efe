/* ring.h - a network to tell of: N routers in a ring, each link in both directions, a prefix each,
 * and a LAN of IS-IS beside it. Every TLV that peers here understand is in it somewhere. */
#ifndef TEST_WAN_BGPLS_RING_H
#define TEST_WAN_BGPLS_RING_H

#include "proto/bgpls/bgpls_attributes.h"
#include "proto/bgpls/bgpls_nlri.h"

#include <stdio.h>

/* Called for each; what is pointed to is valid during the call. */
typedef void ring_fn(void *arg, const struct buf *nlri, const struct buf *attribute);

static inline struct bgpls_node
ring_node(uint32_t number)
{
    struct bgpls_node node = {
        .has_as = true, .as = 65000, .has_bgpls_id = true, .has_area = true, .router_id_size = 4};
    put_be32(node.router_id, 0x0a000000 + number);
    return node;
}

static inline struct bgpls_node
ring_isis_node(uint8_t number, uint8_t pseudonode)
{
    struct bgpls_node node = {.has_as = true,
                              .as = 65000,
                              .has_bgpls_id = true,
                              .router_id_size = pseudonode ? 7 : 6,
                              .router_id = {0x17, 0x20, 0x16, 0, 0, number, pseudonode}};
    return node;
}

static inline void
ring_tell(const struct bgpls_nlri *nlri, const struct bgpls_attributes *a, ring_fn *fn, void *arg)
{
    struct buf key = BUF_INIT, value = BUF_INIT;
    if (!bgpls_nlri_encode(nlri, &key) && !bgpls_attributes_encode(a, &value))
        fn(arg, &key, &value);
    buf_fini(&key);
    buf_fini(&value);
}

#define RING_HAS(tlv) (UINT64_C(1) << BGPLS_##tlv)

static inline void
ring_tell_node(uint32_t number, ring_fn *fn, void *arg)
{
    char name[32];
    uint8_t router[4];
    struct bgpls_nlri nlri = {
        .type = BGPLS_NODE, .protocol = BGPLS_OSPFV2, .local = ring_node(number)};
    struct bgpls_range srgb = {.size = 8000, .is_label = true, .first = 16000};
    struct bgpls_range srlb = {.size = 1000, .is_label = true, .first = 15000};
    put_be32(router, 0x0a000000 + number);
    struct bgpls_octets_list local = {.octets = {router, 4}};
    struct bgpls_attributes a = {
        .has = RING_HAS(NODE_FLAGS) | RING_HAS(NODE_NAME) | RING_HAS(LOCAL_ROUTER4) |
               RING_HAS(SR_CAPABILITIES) | RING_HAS(SR_ALGORITHMS) | RING_HAS(SR_LOCAL_BLOCK) |
               RING_HAS(NODE_MSD),
        .node_msd = {(const uint8_t *)"\1\12", 2},
        .node_flags = 0x10,
        .node_name = {(const uint8_t *)name,
                      (uint16_t)snprintf(name, sizeof name, "edge-%u", number)},
        .local_router4 = &local,
        .sr_capabilities = {.flags = 0x80, .ranges = &srgb},
        .sr_algorithms = {(const uint8_t *)"\0\1", 2},
        .sr_local_block = {.ranges = &srlb},
    };
    ring_tell(&nlri, &a, fn, arg);
}

static inline void
ring_tell_link(uint32_t from, uint32_t to, ring_fn *fn, void *arg)
{
    uint8_t srlgs[8], local_router[4], remote_router[4];
    struct bgpls_nlri nlri = {.type = BGPLS_LINK,
                              .protocol = BGPLS_OSPFV2,
                              .local = ring_node(from),
                              .remote = ring_node(to),
                              .has_local4 = true,
                              .has_remote4 = true};
    /* A network of four addresses each; the one that closes the ring is the highest. */
    uint32_t low = MIN(from, to), high = MAX(from, to);
    uint32_t network = 0x0b000000 + 4 * (high == low + 1 ? low : high);
    put_be32(nlri.local4, network + (from > to) + 1);
    put_be32(nlri.remote4, network + (from < to) + 1);
    put_be32(srlgs, 100 + from);
    put_be32(srlgs + 4, 200 + to);
    put_be32(local_router, 0x0a000000 + from);
    put_be32(remote_router, 0x0a000000 + to);
    struct bgpls_octets_list local = {.octets = {local_router, 4}};
    struct bgpls_octets_list remote = {.octets = {remote_router, 4}};
    struct bgpls_sid sid = {.flags = 0x60, .is_label = true, .value = 24000 + to % 1000};
    struct bgpls_attributes a = {
        .has = RING_HAS(LOCAL_ROUTER4) | RING_HAS(REMOTE_ROUTER4) | RING_HAS(ADMIN_GROUP) |
               RING_HAS(MAX_BANDWIDTH) | RING_HAS(RESERVABLE_BANDWIDTH) |
               RING_HAS(UNRESERVED_BANDWIDTH) | RING_HAS(TE_METRIC) | RING_HAS(IGP_METRIC) |
               RING_HAS(SRLG) | RING_HAS(ADJACENCY_SID) | RING_HAS(DELAY) |
               RING_HAS(MIN_MAX_DELAY) | RING_HAS(DELAY_VARIATION),
        .local_router4 = &local,
        .remote_router4 = &remote,
        .admin_group = 5,
        .max_bandwidth = 1.25e9f,
        .reservable_bandwidth = 1e9f,
        .unreserved_bandwidth = {1e9f, 9e8f, 8e8f, 7e8f, 6e8f, 5e8f, 4e8f, 3e8f},
        .te_metric = 10 + from % 7,
        .igp_metric = {2, 20},
        .srlgs = {srlgs, 8},
        .adjacency_sids = &sid,
        .delay = {.value = 3000},
        .min_max_delay = {.value = 2900, .max = 3400},
        .delay_variation = {.value = 50},
    };
    ring_tell(&nlri, &a, fn, arg);
}

static inline void
ring_tell_prefix(uint32_t number, ring_fn *fn, void *arg)
{
    struct bgpls_nlri nlri = {.type = BGPLS_PREFIX4,
                              .protocol = BGPLS_OSPFV2,
                              .local = ring_node(number),
                              .has_route_type = true,
                              .route_type = 1,
                              .prefix_length = 32};
    struct bgpls_sid sid = {.flags = 0x40, .value = number};
    struct bgpls_attributes a = {
        .has = RING_HAS(IGP_FLAGS) | RING_HAS(PREFIX_METRIC) | RING_HAS(PREFIX_SID),
        .igp_flags = 0x40,
        .prefix_metric = 7,
        .prefix_sids = &sid,
    };
    put_be32(nlri.prefix, 0x0a000000 + number);
    ring_tell(&nlri, &a, fn, arg);
}

/* A router of IS-IS, and its link to a pseudonode. */
static inline void
ring_tell_isis(ring_fn *fn, void *arg)
{
    uint8_t area[] = {0x49, 0, 1};
    struct bgpls_octets_list areas = {.octets = {area, sizeof area}};
    struct bgpls_nlri node = {
        .type = BGPLS_NODE, .protocol = BGPLS_ISIS_L2, .local = ring_isis_node(1, 0)};
    struct bgpls_attributes of_node = {.has = RING_HAS(NODE_NAME) | RING_HAS(AREA),
                                       .node_name = {(const uint8_t *)"isis-1", 6},
                                       .areas = &areas};
    struct bgpls_nlri link = {.type = BGPLS_LINK,
                              .protocol = BGPLS_ISIS_L2,
                              .local = ring_isis_node(1, 0),
                              .remote = ring_isis_node(2, 5),
                              .has_link_ids = true,
                              .local_link_id = 4};
    struct bgpls_attributes of_link = {
        .has = RING_HAS(TE_METRIC) | RING_HAS(IGP_METRIC), .te_metric = 30, .igp_metric = {3, 30}};
    ring_tell(&node, &of_node, fn, arg);
    ring_tell(&link, &of_link, fn, arg);
}

static inline void
ring_tell_all(uint32_t n, ring_fn *fn, void *arg)
{
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t next = i % n + 1;
        ring_tell_node(i, fn, arg);
        ring_tell_link(i, next, fn, arg);
        ring_tell_link(next, i, fn, arg);
        ring_tell_prefix(i, fn, arg);
    }
    ring_tell_isis(fn, arg);
}

#endif
