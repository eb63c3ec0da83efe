/* thread_test.c - what crosses threads, with threads; ThreadSanitizer's presets run it too. */
#include "edge/flow_table.h"
#include "edge/ring.h"

#include "base/testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { N_RECORDS = 200000 };

static void *
produce(void *arg)
{
    struct ring *ring = arg;
    for (uint32_t i = 0; i < N_RECORDS;) {
        uint32_t size = 4 + i % 300;
        uint8_t *record = ring_reserve(ring, size);
        if (!record) {
            sched_yield();
            continue;
        }
        memset(record, (int)(i & 0xff), size);
        memcpy(record, &i, 4);
        ring_commit(ring);
        i++;
    }
    return NULL;
}

static void
a_ring_carries_every_record_once_in_order(void **state UNUSED)
{
    struct ring ring;
    pthread_t thread;
    ring_init(&ring, 4096);
    pthread_create(&thread, NULL, produce, &ring);
    for (uint32_t i = 0; i < N_RECORDS;) {
        uint32_t size, number;
        uint8_t *record = ring_peek(&ring, &size);
        if (!record) {
            sched_yield();
            continue;
        }
        memcpy(&number, record, 4);
        assert_int_equal(number, i);
        assert_int_equal(size, 4 + i % 300);
        assert_true(size == 4 || record[size - 1] == (i & 0xff));
        ring_release(&ring);
        i++;
    }
    pthread_join(thread, NULL);
    uint32_t size;
    assert_null(ring_peek(&ring, &size));
    assert_null(ring_reserve(&ring, 3000)); /* more than half of it: never fits for sure */
    ring_fini(&ring);
}

struct reader {
    struct flow_table *table;
    struct qsbr *qsbr;
    unsigned worker;
    _Atomic bool stop;
    _Atomic bool running;
    uint64_t lookups, found;
};

/* So many that lookups go through the merged index; 1: one mask, the tuple's own table. */
static unsigned n_masks = 1;

/* Key 0 is always there; the others come and go. */
static void *
read_table(void *arg)
{
    struct reader *r = arg;
    qsbr_online(r->qsbr, r->worker);
    for (uint32_t i = 0; !atomic_load(&r->stop); i++) {
        struct flow_key key = {.in_port = to_be32(i % 512), .metadata = UINT64_MAX};
        struct entry *entry = flow_table_lookup(r->table, &key);
        r->lookups++;
        atomic_store_explicit(&r->running, true, memory_order_relaxed);
        if (entry) {
            struct instructions *in = atomic_load(&entry->instructions);
            if (in->n_apply != 1 || in->actions[0].id % 512 != i % 512)
                abort();
            counters_count(&entry->counters, r->worker, 60, 1);
            r->found++;
        } else if (i % 512 == 0) {
            abort();
        }
        if (i % 64 == 0)
            qsbr_quiescent(r->qsbr, r->worker);
        if (i % 4096 == 0) {
            qsbr_offline(r->qsbr, r->worker);
            sched_yield();
            qsbr_online(r->qsbr, r->worker);
        }
    }
    qsbr_offline(r->qsbr, r->worker);
    return NULL;
}

static struct flow
flow_for(uint32_t port, uint32_t generation)
{
    struct flow flow = {.priority = 1, .has_apply = true};
    match_set(&flow.match, FIELD_IN_PORT, port);
    if (n_masks > 1)
        match_set_masked(&flow.match, FIELD_METADATA, UINT64_MAX, UINT64_C(1) << port % n_masks);
    actions_output(&flow.apply, port + 512 * generation);
    return flow;
}

static void
read_and_change(void)
{
    struct qsbr qsbr;
    struct flow_table table;
    struct reader readers[2];
    pthread_t threads[2];
    struct entry *entries[512] = {0};
    qsbr_init(&qsbr);
    flow_table_init(&table, 0, &qsbr);
    table.n_lanes = 2;
    for (uint32_t i = 0; i < 512; i += 3) {
        struct flow flow = flow_for(i, 0);
        entries[i] = flow_table_insert(&table, &flow, 0);
        flow_fini(&flow);
    }
    for (unsigned i = 0; i < 2; i++) {
        readers[i] = (struct reader){.table = &table, .qsbr = &qsbr, .worker = i};
        pthread_create(&threads[i], NULL, read_table, &readers[i]);
        while (!atomic_load(&readers[i].running))
            sched_yield();
    }
    for (uint32_t step = 1; step < 30000; step++) {
        uint32_t i = step * 7 % 511 + 1;
        struct flow flow = flow_for(i, step % 7);
        if (!entries[i]) {
            entries[i] = flow_table_insert(&table, &flow, 0);
        } else if (step % 2) {
            qsbr_defer(&qsbr, free, entry_replace(entries[i], instructions_new(&flow)));
        } else {
            flow_table_remove(&table, entries[i]);
            flow_table_release(&table, entries[i]);
            entries[i] = NULL;
        }
        flow_fini(&flow);
        if (step % 16 == 0)
            qsbr_reclaim(&qsbr);
        if (step % 1000 == 0)
            qsbr_synchronize(&qsbr);
    }
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_true(readers[i].lookups > 0);
    }
    qsbr_fini(&qsbr);
    flow_table_fini(&table);
}

static void
readers_never_see_what_is_gone(void **state UNUSED)
{
    n_masks = 1;
    read_and_change();
}

static void
nor_do_they_where_masks_are_merged(void **state UNUSED)
{
    n_masks = 60;
    read_and_change();
}

TEST_MAIN(cmocka_unit_test(a_ring_carries_every_record_once_in_order),
          cmocka_unit_test(readers_never_see_what_is_gone),
          cmocka_unit_test(nor_do_they_where_masks_are_merged))
