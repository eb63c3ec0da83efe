#include "edge/worker_private.h"

#include "base/alloc.h"

#include <stdlib.h>

static void
set_defaults(struct worker_options *o)
{
    o->n_workers = o->n_workers ? o->n_workers : 1;
    o->n_packets = o->n_packets ? o->n_packets : 8192;
    o->n_jumbo = o->n_jumbo ? o->n_jumbo : 256;
    o->cache_size = o->cache_size ? o->cache_size : 65536;
    o->punts_per_second = o->punts_per_second ? o->punts_per_second : 1000;
    o->samples_per_second = o->samples_per_second ? o->samples_per_second : 10;
}

enum err
workers_new(struct datapath *dp, const struct worker_options *options, struct workers **result,
            struct diag *diag)
{
    struct workers *all = xcalloc(1, sizeof *all);
    all->dp = dp;
    all->options = *options;
    set_defaults(&all->options);
    if (all->options.n_workers > WORKERS_MAX) {
        free(all);
        return diag_set(diag, ERR_LIMIT, "at most %d workers", WORKERS_MAX);
    }
    all->punts.cost = NSEC_PER_SEC / all->options.punts_per_second;
    all->samples.cost = NSEC_PER_SEC / all->options.samples_per_second;
    all->n = all->options.n_workers;
    all->ptp = ptp_node_new(&all->options.ptp);
    datapath_set_lanes(dp, all->n);
    for (unsigned i = 0; i < all->n; i++) {
        enum err err = worker_new(all, i, &all->list[i], diag);
        if (err) {
            workers_free(all);
            return err;
        }
    }
    *result = all;
    return ERR_OK;
}

void
workers_end_threads(struct workers *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        if (all->list[i] && all->list[i]->started) {
            atomic_store_explicit(&all->list[i]->stop, true, memory_order_release);
            worker_wake(all->list[i]);
        }
    }
    for (unsigned i = 0; i < all->n; i++) {
        if (all->list[i] && all->list[i]->started) {
            pthread_join(all->list[i]->thread, NULL);
            all->list[i]->started = false;
        }
    }
}

void
workers_free(struct workers *all)
{
    if (!all)
        return;
    workers_end_threads(all);
    for (unsigned i = 0; i < all->n; i++)
        worker_free(all->list[i]);
    ptp_node_free(all->ptp);
    free(all);
}

enum err
workers_add_port(struct workers *all, unsigned worker, struct edge_port *port,
                 const struct port_options *options, struct diag *diag)
{
    struct port_io *io;
    if (all->n_ports == MAX_PORTS)
        return diag_set(diag, ERR_LIMIT, "at most %d ports", MAX_PORTS);
    if (worker >= all->n)
        return diag_set(diag, ERR_INVALID, "there is no worker %u", worker);
    enum err err = port_open(options, all->list[worker]->pool, &io, diag);
    if (!err)
        err = worker_add_port(all->list[worker], port, io, diag);
    if (!err)
        all->n_ports++;
    return err;
}

enum err
workers_start(struct workers *all, struct diag *diag)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < all->n && !err; i++)
        err = worker_start(all->list[i], diag);
    return err;
}

/* ---- What can be asked and told ---- */

bool
workers_are_realtime(const struct workers *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        if (!all->list[i]->realtime)
            return false;
    }
    return true;
}

struct worker_port *
workers_find_port(const struct workers *all, uint32_t number)
{
    for (unsigned i = 0; i < all->n; i++) {
        const struct worker *w = all->list[i];
        for (uint32_t k = 0; k < w->n_ports; k++) {
            if (w->ports[k]->port->number == number)
                return w->ports[k];
        }
    }
    return NULL;
}

unsigned
workers_count(const struct workers *all)
{
    return all->n;
}

unsigned
workers_port_owner(const struct workers *all, uint32_t number)
{
    struct worker_port *wp = workers_port(all, number);
    return wp ? wp->owner->index : 0;
}

const char *
workers_port_driver(const struct workers *all, uint32_t number)
{
    struct worker_port *wp = workers_port(all, number);
    return wp ? port_driver(wp->io) : NULL;
}

bool
workers_port_is_isolated(const struct workers *all, uint32_t number, const char **why)
{
    struct worker_port *wp = workers_port(all, number);
    return wp && port_is_isolated(wp->io, why);
}

void
workers_port_counters(const struct workers *all, uint32_t number, struct port_counters *counters)
{
    struct worker_port *wp = workers_port(all, number);
    *counters = (struct port_counters){0};
    if (wp)
        *counters = (struct port_counters){counter_get(&wp->counters.rx_lost),
                                           counter_get(&wp->counters.rx_no_buffer),
                                           counter_get(&wp->counters.tx_refused)};
}

const struct ptp_node *
workers_ptp(const struct workers *all)
{
    return all->ptp;
}

void
workers_set_taps(struct workers *all, struct tap *const *taps)
{
    for (unsigned i = 0; i < all->n; i++)
        pipeline_set_tap(all->list[i]->pipeline, taps ? taps[i] : NULL);
}

void
workers_get_stats(const struct workers *all, struct pipeline_stats *sum)
{
    *sum = (struct pipeline_stats){0};
    for (unsigned i = 0; i < all->n; i++) {
        struct pipeline_stats one;
        pipeline_get_stats(all->list[i]->pipeline, &one);
        sum->packets += one.packets;
        sum->hits += one.hits;
        sum->misses += one.misses;
        sum->uncacheable += one.uncacheable;
    }
}

void
workers_set_wait_to_restore(struct workers *all, nsec_t wait)
{
    atomic_store_explicit(&all->wait_to_restore, wait, memory_order_relaxed);
}

static void
release_port(struct edge_port *port)
{
    if (atomic_load_explicit(&port->up, memory_order_acquire))
        atomic_store_explicit(&port->live, true, memory_order_release);
    if (!atomic_load_explicit(&port->up, memory_order_seq_cst)) /* it went down meanwhile */
        atomic_store_explicit(&port->live, false, memory_order_release);
}

void
workers_release_port(struct workers *all, uint32_t number)
{
    for (unsigned i = 0; i < all->n; i++) {
        for (uint32_t k = 0; k < all->list[i]->n_ports; k++) {
            struct edge_port *port = all->list[i]->ports[k]->port;
            if (number == PORT_ANY || port->number == number)
                release_port(port);
        }
    }
}
