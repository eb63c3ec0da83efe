#include "edge/worker_private.h"

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
worker_on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct worker *w = arg;
    struct worker_port *wp = port->number < MAX_PORTS && w->port_index[port->number]
                                 ? w->ports[w->port_index[port->number] - 1]
                                 : worker_find_port(w, port->number);
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
count_sent(struct edge_port *port, unsigned class, unsigned n, uint64_t octets)
{
    counter_add(&port->tx.packets, n);
    counter_add(&port->tx.octets, octets);
    counter_add(&port->queues[class].packets, n);
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
        uint64_t octets = 0;
        for (unsigned i = 0; i < sent; i++) {
            octets += sizes[i];
            if (rate)
                wp->due = MAX(wp->due, w->now) + wire_time(sizes[i], rate);
        }
        count_sent(wp->port, class, sent, octets);
        q->head += sent;
        wp->n_queued -= sent;
        if (sent < n) {
            wp->send_at = w->now + RETRY;
            return false;
        }
    }
    return true;
}

void
worker_flush_ports(struct worker *w)
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

void
worker_discard_queues(struct worker *w, struct worker_port *wp)
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
