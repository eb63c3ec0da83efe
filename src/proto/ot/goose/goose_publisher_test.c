#include "proto/ot/goose/goose_publisher.h"

#include "base/testing.h"

#define MS NSEC_PER_MSEC

static const struct goose_publisher_config config = {
    .gocb_ref = "A/LLN0$GO$trip",
    .dat_set = "A/LLN0$trip",
    .go_id = "trip",
    .appid = 0x3001,
    .conf_rev = 7,
    .min_time = 4 * MS,
    .max_time = 1000 * MS,
};

static const struct goose_value open_[] = {{.type = GOOSE_BOOLEAN, .boolean = false}};
static const struct goose_value closed[] = {{.type = GOOSE_BOOLEAN, .boolean = true}};

static struct goose_publisher *
new_publisher(nsec_t now)
{
    struct goose_publisher *p = NULL;
    assert_ok(goose_publisher_new(&config, open_, 1, now, 0, &p));
    return p;
}

/* Sends the next message when it is due, and returns it decoded (texts are gone with the frame). */
static struct goose_pdu
send_next(struct goose_publisher *p, nsec_t *now)
{
    struct buf frame = BUF_INIT;
    struct arena *arena = arena_new(GOOSE_VALUES_BUDGET);
    struct goose_pdu pdu;
    *now = goose_publisher_next(p);
    assert_ok(goose_publisher_output(p, *now, &frame));
    struct cursor c = cursor_over(frame.data, frame.size);
    assert_ok(goose_decode(&c, arena, &pdu));
    arena_free(arena);
    buf_fini(&frame);
    return pdu;
}

static void
repeats_at_doubling_intervals(void **state UNUSED)
{
    static const int at_ms[] = {0, 4, 12, 28, 60, 124, 252, 508, 1020, 2020, 3020, 4020};
    struct goose_publisher *p = new_publisher(100 * MS);
    for (size_t i = 0; i < ARRAY_SIZE(at_ms); i++) {
        nsec_t now;
        struct goose_pdu pdu = send_next(p, &now);
        assert_int_equal(now / MS - 100, at_ms[i]);
        assert_int_equal(pdu.st_num, 1);
        assert_int_equal(pdu.sq_num, i + 1);
    }
    goose_publisher_free(p);
}

static void
promises_to_be_heard_after_one_loss(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(0);
    nsec_t sent[14];
    uint32_t ttl_ms[14];
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
        ttl_ms[i] = send_next(p, &sent[i]).time_allowed_to_live_ms;
    for (size_t i = 0; i + 2 < ARRAY_SIZE(sent); i++) {
        assert_true(sent[i] + ttl_ms[i] * MS > sent[i + 2]);
        assert_true(ttl_ms[i] <= 3000);
    }
    goose_publisher_free(p);
}

static void
a_change_is_sent_at_once_as_a_new_state(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(0);
    nsec_t now;
    for (int i = 0; i < 12; i++)
        send_next(p, &now);
    nsec_t changed = now + 300 * MS;
    assert_ok(goose_publisher_set(p, closed, 1, changed, 5 * NSEC_PER_SEC));
    struct goose_pdu pdu = send_next(p, &now);
    assert_int_equal(now, changed);
    assert_int_equal(pdu.st_num, 2);
    assert_int_equal(pdu.sq_num, 0);
    assert_int_equal(pdu.t.seconds, 5);
    pdu = send_next(p, &now);
    assert_int_equal(now, changed + 4 * MS);
    assert_int_equal(pdu.sq_num, 1);
    assert_int_equal(pdu.t.seconds, 5);
    goose_publisher_free(p);
}

static void
the_same_values_are_no_change(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(0);
    nsec_t now;
    send_next(p, &now);
    assert_ok(goose_publisher_set(p, open_, 1, 1 * MS, 9 * NSEC_PER_SEC));
    assert_int_equal(goose_publisher_next(p), 4 * MS);
    assert_int_equal(send_next(p, &now).st_num, 1);
    goose_publisher_free(p);
}

static void
nothing_is_due_before_its_time(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(10);
    struct buf frame = BUF_INIT;
    assert_err(goose_publisher_output(p, 9, &frame), ERR_NOT_FOUND);
    assert_int_equal(frame.size, 0);
    goose_publisher_free(p);
}

static void
a_late_caller_does_not_cause_a_burst(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(0);
    struct buf frame = BUF_INIT;
    assert_ok(goose_publisher_output(p, 0, &frame));
    assert_ok(goose_publisher_output(p, 5000 * MS, &frame)); /* due at 4 ms */
    assert_int_equal(goose_publisher_next(p), 5008 * MS);
    assert_err(goose_publisher_output(p, 5000 * MS, &frame), ERR_NOT_FOUND);
    buf_fini(&frame);
    goose_publisher_free(p);
}

static void
a_full_buffer_keeps_the_message_due(void **state UNUSED)
{
    struct goose_publisher *p = new_publisher(0);
    struct buf tiny = buf_limited(20);
    assert_err(goose_publisher_output(p, 0, &tiny), ERR_LIMIT);
    assert_int_equal(goose_publisher_sq_num(p), 1);
    assert_int_equal(goose_publisher_next(p), 0);
    buf_fini(&tiny);
    goose_publisher_free(p);
}

static void
refuses_what_cannot_be_sent(void **state UNUSED)
{
    struct goose_publisher_config wrong = config;
    struct goose_publisher *p = NULL;
    wrong.min_time = 0;
    assert_err(goose_publisher_new(&wrong, open_, 1, 0, 0, &p), ERR_INVALID);
    wrong.min_time = 2 * config.max_time;
    assert_err(goose_publisher_new(&wrong, open_, 1, 0, 0, &p), ERR_INVALID);

    static const uint8_t octets[GOOSE_MAX_SIZE];
    struct goose_value large = {.type = GOOSE_OCTET_STRING, .octets = {octets, sizeof octets, 0}};
    assert_err(goose_publisher_new(&config, &large, 1, 0, 0, &p), ERR_LIMIT);
    large.octets.size = GOOSE_MAX_SIZE - 40; /* the value fits, the message does not */
    assert_err(goose_publisher_new(&config, &large, 1, 0, 0, &p), ERR_LIMIT);
    assert_null(p);

    p = new_publisher(0);
    nsec_t now;
    send_next(p, &now);
    assert_err(goose_publisher_set(p, &large, 1, 1 * MS, 0), ERR_LIMIT);
    assert_int_equal(goose_publisher_next(p), 4 * MS);
    assert_int_equal(send_next(p, &now).st_num, 1);
    goose_publisher_free(p);
}

TEST_MAIN(cmocka_unit_test(repeats_at_doubling_intervals),
          cmocka_unit_test(promises_to_be_heard_after_one_loss),
          cmocka_unit_test(a_change_is_sent_at_once_as_a_new_state),
          cmocka_unit_test(the_same_values_are_no_change),
          cmocka_unit_test(nothing_is_due_before_its_time),
          cmocka_unit_test(a_late_caller_does_not_cause_a_burst),
          cmocka_unit_test(a_full_buffer_keeps_the_message_due),
          cmocka_unit_test(refuses_what_cannot_be_sent))
