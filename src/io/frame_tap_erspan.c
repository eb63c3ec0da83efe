/* ERSPAN: frames that switches send to an address of this machine (packet/erspan.h). A raw socket
 * takes them, so that the machine's own stack finds its protocol served and does not complain to
 * the switch. Which of them are missing their sequence numbers tell: lost on the way, or here. */
#include "io/frame_tap_driver.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "io/clock.h"
#include "packet/addr.h"
#include "packet/erspan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOURCES 4096u /* ports that are told apart */
#define SENDERS 256u  /* sessions whose sequence is followed */
#define BATCH 16u
#define BLOCK 1024u /* frames */
#define DATAGRAM 65536u
#define RECEIVE_BUFFER (16 << 20)
#define LATE 1024u         /* a number so far back came late; further: it begins anew */
#define MISSING (1u << 24) /* ... and so far ahead, too */
#define IPV4_SIZE 20u

struct source {
    uint32_t address, index;
    uint16_t session;
    char text[48]; /* "10.255.0.11 port 3" */
};

struct sender {
    uint32_t address, next;
    uint16_t session;
};

struct erspan_tap {
    struct frame_tap base;
    struct source *sources;
    struct sender *senders;
    uint32_t n_sources, n_senders;
    uint64_t n_heard, n_missing;
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    uint8_t control[BATCH][64];
    uint8_t *data; /* BATCH of DATAGRAM */
};

static struct erspan_tap *
erspan_tap(struct frame_tap *tap)
{
    return CONTAINER_OF(tap, struct erspan_tap, base);
}

static struct frame_tap *
erspan_new(void)
{
    struct erspan_tap *t = xcalloc(1, sizeof *t);
    t->sources = xcalloc(SOURCES, sizeof *t->sources);
    t->senders = xcalloc(SENDERS, sizeof *t->senders);
    t->data = xcalloc(BATCH, DATAGRAM);
    for (unsigned i = 0; i < BATCH; i++) {
        t->parts[i] = (struct iovec){t->data + (size_t)i * DATAGRAM, DATAGRAM};
        t->messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &t->parts[i], .msg_iovlen = 1, .msg_control = t->control[i]};
    }
    return &t->base;
}

static enum err
fail(const struct frame_tap *tap, const char *what, struct diag *diag)
{
    enum err err = errno == EPERM || errno == EACCES ? ERR_DENIED
                   : errno == EADDRNOTAVAIL          ? ERR_NOT_FOUND
                                                     : ERR_IO;
    return diag_set(diag, err, "erspan:%s: %s: %s", tap->interface, what, strerror(errno));
}

static enum err
erspan_open(struct frame_tap *tap, const struct frame_tap_options *o UNUSED, struct diag *diag)
{
    uint32_t address;
    const int on = 1, size = RECEIVE_BUFFER;
    int room = 0;
    socklen_t room_size = sizeof room;
    if (ipv4_parse(tap->interface, &address))
        return diag_set(diag, ERR_INVALID, "erspan:%s: it is no IPv4 address", tap->interface);
    const struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    tap->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, ERSPAN_IP_PROTO);
    if (tap->fd < 0)
        return fail(tap, "a raw socket", diag);
    if (setsockopt(tap->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        (void)setsockopt(tap->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(tap->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) ||
        bind(tap->fd, (const struct sockaddr *)&local, sizeof local))
        return fail(tap, "to listen", diag);
    (void)getsockopt(tap->fd, SOL_SOCKET, SO_RCVBUF, &room, &room_size);
    snprintf(tap->text, sizeof tap->text, "ERSPAN, %d KiB for what waits", room / 1024);
    return ERR_OK;
}

static void
erspan_close(struct frame_tap *tap)
{
    struct erspan_tap *t = erspan_tap(tap);
    if (tap->fd >= 0)
        close(tap->fd);
    free(t->sources);
    free(t->senders);
    free(t->data);
    free(t);
}

/* ---- Who sends ---- */

static void
name_source(struct source *s)
{
    char address[IPV4_TEXT_SIZE], session[24] = "";
    ipv4_format(s->address, address);
    if (s->session > 1)
        snprintf(session, sizeof session, " session %u", s->session);
    snprintf(s->text, sizeof s->text, "%s%s port %u%s", address, session,
             s->index & ERSPAN_PORT_MAX, s->index & ERSPAN_OUT ? " out" : "");
}

/* Open addressing; they stay. NULL: there are too many. */
static const char *
find_source(struct erspan_tap *t, uint32_t address, const struct erspan *e)
{
    uint32_t hash = (address * 0x9e3779b1u ^ e->index * 0x85ebca6bu ^ e->session) * 0xc2b2ae35u;
    for (uint32_t i = hash >> 20;; i++) {
        struct source *s = &t->sources[i % SOURCES];
        if (*s->text && s->address == address && s->index == e->index && s->session == e->session)
            return s->text;
        if (*s->text)
            continue;
        if (t->n_sources == SOURCES * 3 / 4)
            return NULL;
        t->n_sources++;
        *s = (struct source){.address = address, .index = e->index, .session = e->session};
        name_source(s);
        return s->text;
    }
}

/* Of more than SENDERS the last take turns in one place, and are not followed well. */
static void
follow(struct erspan_tap *t, uint32_t address, const struct erspan *e)
{
    uint32_t i = 0;
    if (!e->has_sequence)
        return;
    while (i < t->n_senders &&
           (t->senders[i].address != address || t->senders[i].session != e->session))
        i++;
    if (i == t->n_senders) {
        i = MIN(i, SENDERS - 1);
        t->n_senders = i + 1;
        t->senders[i] = (struct sender){address, e->sequence, e->session};
    }
    struct sender *s = &t->senders[i];
    uint32_t ahead = e->sequence - s->next;
    if (ahead >= UINT32_MAX - LATE) { /* it was missed, and comes now */
        t->n_missing -= t->n_missing > 0;
        return;
    }
    if (ahead < MISSING)
        t->n_missing += ahead;
    s->next = e->sequence + 1;
}

/* ---- Reading ---- */

static nsec_t
time_of(struct msghdr *m)
{
    struct timespec stamp;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        return (nsec_t)stamp.tv_sec * NSEC_PER_SEC + stamp.tv_nsec;
    }
    return clock_wall();
}

/* The kernel has checked the IP header, and put its pieces together. */
static void
give(struct erspan_tap *t, struct mmsghdr *m, void (*fn)(void *, const struct tapped_frame *),
     void *arg)
{
    const uint8_t *ip = m->msg_hdr.msg_iov->iov_base, *frame;
    size_t size = m->msg_len, header = size ? (size_t)(ip[0] & 15) * 4 : 0, frame_size;
    struct erspan e;
    if (size < IPV4_SIZE || header > size ||
        erspan_parse(ip + header, size - header, &e, &frame, &frame_size))
        return;
    uint32_t address;
    memcpy(&address, ip + 12, sizeof address);
    address = ntohl(address);
    follow(t, address, &e);
    t->n_heard++;
    const struct tapped_frame f = {.data = frame,
                                   .size = (uint32_t)frame_size,
                                   .wire = (uint32_t)frame_size + e.is_truncated,
                                   .time = time_of(&m->msg_hdr),
                                   .source = find_source(t, address, &e)};
    fn(arg, &f);
}

static unsigned
erspan_read(struct frame_tap *tap, unsigned blocks, void (*fn)(void *, const struct tapped_frame *),
            void *arg)
{
    struct erspan_tap *t = erspan_tap(tap);
    uint32_t n = 0, most = MIN(blocks, 256u) * BLOCK;
    for (int came = BATCH; came == (int)BATCH && n < most; n += (uint32_t)MAX(came, 0)) {
        for (unsigned i = 0; i < BATCH; i++)
            t->messages[i].msg_hdr.msg_controllen = sizeof t->control[i];
        came = recvmmsg(tap->fd, t->messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < came; i++)
            give(t, &t->messages[i], fn, arg);
    }
    return (n + BLOCK - 1) / BLOCK;
}

static void
erspan_count(struct frame_tap *tap)
{
    struct erspan_tap *t = erspan_tap(tap);
    tap->counters.dropped = t->n_missing;
    tap->counters.frames = t->n_heard + t->n_missing;
}

const struct frame_tap_driver frame_tap_driver_erspan = {erspan_new, erspan_open, erspan_close,
                                                         erspan_read, erspan_count};
