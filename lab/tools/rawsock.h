/* rawsock.h - whole Ethernet frames to and from one interface (AF_PACKET), as they are on the wire:
 * a VLAN tag that the kernel keeps beside the data is put back into it.
 *
 * The lab's instruments do not use the packet I/O of the product: what they measure must not share
 * its mistakes. */
#ifndef LAB_TOOLS_RAWSOCK_H
#define LAB_TOOLS_RAWSOCK_H

#include "base/time.h"
#include "packet/addr.h"

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>

#define RAWSOCK_MAX_FRAME 65600 /* a segment as large as a host may hand over, with its header */

struct rawsock {
    int fd; /* -1: closed */
    unsigned ifindex;
    char interface[16];
    struct mac mac;
    bool offloads;
};

/* A received frame; `data` points into `buffer`. */
struct raw_frame {
    uint8_t *data;
    size_t size;
    nsec_t wall;                /* when the kernel got it */
    struct virtio_net_hdr vnet; /* with RAWSOCK_OFFLOADS: checksum to complete, segment to cut */
    uint8_t buffer[4 + RAWSOCK_MAX_FRAME];
};

enum {
    RAWSOCK_OFFLOADS = 1, /* frames come and go with the offloads a host leaves to its card */
    RAWSOCK_SEND_ONLY = 2,
};

/* Opens, sets the interface promiscuous and receives everything but what this host itself sends.
 * Non-blocking. ERR_NOT_FOUND: no such interface. ERR_DENIED: needs CAP_NET_RAW. */
MUST_CHECK enum err rawsock_open(struct rawsock *, const char *interface, unsigned flags,
                                 struct diag *);
void rawsock_close(struct rawsock *);

/* ERR_BUSY: nothing there. ERR_CLOSED: the interface is down; it may come back by itself.
 * ERR_NOT_FOUND: the interface has gone. */
MUST_CHECK enum err rawsock_receive(struct rawsock *, struct raw_frame *);
/* ERR_BUSY: no room now. ERR_CLOSED: the interface is down. ERR_LIMIT: larger than its MTU.
 * `vnet` may be NULL. */
MUST_CHECK enum err rawsock_send(struct rawsock *, const struct virtio_net_hdr *vnet,
                                 const void *frame, size_t size);

/* Sets the interface up or down. */
MUST_CHECK enum err interface_set_up(const char *interface, bool up, struct diag *);

#endif
