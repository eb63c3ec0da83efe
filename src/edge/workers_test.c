/* Several packet threads at work on ports of memory: nothing is lost uncounted, doubled or
 * overtaken on its way from one to another. ThreadSanitizer's presets run it too. */
#include "edge/worker_private.h"

#include "base/testing.h"
#include "io/port_driver.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { N_WORKERS = 3, N_PORTS = 6, MARK = 14, FRAME_SIZE = 80, INJECTED = 0xff };

/* A port that gets numbered frames for all others, in turn, and looks at what it sends. */
struct memory_port {
    struct port_io io;
    _Atomic uint32_t left; /* frames to come */
    uint32_t sent[N_PORTS + 1];
    uint32_t turn;
    _Atomic uint32_t n_out, n_injected, n_wrong;
    uint32_t expected[N_PORTS + 1]; /* at least this number comes next from there */
};

struct bench {
    struct datapath *dp;
    struct workers *workers;
    struct memory_port *ports[N_PORTS + 1];
    _Atomic unsigned n_woken;
    unsigned n_punted;
};

static struct memory_port *
memory_port(struct port_io *io)
{
    return CONTAINER_OF(io, struct memory_port, io);
}

static unsigned
memory_receive(struct port_io *io, struct packet **packets, unsigned max)
{
    struct memory_port *m = memory_port(io);
    unsigned n = 0;
    for (; n < max && m->left; n++, m->left--) {
        struct packet *p = packet_new(io->pool, FRAME_SIZE);
        if (!p)
            break;
        uint32_t to = m->turn++ % N_PORTS + 1;
        memset(p->data, 0, FRAME_SIZE);
        p->data[0] = p->data[6] = 2;
        p->data[5] = (uint8_t)to;
        p->data[11] = (uint8_t)io->number;
        put_be32(p->data + MARK, m->sent[to]++);
        p->size = FRAME_SIZE;
        p->in_port = io->number;
        packets[n] = p;
    }
    if (!m->left) {
        uint64_t count;
        (void)!read(io->fd, &count, sizeof count);
    }
    return n;
}

static void
look_at(struct memory_port *m, const struct packet *p)
{
    uint32_t from = p->data[11], number = get_be32(p->data + MARK);
    if (from == INJECTED) {
        m->n_injected++;
        return;
    }
    if (p->size != FRAME_SIZE || from < 1 || from > N_PORTS || p->data[5] != m->io.number ||
        number < m->expected[from]) {
        m->n_wrong++;
        return;
    }
    m->expected[from] = number + 1;
    m->n_out++;
}

static unsigned
memory_send(struct port_io *io, struct packet **packets, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        look_at(memory_port(io), packets[i]);
        packet_unref(packets[i]);
    }
    return n;
}

static unsigned
memory_stamps(struct port_io *io UNUSED, struct port_tx_stamp *stamps UNUSED, unsigned max UNUSED)
{
    return 0;
}

static void
memory_counters(struct port_io *io UNUSED)
{
}

static void
memory_close(struct port_io *io UNUSED)
{
}

static const struct port_driver memory_driver = {
    .close = memory_close,
    .receive = memory_receive,
    .send = memory_send,
    .tx_stamps = memory_stamps,
    .update_counters = memory_counters,
};

static void
on_wake(void *arg)
{
    struct bench *b = arg;
    b->n_woken++;
}

static void
allow(struct bench *b, uint32_t to)
{
    struct flow flow = {.priority = 1, .has_apply = true};
    struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)to}};
    match_set_mac(&flow.match, FIELD_ETH_DST, &mac);
    actions_output(&flow.apply, to);
    struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(b->dp, &request, 0)));
    flow_fini(&flow);
}

static void
add_port(struct bench *b, uint32_t number)
{
    struct worker *owner = b->workers->list[number % N_WORKERS];
    struct memory_port *m = calloc(1, sizeof *m);
    struct mac mac = {{2, 0, 0, 0, 1, (uint8_t)number}};
    struct edge_port *port = datapath_add_port(b->dp, number, "memory", &mac, 0);
    m->io = (struct port_io){.driver = &memory_driver,
                             .pool = owner->pool,
                             .number = number,
                             .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                             .control_fd = -1,
                             .claim_fd = -1};
    b->ports[number] = m;
    assert_ok(worker_add_port(owner, port, &m->io, NULL));
    atomic_store(&port->up, true);
    atomic_store(&port->live, true);
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {100, 10, 10, 4};
    struct worker_options options = {.n_workers = N_WORKERS, .wake = on_wake, .wake_arg = b};
    b->dp = datapath_new(&limits);
    assert_ok(workers_new(b->dp, &options, &b->workers, NULL));
    for (uint32_t number = 1; number <= N_PORTS; number++) {
        add_port(b, number);
        allow(b, number);
    }
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    workers_free(b->workers);
    for (uint32_t number = 1; number <= N_PORTS; number++) {
        close(b->ports[number]->io.fd);
        free(b->ports[number]);
    }
    datapath_free(b->dp);
    free(b);
    return 0;
}

static void
receive(struct bench *b, uint32_t number, uint32_t n)
{
    uint64_t one = 1;
    b->ports[number]->left = n;
    assert_int_equal(write(b->ports[number]->io.fd, &one, sizeof one), sizeof one);
}

static uint64_t
all_drops(const struct bench *b)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < DROP_MAX; i++)
        sum += counter_get(&b->dp->drops[i]);
    return sum;
}

/* What went in and came out, as the ports have counted it. */
static uint64_t
all_out(const struct bench *b)
{
    uint64_t sum = 0;
    for (uint32_t number = 1; number <= N_PORTS; number++)
        sum += b->ports[number]->n_out;
    return sum;
}

/* A port does not send what comes by it: those frames are dropped too (same_port). */
static void
every_frame_is_sent_in_order_or_counted(void **state)
{
    struct bench *b = *state;
    const uint64_t each = 18000, all = each * N_PORTS;
    for (uint32_t number = 1; number <= N_PORTS; number++)
        receive(b, number, (uint32_t)each);
    assert_ok(workers_start(b->workers, NULL));
    for (uint32_t i = 0; all_out(b) + all_drops(b) < all; i++) {
        allow(b, i % N_PORTS + 1); /* replaces it: caches go stale again and again */
        if (i % 8 == 0)
            datapath_barrier(b->dp);
        datapath_tick(b->dp, 0);
        sched_yield();
    }
    workers_settle(b->workers);
    datapath_barrier(b->dp);
    assert_int_equal(all_out(b) + all_drops(b), all);
    assert_int_equal(counter_get(&b->dp->drops[DROP_SAME_PORT]), each); /* a sixth of each */
    uint64_t counted = 0;
    for (uint32_t number = 1; number <= N_PORTS; number++) {
        assert_int_equal(b->ports[number]->n_wrong, 0);
        counted += counter_get(&datapath_port(b->dp, number)->tx.packets);
    }
    assert_int_equal(counted, all_out(b));
    struct pipeline_stats stats;
    workers_get_stats(b->workers, &stats);
    assert_int_equal(stats.packets, all);
}

static void
inject_queue(struct bench *b, uint32_t to, uint32_t queue)
{
    struct action list[] = {{.type = ACTION_SET_QUEUE, .id = queue},
                            {.type = ACTION_OUTPUT, .id = to}};
    struct actions actions = {list, 2};
    uint8_t frame[60] = {2, 0, 0, 0, 0, (uint8_t)to, 2, 0, 0, 0, 0, INJECTED};
    struct injection injection = {
        .frame = frame, .size = sizeof frame, .in_port = PORT_CONTROLLER, .actions = &actions};
    assert_ok(workers_inject(b->workers, &injection));
}

static void
inject(struct bench *b, uint32_t to)
{
    inject_queue(b, to, 0);
}

/* A barrier behind packet-outs, whosever port they leave by. */
static void
settled_means_it_is_with_its_port(void **state)
{
    struct bench *b = *state;
    assert_ok(workers_start(b->workers, NULL));
    for (uint32_t i = 1; i <= 300; i++) {
        for (uint32_t number = 1; number <= N_PORTS; number++)
            inject(b, number);
        workers_settle(b->workers);
        datapath_barrier(b->dp);
        for (uint32_t number = 1; number <= N_PORTS; number++)
            assert_int_equal(b->ports[number]->n_injected, i);
    }
}

/* A port of another worker that is down by the time: told, not sent. */
static void
what_is_handed_over_to_a_port_that_went_down_is_counted(void **state)
{
    struct bench *b = *state;
    struct edge_port *port = datapath_port(b->dp, 1); /* of worker 1; injections are worker 0's */
    inject(b, 1);
    worker_run_commands(b->workers->list[0]); /* in this thread: the workers do not run yet */
    atomic_store(&port->up, false);
    worker_take_handed(b->workers->list[1]);
    assert_int_equal(counter_get(&b->dp->drops[DROP_PORT_DOWN]), 1);
    assert_int_equal(counter_get(&port->tx.dropped), 1);
    assert_int_equal(b->ports[1]->n_injected, 0);
}

/* Nobody takes anything: the ring is full some time, which is counted, and goes on afterwards. */
static void
a_full_ring_drops_and_counts(void **state)
{
    struct bench *b = *state;
    unsigned n = 0;
    while (!counter_get(&b->dp->drops[DROP_HANDOVER_FULL])) {
        inject(b, 1);
        worker_run_commands(b->workers->list[0]);
        n++;
    }
    struct edge_port *port = datapath_port(b->dp, 1);
    assert_int_equal(counter_get(&port->queues[0].dropped), 1);
    assert_true(n > 1000);
    for (unsigned i = 0; i < 50; i++, n++) { /* there is still room for what is more urgent */
        inject_queue(b, 1, 7);
        worker_run_commands(b->workers->list[0]);
    }
    assert_int_equal(counter_get(&b->dp->drops[DROP_HANDOVER_FULL]), 1);
    assert_ok(workers_start(b->workers, NULL));
    workers_settle(b->workers);
    datapath_barrier(b->dp);
    uint64_t dropped = counter_get(&port->tx.dropped); /* with those its queue had no room for */
    assert_int_equal(b->ports[1]->n_injected + dropped, n);
}

static void
on_punt(void *arg, const struct punt *punt UNUSED, const uint8_t *frame, uint32_t size UNUSED,
        uint32_t total_size UNUSED, uint32_t in_port)
{
    struct bench *b = arg;
    assert_int_equal(frame[11], in_port);
    b->n_punted++;
}

/* For the controller from every worker; what they may send it is one limit for all of them. */
static void
punts_of_all_workers_come_back(void **state)
{
    struct bench *b = *state;
    const struct worker_handler handler = {.punt = on_punt, .arg = b};
    struct flow flow = {.priority = 2, .has_apply = true};
    actions_output(&flow.apply, PORT_CONTROLLER);
    flow.apply.list[0].max_len = 64;
    struct flow_request request = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
    assert_false(dp_failed(datapath_flow_mod(b->dp, &request, 0)));
    flow_fini(&flow);
    for (uint32_t number = 1; number <= N_PORTS; number++)
        receive(b, number, 100);
    assert_ok(workers_start(b->workers, NULL));
    while (b->n_punted + all_drops(b) < 100 * N_PORTS) {
        while (workers_drain(b->workers, &handler)) {
        }
        sched_yield();
    }
    assert_int_equal(b->n_punted, 100 * N_PORTS);
    assert_true(b->n_woken > 0);
    for (uint32_t number = 1; number <= N_PORTS; number++)
        receive(b, number, 1000);
    while (b->n_punted + all_drops(b) < 1100 * N_PORTS) {
        while (workers_drain(b->workers, &handler)) {
        }
        sched_yield();
    }
    assert_true(counter_get(&b->dp->drops[DROP_PUNT_LIMIT]) > 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_BENCH(every_frame_is_sent_in_order_or_counted),
          WITH_BENCH(settled_means_it_is_with_its_port),
          WITH_BENCH(what_is_handed_over_to_a_port_that_went_down_is_counted),
          WITH_BENCH(a_full_ring_drops_and_counts), WITH_BENCH(punts_of_all_workers_come_back))
