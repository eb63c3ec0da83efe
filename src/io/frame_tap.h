/* frame_tap.h - all frames of an interface, read and never written: a ring of blocks that the
 * kernel fills (packet(7), TPACKET_V3). For somebody who only listens, at a mirror port. */
#ifndef IO_FRAME_TAP_H
#define IO_FRAME_TAP_H

#include "base/err.h"
#include "base/time.h"

#include <stddef.h>
#include <stdint.h>

struct frame_tap_options {
    size_t memory;    /* octets of the ring; 0: 32 MiB */
    uint32_t wait_ms; /* a block that is not full is given after that; 0: 10 */
};

/* Valid during the call it is given in. */
struct tapped_frame {
    const uint8_t *data; /* with its VLAN tags, without FCS */
    uint32_t size, wire; /* octets that are there, and that there were */
    nsec_t time;         /* wall clock: when the kernel had it */
};

struct frame_tap; /* One thread's. */

/* Sets the interface promiscuous as long as it is open. Needs CAP_NET_RAW. ERR_NOT_FOUND: no such
 * interface; ERR_DENIED; ERR_INVALID: it is not Ethernet; ERR_IO. */
MUST_CHECK enum err frame_tap_open(const char *interface, const struct frame_tap_options *,
                                   struct frame_tap **, struct diag *);
void frame_tap_close(struct frame_tap *);   /* NULL is fine */
int frame_tap_fd(const struct frame_tap *); /* readable when a block is ready */

/* Gives the frames of at most `blocks` blocks. Returns how many blocks there were. */
unsigned frame_tap_read(struct frame_tap *, unsigned blocks,
                        void (*)(void *arg, const struct tapped_frame *), void *arg);

struct frame_tap_counters {
    uint64_t frames, dropped; /* that came, of which there was no room for so many */
};
void frame_tap_count(struct frame_tap *, struct frame_tap_counters *);

#endif
