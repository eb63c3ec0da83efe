#include "edge/worker_private.h"

#include "packet/segment.h"

#define RETRY (NSEC_PER_MSEC / 2) /* for an interface that had no room */

static void
mark_dirty(struct worker *w, struct worker_port *wp)
{
    if (!wp->dirty) {
        wp->dirty = true;
        w->dirty[w->n_dirty++] = wp;
    }
}

void
worker_drop_outgoing(struct worker *w, struct edge_port *port, unsigned queue,
                     enum drop_reason reason)
{
    counter_add(&w->dp->drops[reason], 1);
    counter_add(&port->queues[queue].dropped, 1);
    counter_add(&port->tx.dropped, 1);
}

/* ---- In ---- */

/* `mine`: decided by this worker, with a packet of the vector that it is about. */
static inline void
add_packet(struct worker *w, struct worker_port *wp, unsigned queue, struct packet *p, bool mine)
{
    bool added = scheduler_add(&wp->scheduler, queue, p);
    if (!added)
        worker_drop_outgoing(w, wp->port, queue, DROP_QUEUE_FULL);
    if (mine || !added)
        worker_tap(w, p, wp->port->number, added ? DROP_NONE : DROP_QUEUE_FULL);
}

/* A segment from a host's stack, at a port that keeps to rates: as the frames its sender meant. */
static void
add_segments(struct worker *w, struct worker_port *wp, unsigned queue, struct packet *p, bool mine)
{
    struct packet *segments[SEGMENTS_MAX];
    unsigned n = packet_segment(packet_ref(p), segments);
    if (!n)
        worker_drop_outgoing(w, wp->port, queue, DROP_NO_BUFFER);
    for (unsigned i = 0; i < n; i++) {
        add_packet(w, wp, queue, segments[i], mine);
        packet_unref(segments[i]);
    }
}

static inline void
enqueue(struct worker *w, struct worker_port *wp, unsigned queue, struct packet *p, bool mine)
{
    if (scheduler_has_rates(&wp->scheduler) && p->offload.gso_type)
        add_segments(w, wp, queue, p, mine);
    else
        add_packet(w, wp, queue, p, mine);
    if (!wp->dirty)
        mark_dirty(w, wp);
}

void
worker_enqueue(struct worker *w, struct worker_port *wp, unsigned queue, struct packet *p)
{
    enqueue(w, wp, queue, p, false);
}

void
worker_on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct worker *w = arg;
    struct worker_port *wp = workers_port(w->all, port->number);
    unsigned queue = p->queue < N_QUEUES ? p->queue : 0;
    if (!wp)
        worker_drop_outgoing(w, port, queue, DROP_QUEUE_FULL);
    else if (wp->owner == w)
        enqueue(w, wp, queue, p, true);
    else
        worker_hand_over(w, wp, queue, p);
}

/* ---- Out ---- */

void
worker_take_scheduling(struct worker_port *wp)
{
    const struct scheduler_config *c = atomic_load_explicit(&wp->port->scheduling,
                                                            memory_order_acquire);
    if (c && c->version != wp->scheduler.version)
        scheduler_configure(&wp->scheduler, c);
}

static void
count_sent(struct edge_port *port, unsigned queue, unsigned n, uint64_t octets)
{
    counter_add(&port->tx.packets, n);
    counter_add(&port->tx.octets, octets);
    counter_add(&port->queues[queue].packets, n);
    counter_add(&port->queues[queue].octets, octets);
}

/* A PTP message goes by itself, so that nothing is between it and its time: cuts the run before the
 * first one; true: that is the first of all, and the run. */
static bool
is_ptp(struct scheduler_run *run)
{
    unsigned n = 0;
    while (n < run->n && !ptp_frame_may_be(run->packets[n]))
        n++;
    run->n = MAX(n, 1);
    return n == 0;
}

/* What ptp_worker_send() took without sending it leaves the queue as if it had been. */
static unsigned
send_run(struct worker *w, struct worker_port *wp, struct scheduler_run *run)
{
    if (!w->ptp || !is_ptp(run))
        return port_send(wp->io, run->packets, run->n);
    enum ptp_sent sent = ptp_worker_send(w->ptp, wp->ptp_port, run->packets[0], w->now);
    if (sent == PTP_SENT)
        worker_read_stamps(w, wp);
    return sent != PTP_NO_ROOM;
}

static void
send_waiting(struct worker *w, struct worker_port *wp)
{
    struct scheduler_run run;
    while (scheduler_next(&wp->scheduler, w->now, &run, &wp->send_at)) {
        unsigned sent = send_run(w, wp, &run);
        uint64_t octets = 0;
        for (unsigned i = 0; i < sent; i++)
            octets += run.sizes[i];
        count_sent(wp->port, run.queue, sent, octets);
        scheduler_sent(&wp->scheduler, &run, sent, w->now);
        if (port_was_down(wp->io)) {
            worker_port_lost(w, wp);
            return;
        }
        if (sent < run.n) {
            wp->full_until = wp->send_at = w->now + RETRY;
            return;
        }
    }
}

void
worker_flush_ports(struct worker *w)
{
    uint32_t n = w->n_dirty;
    w->n_dirty = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct worker_port *wp = w->dirty[i];
        wp->dirty = false;
        worker_take_scheduling(wp);
        if (wp->full_until <= w->now)
            send_waiting(w, wp);
        if (wp->scheduler.waiting)
            mark_dirty(w, wp);
    }
    if (w->handed)
        worker_tell_others(w);
}

void
worker_discard_queues(struct worker *w, struct worker_port *wp)
{
    struct tap *tap = wp->scheduler.waiting ? pipeline_renew_tap(w->pipeline) : NULL;
    struct packet *p;
    while ((p = scheduler_discard(&wp->scheduler))) {
        counter_add(&w->dp->drops[DROP_PORT_DOWN], 1);
        counter_add(&wp->port->tx.dropped, 1);
        if (tap)
            tap_dropped(tap, p, DROP_PORT_DOWN, false);
        packet_unref(p);
    }
}
