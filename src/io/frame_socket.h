/* frame_socket.h - one kind of frames of an interface, apart from all others: for a protocol of the
 * link itself, whose frames must neither wait behind what is forwarded nor be forwarded. A port of
 * the same interface (io/port.h) leaves them alone if it is told so (port_options.aside). */
#ifndef IO_FRAME_SOCKET_H
#define IO_FRAME_SOCKET_H

#include "packet/addr.h"

#include <stddef.h>

/* Untagged frames with this destination and EtherType. */
struct frame_kind {
    struct mac destination;
    uint16_t type;
    /* Those whose octet at this offset has this value are nobody's: their socket does not get them
     * either, because the kernel answers them (reflector.h). 0: there are none. */
    uint8_t unheard_at, unheard;
};

struct frame_socket; /* One thread's. */

/* Needs CAP_NET_RAW. ERR_NOT_FOUND: no such interface; ERR_DENIED; ERR_IO. */
MUST_CHECK enum err frame_socket_open(const char *interface, const struct frame_kind *,
                                      struct frame_socket **, struct diag *);
void frame_socket_close(struct frame_socket *); /* NULL is fine. */
int frame_socket_fd(const struct frame_socket *);
/* Takes a frame that waits, or its first `room` octets. 0: none waits. */
size_t frame_socket_receive(struct frame_socket *, uint8_t *frame, size_t room);
/* Past the queues of the kernel, at once. ERR_BUSY: no room; ERR_CLOSED: the interface is down or
 * gone; ERR_IO. */
MUST_CHECK enum err frame_socket_send(struct frame_socket *, const uint8_t *frame, size_t size);

/* Lets an AF_PACKET socket have only frames of this kind, or (`only` false) all others. */
MUST_CHECK enum err frame_kind_filter(int fd, const struct frame_kind *, bool only, struct diag *);

#endif
