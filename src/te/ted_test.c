#include "te/ted.h"

#include "te/ted_testing.h"

#include <math.h>
#include <time.h>

/* A triangle 1-2-3, as OSPF tells it. */
static struct ted *
triangle(uint32_t *source)
{
    struct ted *ted = ted_new(NULL);
    *source = add_source(ted, TED_KIND_OSPF, "ospf");
    for (unsigned i = 1; i <= 3; i++)
        put_node(ted, *source, ospf_id(i), i, NULL);
    put_both(ted, *source, 1, 2);
    put_both(ted, *source, 2, 3);
    put_both(ted, *source, 1, 3);
    ted_source_synced(ted, *source, 1);
    ted_commit(ted, 1);
    return ted;
}

#define LINK_1_2 "10.255.0.1>10.255.0.2/10.1.2.1"
#define LINK_2_1 "10.255.0.2>10.255.0.1/10.1.2.2"

static void
shows_what_one_source_tells(void **state)
{
    uint32_t source;
    struct ted *ted = triangle(&source);
    const struct ted_view *view = ted_view(ted);
    const struct te_network *network = ted_view_network(view);
    (void)state;
    assert_int_equal(network->n_nodes, 3);
    assert_int_equal(network->n_links, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(network->links[i].up);
        assert_int_equal(network->links[network->links[i].reverse].reverse, i);
    }
    struct te_link link = snapshot_link(ted, LINK_1_2);
    assert_int_equal(link.igp_metric, 10);
    assert_int_equal(link.te_metric, 10);
    assert_int_equal(link.delay_us, TE_UNKNOWN_US);
    assert_int_equal(link.unreserved_bps[7], UINT64_C(10000000000));
    struct ted_link_info info;
    assert_true(ted_link_info(ted, LINK_1_2, &info));
    assert_int_equal(info.origin[TED_CAPACITY].source, source);
    assert_int_equal(info.origin[TED_CAPACITY].since, 1);
    assert_int_equal(info.origin[TED_DELAY].source, TE_NONE);
    ted_view_release(view);
    ted_free(ted);
}

static void
link_down_patches_the_snapshot_and_the_old_one_stays(void **state)
{
    uint32_t source;
    struct ted *ted = triangle(&source);
    const struct ted_view *before = ted_view(ted);
    struct ted_link_record r = ospf_link(1, 2, 0);
    struct ted_delta d;
    (void)state;
    forget_deltas(ted);
    ted_withdraw_link(ted, source, &r.id, 5);
    assert_int_equal(ted_pending(ted), TED_PATCH);
    uint64_t version = ted_version(ted);
    assert_int_equal(ted_commit(ted, 5), version + 1);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_false(snapshot_link(ted, LINK_2_1).up);
    assert_true(ted_view_network(before)->links[ted_view_find_link(before, LINK_1_2)].up);
    unsigned downs = 0, one_way = 0;
    while (ted_next_delta(ted, &d)) {
        assert_int_equal(d.version, version + 1);
        downs += d.kind == TED_LINK_CHANGED && d.attributes == TED_BIT(TED_STATE) && !d.up;
        one_way += d.kind == TED_FINDING_RAISED && d.finding == TED_ONE_WAY;
    }
    assert_int_equal(downs, 2);
    assert_int_equal(one_way, 1);
    put_link(ted, source, &r, 6);
    assert_int_equal(ted_pending(ted), TED_PATCH);
    ted_commit(ted, 6);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    assert_int_equal(count_findings(ted, TED_ONE_WAY, NULL), 0);
    ted_view_release(before);
    ted_free(ted);
}

static void
forgets_what_is_gone_for_long(void **state)
{
    uint32_t source;
    struct ted *ted = triangle(&source);
    struct ted_link_record there = ospf_link(1, 2, 0), back = ospf_link(2, 1, 0);
    (void)state;
    ted_withdraw_link(ted, source, &there.id, 5);
    ted_withdraw_link(ted, source, &back.id, 5);
    ted_commit(ted, 5);
    struct ted_link_info info;
    assert_true(ted_link_info(ted, LINK_1_2, &info));
    assert_int_equal(info.down_since, 5);
    assert_int_equal(ted_wake(ted), 5 + 60 * SECOND);
    ted_commit(ted, 5 + 60 * SECOND);
    assert_int_equal(ted_wake(ted), 5 + 3600 * SECOND);
    ted_commit(ted, 5 + 3600 * SECOND);
    assert_false(ted_link_info(ted, LINK_1_2, &info));
    assert_int_equal(ted_wake(ted), NSEC_NEVER);
    ted_free(ted);
}

/* IS-IS and OSPF on one network, known by the TE router id. */
static void
merges_sources_by_router_id(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "bgp-ls 192.0.2.7");
    (void)state;
    put_node(ted, peer, isis_id(1), 1, "r1");
    put_node(ted, peer, isis_id(2), 2, "r2");
    struct ted_link_record r = link_record(isis_id(1), isis_id(2), 1, 2, 0);
    r.told |= TED_BIT(TED_DELAY);
    r.delay_us = 700;
    r.capacity_bps = 5;
    put_link(ted, peer, &r, 2);
    ted_source_synced(ted, peer, 2);
    ted_commit(ted, 2);
    const struct ted_view *view = ted_view(ted);
    assert_int_equal(ted_view_network(view)->n_nodes, 3);
    assert_int_equal(ted_view_network(view)->n_links, 6);
    ted_view_release(view);
    assert_string_equal(snapshot_node(ted, "10.255.0.1").name, "r1");
    struct te_link link = snapshot_link(ted, LINK_1_2);
    assert_int_equal(link.delay_us, 700);
    assert_int_equal(link.capacity_bps, UINT64_C(10000000000)); /* OSPF goes first */
    assert_int_equal(count_findings(ted, TED_CAPACITIES_DIFFER, LINK_1_2), 1);
    struct ted_link_info info;
    assert_true(ted_link_info(ted, LINK_1_2, &info));
    assert_int_equal(info.origin[TED_DELAY].source, peer);
    assert_int_equal(info.sources[0], 1U << ospf | 1U << peer);
    ted_source_remove(ted, ospf, 3);
    ted_commit(ted, 3);
    assert_int_equal(snapshot_link(ted, LINK_1_2).capacity_bps, 5);
    ted_free(ted);
}

/* Whoever hears first of a failure is believed; of a repair, too. */
static void
the_news_of_any_source_counts(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    struct ted_link_record r = ospf_link(1, 2, 0);
    (void)state;
    put_link(ted, peer, &r, 2);
    ted_source_synced(ted, peer, 2);
    ted_commit(ted, 2);
    ted_withdraw_link(ted, peer, &r.id, 3);
    ted_commit(ted, 3);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_int_equal(count_findings(ted, TED_SOURCES_DISAGREE, LINK_1_2), 1);
    r.igp_metric++; /* that is not to tell it anew */
    put_link(ted, ospf, &r, 4);
    ted_commit(ted, 4);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    ted_withdraw_link(ted, ospf, &r.id, 5);
    put_link(ted, ospf, &r, 6);
    ted_commit(ted, 6);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    ted_withdraw_link(ted, peer, &r.id, 7); /* once more changes nothing */
    ted_commit(ted, 7);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    put_link(ted, peer, &r, 8);
    ted_withdraw_link(ted, peer, &r.id, 9);
    ted_commit(ted, 9);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    ted_commit(ted, 9 + 60 * SECOND);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    ted_free(ted);
}

/* Another device has the router id 10.255.0.2: name and links are others. */
static void
contains_two_devices_under_one_id(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    struct ted_node_id strange = ospf_id(2), other = ospf_id(9);
    (void)state;
    put_node(ted, ospf, ospf_id(2), 2, "r2");
    put_node(ted, peer, strange, 2, "core-x");
    put_node(ted, peer, other, 9, "core-y");
    struct ted_link_record r = link_record(strange, other, 2, 9, 50),
                           back = link_record(other, strange, 9, 2, 50);
    put_link(ted, peer, &r, 2);
    put_link(ted, peer, &back, 2);
    ted_source_synced(ted, peer, 2);
    ted_commit(ted, 2);
    assert_int_equal(count_findings(ted, TED_NODE_ID_CONFLICT, "10.255.0.2"), 1);
    assert_int_equal(count_findings(ted, TED_NODE_ID_CONFLICT, "10.255.0.2!peer"), 1);
    assert_true(snapshot_node(ted, "10.255.0.2").passable);
    assert_int_equal(snapshot_node(ted, "10.255.0.2").router_id.family, 4);
    assert_false(snapshot_node(ted, "10.255.0.2!peer").passable);
    assert_int_equal(snapshot_node(ted, "10.255.0.2!peer").router_id.family, 0);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    assert_true(snapshot_node(ted, "10.255.0.9").passable);
    ted_source_remove(ted, peer, 3);
    ted_commit(ted, 3);
    assert_int_equal(count_findings(ted, TED_NODE_ID_CONFLICT, NULL), 0);
    ted_free(ted);
}

static void
same_router_with_another_form_of_its_name_is_merged(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    (void)state;
    put_node(ted, ospf, ospf_id(2), 2, "r2");
    put_node(ted, peer, ospf_id(2), 2, "R2.example.net");
    ted_source_synced(ted, peer, 2);
    ted_commit(ted, 2);
    assert_int_equal(count_findings(ted, TED_NODE_ID_CONFLICT, NULL), 0);
    assert_int_equal(count_findings(ted, TED_NAMES_DIFFER, "10.255.0.2"), 1);
    ted_free(ted);
}

static void
stale_source_is_kept_marked_and_withdrawn(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_link_info info;
    (void)state;
    ted_source_down(ted, ospf, 10);
    ted_commit(ted, 10);
    assert_true(ted_link_info(ted, LINK_1_2, &info));
    assert_true(info.stale);
    assert_true(info.link->up);
    assert_int_equal(count_findings(ted, TED_SOURCE_STALE, "ospf"), 1);
    assert_int_equal(ted_wake(ted), 10 + 120 * SECOND);
    ted_commit(ted, 10 + 120 * SECOND);
    assert_int_equal(count_findings(ted, TED_SOURCE_STALE, "ospf"), 1);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_false(snapshot_node(ted, "10.255.0.1").passable);
    ted_free(ted);
}

static void
synchronising_withdraws_what_is_not_repeated(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    (void)state;
    ted_source_down(ted, ospf, 10);
    ted_commit(ted, 10);
    ted_source_up(ted, ospf, 11);
    for (unsigned i = 1; i <= 3; i++)
        put_node(ted, ospf, ospf_id(i), i, NULL);
    put_both(ted, ospf, 1, 2);
    put_both(ted, ospf, 1, 3);
    ted_commit(ted, 11);
    assert_true(snapshot_link(ted, "10.255.0.2>10.255.0.3/10.2.3.1").up);
    ted_source_synced(ted, ospf, 12);
    ted_commit(ted, 12);
    assert_false(snapshot_link(ted, "10.255.0.2>10.255.0.3/10.2.3.1").up);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    ted_free(ted);
}

/* 1, 2 and 3 at one network whose designated router is 2. */
static void
resolves_a_broadcast_network(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospf");
    struct ted_node_id lan = {
        .protocol = TED_OSPFV2, .size = 8, .router_id = {10, 255, 0, 2, 10, 9, 9, 2}};
    struct ted_link_record out = {0};
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        struct ted_link_record in = link_record(ospf_id(i), lan, i, i, 0);
        in.id.local_address = address4(10, 9, 9, i);
        in.id.remote_address = (struct te_address){0};
        in.igp_metric = i;
        put_link(ted, ospf, &in, 1);
        out = (struct ted_link_record){.id = {.local = lan, .remote = ospf_id(i)}};
        put_link(ted, ospf, &out, 1);
    }
    ted_source_synced(ted, ospf, 1);
    ted_commit(ted, 1);
    const struct ted_view *view = ted_view(ted);
    assert_int_equal(ted_view_network(view)->n_nodes, 3);
    assert_int_equal(ted_view_network(view)->n_links, 6);
    ted_view_release(view);
    struct te_link link = snapshot_link(ted, "10.255.0.1>10.255.0.3/10.9.9.1");
    assert_true(link.up);
    assert_int_equal(link.igp_metric, 1);
    struct te_address remote = address4(10, 9, 9, 3);
    assert_memory_equal(&link.remote, &remote, sizeof remote);
    /* The designated router does not hear 3 any more; 3 itself has not noticed. */
    ted_withdraw_link(ted, ospf, &out.id, 2);
    ted_commit(ted, 2);
    assert_false(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.9.9.1").up);
    assert_false(snapshot_link(ted, "10.255.0.3>10.255.0.2/10.9.9.3").up);
    assert_true(snapshot_link(ted, "10.255.0.1>10.255.0.2/10.9.9.1").up);
    ted_free(ted);
}

static void
names_senseless_bandwidths(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_link_record r = ospf_link(1, 2, 0);
    (void)state;
    ted_link_bandwidth(&r, TED_CAPACITY, 0, 176258176.0); /* 10 Gb/s in 32 bits */
    ted_link_bandwidth(&r, TED_RESERVABLE, 0, 1.25e8);
    put_link(ted, ospf, &r, 2);
    ted_commit(ted, 2);
    assert_int_equal(count_findings(ted, TED_BANDWIDTH_TRUNCATED, LINK_1_2), 1);
    assert_int_equal(snapshot_link(ted, LINK_1_2).capacity_bps, 1000000000);
    static const double bad[] = {-1, NAN, INFINITY, 1e30};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        r = ospf_link(1, 2, 0);
        ted_link_bandwidth(&r, TED_CAPACITY, 0, bad[i]);
        put_link(ted, ospf, &r, 3);
        ted_commit(ted, 3);
        assert_int_equal(count_findings(ted, TED_BANDWIDTH_BAD, LINK_1_2), 1);
        assert_int_equal(snapshot_link(ted, LINK_1_2).capacity_bps, 0);
        assert_int_equal(count_findings(ted, TED_BANDWIDTH_ABSENT, LINK_1_2), 1);
    }
    r = ospf_link(1, 2, 0);
    r.told |= TED_BIT(TED_DELAY) | TED_BIT(TED_UNRESERVED);
    r.delay_us = 2000000;
    r.unreserved_bps[3] = UINT64_MAX;
    put_link(ted, ospf, &r, 4);
    ted_commit(ted, 4);
    assert_int_equal(count_findings(ted, TED_DELAY_ABSURD, LINK_1_2), 1);
    assert_int_equal(snapshot_link(ted, LINK_1_2).delay_us, TE_UNKNOWN_US);
    assert_int_equal(count_findings(ted, TED_UNRESERVED_ABOVE, LINK_1_2), 1);
    assert_int_equal(snapshot_link(ted, LINK_1_2).unreserved_bps[3], UINT64_C(10000000000));
    ted_free(ted);
}

static struct ted_node_id
named(struct ted *ted, const char *name)
{
    struct ted_node_id id;
    assert_ok(ted_named(ted, name, &id));
    return id;
}

static void
import_adds_groups_and_names_what_is_not_heard(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t import = add_source(ted, TED_KIND_IMPORT, "inventory.csv");
    uint32_t groups[] = {7, 3, 7};
    struct ted_link_record r = {
        .id = {.local = named(ted, "10.255.0.1"), .remote = named(ted, "R2")},
        .told = TED_BIT(TED_SRLG) | TED_BIT(TED_DELAY),
        .srlgs = groups,
        .n_srlgs = 3,
        .delay_us = 420};
    (void)state;
    put_node(ted, ospf, ospf_id(2), 2, "r2");
    put_link(ted, import, &r, 2);
    r.id.remote = named(ted, "planned");
    put_link(ted, import, &r, 2);
    r.id.remote = named(ted, "10.255.0.3");
    r.id.local = named(ted, "10.255.0.2");
    ted_source_synced(ted, import, 2);
    ted_commit(ted, 2);
    struct te_link link = snapshot_link(ted, LINK_1_2);
    assert_int_equal(link.n_srlgs, 2);
    assert_int_equal(link.delay_us, 420);
    assert_true(link.up);
    assert_int_equal(count_findings(ted, TED_SRLG_ONE_WAY, LINK_1_2), 1);
    assert_int_equal(count_findings(ted, TED_LINK_NOT_HEARD, "10.255.0.1>planned"), 1);
    assert_false(snapshot_link(ted, "10.255.0.1>planned").up);
    ted_free(ted);
}

static void
planned_network_without_routers_is_up(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t import = add_source(ted, TED_KIND_IMPORT, "plan");
    struct ted_link_record r = {.id = {.local = named(ted, "a"), .remote = named(ted, "b")},
                                .told = TED_BIT(TED_CAPACITY),
                                .capacity_bps = 1000};
    (void)state;
    put_link(ted, import, &r, 1);
    r.id.local = named(ted, "b");
    r.id.remote = named(ted, "a");
    put_link(ted, import, &r, 1);
    ted_commit(ted, 1);
    assert_true(snapshot_link(ted, "a>b").up);
    ted_free(ted);
}

static void
link_at_risk_is_shown_so_that_paths_avoid_it(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t optical = add_source(ted, TED_KIND_OPTICAL, "optical");
    struct ted_link_record r = {.id = {.local = named(ted, "10.255.0.1"),
                                       .remote = named(ted, "10.255.0.2"),
                                       .local_address = address4(10, 1, 2, 1)},
                                .told = TED_BIT(TED_RISK),
                                .at_risk = true,
                                .risk = "protection used up"};
    (void)state;
    put_link(ted, optical, &r, 2);
    ted_commit(ted, 2);
    struct te_link link = snapshot_link(ted, LINK_1_2);
    assert_true(link.up);
    assert_int_equal(link.te_metric, 100);
    assert_true(link.affinity.words[3] >> 63);
    struct finding_query q = {.code = TED_LINK_AT_RISK, .key = LINK_1_2};
    ted_each_finding(ted, look_at_finding, &q);
    assert_string_equal(q.text, "protection used up");
    ted_free(ted);
}

static void
optical_delay_goes_before_an_older_measurement(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t optical = add_source(ted, TED_KIND_OPTICAL, "optical");
    uint32_t measured = add_source(ted, TED_KIND_MEASURED, "stamp");
    struct ted_link_record r = {.id = {.local = named(ted, "10.255.0.1"),
                                       .remote = named(ted, "10.255.0.2"),
                                       .local_address = address4(10, 1, 2, 1)},
                                .told = TED_BIT(TED_DELAY),
                                .delay_us = 500};
    (void)state;
    put_link(ted, measured, &r, 2);
    r.delay_us = 2500;
    put_link(ted, optical, &r, 3);
    ted_commit(ted, 3);
    assert_int_equal(snapshot_link(ted, LINK_1_2).delay_us, 2500);
    assert_int_equal(count_findings(ted, TED_DELAYS_DIFFER, LINK_1_2), 1);
    r.delay_us = 2410;
    put_link(ted, measured, &r, 4);
    ted_commit(ted, 4);
    assert_int_equal(snapshot_link(ted, LINK_1_2).delay_us, 2410);
    ted_free(ted);
}

static void
operators_override_and_take_back(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_override o = {.id = "m1",
                             .target = TED_TARGET_LINK,
                             .key = LINK_1_2,
                             .set = TED_BIT(TED_STATE) | TED_BIT(TED_TE_METRIC),
                             .te_metric = 77,
                             .who = "anna",
                             .why = "fibre splice",
                             .until = 100};
    (void)state;
    assert_ok(ted_override_put(ted, &o, 2));
    o.id = "m2";
    o.target = TED_TARGET_NODE;
    o.key = "10.255.0.3";
    o.set = TED_BIT(TED_STATE);
    o.until = NSEC_NEVER;
    assert_ok(ted_override_put(ted, &o, 2));
    o.id = "m3";
    o.key = "nowhere";
    assert_ok(ted_override_put(ted, &o, 2));
    o.set = TED_BIT(TED_DELAY);
    assert_err(ted_override_put(ted, &o, 2), ERR_INVALID);
    o.set = TED_BIT(TED_STATE);
    o.who = "";
    assert_err(ted_override_put(ted, &o, 2), ERR_INVALID);
    ted_commit(ted, 2);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_false(snapshot_link(ted, LINK_2_1).up);
    assert_int_equal(snapshot_link(ted, LINK_2_1).te_metric, 77);
    assert_false(snapshot_node(ted, "10.255.0.3").passable);
    assert_true(snapshot_link(ted, "10.255.0.2>10.255.0.3/10.2.3.1").up);
    assert_int_equal(count_findings(ted, TED_OVERRIDE_IDLE, "m3"), 1);
    struct ted_link_info info;
    assert_true(ted_link_info(ted, LINK_1_2, &info));
    assert_string_equal(info.origin[TED_TE_METRIC].override_id, "m1");
    assert_int_equal(ted_wake(ted), 100);
    ted_commit(ted, 100);
    assert_true(snapshot_link(ted, LINK_1_2).up);
    assert_int_equal(snapshot_link(ted, LINK_1_2).te_metric, 10);
    ted_override_remove(ted, "m2", 101);
    ted_commit(ted, 101);
    assert_true(snapshot_node(ted, "10.255.0.3").passable);
    ted_free(ted);
}

static void
maintenance_of_a_group_takes_all_its_links(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t groups[] = {1000};
    struct ted_link_record r = ospf_link(1, 2, 0);
    struct ted_override o = {.id = "duct",
                             .target = TED_TARGET_SRLG,
                             .srlg = 1000,
                             .set = TED_BIT(TED_STATE),
                             .who = "anna",
                             .why = "digging",
                             .until = NSEC_NEVER};
    (void)state;
    r.told |= TED_BIT(TED_SRLG);
    r.srlgs = groups;
    r.n_srlgs = 1;
    put_link(ted, ospf, &r, 2);
    assert_ok(ted_override_put(ted, &o, 2));
    ted_commit(ted, 2);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_true(snapshot_link(ted, LINK_1_2).drained);
    assert_true(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").up);
    ted_withdraw_link(ted, ospf, &r.id, 3);
    ted_commit(ted, 3);
    assert_false(snapshot_link(ted, LINK_1_2).drained); /* the IGP does not go there either */
    ted_free(ted);
}

static void
node_segments_come_from_prefixes(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_prefix_record p = {.node = ospf_id(1),
                                  .prefix = router_id(1),
                                  .length = 32,
                                  .sid_index = 101,
                                  .node_segment = true};
    (void)state;
    assert_ok(ted_put_prefix(ted, ospf, &p, 2));
    ted_commit(ted, 2);
    assert_int_equal(snapshot_node(ted, "10.255.0.1").sid_index, 101);
    p.node = ospf_id(2);
    p.prefix = router_id(2);
    assert_ok(ted_put_prefix(ted, ospf, &p, 3));
    ted_commit(ted, 3);
    assert_int_equal(snapshot_node(ted, "10.255.0.1").sid_index, TE_NO_LABEL);
    assert_int_equal(count_findings(ted, TED_SID_CONFLICT, "10.255.0.2"), 1);
    ted_withdraw_prefix(ted, ospf, &p, 4);
    forget_deltas(ted);
    ted_commit(ted, 4);
    assert_int_equal(snapshot_node(ted, "10.255.0.1").sid_index, 101);
    assert_int_equal(count_findings(ted, TED_SID_CONFLICT, NULL), 0);
    ted_free(ted);
}

static void
what_cannot_be_read_is_named_until_it_can(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct finding_query q = {.code = TED_SOURCE_GARBLED};
    (void)state;
    ted_source_garbled(ted, ospf, 0, "nothing", 2);
    assert_int_equal(ted_pending(ted), TED_NOTHING);
    ted_source_garbled(ted, ospf, 2, "edges[3].metric", 2);
    ted_source_garbled(ted, ospf, 1, "edges[7].metric", 2);
    ted_commit(ted, 2);
    ted_each_finding(ted, look_at_finding, &q);
    assert_int_equal(q.n, 1);
    assert_string_equal(q.text, "3 of what it says could not be read and is left out, such as: "
                                "edges[7].metric");
    assert_true(snapshot_link(ted, LINK_1_2).up);
    ted_source_refresh(ted, ospf, 3);
    ted_commit(ted, 3);
    assert_int_equal(count_findings(ted, TED_SOURCE_GARBLED, NULL), 0);
    ted_free(ted);
}

#define CHAIN 8

/* Routers 1 to CHAIN, the first `n` of which are told again at `at`. */
static void
tell_again(struct ted *ted, uint32_t source, unsigned n, nsec_t at)
{
    ted_source_refresh(ted, source, at);
    for (unsigned i = 1; i <= n; i++)
        put_node(ted, source, ospf_id(i), i, NULL);
    ted_source_synced(ted, source, at);
    ted_commit(ted, at);
}

static bool
has_node(const struct ted *ted, const char *key)
{
    struct ted_node_info info;
    return ted_node_info(ted, key, &info) && info.node->passable;
}

static struct ted *
chain(enum ted_kind kind, uint32_t *source)
{
    struct ted *ted = ted_new(NULL);
    *source = add_source(ted, kind, "source");
    tell_again(ted, *source, CHAIN, 1);
    assert_true(has_node(ted, "10.255.0.8"));
    return ted;
}

static void
less_than_half_is_not_believed_at_once(void **state)
{
    uint32_t ospf;
    struct ted *ted = chain(TED_KIND_OSPF, &ospf);
    (void)state;
    tell_again(ted, ospf, 3, 2);
    assert_int_equal(count_findings(ted, TED_SOURCE_SMALL, "source"), 1);
    assert_true(has_node(ted, "10.255.0.8"));
    assert_int_equal(ted_wake(ted), 2 + 10 * SECOND);
    tell_again(ted, ospf, 2, 3); /* even less; the time runs on */
    assert_int_equal(ted_wake(ted), 2 + 10 * SECOND);
    tell_again(ted, ospf, CHAIN, 4);
    assert_int_equal(count_findings(ted, TED_SOURCE_SMALL, NULL), 0);
    assert_true(ted_wake(ted) > 100 * SECOND);
    ted_free(ted);
}

static void
less_than_half_that_stays_so_is_believed(void **state)
{
    uint32_t ospf;
    struct ted *ted = chain(TED_KIND_OSPF, &ospf);
    (void)state;
    tell_again(ted, ospf, 3, 2);
    ted_commit(ted, 2 + 10 * SECOND);
    assert_int_equal(count_findings(ted, TED_SOURCE_SMALL, NULL), 0);
    assert_false(has_node(ted, "10.255.0.8"));
    assert_true(has_node(ted, "10.255.0.3"));
    ted_free(ted);
}

/* What is missing may be what could not be read. */
static void
less_than_half_for_what_cannot_be_read_is_kept_longer(void **state)
{
    uint32_t ospf;
    struct ted *ted = chain(TED_KIND_OSPF, &ospf);
    (void)state;
    ted_source_refresh(ted, ospf, 2);
    ted_source_garbled(ted, ospf, CHAIN, "vertices[0]", 2);
    ted_source_synced(ted, ospf, 2);
    ted_commit(ted, 2 + 10 * SECOND);
    assert_true(has_node(ted, "10.255.0.8"));
    assert_int_equal(ted_wake(ted), 2 + 120 * SECOND);
    ted_commit(ted, 2 + 120 * SECOND);
    assert_false(has_node(ted, "10.255.0.8"));
    ted_free(ted);
}

static void
half_of_it_may_go_at_once(void **state)
{
    uint32_t source;
    struct ted *ted = chain(TED_KIND_OSPF, &source);
    (void)state;
    tell_again(ted, source, CHAIN / 2, 2);
    assert_int_equal(count_findings(ted, TED_SOURCE_SMALL, NULL), 0);
    assert_false(has_node(ted, "10.255.0.8"));
    ted_free(ted);
}

/* A plan is whatever its owner says. */
static void
plan_may_shrink_at_once(void **state)
{
    uint32_t plan;
    struct ted *ted = chain(TED_KIND_IMPORT, &plan);
    (void)state;
    tell_again(ted, plan, 1, 2);
    assert_int_equal(count_findings(ted, TED_SOURCE_SMALL, NULL), 0);
    ted_free(ted);
}

static void
one_source_cannot_take_all_the_room(void **state)
{
    struct ted_config config = {.max_links = 4, .max_nodes = 8};
    struct ted *ted = ted_new(&config);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        struct ted_link_record r = ospf_link(1, 1 + i, 0);
        put_link(ted, peer, &r, 1);
    }
    struct ted_link_record r = ospf_link(2, 3, 0), bad = ospf_link(3, 3, 0);
    assert_err(ted_put_link(ted, peer, &r, 1), ERR_LIMIT);
    assert_err(ted_put_link(ted, peer, &bad, 1), ERR_INVALID);
    ted_commit(ted, 1);
    assert_int_equal(count_findings(ted, TED_SOURCE_LIMIT, "peer"), 1);
    struct ted_link_record first = ospf_link(1, 2, 0);
    ted_withdraw_link(ted, peer, &first.id, 2);
    assert_ok(ted_put_link(ted, peer, &r, 2));
    ted_free(ted);
}

static double
seconds_of_commit(struct ted *ted)
{
    clock_t start = clock();
    struct finding_query q = {.code = TED_NODE_ID_CONFLICT};
    ted_commit(ted, 1);
    ted_each_finding(ted, look_at_finding, &q);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void
a_flood_of_claims_to_one_id_ends(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct ted_node_record r = {.id = isis_id(i), .router_id = router_id(1)};
        assert_ok(ted_put_node(ted, peer, &r, 1));
    }
    assert_true(seconds_of_commit(ted) < 5);
    ted_free(ted);
}

/* One node under thousands of ids, one link told thousands of times, beside another source. */
static void
a_flood_of_one_node_and_one_link_ends(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t peer = add_source(ted, TED_KIND_BGP_LS, "peer");
    (void)state;
    for (unsigned i = 1; i < 9000; i++) {
        struct ted_link_record there = ospf_link(1, 2, 0), back = ospf_link(2, 1, 0);
        there.id.local.asn = there.id.remote.asn = i;
        back.id.local.asn = back.id.remote.asn = i;
        put_link(ted, peer, &there, 1);
        put_link(ted, peer, &back, 1);
    }
    ted_source_synced(ted, peer, 1);
    assert_true(seconds_of_commit(ted) < 5);
    assert_int_equal(count_findings(ted, TED_ADDRESS_TWICE, "10.255.0.1"), 1);
    for (unsigned i = 1; i < 9000; i += 2) {
        struct ted_link_record there = ospf_link(1, 2, 0);
        there.id.local.asn = there.id.remote.asn = i;
        ted_withdraw_link(ted, peer, &there.id, 2);
    }
    assert_true(seconds_of_commit(ted) < 5);
    assert_true(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").up);
    ted_free(ted);
}

/* Two sources, thousands of links of one node each, none in common; and a network of thousands. */
static void
a_flood_of_links_of_one_node_ends(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t peers[] = {add_source(ted, TED_KIND_BGP_LS, "a"),
                        add_source(ted, TED_KIND_BGP_LS, "b")};
    struct ted_node_id lan = {
        .protocol = TED_OSPFV2, .size = 8, .router_id = {10, 255, 0, 2, 10, 9, 9, 2}};
    (void)state;
    for (unsigned p = 0; p < 2; p++) {
        for (unsigned i = 2; i < 15000; i++) {
            struct ted_link_record r = link_record(ospf_id(1), ospf_id(i), 1, i, 20 * p);
            r.id.local_address.octets[3] = (uint8_t)(i >> 8);
            put_link(ted, peers[p], &r, 1);
            r.id.local = r.id.remote;
            r.id.remote = lan;
            r.id.local_address.octets[0] = 99;
            put_link(ted, peers[p], &r, 1);
        }
        ted_source_synced(ted, peers[p], 1);
    }
    assert_true(seconds_of_commit(ted) < 5);
    assert_int_equal(count_findings(ted, TED_LAN_TOO_LARGE, "10.255.0.9"), 1);
    assert_int_equal(count_findings(ted, TED_NODE_ID_CONFLICT, "10.255.0.1"), 1);
    ted_free(ted);
}

static void
link_down_does_not_wait_for_a_change_of_structure(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_link_record r = ospf_link(1, 2, 0), other = ospf_link(1, 3, 0);
    uint32_t groups[] = {7};
    (void)state;
    put_both(ted, ospf, 3, 4); /* a new router */
    ted_withdraw_link(ted, ospf, &r.id, 2);
    other.told |= TED_BIT(TED_SRLG);
    other.srlgs = groups;
    other.n_srlgs = 1;
    put_link(ted, ospf, &other, 2);
    uint64_t version = ted_version(ted);
    assert_int_equal(ted_commit_links(ted, 2), version + 1);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_int_equal(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").n_srlgs, 0);
    assert_int_equal(ted_pending(ted), TED_STRUCTURE);
    ted_commit(ted, 2);
    assert_false(snapshot_link(ted, LINK_1_2).up);
    assert_int_equal(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").n_srlgs, 1);
    assert_true(snapshot_link(ted, "10.255.0.3>10.255.0.4/10.3.4.1").up);
    ted_free(ted);
}

static void
far_end_is_not_forgotten(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    struct ted_link_record r = ospf_link(1, 2, 0);
    struct te_address remote = r.id.remote_address;
    (void)state;
    r.id.remote_address = (struct te_address){0};
    put_link(ted, ospf, &r, 2);
    assert_int_equal(ted_pending(ted), TED_NOTHING);
    ted_commit(ted, 2);
    struct te_link link = snapshot_link(ted, LINK_1_2);
    assert_memory_equal(&link.remote, &remote, sizeof remote);
    ted_free(ted);
}

static void
a_name_of_several_is_of_none(void **state)
{
    uint32_t ospf;
    struct ted *ted = triangle(&ospf);
    uint32_t import = add_source(ted, TED_KIND_IMPORT, "plan");
    uint32_t groups[] = {7};
    struct ted_link_record r = {.id = {.local = named(ted, "core"), .remote = named(ted, "core3")},
                                .told = TED_BIT(TED_SRLG),
                                .srlgs = groups,
                                .n_srlgs = 1};
    (void)state;
    put_node(ted, ospf, ospf_id(1), 1, "core");
    put_node(ted, ospf, ospf_id(2), 2, "core");
    put_node(ted, ospf, ospf_id(3), 3, "core3");
    put_link(ted, import, &r, 2);
    ted_commit(ted, 2);
    assert_int_equal(count_findings(ted, TED_NAME_AMBIGUOUS, "core"), 1);
    assert_int_equal(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").n_srlgs, 0);
    put_node(ted, ospf, ospf_id(2), 2, "core2");
    ted_commit(ted, 3);
    assert_int_equal(count_findings(ted, TED_NAME_AMBIGUOUS, NULL), 0);
    assert_int_equal(snapshot_link(ted, "10.255.0.1>10.255.0.3/10.1.3.1").n_srlgs, 1);
    ted_free(ted);
}

static void
lost_deltas_are_told(void **state)
{
    struct ted_config config = {.max_deltas = 2};
    struct ted *ted = ted_new(&config);
    struct ted_delta d;
    unsigned n = 0;
    (void)state;
    add_source(ted, TED_KIND_OSPF, "a");
    add_source(ted, TED_KIND_OSPF, "b");
    add_source(ted, TED_KIND_OSPF, "c");
    while (ted_next_delta(ted, &d))
        n++;
    assert_int_equal(n, 3);
    assert_int_equal(d.kind, TED_DELTAS_LOST);
    ted_free(ted);
}

TEST_MAIN(cmocka_unit_test(shows_what_one_source_tells),
          cmocka_unit_test(link_down_patches_the_snapshot_and_the_old_one_stays),
          cmocka_unit_test(forgets_what_is_gone_for_long),
          cmocka_unit_test(merges_sources_by_router_id),
          cmocka_unit_test(the_news_of_any_source_counts),
          cmocka_unit_test(contains_two_devices_under_one_id),
          cmocka_unit_test(same_router_with_another_form_of_its_name_is_merged),
          cmocka_unit_test(stale_source_is_kept_marked_and_withdrawn),
          cmocka_unit_test(synchronising_withdraws_what_is_not_repeated),
          cmocka_unit_test(resolves_a_broadcast_network),
          cmocka_unit_test(names_senseless_bandwidths),
          cmocka_unit_test(import_adds_groups_and_names_what_is_not_heard),
          cmocka_unit_test(planned_network_without_routers_is_up),
          cmocka_unit_test(link_at_risk_is_shown_so_that_paths_avoid_it),
          cmocka_unit_test(optical_delay_goes_before_an_older_measurement),
          cmocka_unit_test(operators_override_and_take_back),
          cmocka_unit_test(maintenance_of_a_group_takes_all_its_links),
          cmocka_unit_test(node_segments_come_from_prefixes),
          cmocka_unit_test(what_cannot_be_read_is_named_until_it_can),
          cmocka_unit_test(less_than_half_is_not_believed_at_once),
          cmocka_unit_test(less_than_half_that_stays_so_is_believed),
          cmocka_unit_test(less_than_half_for_what_cannot_be_read_is_kept_longer),
          cmocka_unit_test(half_of_it_may_go_at_once), cmocka_unit_test(plan_may_shrink_at_once),
          cmocka_unit_test(one_source_cannot_take_all_the_room),
          cmocka_unit_test(a_flood_of_claims_to_one_id_ends),
          cmocka_unit_test(a_flood_of_one_node_and_one_link_ends),
          cmocka_unit_test(a_flood_of_links_of_one_node_ends),
          cmocka_unit_test(link_down_does_not_wait_for_a_change_of_structure),
          cmocka_unit_test(far_end_is_not_forgotten),
          cmocka_unit_test(a_name_of_several_is_of_none), cmocka_unit_test(lost_deltas_are_told))
