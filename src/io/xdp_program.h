/* xdp_program.h - a program at an interface that gives what comes in there to AF_XDP sockets, one
 * at each receive queue, with the time of its arrival.
 *
 * It runs in native mode if the driver has it, in generic mode otherwise. It is attached by a link,
 * which goes with its descriptor: a process that is killed leaves nothing behind. */
#ifndef IO_XDP_PROGRAM_H
#define IO_XDP_PROGRAM_H

#include "base/time.h"
#include "io/frame_socket.h"

#include <xdp/xsk.h>

struct xdp_program {
    int program_fd, map_fd, link_fd;
};
#define XDP_PROGRAM_NONE ((struct xdp_program){-1, -1, -1})

/* What comes to a queue that has no socket goes on into the kernel, as do frames of the kind
 * `aside` (NULL: none). Needs CAP_NET_ADMIN and CAP_BPF. ERR_BUSY: another program is there;
 * ERR_DENIED; ERR_UNSUPPORTED; ERR_IO; xdp_program_detach() either way. */
MUST_CHECK enum err xdp_program_attach(struct xdp_program *, const char *interface,
                                       unsigned n_queues, const struct frame_kind *aside,
                                       struct diag *);
void xdp_program_detach(struct xdp_program *);
/* From now on the socket gets what comes to its queue. */
MUST_CHECK enum err xdp_program_add(const struct xdp_program *, const char *interface,
                                    struct xsk_socket *, struct diag *);

/* When a frame came, which the program has stamped, by the wall clock. `now` if it could not, and
 * `stamped` is false. */
nsec_t xdp_program_time(const uint8_t *frame, nsec_t now, nsec_t tai_offset, bool *stamped);

#endif
