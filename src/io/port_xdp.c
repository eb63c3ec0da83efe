/* AF_XDP. One socket on queue 0 of the interface, and a program that gives it what comes in there
 * (xdp_program.h); zero-copy if the device can, copy mode otherwise.
 *
 * A host on the other end of a veth leaves checksums to be completed, and AF_XDP cannot tell which:
 * on veth a TCP or UDP checksum field that holds just the pseudo-header's sum is completed. (Native
 * mode also stops the peer's segmentation offload, in the kernel.) */
#include "io/port_driver.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/interface.h"
#include "io/xdp_program.h"
#include "io/xsk_tx.h"
#include "packet/checksum.h"
#include "packet/edit.h"
#include "packet/segment.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_SIZE 4096u
#define N_FRAMES 4096u /* half to receive, half to send */
#define RING_SIZE (N_FRAMES / 2)

struct xdp_port {
    struct port_io base;
    struct xsk_tx tx; /* N_FRAMES of FRAME_SIZE */
    struct xsk_socket *socket;
    struct xsk_ring_cons rx;
    struct xdp_program program;
    bool is_veth;
};

static struct xdp_port *
xdp_port(struct port_io *port)
{
    return CONTAINER_OF(port, struct xdp_port, base);
}

static enum err
create_socket(struct xdp_port *port, struct diag *diag)
{
    const struct xsk_place place = {.interface = port->base.interface,
                                    .memory = &port->tx.memory,
                                    .rx = &port->rx,
                                    .tx = &port->tx.ring,
                                    .ring_size = RING_SIZE};
    bool is_zero_copy;
    enum err err = xsk_open(&place, &port->socket, &is_zero_copy, diag);
    if (err)
        return err;
    snprintf(port->base.name, sizeof port->base.name, "xdp %s",
             is_zero_copy ? "zero-copy" : "copy");
    port->base.fd = xsk_socket__fd(port->socket);
    return xdp_program_add(&port->program, port->base.interface, port->socket, diag);
}

/* The socket is on queue 0: what the device spreads over others would be lost. */
static enum err
check_queues(struct xdp_port *port, struct diag *diag)
{
    unsigned n = interface_queues(port->base.interface, true);
    return n <= 1 ? ERR_OK
                  : diag_set(diag, ERR_UNSUPPORTED, "%s: AF_XDP needs one receive queue, not %u",
                             port->base.interface, n);
}

static enum err
open_memory(struct xdp_port *port, struct diag *diag)
{
    int result = xsk_tx_open(&port->tx, N_FRAMES, RING_SIZE, FRAME_SIZE);
    return result ? interface_fail(port->base.interface, "UMEM", -result, diag) : ERR_OK;
}

static void xdp_close(struct port_io *);

static enum err
set_up(struct xdp_port *port, const struct frame_kind *aside, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    memcpy(ifr.ifr_name, port->base.interface, sizeof ifr.ifr_name);
    port->base.control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (port->base.control_fd < 0 || ioctl(port->base.control_fd, SIOCGIFHWADDR, &ifr))
        return interface_fail(port->base.interface, "hardware address", errno, diag);
    memcpy(port->base.mac.octets, ifr.ifr_hwaddr.sa_data, 6);
    port->is_veth = interface_has_driver(port->base.interface, "veth");
    enum err err = check_queues(port, diag);
    if (!err)
        err = open_memory(port, diag);
    if (!err)
        err = xdp_program_attach(&port->program, port->base.interface, 1, aside, diag);
    if (!err)
        err = create_socket(port, diag);
    if (err)
        return err;
    for (uint32_t i = 0; i < RING_SIZE; i++)
        xsk_give_back(&port->tx.memory, (uint64_t)i * FRAME_SIZE);
    return ERR_OK;
}

static enum err
xdp_open(const struct port_options *o, struct port_io **result, struct diag *diag)
{
    struct xdp_port *port = xcalloc(1, sizeof *port);
    port->base = (struct port_io){
        .ifindex = if_nametoindex(o->interface), .number = o->number, .fd = -1, .control_fd = -1};
    port->program = XDP_PROGRAM_NONE;
    snprintf(port->base.interface, sizeof port->base.interface, "%s", o->interface);
    enum err err = set_up(port, o->aside, diag);
    if (err) {
        xdp_close(&port->base);
        return err;
    }
    *result = &port->base;
    return ERR_OK;
}

static void
xdp_close(struct port_io *io)
{
    struct xdp_port *port = xdp_port(io);
    if (port->socket)
        xsk_socket__delete(port->socket);
    xsk_tx_close(&port->tx);
    xdp_program_detach(&port->program);
    if (io->control_fd >= 0)
        close(io->control_fd);
    free(port);
}

/* On veth: a checksum its sender left to be completed holds the pseudo-header's folded sum. */
static void
guess_partial_checksum(struct packet *p)
{
    struct flow_key key;
    packet_parse(p, &key);
    uint16_t type = from_be16(key.eth_type);
    bool tcp = key.ip_proto == IP_PROTO_TCP, udp = key.ip_proto == IP_PROTO_UDP;
    if (p->layout.l4 == OFFSET_NONE || p->layout.fragment || (!tcp && !udp) ||
        (type != ETH_TYPE_IPV4 && type != ETH_TYPE_IPV6))
        return;
    const uint8_t *ip = p->data + p->layout.l3;
    bool v4 = type == ETH_TYPE_IPV4;
    uint32_t l4_size = v4 ? get_be16(ip + 2) - (uint32_t)(p->layout.l4 - p->layout.l3)
                          : get_be16(ip + 4) - (uint32_t)(p->layout.l4 - p->layout.l3 - 40);
    uint16_t offset = tcp ? 16 : 6;
    uint16_t sum = checksum_fold(checksum_pseudo(ip + (v4 ? 12 : 8), ip + (v4 ? 16 : 24),
                                                 v4 ? 4 : 16, key.ip_proto, l4_size));
    if (get_be16(p->data + p->layout.l4 + offset) != sum)
        return;
    p->offload = (struct packet_offload){
        .needs_checksum = true, .checksum_start = p->layout.l4, .checksum_offset = offset};
    packet_complete_checksum(p);
}

static struct packet *
take_frame(struct xdp_port *port, const struct xdp_desc *desc)
{
    const uint8_t *frame = xsk_umem__get_data(port->tx.memory.area, desc->addr);
    struct packet *p = desc->len <= PACKET_ROOM ? packet_new(port->base.pool, desc->len)
                                                : packet_new(port->base.pool, PACKET_ROOM + 1);
    if (!p)
        return NULL;
    memcpy(p->data, frame, desc->len);
    p->size = desc->len;
    p->in_port = port->base.number;
    p->rx_time = xdp_program_time(frame, clock_wall(), clock_tai_offset(), &p->rx_time_kernel);
    if (port->is_veth)
        guess_partial_checksum(p);
    return p;
}

/* How many frames the kernel has not taken from the ring. */
static uint32_t
left_on_ring(const struct xdp_port *port)
{
    return *port->tx.ring.producer - __atomic_load_n(port->tx.ring.consumer, __ATOMIC_ACQUIRE);
}

/* In copy mode the kernel sends when it is told to, and a part at a time. */
static void
push(struct xdp_port *port)
{
    uint32_t left = left_on_ring(port), before = left + 1;
    int error = 0;
    while (left && left < before && (!error || error == EAGAIN) &&
           xsk_ring_prod__needs_wakeup(&port->tx.ring)) {
        error = sendto(port->base.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? errno : 0;
        before = left;
        left = left_on_ring(port);
    }
    port->base.down = error == ENETDOWN || (error == EBUSY && !port_is_running(&port->base));
}

static unsigned
xdp_receive(struct port_io *io, struct packet **packets, unsigned max)
{
    struct xdp_port *port = xdp_port(io);
    uint32_t at = 0;
    unsigned got = xsk_ring_cons__peek(&port->rx, max, &at), n = 0;
    for (unsigned i = 0; i < got; i++) {
        const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&port->rx, at + i);
        struct packet *p = take_frame(port, desc);
        xsk_give_back(&port->tx.memory, desc->addr);
        if (p)
            packets[n++] = p;
        else
            io->counters.rx_no_buffer++;
    }
    if (got)
        xsk_ring_cons__release(&port->rx, got);
    xsk_wake_receiver(port->socket, &port->tx.memory);
    if (left_on_ring(port)) /* there was no room for them */
        push(port);
    return n;
}

/* Puts one frame on the ring; false: no room. */
static bool
queue_frame(struct xdp_port *port, struct packet *p)
{
    packet_complete_checksum(p);
    port_stamp(p);
    return xsk_tx_queue(&port->tx, &p, 1, NULL);
}

/* Cuts what is larger than a frame here; true: taken, whatever became of it. */
static bool
queue_segments(struct xdp_port *port, struct packet *p)
{
    struct packet *segments[SEGMENTS_MAX];
    if (port->tx.n_free < SEGMENTS_MAX)
        return false;
    unsigned n = packet_segment(p, segments);
    port->base.counters.tx_refused += n == 0;
    for (unsigned i = 0; i < n; i++) {
        if (segments[i]->size > FRAME_SIZE || !queue_frame(port, segments[i]))
            port->base.counters.tx_refused++;
        packet_unref(segments[i]);
    }
    return true;
}

static unsigned
xdp_send(struct port_io *io, struct packet **packets, unsigned n)
{
    struct xdp_port *port = xdp_port(io);
    unsigned sent = 0;
    xsk_tx_collect(&port->tx);
    for (; sent < n; sent++) {
        struct packet *p = packets[sent];
        if (p->offload.gso_type && p->size > FRAME_SIZE / 2) {
            if (!queue_segments(port, p))
                break;
            continue;
        }
        if (p->size > FRAME_SIZE)
            io->counters.tx_refused++;
        else if (!queue_frame(port, p))
            break;
        packet_unref(p);
    }
    if (sent)
        push(port);
    return sent;
}

static unsigned
xdp_tx_stamps(struct port_io *io UNUSED, struct port_tx_stamp *stamps UNUSED, unsigned max UNUSED)
{
    return 0; /* the kernel gives none for AF_XDP on these devices */
}

static void
xdp_update_counters(struct port_io *io)
{
    io->counters.rx_lost = xsk_lost(io->fd);
}

const struct port_driver port_driver_xdp = {
    xdp_open, xdp_close, xdp_receive, xdp_send, xdp_tx_stamps, xdp_update_counters,
};
