/* frame_tap.h - all frames of an interface, read and never written: for somebody who only listens,
 * at a mirror port.
 *
 *   packet  AF_PACKET, any interface. Hears what the host itself gets and sends there as well, and
 *           takes nothing away from it.
 *   xdp     AF_XDP, all receive queues: what comes in there, which then goes nowhere else. For an
 *           interface that the host does not use. Its sockets have no way to send.
 *   erspan  no interface but an IPv4 address of the host, where switches send what they mirror. */
#ifndef IO_FRAME_TAP_H
#define IO_FRAME_TAP_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_tap_choice { FRAME_TAP_PACKET, FRAME_TAP_XDP, FRAME_TAP_ERSPAN };

struct frame_tap_options {
    enum frame_tap_choice driver;
    size_t memory;    /* octets for frames that wait; 0: 32 MiB; xdp: 64, at least 8 a queue */
    uint32_t wait_ms; /* packet: a block that is not full is given after that; 0: 10 */
};

/* Valid during the call it is given in. */
struct tapped_frame {
    const uint8_t *data; /* with its VLAN tags, without FCS */
    uint32_t size, wire; /* octets that are there, and that there were */
    nsec_t time;         /* wall clock: when the kernel had it; xdp, where it could not stamp it:
                            when it was read; erspan: when the kernel here had it */
    const char *source;  /* erspan: "10.255.0.11 port 3", valid until the tap is closed; NULL: more
                            than can be told apart, or the interface itself */
};

struct frame_tap; /* One thread's. */

/* Sets the interface promiscuous as long as it is open. Needs CAP_NET_RAW; xdp CAP_NET_ADMIN and
 * CAP_BPF as well, and as much memory as may be locked (RLIMIT_MEMLOCK). xdp turns off that the
 * device takes VLAN tags off, until it is closed. ERR_NOT_FOUND: no such interface; ERR_DENIED;
 * ERR_INVALID: it is not Ethernet; ERR_BUSY: xdp, see frame_tap_is_welcome(), or another program or
 * socket is there; ERR_UNSUPPORTED; ERR_IO. */
MUST_CHECK enum err frame_tap_open(const char *interface /* erspan: address */,
                                   const struct frame_tap_options *, struct frame_tap **,
                                   struct diag *);
void frame_tap_close(struct frame_tap *); /* NULL is fine */
/* "AF_PACKET", "AF_XDP, copy mode, 2 queues" */
const char *frame_tap_text(const struct frame_tap *);
int frame_tap_fd(const struct frame_tap *); /* readable when there is something to read */

/* Gives the frames of at most `blocks` blocks, those of the ring, or (xdp) of 1024 frames each.
 * Returns how many blocks there were. It ends in any case when all is given that there was room for
 * at once. */
unsigned frame_tap_read(struct frame_tap *, unsigned blocks,
                        void (*)(void *arg, const struct tapped_frame *), void *arg);

struct frame_tap_counters {
    uint64_t frames, dropped; /* that came, of which there was no room for so many */
};
void frame_tap_count(struct frame_tap *, struct frame_tap_counters *);

/* False: the interface is gone; what has its name now is another one. */
bool frame_tap_is_there(const struct frame_tap *);
/* False: the host has begun to use the interface, whose frames the tap takes away; `why` says how.
 * To be asked once in a while. */
bool frame_tap_is_welcome(const struct frame_tap *, struct diag *why);

#endif
