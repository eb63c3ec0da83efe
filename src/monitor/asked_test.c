/* What is asked of a sensor: what it has learned, and what people say of that. */
#include "monitor/asked.h"

#include "monitor/testing.h"

#define READ_FAR "0001 0000 0006 01 03 0040 0002"

static const char rules_text[] =
    "detections:\n"
    "  - {name: new-pair, title: T, explanation: E, playbook: [x], on: conversation,\n"
    "     new: [source, target]}\n"
    "  - {name: new-function, title: T, explanation: E, playbook: [x], protocol: modbus,\n"
    "     new: [source, target, function]}\n"
    "  - {name: new-speaker, title: T, explanation: E, playbook: [x], protocol: modbus,\n"
    "     new: [source, protocol]}\n"
    "  - {name: new-device, title: T, explanation: E, playbook: [x], on: device, new: [source]}\n"
    "  - {name: out-of-range, title: T, explanation: E, playbook: [x], protocol: modbus,\n"
    "     act: write, range: {of: [value, words], by: [target, object]}}\n";

struct scene {
    unsigned cores; /* 0: one */
    struct rules *rules;
    struct monitor *monitor;
    nsec_t now;
    uint32_t number;
    struct buf told; /* rules of alerts, a blank behind each */
};

static void
on_told(void *arg, const char *json, size_t size, enum rule_severity severity UNUSED, bool is_new)
{
    struct scene *s = arg;
    json_t *alert = json_loadb(json, size, 0, NULL);
    if (is_new)
        buf_printf(&s->told, "%s ", json_string_value(json_object_get(alert, "rule")));
    json_decref(alert);
}

static void
open_monitor(struct scene *s)
{
    struct diag diag = {""};
    const struct monitor_config config = {.protocols = protocols_all,
                                          .rules = s->rules,
                                          .has_habits = true,
                                          .cores = s->cores,
                                          .name = "s1",
                                          .learn = 10 * SECOND,
                                          .arg = s,
                                          .alert = on_told};
    assert_ok(monitor_new(&config, &s->monitor, &diag));
}

static int
set_up(void **state)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct diag diag = {""};
    struct scene *s = xcalloc(1, sizeof *s);
    s->now = START;
    if (rules_parse(&source, rules_text, sizeof rules_text - 1, "r", &s->rules, &diag))
        fail_msg("%s", diag.text);
    open_monitor(s);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *s = *state;
    monitor_free(s->monitor);
    rules_free(s->rules);
    buf_fini(&s->told);
    free(s);
    return 0;
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* From device `from` to device `to`. */
static void
say(struct scene *s, uint8_t from, uint8_t to, const char *hex)
{
    struct made_frame f = {.size = 0};
    put_datagram(&f, from, to, 40000, 502, hex);
    s->now += NSEC_PER_MSEC;
    const struct frame frame = as_frame(&f, s->now, ++s->number);
    monitor_frame(s->monitor, &frame);
}

/* Device 1 polls device 2; until learning is over. */
static void
learn(struct scene *s)
{
    for (unsigned i = 0; i < 12; i++) {
        say(s, 1, 2, READ);
        s->now += SECOND;
    }
    say(s, 1, 2, READ);
    assert_string_equal(buf_cstr(&s->told), "");
}

#define assert_told(s, names)                                                                      \
    do {                                                                                           \
        monitor_settle((s)->monitor);                                                              \
        assert_string_equal(buf_cstr(&(s)->told), names);                                          \
        buf_clear(&(s)->told);                                                                     \
    } while (0)

/* Quotes are single in the texts of this file. */
static json_t *
json_from(const char *text)
{
    char *copy = xstrdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *json = json_loads(copy, 0, NULL);
    free(copy);
    assert_non_null(json);
    return json;
}

static json_t *
habits(struct scene *s, const char *params)
{
    struct diag diag = {""};
    json_t *asked = json_from(params), *answer = NULL;
    if (asked_habits(s->monitor, asked, &answer, &diag))
        fail_msg("%s", diag.text);
    json_decref(asked);
    return answer;
}

static enum err
order(struct scene *s, const char *params, struct diag *diag)
{
    json_t *asked = json_from(params);
    enum err err = asked_order(s->monitor, asked, s->now, diag);
    json_decref(asked);
    return err;
}

#define ORDER(word, more)                                                                          \
    "{'order':'" word "','client':'10.0.0.1','server':'10.0.0.2','by':'olga','why':'a test'" more  \
    "}"

static void
give(struct scene *s, const char *params)
{
    struct diag diag = {""};
    if (order(s, params, &diag))
        fail_msg("%s", diag.text);
}

static const json_t *
at(const json_t *json, const char *list, size_t i)
{
    return json_array_get(json_object_get(json, list), i);
}

static void
what_was_learned_is_told_live(void **state)
{
    struct scene *s = *state;
    for (unsigned i = 0; i < 5; i++) {
        say(s, 1, 2, i % 2 ? READ_FAR : READ);
        s->now += SECOND;
    }
    json_t *told = habits(s, "{}");
    const json_t *learned = json_object_get(told, "learned"), *pair = at(told, "habits", 0),
                 *reads = at(pair, "functions", 0);
    assert_true(json_is_true(json_object_get(learned, "learning")));
    assert_int_equal(number_of(learned, "learn-s"), 10);
    assert_int_equal(number_of(learned, "learned-s"), 4);
    assert_string_equal(text_of(learned, "until"), "2023-11-14T22:13:30.001000000Z");
    assert_string_equal(text_of(at(learned, "rules", 0), "rule"), "new-pair");
    assert_int_equal(number_of(told, "pairs"), 1);
    assert_null(json_object_get(told, "next"));
    assert_string_equal(text_of(pair, "client"), "10.0.0.1");
    assert_int_equal(number_of(pair, "octets"), 5 * 12); /* though it goes on */
    assert_int_equal(number_of(pair, "sure"), 100);
    const json_t *range = json_object_get(json_object_get(reads, "range"), "address");
    assert_int_equal(json_integer_value(json_array_get(range, 0)), 0);
    assert_int_equal(json_integer_value(json_array_get(range, 1)), 0x40);
    range = json_object_get(json_object_get(reads, "range"), "quantity");
    assert_int_equal(json_integer_value(json_array_get(range, 1)), 2);
    assert_string_equal(text_of(reads, "first"), "2023-11-14T22:13:20.001000000Z");
    json_decref(told);
    say(s, 1, 2, WRITE);
    s->now += 10 * SECOND;
    say(s, 1, 2, READ);
    told = habits(s, "{}");
    assert_true(json_is_false(json_object_get(json_object_get(told, "learned"), "learning")));
    assert_null(json_object_get(json_object_get(told, "learned"), "until"));
    pair = at(told, "habits", 0);
    assert_int_equal(number_of(pair, "sure"), 100 - 100 / 7); /* one function was there once */
    const json_t *values = json_object_get(at(pair, "functions", 1), "values");
    assert_int_equal(json_integer_value(json_array_get(values, 1)), 7);
    json_decref(told);
}

static void
it_comes_page_by_page_and_of_one_address(void **state)
{
    struct scene *s = *state;
    unsigned n = 0;
    json_int_t after = 0;
    for (uint8_t i = 10; i < 60; i++)
        say(s, i, 2, READ);
    do {
        char *params = xasprintf("{'limit':7,'after':%" JSON_INTEGER_FORMAT "}", after);
        json_t *told = habits(s, params);
        size_t got = json_array_size(json_object_get(told, "habits"));
        assert_true(got <= 7);
        assert_int_equal(json_object_get(told, "learned") != NULL, !after);
        n += (unsigned)got;
        after = number_of(told, "next");
        json_decref(told);
        free(params);
    } while (after);
    assert_int_equal(n, 50);
    json_t *told = habits(s, "{'address':'10.0.0.17'}");
    assert_int_equal(json_array_size(json_object_get(told, "habits")), 1);
    json_decref(told);
    struct diag diag;
    json_t *params = json_from("{'address':'nowhere'}"), *answer;
    assert_err(asked_habits(s->monitor, params, &answer, &diag), ERR_INVALID);
    json_decref(params);
}

static void
what_is_approved_is_no_news(void **state)
{
    struct scene *s = *state;
    learn(s);
    say(s, 1, 2, WRITE);
    assert_told(s, "new-function ");
    give(s, ORDER("approve", ",'protocol':'modbus'"));
    say(s, 1, 2, COIL_ON);
    assert_told(s, "");
    say(s, 3, 2, COIL_ON); /* another pair */
    assert_told(s, "new-pair new-device new-function new-speaker ");
    json_t *told = habits(s, "{'address':'10.0.0.1'}");
    const json_t *verdict = json_object_get(at(told, "habits", 0), "verdict");
    assert_string_equal(text_of(verdict, "verdict"), "approved");
    assert_string_equal(text_of(verdict, "by"), "olga");
    json_decref(told);
}

static void
one_function_is_approved_and_no_other(void **state)
{
    struct scene *s = *state;
    learn(s);
    give(s, ORDER("approve", ",'protocol':'modbus','function':'write-single-register'"));
    say(s, 1, 2, WRITE);
    assert_told(s, "");
    say(s, 1, 2, COIL_ON);
    assert_told(s, "new-function ");
}

/* A value out of its range is told of whom it may. */
static void
approval_is_not_for_values(void **state)
{
    struct scene *s = *state;
    for (unsigned i = 0; i < 12; i++)
        say(s, 1, 2, WRITE);
    learn(s);
    give(s, ORDER("approve", ""));
    say(s, 1, 2, WRITE_BIG);
    assert_told(s, "out-of-range ");
}

static void
what_is_forgotten_is_new_again(void **state)
{
    struct scene *s = *state;
    learn(s);
    say(s, 9, 2, READ);
    buf_clear(&s->told);
    give(s, ORDER("forget", ""));
    json_t *told = habits(s, "{'address':'10.0.0.1'}");
    assert_int_equal(json_array_size(json_object_get(told, "habits")), 0);
    json_decref(told);
    assert_told(s, ""); /* not before it comes again */
    say(s, 9, 2, READ);
    assert_told(s, "");
    say(s, 1, 2, READ); /* in the conversation that went on all the time; its device is known */
    assert_told(s, "new-pair new-function ");
    say(s, 1, 2, READ);
    assert_told(s, "");
    s->now += 3600 * SECOND; /* another alert, not the same again */
    give(s, ORDER("forget", ",'protocol':'modbus','function':3"));
    say(s, 1, 2, READ);
    assert_told(s, "new-function ");
}

static void
what_is_said_of_more_ends_what_was_said_of_less(void **state)
{
    struct scene *s = *state;
    learn(s);
    give(s, ORDER("approve", ",'protocol':'modbus','function':'write-single-register'"));
    give(s, ORDER("forget", ""));
    say(s, 1, 2, WRITE);
    assert_told(s, "new-pair new-function ");
}

static void
what_people_said_is_kept(void **state)
{
    struct scene *s = *state;
    struct buf saved = BUF_INIT, kept = BUF_INIT;
    struct diag diag = {""};
    learn(s);
    give(s, ORDER("approve", ",'protocol':'modbus'"));
    detector_save(monitor_detector(s->monitor), &saved);
    habits_save(monitor_habits(s->monitor), &kept);
    monitor_free(s->monitor);
    open_monitor(s);
    for (size_t n = 0; n < saved.size; n++)
        assert_true(detector_restore(monitor_detector(s->monitor), saved.data, n, &diag));
    assert_ok(detector_restore(monitor_detector(s->monitor), saved.data, saved.size, &diag));
    for (size_t n = 0; n < kept.size; n++) {
        uint8_t *copy = xmemdup(kept.data, n ? n : 1);
        assert_true(habits_restore(monitor_habits(s->monitor), protocols_all, copy, n, &diag));
        free(copy);
    }
    assert_ok(
        habits_restore(monitor_habits(s->monitor), protocols_all, kept.data, kept.size, &diag));
    say(s, 1, 2, WRITE);
    assert_told(s, "");
    say(s, 1, 5, WRITE);
    assert_told(s, "new-pair new-function "); /* learning was over */
    json_t *told = habits(s, "{}");
    const json_t *pair = at(told, "habits", 0);
    assert_string_equal(text_of(pair, "first"), "2023-11-14T22:13:20.001000000Z");
    assert_int_equal(number_of(pair, "messages"), 14);
    assert_int_equal(number_of(at(pair, "functions", 0), "objects"), 1);
    assert_string_equal(text_of(json_object_get(pair, "verdict"), "why"), "a test");
    json_decref(told);
    buf_fini(&saved);
    buf_fini(&kept);
}

static void
what_is_no_order_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "{}",
        ORDER("like", ""),
        "{'order':'forget','client':'10.0.0.1','server':'10.0.0.2','by':'olga'}",
        "{'order':'forget','client':'nobody','server':'10.0.0.2','by':'olga','why':'x'}",
        "{'order':'forget','client':'10.0.0.1','server':'02:00:00:00:00:01','by':'o','why':'x'}",
        ORDER("approve", ",'protocol':'nonsense'"),
        ORDER("approve", ",'function':3"),
        ORDER("approve", ",'protocol':'modbus','function':'nonsense'"),
    };
    struct scene *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct diag diag = {""};
        if (order(s, wrong[i], &diag) != ERR_INVALID)
            fail_msg("taken: %s", wrong[i]);
        assert_true(*diag.text);
    }
    assert_int_equal(verdicts_number(detector_verdicts(monitor_detector(s->monitor))), 0);
}

static void
there_is_an_end_to_what_can_be_said(void **state)
{
    struct scene *s = *state;
    struct diag diag = {""};
    for (unsigned i = 0; i < VERDICTS_MAX; i++) {
        char *text = xasprintf("{'order':'approve','client':'10.1.%u.%u','server':'10.0.0.2',"
                               "'by':'olga','why':'x'}",
                               i / 256, i % 256);
        give(s, text);
        free(text);
    }
    assert_err(order(s, ORDER("approve", ""), &diag), ERR_LIMIT);
}

/* What was said of functions is over when something is said of the pair, and takes no room. */
static void
what_has_ended_takes_no_room(void **state)
{
    static const char *const words[] = {"approve", "forget"};
    struct scene *s = *state;
    learn(s);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < VERDICTS_MAX / 2; i++) {
            char *text = xasprintf("{'order':'%s','client':'10.0.0.1','server':'10.0.0.2','by':'o',"
                                   "'why':'x','protocol':'modbus','function':%u}",
                                   words[round % 2], i);
            give(s, text);
            free(text);
        }
        give(s, ORDER("forget", ""));
        assert_int_equal(verdicts_number(detector_verdicts(monitor_detector(s->monitor))), 1);
        s->now += 3600 * SECOND;
        say(s, 1, 2, READ); /* each time it was forgotten anew */
        assert_told(s, "new-pair new-function ");
        say(s, 1, 2, READ);
        assert_told(s, "");
    }
}

/* What was heard before an order was heard before it, whichever thread has it still. */
static void
an_order_comes_behind_what_was_heard_before_it(void **state)
{
    struct scene *s = *state;
    for (s->cores = 2; s->cores <= 4; s->cores++) {
        monitor_free(s->monitor);
        open_monitor(s);
        learn(s);
        json_t *told = habits(s, "{}");
        assert_int_equal(number_of(at(told, "habits", 0), "messages"), 13);
        json_decref(told);
        say(s, 1, 2, READ);
        give(s, ORDER("forget", ""));
        assert_told(s, "");
        s->now += 3600 * SECOND;
        say(s, 1, 2, READ);
        assert_told(s, "new-pair new-function ");
    }
}

TEST_MAIN(SCENE_TEST(what_was_learned_is_told_live),
          SCENE_TEST(an_order_comes_behind_what_was_heard_before_it),
          SCENE_TEST(what_has_ended_takes_no_room),
          SCENE_TEST(it_comes_page_by_page_and_of_one_address),
          SCENE_TEST(what_is_approved_is_no_news),
          SCENE_TEST(one_function_is_approved_and_no_other), SCENE_TEST(approval_is_not_for_values),
          SCENE_TEST(what_is_forgotten_is_new_again),
          SCENE_TEST(what_is_said_of_more_ends_what_was_said_of_less),
          SCENE_TEST(what_people_said_is_kept), SCENE_TEST(what_is_no_order_changes_nothing),
          SCENE_TEST(there_is_an_end_to_what_can_be_said))
