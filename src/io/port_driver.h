/* port_driver.h - what a driver of io/port.h provides. */
#ifndef IO_PORT_DRIVER_H
#define IO_PORT_DRIVER_H

#include "io/isolation.h"
#include "io/port.h"

struct port_io {
    const struct port_driver *driver;
    struct packet_pool *pool;
    char interface[16];
    char name[160]; /* what port_driver() says */
    unsigned ifindex;
    uint32_t number;
    struct mac mac;
    bool tx_timestamps;
    int fd;
    int control_fd; /* any socket, for ioctls */
    struct port_counters counters;
    int claim_fd;                /* -1: none */
    struct isolation *isolation; /* NULL: none */
    struct diag not_isolated;    /* why */
};

struct port_driver {
    /* Sets up what is behind the common part, which is filled in. */
    enum err (*open)(const struct port_options *, struct port_io **, struct diag *);
    void (*close)(struct port_io *);
    unsigned (*receive)(struct port_io *, struct packet **, unsigned max);
    unsigned (*send)(struct port_io *, struct packet **, unsigned n);
    unsigned (*tx_stamps)(struct port_io *, struct port_tx_stamp *, unsigned max);
    void (*update_counters)(struct port_io *);
};

extern const struct port_driver port_driver_packet, port_driver_xdp;

/* Writes the wall clock where the packet asks for it (packet.stamp_offset), just before it leaves:
 * 32 bits of seconds and 32 of nanoseconds, the PTP truncated format of RFC 8762 section 4.2.1. */
void port_stamp(struct packet *);

#endif
