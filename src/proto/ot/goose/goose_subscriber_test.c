#include "proto/ot/goose/goose_subscriber.h"

#include "base/testing.h"

#define MS NSEC_PER_MSEC

static const uint8_t values_a[] = {0x83, 1, 0}, values_b[] = {0x83, 1, 1};

static struct goose_pdu
message(uint32_t st_num, uint32_t sq_num)
{
    return (struct goose_pdu){
        .header = {.appid = 0x3001},
        .gocb_ref = {"A/LLN0$GO$trip", 14},
        .dat_set = {"A/LLN0$trip", 11},
        .go_id = {"trip", 4},
        .time_allowed_to_live_ms = 3000,
        .t = {.seconds = 1000 + st_num % 1000},
        .st_num = st_num,
        .sq_num = sq_num,
        .conf_rev = 7,
        .all_data = st_num % 2 ? values_a : values_b,
        .all_data_size = 3,
    };
}

static const struct goose_subscriber_config config = {
    .gocb_ref = "A/LLN0$GO$trip",
    .appid = 0x3001,
    .dat_set = "A/LLN0$trip",
    .go_id = "trip",
    .conf_rev = 7,
};

static struct goose_event
give(struct goose_subscriber *s, uint32_t st_num, uint32_t sq_num, nsec_t now)
{
    struct goose_pdu pdu = message(st_num, sq_num);
    return goose_subscriber_input(s, &pdu, now);
}

#define assert_kind(event, expected)                                                               \
    assert_string_equal(goose_event_name((event).kind), goose_event_name(expected))

static void
follows_a_publisher_from_state_to_state(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    assert_kind(give(s, 5, 20, 0), GOOSE_FIRST);
    assert_kind(give(s, 5, 21, 1), GOOSE_RETRANSMISSION);
    struct goose_event event = give(s, 6, 0, 2);
    assert_kind(event, GOOSE_NEW_STATE);
    assert_int_equal(event.missed_states, 0);
    assert_int_equal(event.missed_messages, 0);
    assert_kind(give(s, 6, 1, 3), GOOSE_RETRANSMISSION);
    goose_subscriber_free(s);
}

static void
counts_what_it_missed(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    give(s, 5, 0, 0);
    assert_int_equal(give(s, 5, 4, 1).missed_messages, 3);
    struct goose_event event = give(s, 9, 2, 2);
    assert_kind(event, GOOSE_NEW_STATE);
    assert_int_equal(event.missed_states, 3);
    assert_int_equal(event.missed_messages, 2);
    assert_int_equal(goose_subscriber_counters(s)->missed_messages, 5);
    assert_int_equal(goose_subscriber_counters(s)->missed_states, 3);
    goose_subscriber_free(s);
}

static void
drops_duplicates_and_old_messages(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    give(s, 5, 3, 0);
    assert_kind(give(s, 5, 3, 1), GOOSE_DUPLICATE);
    assert_kind(give(s, 5, 2, 2), GOOSE_OLD);
    assert_kind(give(s, 4, 90, 3), GOOSE_OLD);
    assert_kind(give(s, 5, 4, 4), GOOSE_RETRANSMISSION); /* none of that moved it */
    assert_int_equal(goose_subscriber_counters(s)->events[GOOSE_OLD], 2);
    goose_subscriber_free(s);
}

static void
numbers_wrap_to_one(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    give(s, UINT32_MAX, UINT32_MAX, 0);
    struct goose_event event = give(s, UINT32_MAX, 1, 1);
    assert_kind(event, GOOSE_RETRANSMISSION);
    assert_int_equal(event.missed_messages, 0);
    event = give(s, 1, 0, 2);
    assert_kind(event, GOOSE_NEW_STATE);
    assert_int_equal(event.missed_states, 0);
    assert_int_equal(give(s, 3, 0, 3).missed_states, 1);
    goose_subscriber_free(s);
}

static void
silence_beyond_the_time_allowed_to_live_is_loss(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    assert_int_equal(goose_subscriber_next(s), NSEC_NEVER);
    give(s, 5, 0, 0);
    give(s, 5, 1, 1000 * MS);
    assert_int_equal(goose_subscriber_next(s), 4000 * MS);
    assert_false(goose_subscriber_expire(s, 4000 * MS - 1));
    assert_true(goose_subscriber_expire(s, 4000 * MS));
    assert_false(goose_subscriber_expire(s, 9000 * MS)); /* once */
    assert_int_equal(goose_subscriber_next(s), NSEC_NEVER);
    assert_kind(give(s, 2, 7, 9000 * MS), GOOSE_RECOVERED); /* whatever its numbers */
    assert_kind(give(s, 2, 8, 9001 * MS), GOOSE_RETRANSMISSION);
    assert_int_equal(goose_subscriber_counters(s)->lost, 1);
    goose_subscriber_free(s);
}

static void
dropped_messages_do_not_keep_it_alive(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    give(s, 5, 1, 0);
    give(s, 5, 1, 2900 * MS);
    give(s, 4, 1, 2950 * MS);
    assert_true(goose_subscriber_expire(s, 3000 * MS));
    goose_subscriber_free(s);
}

static void
a_restart_needs_a_newer_time(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    struct goose_pdu replayed = message(1, 1), restarted = message(1, 1);
    restarted.t.seconds = 5000;
    give(s, 300, 40, 0);
    assert_kind(goose_subscriber_input(s, &replayed, 1), GOOSE_OLD);
    assert_kind(goose_subscriber_input(s, &restarted, 2), GOOSE_RESTART);
    restarted.sq_num = 2;
    assert_kind(goose_subscriber_input(s, &restarted, 3), GOOSE_RETRANSMISSION);
    restarted.t.seconds = 6000; /* and again, before its first change */
    restarted.sq_num = 1;
    assert_kind(goose_subscriber_input(s, &restarted, 4), GOOSE_RESTART);
    goose_subscriber_free(s);
}

static void
notices_a_payload_that_changes_within_a_state(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    struct goose_pdu pdu = message(5, 2);
    assert_false(give(s, 5, 1, 0).altered);
    pdu.all_data = values_b;
    assert_true(goose_subscriber_input(s, &pdu, 1).altered);
    pdu.sq_num = 3;
    assert_false(goose_subscriber_input(s, &pdu, 2).altered);
    pdu.sq_num = 4;
    pdu.t.seconds++;
    assert_true(goose_subscriber_input(s, &pdu, 3).altered);
    assert_int_equal(goose_subscriber_counters(s)->altered, 2);
    goose_subscriber_free(s);
}

static void
refuses_what_was_not_engineered(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    struct goose_pdu wrong[] = {message(5, 0), message(5, 0), message(5, 0), message(5, 0)};
    static const char *const fields[] = {"datSet", "goID", "confRev", "ndsCom"};
    wrong[0].dat_set.size--;
    wrong[1].go_id.data = NULL;
    wrong[2].conf_rev = 8;
    wrong[3].nds_com = true;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct goose_event event = goose_subscriber_input(s, &wrong[i], 0);
        assert_kind(event, GOOSE_MISMATCH);
        assert_string_equal(event.field, fields[i]);
    }
    struct goose_pdu other = message(5, 0);
    other.header.appid = 1;
    assert_kind(goose_subscriber_input(s, &other, 0), GOOSE_FOREIGN);
    other = message(5, 0);
    other.gocb_ref.data = "B/LLN0$GO$trip";
    assert_kind(goose_subscriber_input(s, &other, 0), GOOSE_FOREIGN);
    assert_int_equal(goose_subscriber_next(s), NSEC_NEVER);
    goose_subscriber_free(s);
}

static void
simulated_messages_count_only_when_asked_for(void **state UNUSED)
{
    struct goose_subscriber *s = goose_subscriber_new(&config);
    struct goose_pdu simulated = message(5, 0);
    simulated.simulation = true;
    assert_kind(goose_subscriber_input(s, &simulated, 0), GOOSE_SIMULATED);
    simulated.simulation = false;
    simulated.header.reserved1 = IEC61850_SIMULATED;
    assert_kind(goose_subscriber_input(s, &simulated, 0), GOOSE_SIMULATED);
    goose_subscriber_free(s);

    struct goose_subscriber_config test = config;
    test.simulation = true;
    s = goose_subscriber_new(&test);
    assert_kind(give(s, 9, 0, 0), GOOSE_FIRST); /* the real one, until a simulated one comes */
    simulated.st_num = 10;
    assert_kind(goose_subscriber_input(s, &simulated, 1), GOOSE_NEW_STATE);
    assert_kind(give(s, 11, 0, 2), GOOSE_SIMULATED);
    goose_subscriber_free(s);
}

TEST_MAIN(cmocka_unit_test(follows_a_publisher_from_state_to_state),
          cmocka_unit_test(counts_what_it_missed),
          cmocka_unit_test(drops_duplicates_and_old_messages),
          cmocka_unit_test(numbers_wrap_to_one),
          cmocka_unit_test(silence_beyond_the_time_allowed_to_live_is_loss),
          cmocka_unit_test(dropped_messages_do_not_keep_it_alive),
          cmocka_unit_test(a_restart_needs_a_newer_time),
          cmocka_unit_test(notices_a_payload_that_changes_within_a_state),
          cmocka_unit_test(refuses_what_was_not_engineered),
          cmocka_unit_test(simulated_messages_count_only_when_asked_for))
