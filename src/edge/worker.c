#include "edge/worker_private.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RING_OCTETS (1u << 20)
/* To be woken by a frame costs as much as forwarding several, here and at whoever brings it. Where
 * frames come closer together than POLL_BELOW, nobody wakes this thread for one: it
 * sleeps for NAP and takes all that have come meanwhile, as a network card's interrupts are
 * moderated. */
#define POLL_BELOW (20 * NSEC_PER_USEC)
#define NAP (50 * NSEC_PER_USEC)
#define MANY 64 /* in a turn, and more may be there by now */
/* So many naps in a row that found a frame at the most: there are not many, or each waits for an
 * answer to the one before. It lets itself be woken again, and goes on with that for a while. */
#define POOR_NAPS 4
#define WOKEN_FOR (20 * NSEC_PER_MSEC)
/* A thread of real-time priority that never sleeps is stopped by the kernel for 50 ms in each
 * second, all at once. So it leaves others a little more than these 5 %, in small pieces: when it
 * has been awake for AWAKE, a part in AWAKE_PARTS of that. */
#define AWAKE (200 * NSEC_PER_USEC)
#define AWAKE_PARTS 12

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

/* Whether the ports' frames wake the thread. To be told of them again can fail for want of memory:
 * then it goes on looking, and tries again. */
static void
set_polling(struct worker *w, bool polls)
{
    bool failed = false;
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = w->ports[i]};
        int error = epoll_ctl(w->epoll_fd, polls ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
                              port_fd(w->ports[i]->io), &event);
        failed |= !polls && error && errno != EEXIST;
    }
    w->polls = polls || failed;
}

/* How far apart the frames of the turn that ends were; what follows from it. */
static void
choose_polling(struct worker *w, nsec_t now)
{
    if (w->n_received) {
        nsec_t interval = (now - w->counted_at) / w->n_received;
        w->interval += (MIN(interval, 8 * POLL_BELOW) - w->interval) / 8;
        w->counted_at = now;
    }
    w->n_poor = w->polls && w->n_received <= 1 ? w->n_poor + 1 : 0;
    if (!w->polls && (w->all->options.busy_poll ||
                      (w->interval < POLL_BELOW && now - w->woken_since > WOKEN_FOR))) {
        set_polling(w, true);
    } else if (w->polls && !w->all->options.busy_poll &&
               (w->interval > 2 * POLL_BELOW || w->n_poor >= POOR_NAPS)) {
        w->interval = 8 * POLL_BELOW;
        w->woken_since = now;
        set_polling(w, false);
    }
}

static int
sleep_for_events(struct worker *w, struct epoll_event *events, int max, nsec_t deadline)
{
    bool may_be_handed = w->inbox && !w->polls;
    if (may_be_handed) {
        atomic_store_explicit(&w->asleep, true, memory_order_relaxed);
        /* Whoever hands over after this sees that we sleep; we see what was handed before. */
        atomic_thread_fence(memory_order_seq_cst);
        if (worker_is_handed(w))
            deadline = 0;
    }
    nsec_t wait = clock_left(deadline);
    const struct timespec timeout = {wait / NSEC_PER_SEC, wait % NSEC_PER_SEC};
    int n = epoll_pwait2(w->epoll_fd, events, max, deadline == NSEC_NEVER ? NULL : &timeout, NULL);
    if (may_be_handed)
        atomic_store_explicit(&w->asleep, false, memory_order_relaxed);
    return n;
}

/* How long it sleeps before it looks again, if nothing else ends that. */
static nsec_t
rest_of(const struct worker *w, nsec_t now)
{
    if (!w->polls)
        return NSEC_NEVER;
    if (w->breathes && now - w->awake_since > AWAKE)
        return (now - w->awake_since) / AWAKE_PARTS;
    return w->all->options.busy_poll || w->n_received >= MANY ? 0 : NAP;
}

/* Waits for events, and for the next deadline at most. */
static int
wait_for_events(struct worker *w, struct epoll_event *events, int max)
{
    nsec_t begin = clock_monotonic();
    choose_polling(w, begin);
    nsec_t rest = rest_of(w, begin), deadline = rest ? next_deadline(w) : 0;
    w->n_received = 0;
    qsbr_offline(&w->dp->qsbr, w->index);
    int n = rest == 0
                ? epoll_wait(w->epoll_fd, events, max, 0)
                : sleep_for_events(w, events, max,
                                   rest == NSEC_NEVER ? deadline : MIN(begin + rest, deadline));
    qsbr_online(&w->dp->qsbr, w->index);
    w->now = clock_monotonic();
    if (rest) /* and what it has slept for others it is not tired of */
        w->awake_since = MIN(w->now, w->awake_since + (AWAKE_PARTS + 1) * (w->now - begin));
    return n;
}

/* The kernel's limit is on both policies. */
static bool
has_real_time(void)
{
    int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    return policy == SCHED_FIFO || policy == SCHED_RR;
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
    w->breathes = has_real_time();
    prctl(PR_SET_TIMERSLACK, 1); /* a shaped port's frames leave when they are due */
    w->now = w->counted_at = w->awake_since = clock_monotonic();
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
        if (w->polls)
            worker_read_ports(w);
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
    w->interval = 8 * POLL_BELOW;
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
