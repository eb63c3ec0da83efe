/* AF_PACKET. Each message carries a virtio_net_hdr (PACKET_VNET_HDR), so that a partial checksum or
 * a segment from a host's stack is known as such, and is given on as such. The kernel strips a
 * frame's outer VLAN tag and tells it beside the data (PACKET_AUXDATA); it is put back. */
#include "io/port_driver.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <errno.h>
#include <time.h> /* errqueue.h needs it */

#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST 32
#define OVERFLOW_SIZE (PACKET_MAX - PACKET_ROOM)
#define SOCKET_BUFFER (8 << 20)
#define STAMP_RING 1024

struct slot {
    struct virtio_net_hdr vnet;
    struct iovec iov[3];
    uint8_t control[256];
};

struct packet_port {
    struct port_io base;
    struct slot slots[BURST];
    struct mmsghdr messages[BURST];
    struct packet *waiting[BURST]; /* buffers the next frames go to */
    uint8_t *overflow; /* BURST times OVERFLOW_SIZE: what is beyond an ordinary buffer */
    struct slot tx_slots[BURST];
    struct mmsghdr tx_messages[BURST];
    struct sockaddr_ll tx_address; /* the interface to send by, if it is not the one bound to */
    /* The kernel numbers the packets it stamps; which token each number had. */
    uint32_t next_stamp;
    uint32_t tokens[STAMP_RING];
};

static struct packet_port *
packet_port(struct port_io *port)
{
    return CONTAINER_OF(port, struct packet_port, base);
}

static enum err
system_error(struct diag *diag, const char *interface, const char *what)
{
    enum err err = errno == EPERM || errno == EACCES ? ERR_DENIED : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", interface, what, strerror(errno));
}

static enum err
set_option(int fd, int level, int option, int value, const char *interface, const char *what,
           struct diag *diag)
{
    if (setsockopt(fd, level, option, &value, sizeof value))
        return system_error(diag, interface, what);
    return ERR_OK;
}

static enum err
set_options(int fd, const struct port_options *o, struct diag *diag)
{
    int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    if (o->tx_timestamps)
        stamps |= SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    const struct {
        int level, option, value;
        const char *what;
    } options[] = {
        {SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR"},
        {SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA"},
        {SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING"},
        {SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS"},
        {SOL_SOCKET, SO_TIMESTAMPING, stamps, "SO_TIMESTAMPING"},
        {SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1, "SO_SELECT_ERR_QUEUE"},
        {SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER, "SO_RCVBUFFORCE"},
        {SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER, "SO_SNDBUFFORCE"},
    };
    enum err err = ERR_OK;
    for (size_t i = 0; i < ARRAY_SIZE(options) && !err; i++)
        err = set_option(fd, options[i].level, options[i].option, options[i].value, o->interface,
                         options[i].what, diag);
    return err;
}

static enum err
bind_interface(int fd, const struct port_options *o, unsigned from, unsigned ifindex,
               struct diag *diag)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = __builtin_bswap16(ETH_P_ALL),
                                  .sll_ifindex = (int)from};
    struct packet_mreq promiscuous = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};
    if (bind(fd, (struct sockaddr *)&address, sizeof address))
        return system_error(diag, o->interface, "bind");
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous))
        return system_error(diag, o->interface, "promiscuous mode");
    return ERR_OK;
}

static void
prepare_messages(struct packet_port *port, bool elsewhere)
{
    port->overflow = xmalloc((size_t)BURST * OVERFLOW_SIZE);
    for (unsigned i = 0; i < BURST; i++) {
        struct slot *s = &port->slots[i], *t = &port->tx_slots[i];
        s->iov[0] = (struct iovec){&s->vnet, sizeof s->vnet};
        s->iov[2] = (struct iovec){port->overflow + (size_t)i * OVERFLOW_SIZE, OVERFLOW_SIZE};
        port->messages[i].msg_hdr.msg_iov = s->iov;
        port->messages[i].msg_hdr.msg_iovlen = 3;
        port->messages[i].msg_hdr.msg_control = s->control;
        t->iov[0] = (struct iovec){&t->vnet, sizeof t->vnet};
        port->tx_messages[i].msg_hdr.msg_iov = t->iov;
        port->tx_messages[i].msg_hdr.msg_iovlen = 2;
        if (elsewhere) {
            port->tx_messages[i].msg_hdr.msg_name = &port->tx_address;
            port->tx_messages[i].msg_hdr.msg_namelen = sizeof port->tx_address;
        }
    }
}

enum err
port_packet_open_from(const struct port_options *o, unsigned from, struct port_io **result,
                      struct diag *diag)
{
    /* Protocol 0: nothing arrives before the socket is bound to its interface. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_error(diag, o->interface, "AF_PACKET socket");
    unsigned ifindex = if_nametoindex(o->interface);
    struct ifreq ifr = {.ifr_ifindex = 0};
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", o->interface);
    enum err err = set_options(fd, o, diag);
    if (!err && ioctl(fd, SIOCGIFHWADDR, &ifr))
        err = system_error(diag, o->interface, "hardware address");
    if (!err)
        err = bind_interface(fd, o, from, ifindex, diag);
    if (err) {
        close(fd);
        return err;
    }
    struct packet_port *port = xcalloc(1, sizeof *port);
    port->base = (struct port_io){.ifindex = ifindex,
                                  .number = o->number,
                                  .tx_timestamps = o->tx_timestamps,
                                  .fd = fd,
                                  .control_fd = fd};
    memcpy(port->base.mac.octets, ifr.ifr_hwaddr.sa_data, 6);
    snprintf(port->base.interface, sizeof port->base.interface, "%s", o->interface);
    snprintf(port->base.name, sizeof port->base.name, "packet");
    port->tx_address = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex};
    prepare_messages(port, from != ifindex);
    *result = &port->base;
    return ERR_OK;
}

static enum err
packet_open(const struct port_options *o, struct port_io **result, struct diag *diag)
{
    return port_packet_open_from(o, if_nametoindex(o->interface), result, diag);
}

static void
packet_close(struct port_io *io)
{
    struct packet_port *port = packet_port(io);
    for (unsigned i = 0; i < BURST; i++) {
        if (port->waiting[i])
            packet_unref(port->waiting[i]);
    }
    close(io->fd);
    free(port->overflow);
    free(port);
}

/* What the kernel says beside a frame. */
struct side {
    nsec_t wall;
    uint16_t tci, tpid;
    bool tagged;
};

static void
read_side(struct msghdr *m, struct side *side)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
            struct tpacket_auxdata aux;
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
            side->tagged = aux.tp_status & TP_STATUS_VLAN_VALID;
            side->tci = aux.tp_vlan_tci;
            side->tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
            struct scm_timestamping stamps;
            memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
            side->wall = stamps.ts[0].tv_sec * NSEC_PER_SEC + stamps.ts[0].tv_nsec;
        }
    }
}

static void
put_tag_back(struct packet *p, const struct side *side)
{
    memmove(p->data - 4, p->data, 12);
    p->data -= 4;
    p->size += 4;
    put_be16(p->data + 12, side->tpid);
    put_be16(p->data + 14, side->tci);
    if (p->offload.needs_checksum)
        p->offload.checksum_start += 4;
}

static void
read_offload(struct packet *p, const struct virtio_net_hdr *vnet)
{
    if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        p->offload.needs_checksum = true;
        p->offload.checksum_start = vnet->csum_start;
        p->offload.checksum_offset = vnet->csum_offset;
    }
    p->offload.gso_type = vnet->gso_type;
    p->offload.gso_size = vnet->gso_size;
}

/* The frame of a received message in a packet of its own; NULL: no buffer. */
static struct packet *
finish_frame(struct packet_port *port, unsigned i)
{
    struct mmsghdr *m = &port->messages[i];
    struct slot *slot = &port->slots[i];
    struct side side = {0};
    uint32_t size = m->msg_len - (uint32_t)sizeof slot->vnet;
    struct packet *p = port->waiting[i];
    port->waiting[i] = NULL;
    if (size > PACKET_ROOM) {
        struct packet *jumbo = packet_new(port->base.pool, size);
        if (jumbo) {
            memcpy(jumbo->data, p->data, PACKET_ROOM);
            memcpy(jumbo->data + PACKET_ROOM, slot->iov[2].iov_base, size - PACKET_ROOM);
        }
        packet_unref(p);
        p = jumbo;
    }
    if (!p)
        return NULL;
    read_side(&m->msg_hdr, &side);
    p->size = size;
    p->in_port = port->base.number;
    p->rx_time = side.wall ? side.wall : clock_wall();
    p->rx_time_kernel = side.wall != 0;
    read_offload(p, &slot->vnet);
    if (side.tagged)
        put_tag_back(p, &side);
    return p;
}

static unsigned
prepare_buffers(struct packet_port *port, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        if (!port->waiting[i] && !(port->waiting[i] = packet_new(port->base.pool, 0)))
            return i;
        port->slots[i].iov[1] = (struct iovec){port->waiting[i]->data, PACKET_ROOM};
        port->messages[i].msg_hdr.msg_controllen = sizeof port->slots[i].control;
    }
    return max;
}

static unsigned
packet_receive(struct port_io *io, struct packet **packets, unsigned max)
{
    struct packet_port *port = packet_port(io);
    unsigned room = prepare_buffers(port, MIN(max, BURST)), n = 0;
    int got = room ? recvmmsg(io->fd, port->messages, room, MSG_DONTWAIT, NULL) : 0;
    for (int i = 0; i < got; i++) {
        struct packet *p = NULL;
        if (port->messages[i].msg_len > sizeof(struct virtio_net_hdr))
            p = finish_frame(port, (unsigned)i);
        if (p)
            packets[n++] = p;
        else
            io->counters.rx_no_buffer++;
    }
    return n;
}

/* Asks for a transmit timestamp of this one message. */
static void
ask_stamp(struct packet_port *port, struct slot *slot, struct msghdr *m, uint32_t token)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)slot->control;
    uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SO_TIMESTAMPING;
    c->cmsg_len = CMSG_LEN(sizeof flags);
    memcpy(CMSG_DATA(c), &flags, sizeof flags);
    m->msg_control = slot->control;
    m->msg_controllen = CMSG_SPACE(sizeof flags);
    port->tokens[port->next_stamp++ % STAMP_RING] = token;
}

static void
fill_message(struct packet_port *port, unsigned i, struct packet *p)
{
    struct slot *slot = &port->tx_slots[i];
    struct msghdr *m = &port->tx_messages[i].msg_hdr;
    slot->vnet = (struct virtio_net_hdr){0};
    if (p->offload.needs_checksum) {
        slot->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        slot->vnet.csum_start = p->offload.checksum_start;
        slot->vnet.csum_offset = p->offload.checksum_offset;
    }
    if (p->offload.gso_type && p->layout.payload != OFFSET_NONE) {
        slot->vnet.gso_type = p->offload.gso_type;
        slot->vnet.gso_size = p->offload.gso_size;
        slot->vnet.hdr_len = p->layout.payload;
    }
    slot->iov[1] = (struct iovec){p->data, p->size};
    m->msg_control = NULL;
    m->msg_controllen = 0;
    port_stamp(p);
    if (p->tx_token && port->base.tx_timestamps)
        ask_stamp(port, slot, m, p->tx_token);
}

static unsigned
packet_send(struct port_io *io, struct packet **packets, unsigned n)
{
    struct packet_port *port = packet_port(io);
    unsigned sent = 0;
    while (sent < n) {
        unsigned burst = MIN(n - sent, BURST);
        uint32_t stamps = port->next_stamp;
        for (unsigned i = 0; i < burst; i++)
            fill_message(port, i, packets[sent + i]);
        int done = sendmmsg(io->fd, port->tx_messages, burst, MSG_DONTWAIT);
        if (done < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            port->next_stamp = stamps;
            break;
        }
        if (done < 0) { /* the first one is refused (too long, link down): it is lost */
            io->counters.tx_refused++;
            done = 1;
        }
        port->next_stamp = stamps;
        for (int i = 0; i < done; i++, sent++) {
            port->next_stamp += packets[sent]->tx_token && io->tx_timestamps;
            packet_unref(packets[sent]);
        }
    }
    return sent;
}

static unsigned
packet_tx_stamps(struct port_io *io, struct port_tx_stamp *stamps, unsigned max)
{
    struct packet_port *port = packet_port(io);
    unsigned n = 0;
    while (n < max) {
        uint8_t data[8], control[512];
        struct iovec iov = {data, sizeof data};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        if (recvmsg(io->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            break;
        nsec_t wall = 0;
        uint32_t id = 0;
        bool stamp = false;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
                struct scm_timestamping ts;
                memcpy(&ts, CMSG_DATA(c), sizeof ts);
                wall = ts.ts[0].tv_sec * NSEC_PER_SEC + ts.ts[0].tv_nsec;
            } else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_TX_TIMESTAMP) {
                struct sock_extended_err e;
                memcpy(&e, CMSG_DATA(c), sizeof e);
                stamp = e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
                id = e.ee_data;
            }
        }
        if (stamp && wall)
            stamps[n++] = (struct port_tx_stamp){port->tokens[id % STAMP_RING], wall};
    }
    return n;
}

static void
packet_update_counters(struct port_io *io)
{
    struct tpacket_stats stats; /* since it was last asked */
    socklen_t size = sizeof stats;
    if (!getsockopt(io->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
        io->counters.rx_lost += stats.tp_drops;
}

const struct port_driver port_driver_packet = {
    packet_open, packet_close,     packet_receive,
    packet_send, packet_tx_stamps, packet_update_counters,
};

const struct port_driver port_driver_kernel = {
    port_kernel_open, packet_close,     packet_receive,
    packet_send,      packet_tx_stamps, packet_update_counters,
};
