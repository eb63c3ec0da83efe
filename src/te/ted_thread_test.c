/* ted_thread_test.c - snapshots are read and given back by other threads while the database goes
 * on. */
#include "te/ted.h"

#include "te/ted_testing.h"

#include <pthread.h>

#define READERS 2
#define ROUNDS 3000
#define ROUTERS 40

static const struct ted_view *published; /* by atomic exchange */
static _Atomic bool over;
static _Atomic unsigned n_read;

static uint64_t
sum_of(const struct ted_view *view)
{
    const struct te_network *network = ted_view_network(view);
    uint64_t sum = network->version;
    for (uint32_t i = 0; i < network->n_links; i++)
        sum = sum * 31 + network->links[i].up + network->links[i].igp_metric;
    return sum;
}

/* Takes what is published, and finds it the same at the end as at the beginning. */
static void *
read_views(void *arg)
{
    (void)arg;
    while (!over) {
        const struct ted_view *view = __atomic_exchange_n(&published, NULL, __ATOMIC_ACQ_REL);
        if (!view)
            continue;
        uint64_t first = sum_of(view);
        for (unsigned i = 0; i < 20; i++)
            assert_true(sum_of(view) == first);
        ted_view_release(view);
        n_read++;
    }
    return NULL;
}

static void
snapshots_stay_as_they_are(void **state)
{
    struct ted *ted = ted_new(NULL);
    uint32_t source = add_source(ted, TED_KIND_OSPF, "ospf");
    pthread_t readers[READERS];
    (void)state;
    for (unsigned i = 1; i < ROUTERS; i++)
        put_both(ted, source, i, i + 1);
    ted_source_synced(ted, source, 1);
    ted_commit(ted, 1);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_views, NULL), 0);
    for (unsigned i = 0; i < ROUNDS || n_read < 100; i++) {
        unsigned a = 1 + i % (ROUTERS - 1);
        struct ted_link_record r = ospf_link(a, a + 1, 0);
        if (i % 500 == 499)
            put_both(ted, source, 1, ROUTERS + i / 500); /* a change of structure */
        if (i % 3)
            ted_withdraw_link(ted, source, &r.id, 2);
        else
            put_link(ted, source, &r, 2);
        ted_commit(ted, 2);
        ted_view_release(__atomic_exchange_n(&published, ted_view(ted), __ATOMIC_ACQ_REL));
        forget_deltas(ted);
    }
    over = true;
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    ted_view_release(__atomic_exchange_n(&published, NULL, __ATOMIC_ACQ_REL));
    ted_free(ted);
}

TEST_MAIN(cmocka_unit_test(snapshots_stay_as_they_are))
