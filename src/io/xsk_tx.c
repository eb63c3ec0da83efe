/* What is said here about the kernel is of its copy mode (net/xdp/xsk.c, __xsk_generic_xmit()): a
 * call of sendto() gives one frame after another to the device, before it returns. It stops at a
 * frame for which the device has no room (EAGAIN), which stays on the ring, or that the device or
 * the lack of carrier refuses (EBUSY), which is gone; and at once if the interface is down
 * (ENETDOWN). How far it came it tells, in most versions, only when it has reached the ring's end.
 *
 * So a batch is put on the ring only when that is empty, and what the kernel leaves there is made
 * invalid: it skips and counts that, and from its count we know how far it had come. */
#include "io/xsk_tx.h"

#include "base/alloc.h"
#include "io/interface.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 32u /* what the kernel sends in one call, at most */
#define N_FRAMES 1024u
#define RING_SIZE 64u
#define SOCKET_BUFFER (8 << 20)
#define NOWHERE UINT64_MAX /* no frame: makes a descriptor invalid */

struct xsk_sender {
    struct xsk_tx tx;
    struct xsk_socket *socket;
    char interface[16];
    bool unsettled;             /* of the last batch it is not known what became of it */
    uint32_t batch, batch_size; /* where on the ring */
    uint64_t frames[BATCH];     /* of an unsettled batch */
    uint64_t n_invalid;         /* by the kernel's count */
};

/* ---- The half that sends ---- */

int
xsk_tx_open(struct xsk_tx *tx, uint32_t n_frames, uint32_t n_tx, uint32_t frame_size)
{
    *tx = (struct xsk_tx){.free = xcalloc(n_tx, sizeof *tx->free)};
    for (uint32_t i = 0; i < n_tx; i++)
        tx->free[tx->n_free++] = (uint64_t)(n_frames - 1 - i) * frame_size;
    return xsk_memory_open(&tx->memory, n_frames, frame_size, MAX(n_frames - n_tx, RING_SIZE),
                           n_tx);
}

void
xsk_tx_close(struct xsk_tx *tx)
{
    xsk_memory_close(&tx->memory);
    free(tx->free);
}

void
xsk_tx_collect(struct xsk_tx *tx)
{
    struct xsk_memory *m = &tx->memory;
    uint32_t at = 0;
    unsigned n = xsk_ring_cons__peek(&m->completion, m->n_frames, &at);
    for (unsigned i = 0; i < n; i++) {
        uint64_t place = *xsk_ring_cons__comp_addr(&m->completion, at + i);
        if (place < (uint64_t)m->n_frames * m->frame_size)
            tx->free[tx->n_free++] = place / m->frame_size * m->frame_size;
    }
    if (n)
        xsk_ring_cons__release(&m->completion, n);
}

bool
xsk_tx_queue(struct xsk_tx *tx, struct packet *const *packets, uint32_t n, uint32_t *first)
{
    uint32_t at = 0;
    if (tx->n_free < n || xsk_ring_prod__reserve(&tx->ring, n, &at) != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t frame = tx->free[--tx->n_free];
        memcpy(xsk_umem__get_data(tx->memory.area, frame), packets[i]->data, packets[i]->size);
        *xsk_ring_prod__tx_desc(&tx->ring, at + i) = (struct xdp_desc){.addr = frame,
                                                                       .len = packets[i]->size};
    }
    xsk_ring_prod__submit(&tx->ring, n);
    if (first)
        *first = at;
    return true;
}

/* ---- A socket that only sends ---- */

struct xsk_sender *
xsk_sender_open(const char *interface)
{
    /* virtio_net sends the frame from our own memory, and may call it gone before it is. */
    if (interface_queues(interface, false) != 1 || interface_has_driver(interface, "virtio_net"))
        return NULL;
    struct xsk_sender *s = xcalloc(1, sizeof *s);
    snprintf(s->interface, sizeof s->interface, "%s", interface);
    if (!xsk_tx_open(&s->tx, N_FRAMES, N_FRAMES, XSK_SENDER_FRAME_MAX))
        return s;
    xsk_sender_close(s);
    return NULL;
}

void
xsk_sender_close(struct xsk_sender *s)
{
    if (!s)
        return;
    if (s->socket)
        xsk_socket__delete(s->socket);
    xsk_tx_close(&s->tx);
    free(s);
}

enum err
xsk_sender_bind(struct xsk_sender *s)
{
    const struct xsk_socket_config config = {
        .tx_size = RING_SIZE,
        .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
        .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
    };
    int size = SOCKET_BUFFER;
    int result = xsk_socket__create(&s->socket, s->interface, 0, s->tx.memory.umem, NULL,
                                    &s->tx.ring, &config);
    if (result) {
        s->socket = NULL;
        return result == -EBUSY ? ERR_BUSY : ERR_UNSUPPORTED;
    }
    /* Without it fewer may be under way. */
    (void)setsockopt(xsk_socket__fd(s->socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return ERR_OK;
}

static int
transmit(struct xsk_sender *s)
{
    return sendto(xsk_socket__fd(s->socket), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

/* How many of the batch the kernel says it has taken from the ring. */
static uint32_t
told_taken(const struct xsk_sender *s)
{
    return __atomic_load_n(s->tx.ring.consumer, __ATOMIC_ACQUIRE) - s->batch;
}

static bool
is_ring_empty(const struct xsk_sender *s)
{
    return told_taken(s) == s->batch_size;
}

static void
make_invalid(struct xsk_sender *s)
{
    for (uint32_t i = 0; i < s->batch_size; i++) {
        struct xdp_desc *desc = xsk_ring_prod__tx_desc(&s->tx.ring, s->batch + i);
        s->frames[i] = desc->addr;
        desc->addr = NOWHERE; /* which some versions complete, too */
    }
}

/* Takes back what the kernel has left of the last batch, and tells how many it has not left. False:
 * it does not say, as the interface is down; until it does there is nothing more to send here. */
static bool
settle(struct xsk_sender *s, unsigned *taken)
{
    struct xdp_statistics stats;
    socklen_t size = sizeof stats;
    if (!s->unsettled)
        make_invalid(s);
    s->unsettled = true;
    /* Some versions skip one in a call, and tell with the next how far they are. */
    for (uint32_t i = 0; i <= s->batch_size && !is_ring_empty(s) && !transmit(s); i++)
        ;
    if (!is_ring_empty(s) ||
        getsockopt(xsk_socket__fd(s->socket), SOL_XDP, XDP_STATISTICS, &stats, &size))
        return false;
    uint32_t left = MIN((uint32_t)(stats.tx_invalid_descs - s->n_invalid), s->batch_size);
    s->n_invalid = stats.tx_invalid_descs;
    s->unsettled = false;
    *taken = s->batch_size - left;
    for (uint32_t i = *taken; i < s->batch_size; i++)
        s->tx.free[s->tx.n_free++] = s->frames[i];
    return true;
}

unsigned
xsk_sender_send(struct xsk_sender *s, struct packet *const *packets, unsigned n)
{
    unsigned taken;
    if (s->unsettled && !settle(s, &taken))
        return 0;
    xsk_tx_collect(&s->tx);
    n = MIN(n, MIN(s->tx.n_free, BATCH));
    if (!n || !xsk_tx_queue(&s->tx, packets, n, &s->batch))
        return 0;
    s->batch_size = n;
    int result = transmit(s);
    if (!result && is_ring_empty(s))
        return n;
    /* An interface that goes down in the midst of it does not let us ask; recent versions have told
     * already, as soon as a frame has left. */
    uint32_t told = told_taken(s);
    if (!settle(s, &taken))
        taken = told;
    return result == -EBUSY && taken ? taken - 1 : taken;
}
