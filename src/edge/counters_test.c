#include "edge/counters.h"

#include "base/testing.h"

#include <pthread.h>

static void
sums_its_lanes(void **state UNUSED)
{
    struct counters c;
    counters_init(&c, 3);
    counters_count(&c, 0, 60, 5);
    counters_count(&c, 1, 100, 9);
    counters_count(&c, 2, 200, 7);
    counters_count(&c, 2, 200, 8);
    struct traffic sum = counters_get(&c);
    assert_int_equal(sum.packets, 4);
    assert_int_equal(sum.octets, 560);
    assert_int_equal(sum.used, 9); /* the latest of all lanes */
    counters_fini(&c);
}

static void
starts_over_without_touching_a_lane(void **state UNUSED)
{
    for (unsigned n_lanes = 1; n_lanes < 3; n_lanes++) {
        struct counters c;
        counters_init(&c, n_lanes);
        counters_count(&c, n_lanes - 1, 60, 1);
        struct traffic first = counters_reset(&c);
        assert_int_equal(counters_get(&c).packets, 0);
        counters_count(&c, n_lanes - 1, 70, 2);
        struct traffic second = counters_reset(&c);
        counters_count(&c, 0, 80, 3);
        assert_int_equal(counters_get(&c).packets, 1);
        assert_int_equal(counters_get(&c).octets, 80);
        counters_undo_reset(&c, &second); /* what passed meanwhile is not lost */
        assert_int_equal(counters_get(&c).packets, 2);
        assert_int_equal(counters_get(&c).octets, 150);
        counters_undo_reset(&c, &first);
        assert_int_equal(counters_get(&c).packets, 3);
        assert_int_equal(counters_get(&c).octets, 210);
        counters_fini(&c);
    }
}

#define N_WRITERS 4
#define N_PACKETS 200000

struct writer {
    struct counters *counters;
    unsigned lane;
};

static void *
count_packets(void *arg)
{
    const struct writer *w = arg;
    for (unsigned i = 0; i < N_PACKETS; i++)
        counters_count(w->counters, w->lane, 60, 1);
    return NULL;
}

static void
loses_nothing_while_it_is_reset(void **state UNUSED)
{
    struct counters c;
    struct writer writers[N_WRITERS];
    pthread_t threads[N_WRITERS];
    struct traffic zero = {0};
    counters_init(&c, N_WRITERS);
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writers[i] = (struct writer){&c, i};
        pthread_create(&threads[i], NULL, count_packets, &writers[i]);
    }
    for (unsigned i = 0; i < 1000; i++) {
        zero = counters_reset(&c);
        assert_true(zero.packets <= N_WRITERS * N_PACKETS);
    }
    for (unsigned i = 0; i < N_WRITERS; i++)
        pthread_join(threads[i], NULL);
    struct traffic none = {0};
    counters_undo_reset(&c, &none);
    assert_int_equal(counters_get(&c).packets, N_WRITERS * N_PACKETS);
    assert_int_equal(counters_get(&c).octets, N_WRITERS * N_PACKETS * 60);
    counters_fini(&c);
}

static void
what_another_process_counted_is_counted_once(void **state UNUSED)
{
    for (unsigned n = 1; n <= 2; n++) {
        struct counters c;
        const struct traffic before = {100, 6400, 50}, more = {3, 192, 70};
        counters_init(&c, n);
        counters_preset(&c, &before);
        counters_count(&c, n - 1, 64, 60);
        counters_inherit(&c, &more);
        struct traffic t = counters_get(&c);
        assert_int_equal(t.packets, 104);
        assert_int_equal(t.octets, 6400 + 64 + 192);
        assert_int_equal(t.used, 70);
        struct traffic zero = counters_reset(&c);
        assert_int_equal(counters_get(&c).packets, 0);
        counters_count(&c, 0, 64, 80);
        assert_int_equal(counters_get(&c).packets, 1);
        counters_undo_reset(&c, &zero);
        assert_int_equal(counters_get(&c).packets, 105);
        assert_int_equal(counters_get(&c).used, 80);
        counters_fini(&c);
    }
}

TEST_MAIN(cmocka_unit_test(sums_its_lanes), cmocka_unit_test(starts_over_without_touching_a_lane),
          cmocka_unit_test(loses_nothing_while_it_is_reset),
          cmocka_unit_test(what_another_process_counted_is_counted_once));
