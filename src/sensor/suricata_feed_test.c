/* A conversation's two ways, to rules and as JSON. */
#include "sensor/suricata_feed.h"

#include "base/testing.h"

static void
on_alert(void *arg, const struct suricata_info *info, const struct suricata_where *w)
{
    suricata_alert_put(arg, info, w);
}

static void
each_way_has_its_sender(void **state UNUSED)
{
    static const char text[] =
        "alert tcp 10.0.0.2 502 -> 10.0.0.1 any (msg:\"a \\\"b\\\"\"; flow:from_server; "
        "content:\"xy\"; classtype:misc-attack; reference:cve,2026-1; sid:7; rev:3;)\n"
        "alert udp any any -> any any (http.uri; sid:8;)\nalert x (sid:9;)\n";
    struct buf b = BUF_INIT;
    struct diag diag;
    struct suricata_rules *rules = suricata_rules_new(
        &(struct suricata_options){.variables = NULL});
    assert_ok(suricata_rules_read(rules, "t", text, sizeof text - 1, &diag));
    suricata_rules_seal(rules);
    struct suricata_matcher *m = suricata_matcher_new(rules, 0, on_alert, &b);
    const struct conversation c = {
        .key = {.ends = {{{10, 0, 0, 1}, 40000}, {{10, 0, 0, 2}, 502}}, .ip = 4, .proto = 6},
        .side = SIDE_CLIENT};
    const struct frame f = {.number = 5, .time = NSEC_PER_SEC};
    suricata_feed_data(m, &c, 0, &f, (const uint8_t *)"xy", 2, 0);
    assert_int_equal(b.size, 0);
    suricata_feed_data(m, &c, 1, &f, (const uint8_t *)"xy", 2, 0);
    assert_string_equal(
        buf_cstr(&b),
        "{\"suricata\":{\"action\":\"alert\",\"gid\":1,\"sid\":7,\"rev\":3,\"msg\":\"a "
        "\\\"b\\\"\",\"classtype\":\"misc-attack\",\"priority\":2,\"references\":\"cve,2026-1\"},"
        "\"frame\":5,\"time\":\"1970-01-01T00:00:01.000000000Z\",\"from\":\"10.0.0.2:502\","
        "\"to\":\"10.0.0.1:40000\"}\n");
    buf_clear(&b);
    for (size_t i = 0; i < suricata_refusals_number(rules); i++)
        suricata_refusal_put(&b, suricata_refusal(rules, i));
    assert_string_equal(
        buf_cstr(&b),
        "{\"suricata-unsupported\":{\"file\":\"t\",\"line\":2,\"sid\":8,\"keyword\":\"http.uri\","
        "\"why\":\"no dissector tells it\"}}\n"
        "{\"suricata-malformed\":{\"file\":\"t\",\"line\":3,\"sid\":9,\"keyword\":\"header\","
        "\"why\":\"action, protocol, address, port, direction, address and port are needed\"}}\n");
    suricata_matcher_free(m);
    suricata_rules_free(rules);
    buf_fini(&b);
}

TEST_MAIN(cmocka_unit_test(each_way_has_its_sender))
