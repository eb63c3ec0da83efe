/* What captures take of the packets they are shown, and what becomes of what they cannot take. */
#include "edge/capture.h"

#include "base/testing.h"

struct scene {
    struct tap *tap;
    struct tap_capture *capture;
    struct packet_pool *pool;
    struct packet *packet;
    struct entry *entry;
};

/* UDP from port 1, to port 319. */
static const char frame_text[] =
    "020000000002 020000000001 0800 45000020 00000000 40110000 0a000001 0a000002"
    "1388 013f 000c 0000 00000000 0000000000000000000000000000";

static int
setup(void **state)
{
    static const uint32_t ports[] = {1, 2, PORT_LOCAL, PORT_CONTROLLER};
    struct scene *s = calloc(1, sizeof *s);
    size_t size;
    uint8_t *frame = hex_bytes(frame_text, &size);
    s->tap = tap_new(ports, ARRAY_SIZE(ports), 0);
    s->pool = packet_pool_new(4, 1);
    s->packet = packet_new(s->pool, (uint32_t)size);
    memcpy(s->packet->data, frame, size);
    s->packet->size = (uint32_t)size;
    s->packet->in_port = 1;
    s->packet->rx_time = 1000;
    s->entry = calloc(1, sizeof *s->entry);
    s->entry->cookie = 0x12;
    s->entry->priority = 7;
    free(frame);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;
    if (s->capture)
        tap_detach(s->tap, s->capture);
    tap_capture_free(s->capture);
    tap_free(s->tap);
    packet_unref(s->packet);
    packet_pool_free(s->pool);
    free(s->entry);
    free(s);
    return 0;
}

static void
begin(struct scene *s, const char *params, uint32_t ring_size)
{
    struct tap_filter filter;
    struct diag diag = {""};
    json_t *p = json_loads(params, 0, NULL);
    assert_non_null(p);
    if (capture_filter_parse(p, &filter, &diag))
        fail_msg("%s", diag.text);
    json_decref(p);
    s->capture = tap_capture_new(&filter, 4, ring_size);
    assert_ok(tap_attach(s->tap, s->capture));
}

static void
pass(struct scene *s, uint32_t out_port)
{
    tap_arrived(s->tap, s->packet);
    tap_decided(s->tap, s->entry, 3);
    tap_sent(s->tap, s->packet, out_port);
}

static void
drop(struct scene *s, enum drop_reason reason, const struct entry *entry)
{
    tap_arrived(s->tap, s->packet);
    tap_decided(s->tap, entry, 3);
    tap_dropped(s->tap, s->packet, reason, true);
}

/* The comments of all that was taken, a line each. */
static void
assert_taken(struct scene *s, const char *expected)
{
    struct buf text = BUF_INIT;
    const struct tap_record *r;
    while ((r = tap_peek(s->capture))) {
        capture_comment(r, &text);
        buf_str(&text, "\n");
        tap_release(s->capture);
    }
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

#define RULE "; rule: table=3,priority=7,cookie=0x12"
#define ARRIVED "input: port 1" RULE "\n"
#define SENT "output: port 2, queue 0" RULE "; from port 1\n"

static void
an_arrival_comes_before_what_became_of_it(void **state)
{
    struct scene *s = *state;
    begin(s, "{}", 65536);
    pass(s, 2);
    assert_taken(s, ARRIVED SENT);
    drop(s, DROP_METER, s->entry);
    assert_taken(s, "dropped: meter (over its committed rate)" RULE "; from port 1\n");
}

static void
what_was_changed_on_the_way_is_seen_as_it_came_and_as_it_went(void **state)
{
    struct scene *s = *state;
    begin(s, "{\"snap\": 64}", 65536);
    tap_arrived(s->tap, s->packet);
    tap_decided(s->tap, s->entry, 0);
    s->packet->data[5] = 0xee;
    tap_sent(s->tap, s->packet, 2);
    const struct tap_record *r = tap_peek(s->capture);
    uint64_t id = r->id;
    assert_int_equal(r->frame[5], 2);
    assert_int_equal(r->time, 1000);
    tap_release(s->capture);
    r = tap_peek(s->capture);
    assert_int_equal(r->frame[5], 0xee);
    assert_int_equal(r->id, id);
}

static void
a_filter_is_all_of_what_it_says(void **state)
{
    static const struct {
        const char *params, *passed, *denied;
    } cases[] = {
        {"{\"direction\": \"in\"}", ARRIVED, NULL},
        {"{\"direction\": \"out\"}", SENT, ""},
        {"{\"ports\": [2]}", SENT, ""},
        {"{\"ports\": [1]}", ARRIVED, NULL},
        {"{\"ports\": [2], \"direction\": \"in\"}", "", ""},
        {"{\"drops\": true}", "", NULL},
        {"{\"drops\": \"no_match\"}", "", NULL},
        {"{\"drops\": \"meter\"}", "", ""},
        {"{\"cookie\": \"0x12\"}", ARRIVED SENT, ""},
        {"{\"cookie\": \"0x13\"}", "", ""},
        {"{\"cookie\": \"0x10\", \"cookie-mask\": \"0xf0\"}", ARRIVED SENT, ""},
        {"{\"match\": \"udp-dst=319\"}", ARRIVED SENT, NULL},
        {"{\"match\": \"udp-dst=320\"}", "", ""},
        {"{\"match\": \"udp-dst=319,in-port=2\"}", "", ""},
        {"{\"match\": \"eth_type=0x0800,ip_proto=17,ipv4_dst=10.0.0.0/8\", \"ports\": [2]}", SENT,
         ""},
    };
    struct scene *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin(s, cases[i].params, 65536);
        pass(s, 2);
        assert_taken(s, cases[i].passed);
        drop(s, DROP_NO_MATCH, NULL);
        const struct tap_record *r = tap_peek(s->capture);
        if (!cases[i].denied)
            assert_int_equal(r ? r->reason : 0, DROP_NO_MATCH);
        else
            assert_null(r);
        tap_detach(s->tap, s->capture);
        tap_capture_free(s->capture);
        s->capture = NULL;
    }
}

static void
a_drop_of_one_copy_does_not_say_that_the_packet_was_dropped(void **state)
{
    struct scene *s = *state;
    begin(s, "{}", 65536);
    tap_arrived(s->tap, s->packet);
    tap_decided(s->tap, s->entry, 3);
    tap_dropped(s->tap, s->packet, DROP_PORT_DOWN, false);
    tap_sent(s->tap, s->packet, 2);
    const struct tap_record *r = tap_peek(s->capture);
    assert_int_equal(r->event, TAP_ARRIVED);
    tap_release(s->capture);
    r = tap_peek(s->capture);
    assert_int_equal(r->event, TAP_DROPPED);
    assert_int_equal(r->reason, DROP_PORT_DOWN);
    tap_release(s->capture);
    assert_taken(s, SENT);
}

static void
what_the_control_thread_sends_has_no_arrival(void **state)
{
    struct scene *s = *state;
    begin(s, "{}", 65536);
    s->packet->in_port = PORT_CONTROLLER;
    tap_injected(s->tap);
    tap_sent(s->tap, s->packet, 2);
    assert_taken(s, "output: port 2, queue 0; from port CONTROLLER\n");
}

static void
what_finds_no_room_is_counted_and_told_with_the_next(void **state)
{
    struct scene *s = *state;
    begin(s, "{\"direction\": \"in\"}", 4096);
    for (int i = 0; i < 100; i++)
        pass(s, 2);
    struct tap_counts counts = tap_capture_counts(s->capture, 0);
    uint64_t taken = 0, told = 0;
    assert_int_equal(counts.accepted, 100);
    for (const struct tap_record *r; (r = tap_peek(s->capture)); tap_release(s->capture))
        taken++;
    assert_int_equal(taken + counts.lost, 100);
    assert_true(counts.lost > 0);
    pass(s, 2);
    told = tap_peek(s->capture)->lost;
    assert_int_equal(told, counts.lost);
}

static void
no_more_are_taken_in_a_second_than_was_said(void **state)
{
    struct scene *s = *state;
    begin(s, "{\"packets-per-second\": 1, \"direction\": \"in\"}", 65536);
    /* So many that they cannot all fall on two sides of a second. */
    for (int i = 0; i < 100; i++)
        pass(s, 2);
    struct tap_counts counts = tap_capture_counts(s->capture, 0);
    assert_int_equal(counts.accepted, 100);
    assert_true(counts.lost >= 90);
}

static void
there_are_so_many_captures(void **state)
{
    struct scene *s = *state;
    struct tap_filter filter = {.in = true, .snap = 64, .packets_per_second = 10};
    struct tap_capture *captures[TAP_CAPTURES + 1];
    assert_true(tap_is_idle(s->tap));
    for (int i = 0; i <= TAP_CAPTURES; i++) {
        captures[i] = tap_capture_new(&filter, 4, 65536);
        assert_err(tap_attach(s->tap, captures[i]), i < TAP_CAPTURES ? ERR_OK : ERR_LIMIT);
    }
    pass(s, 2);
    for (int i = 0; i <= TAP_CAPTURES; i++) {
        assert_true((tap_peek(captures[i]) != NULL) == (i < TAP_CAPTURES));
        tap_detach(s->tap, captures[i]);
        tap_capture_free(captures[i]);
    }
    assert_true(tap_is_idle(s->tap));
}

static void
wrong_parameters_are_named(void **state UNUSED)
{
    static const struct {
        const char *params, *text;
    } cases[] = {
        {"{\"port\": 1}", "there is no parameter \"port\""},
        {"{\"ports\": []}", "ports is a list of 1 to 16 ports"},
        {"{\"ports\": [0]}", "ports is a list of numbers, \"LOCAL\" and \"CONTROLLER\""},
        {"{\"ports\": [4294967296]}", "ports is a list of numbers, \"LOCAL\" and \"CONTROLLER\""},
        {"{\"direction\": \"up\"}", "direction is in, out or both"},
        {"{\"drops\": false}", "drops: there is no reason \"\""},
        {"{\"drops\": \"none\"}", "drops: there is no reason \"none\""},
        {"{\"cookie\": 12}", "cookie is a number in text, \"0x12\""},
        {"{\"cookie\": \"-1\"}", "cookie is a number in text, \"0x12\""},
        {"{\"cookie\": \"0x10000000000000000\"}", "cookie is a number in text, \"0x12\""},
        {"{\"match\": \"tcp-dst\"}", "match: tcp-dst has no value"},
        {"{\"match\": \"metadata=1\"}", "match: there is no field \"metadata\""},
        {"{\"match\": \"tcp-dst=1,tcp_dst=2\"}", "match: tcp_dst is there twice"},
        {"{\"match\": \"vlan-id=5000\"}", "match: vlan-id is a number from 0 to 4095"},
        {"{\"snap\": 0}", "snap is a number from 1 to 65600"},
        {"{\"packets-per-second\": 0}", "packets-per-second is a number from 1 to 10000000"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct tap_filter filter;
        struct diag diag = {""};
        json_t *p = json_loads(cases[i].params, 0, NULL);
        assert_true(capture_filter_parse(p, &filter, &diag) != ERR_OK);
        assert_string_equal(diag.text, cases[i].text);
        json_decref(p);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_arrival_comes_before_what_became_of_it),
        TEST(what_was_changed_on_the_way_is_seen_as_it_came_and_as_it_went),
        TEST(a_filter_is_all_of_what_it_says),
        TEST(a_drop_of_one_copy_does_not_say_that_the_packet_was_dropped),
        TEST(what_the_control_thread_sends_has_no_arrival),
        TEST(what_finds_no_room_is_counted_and_told_with_the_next),
        TEST(no_more_are_taken_in_a_second_than_was_said),
        TEST(there_are_so_many_captures),
        TEST(wrong_parameters_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
