/* AF_XDP. One socket on queue 0 of the interface, with a program of our own that stamps each frame
 * with the time (CLOCK_TAI, converted) in 8 octets of metadata in front of it and redirects it to
 * the socket.
 *
 * The program runs in native mode if the driver has it, in generic mode otherwise; zero-copy if the
 * device can, copy mode otherwise. A host on the other end of a veth leaves checksums to be
 * completed, and AF_XDP cannot tell which: on veth a TCP or UDP checksum field that holds just the
 * pseudo-header's sum is completed. (Native mode also stops the peer's segmentation offload, in the
 * kernel.) */
#include "io/port_driver.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/interface.h"
#include "io/xsk_tx.h"
#include "packet/checksum.h"
#include "packet/edit.h"
#include "packet/segment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define FRAME_SIZE 4096u
#define N_FRAMES 4096u /* half to receive, half to send */
#define RING_SIZE (N_FRAMES / 2)
#define BUSY_PAUSE (100 * NSEC_PER_MSEC)
#define BUSY_RETRIES 20

struct xdp_port {
    struct port_io base;
    struct xsk_tx tx; /* N_FRAMES of FRAME_SIZE */
    struct xsk_socket *socket;
    struct xsk_ring_cons rx;
    int program_fd, map_fd, link_fd;
    bool is_veth;
    nsec_t tai_offset; /* CLOCK_TAI - CLOCK_REALTIME */
};

static struct xdp_port *
xdp_port(struct port_io *port)
{
    return CONTAINER_OF(port, struct xdp_port, base);
}

/* The program, by hand: there is no compiler where it runs. Frames that do not come by the port
 * (port_options.aside) go on into the kernel, where their own socket is:
 *
 *     if (ctx->data + 14 <= ctx->data_end && its destination and EtherType are those)
 *         return XDP_PASS;
 *
 * All others come here:
 *
 *     if (bpf_xdp_adjust_meta(ctx, -8) == 0) {
 *         u64 *stamp = ctx->data_meta;
 *         if (stamp + 1 <= ctx->data)
 *             *stamp = bpf_ktime_get_tai_ns();
 *     }
 *     return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
 */
#define INSN(op, dst, src, offset, value)                                                          \
    {                                                                                              \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value)          \
    }
#define MOV_REG(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define LOAD_W(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define LOAD_H(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_H, dst, src, offset, 0)
#define UNLESS(reg, value, skip) INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, skip, (int32_t)(value))

#define PASS_SIZE 13 /* instructions */

static void
pass_aside(const struct frame_kind *kind, struct bpf_insn *program)
{
    uint32_t high;
    uint16_t low, type = to_be16(kind->type);
    memcpy(&high, kind->destination.octets, sizeof high);
    memcpy(&low, kind->destination.octets + 4, sizeof low);
    const struct bpf_insn pass[PASS_SIZE] = {
        LOAD_W(BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data)),
        LOAD_W(BPF_REG_3, BPF_REG_1, offsetof(struct xdp_md, data_end)),
        MOV_REG(BPF_REG_4, BPF_REG_2),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, 14),
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 8, 0),
        LOAD_W(BPF_REG_5, BPF_REG_2, 0),
        UNLESS(BPF_REG_5, high, 6),
        LOAD_H(BPF_REG_5, BPF_REG_2, 4),
        UNLESS(BPF_REG_5, low, 4),
        LOAD_H(BPF_REG_5, BPF_REG_2, 12),
        UNLESS(BPF_REG_5, type, 2),
        MOV_IMM(BPF_REG_0, XDP_PASS),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    memcpy(program, pass, sizeof pass);
}

static int
load_program(int map_fd, const struct frame_kind *aside, char *log, size_t log_size)
{
    const struct bpf_insn all_others[] = {
        MOV_REG(BPF_REG_6, BPF_REG_1),
        MOV_IMM(BPF_REG_2, -8),
        CALL(BPF_FUNC_xdp_adjust_meta),
        INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 8, 0), /* no room: without a stamp */
        CALL(BPF_FUNC_ktime_get_tai_ns),
        LOAD_W(BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data_meta)),
        LOAD_W(BPF_REG_3, BPF_REG_6, offsetof(struct xdp_md, data)),
        MOV_REG(BPF_REG_4, BPF_REG_2),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, 8),
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 1, 0),
        INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_0, 0, 0),
        INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
        INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
        INSN(0, 0, 0, 0, 0), /* second half of the wide load */
        LOAD_W(BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)),
        MOV_IMM(BPF_REG_3, XDP_PASS),
        CALL(BPF_FUNC_redirect_map),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    struct bpf_insn program[PASS_SIZE + ARRAY_SIZE(all_others)];
    size_t n = aside ? PASS_SIZE : 0;
    if (aside)
        pass_aside(aside, program);
    memcpy(program + n, all_others, sizeof all_others);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = (uint32_t)log_size,
                .log_level = 1);
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "tieline_port", "Dual BSD/GPL", program,
                         n + ARRAY_SIZE(all_others), &options);
}

static enum err
system_error(struct diag *diag, const char *interface, const char *what, int error)
{
    enum err err = error == EPERM || error == EACCES   ? ERR_DENIED
                   : error == EBUSY || error == EEXIST ? ERR_BUSY
                   : error == EOPNOTSUPP               ? ERR_UNSUPPORTED
                                                       : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", interface, what, strerror(error));
}

static enum err
attach_program(struct xdp_port *port, const struct frame_kind *aside, struct diag *diag)
{
    char log[2048] = "";
    const char *name = port->base.interface;
    libbpf_set_print(NULL); /* what it has to say is in its results */
    port->map_fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "tieline_sockets", 4, 4, 1, NULL);
    if (port->map_fd < 0)
        return system_error(diag, name, "XSKMAP", errno);
    port->program_fd = load_program(port->map_fd, aside, log, sizeof log);
    if (port->program_fd < 0)
        return system_error(diag, name, "XDP program", errno);
    /* A link, which goes with its descriptor: a process that is killed leaves nothing behind. */
    static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
    for (size_t i = 0; i < ARRAY_SIZE(modes) && port->link_fd < 0; i++) {
        LIBBPF_OPTS(bpf_link_create_opts, options, .flags = modes[i]);
        port->link_fd = bpf_link_create(port->program_fd, (int)port->base.ifindex, BPF_XDP,
                                        &options);
        if (port->link_fd < 0 && (errno == EBUSY || errno == EEXIST))
            break;
    }
    if (port->link_fd < 0)
        return system_error(diag, name, "attaching the XDP program", errno);
    return ERR_OK;
}

/* Zero-copy, or copy mode where the device has none. Returns 0 or a negative error number. */
static int
bind_socket(struct xdp_port *port)
{
    static const uint16_t binds[] = {XDP_ZEROCOPY, XDP_COPY};
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(binds); i++) {
        const struct xsk_socket_config config = {
            .rx_size = RING_SIZE,
            .tx_size = RING_SIZE,
            .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
            .bind_flags = (uint16_t)(binds[i] | XDP_USE_NEED_WAKEUP),
        };
        result = xsk_socket__create(&port->socket, port->base.interface, 0, port->tx.umem,
                                    &port->rx, &port->tx.ring, &config);
        if (!result) {
            snprintf(port->base.name, sizeof port->base.name, "xdp %s",
                     binds[i] == XDP_ZEROCOPY ? "zero-copy" : "copy");
            break;
        }
        if (result == -EBUSY)
            break;
    }
    return result;
}

/* The kernel needs a moment to let go of a queue whose socket was closed: of a node that was
 * started again, that is. */
static enum err
create_socket(struct xdp_port *port, struct diag *diag)
{
    const struct timespec pause = {.tv_nsec = BUSY_PAUSE};
    int result = bind_socket(port);
    for (unsigned i = 0; i < BUSY_RETRIES && result == -EBUSY; i++) {
        nanosleep(&pause, NULL);
        result = bind_socket(port);
    }
    if (result)
        return system_error(diag, port->base.interface, "AF_XDP socket", -result);
    port->base.fd = xsk_socket__fd(port->socket);
    result = xsk_socket__update_xskmap(port->socket, port->map_fd);
    return result ? system_error(diag, port->base.interface, "XSKMAP", -result) : ERR_OK;
}

static void
give_back(struct xdp_port *port, uint64_t frame)
{
    uint32_t at = 0;
    if (xsk_ring_prod__reserve(&port->tx.fill, 1, &at) == 1) {
        *xsk_ring_prod__fill_addr(&port->tx.fill, at) = frame;
        xsk_ring_prod__submit(&port->tx.fill, 1);
    }
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
    return result ? system_error(diag, port->base.interface, "UMEM", -result) : ERR_OK;
}

static void xdp_close(struct port_io *);

static enum err
set_up(struct xdp_port *port, const struct frame_kind *aside, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    struct timex tai = {0};
    memcpy(ifr.ifr_name, port->base.interface, sizeof ifr.ifr_name);
    port->base.control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (port->base.control_fd < 0 || ioctl(port->base.control_fd, SIOCGIFHWADDR, &ifr))
        return system_error(diag, port->base.interface, "hardware address", errno);
    memcpy(port->base.mac.octets, ifr.ifr_hwaddr.sa_data, 6);
    port->is_veth = interface_has_driver(port->base.interface, "veth");
    (void)adjtimex(&tai);
    port->tai_offset = tai.tai * NSEC_PER_SEC;
    enum err err = check_queues(port, diag);
    if (!err)
        err = open_memory(port, diag);
    if (!err)
        err = attach_program(port, aside, diag);
    if (!err)
        err = create_socket(port, diag);
    if (err)
        return err;
    for (uint32_t i = 0; i < RING_SIZE; i++)
        give_back(port, (uint64_t)i * FRAME_SIZE);
    return ERR_OK;
}

static enum err
xdp_open(const struct port_options *o, struct port_io **result, struct diag *diag)
{
    struct xdp_port *port = xcalloc(1, sizeof *port);
    port->base = (struct port_io){
        .ifindex = if_nametoindex(o->interface), .number = o->number, .fd = -1, .control_fd = -1};
    port->map_fd = port->program_fd = port->link_fd = -1;
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
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void
xdp_close(struct port_io *io)
{
    struct xdp_port *port = xdp_port(io);
    if (port->socket)
        xsk_socket__delete(port->socket);
    xsk_tx_close(&port->tx);
    close_fd(port->link_fd);
    close_fd(port->map_fd);
    close_fd(port->program_fd);
    close_fd(io->control_fd);
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
    const uint8_t *frame = xsk_umem__get_data(port->tx.area, desc->addr);
    struct packet *p = desc->len <= PACKET_ROOM ? packet_new(port->base.pool, desc->len)
                                                : packet_new(port->base.pool, PACKET_ROOM + 1);
    if (!p)
        return NULL;
    uint64_t stamp;
    memcpy(p->data, frame, desc->len);
    memcpy(&stamp, frame - sizeof stamp, sizeof stamp);
    p->size = desc->len;
    p->in_port = port->base.number;
    p->rx_time = (nsec_t)stamp - port->tai_offset;
    p->rx_time_kernel = true;
    nsec_t now = clock_wall();
    if (p->rx_time > now || now - p->rx_time > NSEC_PER_SEC) { /* no room for the stamp */
        p->rx_time = now;
        p->rx_time_kernel = false;
    }
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
        give_back(port, desc->addr / FRAME_SIZE * FRAME_SIZE);
        if (p)
            packets[n++] = p;
        else
            io->counters.rx_no_buffer++;
    }
    if (got)
        xsk_ring_cons__release(&port->rx, got);
    if (xsk_ring_prod__needs_wakeup(&port->tx.fill))
        (void)recvfrom(io->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
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
    struct xdp_statistics stats;
    socklen_t size = sizeof stats;
    if (getsockopt(io->fd, SOL_XDP, XDP_STATISTICS, &stats, &size))
        return;
    io->counters.rx_lost = stats.rx_dropped + stats.rx_ring_full + stats.rx_fill_ring_empty_descs;
}

const struct port_driver port_driver_xdp = {
    xdp_open, xdp_close, xdp_receive, xdp_send, xdp_tx_stamps, xdp_update_counters,
};
