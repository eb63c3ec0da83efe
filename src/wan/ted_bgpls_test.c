#include "wan/ted_bgpls.h"

#include "proto/bgpls/testing.h"
#include "te/ted_testing.h"

#define SEC NSEC_PER_SEC
#define HAS(tlv) (UINT64_C(1) << BGPLS_##tlv)

struct fixture {
    struct ted *ted;
    struct ted_bgpls feed;
    struct bgpls_rib *rib;
    nsec_t now;
    unsigned findings[TED_FINDING_CODES];
};

static void
on_change(void *arg, const struct bgpls_change *change)
{
    struct fixture *f = arg;
    ted_bgpls_change(&f->feed, change, f->now);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->ted = ted_new(NULL);
    f->feed.ted = f->ted;
    assert_ok(ted_source_add(f->ted, TED_KIND_BGP_LS, "bgp-ls 10.0.0.100", "", &f->feed.source));
    f->rib = bgpls_rib_new(&(struct bgpls_rib_config){.changed = on_change, .arg = f});
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    bgpls_rib_free(f->rib);
    ted_free(f->ted);
    free(f);
    return 0;
}

/* As the speaker does it. */
static void
up(struct fixture *f)
{
    bgpls_rib_up(f->rib, &(struct bgp_open){.as = 65000}, f->now);
    ted_bgpls_up(&f->feed, f->now);
}

static void
down(struct fixture *f)
{
    ted_bgpls_down(&f->feed, f->now);
    bgpls_rib_down(f->rib, false, 0, f->now);
}

static void
take(struct fixture *f, const struct bgp_update *update)
{
    struct bgp_error error;
    assert_ok(bgpls_rib_update(f->rib, update, true, &error));
}

static void
complete(struct fixture *f)
{
    take(f, &(struct bgp_update){.end_of_rib = true});
    ted_bgpls_complete(&f->feed, f->now);
    ted_commit(f->ted, f->now);
}

static void
announce(struct fixture *f, struct bgpls_nlri nlri, const struct bgpls_attributes *a)
{
    struct buf key = test_encode(nlri), value = BUF_INIT;
    assert_ok(bgpls_attributes_encode(a, &value));
    take(f, &(struct bgp_update){.has_reach = true,
                                 .reach = {key.data, key.size},
                                 .link_state = {value.data, value.size}});
    buf_fini(&key);
    buf_fini(&value);
}

static void
announce_node(struct fixture *f, uint8_t number)
{
    uint8_t router[4] = {10, 0, 0, number}, name[] = {'e', (uint8_t)('0' + number)};
    struct bgpls_octets_list local = {.octets = {router, 4}};
    struct bgpls_range srgb = {.size = 8000, .is_label = true, .first = 16000};
    struct bgpls_attributes a = {.has = HAS(NODE_NAME) | HAS(LOCAL_ROUTER4) | HAS(SR_CAPABILITIES) |
                                        HAS(NODE_MSD) | HAS(NODE_FLAGS),
                                 .node_flags = number == 3 ? 0x80 : 0,
                                 .node_name = {name, 2},
                                 .local_router4 = &local,
                                 .sr_capabilities = {.ranges = &srgb},
                                 .node_msd = {(const uint8_t *)"\1\12", 2}};
    announce(f, test_node_nlri(number), &a);
}

static struct bgpls_attributes
link_attributes(struct bgpls_sid *sids)
{
    sids[0] = (struct bgpls_sid){.next = &sids[1], .flags = 0xe0, .is_label = true, .value = 24001};
    sids[1] = (struct bgpls_sid){.flags = 0x60, .is_label = true, .value = 24002};
    return (struct bgpls_attributes){
        .has = HAS(IGP_METRIC) | HAS(TE_METRIC) | HAS(MAX_BANDWIDTH) | HAS(RESERVABLE_BANDWIDTH) |
               HAS(UNRESERVED_BANDWIDTH) | HAS(SRLG) | HAS(ADJACENCY_SID) | HAS(DELAY) |
               HAS(MIN_MAX_DELAY) | HAS(DELAY_VARIATION) | HAS(ADMIN_GROUP) |
               HAS(EXTENDED_ADMIN_GROUP),
        .igp_metric = {2, 20},
        .te_metric = 11,
        .max_bandwidth = 1.25e9f,
        .reservable_bandwidth = 1.25e8f,
        .unreserved_bandwidth = {1.25e8f, 1.25e8f, 1.25e8f, 1.25e8f, 1.25e8f, 1.25e8f, 1.25e8f, 0},
        .srlgs = {(const uint8_t *)"\0\0\0\144\0\0\0\310", 8},
        .adjacency_sids = sids,
        .delay = {.value = 3000},
        .min_max_delay = {.value = 2900, .max = 3400},
        .delay_variation = {.value = 50},
        .admin_group = 5,
        .extended_admin_group = {(const uint8_t *)"\0\0\0\5\0\0\0\2", 8},
    };
}

static void
announce_link(struct fixture *f, uint32_t from, uint32_t to)
{
    struct bgpls_sid sids[2];
    struct bgpls_attributes a = link_attributes(sids);
    announce(f, test_link_nlri(from, to), &a);
}

static void
announce_two(struct fixture *f)
{
    announce_node(f, 1);
    announce_node(f, 2);
    announce_link(f, 1, 2);
    announce_link(f, 2, 1);
}

static struct te_link
link_of(struct fixture *f, const char *key)
{
    struct ted_link_info info;
    assert_true(ted_link_info(f->ted, key, &info));
    return *info.link;
}

static const char there[] = "10.0.0.1>10.0.0.2/11.0.0.1";

static void
a_network_is_as_it_was_told(void **state)
{
    struct fixture *f = *state;
    struct ted_node_info node;
    up(f);
    announce_two(f);
    announce_node(f, 3);
    complete(f);
    assert_true(ted_node_info(f->ted, "10.0.0.1", &node));
    assert_string_equal(node.node->name, "e1");
    assert_int_equal(node.node->srgb_base, 16000);
    assert_int_equal(node.node->srgb_size, 8000);
    assert_int_equal(node.node->max_sid_depth, 10);
    assert_true(node.node->passable);
    assert_true(ted_node_info(f->ted, "10.0.0.3", &node));
    assert_false(node.node->passable);
    struct te_link link = link_of(f, there);
    assert_true(link.up && link.reverse != TE_NONE);
    assert_int_equal(link.igp_metric, 20);
    assert_int_equal(link.te_metric, 11);
    assert_int_equal(link.capacity_bps, 10000000000);
    assert_int_equal(link.reservable_bps, 1000000000);
    assert_int_equal(link.unreserved_bps[7], 0);
    assert_int_equal(link.delay_us, 3000);
    assert_int_equal(link.jitter_us, 50);
    assert_int_equal(link.n_srlgs, 2);
    assert_int_equal(link.adjacency_label, 24002); /* the one without a backup */
    assert_true(link.affinity.words[0] == (UINT64_C(2) << 32 | 5));
    assert_int_equal(f->feed.n_put, 5);
}

static void
while_the_session_is_away_the_database_holds(void **state)
{
    struct fixture *f = *state;
    up(f);
    announce_two(f);
    complete(f);
    f->now = 10 * SEC;
    down(f);
    ted_commit(f->ted, f->now);
    assert_int_equal(bgpls_rib_stats(f->rib)->n, 0);
    assert_true(link_of(f, there).up);
    f->now = 20 * SEC;
    up(f);
    announce_node(f, 1);
    announce_node(f, 2);
    announce_link(f, 2, 1);
    complete(f);
    f->now = 200 * SEC; /* withdrawn_hold is over */
    ted_commit(f->ted, f->now);
    assert_false(link_of(f, there).up);
}

static void
what_is_withdrawn_goes(void **state)
{
    struct fixture *f = *state;
    struct buf key = test_encode(test_link_nlri(1, 2));
    up(f);
    announce_two(f);
    complete(f);
    take(f, &(struct bgp_update){.has_unreach = true, .unreach = {key.data, key.size}});
    ted_commit(f->ted, f->now);
    assert_int_equal(f->feed.n_withdrawn, 1);
    assert_false(link_of(f, there).up);
    buf_fini(&key);
}

static void
count_finding(void *arg, const struct ted_finding *finding)
{
    ((struct fixture *)arg)->findings[finding->code]++;
}

/* As octets, for the encoder writes only what makes sense. */
static void
announce_capacity(struct fixture *f, uint32_t from, uint32_t to, uint32_t bits)
{
    struct buf key = test_encode(test_link_nlri(from, to)), value = BUF_INIT;
    buf_be32(&value, 1089u << 16 | 4);
    buf_be32(&value, bits);
    buf_be32(&value, 1090u << 16 | 4);
    buf_be32(&value, 0x4cee6b28); /* 125,000,000 */
    take(f, &(struct bgp_update){.has_reach = true,
                                 .reach = {key.data, key.size},
                                 .link_state = {value.data, value.size}});
    buf_fini(&key);
    buf_fini(&value);
}

static void
impossible_bandwidths_are_named_by_the_database(void **state)
{
    struct fixture *f = *state;
    up(f);
    announce_node(f, 1);
    announce_node(f, 2);
    announce_capacity(f, 1, 2, 0x4d2817c8); /* FRR's 176,258,176 */
    announce_capacity(f, 2, 1, 0x7fc00000); /* no number */
    complete(f);
    ted_each_finding(f->ted, count_finding, f);
    assert_int_equal(f->findings[TED_BANDWIDTH_TRUNCATED], 1);
    assert_int_equal(f->findings[TED_BANDWIDTH_BAD], 1);
    assert_true(link_of(f, there).up);
}

static void
what_is_malformed_is_named_by_the_database(void **state)
{
    struct fixture *f = *state;
    struct finding_query q = {.code = TED_SOURCE_GARBLED};
    struct bgpls_nlri nlri = {0};
    up(f);
    announce_node(f, 1);
    ted_bgpls_change(&f->feed,
                     &(struct bgpls_change){.kind = BGPLS_DISCARDED,
                                            .nlri = &nlri,
                                            .why = "Local Node Descriptors: Router-ID is missing"},
                     2);
    complete(f);
    ted_each_finding(f->ted, look_at_finding, &q);
    assert_int_equal(q.n, 1);
    assert_non_null(strstr(q.text, "1 of what it says"));
    assert_non_null(strstr(q.text, "Router-ID is missing"));
    up(f);
    complete(f);
    assert_int_equal(count_findings(f->ted, TED_SOURCE_GARBLED, NULL), 0);
}

static void
other_topologies_and_forms_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct bgpls_attributes none = {.has = 0};
    struct bgpls_nlri nlri = test_link_nlri(1, 2);
    up(f);
    nlri.has_mt_id = true;
    nlri.mt_id = 2;
    announce(f, nlri, &none);
    nlri = test_node_nlri(1);
    nlri.protocol = BGPLS_DIRECT;
    announce(f, nlri, &none);
    complete(f);
    assert_int_equal(f->feed.n_ignored, 2);
    assert_int_equal(f->feed.n_put, 0);
}

static void
prefixes_have_their_segments(void **state)
{
    struct fixture *f = *state;
    struct ted_prefix_record record;
    struct bgpls_nlri nlri = test_prefix_nlri(1);
    struct bgpls_sid second = {.value = 77}, sid = {.next = &second, .algorithm = 128, .value = 1};
    struct bgpls_attributes a = {.has = HAS(PREFIX_SID) | HAS(IGP_FLAGS) | HAS(PREFIX_METRIC),
                                 .prefix_metric = 9,
                                 .igp_flags = 0x40,
                                 .prefix_sids = &sid};
    (void)f;
    assert_true(ted_bgpls_prefix(&nlri, &a, &record));
    assert_int_equal(record.sid_index, 77); /* of algorithm 0 */
    assert_int_equal(record.metric, 9);
    assert_int_equal(record.length, 24);
    assert_true(record.node_segment);
    a.igp_flags = 0;
    assert_true(ted_bgpls_prefix(&nlri, &a, &record));
    assert_false(record.node_segment);
    second.flags = 0x40;
    nlri.protocol = BGPLS_ISIS_L2;
    nlri.local.router_id_size = 6;
    assert_true(ted_bgpls_prefix(&nlri, &a, &record));
    assert_true(record.node_segment); /* IS-IS says it with the segment */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_network_is_as_it_was_told), TEST(while_the_session_is_away_the_database_holds),
          TEST(what_is_withdrawn_goes), TEST(impossible_bandwidths_are_named_by_the_database),
          TEST(what_is_malformed_is_named_by_the_database),
          TEST(other_topologies_and_forms_are_left_out), TEST(prefixes_have_their_segments))
