#include "edge/worker_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_OCTETS (1u << 20)

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

/* What an epoll event is about: a pointer to the worker's own member, or a port. */
static void
handle_event(struct worker *w, const struct epoll_event *event)
{
    if (event->data.ptr == &w->event_fd) {
        uint64_t count;
        if (read(w->event_fd, &count, sizeof count) < 0) { /* another turn */
        }
        worker_run_commands(w);
    } else if (event->data.ptr == &w->carrier) {
        carrier_read(w->carrier, worker_on_carrier, w);
    } else {
        if (event->events & EPOLLERR)
            worker_read_stamps(w, event->data.ptr);
        worker_read_port(w, event->data.ptr);
    }
}

static void
every_second(struct worker *w)
{
    w->next_second = w->now + NSEC_PER_SEC;
    worker_count_losses(w);
    if (w->options.fast)
        fast_path_alive(w->options.fast, w->now);
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
        worker_restore_ports(w);
        worker_flush_ports(w);
        if (w->now >= w->next_second)
            every_second(w);
        worker_end_turn(w);
    }
    qsbr_offline(&w->dp->qsbr, 0);
    return NULL;
}

enum err
worker_watch(struct worker *w, int fd, void *what, struct diag *diag)
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
    o->cache_size = o->cache_size ? o->cache_size : 65536;
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
    struct pipeline_sink sink = {worker_on_send, worker_on_punt, worker_on_local, worker_on_dropped,
                                 w};
    w->pipeline = pipeline_new(dp, &sink, w->options.cache_size);
    if (w->options.fast)
        pipeline_set_fast_path(w->pipeline, w->options.fast);
    ring_init(&w->commands, RING_OCTETS);
    ring_init(&w->records, RING_OCTETS);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum err err = carrier_open(&w->carrier, diag);
    if (!err)
        err = worker_watch(w, w->event_fd, &w->event_fd, diag);
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
    if (w->started) {
        uint64_t one = 1;
        atomic_store_explicit(&w->stop, true, memory_order_release);
        if (write(w->event_fd, &one, sizeof one) < 0) { /* it wakes every second anyway */
        }
        pthread_join(w->thread, NULL);
    }
    for (uint32_t i = 0; i < w->n_ports; i++) {
        worker_discard_queues(w, w->ports[i]);
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
worker_start(struct worker *w, struct diag *diag)
{
    int error = pthread_create(&w->thread, NULL, run, w);
    if (error)
        return diag_set(diag, ERR_IO, "thread: %s", strerror(error));
    w->started = true;
    return ERR_OK;
}

void
worker_get_stats(const struct worker *w, struct pipeline_stats *stats)
{
    pipeline_get_stats(w->pipeline, stats);
}
