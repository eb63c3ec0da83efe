/* AF_PACKET. Each frame has a virtio_net_hdr beside it (PACKET_VNET_HDR), so that a partial
 * checksum or a segment from a host's stack is known as such, and is given on as such. The kernel
 * strips a frame's outer VLAN tag and tells it beside the data; it is put back.
 *
 * Frames come by a ring in memory that the kernel shares (PACKET_RX_RING, TPACKET_V2: a slot is
 * ours the moment its frame is there; V3 hands over blocks and keeps frames back for milliseconds).
 * Looking for the next frame is a load, not a system call, and whoever is awake takes all that has
 * come meanwhile. A frame larger than a slot is also kept whole in the socket's queue, in the same
 * order (PACKET_COPY_THRESH), and read from there.
 *
 * Frames leave by sendmmsg(), not by this socket's ring: the kernel gives a transmit slot back when
 * the frame's owner changes, which on virtual interfaces is before its receiver has read it. They
 * leave by a second socket, the plain one: nobody waits for it (with each frame that is gone the
 * kernel tells those who wait for its socket that it has room again), and its frames need no
 * virtio_net_hdr. Frames with offloads or with a transmit timestamp, which is to wake somebody,
 * leave by the first.
 *
 * Plain frames of an exclusive port leave by AF_XDP (xsk_tx.h), where it can be had: a packet
 * socket does more with a frame, which takes nearly as long as giving it to the device. Both ways
 * skip the queueing disciplines and have given a frame to the device, in its one queue, when the
 * call returns: frames keep their order, whichever way each leaves. A frame that does not leave by
 * AF_XDP, for whatever reason, is tried by sendmmsg(), which says what is the matter. */
#include "io/port_driver.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/xsk_tx.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST 32
#define SOCKET_BUFFER (8 << 20)
#define STAMP_RING 1024
#define SLOT_SIZE 2048u /* with the kernel's header; an ordinary Ethernet frame fits */
#define N_SLOTS 2048u
#define BLOCK_SIZE (64u << 10) /* contiguous memory that the kernel has to find */
#define HEADER_SIZE 14u
#define TAG_SIZE 4u

struct message {
    struct virtio_net_hdr vnet;
    struct iovec iov[2];
    uint8_t control[64]; /* to ask for a stamp */
};

struct packet_port {
    struct port_io base;
    uint8_t *slots; /* N_SLOTS of SLOT_SIZE, shared with the kernel */
    uint32_t next_slot;
    bool unsure; /* of that: another process may have read on */
    int plain_fd;
    struct xsk_sender *xsk; /* NULL: not here; and not in use unless base.sends_by_xsk */
    uint32_t xsk_max;       /* size of the largest frame that may leave by it */
    struct message tx[BURST];
    struct mmsghdr tx_messages[BURST], plain_messages[BURST];
    struct sockaddr_ll tx_address; /* the interface to send by, if frames come by another */
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

struct option {
    int level, option, value;
    const char *what;
};

static enum err
set_options(int fd, const struct option *options, size_t n, const char *interface,
            struct diag *diag)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < n && !err; i++)
        err = set_option(fd, options[i].level, options[i].option, options[i].value, interface,
                         options[i].what, diag);
    return err;
}

static enum err
set_rx_options(int fd, const struct port_options *o, bool hardware, struct diag *diag)
{
    int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    if (hardware)
        stamps |= SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
                  SOF_TIMESTAMPING_OPT_TX_SWHW;
    if (o->tx_timestamps)
        stamps |= SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    const struct option options[] = {
        {SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION"},
        {SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR"},
        {SOL_PACKET, PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH"},
        {SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING"},
        {SOL_SOCKET, SO_TIMESTAMPING, stamps, "SO_TIMESTAMPING"},
        /* In the ring, of frames that the card has stamped, its stamp; else the kernel's. */
        {SOL_PACKET, PACKET_TIMESTAMP, hardware ? SOF_TIMESTAMPING_RAW_HARDWARE : 0,
         "PACKET_TIMESTAMP"},
        {SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1, "SO_SELECT_ERR_QUEUE"},
        {SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER, "SO_RCVBUFFORCE"},
    };
    enum err err = set_options(fd, options, ARRAY_SIZE(options), o->interface, diag);
    if (!err && o->aside)
        err = frame_kind_filter(fd, o->aside, false, diag);
    return err;
}

static enum err
set_tx_options(int fd, const struct port_options *o, struct diag *diag)
{
    static const struct option options[] = {
        {SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS"},
        {SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER, "SO_SNDBUFFORCE"},
    };
    return set_options(fd, options, ARRAY_SIZE(options), o->interface, diag);
}

static enum err
bind_interface(int fd, uint16_t protocol, const struct port_options *o, unsigned ifindex,
               struct diag *diag)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = __builtin_bswap16(protocol),
                                  .sll_ifindex = (int)ifindex};
    if (bind(fd, (struct sockaddr *)&address, sizeof address))
        return system_error(diag, o->interface, "bind");
    return ERR_OK;
}

static enum err
set_promiscuous(int fd, const struct port_options *o, unsigned ifindex, struct diag *diag)
{
    struct packet_mreq promiscuous = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous))
        return system_error(diag, o->interface, "promiscuous mode");
    return ERR_OK;
}

/* Before the socket is bound: no frame comes by another way. */
static enum err
map_ring(int fd, const struct port_options *o, uint8_t **slots, struct diag *diag)
{
    const struct tpacket_req ring = {.tp_block_size = BLOCK_SIZE,
                                     .tp_block_nr = N_SLOTS * SLOT_SIZE / BLOCK_SIZE,
                                     .tp_frame_size = SLOT_SIZE,
                                     .tp_frame_nr = N_SLOTS};
    if (!o->parts && setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring))
        return system_error(diag, o->interface, "PACKET_RX_RING");
    void *memory = mmap(NULL, (size_t)N_SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED)
        return system_error(diag, o->interface, "receive ring");
    *slots = memory;
    return ERR_OK;
}

static void
prepare_messages(struct packet_port *port, bool elsewhere)
{
    for (unsigned i = 0; i < BURST; i++) {
        struct message *t = &port->tx[i];
        t->iov[0] = (struct iovec){&t->vnet, sizeof t->vnet};
        port->tx_messages[i].msg_hdr.msg_iov = t->iov;
        port->tx_messages[i].msg_hdr.msg_iovlen = 2;
        if (elsewhere) {
            port->tx_messages[i].msg_hdr.msg_name = &port->tx_address;
            port->tx_messages[i].msg_hdr.msg_namelen = sizeof port->tx_address;
        }
        port->plain_messages[i].msg_hdr.msg_iov = &t->iov[1];
        port->plain_messages[i].msg_hdr.msg_iovlen = 1;
    }
}

/* Protocol 0: nothing arrives before the socket is bound to its interface, with a protocol. */
static enum err
open_socket(const struct port_options *o, int *fd, struct diag *diag)
{
    *fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *fd < 0 ? system_error(diag, o->interface, "AF_PACKET socket") : ERR_OK;
}

static enum err
take_socket(const struct port_options *o, int *fd, struct diag *diag)
{
    *fd = fcntl(o->parts->socket, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? system_error(diag, o->interface, "socket taken over") : ERR_OK;
}

static enum err
open_plain(struct packet_port *port, const struct port_options *o, struct diag *diag)
{
    enum err err = open_socket(o, &port->plain_fd, diag);
    if (!err)
        err = set_tx_options(port->plain_fd, o, diag);
    if (!err)
        err = bind_interface(port->plain_fd, 0, o, port->base.ifindex, diag);
    return err;
}

static enum err
open_rx(struct packet_port *port, const struct port_options *o, unsigned from, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    bool own = !o->parts; /* else it is as we would have made it, and in use */
    enum err err = own ? open_socket(o, &port->base.fd, diag)
                       : take_socket(o, &port->base.fd, diag);
    int fd = port->base.control_fd = port->base.fd;
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", o->interface);
    if (!err && own)
        err = set_tx_options(fd, o, diag);
    if (!err && o->hardware_stamps)
        (void)hardware_stamps_on(&port->base.hardware_stamps, o->interface, fd); /* or not */
    if (!err && own)
        err = set_rx_options(fd, o, port->base.hardware_stamps.on, diag);
    if (!err)
        err = map_ring(fd, o, &port->slots, diag);
    if (!err && ioctl(fd, SIOCGIFHWADDR, &ifr))
        err = system_error(diag, o->interface, "hardware address");
    if (!err && own)
        err = bind_interface(fd, ETH_P_ALL, o, from, diag);
    if (!err && own)
        err = set_promiscuous(fd, o, port->base.ifindex, diag);
    memcpy(port->base.mac.octets, ifr.ifr_hwaddr.sa_data, 6);
    return err;
}

/* At the start, then once a second: the MTU may have changed; and another socket, which had the
 * queue, may have gone. */
static void
renew_xsk(struct packet_port *port)
{
    if (!port->xsk)
        return;
    port->xsk_max = MIN(port_frame_max(&port->base) - TAG_SIZE, XSK_SENDER_FRAME_MAX);
    if (port->base.sends_by_xsk)
        return;
    enum err err = xsk_sender_bind(port->xsk);
    port->base.sends_by_xsk = !err;
    if (err && err != ERR_BUSY) {
        xsk_sender_close(port->xsk);
        port->xsk = NULL;
    }
}

static void
packet_close(struct port_io *io)
{
    struct packet_port *port = packet_port(io);
    xsk_sender_close(port->xsk);
    if (port->slots)
        munmap(port->slots, (size_t)N_SLOTS * SLOT_SIZE);
    if (!io->foreign) /* else whoever has the interface needs them */
        hardware_stamps_off(&io->hardware_stamps, io->interface, io->fd);
    if (io->fd >= 0)
        close(io->fd);
    if (port->plain_fd >= 0)
        close(port->plain_fd);
    free(port);
}

enum err
port_packet_open_from(const struct port_options *o, unsigned from, struct port_io **result,
                      struct diag *diag)
{
    struct packet_port *port = xcalloc(1, sizeof *port);
    port->plain_fd = -1;
    port->base = (struct port_io){.ifindex = if_nametoindex(o->interface),
                                  .number = o->number,
                                  .tx_timestamps = o->tx_timestamps,
                                  .fd = -1};
    snprintf(port->base.interface, sizeof port->base.interface, "%s", o->interface);
    snprintf(port->base.name, sizeof port->base.name, "packet");
    port->tx_address = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                            .sll_ifindex = (int)port->base.ifindex};
    prepare_messages(port, from != port->base.ifindex);
    enum err err = open_plain(port, o, diag);
    if (!err)
        err = open_rx(port, o, from, diag);
    if (err) {
        packet_close(&port->base);
        return err;
    }
    if (o->exclusive && from == port->base.ifindex)
        port->xsk = xsk_sender_open(o->interface);
    renew_xsk(port);
    *result = &port->base;
    return ERR_OK;
}

void
port_packet_own(struct port_io *port)
{
    int none = 0, stamps = 0;
    socklen_t size = sizeof stamps;
    /* The kernel counts from 0 again, as we do. */
    if (getsockopt(port->fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, &size) ||
        setsockopt(port->fd, SOL_SOCKET, SO_TIMESTAMPING, &none, sizeof none) ||
        setsockopt(port->fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps))
        port->tx_timestamps = false;
    packet_port(port)->unsure = true;
}

uint32_t
port_packet_position(const struct port_io *port)
{
    return CONTAINER_OF(port, const struct packet_port, base)->next_slot;
}

void
port_packet_set_position(struct port_io *port, uint32_t position)
{
    packet_port(port)->next_slot = position;
}

static enum err
packet_open(const struct port_options *o, struct port_io **result, struct diag *diag)
{
    return port_packet_open_from(o, if_nametoindex(o->interface), result, diag);
}

/* The time at which the kernel got a frame that was read from the socket's queue; 0: it says none.
 */
static nsec_t
read_stamp(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
            struct scm_timestamping stamps;
            memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
            return stamps.ts[0].tv_sec * NSEC_PER_SEC + stamps.ts[0].tv_nsec;
        }
    }
    return 0;
}

static void
put_tag_back(struct packet *p, const struct tpacket2_hdr *slot)
{
    bool known = slot->tp_status & TP_STATUS_VLAN_TPID_VALID;
    memmove(p->data - 4, p->data, 12);
    p->data -= 4;
    p->size += 4;
    put_be16(p->data + 12, known ? slot->tp_vlan_tpid : ETH_P_8021Q);
    put_be16(p->data + 14, slot->tp_vlan_tci);
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

/* A frame that fits its slot: `slot` is ours, and in our memory. */
static struct packet *
take_from_slot(struct packet_port *port, const struct tpacket2_hdr *slot)
{
    struct virtio_net_hdr vnet;
    const uint8_t *frame = (const uint8_t *)slot + slot->tp_mac;
    struct packet *p = packet_new(port->base.pool, 0);
    if (!p)
        return NULL;
    memcpy(&vnet, frame - sizeof vnet, sizeof vnet);
    memcpy(p->data, frame, slot->tp_snaplen);
    p->size = slot->tp_snaplen;
    nsec_t stamp = slot->tp_sec * NSEC_PER_SEC + slot->tp_nsec;
    if (slot->tp_status & TP_STATUS_TS_RAW_HARDWARE)
        p->rx_hardware = stamp; /* the ring has room for one: when we read it is the other */
    else
        p->rx_time = stamp;
    read_offload(p, &vnet);
    return p;
}

/* A larger one, the next in the socket's queue. Without a buffer it is read, and gone. */
static struct packet *
take_from_queue(struct packet_port *port, const struct tpacket2_hdr *slot)
{
    struct virtio_net_hdr vnet;
    uint8_t control[256];
    struct packet *p = packet_new(port->base.pool, slot->tp_len);
    struct iovec iov[] = {{&vnet, sizeof vnet}, {p ? p->data : NULL, p ? slot->tp_len : 0}};
    struct msghdr m = {.msg_iov = iov,
                       .msg_iovlen = ARRAY_SIZE(iov),
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(port->base.fd, &m, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) /* that the interface was down; the frame is still there */
        n = recvmsg(port->base.fd, &m, MSG_DONTWAIT);
    if (!p)
        return NULL;
    if (n <= (ssize_t)sizeof vnet) {
        packet_unref(p);
        return NULL;
    }
    p->size = (uint32_t)(n - (ssize_t)sizeof vnet);
    p->rx_time = read_stamp(&m);
    read_offload(p, &vnet);
    return p;
}

/* NULL: no buffer, or the kernel had no room to keep a large frame. */
static struct packet *
take_frame(struct packet_port *port, const struct tpacket2_hdr *slot)
{
    bool queued = slot->tp_status & TP_STATUS_COPY;
    if (!queued && slot->tp_snaplen < slot->tp_len)
        return NULL;
    struct packet *p = queued ? take_from_queue(port, slot) : take_from_slot(port, slot);
    if (!p)
        return NULL;
    p->in_port = port->base.number;
    p->rx_time_kernel = p->rx_time != 0;
    if (!p->rx_time_kernel)
        p->rx_time = clock_wall();
    if (slot->tp_status & TP_STATUS_VLAN_VALID)
        put_tag_back(p, slot);
    return p;
}

static struct tpacket2_hdr *
next_slot(const struct packet_port *port)
{
    uint32_t at = port->next_slot % N_SLOTS;
    return (struct tpacket2_hdr *)(void *)(port->slots + (size_t)at * SLOT_SIZE);
}

/* Finds the first frame that waits. False: none does. */
static bool
find_place(struct packet_port *port)
{
    bool waits = false;
    for (uint32_t i = 0; i <= N_SLOTS && !waits; i++) {
        waits = __atomic_load_n(&next_slot(port)->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
        port->next_slot += !waits;
    }
    port->next_slot -= waits ? 0 : N_SLOTS + 1;
    port->unsure = !waits;
    return waits;
}

static unsigned
packet_receive(struct port_io *io, struct packet **packets, unsigned max)
{
    struct packet_port *port = packet_port(io);
    unsigned n = 0;
    if (port->unsure && !find_place(port))
        return 0;
    for (unsigned i = 0; i < max; i++) {
        struct tpacket2_hdr *slot = next_slot(port);
        if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            break;
        struct packet *p = take_frame(port, slot);
        __atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        port->next_slot++;
        if (p)
            packets[n++] = p;
        else
            io->counters.rx_no_buffer++;
    }
    return n;
}

/* Asks for a transmit timestamp of this one message. */
static void
ask_stamp(struct packet_port *port, struct message *out, struct msghdr *m, uint32_t token)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)out->control;
    uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;
    if (port->base.hardware_stamps.on && token & PACKET_TOKEN_PTP)
        flags |= SOF_TIMESTAMPING_TX_HARDWARE;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SO_TIMESTAMPING;
    c->cmsg_len = CMSG_LEN(sizeof flags);
    memcpy(CMSG_DATA(c), &flags, sizeof flags);
    m->msg_control = out->control;
    m->msg_controllen = CMSG_SPACE(sizeof flags);
    port->tokens[port->next_stamp++ % STAMP_RING] = token;
    port->base.asked_stamp = true;
}

static void
fill_header(struct virtio_net_hdr *vnet, const struct packet *p)
{
    *vnet = (struct virtio_net_hdr){0};
    if (p->offload.needs_checksum) {
        vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        vnet->csum_start = p->offload.checksum_start;
        vnet->csum_offset = p->offload.checksum_offset;
    }
    if (p->offload.gso_type && p->layout.payload != OFFSET_NONE) {
        vnet->gso_type = p->offload.gso_type;
        vnet->gso_size = p->offload.gso_size;
        vnet->hdr_len = p->layout.payload;
    }
}

static bool
wants_stamp(const struct packet_port *port, const struct packet *p)
{
    return p->tx_token && port->base.tx_timestamps;
}

static void
fill_message(struct packet_port *port, unsigned i, struct packet *p)
{
    struct message *out = &port->tx[i];
    struct msghdr *m = &port->tx_messages[i].msg_hdr;
    fill_header(&out->vnet, p);
    out->iov[1] = (struct iovec){p->data, p->size};
    m->msg_control = NULL;
    m->msg_controllen = 0;
    if (wants_stamp(port, p))
        ask_stamp(port, out, m, p->tx_token);
}

static bool
is_plain(const struct packet_port *port, const struct packet *p)
{
    return !p->offload.needs_checksum && !p->offload.gso_type && !wants_stamp(port, p);
}

/* Sends the first of these plain packets by AF_XDP; returns how many have left. */
static unsigned
send_by_xsk(struct packet_port *port, struct packet *const *packets, unsigned n)
{
    unsigned fit = 0;
    while (fit < n && packets[fit]->size >= HEADER_SIZE && packets[fit]->size <= port->xsk_max)
        fit++;
    return fit ? xsk_sender_send(port->xsk, packets, fit) : 0;
}

/* Sends the first packets, as many as are plain, of which the first is one. Returns how many the
 * kernel took; -1 and errno: not even the first. */
static int
send_plain(struct packet_port *port, struct packet **packets, unsigned n)
{
    unsigned i = 0;
    for (; i < MIN(n, BURST) && is_plain(port, packets[i]); i++)
        port_stamp(packets[i]);
    unsigned sent = port->base.sends_by_xsk ? send_by_xsk(port, packets, i) : 0;
    if (sent)
        return (int)sent;
    for (unsigned k = 0; k < i; k++)
        port->tx[k].iov[1] = (struct iovec){packets[k]->data, packets[k]->size};
    return sendmmsg(port->plain_fd, port->plain_messages, i, MSG_DONTWAIT);
}

/* A frame with a stamp goes alone: the kernel numbers it also when the interface then has no room
 * for it, and of several sent at once it would not be known which. */
static int
send_others(struct packet_port *port, struct packet **packets, unsigned n)
{
    unsigned i = 0;
    bool stamped = wants_stamp(port, packets[0]);
    uint32_t stamp = port->next_stamp;
    for (; i < (stamped ? 1 : MIN(n, BURST)) && !is_plain(port, packets[i]); i++) {
        if (i && wants_stamp(port, packets[i]))
            break;
        port_stamp(packets[i]);
        fill_message(port, i, packets[i]);
    }
    int sent = sendmmsg(port->base.fd, port->tx_messages, i, MSG_DONTWAIT);
    if (sent < 0 && errno != ENOBUFS) /* refused before it was numbered */
        port->next_stamp = stamp;
    return sent;
}

static unsigned
packet_send(struct port_io *io, struct packet **packets, unsigned n)
{
    struct packet_port *port = packet_port(io);
    unsigned sent = 0;
    while (sent < n) {
        bool plain = is_plain(port, packets[sent]);
        int done = (plain ? send_plain : send_others)(port, packets + sent, n - sent);
        if (done < 0 && errno == ENETDOWN && port_is_running(io)) /* it was, since the last call */
            done = (plain ? send_plain : send_others)(port, packets + sent, n - sent);
        if (done < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            io->down = errno == ENOBUFS && !port_is_running(io);
            break;
        }
        if (done < 0) { /* the first one is refused (too long, link down): it is lost */
            io->down = errno == ENETDOWN;
            io->counters.tx_refused++;
            done = 1;
        }
        for (int i = 0; i < done; i++)
            packet_unref(packets[sent++]);
    }
    return sent;
}

/* Once the interface has gone down the socket is readable, with an error, until it is asked for. */
static void
clear_error(int fd)
{
    int error;
    socklen_t size = sizeof error;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
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
        if (recvmsg(io->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            clear_error(io->fd);
            break;
        }
        nsec_t wall = 0, hardware = 0;
        uint32_t id = 0;
        bool stamp = false;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
                struct scm_timestamping ts;
                memcpy(&ts, CMSG_DATA(c), sizeof ts);
                wall = ts.ts[0].tv_sec * NSEC_PER_SEC + ts.ts[0].tv_nsec;
                hardware = ts.ts[2].tv_sec * NSEC_PER_SEC + ts.ts[2].tv_nsec;
            } else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_TX_TIMESTAMP) {
                struct sock_extended_err e;
                memcpy(&e, CMSG_DATA(c), sizeof e);
                stamp = e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
                id = e.ee_data;
            }
        }
        if (stamp && (wall || hardware))
            stamps[n++] = (struct port_tx_stamp){port->tokens[id % STAMP_RING], wall, hardware};
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
    renew_xsk(packet_port(io));
}

const struct port_driver port_driver_packet = {
    packet_open, packet_close,     packet_receive,
    packet_send, packet_tx_stamps, packet_update_counters,
};

const struct port_driver port_driver_kernel = {
    port_kernel_open, packet_close,     packet_receive,
    packet_send,      packet_tx_stamps, packet_update_counters,
};
