/* AF_XDP: a program at the interface (xdp_program.h) gives what comes in at each receive queue to a
 * socket of that queue. The sockets have no transmit ring: there is no way by which one could send.
 *
 * A frame is in memory as the device has put it there. So that a VLAN tag is in it the device must
 * not take it off, which is turned off as long as the tap is open; a process that is killed leaves
 * it off, which only costs the kernel the work. A virtual cable's other end may leave a tag out of
 * the frame on its own (`ethtool -K IFACE txvlan off` there). */
#include "io/frame_tap_driver.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "io/clock.h"
#include "io/interface.h"
#include "io/xdp_program.h"
#include "io/xsk.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY ((size_t)64 << 20)
#define QUEUE_MEMORY_MIN ((size_t)8 << 20)
#define FRAME_SMALL 2048u
#define FRAME_LARGE 4096u
#define QUEUES_MAX 256u
#define BLOCK 1024u /* frames */
#define TAGS_SIZE 8u

struct queue {
    struct xsk_memory memory;
    struct xsk_socket *socket;
    struct xsk_ring_cons rx;
    /* What is being read of its ring: from `at` on the frames `next` to `n`, and when the next
     * came; NSEC_NEVER: there is none. */
    uint32_t at, next, n;
    nsec_t time;
};

struct xdp_tap {
    struct frame_tap base;
    struct xdp_program program;
    int hears_all; /* a packet socket that gets nothing: as long as it is open */
    bool took_tags_off;
    unsigned n_queues;
    uint32_t frame_size, n_frames; /* of each queue */
    struct queue *queues;
};

static struct xdp_tap *
xdp_tap(struct frame_tap *tap)
{
    return CONTAINER_OF(tap, struct xdp_tap, base);
}

static struct frame_tap *
xdp_new(void)
{
    struct xdp_tap *t = xcalloc(1, sizeof *t);
    t->program = XDP_PROGRAM_NONE;
    t->hears_all = -1;
    return &t->base;
}

static enum err
check_host(const struct xdp_tap *t, struct diag *diag)
{
    if (!interface_is_used(t->base.interface, diag))
        return ERR_OK;
    diag_prefix(diag, "AF_XDP would take away what the host needs");
    return ERR_BUSY;
}

/* As large as the largest frame, or a page; what is larger than that is lost, and counted. */
static enum err
measure(struct xdp_tap *t, const struct frame_tap_options *o, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    strcpy(ifr.ifr_name, t->base.interface);
    if (ioctl(t->hears_all, SIOCGIFMTU, &ifr))
        return interface_fail(t->base.interface, "its MTU", errno, diag);
    uint32_t largest = (uint32_t)ifr.ifr_mtu + 14 + TAGS_SIZE + XSK_HEADROOM;
    t->frame_size = largest <= FRAME_SMALL ? FRAME_SMALL : FRAME_LARGE;
    t->n_queues = interface_queues(t->base.interface, true);
    if (!t->n_queues || t->n_queues > QUEUES_MAX)
        return diag_set(diag, ERR_UNSUPPORTED, "%s: it has %u receive queues", t->base.interface,
                        t->n_queues);
    size_t memory = MAX((o->memory ? o->memory : MEMORY) / t->n_queues, QUEUE_MEMORY_MIN);
    t->n_frames = BLOCK;
    while ((size_t)t->n_frames * 2 * t->frame_size <= memory)
        t->n_frames *= 2;
    return ERR_OK;
}

static enum err
open_promiscuous(struct xdp_tap *t, struct diag *diag)
{
    t->hears_all = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (t->hears_all < 0)
        return interface_fail(t->base.interface, "a packet socket", errno, diag);
    return frame_tap_hear_all(&t->base, t->hears_all, diag);
}

static enum err
keep_tags(struct xdp_tap *t, struct diag *diag)
{
    enum err err = interface_set_tag_removal(t->base.interface, false, &t->took_tags_off, diag);
    if (err)
        diag_prefix(diag, "the device takes VLAN tags off, and AF_XDP cannot see them");
    return err;
}

static enum err
open_queue(struct xdp_tap *t, unsigned number, bool *is_zero_copy, struct diag *diag)
{
    struct queue *q = &t->queues[number];
    struct epoll_event readable = {.events = EPOLLIN};
    /* The completion ring has to be there, and is never used. */
    int error = xsk_memory_open(&q->memory, t->n_frames, t->frame_size, t->n_frames, 64);
    if (error == -ENOBUFS)
        return diag_set(diag, ERR_LIMIT, "%s: %zu MiB may not be locked in memory (RLIMIT_MEMLOCK)",
                        t->base.interface, (size_t)t->n_frames * t->frame_size >> 20);
    if (error)
        return interface_fail(t->base.interface, "memory for AF_XDP", -error, diag);
    const struct xsk_place place = {.interface = t->base.interface,
                                    .queue = number,
                                    .memory = &q->memory,
                                    .rx = &q->rx,
                                    .ring_size = t->n_frames};
    enum err err = xsk_open(&place, &q->socket, is_zero_copy, diag);
    if (err)
        return err;
    for (uint32_t i = 0; i < t->n_frames; i++)
        xsk_give_back(&q->memory, (uint64_t)i * t->frame_size);
    if (epoll_ctl(t->base.fd, EPOLL_CTL_ADD, xsk_socket__fd(q->socket), &readable))
        return interface_fail(t->base.interface, "epoll", errno, diag);
    return xdp_program_add(&t->program, t->base.interface, q->socket, diag);
}

static enum err
open_queues(struct xdp_tap *t, struct diag *diag)
{
    bool is_zero_copy = false;
    enum err err = ERR_OK;
    t->queues = xcalloc(t->n_queues, sizeof *t->queues);
    t->base.fd = epoll_create1(EPOLL_CLOEXEC);
    if (t->base.fd < 0)
        return interface_fail(t->base.interface, "epoll", errno, diag);
    for (unsigned i = 0; i < t->n_queues && !err; i++)
        err = open_queue(t, i, &is_zero_copy, diag);
    snprintf(t->base.text, sizeof t->base.text, "AF_XDP, %s, %u queue%s",
             is_zero_copy ? "zero-copy" : "copy mode", t->n_queues, t->n_queues == 1 ? "" : "s");
    return err;
}

static enum err
xdp_open(struct frame_tap *tap, const struct frame_tap_options *options, struct diag *diag)
{
    struct xdp_tap *t = xdp_tap(tap);
    enum err err = check_host(t, diag);
    if (!err)
        err = open_promiscuous(t, diag);
    if (!err)
        err = measure(t, options, diag);
    if (!err)
        err = xdp_program_attach(&t->program, tap->interface, t->n_queues, NULL, diag);
    if (!err)
        err = keep_tags(t, diag);
    if (!err)
        err = open_queues(t, diag);
    if (err == ERR_DENIED)
        diag_prefix(diag, "AF_XDP needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF");
    return err;
}

static void
xdp_close(struct frame_tap *tap)
{
    struct xdp_tap *t = xdp_tap(tap);
    struct diag diag;
    bool was_on;
    xdp_program_detach(&t->program);
    for (unsigned i = 0; t->queues && i < t->n_queues; i++) {
        if (t->queues[i].socket)
            xsk_socket__delete(t->queues[i].socket);
        xsk_memory_close(&t->queues[i].memory);
    }
    free(t->queues);
    if (t->took_tags_off && interface_set_tag_removal(tap->interface, true, &was_on, &diag)) {
        /* It has gone, or the kernel goes on doing it. */
    }
    if (t->hears_all >= 0)
        close(t->hears_all);
    if (tap->fd >= 0)
        close(tap->fd);
    free(t);
}

/* ---- Reading ---- */

struct moment {
    nsec_t now, tai_offset;
};

static const struct xdp_desc *
next_of(const struct queue *q)
{
    return xsk_ring_cons__rx_desc(&q->rx, q->at + q->next);
}

static void
look_at_next(struct queue *q, const struct moment *m)
{
    bool stamped;
    q->time = q->next == q->n
                  ? NSEC_NEVER
                  : xdp_program_time(xsk_umem__get_data(q->memory.area, next_of(q)->addr), m->now,
                                     m->tai_offset, &stamped);
}

static void
give_next(struct queue *q, const struct moment *m, void (*fn)(void *, const struct tapped_frame *),
          void *arg)
{
    const struct xdp_desc *desc = next_of(q);
    const struct tapped_frame f = {.data = xsk_umem__get_data(q->memory.area, desc->addr),
                                   .size = desc->len,
                                   .wire = desc->len,
                                   .time = q->time};
    fn(arg, &f);
    xsk_give_back(&q->memory, desc->addr);
    q->next++;
    look_at_next(q, m);
}

/* The queue whose next frame came first, and when the first of all others' came. */
static struct queue *
earliest(const struct xdp_tap *t, nsec_t *others)
{
    struct queue *first = &t->queues[0];
    *others = NSEC_NEVER;
    for (unsigned i = 1; i < t->n_queues; i++) {
        struct queue *q = &t->queues[i];
        *others = MIN(*others, MAX(q->time, first->time));
        first = q->time < first->time ? q : first;
    }
    return first;
}

/* Up to `max` frames of all queues, in the order in which they came: the two ways of a conversation
 * may come by two queues. Returns how many there were. */
static uint32_t
read_frames(struct xdp_tap *t, uint32_t max, void (*fn)(void *, const struct tapped_frame *),
            void *arg)
{
    const struct moment m = {clock_wall(), clock_tai_offset()};
    uint32_t left = 0, given = 0;
    nsec_t others;
    for (unsigned i = 0; i < t->n_queues; i++) {
        struct queue *q = &t->queues[i];
        q->next = 0;
        q->n = xsk_ring_cons__peek(&q->rx, t->n_frames, &q->at);
        left += q->n;
        look_at_next(q, &m);
    }
    left = MIN(left, max);
    while (given < left) {
        struct queue *q = earliest(t, &others);
        for (; given < left && q->next < q->n && q->time <= others; given++)
            give_next(q, &m, fn, arg);
    }
    for (unsigned i = 0; i < t->n_queues; i++) {
        struct queue *q = &t->queues[i];
        xsk_ring_cons__cancel(&q->rx, q->n - q->next);
        xsk_ring_cons__release(&q->rx, q->next);
        xsk_wake_receiver(q->socket, &q->memory);
    }
    t->base.counters.frames += given;
    return given;
}

static unsigned
xdp_read(struct frame_tap *tap, unsigned blocks, void (*fn)(void *, const struct tapped_frame *),
         void *arg)
{
    struct xdp_tap *t = xdp_tap(tap);
    uint32_t most = t->n_queues * t->n_frames;
    uint32_t n = read_frames(t, MIN(blocks, most / BLOCK) * BLOCK, fn, arg);
    return (n + BLOCK - 1) / BLOCK;
}

static void
xdp_count(struct frame_tap *tap)
{
    struct xdp_tap *t = xdp_tap(tap);
    uint64_t heard = tap->counters.frames - tap->counters.dropped, lost = 0;
    for (unsigned i = 0; i < t->n_queues; i++)
        lost += xsk_lost(xsk_socket__fd(t->queues[i].socket));
    tap->counters.dropped = lost;
    tap->counters.frames = heard + lost;
}

const struct frame_tap_driver frame_tap_driver_xdp = {xdp_new, xdp_open, xdp_close, xdp_read,
                                                      xdp_count};
