/* ted_testing.h - what tests of the database say in its sources' place. Static functions only. */
#ifndef TE_TED_TESTING_H
#define TE_TED_TESTING_H

#include "base/testing.h"
#include "te/ted.h"

#include <stdio.h>

#define SECOND NSEC_PER_SEC

static inline UNUSED struct te_address
address4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return (struct te_address){4, {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
}

/* Router 10.255.0.n of OSPF. */
static inline UNUSED struct ted_node_id
ospf_id(unsigned n)
{
    return (struct ted_node_id){
        .protocol = TED_OSPFV2, .size = 4, .router_id = {10, 255, (uint8_t)(n >> 8), (uint8_t)n}};
}

/* Router 0000.0000.nnnn of IS-IS. */
static inline UNUSED struct ted_node_id
isis_id(unsigned n)
{
    return (struct ted_node_id){.protocol = TED_ISIS_L2,
                                .size = 6,
                                .router_id = {0, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

static inline UNUSED struct te_address
router_id(unsigned n)
{
    return address4(10, 255, n >> 8, n & 255);
}

static inline UNUSED uint32_t
add_source(struct ted *ted, enum ted_kind kind, const char *name)
{
    uint32_t source;
    assert_ok(ted_source_add(ted, kind, name, "", &source));
    ted_source_up(ted, source, 0);
    return source;
}

static inline UNUSED void
put_node(struct ted *ted, uint32_t source, struct ted_node_id id, unsigned router, const char *name)
{
    struct ted_node_record r = {.id = id, .told = name ? TED_BIT(TED_NAME) : 0, .name = name};
    if (router)
        r.router_id = router_id(router);
    assert_ok(ted_put_node(ted, source, &r, 1));
}

/* The link from a to b number `n`: its ends are 10.n.low.1 and 10.n.low.2, of 10 Gb/s, metric 10.
 */
static inline UNUSED struct ted_link_record
link_record(struct ted_node_id from, struct ted_node_id to, unsigned a, unsigned b, unsigned n)
{
    struct ted_link_record r = {
        .id = {.local = from, .remote = to},
        .told = TED_BIT(TED_IGP_METRIC) | TED_BIT(TED_CAPACITY) | TED_BIT(TED_RESERVABLE),
        .igp_metric = 10,
        .capacity_bps = UINT64_C(10000000000),
        .reservable_bps = UINT64_C(10000000000),
    };
    unsigned low = (a < b ? a : b) & 255, high = (a < b ? b : a) & 255;
    r.id.local_address = address4(10 + n, low, high, a < b ? 1 : 2);
    r.id.remote_address = address4(10 + n, low, high, a < b ? 2 : 1);
    return r;
}

static inline UNUSED struct ted_link_record
ospf_link(unsigned a, unsigned b, unsigned n)
{
    return link_record(ospf_id(a), ospf_id(b), a, b, n);
}

static inline UNUSED void
put_link(struct ted *ted, uint32_t source, const struct ted_link_record *r, nsec_t now)
{
    assert_ok(ted_put_link(ted, source, r, now));
}

static inline UNUSED void
put_both(struct ted *ted, uint32_t source, unsigned a, unsigned b)
{
    struct ted_link_record there = ospf_link(a, b, 0), back = ospf_link(b, a, 0);
    put_link(ted, source, &there, 1);
    put_link(ted, source, &back, 1);
}

struct finding_query {
    enum ted_finding_code code;
    const char *key;
    unsigned n;
    char text[320];
};

static inline UNUSED void
look_at_finding(void *arg, const struct ted_finding *f)
{
    struct finding_query *q = arg;
    if (f->code == q->code && (!q->key || !strcmp(q->key, f->key))) {
        q->n++;
        snprintf(q->text, sizeof q->text, "%s", f->text);
    }
}

/* How many there are; of `key` if it is not NULL. */
static inline UNUSED unsigned
count_findings(const struct ted *ted, enum ted_finding_code code, const char *key)
{
    struct finding_query q = {.code = code, .key = key};
    ted_each_finding(ted, look_at_finding, &q);
    return q.n;
}

static inline UNUSED struct te_link
snapshot_link(struct ted *ted, const char *key)
{
    const struct ted_view *view = ted_view(ted);
    uint32_t place = ted_view_find_link(view, key);
    if (place == TE_NONE)
        fail_msg("no link %s", key);
    struct te_link link = ted_view_network(view)->links[place];
    ted_view_release(view);
    return link;
}

static inline UNUSED struct te_node
snapshot_node(struct ted *ted, const char *key)
{
    const struct ted_view *view = ted_view(ted);
    uint32_t place = ted_view_find_node(view, key);
    if (place == TE_NONE)
        fail_msg("no node %s", key);
    struct te_node node = ted_view_network(view)->nodes[place];
    ted_view_release(view);
    return node;
}

static inline UNUSED void
forget_deltas(struct ted *ted)
{
    struct ted_delta d;
    while (ted_next_delta(ted, &d))
        continue;
}

#endif
