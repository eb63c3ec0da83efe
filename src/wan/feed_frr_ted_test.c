#include "wan/feed_frr_ted.h"

#include "base/buf.h"
#include "base/testing.h"
#include "io/file.h"

#include <stdio.h>

/* What ospfd and isisd of FRR 8.4.4 printed, in a lab of four routers. */
static struct buf
fixture(const char *name)
{
    char path[256];
    struct buf text = BUF_INIT;
    struct diag diag;
    snprintf(path, sizeof path, "fuzz/corpus/frr_ted/%s", name);
    assert_ok(file_read(path, FRR_TED_TEXT_MAX, &text, &diag));
    return text;
}

static void
reads_ospfd(void **state)
{
    struct buf text = fixture("ospf.json");
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(frr_ted_read((const char *)text.data, text.size, &ted, &diag));
    assert_int_equal(ted.n_nodes, 4);
    assert_int_equal(ted.n_links, 6);
    assert_int_equal(ted.n_prefixes, 10);
    const struct ted_node_record *node = &ted.nodes[0];
    assert_int_equal(node->id.protocol, TED_OSPFV2);
    assert_memory_equal(node->id.router_id, "\x0a\0\0\1", 4);
    assert_int_equal(node->router_id.family, 4);
    assert_int_equal(node->srgb_base, 16000);
    assert_int_equal(node->srgb_size, 2000);
    assert_int_equal(node->max_sid_depth, 8);
    const struct ted_link_record *link = &ted.links[0];
    assert_memory_equal(link->id.remote.router_id, "\x0a\0\0\2", 4);
    assert_memory_equal(link->id.local_address.octets, "\x0a\1\2\1", 4);
    assert_int_equal(link->igp_metric, 10);
    assert_int_equal(link->te_metric, 30);
    assert_int_equal(link->reservable_bps, 800000000);
    assert_int_equal(link->unreserved_bps[7], 400000000);
    assert_int_equal(link->affinity.words[0], 5);
    assert_int_equal(link->delay_us, 1010);
    assert_int_equal(link->jitter_us, 30);
    assert_true(link->told & TED_BIT(TED_ADJACENCY_SID));
    assert_int_equal(ted.prefixes[0].sid_index, 1);
    assert_true(ted.prefixes[0].node_segment);
    frr_ted_fini(&ted);
    buf_fini(&text);
}

static void
reads_isisd(void **state)
{
    struct buf text = fixture("isis.json");
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(frr_ted_read((const char *)text.data, text.size, &ted, &diag));
    assert_int_equal(ted.n_nodes, 4);
    assert_string_equal(ted.nodes[0].name, "r1");
    assert_int_equal(ted.nodes[0].id.size, 6);
    assert_memory_equal(ted.nodes[0].id.router_id, "\0\0\0\0\0\1", 6);
    assert_int_equal(ted.n_open,
                     1); /* an end of a broadcast network that seems to lead to itself */
    frr_ted_fini(&ted);
    buf_fini(&text);
}

static enum err
read_text(const char *text, struct frr_ted *ted, struct diag *diag)
{
    return frr_ted_read(text, strlen(text), ted, diag);
}

static void
says_where_it_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
        enum err err;
    } cases[] = {
        {"{\"ted\":[]}", "ted: an object is expected", ERR_INVALID},
        {"{\"ted\":{\"edges\":7}}", "ted.edges: a list is expected", ERR_INVALID},
        {"{\"ted\":{", NULL, ERR_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frr_ted ted;
        struct diag diag = {0};
        assert_err(read_text(cases[i].text, &ted, &diag), cases[i].err);
        if (cases[i].says)
            assert_string_equal(diag.text, cases[i].says);
    }
}

#define EDGE_1_2 "\"origin\":\"OSPFv2\",\"local-vertex-id\":1,\"remote-vertex-id\":2"
#define SOUND_EDGE                                                                                 \
    "{\"origin\":\"OSPFv2\",\"local-vertex-id\":2,\"remote-vertex-id\":1,\"metric\":7}"

/* One value that cannot be read costs itself, or what it names; the edge after it is read. */
static void
unreadable_value_costs_no_more_than_itself(void **state)
{
    static const struct {
        const char *list, *item, *says;
        unsigned n_kept; /* of that list, without the sound edge */
    } cases[] = {
        {"edges", "7", "ted.edges[0]: an object is expected", 0},
        {"edges", "{" EDGE_1_2 ",\"metric\":-3}",
         "ted.edges[0].metric: a number from 0 to 4294967295 is expected", 1},
        {"edges", "{" EDGE_1_2 ",\"edge-attributes\":{\"local-address\":\"10.1.2\"}}",
         "ted.edges[0].local-address: an IPv4 address is expected", 0},
        {"edges", "{" EDGE_1_2 ",\"edge-attributes\":{\"max-link-bandwidth\":\"fast\"}}",
         "ted.edges[0].max-link-bandwidth: a number of octets per second is expected", 1},
        {"edges", "{" EDGE_1_2 ",\"edge-attributes\":{\"delay\":4294967296}}",
         "ted.edges[0].delay: a number from 0 to 4294967295 is expected", 1},
        {"edges", "{" EDGE_1_2 ",\"edge-attributes\":{\"srlgs\":[\"x\",9]}}",
         "ted.edges[0].srlgs: a list of numbers is expected", 1},
        {"vertices", "{\"origin\":\"OSPFv2\"}", "ted.vertices[0].vertex-id: a number is expected",
         0},
        {"vertices", "{\"origin\":\"RIP\",\"vertex-id\":1}",
         "ted.vertices[0].origin: OSPFv2, ISIS_L1 or ISIS_L2 is expected", 0},
        {"vertices", "{\"origin\":\"OSPFv2\",\"vertex-id\":4294967296}",
         "ted.vertices[0].vertex-id: a number from 0 to 4294967295 is expected", 0},
        {"vertices", "{\"origin\":\"OSPFv2\",\"vertex-id\":1,\"name\":5}",
         "ted.vertices[0].name: a string is expected", 1},
        {"subnets", "{\"origin\":\"OSPFv2\",\"vertex-id\":1,\"subnet-id\":\"10.0.0.1/33\"}",
         "ted.subnets[0].subnet-id: a prefix is expected", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool edges = !strcmp(cases[i].list, "edges");
        struct frr_ted ted;
        struct diag diag = {0};
        char text[512];
        snprintf(text, sizeof text,
                 edges ? "{\"ted\":{\"%s\":[%s," SOUND_EDGE "]}}"
                       : "{\"ted\":{\"%s\":[%s],\"edges\":[" SOUND_EDGE "]}}",
                 cases[i].list, cases[i].item);
        assert_ok(read_text(text, &ted, &diag));
        assert_int_equal(ted.n_unreadable, 1);
        assert_string_equal(ted.unreadable, cases[i].says);
        assert_int_equal(ted.n_links, 1 + (edges ? cases[i].n_kept : 0));
        assert_int_equal(ted.links[ted.n_links - 1].igp_metric, 7);
        if (!edges)
            assert_int_equal(ted.n_nodes + ted.n_prefixes, cases[i].n_kept);
        frr_ted_fini(&ted);
    }
}

static void
unreadable_value_is_as_if_it_had_not_been_told(void **state)
{
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(read_text("{\"ted\":{\"edges\":[{" EDGE_1_2 ",\"metric\":-3,\"edge-attributes\":{"
                        "\"delay\":-1,\"te-metric\":5,\"srlgs\":[\"x\",9]}}]}}",
                        &ted, &diag));
    assert_int_equal(ted.n_unreadable, 3);
    assert_string_equal(ted.unreadable,
                        "ted.edges[0].metric: a number from 0 to 4294967295 is expected");
    assert_int_equal(ted.links[0].told, TED_BIT(TED_TE_METRIC) | TED_BIT(TED_SRLG));
    assert_int_equal(ted.links[0].n_srlgs, 1);
    assert_int_equal(ted.links[0].srlgs[0], 9);
    frr_ted_fini(&ted);
}

static void
takes_bandwidths_that_are_no_numbers(void **state)
{
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(read_text("{\"ted\":{\"edges\":[{\"origin\":\"OSPFv2\",\"local-vertex-id\":1,"
                        "\"remote-vertex-id\":2,\"name\":\"a\\\\\\\"NaN\",\"edge-attributes\":{"
                        "\"max-link-bandwidth\":NaN,\"max-resv-link-bandwidth\":-Infinity}}]}}",
                        &ted, &diag));
    assert_int_equal(ted.links[0].bad, TED_BIT(TED_CAPACITY) | TED_BIT(TED_RESERVABLE));
    frr_ted_fini(&ted);
}

/* 1 and 3 at a network whose pseudonode is of 2. */
static void
does_not_take_a_pseudonode_for_a_router(void **state)
{
    static const char text[] =
        "{\"ted\":{\"edges\":["
        "{\"origin\":\"ISIS_L2\",\"local-vertex-id\":1,\"remote-vertex-id\":2,\"edge-attributes\":"
        "{\"local-address\":\"10.9.9.1\",\"remote-address\":\"10.9.9.3\"}},"
        "{\"origin\":\"ISIS_L2\",\"local-vertex-id\":3,\"remote-vertex-id\":2,\"edge-attributes\":"
        "{\"local-address\":\"10.9.9.3\",\"remote-address\":\"10.9.9.1\"}},"
        "{\"origin\":\"ISIS_L2\",\"local-vertex-id\":3,\"remote-vertex-id\":1,\"edge-attributes\":"
        "{\"local-address\":\"10.1.3.3\",\"remote-address\":\"10.1.3.1\"}}]}}";
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(read_text(text, &ted, &diag));
    assert_int_equal(ted.n_links, 1);
    assert_int_equal(ted.n_open, 2);
    assert_memory_equal(ted.links[0].id.local_address.octets, "\x0a\1\3\3", 4);
    frr_ted_fini(&ted);
}

static void
passes_over_what_is_going(void **state)
{
    struct frr_ted ted;
    struct diag diag;
    (void)state;
    assert_ok(read_text("{\"ted\":{\"vertices\":[{\"status\":\"Delete\",\"origin\":\"OSPFv2\"},"
                        "{\"status\":\"Orphan\",\"origin\":\"OSPFv2\"}]}}",
                        &ted, &diag));
    assert_int_equal(ted.n_nodes, 0);
    assert_int_equal(ted.n_ignored, 2);
    frr_ted_fini(&ted);
}

static void
survives_truncation_at_every_octet(void **state)
{
    struct buf text = fixture("isis.json");
    struct frr_ted ted;
    (void)state;
    while (text.size > 0 && text.data[text.size - 1] != '}')
        text.size--;
    for (size_t size = 0; size < text.size; size += 7) {
        char *copy = malloc(size ? size : 1);
        memcpy(copy, text.data, size);
        assert_err(frr_ted_read(copy, size, &ted, NULL), ERR_MALFORMED);
        free(copy);
    }
    buf_fini(&text);
}

TEST_MAIN(cmocka_unit_test(reads_ospfd), cmocka_unit_test(reads_isisd),
          cmocka_unit_test(says_where_it_is_wrong),
          cmocka_unit_test(unreadable_value_costs_no_more_than_itself),
          cmocka_unit_test(unreadable_value_is_as_if_it_had_not_been_told),
          cmocka_unit_test(takes_bandwidths_that_are_no_numbers),
          cmocka_unit_test(does_not_take_a_pseudonode_for_a_router),
          cmocka_unit_test(passes_over_what_is_going),
          cmocka_unit_test(survives_truncation_at_every_octet))
