/* port.h - raw Ethernet frames to and from a network interface.
 *
 * Drivers:
 *   packet  AF_PACKET: a ring in, sendmmsg() out, or AF_XDP where an exclusive port can. Any
 *           interface. Hosts' offloads (partial checksums, segments up to 64 KiB) come through and
 *           are passed on.
 *   xdp     AF_XDP with a program of our own on the interface. Zero-copy where the device can;
 *           copy mode otherwise, which on virtual interfaces is slower than `packet`.
 *   auto    xdp if it is zero-copy, else packet; why is said in `port_driver()`.
 *   kernel  a program in the kernel forwards; what it leaves to us comes by an interface of the
 *           port's own, and is sent as by `packet`.
 *
 * One thread per port. Frames are without FCS and with their VLAN tags where the wire has them. */
#ifndef IO_PORT_H
#define IO_PORT_H

#include "io/frame_socket.h"
#include "packet/packet.h"

/* What a port of another process consists of, when it is handed over: descriptors, -1 where there
 * is none. Frames that wait in its socket go along, so none is lost, doubled or passes another. */
struct port_parts {
    int socket, claim, tap;
    bool owns_hook; /* of isolation.h */
};
#define PORT_PARTS_FORMAT 1 /* raised when a socket's options or its ring change */

enum port_choice { PORT_DRIVER_AUTO, PORT_DRIVER_PACKET, PORT_DRIVER_XDP, PORT_DRIVER_KERNEL };

struct port_options {
    const char *interface;
    uint32_t number; /* becomes packet.in_port */
    enum port_choice driver;
    bool tx_timestamps;   /* report when packets with a tx_token left */
    bool exclusive;       /* nobody else's: see port_is_isolated() */
    bool hardware_stamps; /* packet: also by the card's own clock, where it has one */
    /* The kernel driver's: BPF programs (type SCHED_CLS) for what comes in by the interface, and
     * for what goes out by it other than by port_send(). What comes in goes nowhere else; it can
     * redirect a frame to port_up_ifindex(). */
    int program_in, program_out;
    const struct frame_kind *aside; /* frames that do not come by the port; NULL: none */
    /* Taken over, of the same interface and driver: the descriptors are the port's if port_open()
     * succeeds, and the port leaves all that is the interface's own as it is until port_own().
     * NULL: it is opened anew. */
    const struct port_parts *parts;
};

struct port_io;

/* Opens the interface and sets it promiscuous. Needs CAP_NET_RAW, and for xdp and to be
 * exclusive CAP_NET_ADMIN and CAP_BPF. May wait up to two seconds for a queue that was just closed.
 * ERR_NOT_FOUND: no such interface; ERR_DENIED; ERR_BUSY: another process has it as exclusive, or,
 * xdp, another program or socket is there; ERR_UNSUPPORTED: xdp, several receive queues; ERR_IO. */
MUST_CHECK enum err port_open(const struct port_options *, struct packet_pool *, struct port_io **,
                              struct diag *);
void port_close(struct port_io *); /* NULL is fine. */

/* The descriptors stay the port's. ERR_UNSUPPORTED: this driver cannot hand over. */
MUST_CHECK enum err port_get_parts(const struct port_io *, struct port_parts *, struct diag *);
/* The new owner: keeps the kernel's stack away itself, by its own programs. ERR_* as port_open().
 */
MUST_CHECK enum err port_own(struct port_io *, const struct port_options *, struct diag *);
/* Where it goes on reading, for the new owner, while nobody reads. */
uint32_t port_position(const struct port_io *);
void port_set_position(struct port_io *, uint32_t);
bool port_is_foreign(const struct port_io *); /* not owned, since or until then */
/* The old owner: port_close() will leave the interface as it is. */
void port_disown(struct port_io *);

/* "packet", "xdp copy", "xdp zero-copy"; after "auto", why: "packet (AF_XDP: no zero-copy on this
 * interface)"; then, if it does so now: "packet, sends by AF_XDP". Valid until port_close(); any
 * thread's. */
const char *port_driver(const struct port_io *);
/* Readable when frames wait; EPOLLERR and, of AF_PACKET, EPOLLPRI when transmit timestamps do. */
int port_fd(const struct port_io *);
unsigned port_ifindex(const struct port_io *);
/* The kernel driver's interface by which frames come to us; 0: it has none. */
unsigned port_up_ifindex(const struct port_io *);
/* Largest frame it can send, octets without FCS: the interface's MTU and 18. Asked anew each time.
 */
uint32_t port_frame_max(const struct port_io *);
void port_mac(const struct port_io *, struct mac *);

/* Takes up to `max` frames; each has one reference, in_port, and its time of arrival. */
unsigned port_receive(struct port_io *, struct packet **, unsigned max);
/* Sends up to `n` frames; the references of those it took (the first ones, as many as it returns)
 * are gone. Fewer: the interface has no room now. A frame the kernel refuses counts as taken. */
unsigned port_send(struct port_io *, struct packet **, unsigned n);
/* The last port_send() was refused frames because the interface is down. The kernel says so to
 * whoever sends some time before it tells it by netlink. */
bool port_was_down(const struct port_io *);
/* Transmit timestamps that have come back: the kernel's, or, of packets that ask for it with
 * PACKET_TOKEN_PTP, the card's too, which comes by itself and later. */
struct port_tx_stamp {
    uint32_t token;
    nsec_t wall;     /* 0: not this one */
    nsec_t hardware; /* by the card's own clock; 0 likewise */
};
/* Whether there will be any; and which clock the card has (N of /dev/ptpN), -1: none is used. */
bool port_has_tx_stamps(const struct port_io *);
int port_hardware_clock(const struct port_io *);
/* Whether a packet that asks for one was sent since this was last called. */
bool port_asked_stamp(struct port_io *);
unsigned port_tx_stamps(struct port_io *, struct port_tx_stamp *, unsigned max);

struct port_counters {
    uint64_t rx_lost; /* the kernel had no room for them */
    uint64_t rx_no_buffer;
    uint64_t tx_refused; /* the kernel refused to send them */
};
void port_get_counters(struct port_io *, struct port_counters *);

/* Of an exclusive port: no other process has it as an exclusive one, and the kernel's own stack
 * neither gets frames of this interface nor sends any by it: no answer to ARP, ping or anything
 * else that should come from the node's addresses, no neighbour discovery. False: not asked for, or
 * the kernel cannot keep its stack away; `why` (may be NULL) says so in words. */
bool port_is_isolated(const struct port_io *, const char **why);

#endif
