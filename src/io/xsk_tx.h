/* xsk_tx.h - frames out of an interface by AF_XDP: the half of a socket that sends; and a socket
 * that does only that, for a driver that receives by other ways.
 *
 * Frames are copied into memory that the kernel shares. The memory of one is free again when the
 * kernel says that it is through with it (completion). */
#ifndef IO_XSK_TX_H
#define IO_XSK_TX_H

#include "io/xsk.h"
#include "packet/packet.h"

/* ---- The half that sends ---- */

struct xsk_tx {
    struct xsk_memory memory;  /* its fill ring is the caller's */
    struct xsk_ring_prod ring; /* the caller's until it has a socket */
    uint64_t *free;            /* where in the area those frames to send are that nobody has */
    uint32_t n_free;
};

/* `n_frames` of `frame_size` octets, of which the last `n_tx` are to send, the others the caller's;
 * powers of two. Returns 0 or a negative error number; xsk_tx_close() either way. */
MUST_CHECK int xsk_tx_open(struct xsk_tx *, uint32_t n_frames, uint32_t n_tx, uint32_t frame_size);
void xsk_tx_close(struct xsk_tx *); /* after its socket */
/* Takes back the frames that have gone. */
void xsk_tx_collect(struct xsk_tx *);
/* Puts frames on the ring, all, with the kernel still to be told; false: no room, none is. Each
 * fits a frame. `at`, unless NULL: of the first one's descriptor. */
bool xsk_tx_queue(struct xsk_tx *, struct packet *const *, uint32_t n, uint32_t *at);

/* ---- A socket that only sends ---- */

struct xsk_sender; /* One thread's. */
#define XSK_SENDER_FRAME_MAX 2048u

/* On queue 0 of the interface, in copy mode. NULL: it cannot be done there, or would be wrong: a
 * device with several transmit queues, among which the kernel chooses for other sockets' frames, or
 * one that may still read a frame after it is given back. */
struct xsk_sender *xsk_sender_open(const char *interface);
void xsk_sender_close(struct xsk_sender *); /* NULL is fine. */
/* Before anything is sent. ERR_BUSY: another socket has the queue; may be tried again, and may wait
 * for whoever changes the machine's interfaces just now. ERR_UNSUPPORTED: it will not work. */
MUST_CHECK enum err xsk_sender_bind(struct xsk_sender *);
/* Sends the first ones. Each is an Ethernet frame without offloads, no larger than the interface's
 * MTU allows and XSK_SENDER_FRAME_MAX; they stay the caller's. Returns how many have left when it
 * returns. The next one has not, whatever the reason: the caller sends it by another way and hears
 * from that. */
unsigned xsk_sender_send(struct xsk_sender *, struct packet *const *, unsigned n);

#endif
