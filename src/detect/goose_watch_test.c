#include "detect/process_bus_testing.h"

#define MS NSEC_PER_MSEC

static void
next(struct bench *b, struct bench_publisher *p)
{
    bench_wait(b, NSEC_PER_SEC);
    p->sequence++;
    bench_publish(b, p);
}

static void
change(struct bench *b, struct bench_publisher *p)
{
    bench_wait(b, NSEC_PER_SEC);
    p->state++;
    p->sequence = 0;
    p->t = b->now / NSEC_PER_SEC;
    p->value = !p->value;
    bench_publish(b, p);
}

/* One that has been heard for a while. */
static struct bench_publisher
heard(struct bench *b)
{
    struct bench_publisher p = bench_ordinary_publisher;
    bench_publish(b, &p);
    for (unsigned i = 0; i < 20; i++)
        next(b, &p);
    for (unsigned i = 0; i < 4; i++) {
        change(b, &p);
        next(b, &p);
    }
    assert_found(b, "");
    return p;
}

static void
a_publisher_as_it_should_be_is_not_told_of(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = bench_ordinary_publisher;
    p.sequence = UINT32_MAX - 1;
    bench_publish(b, &p);
    next(b, &p);
    p.sequence = 0; /* it wraps to 1 */
    next(b, &p);
    change(b, &p);
    for (unsigned i = 0; i < 8; i++) { /* the burst behind it */
        bench_wait(b, (INT64_C(2) << i) * MS);
        p.sequence++;
        bench_publish(b, &p);
    }
    assert_found(b, "");
}

static void
what_comes_over_two_ways_is_one(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), late = p;
    bench_wait(b, 2 * MS);
    bench_publish(b, &p);
    change(b, &p);
    late = p;
    bench_wait(b, 2 * MS);
    p.sequence++;
    bench_publish(b, &p);
    bench_wait(b, 2 * MS);
    bench_publish(b, &late);
    bench_publish(b, &p);
    assert_found(b, "");
}

/* By two interfaces, whose clocks are not quite one. */
static void
what_comes_over_the_other_way_may_be_a_little_older(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), old;
    next(b, &p);
    old = p;
    change(b, &p);
    bench_wait(b, -NSEC_PER_SEC - 2 * MS);
    bench_publish(b, &old);
    assert_found(b, "");
}

static void
what_comes_more_often_than_there_are_ways_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    for (unsigned i = 0; i < 3; i++)
        bench_publish(b, &p);
    assert_found(b, "");
    for (unsigned i = 0; i < 100; i++)
        bench_publish(b, &p);
    assert_found(b, "goose-repeated goose-flood ");
}

static void
numbers_that_go_back_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), old = p;
    next(b, &p);
    next(b, &p);
    bench_publish(b, &old);
    assert_found(b, "goose-sequence-went-back ");
    old.state--;
    bench_publish(b, &old);
    assert_found(b, "goose-state-went-back ");
    next(b, &p); /* the real one goes on */
    assert_found(b, "");
}

static void
numbers_that_jump_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.sequence += 50;
    next(b, &p);
    assert_found(b, "goose-sequence-jumped ");
    p.state += 6;
    change(b, &p);
    assert_found(b, "goose-state-jumped ");
}

static void
messages_that_were_lost_are_told_as_that(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.life = 10000;
    next(b, &p);
    bench_wait(b, 3 * NSEC_PER_SEC);
    p.sequence += 3;
    next(b, &p);
    assert_found(b, "goose-messages-missing ");
}

static void
the_same_numbers_with_another_content_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), other = p;
    other.value = !p.value;
    bench_wait(b, 10 * MS);
    bench_publish(b, &other);
    assert_found(b, "goose-numbers-again ");
    bench_wait(b, 500 * MS);
    bench_publish(b, &p);
    assert_found(b, "goose-repeated ");
}

static void
values_and_numbers_change_together(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.value = !p.value;
    next(b, &p);
    assert_found(b, "goose-change-without-state ");
    p.value = !p.value;
    change(b, &p);
    assert_found(b, "goose-state-without-change ");
}

static void
each_message_with_other_values_than_its_state_began_with_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.value = !p.value;
    next(b, &p);
    next(b, &p);
    assert_found(b, "goose-change-without-state goose-change-without-state ");
    p.value = !p.value; /* as it was */
    next(b, &p);
    assert_found(b, "");
}

static void
a_publisher_that_begins_anew_has_the_values_that_it_then_has(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = bench_ordinary_publisher;
    p.state = 1;
    p.sequence = 0;
    bench_publish(b, &p);
    for (unsigned i = 0; i < 20; i++)
        next(b, &p);
    p.value = !p.value;
    p.sequence = UINT32_MAX; /* 0 is next */
    p.t = b->now / NSEC_PER_SEC + 1;
    next(b, &p);
    assert_found(b, "goose-restarted ");
    next(b, &p);
    assert_found(b, "");
}

static void
t_is_that_of_the_state(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.t++;
    next(b, &p);
    assert_found(b, "goose-t-without-state ");
    int64_t t = p.t;
    change(b, &p);
    bench_wait(b, 1500 * MS);
    p.state++;
    p.value = !p.value;
    p.sequence = 0;
    bench_publish(b, &p);
    assert_found(b, "goose-t-stood-still ");
    p.state++;
    p.value = !p.value;
    p.t = t;
    bench_wait(b, NSEC_PER_SEC);
    bench_publish(b, &p);
    assert_found(b, "goose-t-went-back ");
}

static void
t_may_be_as_old_as_it_ever_was(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.life = 100000;
    next(b, &p);
    bench_wait(b, 30 * NSEC_PER_SEC);
    p.sequence = 0;
    p.state++;
    p.t += 2;
    p.value = !p.value;
    bench_publish(b, &p);
    assert_found(b, "goose-t-stale ");
}

/* There are devices whose t is that of the message. */
static void
a_publisher_that_never_kept_t_is_left_alone(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = bench_ordinary_publisher;
    bench_publish(b, &p);
    for (unsigned i = 0; i < 20; i++) {
        p.t += i > 3; /* not at once */
        p.value = i > 3 && i % 2;
        next(b, &p);
    }
    assert_found(b, "");
}

static void
another_sender_is_told_and_not_followed(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), thief = p;
    thief.mac = 66;
    change(b, &thief);
    assert_found(b, "goose-publisher-changed ");
    next(b, &p);
    assert_found(b, "");
}

static void
a_configuration_that_changes_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.configuration = 2;
    next(b, &p);
    assert_found(b, "goose-conf-rev-changed ");
    p.data_set = "IED1/LLN0$ds2";
    next(b, &p);
    assert_found(b, "goose-dat-set-changed ");
    p.id = "g2";
    next(b, &p);
    assert_found(b, "goose-id-changed ");
    p.appid = 2;
    next(b, &p);
    assert_found(b, "goose-appid-changed ");
    p.has_second = true;
    change(b, &p);
    assert_found(b, "goose-entries-changed ");
    p.needs_commissioning = true;
    next(b, &p);
    assert_found(b, "goose-needs-commissioning ");
}

static void
silence_is_told_by_time_alone(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    bench_tick(b, 1999 * MS);
    assert_found(b, "");
    bench_tick(b, 2 * MS);
    bench_tick(b, NSEC_PER_SEC);
    assert_found(b, "goose-expired ");
    assert_string_equal(b->object, "IED1/LLN0$GO$gcb1");
    p.sequence += 3;
    next(b, &p);
    assert_found(b, "goose-returned ");
    next(b, &p);
    assert_found(b, "");
}

static void
a_restart_is_not_a_step_back(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    p.state = 0;
    change(b, &p);
    assert_found(b, "goose-restarted ");
    next(b, &p);
    assert_found(b, "");
}

static void
simulated_messages_stand_beside_the_real_ones(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b), test = bench_ordinary_publisher;
    test.mac = 7;
    test.is_simulated = true;
    bench_publish(b, &test);
    assert_found(b, "goose-simulated ");
    next(b, &test);
    next(b, &p);
    assert_found(b, "");
}

static void
one_that_is_not_commissioned_is_told_at_once(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = bench_ordinary_publisher;
    p.needs_commissioning = true;
    bench_publish(b, &p);
    next(b, &p);
    assert_found(b, "goose-needs-commissioning ");
}

static void
a_flood_is_more_than_there_ever_was(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = heard(b);
    for (unsigned i = 0; i < 10; i++)
        next(b, &p);
    change(b, &p);
    for (unsigned i = 0; i < 10; i++) { /* the burst behind it is none */
        bench_wait(b, 4 * MS);
        p.sequence++;
        bench_publish(b, &p);
    }
    assert_found(b, "");
    next(b, &p);
    for (unsigned i = 0; i < 60; i++) {
        bench_wait(b, MS);
        p.sequence++;
        bench_publish(b, &p);
    }
    assert_found(b, "goose-flood ");
}

/* The types of the entries, but not their number. */
static void
entries_of_another_type_are_told(void **state)
{
    struct bench *b = *state;
    static const char *const data[] = {"830100", "850100"};
    for (unsigned i = 0; i < 2; i++) {
        struct made_frame f = bench_ethernet(1, 9, 0x88b8);
        put_hex(&f,
                "0001 0039 0000 0000 612f 8003412f42 810200ff 8203412f43 8408 0000000100000000");
        put_hex(&f, i ? "850101 860101 870100" : "850101 860100 870100");
        put_hex(&f, "880101 890100 8a0101 ab03");
        put_hex(&f, data[i]);
        bench_wait(b, 100 * MS);
        bench_send(b, &f);
    }
    assert_found(b, "goose-types-changed goose-change-without-state ");
}

/* Whoever invents publishers until the true ones are forgotten. */
static void
more_publishers_than_are_remembered_are_told_once(void **state)
{
    struct bench *b = *state;
    struct bench_publisher p = bench_ordinary_publisher;
    char reference[32];
    for (unsigned i = 0; i < 1030; i++) {
        snprintf(reference, sizeof reference, "X%u/LLN0$GO$g", i);
        p.reference = reference;
        bench_publish(b, &p);
        if (i < 1024)
            assert_found(b, "");
    }
    assert_found(b, "goose-too-many ");
    assert_string_equal(b->detail, "more than 1024 publishers: the longest silent are forgotten");
}

TEST_MAIN(BENCH_TEST(more_publishers_than_are_remembered_are_told_once),
          BENCH_TEST(a_publisher_as_it_should_be_is_not_told_of),
          BENCH_TEST(what_comes_over_two_ways_is_one),
          BENCH_TEST(what_comes_over_the_other_way_may_be_a_little_older),
          BENCH_TEST(what_comes_more_often_than_there_are_ways_is_told),
          BENCH_TEST(numbers_that_go_back_are_told), BENCH_TEST(numbers_that_jump_are_told),
          BENCH_TEST(messages_that_were_lost_are_told_as_that),
          BENCH_TEST(the_same_numbers_with_another_content_are_told),
          BENCH_TEST(values_and_numbers_change_together),
          BENCH_TEST(each_message_with_other_values_than_its_state_began_with_is_told),
          BENCH_TEST(a_publisher_that_begins_anew_has_the_values_that_it_then_has),
          BENCH_TEST(t_is_that_of_the_state), BENCH_TEST(t_may_be_as_old_as_it_ever_was),
          BENCH_TEST(a_publisher_that_never_kept_t_is_left_alone),
          BENCH_TEST(another_sender_is_told_and_not_followed),
          BENCH_TEST(a_configuration_that_changes_is_told),
          BENCH_TEST(silence_is_told_by_time_alone), BENCH_TEST(a_restart_is_not_a_step_back),
          BENCH_TEST(simulated_messages_stand_beside_the_real_ones),
          BENCH_TEST(one_that_is_not_commissioned_is_told_at_once),
          BENCH_TEST(a_flood_is_more_than_there_ever_was),
          BENCH_TEST(entries_of_another_type_are_told))
