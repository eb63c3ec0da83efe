#include "te/ted_import.h"

#include "te/ted_testing.h"

static enum err
import(struct ted *ted, uint32_t source, const char *text, struct ted_import_counters *counters,
       struct diag *diag)
{
    return ted_import(ted, source, "links.csv", text, strlen(text), 5, counters, diag);
}

static void
adds_risks_and_delays(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospf"), plan;
    struct ted_import_counters counters;
    struct diag diag;
    (void)state;
    put_node(ted, ospf, ospf_id(1), 1, "r1");
    put_node(ted, ospf, ospf_id(2), 2, "r2");
    put_both(ted, ospf, 1, 2);
    ted_source_synced(ted, ospf, 1);
    assert_ok(ted_source_add(ted, TED_KIND_IMPORT, "links.csv", "", &plan));
    assert_ok(import(ted, plan,
                     "node_a;node_b;srlg;delay_us;owner\r\nr1;10.255.0.2;7 3;450;anna\r\n",
                     &counters, &diag));
    assert_int_equal(counters.n_links, 2);
    ted_commit(ted, 5);
    struct te_link link = snapshot_link(ted, "10.255.0.2>10.255.0.1/10.1.2.2");
    assert_int_equal(link.delay_us, 450);
    assert_int_equal(link.n_srlgs, 2);
    assert_int_equal(count_findings(ted, TED_SRLG_ONE_WAY, NULL), 0);
    /* The next version of the file does not have it. */
    assert_ok(import(ted, plan, "node_a,node_b\r\nr2,r3\r\n", &counters, &diag));
    ted_commit(ted, 6);
    ted_commit(ted, 6 + 3600 * SECOND);
    assert_int_equal(snapshot_link(ted, "10.255.0.1>10.255.0.2/10.1.2.1").n_srlgs, 0);
    ted_free(ted);
}

static void
names_nodes(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospf"), plan;
    struct ted_import_counters counters;
    struct diag diag;
    (void)state;
    put_node(ted, ospf, ospf_id(1), 1, NULL);
    assert_ok(ted_source_add(ted, TED_KIND_IMPORT, "nodes.csv", "", &plan));
    assert_ok(import(ted, plan, "name,router_id\nGlasgow,10.255.0.1\n", &counters, &diag));
    ted_commit(ted, 5);
    assert_string_equal(snapshot_node(ted, "10.255.0.1").name, "Glasgow");
    ted_free(ted);
}

static void
says_file_line_and_field(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "links.csv: it is empty"},
        {"a,b\n", "links.csv:1: columns node_a and node_b (links), or name and router_id (nodes), "
                  "are needed"},
        {"node_a,node_b,node_a\n", "links.csv:1: two columns are called node_a"},
        {"node_a,node_b,srlg\nx,y,1 2x\n",
         "links.csv:2:5: srlg: at most 64 numbers with spaces between them is expected instead of "
         "\"1 2x\""},
        {"node_a,node_b,delay_us\nx,y,-4\n",
         "links.csv:2:5: delay_us: a number is expected instead of \"-4\""},
        {"node_a,node_b,address_a\nx,y,10.0.0\n",
         "links.csv:2:5: address_a: an IPv4 address is expected instead of \"10.0.0\""},
        {"node_a,node_b\nx,y\n\nx,\n", "links.csv:4: node_b is empty"},
        {"node_a,node_b,direction\nx,y,b-a\n",
         "links.csv:2:5: direction: \"both\" or \"a-b\" is expected instead of \"b-a\""},
        {"node_a,node_b\nx,x\n",
         "links.csv:2:3: node_b: another node is expected instead of \"x\""},
        {"name,router_id\nx,1.2.3.256\n",
         "links.csv:2:3: router_id: an IPv4 address is expected instead of \"1.2.3.256\""},
    };
    struct ted *ted = ted_new(NULL);
    struct ted_import_counters counters;
    uint32_t plan;
    (void)state;
    assert_ok(ted_source_add(ted, TED_KIND_IMPORT, "links.csv", "", &plan));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {0};
        assert_err(import(ted, plan, cases[i].text, &counters, &diag), ERR_INVALID);
        assert_string_equal(diag.text, cases[i].says);
    }
    ted_commit(ted, 6);
    const struct ted_view *view = ted_view(ted);
    assert_int_equal(ted_view_network(view)->n_nodes, 0);
    ted_view_release(view);
    ted_free(ted);
}

TEST_MAIN(cmocka_unit_test(adds_risks_and_delays), cmocka_unit_test(names_nodes),
          cmocka_unit_test(says_file_line_and_field))
