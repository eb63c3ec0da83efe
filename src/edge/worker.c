#include "edge/worker_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RING_OCTETS (1u << 20)
/* What it may cost to put this thread to sleep and to wake it, here and at whoever wakes it: as
 * long as the next frame may be expected sooner it is cheaper, and faster, to stay awake. */
#define LINGER (20 * NSEC_PER_USEC)

/* Seconds have a timer of their own: to sleep with a time limit costs programming the clock anew
 * each time. */
static nsec_t
next_deadline(const struct worker *w)
{
    nsec_t deadline = NSEC_NEVER;
    for (uint32_t i = 0; i < w->n_dirty; i++)
        deadline = MIN(deadline, w->dirty[i]->send_at);
    for (uint32_t i = 0; i < w->n_ports; i++)
        deadline = MIN(deadline, w->ports[i]->restore_at);
    if (w->ptp)
        deadline = MIN(deadline, ptp_worker_deadline(w->ptp));
    return deadline;
}

static void
every_second(struct worker *w)
{
    worker_count_losses(w);
    if (w->all->options.fast)
        fast_path_alive(w->all->options.fast, w->index, w->now);
}

/* What an epoll event is about: a pointer to the worker's own member, or a port. */
static void
handle_event(struct worker *w, const struct epoll_event *event)
{
    if (event->data.ptr == &w->event_fd) {
        uint64_t count;
        if (read(w->event_fd, &count, sizeof count) < 0) { /* another turn */
        }
        worker_run_commands(w);
    } else if (event->data.ptr == &w->second_fd) {
        uint64_t count;
        if (read(w->second_fd, &count, sizeof count) > 0)
            every_second(w);
    } else if (event->data.ptr == &w->carrier) {
        carrier_read(w->carrier, worker_on_carrier, w);
    } else {
        if (event->events & EPOLLERR)
            worker_read_stamps(w, event->data.ptr);
        worker_read_port(w, event->data.ptr);
        if (w->inbox)
            worker_take_handed(w);
    }
}

static int
sleep_for_events(struct worker *w, struct epoll_event *events, int max)
{
    nsec_t deadline = next_deadline(w);
    if (w->inbox) {
        atomic_store_explicit(&w->asleep, true, memory_order_relaxed);
        /* Whoever hands over after this sees that we sleep; we see what was handed before. */
        atomic_thread_fence(memory_order_seq_cst);
        if (worker_is_handed(w))
            deadline = 0;
    }
    nsec_t wait = MAX(deadline - clock_monotonic(), 0);
    struct timespec timeout = {wait / NSEC_PER_SEC, wait % NSEC_PER_SEC};
    int n = epoll_pwait2(w->epoll_fd, events, max, deadline == NSEC_NEVER ? NULL : &timeout, NULL);
    if (w->inbox)
        atomic_store_explicit(&w->asleep, false, memory_order_relaxed);
    return n;
}

/* Looks for events as long as it may be worth it; `w->now` is then the time. */
static int
linger_for_events(struct worker *w, struct epoll_event *events, int max, nsec_t begin)
{
    int n;
    do {
        n = epoll_wait(w->epoll_fd, events, max, 0);
        w->now = clock_monotonic();
    } while (n == 0 && w->now - begin < LINGER && w->now < next_deadline(w) &&
             !(w->inbox && worker_is_handed(w)));
    return n;
}

/* Waits for events, and for the next deadline at most. */
static int
wait_for_events(struct worker *w, struct epoll_event *events, int max)
{
    nsec_t begin = clock_monotonic();
    bool spins = w->all->options.busy_poll;
    qsbr_offline(&w->dp->qsbr, w->index);
    int n = spins             ? epoll_wait(w->epoll_fd, events, max, 0)
            : w->gap < LINGER ? linger_for_events(w, events, max, begin)
                              : 0;
    if (n == 0 && !spins)
        n = sleep_for_events(w, events, max);
    qsbr_online(&w->dp->qsbr, w->index);
    w->now = clock_monotonic();
    w->gap += (MIN(w->now - begin, 8 * LINGER) - w->gap) / 8;
    return n;
}

static void
name_thread(const struct worker *w)
{
    char name[16] = "packets";
    if (w->all->n > 1)
        snprintf(name, sizeof name, "packets-%u", w->index);
    pthread_setname_np(pthread_self(), name);
}

static void *
run(void *arg)
{
    struct worker *w = arg;
    name_thread(w);
    prctl(PR_SET_TIMERSLACK, 1); /* a shaped port's frames leave when they are due */
    w->now = clock_monotonic();
    every_second(w);
    while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
        struct epoll_event events[64];
        int n = wait_for_events(w, events, ARRAY_SIZE(events));
        for (int i = 0; i < n; i++) { /* first of all: which ports are up */
            if (events[i].data.ptr == &w->carrier)
                handle_event(w, &events[i]);
        }
        worker_poll_heartbeats(w);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr != &w->carrier)
                handle_event(w, &events[i]);
        }
        if (w->inbox)
            worker_take_handed(w);
        worker_restore_ports(w);
        if (w->ptp)
            ptp_worker_run(w->ptp, w->now);
        worker_flush_ports(w);
        worker_end_turn(w);
    }
    qsbr_offline(&w->dp->qsbr, w->index);
    return NULL;
}

void
worker_wake(struct worker *w)
{
    uint64_t one = 1;
    if (write(w->event_fd, &one, sizeof one) < 0) { /* the counter is high: it will wake */
    }
}

enum err
worker_watch(struct worker *w, int fd, void *what, struct diag *diag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event))
        return diag_set(diag, ERR_IO, "epoll: %s", strerror(errno));
    return ERR_OK;
}

static nsec_t
read_clock(void *arg UNUSED)
{
    return clock_monotonic();
}

enum err
worker_new(struct workers *all, unsigned index, struct worker **result, struct diag *diag)
{
    const struct worker_options *o = &all->options;
    const struct itimerspec second = {{1, 0}, {1, 0}};
    struct worker *w = NULL;
    if (posix_memalign((void **)&w, _Alignof(struct worker), sizeof *w))
        abort();
    memset(w, 0, sizeof *w);
    w->all = all;
    w->index = index;
    w->dp = all->dp;
    w->gap = 8 * LINGER;
    w->pool = packet_pool_new(o->n_packets, o->n_jumbo);
    bool shared = o->fast || o->n_workers > 1;
    const struct pipeline_sink sink = {.send = worker_on_send,
                                       .punt = worker_on_punt,
                                       .local = worker_on_local,
                                       .dropped = worker_on_dropped,
                                       .clock = shared ? read_clock : NULL,
                                       .arg = w};
    w->pipeline = pipeline_new(all->dp, &sink, o->cache_size);
    pipeline_set_lane(w->pipeline, index);
    if (o->fast)
        pipeline_set_fast_path(w->pipeline, o->fast);
    w->ptp = ptp_worker_new(all->ptp, &(struct ptp_worker_io){w->dp, w->pool, worker_on_send, w});
    ring_init(&w->commands, RING_OCTETS);
    ring_init(&w->records, RING_OCTETS);
    worker_handover_init(w);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->second_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    timerfd_settime(w->second_fd, 0, &second, NULL);
    enum err err = carrier_open(&w->carrier, diag);
    if (!err)
        err = worker_watch(w, w->event_fd, &w->event_fd, diag);
    if (!err)
        err = worker_watch(w, w->second_fd, &w->second_fd, diag);
    if (!err)
        err = worker_watch(w, carrier_fd(w->carrier), &w->carrier, diag);
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
    for (uint32_t i = 0; i < w->n_ports; i++) {
        worker_discard_queues(w, w->ports[i]);
        port_close(w->ports[i]->io);
        free(w->ports[i]);
    }
    carrier_close(w->carrier);
    close(w->epoll_fd);
    close(w->event_fd);
    close(w->second_fd);
    worker_handover_fini(w);
    ring_fini(&w->commands);
    ring_fini(&w->records);
    pipeline_free(w->pipeline);
    ptp_worker_free(w->ptp);
    packet_pool_free(w->pool);
    free(w);
}

enum err
worker_start(struct worker *w, struct diag *diag)
{
    atomic_store_explicit(&w->stop, false, memory_order_relaxed);
    int error = thread_start(&w->thread, w->all->options.priority, run, w, &w->realtime);
    if (error)
        return diag_set(diag, ERR_IO, "thread: %s", strerror(error));
    w->started = true;
    return ERR_OK;
}
