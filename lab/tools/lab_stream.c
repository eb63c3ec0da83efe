/* lab-stream - a numbered stream of packets, and what became of it. */
#include "base/alloc.h"
#include "base/hash.h"
#include "lab/tools/frames.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/stream_account.h"
#include "lab/tools/tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_PORT 5862
#define DEFAULT_ETHERTYPE 0x88b5 /* IEEE 802 local experimental */
#define MAX_UDP 65507
#define N_LAST 10 /* how often the end of a stream is said, in case one is lost */
#define LAST_INTERVAL (20 * NSEC_PER_MSEC)
#define AFTER_END (300 * NSEC_PER_MSEC) /* packets on slower ways may still come */

/* Common to both commands. */
static const char *interface;
static int64_t port = DEFAULT_PORT, ethertype = DEFAULT_ETHERTYPE, vlan = FRAME_NO_VLAN;
static struct mac group_mac = {{0x01, 0x0c, 0xcd, 0x01, 0x3f, 0xff}};
static uint32_t address;
static int64_t count;
static nsec_t duration;

/* send */
static int64_t pps = 1000, size = 200, pcp = 4, dscp;
static nsec_t start_delay;

/* receive */
static nsec_t interval, idle;
static int64_t max_lost = -1;

static bool
is_layer2(int n, char **operands)
{
    if (n != 1 || (strcmp(operands[0], "udp") && strcmp(operands[0], "l2")))
        tool_usage_error("say udp or l2");
    bool layer2 = !strcmp(operands[0], "l2");
    if (layer2 && !interface)
        tool_usage_error("l2 needs --interface");
    return layer2;
}

static bool
is_multicast(uint32_t a)
{
    return a >> 28 == 14;
}

/* ---- Sending ------------------------------------------------------------------------------- */

struct sender {
    bool layer2;
    struct rawsock raw;
    int fd;
    uint64_t id, n_sent, n_errors;
    struct buf frame; /* its header is overwritten for each packet */
    size_t header_at;
    struct latency late; /* sent after its time by */
};

static void
use_interface(int fd, const char *name)
{
    if (name && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1))
        tool_fail("%s: %s", name, strerror(errno));
}

static void
open_udp_sender(struct sender *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(address)};
    int tos = (int)dscp << 2, hops = 16, room = 4 << 20;
    if (!address)
        tool_usage_error("udp needs --to ADDRESS");
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        tool_fail("socket: %s", strerror(errno));
    use_interface(s->fd, interface);
    setsockopt(s->fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    setsockopt(s->fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops);
    setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    if (connect(s->fd, (struct sockaddr *)&to, sizeof to))
        tool_fail("%s", strerror(errno));
    buf_zero(&s->frame, (size_t)MAX(size, (int64_t)STREAM_HEADER_SIZE));
}

static void
open_layer2_sender(struct sender *s)
{
    struct diag diag;
    if (rawsock_open(&s->raw, interface, RAWSOCK_SEND_ONLY, &diag))
        tool_fail("%s", diag.text);
    frame_begin(&s->frame, &(struct frame_header){.dst = group_mac,
                                                  .src = s->raw.mac,
                                                  .vlan = vlan,
                                                  .pcp = pcp,
                                                  .ethertype = (uint16_t)ethertype});
    s->header_at = s->frame.size;
    buf_zero(&s->frame, (size_t)MAX(size, (int64_t)STREAM_HEADER_SIZE));
    frame_end(&s->frame);
}

static void
send_packet(struct sender *s, uint64_t number, uint64_t total)
{
    struct stream_header h = {.id = s->id, .number = number, .total = total, .sent = tool_wall()};
    bool ok;
    stream_header_write(s->frame.data + s->header_at, &h);
    if (s->layer2)
        ok = rawsock_send(&s->raw, NULL, s->frame.data, s->frame.size) == ERR_OK;
    else
        ok = send(s->fd, s->frame.data, s->frame.size, 0) >= 0;
    s->n_errors += !ok;
}

/* What is due is sent, also when we come late: the rate is kept, and the lateness reported. */
static void
send_all(struct sender *s, int signals)
{
    nsec_t begin = tool_monotonic() + start_delay;
    uint64_t limit = count ? (uint64_t)count : UINT64_MAX;
    if (duration)
        limit = MIN(limit, (uint64_t)((__int128)duration * pps / NSEC_PER_SEC));
    while (s->n_sent < limit) {
        nsec_t due = begin + (nsec_t)((__int128)s->n_sent * NSEC_PER_SEC / pps);
        nsec_t now = tool_monotonic();
        if (now < due) {
            if (tool_wait(-1, signals, due))
                return;
            now = tool_monotonic();
        }
        latency_add(&s->late, now - due);
        send_packet(s, s->n_sent++, limit == UINT64_MAX ? 0 : limit);
        if (s->n_sent % 256 == 0 && tool_signal(signals)) /* when we are never in time */
            return;
    }
}

static void
say_the_end(struct sender *s, int signals)
{
    for (int i = 0; s->n_sent && i < N_LAST; i++) {
        tool_wait(-1, signals, tool_monotonic() + LAST_INTERVAL);
        send_packet(s, s->n_sent, s->n_sent);
    }
}

static int
send_stream(int n_operands, char **operands)
{
    struct sender s = {.layer2 = is_layer2(n_operands, operands), .fd = -1, .raw.fd = -1};
    int signals = tool_signals(false);
    if (getrandom(&s.id, sizeof s.id, 0) != sizeof s.id)
        tool_fail("getrandom: %s", strerror(errno));
    if (s.layer2)
        open_layer2_sender(&s);
    else
        open_udp_sender(&s);
    bool realtime = tool_realtime();
    send_all(&s, signals);
    say_the_end(&s, signals);
    tool_emit(json_pack("{s:s,s:I,s:I,s:I,s:b,s:o}", "event", "summary", "sent",
                        (json_int_t)s.n_sent, "errors", (json_int_t)s.n_errors, "pps",
                        (json_int_t)pps, "realtime", realtime, "late", latency_json(&s.late)));
    buf_fini(&s.frame);
    if (s.fd >= 0)
        close(s.fd);
    rawsock_close(&s.raw);
    return TOOL_OK;
}

/* ---- Receiving ----------------------------------------------------------------------------- */

struct receiver {
    bool layer2;
    struct rawsock raw;
    int fd;
    struct raw_frame *frame;
    struct stream_account *account;
    bool ended; /* the sender has said so */
    nsec_t ended_at;
};

static void
open_udp_receiver(struct receiver *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(address)};
    int one = 1, room = 16 << 20;
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->fd < 0)
        tool_fail("socket: %s", strerror(errno));
    setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(r->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    use_interface(r->fd, interface);
    if (bind(r->fd, (struct sockaddr *)&at, sizeof at))
        tool_fail("UDP port %lld: %s", (long long)port, strerror(errno));
    struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(address),
                             .imr_ifindex = interface ? (int)if_nametoindex(interface) : 0};
    if (is_multicast(address) &&
        setsockopt(r->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group))
        tool_fail("joining the group: %s", strerror(errno));
}

static void
take(struct receiver *r, const uint8_t *octets, size_t n, nsec_t arrival)
{
    struct stream_header h;
    if (!stream_header_read(octets, n, &h))
        return;
    struct stream_account *a = r->account;
    if (a->id && h.id != a->id) { /* the sender was started anew */
        json_t *summary = stream_account_json(a);
        json_object_set_new(summary, "event", json_string("stream-replaced"));
        tool_emit(summary);
        memset(a, 0, sizeof *a);
        r->ended = false;
    }
    if (stream_account_take(a, &h, arrival)) {
        r->ended = true;
        r->ended_at = tool_monotonic();
    }
}

static bool
receive_udp(struct receiver *r)
{
    union {
        struct cmsghdr align;
        uint8_t octets[128];
    } control;
    struct iovec iov = {r->frame->buffer, sizeof r->frame->buffer};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.octets,
                       .msg_controllen = sizeof control.octets};
    ssize_t n = recvmsg(r->fd, &m, 0);
    if (n < 0)
        return false;
    nsec_t arrival = tool_wall();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            arrival = t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
        }
    }
    take(r, r->frame->buffer, (size_t)n, arrival);
    return true;
}

static bool
receive_layer2(struct receiver *r)
{
    struct frame_header h;
    enum err err = rawsock_receive(&r->raw, r->frame);
    if (err == ERR_NOT_FOUND)
        tool_fail("%s has gone", interface);
    if (err)
        return err == ERR_CLOSED; /* down: there may be frames behind that */
    size_t at = frame_parse(r->frame->data, r->frame->size, &h);
    if (at && h.ethertype == ethertype && (vlan == FRAME_NO_VLAN || h.vlan == vlan))
        take(r, r->frame->data + at, r->frame->size - at, r->frame->wall);
    return true;
}

static bool
is_finished(const struct receiver *r, nsec_t begin, nsec_t now)
{
    const struct stream_account *a = r->account;
    if (duration && now - begin >= duration)
        return true;
    if (count && a->received >= (uint64_t)count)
        return true;
    if (idle && a->started && tool_wall() - a->last_arrival >= idle)
        return true;
    return r->ended && now - r->ended_at > AFTER_END;
}

static void
report(const struct receiver *r, const char *event)
{
    json_t *o = stream_account_json(r->account);
    json_object_set_new(o, "event", json_string(event));
    tool_emit(o);
}

static void
receive_all(struct receiver *r, int signals)
{
    nsec_t begin = tool_monotonic(), next_report = interval ? begin + interval : NSEC_NEVER;
    for (;;) {
        nsec_t now = tool_monotonic();
        if (is_finished(r, begin, now))
            return;
        if (now >= next_report) {
            report(r, "interval");
            next_report += interval;
        }
        if (tool_wait(r->layer2 ? r->raw.fd : r->fd, signals,
                      MIN(next_report, now + 10 * NSEC_PER_MSEC)))
            return;
        for (int i = 0; i < 256 && (r->layer2 ? receive_layer2(r) : receive_udp(r)); i++)
            continue;
    }
}

static int
receive_stream(int n_operands, char **operands)
{
    struct receiver r = {.layer2 = is_layer2(n_operands, operands), .fd = -1, .raw.fd = -1};
    struct diag diag;
    int signals = tool_signals(false);
    r.frame = xmalloc(sizeof *r.frame);
    r.account = xcalloc(1, sizeof *r.account);
    if (!r.layer2)
        open_udp_receiver(&r);
    else if (rawsock_open(&r.raw, interface, 0, &diag))
        tool_fail("%s", diag.text);
    tool_realtime();
    tool_emit(json_pack("{s:s}", "event", "ready"));
    receive_all(&r, signals);
    report(&r, "summary");
    bool met = r.account->received > 0 &&
               (max_lost < 0 || stream_account_lost(r.account) <= (uint64_t)max_lost);
    if (r.fd >= 0)
        close(r.fd);
    rawsock_close(&r.raw);
    free(r.frame);
    free(r.account);
    return met ? TOOL_OK : TOOL_UNMET;
}

/* ---- The command line ---------------------------------------------------------------------- */

#define COMMON                                                                                     \
    {"interface", TOOL_TEXT, &interface, "NAME", "send and receive here only", 0, 0},              \
        {"port", TOOL_NUMBER, &port, "N", "udp: port (5862)", 1, 65535},                           \
        {"ethertype", TOOL_NUMBER, &ethertype, "N", "l2: (0x88b5)", 0x600, 0xffff},                \
    {                                                                                              \
        "vlan", TOOL_NUMBER, &vlan, "ID", "l2: tag to send, or to look for (none, any)", 0, 4095   \
    }

static const struct tool_option send_options[] = {
    COMMON,
    {"to", TOOL_IPV4, &address, "ADDRESS", "udp: host or group", 0, 0},
    {"dscp", TOOL_NUMBER, &dscp, "N", "udp: differentiated services code point", 0, 63},
    {"mac", TOOL_MAC, &group_mac, "MAC", "l2: destination (01:0c:cd:01:3f:ff)", 0, 0},
    {"pcp", TOOL_NUMBER, &pcp, "N", "l2: priority in the tag (4)", 0, 7},
    {"pps", TOOL_NUMBER, &pps, "N", "packets a second (1000)", 1, 1000000},
    {"size", TOOL_NUMBER, &size, "OCTETS", "of the payload (200)", STREAM_HEADER_SIZE, MAX_UDP},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many packets", 1, 0},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {"start-delay", TOOL_DURATION, &start_delay, "TIME", "wait before the first packet", 0, 0},
    {0},
};

static const struct tool_option receive_options[] = {
    COMMON,
    {"group", TOOL_IPV4, &address, "ADDRESS", "udp: join this multicast group", 0, 0},
    {"interval", TOOL_DURATION, &interval, "TIME", "report so often", NSEC_PER_MSEC, 0},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many packets", 1, 0},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {"idle", TOOL_DURATION, &idle, "TIME", "stop when nothing came for so long", 1, 0},
    {"max-lost", TOOL_NUMBER, &max_lost, "N", "exit status 1 when more are lost", 0, 0},
    {0},
};

static const struct tool_command commands[] = {
    {"send", "udp|l2", "Sends numbered packets until --count, --duration, or a signal.",
     send_options, send_stream},
    {"receive", "udp|l2",
     "Reports received, lost, duplicated, reordered, latency (same machine's clock), longest gap\n"
     "  and outages; ends with the stream, --count, --duration, --idle, or a signal. Exit status "
     "1\n"
     "  when nothing came.",
     receive_options, receive_stream},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {
        "lab-stream", "a numbered stream, and what became of it", commands};
    return tool_main(&program, argc, argv);
}
