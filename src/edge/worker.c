#include "edge/worker.h"

#include "base/alloc.h"
#include "io/carrier.h"
#include "io/clock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUE_DEPTH 512u /* packets per class and port; a power of two */
#define RING_OCTETS (1u << 20)
#define BURSTS_PER_TURN 8
#define RECORDS_PER_TURN 2048u
#define SAMPLE_OCTETS 128u
#define RETRY (NSEC_PER_MSEC / 2) /* for an interface that had no room */

/* ---- Records in the rings ---- */

enum record_kind { RECORD_PUNT, RECORD_LOCAL, RECORD_DROP, RECORD_TX_STAMP, RECORD_PORT };

struct record {
    enum record_kind kind;
    uint32_t in_port, size, total_size;
    nsec_t time; /* of arrival, or of departure */
    bool kernel_time;
    uint8_t table_id;
    uint16_t reason, max_len;
    uint32_t token;
    uint64_t cookie, metadata, tunnel_id;
    struct edge_port *port;
    uint8_t frame[];
};

struct command {
    uint32_t in_port, size, n_actions, tx_token;
    uint16_t stamp_offset;
    /* Then the actions, then the frame. */
};

/* ---- State ---- */

struct queue {
    struct packet *slots[QUEUE_DEPTH];
    uint32_t head, tail; /* count packets; tail - head waits */
};

struct worker_port {
    struct edge_port *port;
    struct port_io *io;
    unsigned ifindex;
    struct queue queues[N_QUEUES];
    uint32_t n_queued;
    bool dirty;        /* on the list of ports to flush */
    bool known;        /* its carrier has been heard of: the first time nothing is waited for */
    nsec_t restore_at; /* when it becomes live; NSEC_NEVER: not waiting for a time */
    nsec_t send_at;    /* shaping or a full interface: not before that; 0: now */
    nsec_t due;        /* shaping: virtual time at which all that was sent would be through */
    struct {           /* as of the last second, for other threads */
        _Atomic uint64_t rx_lost, rx_no_buffer, tx_refused;
    } counters;
};

struct bucket_limit { /* a plain token bucket, for punts and samples */
    uint32_t rate, level;
    nsec_t filled;
};

struct worker {
    struct datapath *dp;
    struct worker_options options;
    struct packet_pool *pool;
    struct pipeline *pipeline;
    struct carrier *carrier;
    struct worker_port *ports[MAX_PORTS];
    uint32_t n_ports;
    uint32_t port_index[MAX_PORTS]; /* by number, below MAX_PORTS: index + 1 */
    struct worker_port *dirty[MAX_PORTS];
    uint32_t n_dirty;
    struct ring commands, records;
    bool woken; /* the control thread has been told in this turn ... */
    bool late;  /* ... and may have been through with it before the last record came */
    int epoll_fd, event_fd;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    _Atomic nsec_t wait_to_restore;
    struct bucket_limit punts, samples;
    nsec_t now, next_second;
};

static bool
take_token(struct bucket_limit *limit, nsec_t now)
{
    uint64_t earned = (uint64_t)(now - limit->filled) * limit->rate / NSEC_PER_SEC;
    if (earned) {
        limit->level = (uint32_t)MIN(limit->rate, limit->level + earned);
        limit->filled = now;
    }
    if (!limit->level)
        return false;
    limit->level--;
    return true;
}

static struct worker_port *
find_port(const struct worker *w, uint32_t number)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        if (w->ports[i]->port->number == number)
            return w->ports[i];
    }
    return NULL;
}

/* ---- To the control thread ---- */

static struct record *
new_record(struct worker *w, enum record_kind kind, const uint8_t *frame, uint32_t size)
{
    struct record *r = ring_reserve(&w->records, (uint32_t)sizeof *r + size);
    if (!r)
        return NULL;
    *r = (struct record){.kind = kind, .size = size};
    if (size)
        memcpy(r->frame, frame, size);
    return r;
}

static void
publish(struct worker *w)
{
    ring_commit(&w->records);
    w->late = w->woken;
    if (!w->woken) {
        w->woken = true;
        w->options.wake(w->options.wake_arg);
    }
}

/* Once for the first record of a turn, at once; and once for all that came after it. */
static void
end_turn(struct worker *w)
{
    if (w->late)
        w->options.wake(w->options.wake_arg);
    w->woken = w->late = false;
}

static void
on_punt(void *arg, const struct punt *p)
{
    struct worker *w = arg;
    uint8_t level;
    struct meter_entry *meter = idmap_get(&w->dp->meters, METER_CONTROLLER);
    if ((meter && meter_pass(meter, p->packet->size, w->now, &level) == METER_DROP) ||
        !take_token(&w->punts, w->now)) {
        counter_add(&w->dp->drops[DROP_PUNT_LIMIT], 1);
        return;
    }
    struct record *r = new_record(w, RECORD_PUNT, p->packet->data,
                                  MIN(p->packet->size, p->max_len));
    if (!r) {
        counter_add(&w->dp->drops[DROP_PUNT_FULL], 1);
        return;
    }
    r->in_port = p->packet->in_port;
    r->total_size = p->packet->size;
    r->time = p->packet->rx_time;
    r->table_id = p->table_id;
    r->reason = (uint16_t)p->reason;
    r->max_len = p->max_len;
    r->cookie = p->cookie;
    r->metadata = from_be64(p->key->metadata);
    r->tunnel_id = from_be64(p->key->tunnel_id);
    publish(w);
}

static void
on_local(void *arg, struct packet *p)
{
    struct worker *w = arg;
    struct record *r = new_record(w, RECORD_LOCAL, p->data, p->size);
    if (!r) {
        counter_add(&w->dp->drops[DROP_LOCAL_FULL], 1);
        return;
    }
    r->in_port = p->in_port;
    r->time = p->rx_time;
    r->kernel_time = p->rx_time_kernel;
    publish(w);
}

static void
on_dropped(void *arg, const struct packet *p, enum drop_reason reason)
{
    struct worker *w = arg;
    if (!take_token(&w->samples, w->now))
        return;
    struct record *r = new_record(w, RECORD_DROP, p->data, MIN(p->size, SAMPLE_OCTETS));
    if (!r)
        return;
    r->in_port = p->in_port;
    r->total_size = p->size;
    r->reason = (uint16_t)reason;
    publish(w);
}

static void
tell_port(struct worker *w, struct edge_port *port)
{
    struct record *r = new_record(w, RECORD_PORT, NULL, 0);
    if (!r)
        return;
    r->port = port;
    publish(w);
}

/* ---- Out ---- */

static void
mark_dirty(struct worker *w, struct worker_port *wp)
{
    if (!wp->dirty) {
        wp->dirty = true;
        w->dirty[w->n_dirty++] = wp;
    }
}

static void
on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct worker *w = arg;
    struct worker_port *wp = port->number < MAX_PORTS && w->port_index[port->number]
                                 ? w->ports[w->port_index[port->number] - 1]
                                 : find_port(w, port->number);
    uint32_t class = p->queue < N_QUEUES ? p->queue : 0;
    struct queue *q = wp ? &wp->queues[class] : NULL;
    if (!q || q->tail - q->head == QUEUE_DEPTH) {
        counter_add(&w->dp->drops[DROP_QUEUE_FULL], 1);
        counter_add(&port->queues[class].dropped, 1);
        counter_add(&port->tx.dropped, 1);
        return;
    }
    q->slots[q->tail++ % QUEUE_DEPTH] = packet_ref(p);
    wp->n_queued++;
    mark_dirty(w, wp);
}

static void
count_sent(struct edge_port *port, unsigned class, uint32_t octets)
{
    counter_add(&port->tx.packets, 1);
    counter_add(&port->tx.octets, octets);
    counter_add(&port->queues[class].packets, 1);
    counter_add(&port->queues[class].octets, octets);
}

/* How long a frame occupies a wire of this rate: with preamble, FCS and gap (24 octets). */
static nsec_t
wire_time(uint32_t octets, uint64_t rate_kbps)
{
    return (nsec_t)((uint64_t)(octets + 24) * 8000000 / rate_kbps);
}

/* Sends from one class what the port takes; false: it takes no more now. */
static bool
send_queue(struct worker *w, struct worker_port *wp, unsigned class)
{
    struct queue *q = &wp->queues[class];
    uint64_t rate = atomic_load_explicit(&wp->port->rate_kbps, memory_order_relaxed);
    while (q->head != q->tail) {
        unsigned n = 0;
        struct packet *batch[VECTOR_SIZE];
        uint32_t sizes[VECTOR_SIZE];
        if (rate && wp->due > w->now) { /* the wire is busy with what was sent before */
            wp->send_at = wp->due;
            return false;
        }
        /* A shaped port gets one frame at a time, so that a higher class can come in between. */
        while (n < (rate ? 1 : VECTOR_SIZE) && q->head + n != q->tail) {
            batch[n] = q->slots[(q->head + n) % QUEUE_DEPTH];
            sizes[n] = batch[n]->size;
            n++;
        }
        unsigned sent = port_send(wp->io, batch, n);
        for (unsigned i = 0; i < sent; i++) {
            count_sent(wp->port, class, sizes[i]);
            if (rate)
                wp->due = MAX(wp->due, w->now) + wire_time(sizes[i], rate);
        }
        q->head += sent;
        wp->n_queued -= sent;
        if (sent < n) {
            wp->send_at = w->now + RETRY;
            return false;
        }
    }
    return true;
}

static void
flush_ports(struct worker *w)
{
    uint32_t n = w->n_dirty;
    w->n_dirty = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct worker_port *wp = w->dirty[i];
        wp->dirty = false;
        if (wp->send_at > w->now) {
            mark_dirty(w, wp);
            continue;
        }
        wp->send_at = 0;
        for (unsigned class = N_QUEUES; class -- > 0;) {
            if (!send_queue(w, wp, class))
                break;
        }
        if (wp->n_queued)
            mark_dirty(w, wp);
    }
}

static void
discard_queues(struct worker *w, struct worker_port *wp)
{
    for (unsigned class = 0; class < N_QUEUES; class ++) {
        struct queue *q = &wp->queues[class];
        for (; q->head != q->tail; q->head++) {
            packet_unref(q->slots[q->head % QUEUE_DEPTH]);
            counter_add(&w->dp->drops[DROP_PORT_DOWN], 1);
            counter_add(&wp->port->tx.dropped, 1);
        }
    }
    wp->n_queued = 0;
}

/* ---- Ports up and down ---- */

static void
set_live(struct worker_port *wp)
{
    wp->restore_at = NSEC_NEVER;
    atomic_store_explicit(&wp->port->live, true, memory_order_release);
}

static void
on_carrier(void *arg, const struct carrier_event *e)
{
    struct worker *w = arg;
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        bool was_up = atomic_load_explicit(&wp->port->up, memory_order_relaxed);
        if (wp->ifindex != e->ifindex)
            continue;
        atomic_store_explicit(&wp->port->mtu, port_frame_max(wp->io), memory_order_relaxed);
        if (was_up == e->up)
            continue;
        nsec_t wait = atomic_load_explicit(&w->wait_to_restore, memory_order_relaxed);
        if (!e->up)
            atomic_store_explicit(&wp->port->live, false, memory_order_release);
        atomic_store_explicit(&wp->port->up, e->up, memory_order_release);
        wp->restore_at = NSEC_NEVER;
        if (!e->up)
            discard_queues(w, wp);
        else if (wait == 0 || !wp->known)
            set_live(wp);
        else if (wait > 0)
            wp->restore_at = w->now + wait;
        wp->known = true;
        tell_port(w, wp->port);
    }
}

static void
restore_ports(struct worker *w)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        if (wp->restore_at <= w->now && atomic_load_explicit(&wp->port->up, memory_order_relaxed)) {
            set_live(wp);
            tell_port(w, wp->port);
        }
    }
}

/* ---- In ---- */

static void
read_port(struct worker *w, struct worker_port *wp)
{
    struct packet *vector[VECTOR_SIZE];
    for (unsigned burst = 0; burst < BURSTS_PER_TURN; burst++) {
        unsigned n = port_receive(wp->io, vector, VECTOR_SIZE);
        uint64_t octets = 0;
        if (!n)
            return;
        for (unsigned i = 0; i < n; i++)
            octets += vector[i]->size;
        counter_add(&wp->port->rx.packets, n);
        counter_add(&wp->port->rx.octets, octets);
        w->now = clock_monotonic();
        pipeline_receive(w->pipeline, vector, n, w->now);
        flush_ports(w);
        if (n < VECTOR_SIZE)
            return;
        qsbr_quiescent(&w->dp->qsbr, 0);
    }
}

static void
read_stamps(struct worker *w, struct worker_port *wp)
{
    struct port_tx_stamp stamps[16];
    unsigned n;
    while ((n = port_tx_stamps(wp->io, stamps, ARRAY_SIZE(stamps)))) {
        for (unsigned i = 0; i < n; i++) {
            struct record *r = new_record(w, RECORD_TX_STAMP, NULL, 0);
            if (!r)
                return;
            r->token = stamps[i].token;
            r->time = stamps[i].wall;
            publish(w);
        }
    }
}

static void
run_commands(struct worker *w)
{
    uint32_t size;
    struct command *c;
    while ((c = ring_peek(&w->commands, &size))) {
        struct action *list = (struct action *)(void *)(c + 1);
        struct actions actions = {list, c->n_actions};
        struct packet *p = packet_new(w->pool, c->size);
        if (p) {
            memcpy(p->data, list + c->n_actions, c->size);
            p->size = c->size;
            p->in_port = c->in_port;
            p->stamp_offset = c->stamp_offset;
            p->tx_token = c->tx_token;
            pipeline_inject(w->pipeline, p, &actions, w->now);
        } else {
            counter_add(&w->dp->drops[DROP_NO_BUFFER], 1);
        }
        ring_release(&w->commands);
    }
    flush_ports(w);
}

/* ---- The loop ---- */

static nsec_t
next_deadline(const struct worker *w)
{
    nsec_t deadline = w->next_second;
    for (uint32_t i = 0; i < w->n_dirty; i++)
        deadline = MIN(deadline, w->dirty[i]->send_at);
    for (uint32_t i = 0; i < w->n_ports; i++)
        deadline = MIN(deadline, w->ports[i]->restore_at);
    return deadline;
}

/* What the drivers count by themselves is added to what is counted here. */
static void
every_second(struct worker *w)
{
    w->next_second = w->now + NSEC_PER_SEC;
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        struct port_counters c;
        port_get_counters(wp->io, &c);
        uint64_t refused = c.tx_refused - counter_get(&wp->counters.tx_refused);
        counter_add(&w->dp->drops[DROP_SEND_FAILED], refused);
        counter_add(&wp->port->tx.dropped, refused);
        counter_add(&w->dp->drops[DROP_NO_BUFFER],
                    c.rx_no_buffer - counter_get(&wp->counters.rx_no_buffer));
        atomic_store_explicit(&wp->counters.rx_lost, c.rx_lost, memory_order_relaxed);
        atomic_store_explicit(&wp->counters.rx_no_buffer, c.rx_no_buffer, memory_order_relaxed);
        atomic_store_explicit(&wp->counters.tx_refused, c.tx_refused, memory_order_relaxed);
    }
}

/* What an epoll event is about: a pointer to the worker's own member, or a port. */
static void
handle_event(struct worker *w, const struct epoll_event *event)
{
    if (event->data.ptr == &w->event_fd) {
        uint64_t count;
        if (read(w->event_fd, &count, sizeof count) < 0) { /* another turn */
        }
        run_commands(w);
    } else if (event->data.ptr == &w->carrier) {
        carrier_read(w->carrier, on_carrier, w);
    } else {
        if (event->events & EPOLLERR)
            read_stamps(w, event->data.ptr);
        read_port(w, event->data.ptr);
    }
}

static void *
run(void *arg)
{
    struct worker *w = arg;
    pthread_setname_np(pthread_self(), "packets");
    w->now = clock_monotonic();
    every_second(w);
    while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
        struct epoll_event events[64];
        nsec_t wait = MAX(next_deadline(w) - clock_monotonic(), 0);
        struct timespec timeout = {wait / NSEC_PER_SEC, wait % NSEC_PER_SEC};
        qsbr_offline(&w->dp->qsbr, 0);
        int n = epoll_pwait2(w->epoll_fd, events, ARRAY_SIZE(events), &timeout, NULL);
        qsbr_online(&w->dp->qsbr, 0);
        w->now = clock_monotonic();
        for (int i = 0; i < n; i++) { /* first of all: which ports are up */
            if (events[i].data.ptr == &w->carrier)
                handle_event(w, &events[i]);
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr != &w->carrier)
                handle_event(w, &events[i]);
        }
        restore_ports(w);
        flush_ports(w);
        if (w->now >= w->next_second)
            every_second(w);
        end_turn(w);
    }
    qsbr_offline(&w->dp->qsbr, 0);
    return NULL;
}

static enum err
watch(struct worker *w, int fd, void *what, struct diag *diag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event))
        return diag_set(diag, ERR_IO, "epoll: %s", strerror(errno));
    return ERR_OK;
}

static void
set_defaults(struct worker_options *o)
{
    o->n_packets = o->n_packets ? o->n_packets : 8192;
    o->n_jumbo = o->n_jumbo ? o->n_jumbo : 256;
    o->cache_size = o->cache_size ? o->cache_size : 4096;
    o->punts_per_second = o->punts_per_second ? o->punts_per_second : 1000;
    o->samples_per_second = o->samples_per_second ? o->samples_per_second : 10;
}

enum err
worker_new(struct datapath *dp, const struct worker_options *options, struct worker **result,
           struct diag *diag)
{
    struct worker *w = xcalloc(1, sizeof *w);
    w->dp = dp;
    w->options = *options;
    set_defaults(&w->options);
    w->punts = (struct bucket_limit){w->options.punts_per_second, w->options.punts_per_second, 0};
    w->samples = (struct bucket_limit){w->options.samples_per_second, w->options.samples_per_second,
                                       0};
    w->pool = packet_pool_new(w->options.n_packets, w->options.n_jumbo);
    struct pipeline_sink sink = {on_send, on_punt, on_local, on_dropped, w};
    w->pipeline = pipeline_new(dp, &sink, w->options.cache_size);
    ring_init(&w->commands, RING_OCTETS);
    ring_init(&w->records, RING_OCTETS);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum err err = carrier_open(&w->carrier, diag);
    if (!err)
        err = watch(w, w->event_fd, &w->event_fd, diag);
    if (!err)
        err = watch(w, carrier_fd(w->carrier), &w->carrier, diag);
    if (err) {
        worker_free(w);
        return err;
    }
    *result = w;
    return ERR_OK;
}

void
worker_free(struct worker *w)
{
    if (!w)
        return;
    if (w->started) {
        uint64_t one = 1;
        atomic_store_explicit(&w->stop, true, memory_order_release);
        if (write(w->event_fd, &one, sizeof one) < 0) { /* it wakes every second anyway */
        }
        pthread_join(w->thread, NULL);
    }
    for (uint32_t i = 0; i < w->n_ports; i++) {
        discard_queues(w, w->ports[i]);
        port_close(w->ports[i]->io);
        free(w->ports[i]);
    }
    carrier_close(w->carrier);
    close(w->epoll_fd);
    close(w->event_fd);
    ring_fini(&w->commands);
    ring_fini(&w->records);
    pipeline_free(w->pipeline);
    packet_pool_free(w->pool);
    free(w);
}

enum err
worker_add_port(struct worker *w, struct edge_port *port, const struct port_options *options,
                struct diag *diag)
{
    if (w->n_ports == MAX_PORTS)
        return diag_set(diag, ERR_LIMIT, "at most %d ports", MAX_PORTS);
    struct port_io *io;
    enum err err = port_open(options, w->pool, &io, diag);
    if (err)
        return err;
    struct worker_port *wp = xcalloc(1, sizeof *wp);
    wp->port = port;
    wp->io = io;
    wp->ifindex = port_ifindex(io);
    wp->restore_at = NSEC_NEVER;
    err = watch(w, port_fd(io), wp, diag);
    if (err) {
        port_close(io);
        free(wp);
        return err;
    }
    atomic_store_explicit(&port->mtu, port_frame_max(io), memory_order_relaxed);
    w->ports[w->n_ports++] = wp;
    if (port->number < MAX_PORTS)
        w->port_index[port->number] = w->n_ports;
    return ERR_OK;
}

enum err
worker_start(struct worker *w, struct diag *diag)
{
    int error = pthread_create(&w->thread, NULL, run, w);
    if (error)
        return diag_set(diag, ERR_IO, "thread: %s", strerror(error));
    w->started = true;
    return ERR_OK;
}

const char *
worker_port_driver(const struct worker *w, uint32_t number)
{
    struct worker_port *wp = find_port(w, number);
    return wp ? port_driver(wp->io) : NULL;
}

bool
worker_port_is_isolated(const struct worker *w, uint32_t number, const char **why)
{
    struct worker_port *wp = find_port(w, number);
    return wp && port_is_isolated(wp->io, why);
}

void
worker_port_counters(const struct worker *w, uint32_t number, struct port_counters *counters)
{
    struct worker_port *wp = find_port(w, number);
    *counters = (struct port_counters){0};
    if (wp)
        *counters = (struct port_counters){counter_get(&wp->counters.rx_lost),
                                           counter_get(&wp->counters.rx_no_buffer),
                                           counter_get(&wp->counters.tx_refused)};
}

void
worker_get_stats(const struct worker *w, struct pipeline_stats *stats)
{
    pipeline_get_stats(w->pipeline, stats);
}

void
worker_set_wait_to_restore(struct worker *w, nsec_t wait)
{
    atomic_store_explicit(&w->wait_to_restore, wait, memory_order_relaxed);
}

void
worker_release_port(struct worker *w, uint32_t number)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct edge_port *port = w->ports[i]->port;
        if ((number == PORT_ANY || port->number == number) &&
            atomic_load_explicit(&port->up, memory_order_acquire))
            atomic_store_explicit(&port->live, true, memory_order_release);
        if (!atomic_load_explicit(&port->up, memory_order_seq_cst)) /* it went down meanwhile */
            atomic_store_explicit(&port->live, false, memory_order_release);
    }
}

enum err
worker_inject(struct worker *w, const struct injection *in)
{
    uint32_t actions_size = in->actions->n * (uint32_t)sizeof *in->actions->list;
    uint64_t one = 1;
    if (in->size > PACKET_ROOM || in->actions->n > 4096)
        return ERR_LIMIT;
    struct command *c = ring_reserve(&w->commands, (uint32_t)sizeof *c + actions_size + in->size);
    if (!c)
        return ERR_BUSY;
    *c = (struct command){in->in_port, in->size, in->actions->n, in->tx_token, in->stamp_offset};
    uint8_t *at = (uint8_t *)(c + 1);
    if (actions_size)
        memcpy(at, in->actions->list, actions_size);
    memcpy(at + actions_size, in->frame, in->size);
    ring_commit(&w->commands);
    if (write(w->event_fd, &one, sizeof one) < 0) { /* the counter is high: it will wake */
    }
    return ERR_OK;
}

void
worker_settle(struct worker *w)
{
    while (w->started && !ring_is_empty(&w->commands))
        sched_yield();
}

static void
deliver_punt(const struct record *r, const struct worker_handler *h)
{
    struct flow_key key = {.metadata = to_be64(r->metadata), .tunnel_id = to_be64(r->tunnel_id)};
    struct punt p = {.key = &key,
                     .reason = r->reason,
                     .max_len = r->max_len,
                     .table_id = r->table_id,
                     .cookie = r->cookie};
    h->punt(h->arg, &p, r->frame, r->size, r->total_size, r->in_port);
}

bool
worker_drain(struct worker *w, const struct worker_handler *h)
{
    uint32_t size;
    struct record *r;
    for (unsigned n = 0; (r = ring_peek(&w->records, &size)); n++) {
        if (n == RECORDS_PER_TURN)
            return true;
        switch (r->kind) {
        case RECORD_PUNT:
            deliver_punt(r, h);
            break;
        case RECORD_LOCAL:
            h->local(h->arg, r->frame, r->size, r->in_port, r->time, r->kernel_time);
            break;
        case RECORD_DROP:
            h->dropped(h->arg, r->frame, r->size, r->in_port, r->reason);
            break;
        case RECORD_TX_STAMP:
            h->transmitted(h->arg, r->token, r->time);
            break;
        case RECORD_PORT:
            h->port_changed(h->arg, r->port);
            break;
        }
        ring_release(&w->records);
    }
    return false;
}
