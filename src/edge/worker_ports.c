#include "edge/worker_private.h"

#include "base/alloc.h"
#include "edge/heartbeat_node.h"
#include "io/clock.h"

#include <stdlib.h>

#define BURSTS_PER_TURN 8
#define STAMP_PATIENCE (50 * NSEC_PER_MSEC)
#define UP_PATIENCE NSEC_PER_MSEC

enum err
worker_add_port(struct worker *w, struct edge_port *port, struct port_io *io, struct diag *diag)
{
    struct worker_port *wp = xcalloc(1, sizeof *wp);
    wp->owner = w;
    wp->port = port;
    wp->io = io;
    wp->ifindex = port_ifindex(io);
    wp->restore_at = NSEC_NEVER;
    scheduler_init(&wp->scheduler, NULL);
    enum err err = worker_watch(w, port_fd(io), wp, diag);
    if (!err && port_up_ifindex(io))
        err = fast_path_add_port(w->all->options.fast, port, wp->ifindex, port_up_ifindex(io),
                                 diag);
    if (err) {
        port_close(io);
        free(wp);
        return err;
    }
    atomic_store_explicit(&port->mtu, port_frame_max(io), memory_order_relaxed);
    if (w->ptp)
        wp->ptp_port = ptp_worker_add_port(w->ptp, port, io);
    w->ports[w->n_ports++] = wp;
    if (port->number < MAX_PORTS)
        w->all->by_number[port->number] = wp;
    return ERR_OK;
}

/* ---- Ports up and down ---- */

static void
set_live(struct worker_port *wp)
{
    wp->restore_at = NSEC_NEVER;
    atomic_store_explicit(&wp->port->live, true, memory_order_release);
}

static void
set_up(struct worker *w, struct worker_port *wp, bool up)
{
    nsec_t wait = atomic_load_explicit(&w->all->wait_to_restore, memory_order_relaxed);
    if (!up)
        atomic_store_explicit(&wp->port->live, false, memory_order_release);
    atomic_store_explicit(&wp->port->up, up, memory_order_release);
    wp->restore_at = NSEC_NEVER;
    if (!up)
        worker_discard_queues(w, wp);
    else if (wait == 0 || !wp->known)
        set_live(wp);
    else if (wait > 0)
        wp->restore_at = w->now + wait;
    wp->known = true;
    worker_tell_port(w, wp->port);
}

void
worker_on_carrier(void *arg, const struct carrier_event *e)
{
    struct worker *w = arg;
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        if (wp->ifindex != e->ifindex)
            continue;
        atomic_store_explicit(&wp->port->mtu, port_frame_max(wp->io), memory_order_relaxed);
        if (atomic_load_explicit(&wp->port->up, memory_order_relaxed) != e->up)
            set_up(w, wp, e->up);
    }
}

void
worker_port_lost(struct worker *w, struct worker_port *wp)
{
    if (atomic_load_explicit(&wp->port->up, memory_order_relaxed))
        set_up(w, wp, false);
}

void
worker_restore_ports(struct worker *w)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        if (wp->restore_at <= w->now && atomic_load_explicit(&wp->port->up, memory_order_relaxed)) {
            set_live(wp);
            worker_tell_port(w, wp->port);
        }
    }
}

/* ---- In ---- */

void
worker_poll_heartbeats(struct worker *w)
{
    struct heartbeat_node *heartbeats = w->all->options.heartbeats;
    if (heartbeats && w->index == 0)
        w->now = heartbeat_node_poll(heartbeats, w->now);
}

/* What the kernel's fast path has handed up is here when as many frames have come. Some may have
 * been lost on the way: what has not come for a while does not come any more. */
static void
settle(struct worker_port *wp, uint64_t n, nsec_t now)
{
    struct edge_port *port = wp->port;
    if (!port_up_ifindex(wp->io))
        return;
    uint64_t sent = counter_get(&port->up_sent),
             done = atomic_load_explicit(&port->up_done, memory_order_relaxed) + n;
    if (n || sent == done || sent != wp->up.sent) {
        wp->up.sent = sent;
        wp->up.since = now;
    } else if (now - wp->up.since > UP_PATIENCE) {
        done = sent;
    } else {
        return;
    }
    atomic_store_explicit(&port->up_done, done, memory_order_release);
}

void
worker_read_port(struct worker *w, struct worker_port *wp)
{
    struct packet *vector[VECTOR_SIZE];
    for (unsigned burst = 0; burst < BURSTS_PER_TURN; burst++) {
        uint64_t octets = 0;
        unsigned n = port_receive(wp->io, vector, VECTOR_SIZE), came = n;
        if (!n) {
            settle(wp, 0, w->now);
            return;
        }
        for (unsigned i = 0; i < n; i++)
            octets += vector[i]->size;
        counter_add(&wp->port->rx.packets, n);
        counter_add(&wp->port->rx.octets, octets);
        w->n_received += n;
        w->now = clock_monotonic();
        if (w->ptp)
            n = ptp_worker_receive(w->ptp, wp->ptp_port, vector, n, w->now);
        pipeline_receive(w->pipeline, vector, n, w->now);
        worker_flush_ports(w);
        settle(wp, came, w->now);
        worker_poll_heartbeats(w);
        qsbr_quiescent(&w->dp->qsbr, w->index);
    }
}

void
worker_read_stamps(struct worker *w, struct worker_port *wp)
{
    struct port_tx_stamp stamps[16];
    unsigned n;
    while ((n = port_tx_stamps(wp->io, stamps, ARRAY_SIZE(stamps)))) {
        for (unsigned i = 0; i < n; i++) {
            if (w->ptp && ptp_worker_stamp(w->ptp, wp->ptp_port, &stamps[i]))
                continue;
            struct record *r = worker_new_record(w, RECORD_TX_STAMP, NULL, 0);
            if (!r)
                return;
            r->token = stamps[i].token;
            r->time = stamps[i].wall;
            worker_publish(w);
        }
    }
}

void
worker_read_ports(struct worker *w)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        if (port_asked_stamp(wp->io))
            wp->stamps_until = w->now + STAMP_PATIENCE;
        if (w->now < wp->stamps_until)
            worker_read_stamps(w, wp);
        worker_read_port(w, wp);
        if (w->inbox)
            worker_take_handed(w);
    }
}

/* ---- Counters ---- */

void
worker_count_losses(struct worker *w)
{
    for (uint32_t i = 0; i < w->n_ports; i++) {
        struct worker_port *wp = w->ports[i];
        struct port_counters c;
        worker_take_scheduling(wp);
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
