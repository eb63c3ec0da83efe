/* Alerts: what happens again, what belongs together, floods, what is kept of them. */
#include "monitor/testing.h"

#include <unistd.h>

static void
what_happens_again_is_counted_not_repeated(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("coil") "    protocol: modbus\n    act: operate\n", 0, NULL);
    for (unsigned i = 0; i < 1000; i++)
        ask(&b, 1, 2, i % 2 ? COIL_ON : COIL_OFF); /* a millisecond each */
    assert_int_equal(b.n_told, 1);
    b.now += 10 * SECOND;
    ask(&b, 1, 2, COIL_ON);
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(b.told[1], "id"), "s1/1");
    assert_int_equal(number_of(b.told[1], "count"), 1001);
    b.now += 16 * 60 * SECOND; /* quiet: the next is another one, and like the first */
    ask(&b, 1, 2, COIL_ON);
    assert_int_equal(b.n_told, 3);
    assert_string_equal(text_of(b.told[2], "id"), "s1/2");
    assert_string_equal(json_string_value(json_array_get(json_object_get(b.told[2], "similar"), 0)),
                        "s1/1");
    unmake(&b);
}

static void
a_flood_is_held_back_and_told_as_one(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("any") "    on: conversation\n", 0, NULL);
    for (unsigned i = 0; i < 250; i++)
        say_at(&b, 1, (uint8_t)(i + 2), 40000, 502, READ);
    assert_int_equal(b.n_told, 100);
    b.now += 61 * SECOND;
    monitor_tick(b.monitor, b.now);
    assert_int_equal(b.n_told, 101);
    assert_string_equal(text_of(b.told[100], "rule"), "alerts-held-back");
    assert_string_equal(text_of(b.told[100], "explanation"), "Held back in a minute: 150 of any");
    assert_int_equal(alerts_held_back(monitor_alerts(b.monitor)), 150);
    unmake(&b);
}

/* 1 scans 2 and 3 and commands 2; 2 then commands 4: all that is one incident. 8 is another. */
static void
an_incident_follows_who_is_behind_it(void **state UNUSED)
{
    struct bench b;
    json_t *all = json_array();
    make(&b,
         HEAD("talk") "    on: conversation\n" HEAD(
             "command") "    protocol: modbus\n    act: write\n",
         0, NULL);
    ask(&b, 1, 2, READ);
    ask(&b, 1, 3, READ);
    ask(&b, 1, 2, WRITE);
    ask(&b, 2, 4, WRITE);
    ask(&b, 8, 9, READ);
    incidents_each(monitor_alerts(b.monitor), collect, all);
    assert_int_equal(json_array_size(all), 2);
    const json_t *first = json_array_get(all, 0);
    assert_int_equal(number_of(first, "alerts"), 5);
    assert_int_equal(json_array_size(json_object_get(first, "sources")), 2);
    assert_int_equal(json_array_size(json_object_get(first, "targets")), 3);
    assert_int_equal(json_array_size(json_object_get(first, "rules")), 2);
    json_decref(all);
    unmake(&b);
}

/* What is grave is told though something harmless floods. */
static void
a_flood_does_not_hide_what_is_grave(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("any") "    on: conversation\n    severity: low\n" HEAD(
             "write") "    protocol: modbus\n    act: write\n    severity: critical\n",
         0, NULL);
    for (unsigned i = 0; i < 150; i++)
        say_at(&b, 7, (uint8_t)(i + 9), 40000, 9999, "00");
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 101);
    assert_string_equal(text_of(b.told[100], "rule"), "write");
    unmake(&b);
}

/* Another function of the same ends is another alert where the rule tells functions apart. */
static void
what_a_rule_tells_apart_is_an_alert_each(void **state UNUSED)
{
    struct bench b;
    make(
        &b,
        HEAD("fn") "    protocol: modbus\n    kind: request\n    new: [source, target, function]\n",
        SECOND, NULL);
    ask(&b, 5, 6, READ);
    ask(&b, 5, 6, READ);
    b.now += 2 * SECOND;
    ask(&b, 5, 6, READ);
    ask(&b, 1, 2, READ);
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 2);
    unmake(&b);
}

static void
tell_of(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const struct pdu *p)
{
    struct bench *b = arg;
    const struct monitor_word word = {.name = p->act == ACT_WRITE ? "suricata-7" : "suricata-8",
                                      .title = "T",
                                      .severity = RULE_HIGH,
                                      .detail = "an {odd} thing",
                                      .conversation = c,
                                      .way = way,
                                      .frame = f};
    monitor_tell(b->monitor, &word);
}

/* Without rules of our own; each of theirs, between the same ends, is one alert. */
static void
what_others_find_becomes_an_alert(void **state UNUSED)
{
    struct bench b = {.now = START};
    struct diag diag = {""};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .has_alerts = true,
                                          .arg = &b,
                                          .message = tell_of,
                                          .alert = on_alert};
    assert_ok(monitor_new(&config, &b.monitor, &diag));
    ask(&b, 1, 2, READ);
    ask(&b, 1, 2, READ);
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(b.told[0], "rule"), "suricata-8");
    assert_string_equal(text_of(b.told[1], "rule"), "suricata-7");
    assert_string_equal(text_of(b.told[1], "explanation"), "10.0.0.1 to 10.0.0.2: an {odd} thing.");
    assert_string_equal(text_of(b.told[1], "severity"), "high");
    assert_null(json_object_get(b.told[1], "number"));
    unmake(&b);
}

static void
packets_of_the_conversation_are_kept(void **state UNUSED)
{
    char directory[] = "/tmp/evidence-XXXXXX";
    struct bench b;
    assert_non_null(mkdtemp(directory));
    make(&b, HEAD("command") "    protocol: modbus\n    act: write\n", 0, directory);
    for (unsigned i = 0; i < 3; i++) {
        ask(&b, 1, 2, READ);
        ask(&b, 5, 6, READ);
    }
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 1);
    const json_t *evidence = json_object_get(b.told[0], "evidence");
    assert_string_equal(text_of(evidence, "capture"), "s1-1700000000-1.pcap");
    char *path = xasprintf("%s/s1-1700000000-1.pcap", directory);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t octets[4096];
    size_t n = fread(octets, 1, sizeof octets, f);
    fclose(f);
    struct capture capture;
    struct frame frame;
    struct diag diag;
    unsigned frames = 0;
    assert_ok(capture_open(&capture, octets, n, &diag));
    while (!capture_next(&capture, &frame, &diag)) {
        assert_int_equal(frame.data[29], 1); /* of 10.0.0.1 alone */
        frames++;
    }
    assert_int_equal(frames, 4);
    assert_int_equal(frame.time, b.now);
    unlink(path);
    rmdir(directory);
    free(path);
    unmake(&b);
}

static void
a_directory_that_is_not_there_is_said(void **state UNUSED)
{
    const struct monitor_config config = {.protocols = protocols_all,
                                          .evidence = "/nowhere/at/all"};
    struct monitor *monitor;
    struct diag diag;
    assert_err(monitor_new(&config, &monitor, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere/at/all"));
}

/* As a damaged capture has them. */
static void
times_that_cannot_be_are_none(void **state UNUSED)
{
    static const nsec_t times[] = {INT64_MAX, INT64_MIN, -1, INT64_MAX - 1, 0, INT64_MAX / 2 + 1};
    struct bench b;
    make(
        &b,
        HEAD(
            "new") "    protocol: modbus\n    act: write\n    new: [source, target]\n"
                   "    sets: {mark: m, by: source, for: 1h}\n" HEAD(
                       "some") "    protocol: modbus\n    count: {of: 2, within: 1s, by: source}\n",
        SECOND, NULL);
    for (unsigned i = 0; i < 24; i++) {
        b.now = times[i % ARRAY_SIZE(times)] -
                (times[i % ARRAY_SIZE(times)] > 0 ? NSEC_PER_MSEC : 0);
        b.now = b.now > INT64_MAX - NSEC_PER_MSEC ? INT64_MAX - NSEC_PER_MSEC : b.now;
        ask(&b, 1, 2, WRITE);
    }
    monitor_tick(b.monitor, START);
    assert_true(b.n_told > 0);
    unmake(&b);
}

/* The latest of the rule with the same source or target, the earliest of them first. */
static void
earlier_ones_alike_are_named(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("write") "    protocol: modbus\n    act: write\n" HEAD(
             "restart") "    protocol: modbus\n    act: restart\n",
         0, NULL);
    ask(&b, 1, 20, RESTART);
    for (uint8_t to = 21; to < 28; to++)
        ask(&b, 1, to, WRITE);
    ask(&b, 9, 24, WRITE);
    ask(&b, 8, 40, WRITE);
    assert_int_equal(b.n_told, 10);
    const json_t *similar = json_object_get(b.told[7],
                                            "similar"); /* of another rule is the first */
    assert_int_equal(json_array_size(similar), 4);
    for (size_t i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof id, "s1/%zu", 4 + i);
        assert_string_equal(json_string_value(json_array_get(similar, i)), id);
    }
    similar = json_object_get(b.told[8], "similar"); /* the same target */
    assert_int_equal(json_array_size(similar), 1);
    assert_string_equal(json_string_value(json_array_get(similar, 0)), "s1/5");
    assert_int_equal(json_array_size(json_object_get(b.told[9], "similar")), 0);
    b.now += 2 * 3600 * SECOND;
    monitor_tick(b.monitor, b.now); /* all of that is forgotten */
    forget_told(&b);
    ask(&b, 1, 21, WRITE);
    assert_int_equal(b.n_told, 1);
    assert_int_equal(json_array_size(json_object_get(b.told[0], "similar")), 0);
    unmake(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_that_cannot_be_are_none),
        cmocka_unit_test(earlier_ones_alike_are_named),
        cmocka_unit_test(what_happens_again_is_counted_not_repeated),
        cmocka_unit_test(a_flood_is_held_back_and_told_as_one),
        cmocka_unit_test(an_incident_follows_who_is_behind_it),
        cmocka_unit_test(a_flood_does_not_hide_what_is_grave),
        cmocka_unit_test(what_a_rule_tells_apart_is_an_alert_each),
        cmocka_unit_test(what_others_find_becomes_an_alert),
        cmocka_unit_test(packets_of_the_conversation_are_kept),
        cmocka_unit_test(a_directory_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
