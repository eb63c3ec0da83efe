/* Rules at work on frames: what is told, when, of whom, and what is not. */
#include "monitor/monitor.h"

#include "base/alloc.h"
#include "detect/geo_testing.h"
#include "detect/rule.h"
#include "sensor/protocols.h"
#include "sensor/testing.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND NSEC_PER_SEC
#define START (1700000000 * NSEC_PER_SEC)
#define TOLD 256

struct bench {
    struct rules *rules;
    struct monitor *monitor;
    nsec_t now;
    uint32_t number, seq[2]; /* of TCP, by who is lower and higher */
    unsigned n_told;
    json_t *told[TOLD];
};

static struct feed *feed; /* for the next monitor */
static unsigned cores;
static struct geo *geo;

#define HEAD(name) "  - name: " name "\n    title: T\n    explanation: E\n    playbook: [look]\n"

static void
on_alert(void *arg, const char *json, size_t size, enum rule_severity severity UNUSED,
         bool is_new UNUSED)
{
    struct bench *b = arg;
    json_t *alert = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(alert);
    assert_true(b->n_told < TOLD);
    b->told[b->n_told++] = alert;
}

static void
begin(struct bench *b, nsec_t learn, const char *evidence)
{
    struct diag diag = {""};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .rules = b->rules,
                                          .feed = feed,
                                          .geo = geo,
                                          .name = "s1",
                                          .learn = learn,
                                          .cores = cores,
                                          .evidence = evidence,
                                          .arg = b,
                                          .alert = on_alert};
    assert_ok(monitor_new(&config, &b->monitor, &diag));
}

static void
make(struct bench *b, const char *text, nsec_t learn, const char *evidence)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    *b = (struct bench){.now = START};
    char *file = xasprintf("detections:\n%s", text);
    if (rules_parse(&source, file, strlen(file), "test.yaml", &b->rules, &diag))
        fail_msg("%s", diag.text);
    free(file);
    begin(b, learn, evidence);
}

/* With rules that are shipped. */
static void
make_shipped(struct bench *b, const char *path)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    *b = (struct bench){.now = START};
    if (rules_read(&source, &path, 1, &b->rules, &diag))
        fail_msg("%s", diag.text);
    begin(b, 0, NULL);
}

static void
forget_told(struct bench *b)
{
    for (unsigned i = 0; i < b->n_told; i++)
        json_decref(b->told[i]);
    b->n_told = 0;
}

static void
unmake(struct bench *b)
{
    forget_told(b);
    monitor_free(b->monitor);
    rules_free(b->rules);
}

/* A datagram from 10.0.0.`from` to 10.0.0.`to`. */
static void
say_at(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, const char *hex)
{
    struct made_frame data = {.size = 0}, f = {.size = 0};
    put_hex(&data, hex);
    put(&f, (uint8_t[]){2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0}, 14);
    put_ipv4(&f, 17, (uint16_t)(8 + data.size), 0, 1);
    f.octets[29] = from;
    f.octets[33] = to;
    put_udp(&f, src, dst, (uint16_t)data.size);
    put(&f, data.octets, data.size);
    b->now += NSEC_PER_MSEC;
    const struct frame frame = as_frame(&f, b->now, ++b->number);
    monitor_frame(b->monitor, &frame);
}

/* A segment, with text. */
static void
say_flags(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, uint8_t flags,
          const char *text)
{
    struct made_frame f = {.size = 0};
    uint32_t *seq = &b->seq[from > to], *ack = &b->seq[from < to];
    uint8_t numbers[8];
    put(&f, (uint8_t[]){2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0}, 14);
    put_ipv4(&f, 6, (uint16_t)(20 + strlen(text)), 0, 1);
    f.octets[29] = from;
    f.octets[33] = to;
    put_u16(&f, src);
    put_u16(&f, dst);
    put_be32(numbers, *seq);
    put_be32(numbers + 4, *ack);
    put(&f, numbers, sizeof numbers);
    put(&f, (uint8_t[]){0x50, flags, 0x10, 0, 0, 0, 0, 0}, 8);
    put(&f, (const uint8_t *)text, strlen(text));
    *seq += (uint32_t)strlen(text) + (flags & 2 ? 1 : 0);
    b->now += NSEC_PER_MSEC;
    const struct frame frame = as_frame(&f, b->now, ++b->number);
    monitor_frame(b->monitor, &frame);
}

static void
say_text(struct bench *b, uint8_t from, uint8_t to, uint16_t src, uint16_t dst, const char *text)
{
    say_flags(b, from, to, src, dst, 0x18, text);
}

static void
ask(struct bench *b, uint8_t from, uint8_t to, const char *hex)
{
    say_at(b, from, to, 40000, 502, hex);
}

static const char *
text_of(const json_t *alert, const char *key)
{
    return json_string_value(json_object_get(alert, key));
}

static json_int_t
number_of(const json_t *alert, const char *key)
{
    return json_integer_value(json_object_get(alert, key));
}

#define READ "0001 0000 0006 01 03 0000 0002"
#define WRITE "0002 0000 0006 01 06 0010 0007"
#define WRITE_BIG "0002 0000 0006 01 06 0010 7000"
#define COIL_ON "0003 0000 0006 01 05 0020 ff00"
#define COIL_OFF "0003 0000 0006 01 05 0020 0000"
#define ANSWER "0001 0000 0007 01 03 04 0001 0002"
#define RESTART "0004 0000 0006 01 08 0001 0000"

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

static bool
count_incident(void *arg, const char *json, size_t size)
{
    json_t *incident = json_loadb(json, size, 0, NULL);
    assert_non_null(incident);
    json_array_append_new(arg, incident);
    return true;
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
    incidents_each(monitor_alerts(b.monitor), count_incident, all);
    assert_int_equal(json_array_size(all), 2);
    const json_t *first = json_array_get(all, 0);
    assert_int_equal(number_of(first, "alerts"), 5);
    assert_int_equal(json_array_size(json_object_get(first, "sources")), 2);
    assert_int_equal(json_array_size(json_object_get(first, "targets")), 3);
    assert_int_equal(json_array_size(json_object_get(first, "rules")), 2);
    json_decref(all);
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
    habits_each(monitor_habits(b.monitor), count_incident, all);
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

/* "abc": FIPS 180-2 appendix B.1; RFC 1321 appendix A.5. */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72\n"

static void
make_hashes(struct bench *b, const char *hashes)
{
    struct diag diag = {""};
    feed = feed_new();
    assert_ok(feed_add(feed, hashes, strlen(hashes), "feed", &diag));
    make(b, HEAD("file") "    on: finding\n    finding: file-known-bad\n", 0, NULL);
}

/* Its octets are gone before it is told. */
static void
say_file(struct bench *b)
{
    say_text(b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    say_text(b, 2, 1, 80, 40000, "bc");
}

static void
unmake_hashes(struct bench *b, unsigned n_told, uint64_t n_files, uint64_t n_broken)
{
    const struct file_watch_counters *files = monitor_files(b->monitor);
    assert_int_equal(b->n_told, n_told);
    assert_int_equal(files->files, n_files);
    assert_int_equal(files->broken, n_broken);
    unmake(b);
    feed_free(feed);
    feed = NULL;
}

static void
a_bad_file_is_known_by_its_hash_in_http(void **state UNUSED)
{
    static const char *const hashes[] = {ABC_SHA256, ABC_MD5};
    for (unsigned i = 0; i < ARRAY_SIZE(hashes); i++) {
        struct bench b;
        make_hashes(&b, hashes[i]);
        say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
        assert_int_equal(b.n_told, 0);
        say_text(&b, 2, 1, 80, 40000, "bc");
        assert_int_equal(b.n_told, 1);
        assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.2");
        say_text(&b, 1, 2, 40000, 80, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabd");
        b.seq[0] = b.seq[1] = 0;
        say_text(&b, 3, 2, 40001, 80, "GET /c HTTP/1.0\r\n\r\n");
        say_flags(&b, 2, 3, 80, 40001, 0x19, "HTTP/1.0 200 OK\r\n\r\nabc");
        unmake_hashes(&b, 2, 3, 0);
    }
}

static void
a_bad_file_is_known_with_several_cores(void **state UNUSED)
{
    for (cores = 1; cores <= 5; cores++) {
        struct bench b;
        make_hashes(&b, ABC_SHA256);
        say_file(&b);
        b.seq[0] = b.seq[1] = 0;
        say_text(&b, 3, 4, 40001, 80, "GET /b HTTP/1.0\r\n\r\n"); /* the connection ends it */
        say_flags(&b, 4, 3, 80, 40001, 0x19, "HTTP/1.0 200 OK\r\n\r\nabc");
        monitor_settle(b.monitor);
        assert_int_equal(b.n_told, 2);
        assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.2");
        assert_string_equal(text_of(json_object_get(b.told[1], "source"), "address"), "10.0.0.4");
        unmake_hashes(&b, 2, 2, 0);
    }
    cores = 0;
}

static void
chunks_are_one_file(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na");
    say_text(&b, 2, 1, 80, 40000, "\r\n2\r\nbc\r\n0\r\n\r\n");
    unmake_hashes(&b, 1, 1, 0);
}

static void
a_file_with_a_hole_has_no_hash(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na");
    b.seq[1] += 2;
    say_text(&b, 2, 1, 80, 40000, "bc");
    b.now += 2 * SECOND;
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    unmake_hashes(&b, 0, 0, 1);
}

static void
a_bad_file_is_known_in_tftp(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_at(&b, 1, 2, 40000, 69, "0001 61 00 6f63746574 00");
    say_at(&b, 2, 1, 69, 40000, "0003 0001 616263");
    say_at(&b, 2, 1, 69, 40000, "0003 0001 616263"); /* again: another file for all that is known */
    assert_true(b.n_told > 0);
    unmake_hashes(&b, b.n_told, 2, 0);
}

static void
blocks_of_tftp_are_one_file(void **state UNUSED)
{
    struct bench b;
    char block[8 + 2 * 512 + 1];
    /* 513 times 'a', by coreutils */
    make_hashes(&b, "02425c0f5b0dabf3d2b9115f3f7723a02ad8bcfb1534a0d231614fd42b8188f6\n");
    say_at(&b, 1, 2, 40000, 69, "0002 61 00 6f63746574 00");
    snprintf(block, sizeof block, "00030001");
    for (unsigned i = 0; i < 512; i++)
        memcpy(block + 8 + 2 * i, "61", 3);
    say_at(&b, 1, 2, 40000, 69, block);
    say_at(&b, 1, 2, 40000, 69, block);
    say_at(&b, 1, 2, 40000, 69, "00030002 61");
    unmake_hashes(&b, 1, 1, 0);
}

static void
a_bad_file_is_known_in_the_data_of_ftp(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 2, 1, 21, 40000, "220 ready\r\n");
    say_text(&b, 1, 2, 40000, 21, "PASV\r\n");
    say_text(&b, 2, 1, 21, 40000, "227 Entering Passive Mode (10,0,0,2,200,1)\r\n");
    b.seq[0] = 5000;
    b.seq[1] = 7000;
    say_flags(&b, 1, 2, 40001, 200 * 256 + 1, 2, "");
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x12, "");
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x18, "ab");
    assert_int_equal(b.n_told, 0);
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x19, "c");
    unmake_hashes(&b, 1, 1, 0);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(what_happens_again_is_counted_not_repeated),
        cmocka_unit_test(a_flood_is_held_back_and_told_as_one),
        cmocka_unit_test(an_incident_follows_who_is_behind_it),
        cmocka_unit_test(a_clock_that_steps_changes_nothing),
        cmocka_unit_test(times_that_cannot_be_are_none),
        cmocka_unit_test(frames_a_little_out_of_order_begin_nothing_anew),
        cmocka_unit_test(a_flood_does_not_hide_what_is_grave),
        cmocka_unit_test(what_a_rule_tells_apart_is_an_alert_each),
        cmocka_unit_test(a_device_is_there_when_it_speaks),
        cmocka_unit_test(objects_are_told_apart_by_conditions_of_the_message),
        cmocka_unit_test(circuits_judge_what_is_there),
        cmocka_unit_test(what_is_in_a_feed_is_told),
        cmocka_unit_test(what_was_learned_is_kept),
        cmocka_unit_test(a_range_of_any_number_of_values_is_one),
        cmocka_unit_test(habits_are_functions_objects_and_periods),
        cmocka_unit_test(what_others_find_becomes_an_alert),
        cmocka_unit_test(packets_of_the_conversation_are_kept),
        cmocka_unit_test(a_directory_that_is_not_there_is_said),
        cmocka_unit_test(who_works_at_a_relay_is_told),
        cmocka_unit_test(what_is_far_more_than_usual_is_told),
        cmocka_unit_test(what_is_far_more_is_told_while_it_learns),
        cmocka_unit_test(the_country_of_an_end_counts),
        cmocka_unit_test(a_bad_file_is_known_by_its_hash_in_http),
        cmocka_unit_test(a_bad_file_is_known_with_several_cores),
        cmocka_unit_test(chunks_are_one_file),
        cmocka_unit_test(a_file_with_a_hole_has_no_hash),
        cmocka_unit_test(a_bad_file_is_known_in_tftp),
        cmocka_unit_test(blocks_of_tftp_are_one_file),
        cmocka_unit_test(a_bad_file_is_known_in_the_data_of_ftp),
        cmocka_unit_test(a_finding_is_new_or_usual_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
