#include "detect/process_bus_testing.h"

#define MS NSEC_PER_MSEC
#define RATE 4000
#define PERIOD (NSEC_PER_SEC / RATE)
#define LIFE 3600000 /* ms: they need not be heard between changes */

static struct bench_publisher
publisher(unsigned mac, const char *reference)
{
    struct bench_publisher p = bench_ordinary_publisher;
    p.mac = mac;
    p.reference = reference;
    p.life = LIFE;
    return p;
}

static void
change(struct bench *b, struct bench_publisher *p)
{
    p->state++;
    p->sequence = 0;
    p->t = b->now / NSEC_PER_SEC;
    p->value = !p->value;
    bench_publish(b, p);
}

/* Three relays of which each trip and each reset is told by all, some milliseconds apart. */
struct bay {
    struct bench_publisher relays[3];
};

static void
change_all(struct bench *b, struct bay *bay, unsigned mask)
{
    bench_tick(b, 60 * NSEC_PER_SEC);
    for (unsigned i = 0; i < 3; i++) {
        if (mask >> i & 1)
            change(b, &bay->relays[i]);
        bench_wait(b, 20 * MS);
    }
    bench_tick(b, 2 * NSEC_PER_SEC);
}

static struct bay
known_bay(struct bench *b)
{
    struct bay bay = {
        {publisher(1, "A/LLN0$GO$g"), publisher(2, "B/LLN0$GO$g"), publisher(3, "C/LLN0$GO$g")}};
    for (unsigned i = 0; i < 3; i++)
        bench_publish(b, &bay.relays[i]);
    for (unsigned i = 0; i < 12; i++)
        change_all(b, &bay, 7);
    assert_found(b, "");
    return bay;
}

static void
a_change_that_no_peer_follows_is_told(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    change_all(b, &bay, 2);
    assert_found(b, "peer-change-alone ");
    assert_string_equal(b->object, "B/LLN0$GO$g");
    assert_string_equal(b->detail, "value 1 became 1; with it value 1 became 1 of A/LLN0$GO$g 6 "
                                   "times before, and does not now");
}

/* Frames of several interfaces are not in order. */
static void
a_message_from_a_little_before_ends_no_wait(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    bench_tick(b, 60 * NSEC_PER_SEC);
    change(b, &bay.relays[0]);
    bench_wait(b, -MS);
    bay.relays[2].sequence++;
    bench_publish(b, &bay.relays[2]);
    bench_wait(b, 2 * MS);
    change(b, &bay.relays[1]);
    change(b, &bay.relays[2]);
    bench_tick(b, 2 * NSEC_PER_SEC);
    assert_found(b, "");
}

/* A fault that all of a station see. */
static void
more_changes_than_can_wait_are_not_judged(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    struct bench_publisher others[200];
    char names[200][32];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "X%u/LLN0$GO$g", i);
        others[i] = publisher(10 + i, names[i]);
        bench_publish(b, &others[i]);
    }
    bench_tick(b, 60 * NSEC_PER_SEC);
    change(b, &bay.relays[0]);
    for (unsigned i = 0; i < 200; i++)
        change(b, &others[i]);
    change(b, &bay.relays[1]);
    change(b, &bay.relays[2]);
    bench_tick(b, 2 * NSEC_PER_SEC);
    assert_found(b, "");
}

static void
who_alone_does_not_change_with_its_peers_is_told(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    change_all(b, &bay, 5);
    assert_found(b, "peer-change-missing ");
    assert_string_equal(b->object, "B/LLN0$GO$g");
}

static void
what_came_four_times_is_not_known_yet(void **state)
{
    struct bench *b = *state;
    struct bay bay = {{publisher(1, "A"), publisher(2, "B"), publisher(3, "C")}};
    for (unsigned i = 0; i < 3; i++)
        bench_publish(b, &bay.relays[i]);
    for (unsigned i = 0; i < 8; i++)
        change_all(b, &bay, 7);
    change_all(b, &bay, 1);
    assert_found(b, "");
}

/* Once it came without, while that was learned: it does not always come with it. */
static void
who_changes_alone_at_times_is_not_expected_to_be_followed(void **state)
{
    struct bench *b = *state;
    struct bay bay = {{publisher(1, "A"), publisher(2, "B"), publisher(3, "C")}};
    for (unsigned i = 0; i < 3; i++)
        bench_publish(b, &bay.relays[i]);
    for (unsigned i = 0; i < 20; i++)
        change_all(b, &bay, i == 2 || i == 3 ? 1 : 3);
    change_all(b, &bay, 1);
    assert_found(b, "");
}

static void
after_three_times_it_is_usual(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    for (unsigned i = 0; i < 12; i++)
        change_all(b, &bay, 1);
    assert_found(b, "peer-change-alone peer-change-alone peer-change-alone peer-change-alone "
                    "peer-change-alone peer-change-alone "); /* trips, and resets */
}

static void
nothing_is_expected_of_who_is_silent(void **state)
{
    struct bench *b = *state;
    struct bay bay = known_bay(b);
    bay.relays[1].life = bay.relays[2].life = 2000;
    change_all(b, &bay, 7);
    bench_tick(b, 3 * NSEC_PER_SEC);
    assert_found(b, "goose-expired goose-expired ");
    change_all(b, &bay, 1);
    assert_found(b, "");
}

static void
two_that_never_changed_together_and_do_are_told(void **state)
{
    struct bench *b = *state;
    struct bay bay = {{publisher(1, "A"), publisher(2, "B"), publisher(3, "C")}};
    for (unsigned i = 0; i < 3; i++)
        bench_publish(b, &bay.relays[i]);
    for (unsigned i = 0; i < 8; i++)
        change_all(b, &bay, 1 + i % 2);
    assert_found(b, "");
    change_all(b, &bay, 3);
    assert_found(b, "peer-change-together ");
    assert_string_equal(b->object, "B");
    assert_string_equal(b->detail, "changes within a second of A; 4 and 4 changes before were "
                                   "apart");
    change_all(b, &bay, 4); /* too new to say */
    change_all(b, &bay, 5);
    assert_found(b, "");
}

/* ---- Against Sampled Values ---- */

static void
go_on(struct bench *b, struct bench_stream *s, nsec_t time)
{
    for (nsec_t end = b->now + time; b->now < end;) {
        bench_wait(b, PERIOD);
        s->count = (s->count + 1) % s->wrap;
        bench_sample(b, s);
    }
}

/* A fault: the current rises; the relay trips, the breaker opens and tells that, and the current is
 * gone. Later it is closed again. */
static void
fault(struct bench *b, struct bench_stream *s, struct bench_publisher *trip, bool rises, bool falls)
{
    if (rises)
        s->strength = 1000000;
    go_on(b, s, 230 * MS);
    change(b, trip);
    go_on(b, s, 50 * MS);
    if (falls)
        s->strength = 0;
    go_on(b, s, 1500 * MS);
    s->strength = 100000;
    go_on(b, s, 1500 * MS);
    change(b, trip);
    go_on(b, s, 1500 * MS);
}

static struct bench_stream
known_stream(struct bench *b, struct bench_publisher *trip)
{
    struct bench_stream s = bench_ordinary_stream;
    bench_publish(b, trip);
    bench_sample(b, &s);
    go_on(b, &s, NSEC_PER_SEC);
    for (unsigned i = 0; i < 6; i++)
        fault(b, &s, trip, true, true);
    buf_clear(&b->said); /* its strength steps */
    return s;
}

static void
a_trip_without_a_fault_current_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher trip = publisher(2, "PROT/LLN0$GO$trip");
    struct bench_stream s = known_stream(b, &trip);
    fault(b, &s, &trip, false, true);
    assert_non_null(strstr(buf_cstr(&b->said), "peer-change-missing "));
    assert_string_equal(b->object, "MU01");
    assert_non_null(strstr(b->detail, "currents rose did not"));
}

static void
current_that_flows_on_behind_a_trip_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher trip = publisher(2, "PROT/LLN0$GO$trip");
    struct bench_stream s = known_stream(b, &trip);
    s.strength = 1000000;
    fault(b, &s, &trip, true, false);
    assert_non_null(strstr(buf_cstr(&b->said), "peer-change-"));
    assert_string_equal(b->object, "MU01");
    assert_non_null(strstr(b->detail, "currents fell did not"));
}

static void
a_trip_that_the_stream_knows_nothing_of_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_publisher trip = publisher(2, "PROT/LLN0$GO$trip");
    struct bench_stream s = known_stream(b, &trip);
    change(b, &trip);
    go_on(b, &s, 2 * NSEC_PER_SEC);
    assert_found(b, "peer-change-alone ");
    assert_string_equal(b->object, "PROT/LLN0$GO$trip");
}

TEST_MAIN(BENCH_TEST(a_change_that_no_peer_follows_is_told),
          BENCH_TEST(a_message_from_a_little_before_ends_no_wait),
          BENCH_TEST(more_changes_than_can_wait_are_not_judged),
          BENCH_TEST(who_alone_does_not_change_with_its_peers_is_told),
          BENCH_TEST(what_came_four_times_is_not_known_yet),
          BENCH_TEST(who_changes_alone_at_times_is_not_expected_to_be_followed),
          BENCH_TEST(after_three_times_it_is_usual),
          BENCH_TEST(nothing_is_expected_of_who_is_silent),
          BENCH_TEST(two_that_never_changed_together_and_do_are_told),
          BENCH_TEST(a_trip_without_a_fault_current_is_told),
          BENCH_TEST(current_that_flows_on_behind_a_trip_is_told),
          BENCH_TEST(a_trip_that_the_stream_knows_nothing_of_is_told))
