#include "wan/topology_8345.h"

#include "te/ted_testing.h"
#include "wan/feed_frr_ted.h"

#include "io/file.h"

#include <libyang/libyang.h>
#include <unistd.h>

#define IETF "/usr/share/yuma/modules/ietf"
#define TYPES "/usr/share/yang/modules/libyang"

/* Two routers on a broadcast network and a link with all attributes, and one without any. */
static struct ted *
network(void)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospf \"core\"");
    uint32_t groups[] = {4000000000, 1};
    struct ted_link_record r = ospf_link(1, 2, 0), bare = {.id.local = ospf_id(1)};
    struct ted_node_record node = {.id = ospf_id(1),
                                   .told = TED_BIT(TED_NAME) | TED_BIT(TED_SRGB) | TED_BIT(TED_MSD),
                                   .name = "r\"1\\",
                                   .router_id = router_id(1),
                                   .srgb_base = 16000,
                                   .srgb_size = 8000,
                                   .max_sid_depth = 10};
    assert_ok(ted_put_node(ted, ospf, &node, 1));
    put_node(ted, ospf, ospf_id(2), 2, NULL);
    put_both(ted, ospf, 1, 2);
    r.told |= TED_BIT(TED_SRLG) | TED_BIT(TED_DELAY) | TED_BIT(TED_RISK) | TED_BIT(TED_AFFINITY) |
              TED_BIT(TED_ADJACENCY_SID) | TED_BIT(TED_JITTER);
    r.srlgs = groups;
    r.n_srlgs = 2;
    r.delay_us = 450;
    r.delay_max_us = 500;
    r.jitter_us = 3;
    r.at_risk = true;
    r.affinity.words[3] = 1;
    r.adjacency_label = 15001;
    snprintf(r.risk, sizeof r.risk, "a \"fan\" fails");
    put_link(ted, ospf, &r, 1);
    bare.id.remote = ospf_id(3);
    put_link(ted, ospf, &bare, 1);
    ted_source_synced(ted, ospf, 1);
    struct ted_override o = {.id = "m1",
                             .target = TED_TARGET_LINK,
                             .key = "10.255.0.2>10.255.0.1/10.1.2.2",
                             .set = TED_BIT(TED_TE_METRIC),
                             .te_metric = 5,
                             .who = "anna",
                             .why = "test",
                             .until = NSEC_NEVER};
    assert_ok(ted_override_put(ted, &o, 1));
    ted_commit(ted, 1);
    return ted;
}

/* Parses it strictly and checks all references. */
static void
validate(const char *text)
{
    struct ly_ctx *ctx;
    struct lyd_node *tree = NULL;
    if (access(IETF "/ietf-network@2018-02-26.yang", R_OK))
        fail_msg("no ietf-network in " IETF ": install libyuma-base (tools/setup)");
    assert_int_equal(ly_ctx_new(TYPES ":" IETF ":schema/topology", 0, &ctx), LY_SUCCESS);
    assert_non_null(ly_ctx_load_module(ctx, "tieline-te-topology", NULL, NULL));
    LY_ERR err = lyd_parse_data_mem(ctx, text, LYD_JSON, LYD_PARSE_STRICT | LYD_PARSE_ONLY, 0,
                                    &tree);
    if (!err)
        err = lyd_validate_all(&tree, ctx, LYD_VALIDATE_PRESENT, NULL);
    if (err)
        fail_msg("%s at %s", ly_errmsg(ctx), ly_errpath(ctx));
    lyd_free_all(tree);
    ly_ctx_destroy(ctx);
}

static void
follows_the_ietf_modules(void **state)
{
    struct ted *ted = network();
    struct buf text = BUF_INIT;
    (void)state;
    assert_ok(topology_8345_put(&text, ted));
    validate(buf_cstr(&text));
    assert_non_null(strstr(buf_cstr(&text), "\"te-srlgs\":{\"value\":[1,4000000000]}"));
    assert_non_null(strstr(buf_cstr(&text), "\"name\":\"r\\\"1\\\\\""));
    assert_non_null(strstr(buf_cstr(&text), "\"risk\":\"a \\\"fan\\\" fails\""));
    assert_non_null(
        strstr(buf_cstr(&text), "{\"attribute\":\"te-metric\",\"source\":\"operator:m1\"}"));
    assert_non_null(strstr(buf_cstr(&text), "\"max-link-bandwidth\":\"10000000000\""));
    buf_fini(&text);
    ted_free(ted);
}

static void
shows_what_frr_told(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospfd");
    struct buf file = BUF_INIT, text = BUF_INIT;
    struct frr_ted read;
    struct diag diag;
    (void)state;
    assert_ok(file_read("fuzz/corpus/frr_ted/ospf.json", FRR_TED_TEXT_MAX, &file, &diag));
    assert_ok(frr_ted_read((const char *)file.data, file.size, &read, &diag));
    for (uint32_t i = 0; i < read.n_nodes; i++)
        assert_ok(ted_put_node(ted, ospf, &read.nodes[i], 1));
    for (uint32_t i = 0; i < read.n_links; i++)
        assert_ok(ted_put_link(ted, ospf, &read.links[i], 1));
    ted_commit(ted, 1);
    assert_ok(topology_8345_put(&text, ted));
    validate(buf_cstr(&text));
    frr_ted_fini(&read);
    buf_fini(&file);
    buf_fini(&text);
    ted_free(ted);
}

static void
an_empty_network_is_one(void **state)
{
    struct ted *ted = ted_new(NULL);
    struct buf text = BUF_INIT, small = buf_limited(10);
    (void)state;
    assert_ok(topology_8345_put(&text, ted));
    validate(buf_cstr(&text));
    assert_err(topology_8345_put(&small, ted), ERR_LIMIT);
    buf_fini(&text);
    buf_fini(&small);
    ted_free(ted);
}

TEST_MAIN(cmocka_unit_test(follows_the_ietf_modules), cmocka_unit_test(shows_what_frr_told),
          cmocka_unit_test(an_empty_network_is_one))
