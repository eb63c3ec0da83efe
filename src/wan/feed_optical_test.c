#include "wan/feed_optical.h"

#include "te/ted_testing.h"

/* r1 - r2 over f1 and f2, protected by f3. */
#define DOCUMENT(f1, f3, selected)                                                                 \
    "{\"tapi-topology:topology-context\":{\"topology\":[{\"link\":["                               \
    "{\"uuid\":\"f1\"," f1 ",\"risk-characteristic\":[{\"risk-characteristic-name\":\"SRLG\","     \
    "\"risk-identifier-list\":[\"1001\",1002]}],"                                                  \
    "\"latency-characteristic\":[{\"fixed-latency-characteristic\":\"300\"}]},"                    \
    "{\"uuid\":\"f2\",\"latency-characteristic\":[{\"fixed-latency-characteristic\":150}]},"       \
    "{\"uuid\":\"f3\"," f3 ",\"risk-characteristic\":[{\"risk-characteristic-name\":\"SRLG\","     \
    "\"risk-identifier-list\":[\"2001\"]}],"                                                       \
    "\"latency-characteristic\":[{\"fixed-latency-characteristic\":\"2900\"}]}]}]},"               \
    "\"tapi-connectivity:connectivity-context\":{\"connection\":[{\"uuid\":\"c1\",\"route\":["     \
    "{\"local-id\":\"working\",\"link\":[\"f1\",\"f2\"]},"                                         \
    "{\"local-id\":\"protection\",\"link\":[\"f3\"]}],\"selected-route\":\"" selected "\"}],"      \
    "\"connectivity-service\":[{\"uuid\":\"s1\",\"connection\":[\"c1\"],"                          \
    "\"resilience-type\":\"ONE_PLUS_ONE_PROTECTION\",\"ip-link\":{\"node-a\":\"r1\","              \
    "\"address-a\":\"10.1.2.1\",\"node-b\":\"r2\",\"address-b\":\"10.1.2.2\"}}]}}"
#define UP "\"operational-state\":\"ENABLED\""
#define DOWN "\"operational-state\":\"DISABLED\""
#define DIM "\"signal-state\":\"DEGRADED\""

static void
tell(struct ted *ted, uint32_t source, const char *text, nsec_t now)
{
    struct optical optical;
    struct diag diag = {0};
    if (optical_read(text, strlen(text), &optical, &diag))
        fail_msg("%s", diag.text);
    optical_tell(&optical, ted, source, now);
    optical_fini(&optical);
    ted_commit(ted, now);
}

#define LINK "10.255.0.1>10.255.0.2/10.1.2.1"

static struct ted *
network(uint32_t *optical)
{
    struct ted *ted = ted_new(NULL);
    uint32_t ospf = add_source(ted, TED_KIND_OSPF, "ospf");
    uint32_t stamp = add_source(ted, TED_KIND_MEASURED, "stamp");
    struct ted_link_record r = {.told = TED_BIT(TED_DELAY), .delay_us = 470};
    put_node(ted, ospf, ospf_id(1), 1, "r1");
    put_node(ted, ospf, ospf_id(2), 2, "r2");
    put_both(ted, ospf, 1, 2);
    ted_source_synced(ted, ospf, 1);
    assert_ok(ted_named(ted, "r1", &r.id.local));
    assert_ok(ted_named(ted, "r2", &r.id.remote));
    put_link(ted, stamp, &r, 1);
    ted_source_synced(ted, stamp, 1);
    assert_ok(ted_source_add(ted, TED_KIND_OPTICAL, "optical", "", optical));
    return ted;
}

static void
adds_the_groups_of_all_routes(void **state)
{
    uint32_t optical;
    struct ted *ted = network(&optical);
    (void)state;
    tell(ted, optical, DOCUMENT(UP, UP, "working"), 2);
    struct te_link link = snapshot_link(ted, LINK);
    assert_int_equal(link.n_srlgs, 3);
    assert_int_equal(link.delay_us, 470);
    assert_int_equal(link.te_metric, 10);
    assert_int_equal(snapshot_link(ted, "10.255.0.2>10.255.0.1/10.1.2.2").n_srlgs, 3);
    assert_int_equal(count_findings(ted, TED_LINK_AT_RISK, NULL), 0);
    ted_free(ted);
}

static void
switched_link_is_longer_and_exposed(void **state)
{
    uint32_t optical;
    struct ted *ted = network(&optical);
    struct finding_query q = {.code = TED_LINK_AT_RISK, .key = LINK};
    (void)state;
    tell(ted, optical, DOCUMENT(UP, UP, "working"), 2);
    tell(ted, optical, DOCUMENT(DOWN, UP, "protection"), 3);
    struct te_link link = snapshot_link(ted, LINK);
    assert_true(link.up);
    assert_int_equal(link.delay_us, 2900);
    assert_int_equal(link.te_metric, 100);
    ted_each_finding(ted, look_at_finding, &q);
    assert_string_equal(q.text, "optical: protection is used up of c1");
    tell(ted, optical, DOCUMENT(UP, UP, "protection"), 4); /* repaired, not switched back */
    assert_int_equal(snapshot_link(ted, LINK).delay_us, 2900);
    assert_int_equal(count_findings(ted, TED_LINK_AT_RISK, NULL), 0);
    tell(ted, optical, DOCUMENT(UP, UP, "working"), 5);
    assert_int_equal(snapshot_link(ted, LINK).delay_us, 470);
    ted_free(ted);
}

static void
degraded_or_failed_is_at_risk(void **state)
{
    uint32_t optical;
    struct ted *ted = network(&optical);
    struct finding_query q = {.code = TED_LINK_AT_RISK, .key = LINK};
    (void)state;
    tell(ted, optical, DOCUMENT(DIM, UP, "working"), 2);
    ted_each_finding(ted, look_at_finding, &q);
    assert_string_equal(q.text, "optical: the signal is degraded at f1");
    tell(ted, optical, DOCUMENT(DOWN, DOWN, "working"), 3);
    ted_each_finding(ted, look_at_finding, &q);
    assert_string_equal(q.text, "optical: failed: f1");
    tell(ted, optical, DOCUMENT(UP, DIM, "working"), 4);
    assert_int_equal(count_findings(ted, TED_LINK_AT_RISK, NULL), 0);
    ted_free(ted);
}

static void
says_where_it_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{}", "tapi-topology:topology-context and tapi-connectivity:connectivity-context are "
               "expected"},
        {DOCUMENT(UP, UP, "other"), "connection[0].selected-route: there is no route \"other\""},
        {DOCUMENT("\"operational-state\":\"BROKEN\"", UP, "working"),
         "topology[0].link[0].operational-state: ENABLED or DISABLED is expected"},
        {DOCUMENT(UP, "\"latency-characteristic\":7", "working"), NULL}, /* a key twice */
        {"{\"tapi-topology:topology-context\":{},\"tapi-connectivity:connectivity-context\":{"
         "\"connection\":[{\"uuid\":\"c\",\"route\":[{\"link\":[\"f9\"]}]}]}}",
         "connection[0].route[0].link[0]: there is no link \"f9\""},
        {"{\"tapi-topology:topology-context\":{\"topology\":[{\"link\":[{\"uuid\":\"f\","
         "\"risk-characteristic\":[{\"risk-identifier-list\":[\"-1\"]}]}]}]},"
         "\"tapi-connectivity:connectivity-context\":{}}",
         "topology[0].link[0].risk-characteristic[0].risk-identifier-list[0]: a number from 0 to "
         "4294967295 is expected"},
        {"{\"tapi-topology:topology-context\":{},\"tapi-connectivity:connectivity-context\":{"
         "\"connectivity-service\":[{\"uuid\":\"s\",\"ip-link\":{\"node-a\":\"x\","
         "\"node-b\":\"x\"}}]}}",
         "connectivity-service[0].ip-link: its ends are one node"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct optical optical;
        struct diag diag = {0};
        assert_true(optical_read(cases[i].text, strlen(cases[i].text), &optical, &diag) != ERR_OK);
        if (cases[i].says)
            assert_string_equal(diag.text, cases[i].says);
    }
}

static void
survives_truncation_at_every_octet(void **state)
{
    static const char document[] = DOCUMENT(UP, DIM, "working");
    struct optical optical;
    (void)state;
    for (size_t size = 0; size < sizeof document - 1; size++) {
        char *copy = malloc(size ? size : 1);
        memcpy(copy, document, size);
        assert_err(optical_read(copy, size, &optical, NULL), ERR_MALFORMED);
        free(copy);
    }
}

TEST_MAIN(cmocka_unit_test(adds_the_groups_of_all_routes),
          cmocka_unit_test(switched_link_is_longer_and_exposed),
          cmocka_unit_test(degraded_or_failed_is_at_risk), cmocka_unit_test(says_where_it_is_wrong),
          cmocka_unit_test(survives_truncation_at_every_octet))
