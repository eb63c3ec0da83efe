/* The packet thread without ports: what goes in by injection and comes back by records. */
#include "edge/worker.h"

#include "base/testing.h"

#include <semaphore.h>
#include <time.h>

struct bench {
    struct datapath *dp;
    struct workers *workers;
    sem_t woken, may_go_on;
    bool hold; /* the worker waits where it has woken us */
    unsigned n_local;
};

static void
on_wake(void *arg)
{
    struct bench *b = arg;
    sem_post(&b->woken);
    if (b->hold)
        sem_wait(&b->may_go_on);
}

static void
on_local(void *arg, const uint8_t *frame UNUSED, uint32_t size UNUSED, uint32_t in_port UNUSED,
         nsec_t rx_time UNUSED, bool kernel_time UNUSED)
{
    struct bench *b = arg;
    b->n_local++;
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {10, 10, 10, 4};
    struct worker_options options = {.wake = on_wake, .wake_arg = b};
    sem_init(&b->woken, 0, 0);
    sem_init(&b->may_go_on, 0, 0);
    b->dp = datapath_new(&limits);
    assert_ok(workers_new(b->dp, &options, &b->workers, NULL));
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    workers_free(b->workers);
    datapath_free(b->dp);
    sem_destroy(&b->woken);
    sem_destroy(&b->may_go_on);
    free(b);
    return 0;
}

static void
inject_local(struct bench *b)
{
    struct action action = {.type = ACTION_OUTPUT, .id = PORT_LOCAL};
    struct actions actions = {&action, 1};
    uint8_t frame[60] = {2};
    struct injection injection = {
        .frame = frame, .size = sizeof frame, .in_port = PORT_CONTROLLER, .actions = &actions};
    assert_ok(workers_inject(b->workers, &injection));
}

static void
wait_for_wake(struct bench *b)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 30; /* only how long a test that hangs may hang */
    assert_int_equal(sem_timedwait(&b->woken, &end), 0);
}

static bool
drain(struct bench *b)
{
    const struct worker_handler handler = {.local = on_local, .arg = b};
    return workers_drain(b->workers, &handler);
}

/* We are woken for the first, and are through with it before the second comes in the same turn. */
static void
a_record_that_comes_just_after_draining_is_not_forgotten(void **state)
{
    struct bench *b = *state;
    b->hold = true;
    inject_local(b);
    inject_local(b);
    inject_local(b);
    assert_ok(workers_start(b->workers, NULL));
    wait_for_wake(b);
    assert_false(drain(b));
    assert_int_equal(b->n_local, 1);
    sem_post(&b->may_go_on);
    wait_for_wake(b);
    sem_post(&b->may_go_on);
    assert_false(drain(b));
    assert_int_equal(b->n_local, 3);
}

static void
draining_takes_turns(void **state)
{
    struct bench *b = *state;
    unsigned turns = 1;
    assert_ok(workers_start(b->workers, NULL));
    for (unsigned i = 0; i < 5000; i++)
        inject_local(b);
    workers_settle(b->workers);
    datapath_barrier(b->dp);
    while (drain(b))
        turns++;
    assert_int_equal(b->n_local, 5000);
    assert_int_equal(turns, 3);
}

static void
settled_means_it_has_been_through(void **state)
{
    struct bench *b = *state;
    assert_ok(workers_start(b->workers, NULL));
    for (unsigned i = 1; i <= 200; i++) {
        inject_local(b);
        workers_settle(b->workers);
        datapath_barrier(b->dp);
        assert_false(drain(b));
        assert_int_equal(b->n_local, i);
    }
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(a_record_that_comes_just_after_draining_is_not_forgotten),
          WITH_BENCH(draining_takes_turns), WITH_BENCH(settled_means_it_has_been_through))
