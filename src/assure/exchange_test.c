#include "assure/exchange.h"

#include "assure/testing.h"

static struct test_receiver receivers[2] = {{(char *)"y", 0x0a140011, 0, NULL},
                                            {(char *)"z", 0x0aff0003, 0, NULL}};

static struct test_session
session(bool in_band)
{
    return (struct test_session){
        .node = (char *)"x",
        .in_band = in_band,
        .frame = {.source = {{2, 0, 0, 0x10, 0, 0x11}},
                  .destination = {{2, 0x54, 0x0a, 0x0a, 0, 1}},
                  .vlan_id = in_band ? VLAN_UNTAGGED : 10,
                  .vlan_priority = 4,
                  .ipv4_source = 0x0a0a000b,
                  .ipv4_destination = 0x0a140011,
                  .udp_source = 49154,
                  .udp_destination = 862},
        .n_receivers = in_band ? 1 : 2,
        .receivers = receivers,
    };
}

static void
assert_params(bool in_band, const char *quoted)
{
    struct test_session s = session(in_band);
    struct load load = {LOAD_LATENCY, 100, 2048, 128};
    json_t *params = test_start_params(&s, &load, "5f3a-17"), *expected = json_quoted(quoted);
    assert_true(json_equal(params, expected));
    json_decref(params);
    json_decref(expected);
}

static void
a_node_is_told_headers_pace_and_who_answers(void **state UNUSED)
{
    assert_params(true, "{'id': '5f3a-17', 'template': {'eth-src': '02:00:00:10:00:11',"
                        " 'eth-dst': '02:54:0a:0a:00:01', 'ipv4-src': '10.10.0.11',"
                        " 'ipv4-dst': '10.20.0.17', 'udp-src': 49154, 'udp-dst': 862},"
                        " 'count': 100, 'interval-us': 2048, 'size': 128, 'timeout-ms': 1000,"
                        " 'reply': 'in-band', 'reflectors': ['10.20.0.17']}");
    assert_params(false, "{'id': '5f3a-17', 'template': {'eth-src': '02:00:00:10:00:11',"
                         " 'eth-dst': '02:54:0a:0a:00:01', 'vlan-id': 10, 'vlan-priority': 4,"
                         " 'ipv4-src': '10.10.0.11', 'ipv4-dst': '10.20.0.17',"
                         " 'udp-src': 49154, 'udp-dst': 862},"
                         " 'count': 100, 'interval-us': 2048, 'size': 128, 'timeout-ms': 1000,"
                         " 'reply': 'management', 'reflectors': ['10.20.0.17', '10.255.0.3']}");
}

#define WAY(sent, received, lost, least)                                                           \
    "{'sent': " #sent ", 'received': " #received ", 'lost': " #lost ", 'min-ns': " #least ","      \
    " 'p50-ns': " #least "0, 'p99-ns': " #least "00, 'max-ns': " #least "000, 'jitter-ns': 7}"

#define RECEIVER(address)                                                                          \
    "{'address': '" address "', 'timestamps': 'kernel', 'synchronised': true,"                     \
    " 'directions': true, 'unattributed': 1, 'round-trip': " WAY(                                  \
        100, 96, 4, 3) ","                                                                         \
                       " 'forward': " WAY(100, 98, 2, 1) ", 'backward': " WAY(                     \
                           98, 97, 1, 2) ", 'later': [1, 2]}"

#define HEAD "{'id': 'x', 'sent': 100, 'size': 130, 'span-ns': 5, 'timestamps': 'application',"

static enum err
read_quoted(const char *quoted, bool in_band, struct node_answer *answer, struct diag *diag)
{
    struct test_session s = session(in_band);
    struct load load = {LOAD_LATENCY, 100, 1000, 130};
    json_t *json = json_quoted(quoted);
    enum err err = node_answer_read(json, &s, &load, answer, diag);
    json_decref(json);
    return err;
}

static void
an_answer_is_read_with_what_is_not_known_passed_over(void **state UNUSED)
{
    struct node_answer a;
    assert_ok(read_quoted(HEAD "'reflectors': [" RECEIVER("10.255.0.3") "]}", false, &a, NULL));
    assert_int_equal(a.sent, 100);
    assert_int_equal(a.size, 130);
    assert_int_equal(a.span, 5);
    assert_int_equal(a.timestamps, TIMESTAMP_APPLICATION);
    assert_int_equal(a.n, 2);
    const struct measured *m = &a.receivers[1];
    assert_true(m->has_directions && m->synchronised);
    assert_int_equal(m->timestamps, TIMESTAMP_KERNEL);
    assert_int_equal(m->unattributed, 1);
    assert_int_equal(m->round_trip.received, 96);
    assert_int_equal(m->forward.lost, 2);
    assert_int_equal(m->backward.sent, 98);
    assert_true(m->forward.has_latency);
    assert_int_equal(m->forward.min, 1);
    assert_int_equal(m->forward.p50, 10);
    assert_int_equal(m->forward.p99, 100);
    assert_int_equal(m->forward.max, 1000);
    assert_int_equal(m->forward.jitter, 7);
    node_answer_fini(&a);
}

static void
a_receiver_that_is_not_mentioned_got_nothing(void **state UNUSED)
{
    struct node_answer a;
    assert_ok(read_quoted(HEAD "'reflectors': [" RECEIVER("10.255.0.3") "]}", false, &a, NULL));
    assert_int_equal(a.receivers[0].round_trip.lost, 100);
    assert_int_equal(a.receivers[0].unattributed, 100);
    assert_int_equal(a.receivers[0].timestamps, TIMESTAMP_MAX);
    assert_false(a.receivers[0].round_trip.has_latency);
    node_answer_fini(&a);
}

static void
an_answer_that_makes_no_sense_is_refused(void **state UNUSED)
{
    static const struct {
        const char *quoted, *why;
    } rows[] = {
        {"[]", "\"sent\" is missing"},
        {"{'sent': -1}", "\"sent\" is not a number in range"},
        {"{'sent': 0}", "\"sent\" is not a number in range"},
        {"{'sent': 101}", "\"sent\" is not a number in range"},
        {"{'sent': 100, 'size': 0}", "\"size\" is not a number in range"},
        {"{'sent': 100, 'size': 130, 'span-ns': 1.5}", "\"span-ns\" is not a number in range"},
        {"{'sent': 100, 'size': 130, 'span-ns': 1, 'timestamps': 'sundial'}",
         "\"timestamps\" is missing, or no source of timestamps"},
        {HEAD "'reflectors': {}}", "\"reflectors\" is missing, or no array"},
        {HEAD "'reflectors': [7]}", "\"reflectors\" has an entry that was not asked for, or twice"},
        {HEAD "'reflectors': [{'address': '10.9.9.9'}]}",
         "\"reflectors\" has an entry that was not asked for, or twice"},
        {HEAD "'reflectors': [" RECEIVER("10.20.0.17") "," RECEIVER("10.20.0.17") "]}",
         "\"reflectors\" has an entry that was not asked for, or twice"},
        {HEAD "'reflectors': [{'address': '10.20.0.17'}]}",
         "\"directions\" is missing, or neither true nor false"},
        {HEAD "'reflectors': [{'address': '10.20.0.17', 'directions': true, 'synchronised': 1}]}",
         "\"synchronised\" is missing, or neither true nor false"},
        {HEAD "'reflectors': [{'address': '10.20.0.17', 'directions': true, 'synchronised': true,"
              " 'timestamps': 'kernel', 'round-trip': " WAY(100, 101, 0, 1) "}]}",
         "\"round-trip\" does not add up: sent less received is not lost"},
        {HEAD "'reflectors': [{'address': '10.20.0.17', 'directions': true, 'synchronised': true,"
              " 'timestamps': 'kernel', 'round-trip': " WAY(100, 99, 2, 1) "}]}",
         "\"round-trip\" does not add up: sent less received is not lost"},
        {HEAD "'reflectors': [{'address': '10.20.0.17', 'directions': true, 'synchronised': true,"
              " 'timestamps': 'kernel', 'round-trip': {'sent': 100, 'received': 99, 'lost': 1,"
              " 'min-ns': 5, 'p50-ns': 4}}]}",
         "\"p50-ns\" is not a number in range"},
        {HEAD "'reflectors': [{'address': '10.20.0.17', 'directions': false, 'synchronised': true,"
              " 'timestamps': 'kernel', 'round-trip': " WAY(90, 90, 0, 1) ", 'forward': {},"
                                                                          " 'backward': {}}]}",
         "\"round-trip\" is not about as many packets as were sent"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct node_answer a;
        struct diag diag = {""};
        char expected[sizeof diag.text];
        assert_err(read_quoted(rows[i].quoted, true, &a, &diag), ERR_MALFORMED);
        snprintf(expected, sizeof expected, "the node's answer: %s", rows[i].why);
        assert_string_equal(diag.text, expected);
    }
}

static void
a_node_has_time_to_send_late_and_to_wait_for_the_last_answer(void **state UNUSED)
{
    struct load load = {LOAD_LATENCY, 101, 20000, 128};
    assert_int_equal(test_start_duration(&load), 5500 * NSEC_PER_MSEC);
}

TEST_MAIN(cmocka_unit_test(a_node_is_told_headers_pace_and_who_answers),
          cmocka_unit_test(an_answer_is_read_with_what_is_not_known_passed_over),
          cmocka_unit_test(a_receiver_that_is_not_mentioned_got_nothing),
          cmocka_unit_test(an_answer_that_makes_no_sense_is_refused),
          cmocka_unit_test(a_node_has_time_to_send_late_and_to_wait_for_the_last_answer))
