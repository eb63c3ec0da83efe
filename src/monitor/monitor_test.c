/* Rules at work on frames: what is told, when, of whom, and what is not. */
#include "monitor/testing.h"

#include "detect/geo_testing.h"

#include <unistd.h>

static void
a_message_is_told_with_all_that_is_known(void **state UNUSED)
{
    struct bench b;
    make(
        &b,
        "  - name: restart\n"
        "    title: A device is restarted\n"
        "    number: 20\n"
        "    techniques: [T0816]\n"
        "    severity: high\n"
        "    protocol: modbus\n"
        "    act: restart\n"
        "    explanation: \"{source} restarts {target} ({protocol}, {function}, {sub-function})\"\n"
        "    playbook: [one, two]\n",
        0, NULL);
    ask(&b, 1, 2, READ);
    assert_int_equal(b.n_told, 0);
    ask(&b, 1, 2, RESTART);
    assert_int_equal(b.n_told, 1);
    const json_t *a = b.told[0];
    assert_string_equal(text_of(a, "id"), "s1/1");
    assert_string_equal(text_of(a, "rule"), "restart");
    assert_int_equal(number_of(a, "number"), 20);
    assert_string_equal(text_of(a, "severity"), "high");
    assert_string_equal(text_of(a, "explanation"),
                        "10.0.0.1 restarts 10.0.0.2 (Modbus/TCP, diagnostics, "
                        "restart-communications)");
    assert_string_equal(text_of(json_object_get(a, "source"), "address"), "10.0.0.1");
    assert_string_equal(text_of(json_object_get(a, "source"), "mac"), "02:00:00:00:00:01");
    assert_int_equal(number_of(json_object_get(a, "target"), "port"), 502);
    assert_string_equal(text_of(a, "planned"), "unknown");
    assert_true(json_is_null(json_object_get(a, "circuit")));
    assert_string_equal(text_of(a, "incident"), "s1/I1");
    assert_int_equal(json_array_size(json_object_get(a, "playbook")), 2);
    assert_string_equal(text_of(json_object_get(json_object_get(a, "evidence"), "message"), "name"),
                        "diagnostics");
    unmake(&b);
}

static void
what_is_new_is_told_when_learning_is_over(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("new-master") "    protocol: modbus\n    act: [write]\n    new: [source, target]\n",
         10 * SECOND, NULL);
    for (unsigned i = 0; i < 20; i++)
        ask(&b, 1, 2, WRITE);
    ask(&b, 3, 2, WRITE);
    b.now += 11 * SECOND;
    ask(&b, 1, 2, WRITE); /* as ever */
    ask(&b, 3, 2, READ);
    assert_int_equal(b.n_told, 0);
    ask(&b, 4, 2, WRITE);
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.4");
    /* Of 22 one came only once. */
    assert_int_equal(number_of(b.told[0], "sure"), 100 - 100 * 1 / 22);
    ask(&b, 4, 2, WRITE); /* no longer new */
    assert_int_equal(b.n_told, 1);
    unmake(&b);
}

/* Nobody has written in all the time that was learned: whoever does is new, and that is sure. */
static void
the_first_of_its_kind_is_told(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("writer") "    protocol: modbus\n    act: write\n    new: [source, target]\n",
         SECOND, NULL);
    ask(&b, 1, 2, READ);
    b.now += 2 * SECOND;
    ask(&b, 1, 2, READ);
    ask(&b, 7, 2, WRITE);
    assert_int_equal(b.n_told, 1);
    assert_int_equal(number_of(b.told[0], "sure"), 100);
    unmake(&b);
}

/* Rules that ask for the function alone are looked at once for each function of a conversation; a
 * new function in an old conversation must be seen all the same. */
static void
a_new_function_in_an_old_conversation_is_new(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("new-function") "    protocol: modbus\n    new: [source, target, function]\n",
         SECOND, NULL);
    ask(&b, 1, 2, READ);
    b.now += 2 * SECOND;
    ask(&b, 1, 2, READ);
    assert_int_equal(b.n_told, 0);
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 1);
    unmake(&b);
}

static void
what_differs_is_counted_within_the_time(void **state UNUSED)
{
    struct bench b;
    char hex[64];
    make(&b,
         HEAD("scan") "    protocol: modbus\n    kind: request\n"
                      "    count: {of: 5, distinct: unit, within: 10s, by: [source, target]}\n",
         0, NULL);
    for (unsigned unit = 1; unit < 5; unit++) {
        snprintf(hex, sizeof hex, "0001 0000 0006 %02x 03 0000 0002", unit);
        ask(&b, 1, 2, hex);
        ask(&b, 1, 2, hex); /* counts once */
    }
    assert_int_equal(b.n_told, 0);
    b.now += 11 * SECOND;
    ask(&b, 1, 2, "0001 0000 0006 05 03 0000 0002"); /* too late: it begins anew */
    assert_int_equal(b.n_told, 0);
    for (unsigned unit = 6; unit < 10; unit++) {
        snprintf(hex, sizeof hex, "0001 0000 0006 %02x 03 0000 0002", unit);
        ask(&b, 1, 2, hex);
    }
    assert_int_equal(b.n_told, 1);
    unmake(&b);
}

static void
marks_make_a_sequence(void **state UNUSED)
{
    struct bench b;
    make(&b,
         "  - name: seen\n    quiet: true\n    protocol: modbus\n    function: "
         "read-holding-registers\n"
         "    sets: {mark: read, by: [source, target], for: 5s}\n" HEAD(
             "unread") "    protocol: modbus\n    act: write\n    lacks: {mark: read, by: [source, "
                       "target]}\n" HEAD("read-first") "    protocol: modbus\n    act: write\n"
                                                       "    has: {mark: read, by: [source, "
                                                       "target]}\n",
         0, NULL);
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(b.told[0], "rule"), "unread");
    ask(&b, 1, 2, READ);
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(b.told[1], "rule"), "read-first");
    unmake(&b);
}

static void
a_mark_does_not_last(void **state UNUSED)
{
    struct bench b;
    make(&b,
         "  - name: seen\n    quiet: true\n    protocol: modbus\n    act: read\n"
         "    sets: {mark: read, by: [source], for: 5s}\n" HEAD(
             "late") "    protocol: modbus\n    act: write\n    has: {mark: read, by: [source]}\n",
         0, NULL);
    ask(&b, 1, 2, READ);
    b.now += 6 * SECOND;
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 0);
    unmake(&b);
}

static void
a_value_out_of_what_was_learned_is_told(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("range") "    protocol: modbus\n    kind: request\n    act: write\n"
                       "    range: {of: value, by: [target, object]}\n",
         SECOND, NULL);
    for (unsigned i = 0; i < 12; i++)
        ask(&b, 1, 2, i % 2 ? WRITE : "0002 0000 0006 01 06 0010 0009");
    b.now += 2 * SECOND;
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 0);
    ask(&b, 1, 2, WRITE_BIG);
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(json_object_get(b.told[0], "evidence"), "detail"),
                        "28672, where 13 values were 7 to 9");
    ask(&b, 1, 2, "0002 0000 0006 01 06 0099 7000"); /* nothing is known of that register */
    assert_int_equal(b.n_told, 1);
    unmake(&b);
}

static void
conditions_are_of_one_object(void **state UNUSED)
{
    static const char rule[] = HEAD("trip") "    protocol: dnp3\n"
                                            "    where: {index: 3, control: {any-bit: 128}}\n";
    /* Direct operate of g12v1, 3 closes and 5 trips; then the other way about. */
    static const char other[] = "056424c401000200092b c0c0050c0117020341016400000064 00209c"
                                "0000000581016400000064000000008639";
    static const char meant[] = "056424c401000200092b c0c0050c0117020541016400000064 0054c0"
                                "00000003810164000000640000000026c9";
    struct bench b;
    make(&b, rule, 0, NULL);
    say_at(&b, 1, 2, 40000, 20000, other);
    assert_int_equal(b.n_told, 0);
    say_at(&b, 1, 2, 40000, 20000, meant);
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(b.told[0], "object"), "destination 1, point-group 12, index 3");
    unmake(&b);
}

static void
who_it_is_and_which_port_count(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("port") "    on: conversation\n    port: [2404]\n" HEAD(
             "many") "    on: conversation\n    to: many\n" HEAD("public") "    on: conversation\n "
                                                                           "   to: public\n",
         0, NULL);
    say_at(&b, 1, 2, 40000, 502, READ);
    assert_int_equal(b.n_told, 0);
    say_at(&b, 1, 2, 40001, 2404, "00");
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(b.told[0], "rule"), "port");
    say_at(&b, 2, 3, 2404, 40002, "00"); /* an answer: who began is at the other end */
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(json_object_get(b.told[1], "source"), "address"), "10.0.0.3");
    say_at(&b, 1, 255, 40001, 137, "00");
    assert_int_equal(b.n_told, 3);
    assert_string_equal(text_of(b.told[2], "rule"), "many");
    unmake(&b);
}

static void
what_cannot_be_understood_is_counted(void **state UNUSED)
{
    struct bench b;
    make(&b,
         "  - name: broken\n    title: T\n    explanation: \"wrong at {detail}\"\n    playbook: "
         "[x]\n"
         "    on: malformed\n    protocol: modbus\n"
         "    count: {of: 3, within: 10s, by: [source]}\n",
         0, NULL);
    ask(&b, 1, 2, READ);
    for (unsigned i = 0; i < 3; i++)
        ask(&b, 1, 2, "0001 0000 0003 01 03 00");
    assert_int_equal(b.n_told, 1);
    assert_non_null(strstr(text_of(b.told[0], "explanation"), "address at octet "));
    unmake(&b);
}

/* A frame of another century neither ends the learning nor holds alerts back for good. */
static void
a_clock_that_steps_changes_nothing(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("new") "    protocol: modbus\n    act: write\n    new: [source, target]\n" HEAD(
             "any") "    on: conversation\n    severity: low\n",
         10 * SECOND, NULL);
    b.now = 4102444800 * SECOND;
    ask(&b, 1, 2, READ);
    b.now = START;
    ask(&b, 1, 2, WRITE);
    assert_int_equal(b.n_told, 1); /* the conversation */
    for (unsigned i = 0; i < 150; i++)
        say_at(&b, 7, (uint8_t)(i + 9), 40000, 9999, "00");
    assert_int_equal(b.n_told, 101); /* the minute began anew */
    b.now += 61 * SECOND;
    monitor_tick(b.monitor, b.now);
    assert_int_equal(b.n_told, 102);
    unmake(&b);
}

/* Frames of two interfaces, a tenth of a second apart, by turns. */
static void
frames_a_little_out_of_order_begin_nothing_anew(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("coil") "    protocol: modbus\n    act: operate\n" HEAD(
             "scan") "    on: conversation\n    count: {of: 40, distinct: port, within: 60s, by: "
                     "source}\n",
         0, NULL);
    for (unsigned i = 0; i < 40; i++) {
        b.now = START + (i % 2 ? 0 : 100 * NSEC_PER_MSEC) + i * NSEC_PER_MSEC;
        ask(&b, 1, 2, COIL_ON);
        say_at(&b, 3, 4, 40000, (uint16_t)(2000 + i), "00");
        monitor_tick(b.monitor, START + i * NSEC_PER_MSEC);
    }
    assert_int_equal(b.n_told, 2); /* one alert of the coil, and the scan in one piece */
    assert_int_equal(number_of(b.told[0], "count"), 1);
    unmake(&b);
}

/* Who only was spoken to is not there yet. */
static void
a_device_is_there_when_it_speaks(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("device") "    on: device\n    new: [source]\n", SECOND, NULL);
    ask(&b, 1, 2, READ);
    say_at(&b, 2, 1, 502, 40000, ANSWER);
    b.now += 2 * SECOND;
    ask(&b, 1, 9, READ);
    assert_int_equal(b.n_told, 0);
    say_at(&b, 9, 1, 502, 40000, ANSWER);
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.9");
    ask(&b, 11, 2, READ); /* by what it is found at a switch */
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(json_object_get(b.told[1], "source"), "mac"), "02:00:00:00:00:0b");
    unmake(&b);
}

/* Conditions of the message alone, and what is counted is of its objects: two set points of IEC
 * 104. */
static void
objects_are_told_apart_by_conditions_of_the_message(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("points") "    protocol: dnp3\n    act: operate\n    where: {from-master: true}\n"
                        "    count: {of: 2, distinct: index, within: 10s, by: [source]}\n",
         0, NULL);
    say_at(&b, 1, 2, 40000, 20000,
           "056424c401000200092b c0c0050c0117020341016400000064 00209c"
           "0000000581016400000064000000008639");
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(b.told[0], "object"), "destination 1, point-group 12, index 5");
    unmake(&b);
}

/* With circuits, what they do not allow is told of conversations that were there before, too, with
 * who began them as the source. */
static void
circuits_judge_what_is_there(void **state UNUSED)
{
    static const char rules[] =
        HEAD("no-circuit") "    on: conversation\n    planned: \"no\"\n" /* what is judged again */
        HEAD("any") "    on: conversation\n"                             /* happened once */
        HEAD("many") "    on: conversation\n    planned: \"no\"\n"
                     "    count: {of: 2, within: 60s, by: [source]}\n";
    struct bench b;
    struct diag diag = {""};
    make(&b, rules, 0, NULL);
    say_at(&b, 1, 2, 40000, 7777, "00");
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(b.told[0], "rule"), "any");
    say_at(&b, 1, 3, 40000, 7777, "00");
    forget_told(&b);
    say_at(&b, 2, 1, 7777, 40000, "00");
    assert_int_equal(b.n_told, 0);
    json_t *none = json_pack("{s[]}", "circuits");
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(monitor_circuits(b.monitor, none, &diag));
        assert_int_equal(b.n_told, 2);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(text_of(b.told[i], "rule"), "no-circuit");
        assert_string_equal(text_of(json_object_get(b.told[i], "source"), "address"), "10.0.0.1");
        assert_string_equal(text_of(b.told[i], "planned"), "no");
    }
    json_decref(none);
    unmake(&b);
}

/* Addresses of either end, and names that are asked for. */
static void
what_is_in_a_feed_is_told(void **state UNUSED)
{
    static const char text[] = "10.0.0.66\nevil.example\n";
    struct bench b;
    struct diag diag;
    feed = feed_new();
    assert_ok(feed_add(feed, text, sizeof text - 1, "feed", &diag));
    make(&b,
         HEAD("address") "    on: conversation\n    feed: [source, target]\n" HEAD(
             "name") "    protocol: dns\n    where: {name: {feed: true}}\n",
         0, NULL);
    ask(&b, 1, 2, READ);
    say_at(&b, 1, 3, 40000, 53,
           "0001 0100 0001 0000 0000 0000 04 676f6f64 07 6578616d706c65 00 0001 0001");
    assert_int_equal(b.n_told, 0);
    ask(&b, 1, 66, READ);
    assert_int_equal(b.n_told, 1);
    say_at(&b, 1, 3, 40000, 53,
           "0002 0100 0001 0000 0000 0000 01 61 04 6576696c 07 6578616d706c65 00 0001 0001");
    assert_int_equal(b.n_told, 2);
    assert_string_equal(text_of(b.told[1], "rule"), "name");
    unmake(&b);
    feed_free(feed);
    feed = NULL;
}

static void
what_was_learned_is_kept(void **state UNUSED)
{
    static const char rule[] = HEAD(
        "new") "    protocol: modbus\n    act: write\n    new: [source, target]\n";
    struct bench b, again;
    struct buf saved = BUF_INIT;
    struct diag diag;
    make(&b, rule, SECOND, NULL);
    ask(&b, 1, 2, WRITE);
    b.now += 2 * SECOND;
    ask(&b, 1, 2, WRITE);
    detector_save(monitor_detector(b.monitor), &saved);
    make(&again, rule, SECOND, NULL);
    again.now = b.now;
    for (size_t n = 0; n < saved.size; n++) { /* nothing of what is not whole is taken */
        uint8_t *copy = xmemdup(saved.data, n ? n : 1);
        assert_int_not_equal(detector_restore(monitor_detector(again.monitor), copy, n, &diag),
                             ERR_OK);
        free(copy);
    }
    assert_ok(detector_restore(monitor_detector(again.monitor), saved.data, saved.size, &diag));
    ask(&again, 1, 2, WRITE);
    assert_int_equal(again.n_told, 0);
    ask(&again, 3, 2, WRITE);
    assert_int_equal(again.n_told, 1);
    buf_fini(&saved);
    unmake(&b);
    unmake(&again);
}

/* The file ends with the only range and its count, which may be as large as it can, and that nobody
 * said anything. */
static void
a_range_of_any_number_of_values_is_one(void **state UNUSED)
{
    static const char rule[] = HEAD("range") "    protocol: modbus\n    act: write\n"
                                             "    range: {of: value, by: [target, object]}\n";
    struct bench b;
    struct buf saved = BUF_INIT;
    struct diag diag;
    make(&b, rule, SECOND, NULL);
    ask(&b, 1, 2, WRITE);
    b.now += 2 * SECOND;
    ask(&b, 1, 2, WRITE);
    detector_save(monitor_detector(b.monitor), &saved);
    buf_patch_be32(&saved, saved.size - 8, UINT32_MAX);
    assert_ok(detector_restore(monitor_detector(b.monitor), saved.data, saved.size, &diag));
    ask(&b, 1, 2, WRITE_BIG);
    assert_int_equal(b.n_told, 1);
    assert_int_equal(number_of(b.told[0], "sure"), 100);
    buf_fini(&saved);
    unmake(&b);
}

static void
who_works_at_a_relay_is_told(void **state UNUSED)
{
    static const struct {
        bool by_relay;
        const char *text;
        const char *rule; /* NULL: nothing is told */
    } said[] = {{true, "\r\n=>", NULL},
                {false, "2AC\r", NULL},
                {true, "Invalid Password\r\n", NULL},
                {true, "Invalid Password\r\n", NULL},
                {true, "Invalid Password\r\n", "sel-passwords-tried"},
                {true, "\r\n=>>", "sel-access-raised"},
                {false, "MET\r", NULL},
                {false, "OPE 1\r", "sel-breaker-at-terminal"},
                {false, "SET 1\r", "sel-settings-changed"},
                {false, "PAS 1 X\r", "sel-password-changed"},
                {false, "L_D\r", "sel-firmware"}};
    struct bench b;
    make_shipped(&b, TIELINE_SOURCE_DIR "/etc/detections/30-programs.yaml");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        uint8_t from = said[i].by_relay ? 2 : 1, to = said[i].by_relay ? 1 : 2;
        forget_told(&b);
        say_text(&b, from, to, from == 1 ? 40000 : 23, from == 1 ? 23 : 40000, said[i].text);
        assert_int_equal(b.n_told, said[i].rule != NULL);
        if (said[i].rule)
            assert_string_equal(text_of(b.told[0], "rule"), said[i].rule);
    }
    unmake(&b);
}

#define TOGGLES(n, from, to)                                                                       \
    for (unsigned i = 0; i < (n); i++)                                                             \
    ask(&b, from, to, i % 2 ? COIL_ON : COIL_OFF)

/* Who is busy by design is told when it is far busier, and who is not as ever. */
static void
what_is_far_more_than_usual_is_told(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("toggled") "    protocol: modbus\n    kind: request\n    act: operate\n"
                         "    count: {of: 4, usual: 3, within: 10s, by: [source, target]}\n",
         1000 * SECOND, NULL);
    for (unsigned k = 0; k < 40; k++) {
        TOGGLES(8, 1, 2);
        TOGGLES(1, 3, 2);
        b.now += 30 * SECOND;
    }
    assert_int_equal(b.n_told, 0);
    TOGGLES(23, 1, 2);
    assert_int_equal(b.n_told, 0);
    b.now += 30 * SECOND;
    TOGGLES(24, 1, 2);
    assert_int_equal(b.n_told, 1);
    assert_int_equal(number_of(b.told[0], "count"), 1);
    TOGGLES(3, 3, 2);
    assert_int_equal(b.n_told, 1);
    TOGGLES(1, 3, 2);
    assert_int_equal(b.n_told, 2);
    TOGGLES(4, 5, 2); /* never seen before */
    assert_int_equal(b.n_told, 3);
    unmake(&b);
}

/* What is told while the sensor learns does not become usual. */
static void
what_is_far_more_is_told_while_it_learns(void **state UNUSED)
{
    struct bench b;
    make(&b,
         HEAD("toggled") "    protocol: modbus\n    kind: request\n    act: operate\n"
                         "    count: {of: 4, usual: 3, within: 10s, by: [source, target]}\n",
         1000 * SECOND, NULL);
    TOGGLES(11, 1, 2);
    assert_int_equal(b.n_told, 0);
    TOGGLES(1, 1, 2);
    assert_int_equal(b.n_told, 1);
    unmake(&b);
}

static void
the_country_of_an_end_counts(void **state UNUSED)
{
    static const uint8_t peers[][4] = {{203, 0, 113, 7}, {198, 51, 100, 7}, {192, 0, 2, 7}};
    struct bench b;
    struct diag diag = {""};
    char path[] = "/tmp/geo-monitor-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(geo_write_usual(path));
    assert_ok(geo_open(path, &geo, &diag));
    make(&b,
         HEAD("in") "    on: conversation\n    country: [YY, ZZ]\n" HEAD(
             "out") "    on: conversation\n    country: {not: [ZZ]}\n",
         0, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
        struct made_frame f = {.size = 0};
        put(&f, (uint8_t[]){2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, 14);
        put_ipv4(&f, 17, 8, 0, 1);
        memcpy(f.octets + 30, peers[i], 4);
        put_udp(&f, 40000, 5000, 0);
        b.now += SECOND;
        const struct frame frame = as_frame(&f, b.now, ++b.number);
        monitor_frame(b.monitor, &frame);
    }
    assert_int_equal(b.n_told, 2); /* of the third nobody knows */
    assert_string_equal(text_of(b.told[0], "rule"), "in");
    assert_string_equal(text_of(json_object_get(b.told[0], "target"), "address"), "203.0.113.7");
    assert_string_equal(text_of(b.told[1], "rule"), "out");
    assert_string_equal(text_of(json_object_get(b.told[1], "target"), "address"), "198.51.100.7");
    unmake(&b);
    geo_close(geo);
    geo = NULL;
    close(fd);
    unlink(path);
}

/* What a machine finds, where the rule asks whether the ends are new. */
static void
a_finding_is_new_or_usual_too(void **state UNUSED)
{
    struct bench b;
    make(&b, HEAD("r1") "    on: finding\n    finding: beacon\n    new: [source, target, port]\n",
         100 * SECOND, NULL); /* of which the time between findings counts one minute */
    for (unsigned i = 0; i < 60; i++) {
        say_at(&b, 1, 2, 40000, 5555, "01");
        b.now += i < 15 ? 0 : 1 * SECOND;
        if (i >= 15)
            say_at(&b, 1, 3, 40000, 6666, "01");
        b.now += 60 * SECOND;
    }
    assert_int_equal(b.n_told, 1);
    assert_string_equal(text_of(json_object_get(b.told[0], "target"), "address"), "10.0.0.3");
    unmake(&b);
}

/* Polls of two registers in turn each second, and one write. */
static void
habits_are_functions_objects_and_periods(void **state UNUSED)
{
    const struct monitor_config config = {.protocols = protocols_all, .has_habits = true};
    struct bench b = {.now = START};
    json_t *all = json_array();
    struct diag diag;
    assert_ok(monitor_new(&config, &b.monitor, &diag));
    for (unsigned i = 0; i < 20; i++) {
        ask(&b, 1, 2, i % 2 ? READ : "0001 0000 0006 01 03 0030 0002");
        b.now += SECOND - NSEC_PER_MSEC;
    }
    ask(&b, 1, 2, WRITE);
    ask(&b, 3, 2, READ);
    monitor_end(b.monitor);
    habits_each(monitor_habits(b.monitor), collect, all);
    assert_int_equal(json_array_size(all), 2);
    const json_t *first = json_array_get(all, 0), *functions = json_object_get(first, "functions");
    assert_string_equal(text_of(first, "client"), "10.0.0.1");
    assert_string_equal(text_of(first, "protocol"), "modbus");
    assert_int_equal(number_of(first, "messages"), 21);
    assert_int_equal(number_of(first, "octets"), 21 * 12);
    assert_int_equal(json_array_size(functions), 2);
    const json_t *reads = json_array_get(functions, 0);
    assert_string_equal(text_of(reads, "name"), "read-holding-registers");
    assert_int_equal(number_of(reads, "objects"), 2);
    assert_float_equal(json_number_value(json_object_get(reads, "period")), 1.0, 0.001);
    assert_null(json_object_get(json_array_get(functions, 1), "period"));
    assert_int_equal(habits_left_out(monitor_habits(b.monitor)), 0);
    json_decref(all);
    unmake(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(habits_are_functions_objects_and_periods),
        cmocka_unit_test(a_message_is_told_with_all_that_is_known),
        cmocka_unit_test(what_is_new_is_told_when_learning_is_over),
        cmocka_unit_test(the_first_of_its_kind_is_told),
        cmocka_unit_test(a_new_function_in_an_old_conversation_is_new),
        cmocka_unit_test(what_differs_is_counted_within_the_time),
        cmocka_unit_test(marks_make_a_sequence),
        cmocka_unit_test(a_mark_does_not_last),
        cmocka_unit_test(a_value_out_of_what_was_learned_is_told),
        cmocka_unit_test(conditions_are_of_one_object),
        cmocka_unit_test(who_it_is_and_which_port_count),
        cmocka_unit_test(what_cannot_be_understood_is_counted),
        cmocka_unit_test(a_clock_that_steps_changes_nothing),
        cmocka_unit_test(frames_a_little_out_of_order_begin_nothing_anew),
        cmocka_unit_test(a_device_is_there_when_it_speaks),
        cmocka_unit_test(objects_are_told_apart_by_conditions_of_the_message),
        cmocka_unit_test(circuits_judge_what_is_there),
        cmocka_unit_test(what_is_in_a_feed_is_told),
        cmocka_unit_test(what_was_learned_is_kept),
        cmocka_unit_test(a_range_of_any_number_of_values_is_one),
        cmocka_unit_test(who_works_at_a_relay_is_told),
        cmocka_unit_test(what_is_far_more_than_usual_is_told),
        cmocka_unit_test(what_is_far_more_is_told_while_it_learns),
        cmocka_unit_test(the_country_of_an_end_counts),
        cmocka_unit_test(a_finding_is_new_or_usual_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
