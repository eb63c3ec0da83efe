/* port_driver.h - what a driver of io/port.h provides. */
#ifndef IO_PORT_DRIVER_H
#define IO_PORT_DRIVER_H

#include "io/hardware_stamps.h"
#include "io/isolation.h"
#include "io/port.h"

struct port_tap; /* an interface of the port's own: port_kernel.c */
void port_tap_close(struct port_tap *, bool leave); /* NULL is fine. */
int port_tap_fd(const struct port_tap *);           /* -1 for NULL */

struct port_io {
    const struct port_driver *driver;
    struct packet_pool *pool;
    char interface[16];
    char name[160];     /* what port_driver() says */
    char name_xsk[184]; /* and while it sends by AF_XDP, too */
    _Atomic bool sends_by_xsk;
    unsigned ifindex;
    unsigned up_ifindex; /* where frames are taken from, if not there; else 0 */
    uint32_t number;
    struct mac mac;
    bool tx_timestamps, asked_stamp;
    struct hardware_stamps hardware_stamps;
    int fd;
    int control_fd; /* any socket, for ioctls */
    struct port_counters counters;
    bool down;                   /* a frame was refused for that, in this call of send() */
    int claim_fd;                /* -1: none */
    struct port_tap *tap;        /* the kernel driver's; NULL: none */
    struct isolation *isolation; /* NULL: none */
    struct diag not_isolated;    /* why */
    bool foreign, owns_hook;     /* another process owns the interface; what it said of the hook */
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

extern const struct port_driver port_driver_packet, port_driver_xdp, port_driver_kernel;

/* The packet driver's open(), which takes frames from interface `from` and sends by options' own.
 */
enum err port_packet_open_from(const struct port_options *, unsigned from, struct port_io **,
                               struct diag *);
/* What the packet driver has to do at port_own(). */
void port_packet_own(struct port_io *);
/* Of the next frame in its ring. */
uint32_t port_packet_position(const struct port_io *);
void port_packet_set_position(struct port_io *, uint32_t);
/* The kernel driver's open(). */
enum err port_kernel_open(const struct port_options *, struct port_io **, struct diag *);

/* Writes the wall clock where the packet asks for it (packet.stamp_offset), just before it leaves:
 * 32 bits of seconds and 32 of nanoseconds, the PTP truncated format of RFC 8762 section 4.2.1. */
void port_stamp(struct packet *);

/* Up and with carrier, as far as the kernel says without waiting for a lock. An interface that is
 * being set down refuses frames as a full one does (ENOBUFS, EBUSY), before anybody is told. */
bool port_is_running(const struct port_io *);

#endif
