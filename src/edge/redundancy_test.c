#include "edge/redundancy.h"

#include "base/testing.h"

#include <pthread.h>
#include <sched.h>

#define MS NSEC_PER_MSEC

struct bench {
    struct qsbr qsbr;
    struct redundancy *r;
    struct redundancy_window *w;
    nsec_t now;
};

static const struct action discard7 = {.type = ACTION_DISCARD, .id = 7, .eth_type = ETH_TYPE_PRP};

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    qsbr_init(&b->qsbr);
    b->r = redundancy_new(&b->qsbr);
    b->now = 1000 * MS;
    assert_true(redundancy_prepare(b->r, &discard7));
    b->w = redundancy_stream(b->r, 7)->window;
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    qsbr_fini(&b->qsbr);
    redundancy_free(b->r);
    free(b);
    return 0;
}

static bool
comes(struct bench *b, unsigned path, unsigned sequence)
{
    return redundancy_is_first(b->w, path, (uint16_t)sequence, b->now);
}

static void
the_first_copy_passes_and_the_second_does_not(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 65000; i < 65000 + 3000; i++) {
        assert_true(comes(b, i & 1, i));
        assert_false(comes(b, !(i & 1), i));
    }
    assert_int_equal(b->w->passed.received, 3000);
    assert_int_equal(b->w->discarded, 3000);
    assert_int_equal(b->w->paths[0].lost, 0);
    assert_int_equal(b->w->paths[1].lost, 0);
}

/* For every delay up to a window, across the numbers' end. */
static void
one_path_may_be_a_window_behind(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 200000; i++) {
        assert_true(comes(b, 0, i));
        if (i >= REDUNDANCY_WINDOW - 1)
            assert_false(comes(b, 1, i - (REDUNDANCY_WINDOW - 1)));
        b->now += 10 * NSEC_PER_USEC;
    }
    assert_int_equal(b->w->passed.lost, 0);
}

static void
what_one_path_loses_comes_by_the_other(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 1000; i++) {
        bool cut = i >= 300 && i < 500;
        if (!cut)
            assert_true(comes(b, 0, i));
        assert_int_equal(comes(b, 1, i), cut);
    }
    assert_int_equal(b->w->paths[0].lost, 200);
    assert_int_equal(b->w->paths[1].lost, 0);
    assert_int_equal(b->w->passed.received, 1000);
    assert_int_equal(b->w->passed.lost, 0);
}

static void
what_both_lose_is_told(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 100 == 50)
            continue;
        comes(b, 0, i);
        comes(b, 1, i);
    }
    assert_int_equal(b->w->passed.lost, 10);
}

static void
what_comes_late_is_not_lost(void **state)
{
    struct bench *b = *state;
    comes(b, 0, 1);
    comes(b, 0, 3);
    assert_int_equal(b->w->paths[0].lost, 1);
    assert_true(comes(b, 0, 2));
    assert_int_equal(b->w->paths[0].lost, 0);
    assert_int_equal(b->w->paths[0].reordered, 1);
    assert_false(comes(b, 0, 2)); /* the same path, twice */
    assert_int_equal(b->w->discarded, 1);
    assert_int_equal(b->w->paths[0].reordered, 1);
}

/* A sender that starts anew is silent for 500 ms; one that does not wait has its numbers taken for
 * copies only where they are. */
static void
a_number_is_forgotten_in_time(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 100; i++)
        assert_true(comes(b, 0, i));
    b->now += 399 * MS;
    assert_false(comes(b, 0, 50));
    b->now += 399 * MS;
    assert_false(comes(b, 0, 60)); /* the stream was never silent for long enough */
    b->now += 400 * MS;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(comes(b, 0, i));
        assert_false(comes(b, 1, i));
    }
}

static void
a_sender_may_jump(void **state)
{
    struct bench *b = *state;
    static const uint16_t starts[] = {0, 40000, 3, 65500, 32768};
    for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
        for (unsigned i = 0; i < 100; i++) {
            assert_true(comes(b, 0, starts[s] + i));
            assert_false(comes(b, 1, starts[s] + i));
        }
        b->now += 500 * MS;
    }
    assert_int_equal(b->w->passed.jumps, 4);
    assert_int_equal(b->w->passed.lost, 0);
}

/* A path that stood still gives out what it had while the other went on. */
static void
a_copy_may_be_late(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 3000; i++) {
        assert_true(comes(b, 0, i));
        b->now += 1 * MS;
    }
    for (unsigned i = 0; i < 3000; i++)
        assert_false(comes(b, 1, i));
}

/* Whatever the numbers, nothing is lost but what its place remembers, and copies do not pass. */
static void
numbers_at_random_pass_once(void **state)
{
    struct bench *b = *state;
    uint64_t x = 88172645463325252u;
    static int held[REDUNDANCY_WINDOW];
    memset(held, -1, sizeof held);
    for (unsigned i = 0; i < 100000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        uint16_t sequence = (uint16_t)x;
        b->now += 10 * NSEC_PER_USEC;
        assert_int_equal(comes(b, 0, sequence), held[sequence % REDUNDANCY_WINDOW] != sequence);
        held[sequence % REDUNDANCY_WINDOW] = sequence;
        assert_false(comes(b, 1, sequence));
    }
}

static void
a_path_that_falls_silent_is_told(void **state)
{
    struct bench *b = *state;
    assert_string_equal(redundancy_path_state(b->w, 1), "unheard");
    comes(b, 0, 1);
    comes(b, 1, 1);
    assert_string_equal(redundancy_path_state(b->w, 1), "ok");
    b->now += 5 * NSEC_PER_SEC; /* both: the sender is */
    assert_string_equal(redundancy_path_state(b->w, 1), "ok");
    comes(b, 0, 2);
    assert_string_equal(redundancy_path_state(b->w, 0), "ok");
    assert_string_equal(redundancy_path_state(b->w, 1), "silent");
}

static void
streams_are_bounded_and_those_in_use_stay(void **state)
{
    struct bench *b = *state;
    struct action a = {.type = ACTION_SEQUENCE};
    redundancy_count(b->r, &discard7, 1);
    for (uint32_t i = 0; i < 3 * REDUNDANCY_STREAMS; i++) {
        a.id = 1000 + i;
        assert_true(redundancy_prepare(b->r, &a));
    }
    assert_non_null(redundancy_stream(b->r, 7));
    assert_null(redundancy_stream(b->r, 1000));
    for (uint32_t i = 2 * REDUNDANCY_STREAMS + 1; i < 3 * REDUNDANCY_STREAMS; i++) {
        a.id = 1000 + i;
        redundancy_count(b->r, &a, 1);
    }
    a.id = 1;
    assert_false(redundancy_prepare(b->r, &a));
    redundancy_count(b->r, &discard7, -1);
    assert_true(redundancy_prepare(b->r, &a));
    assert_null(redundancy_stream(b->r, 7));
    b->w = NULL;
}

/* ---- Several threads ---- */

#define THREADED 300000u

struct racer {
    struct redundancy_window *w;
    struct redundancy_stream *s;
    unsigned path;
    _Atomic unsigned *at;  /* how far either is */
    uint64_t n_first, sum; /* of what passed, of the numbers given */
};

static void *
race(void *arg)
{
    struct racer *r = arg;
    for (unsigned i = 0; i < THREADED; i++) {
        while (i > atomic_load(&r->at[!r->path]) + REDUNDANCY_WINDOW / 2) /* as paths are */
            sched_yield();
        r->n_first += redundancy_is_first(r->w, r->path, (uint16_t)i, NSEC_PER_SEC + i * 10000);
        r->sum += redundancy_next(r->s);
        atomic_store(&r->at[r->path], i);
    }
    atomic_store(&r->at[r->path], UINT32_MAX / 2);
    return NULL;
}

static void
two_workers_let_each_number_pass_once(void **state)
{
    struct bench *b = *state;
    _Atomic unsigned at[2] = {0, 0};
    struct racer racers[2];
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        racers[i] = (struct racer){b->w, redundancy_stream(b->r, 7), i, at, 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    uint64_t expected = 0;
    for (unsigned i = 0; i < 2 * THREADED; i++)
        expected += (uint16_t)i;
    assert_int_equal(racers[0].n_first + racers[1].n_first, THREADED);
    assert_int_equal(b->w->discarded, THREADED);
    assert_int_equal(racers[0].sum + racers[1].sum, expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(the_first_copy_passes_and_the_second_does_not),
          TEST(one_path_may_be_a_window_behind), TEST(what_one_path_loses_comes_by_the_other),
          TEST(what_both_lose_is_told), TEST(what_comes_late_is_not_lost),
          TEST(a_number_is_forgotten_in_time), TEST(a_sender_may_jump), TEST(a_copy_may_be_late),
          TEST(numbers_at_random_pass_once), TEST(a_path_that_falls_silent_is_told),
          TEST(streams_are_bounded_and_those_in_use_stay),
          TEST(two_workers_let_each_number_pass_once))
