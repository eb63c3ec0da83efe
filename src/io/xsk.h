/* xsk.h - what every AF_XDP socket here is made of: memory that it shares with the kernel, and a
 * place at a queue of an interface. What comes in there it gets by a program (xdp_program.h); what
 * it sends is xsk_tx.h's. */
#ifndef IO_XSK_H
#define IO_XSK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <xdp/xsk.h>

/* The kernel writes behind so many octets of a frame: room for a program's metadata. */
#define XSK_HEADROOM 256u

struct xsk_memory {
    struct xsk_umem *umem;
    uint8_t *area;
    uint32_t n_frames, frame_size;
    struct xsk_ring_prod fill;       /* frames that the kernel may receive in */
    struct xsk_ring_cons completion; /* frames that it has sent */
};

/* Powers of two; `n_fill` and `n_completion` are the sizes of the rings. Returns 0 or a negative
 * error number, -ENOBUFS: so much may not be locked in memory; xsk_memory_close() either way. */
MUST_CHECK int xsk_memory_open(struct xsk_memory *, uint32_t n_frames, uint32_t frame_size,
                               uint32_t n_fill, uint32_t n_completion);
void xsk_memory_close(struct xsk_memory *); /* after its socket; one that is all 0 is fine */
/* The frame with that octet is the kernel's again, to receive in. */
void xsk_give_back(struct xsk_memory *, uint64_t address);

struct xsk_place {
    const char *interface;
    unsigned queue;
    struct xsk_memory *memory;
    struct xsk_ring_cons *rx;
    struct xsk_ring_prod *tx; /* NULL: the socket cannot send */
    uint32_t ring_size;       /* of both */
};

/* Zero-copy where the device can, else copy mode. The kernel needs a moment to let go of a queue
 * whose socket was closed: waits up to two seconds for that. ERR_BUSY: another socket has it;
 * ERR_DENIED; ERR_UNSUPPORTED; ERR_IO. */
MUST_CHECK enum err xsk_open(const struct xsk_place *, struct xsk_socket **, bool *is_zero_copy,
                             struct diag *);
/* Gives the kernel what it needs to go on, where it waits for that. */
void xsk_wake_receiver(struct xsk_socket *, struct xsk_memory *);
/* Frames that came to the socket and found no room, or were too large. */
uint64_t xsk_lost(int fd);

#endif
