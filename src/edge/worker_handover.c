/* From the worker that decides about a packet to the one whose port it leaves by: a ring for each
 * pair. The frame is copied twice, into the ring and into a packet of the other's pool, because
 * packets of a pool are one thread's; a pool that several threads gave back to would cost every
 * packet, not only those that change hands. */
#include "edge/worker_private.h"

#include <sched.h>
#include <stdlib.h>

#define HANDOVER_OCTETS (1u << 19) /* several frames of 64 KiB, or 2,400 of 64 octets */
#define TAKEN_PER_TURN 256u        /* from each worker */

struct handover {
    struct worker_port *port;
    unsigned queue;
    struct packet packet; /* what is beside the frame */
    uint8_t frame[];
};

void
worker_handover_init(struct worker *w)
{
    if (w->all->n == 1)
        return;
    if (posix_memalign((void **)&w->inbox, _Alignof(struct ring), w->all->n * sizeof *w->inbox))
        abort();
    for (unsigned i = 0; i < w->all->n; i++)
        ring_init(&w->inbox[i], HANDOVER_OCTETS);
}

void
worker_handover_fini(struct worker *w)
{
    for (unsigned i = 0; w->inbox && i < w->all->n; i++)
        ring_fini(&w->inbox[i]);
    free(w->inbox);
}

/* Where the other worker does not keep up: the last sixteenth of the ring is the highest queue's,
 * the one before it that of the two highest, and so on; the lowest has 9 sixteenths. */
static struct handover *
reserve(struct ring *ring, unsigned queue, uint32_t size)
{
    if (ring_used(ring) > ring->size / 16 * (9 + queue))
        return NULL;
    return ring_reserve(ring, (uint32_t)sizeof(struct handover) + size);
}

void
worker_hand_over(struct worker *w, struct worker_port *wp, unsigned queue, struct packet *p)
{
    struct ring *ring = &wp->owner->inbox[w->index];
    struct handover *h = reserve(ring, queue, p->size);
    if (!h) {
        worker_drop_outgoing(w, wp->port, queue, DROP_HANDOVER_FULL);
        worker_tap(w, p, wp->port->number, DROP_HANDOVER_FULL);
    } else {
        worker_tap(w, p, wp->port->number, DROP_NONE);
        h->port = wp;
        h->queue = queue;
        h->packet = *p;
        memcpy(h->frame, p->data, p->size);
        ring_commit(ring);
    }
    w->handed |= 1u << wp->owner->index;
}

void
worker_tell_others(struct worker *w)
{
    atomic_thread_fence(memory_order_seq_cst); /* as in wait_for_events() */
    for (; w->handed; w->handed &= w->handed - 1) {
        struct worker *other = w->all->list[__builtin_ctz(w->handed)];
        if (atomic_load_explicit(&other->asleep, memory_order_relaxed) &&
            atomic_exchange_explicit(&other->asleep, false, memory_order_relaxed))
            worker_wake(other);
    }
}

/* The port may have gone down, or been taken out of use, since it was decided. */
static void
take(struct worker *w, struct handover *h)
{
    struct edge_port *port = h->port->port;
    if (!atomic_load_explicit(&port->up, memory_order_relaxed)) {
        worker_drop_outgoing(w, port, h->queue, DROP_PORT_DOWN);
        return;
    }
    h->packet.data = h->frame;
    struct packet *p = packet_copy_into(w->pool, &h->packet);
    if (!p) {
        worker_drop_outgoing(w, port, h->queue, DROP_NO_BUFFER);
        return;
    }
    worker_enqueue(w, h->port, h->queue, p);
    packet_unref(p);
}

void
worker_take_handed(struct worker *w)
{
    for (unsigned i = 0; i < w->all->n; i++) {
        struct handover *h;
        uint32_t size;
        for (unsigned n = 0; n < TAKEN_PER_TURN && (h = ring_peek(&w->inbox[i], &size)); n++) {
            take(w, h);
            ring_release(&w->inbox[i]);
        }
    }
    worker_flush_ports(w);
}

bool
worker_is_handed(struct worker *w)
{
    for (unsigned i = 0; i < w->all->n; i++) {
        if (!ring_is_empty(&w->inbox[i]))
            return true;
    }
    return false;
}

void
workers_settle_handover(struct workers *all)
{
    if (all->n == 1 || !all->list[all->n - 1]->started)
        return;
    qsbr_synchronize(&all->dp->qsbr); /* what was on its way through a pipeline is handed over */
    for (unsigned i = 0; i < all->n; i++) {
        for (unsigned k = 0; k < all->n; k++) {
            struct ring *ring = &all->list[i]->inbox[k];
            uint32_t position = ring_position(ring);
            while (!ring_is_past(ring, position))
                sched_yield();
        }
    }
}
