/* reflector.h - the kernel sends frames of one kind back to where they came from, in the interrupt
 * that brings them: whoever asks is answered in time, however busy the node's own threads are.
 *
 * It is a program at the interface's traffic control hook (ingress), in front of what isolates a
 * port (io/isolation.h), and one at egress that lets the answers pass. A frame is a request if its
 * octet `at` is `request`; that becomes `reply`, and the source the interface's own address. Others
 * of the kind go no further than to the sockets that have seen them before (frame_socket.h). The
 * kernel answers only while this process says now and then that it is there. */
#ifndef IO_REFLECTOR_H
#define IO_REFLECTOR_H

#include "base/time.h"
#include "io/frame_socket.h"

#include <stdint.h>

struct reflector;

struct reflector_config {
    struct frame_kind kind;
    uint32_t identifier; /* the four octets behind the EtherType */
    uint8_t at;          /* offset in the frame of the octet that tells them apart; below 60 */
    uint8_t request, reply;
    nsec_t patience; /* without reflector_touch() */
};

/* Needs CAP_NET_ADMIN and CAP_BPF. ERR_NOT_FOUND, ERR_DENIED, ERR_UNSUPPORTED, ERR_IO. */
MUST_CHECK enum err reflector_open(const char *interface, const struct reflector_config *,
                                   struct reflector **, struct diag *);
/* The answers end. NULL is fine. */
void reflector_close(struct reflector *);
/* This process is there, at monotonic time `now`. One store; any thread. NULL is fine. */
void reflector_touch(struct reflector *, nsec_t now);

#endif
