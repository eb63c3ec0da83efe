#include "wan/feed_ospf_lsdb.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "te/ted_testing.h"

/* Routers are 10.0.0.n; links of a and b 10.a.b.a and 10.a.b.b. */
#define ROUTER(n) (0x0a000000U + (n))
#define END(a, b, n)                                                                               \
    (0x0a000000U | (uint32_t)((a) < (b) ? (a) : (b)) << 16 |                                       \
     (uint32_t)((a) < (b) ? (b) : (a)) << 8 | (n))

struct lab {
    struct ted *ted;
    uint32_t source;
    struct ospf_lsdb *db;
    uint32_t sequence;
};

static struct lab
lab_open(void)
{
    struct lab lab = {.ted = ted_new(NULL), .sequence = 0x80000001};
    lab.source = add_source(lab.ted, TED_KIND_OSPF, "ospf");
    lab.db = ospf_lsdb_new(lab.ted, lab.source);
    return lab;
}

static void
lab_close(struct lab *lab)
{
    ospf_lsdb_free(lab->db);
    ted_free(lab->ted);
}

static struct buf
lsa_begin(struct lab *lab, uint8_t type, uint32_t id, uint32_t router)
{
    struct buf b = BUF_INIT;
    buf_be16(&b, 1);
    buf_u8(&b, 2);
    buf_u8(&b, type);
    buf_be32(&b, id);
    buf_be32(&b, router);
    buf_be32(&b, lab->sequence);
    buf_be32(&b, 0);
    return b;
}

static void
lsa_put(struct lab *lab, struct buf *b, bool gone)
{
    struct diag diag;
    buf_patch_be16(b, 18, (uint16_t)b->size);
    assert_ok(ospf_lsdb_put(lab->db, 0, b->data, b->size, gone, &diag));
    buf_fini(b);
}

static void
commit(struct lab *lab)
{
    ospf_lsdb_flush(lab->db, 1);
    ted_commit(lab->ted, 1);
}

struct neighbour {
    uint8_t type;
    uint32_t id, data;
};

static void
router_lsa(struct lab *lab, unsigned router, const struct neighbour *n, uint16_t count, bool gone)
{
    struct buf b = lsa_begin(lab, 1, ROUTER(router), ROUTER(router));
    buf_be16(&b, 0);
    buf_be16(&b, count);
    for (uint16_t i = 0; i < count; i++) {
        buf_be32(&b, n[i].id);
        buf_be32(&b, n[i].data);
        buf_u8(&b, n[i].type);
        buf_u8(&b, 0);
        buf_be16(&b, (uint16_t)(10 + i));
    }
    lsa_put(lab, &b, gone);
}

static void
network_lsa(struct lab *lab, uint32_t address, unsigned designated, unsigned first, unsigned last)
{
    struct buf b = lsa_begin(lab, 2, address, ROUTER(designated));
    buf_be32(&b, 0xffffff00);
    for (unsigned i = first; i <= last; i++)
        buf_be32(&b, ROUTER(i));
    lsa_put(lab, &b, false);
}

/* Of router 1's link to 2: a TE metric and a router address. */
static void
te_lsa(struct lab *lab, uint32_t metric, bool gone)
{
    struct buf b = lsa_begin(lab, 10, 0x01000007, ROUTER(1));
    buf_be32(&b, 0x00020010); /* link: local address, metric */
    buf_be32(&b, 0x00030004);
    buf_be32(&b, END(1, 2, 1));
    buf_be32(&b, 0x00050004);
    buf_be32(&b, metric);
    lsa_put(lab, &b, gone);
}

static void
two_routers(struct lab *lab)
{
    router_lsa(lab, 1, &(struct neighbour){1, ROUTER(2), END(1, 2, 1)}, 1, false);
    router_lsa(lab, 2, &(struct neighbour){1, ROUTER(1), END(1, 2, 2)}, 1, false);
    te_lsa(lab, 77, false);
    commit(lab);
}

#define LINK "10.0.0.1>10.0.0.2/10.1.2.1"

static void
joins_what_several_lsas_say(void **state)
{
    struct lab lab = lab_open();
    (void)state;
    two_routers(&lab);
    struct te_link link = snapshot_link(lab.ted, LINK);
    assert_true(link.up);
    assert_int_equal(link.igp_metric, 10);
    assert_int_equal(link.te_metric, 77);
    lab_close(&lab);
}

static void
link_goes_with_the_router_lsa(void **state)
{
    struct lab lab = lab_open();
    (void)state;
    two_routers(&lab);
    lab.sequence++;
    router_lsa(&lab, 1, NULL, 0, false);
    ospf_lsdb_flush(lab.db, 2);
    assert_int_equal(ted_pending(lab.ted), TED_PATCH);
    ted_commit(lab.ted, 2);
    assert_false(snapshot_link(lab.ted, LINK).up);
    lab_close(&lab);
}

/* ospfd tells that the old one is deleted, then of the new one. */
static void
replaced_lsa_is_no_change(void **state)
{
    struct lab lab = lab_open();
    struct neighbour n = {1, ROUTER(2), END(1, 2, 1)};
    (void)state;
    two_routers(&lab);
    uint64_t version = ted_version(lab.ted);
    router_lsa(&lab, 1, &n, 1, true);
    lab.sequence++;
    router_lsa(&lab, 1, &n, 1, false);
    te_lsa(&lab, 77, false);
    commit(&lab);
    assert_int_equal(ted_version(lab.ted), version);
    struct ospf_lsdb_counters counters;
    ospf_lsdb_counters(lab.db, &counters);
    assert_int_equal(counters.unchanged, 1);
    lab_close(&lab);
}

static void
older_lsa_is_ignored(void **state)
{
    struct lab lab = lab_open();
    (void)state;
    two_routers(&lab);
    lab.sequence--;
    router_lsa(&lab, 1, NULL, 0, false);
    te_lsa(&lab, 78, true);
    commit(&lab);
    assert_true(snapshot_link(lab.ted, LINK).up);
    assert_int_equal(snapshot_link(lab.ted, LINK).te_metric, 77);
    lab_close(&lab);
}

static void
broadcast_network_waits_for_its_lsa(void **state)
{
    struct lab lab = lab_open();
    uint32_t address = 0x0a090902;
    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        router_lsa(&lab, i, &(struct neighbour){2, address, 0x0a090900 + i}, 1, false);
    commit(&lab);
    const struct ted_view *view = ted_view(lab.ted);
    assert_int_equal(ted_view_network(view)->n_links, 0);
    ted_view_release(view);
    network_lsa(&lab, address, 2, 1, 3);
    commit(&lab);
    assert_true(snapshot_link(lab.ted, "10.0.0.1>10.0.0.3/10.9.9.1").up);
    lab.sequence++;
    network_lsa(&lab, address, 2, 1, 2);
    commit(&lab);
    assert_false(snapshot_link(lab.ted, "10.0.0.1>10.0.0.3/10.9.9.1").up);
    assert_true(snapshot_link(lab.ted, "10.0.0.1>10.0.0.2/10.9.9.1").up);
    lab_close(&lab);
}

/* The designated router fails: another one takes over, with a network LSA of its own. */
static void
network_gets_another_designated_router(void **state)
{
    struct lab lab = lab_open();
    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        router_lsa(&lab, i, &(struct neighbour){2, 0x0a090902, 0x0a090900 + i}, 1, false);
    network_lsa(&lab, 0x0a090902, 2, 1, 3);
    commit(&lab);
    lab.sequence++;
    network_lsa(&lab, 0x0a090903, 3, 1, 3);
    for (unsigned i = 1; i <= 3; i++)
        router_lsa(&lab, i, &(struct neighbour){2, 0x0a090903, 0x0a090900 + i}, 1, false);
    commit(&lab);
    assert_true(snapshot_link(lab.ted, "10.0.0.1>10.0.0.3/10.9.9.1").up);
    lab_close(&lab);
}

static void
stub_router_is_not_passed(void **state)
{
    struct lab lab = lab_open();
    (void)state;
    two_routers(&lab);
    assert_true(snapshot_node(lab.ted, "10.0.0.1").passable);
    lab.sequence++;
    struct buf b = lsa_begin(&lab, 1, ROUTER(1), ROUTER(1));
    buf_be32(&b, 1);
    buf_be32(&b, ROUTER(2));
    buf_be32(&b, END(1, 2, 1));
    buf_be32(&b, 0x0100ffff);
    lsa_put(&lab, &b, false);
    commit(&lab);
    assert_false(snapshot_node(lab.ted, "10.0.0.1").passable);
    assert_true(snapshot_link(lab.ted, LINK).up);
    lab_close(&lab);
}

static void
malformed_lsa_is_named_and_changes_nothing(void **state)
{
    struct lab lab = lab_open();
    struct diag diag = {0};
    (void)state;
    two_routers(&lab);
    struct buf b = lsa_begin(&lab, 1, ROUTER(1), ROUTER(1));
    buf_be32(&b, 9); /* nine links, and none is there */
    buf_patch_be16(&b, 18, (uint16_t)b.size);
    assert_err(ospf_lsdb_put(lab.db, 0, b.data, b.size, false, &diag), ERR_TRUNCATED);
    assert_string_equal(diag.text, "links at offset 24: truncated input");
    buf_fini(&b);
    commit(&lab);
    assert_true(snapshot_link(lab.ted, LINK).up);
    lab_close(&lab);
}

static void
router_that_goes_leaves_nothing(void **state)
{
    struct lab lab = lab_open();
    struct ospf_lsdb_counters counters;
    (void)state;
    two_routers(&lab);
    router_lsa(&lab, 1, NULL, 0, true);
    te_lsa(&lab, 77, true);
    commit(&lab);
    assert_false(snapshot_link(lab.ted, LINK).up);
    assert_false(snapshot_node(lab.ted, "10.0.0.1").passable);
    ospf_lsdb_counters(lab.db, &counters);
    assert_int_equal(counters.n_routers, 1);
    ted_commit(lab.ted, 3601 * SECOND);
    const struct ted_view *view = ted_view(lab.ted);
    assert_int_equal(ted_view_find_link(view, LINK), TE_NONE);
    ted_view_release(view);
    lab_close(&lab);
}

TEST_MAIN(cmocka_unit_test(joins_what_several_lsas_say),
          cmocka_unit_test(link_goes_with_the_router_lsa),
          cmocka_unit_test(replaced_lsa_is_no_change), cmocka_unit_test(older_lsa_is_ignored),
          cmocka_unit_test(broadcast_network_waits_for_its_lsa),
          cmocka_unit_test(network_gets_another_designated_router),
          cmocka_unit_test(stub_router_is_not_passed),
          cmocka_unit_test(malformed_lsa_is_named_and_changes_nothing),
          cmocka_unit_test(router_that_goes_leaves_nothing))
