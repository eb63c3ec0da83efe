/* testing.h - NLRI and attributes to test with: written by the encoders, or octet by octet. */
#ifndef PROTO_BGPLS_TESTING_H
#define PROTO_BGPLS_TESTING_H

#include "base/testing.h"
#include "proto/bgpls/bgpls_attributes.h"
#include "proto/bgpls/bgpls_nlri.h"

/* An OSPF router 10.0.0.`number` of AS 65000, area 0. */
static inline UNUSED struct bgpls_node
test_node(uint32_t number)
{
    struct bgpls_node node = {
        .has_as = true, .as = 65000, .has_bgpls_id = true, .has_area = true, .router_id_size = 4};
    put_be32(node.router_id, 0x0a000000 + number);
    return node;
}

static inline UNUSED struct bgpls_nlri
test_node_nlri(uint32_t number)
{
    return (struct bgpls_nlri){
        .type = BGPLS_NODE, .protocol = BGPLS_OSPFV2, .local = test_node(number)};
}

static inline UNUSED struct bgpls_nlri
test_link_nlri(uint32_t from, uint32_t to)
{
    struct bgpls_nlri nlri = {.type = BGPLS_LINK,
                              .protocol = BGPLS_OSPFV2,
                              .local = test_node(from),
                              .remote = test_node(to),
                              .has_local4 = true,
                              .has_remote4 = true};
    put_be32(nlri.local4, 0x0b000000 + from);
    put_be32(nlri.remote4, 0x0b000000 + to);
    return nlri;
}

static inline UNUSED struct bgpls_nlri
test_prefix_nlri(uint32_t number)
{
    return (struct bgpls_nlri){.type = BGPLS_PREFIX4,
                               .protocol = BGPLS_OSPFV2,
                               .local = test_node(number),
                               .has_route_type = true,
                               .route_type = 1,
                               .prefix_length = 24,
                               .prefix = {192, 168, (uint8_t)number}};
}

static inline UNUSED struct buf
test_encode(struct bgpls_nlri nlri)
{
    struct buf out = BUF_INIT;
    assert_ok(bgpls_nlri_encode(&nlri, &out));
    return out;
}

/* A node's name, and nothing else. */
static inline UNUSED struct buf
test_name(const char *name)
{
    struct buf out = BUF_INIT;
    buf_be16(&out, 1026);
    buf_be16(&out, (uint16_t)strlen(name));
    buf_str(&out, name);
    return out;
}

#endif
