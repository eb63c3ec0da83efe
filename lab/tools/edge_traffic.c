/* edge-traffic - sends numbered frames into one interface and tells what came out of others.
 *
 * A thread sends, a thread receives; the main thread waits. Nothing is allocated meanwhile. Times
 * are the monotonic clock's; where the kernel stamps an arrival, its wall clock is brought over. */
#include "base/alloc.h"
#include "lab/tools/cpu_account.h"
#include "lab/tools/frames.h"
#include "lab/tools/place.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/stream_account.h"
#include "lab/tools/tool.h"
#include "lab/tools/traffic_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_packet.h>

#define BURST_MAX 256
#define RECEIVERS_MAX 8
#define RECEIVE_BURST 64
#define HEAD_SIZE 128 /* octets of a received frame that are looked at */
#define TICK (10 * NSEC_PER_MSEC)

/* Options. */
static const char *from, *to, *watch = "", *stamps = "kernel";
static int64_t pps, size = 60, n_flows = 1, vlan = FRAME_NO_VLAN, pcp = 4, count, burst = 32;
static int64_t priority;
static nsec_t duration, start_delay = 100 * NSEC_PER_MSEC, drain = 200 * NSEC_PER_MSEC;
static struct mac dst_mac, src_mac;
static bool spin, count_only;

struct sender {
    struct rawsock raw;
    struct traffic_shape shape;
    struct mmsghdr messages[BURST_MAX];
    struct iovec iov[BURST_MAX];
    uint8_t *frames; /* BURST_MAX of shape.size */
    uint32_t n_sent; /* with those that the interface refused */
    uint32_t n_refused;
    nsec_t begin, end;
    nsec_t cpu, cpu_calls; /* of the thread; of that in the calls that send */
    struct latency late;   /* sent after its time by */
};

struct receiver {
    struct rawsock raw;
    char name[64];
    const char *interface; /* in `name`, behind the namespace */
    uint64_t n_received, n_other_tag;
    uint64_t counter; /* --count-only: rx_packets at the start */
};

struct arrivals {
    struct receiver receivers[RECEIVERS_MAX];
    unsigned n;
    struct stream_account account;
    nsec_t cpu;
    struct mmsghdr messages[RECEIVE_BURST];
    struct iovec iov[RECEIVE_BURST];
    uint8_t heads[RECEIVE_BURST][HEAD_SIZE];
    uint8_t control[RECEIVE_BURST][128];
};

static struct sender sender = {.raw.fd = -1};
static struct arrivals arrivals;
static nsec_t wall_offset; /* from the monotonic clock to the account's times */
static _Atomic bool stop_sending, stop_receiving, sending_done;

/* ---- Interfaces, each in the namespace that is named before it ------------------------------- */

static void
open_interface(struct rawsock *raw, const char *name, unsigned flags)
{
    struct diag diag;
    const char *interface;
    int back = place_enter(name, &interface);
    if (rawsock_open(raw, interface, flags, &diag))
        tool_fail("%s", diag.text);
    place_leave(back);
}

/* rx_packets of a receiver's interface. */
static uint64_t
rx_packets(const struct receiver *r)
{
    const char *interface;
    char line[512], name[64];
    unsigned long long packets = 0;
    int back = place_enter(r->name, &interface);
    FILE *f = fopen("/proc/thread-self/net/dev", "re");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long n;
        if (sscanf(line, " %63[^:]: %*u %llu", name, &n) == 2 && !strcmp(name, interface))
            packets = n;
    }
    if (f)
        fclose(f);
    place_leave(back);
    return packets;
}

static void
open_receivers(const char *names)
{
    char *copy = xstrdup(names), *state = NULL;
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
        struct receiver *r = &arrivals.receivers[arrivals.n];
        if (arrivals.n++ == RECEIVERS_MAX)
            tool_usage_error("at most %d interfaces to receive on", RECEIVERS_MAX);
        snprintf(r->name, sizeof r->name, "%s", name);
        /* Of --count-only the socket gets nothing: it is there for the address. */
        open_interface(&r->raw, r->name, count_only ? RAWSOCK_SEND_ONLY : 0);
    }
    free(copy);
    if (!arrivals.n)
        tool_usage_error("--to names no interface");
}

static bool
is_zero(const struct mac *m)
{
    static const struct mac zero;
    return !memcmp(m, &zero, sizeof zero);
}

static void
open_sender(void)
{
    struct sender *s = &sender;
    open_interface(&s->raw, from, RAWSOCK_SEND_ONLY);
    s->shape = (struct traffic_shape){.dst = is_zero(&dst_mac) ? arrivals.receivers[0].raw.mac
                                                               : dst_mac,
                                      .src = is_zero(&src_mac) ? s->raw.mac : src_mac,
                                      .vlan = vlan,
                                      .pcp = pcp,
                                      .size = (uint32_t)size,
                                      .n_flows = (uint32_t)n_flows};
    if (getrandom(&s->shape.id, sizeof s->shape.id, 0) != sizeof s->shape.id)
        tool_fail("getrandom: %s", strerror(errno));
    s->frames = xmalloc((size_t)BURST_MAX * s->shape.size);
    for (unsigned i = 0; i < BURST_MAX; i++) {
        uint8_t *frame = s->frames + (size_t)i * s->shape.size;
        traffic_frame_write(frame, &s->shape);
        s->iov[i] = (struct iovec){frame, s->shape.size};
        s->messages[i].msg_hdr.msg_iov = &s->iov[i];
        s->messages[i].msg_hdr.msg_iovlen = 1;
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* The first of a thread: whatever else the machine does should not be in the figures. */
static void
begin_thread(const char *name)
{
    const struct sched_param param = {.sched_priority = (int)priority};
    pthread_setname_np(pthread_self(), name);
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (priority && sched_setscheduler(0, SCHED_FIFO, &param))
        tool_warn("no real-time priority: %s", strerror(errno));
}

static void
sleep_until(nsec_t at)
{
    struct timespec t = {at / NSEC_PER_SEC, at % NSEC_PER_SEC};
    if (!spin)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* All `n` are gone or refused afterwards. What the kernel forwards it does inside the calls. */
static void
send_burst(struct sender *s, unsigned n, nsec_t now)
{
    for (unsigned i = 0; i < n; i++)
        traffic_frame_mark(s->iov[i].iov_base, &s->shape, s->n_sent + i, now);
    nsec_t cpu = count_only ? cpu_account_thread() : 0;
    for (unsigned done = 0; done < n;) {
        int sent = sendmmsg(s->raw.fd, s->messages + done, n - done, 0);
        if (sent < 0 && errno == EINTR)
            continue;
        s->n_refused += sent < 0; /* the first one */
        done += sent < 0 ? 1 : (unsigned)sent;
    }
    s->cpu_calls += count_only ? cpu_account_thread() - cpu : 0;
    s->n_sent += n;
}

static nsec_t
due_at(const struct sender *s, uint32_t number)
{
    return s->begin + (nsec_t)((__int128)number * NSEC_PER_SEC / pps);
}

/* How many are due: when we come late those that were missed, so that the rate is kept. */
static unsigned
n_due(const struct sender *s, nsec_t now, uint32_t limit)
{
    uint64_t n = UINT32_MAX;
    if (pps)
        n = (uint64_t)((__int128)(now - s->begin) * pps / NSEC_PER_SEC) + 1;
    n = MIN(n, limit);
    return (unsigned)MIN(n > s->n_sent ? n - s->n_sent : 0, (uint64_t)burst);
}

static void *
send_all(void *arg UNUSED)
{
    struct sender *s = &sender;
    uint32_t limit = count ? (uint32_t)count : UINT32_MAX;
    begin_thread("send");
    if (pps && duration)
        limit = (uint32_t)MIN((int64_t)limit, (int64_t)((__int128)duration * pps / NSEC_PER_SEC));
    nsec_t cpu = cpu_account_thread(), now = s->begin = tool_monotonic();
    nsec_t end = duration && !pps ? s->begin + duration : NSEC_NEVER;
    while (s->n_sent < limit && now < end && !stop_sending) {
        unsigned n = n_due(s, now, limit);
        if (n) {
            if (pps)
                latency_add(&s->late, now - due_at(s, s->n_sent));
            send_burst(s, n, now);
        } else {
            sleep_until(due_at(s, s->n_sent));
        }
        now = tool_monotonic();
    }
    s->end = now;
    s->cpu = cpu_account_thread() - cpu;
    sending_done = true;
    return NULL;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void
read_side(struct msghdr *m, nsec_t *wall, int64_t *tag)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
            struct tpacket_auxdata aux;
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
            if (aux.tp_status & TP_STATUS_VLAN_VALID)
                *tag = aux.tp_vlan_tci & 0xfff;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            *wall = t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
        }
    }
}

static void
take(struct receiver *r, struct mmsghdr *m, const uint8_t *head, nsec_t now, nsec_t offset)
{
    struct traffic_mark mark;
    nsec_t arrival = 0;
    int64_t tag = FRAME_NO_VLAN;
    if (!traffic_frame_read(head, MIN(m->msg_len, HEAD_SIZE), sender.shape.id, &mark))
        return;
    read_side(&m->msg_hdr, &arrival, &tag);
    arrival = arrival && *stamps == 'k' ? arrival - offset : now;
    r->n_received++;
    r->n_other_tag += (tag == FRAME_NO_VLAN ? mark.vlan : tag) != vlan;
    struct stream_header h = {
        .id = sender.shape.id, .number = mark.number, .sent = mark.sent + wall_offset};
    (void)stream_account_take(&arrivals.account, &h, arrival + wall_offset);
}

/* From the monotonic clock to the wall clock. Kept when something came between the readings. */
static nsec_t
clock_offset(nsec_t now)
{
    static nsec_t offset, slack = NSEC_PER_SEC;
    nsec_t wall = tool_wall(), width = tool_monotonic() - now;
    if (width <= slack) {
        offset = wall - now - width / 2;
        slack = width;
    }
    slack += slack / 16; /* the clocks drift: an old one gets worse */
    return offset;
}

static unsigned
receive_some(struct receiver *r)
{
    struct arrivals *a = &arrivals;
    for (unsigned i = 0; i < RECEIVE_BURST; i++)
        a->messages[i].msg_hdr.msg_controllen = sizeof a->control[i];
    int n = recvmmsg(r->raw.fd, a->messages, RECEIVE_BURST, MSG_DONTWAIT, NULL);
    nsec_t now = tool_monotonic(), offset = clock_offset(now);
    for (int i = 0; i < n; i++)
        take(r, &a->messages[i], a->heads[i], now, offset);
    return n > 0 ? (unsigned)n : 0;
}

static void *
receive_all(void *arg UNUSED)
{
    struct arrivals *a = &arrivals;
    struct pollfd polls[RECEIVERS_MAX];
    begin_thread("receive");
    for (unsigned i = 0; i < RECEIVE_BURST; i++) {
        a->iov[i] = (struct iovec){a->heads[i], HEAD_SIZE};
        a->messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &a->iov[i], .msg_iovlen = 1, .msg_control = a->control[i]};
    }
    for (unsigned i = 0; i < a->n; i++)
        polls[i] = (struct pollfd){.fd = a->receivers[i].raw.fd, .events = POLLIN};
    while (!stop_receiving) {
        unsigned n = 0;
        for (unsigned i = 0; i < a->n; i++)
            n += receive_some(&a->receivers[i]);
        if (!n && !spin)
            (void)poll(polls, a->n, (int)(TICK / NSEC_PER_MSEC));
    }
    a->cpu = cpu_account_thread();
    return NULL;
}

/* Frames that the receivers' sockets had no room for: then the loss is ours. */
static uint64_t
socket_drops(void)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < arrivals.n; i++) {
        struct tpacket_stats stats;
        socklen_t length = sizeof stats;
        if (!getsockopt(arrivals.receivers[i].raw.fd, SOL_PACKET, PACKET_STATISTICS, &stats,
                        &length))
            n += stats.tp_drops;
    }
    return n;
}

/* ---- The run --------------------------------------------------------------------------------- */

static void
start_thread(pthread_t *thread, void *(*run)(void *))
{
    int error = pthread_create(thread, NULL, run, NULL);
    if (error)
        tool_fail("thread: %s", strerror(error));
}

static json_t *
per_interface(void)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < arrivals.n; i++) {
        const struct receiver *r = &arrivals.receivers[i];
        json_object_set_new(o, r->name, json_integer((json_int_t)r->n_received));
    }
    return o;
}

static void
report(const struct cpu_time *watched)
{
    struct sender *s = &sender;
    double seconds = (double)(s->end - s->begin) / 1e9;
    uint64_t received = 0, other_tag = 0;
    for (unsigned i = 0; i < arrivals.n; i++) {
        received += arrivals.receivers[i].n_received;
        other_tag += arrivals.receivers[i].n_other_tag;
    }
    arrivals.account.total = s->n_sent;
    json_t *o = json_pack("{s:s,s:I,s:I,s:f,s:f,s:o,s:o}", "event", "summary", "sent",
                          (json_int_t)s->n_sent, "refused", (json_int_t)s->n_refused, "seconds",
                          seconds, "sent_pps", (double)s->n_sent / seconds, "late",
                          latency_json(&s->late), "interfaces", per_interface());
    json_t *cpu = json_pack("{s:f,s:f,s:f,s:f}", "send", (double)s->cpu / 1e9, "receive",
                            (double)arrivals.cpu / 1e9, "watched", (double)watched->asked / 1e9,
                            "softirqd", (double)watched->softirqd / 1e9);
    if (count_only) {
        json_object_set_new(cpu, "send_calls", json_real((double)s->cpu_calls / 1e9));
        json_object_set_new(o, "received", json_integer((json_int_t)received));
    } else {
        json_t *account = stream_account_json(&arrivals.account);
        json_object_update(o, account);
        json_decref(account);
        json_object_set_new(o, "other_tag", json_integer((json_int_t)other_tag));
        json_object_set_new(o, "receiver_drops", json_integer((json_int_t)socket_drops()));
    }
    json_object_set_new(o, "cpu_s", cpu);
    tool_emit(o);
}

static void
check_options(void)
{
    if (!from || !to)
        tool_usage_error("--from and --to are needed");
    if (!duration && !count)
        tool_usage_error("--duration or --count is needed");
    if (strcmp(stamps, "kernel") && strcmp(stamps, "user"))
        tool_usage_error("--stamps is kernel or user");
}

static void
count_arrivals(int sign)
{
    for (unsigned i = 0; i < arrivals.n && count_only; i++) {
        struct receiver *r = &arrivals.receivers[i];
        r->counter = rx_packets(r) - (sign > 0 ? r->counter : 0);
        r->n_received = sign > 0 ? r->counter : 0;
    }
}

/* Until all is sent, and what is on the way has had its time. */
static void
wait_for_the_end(int signals)
{
    while (!sending_done) {
        if (tool_wait(-1, signals, tool_monotonic() + TICK))
            stop_sending = true;
    }
    tool_wait(-1, signals, tool_monotonic() + drain);
}

static int
run(int n_operands UNUSED, char **operands UNUSED)
{
    struct cpu_account accounts;
    struct cpu_time before, after;
    pthread_t send_thread, receive_thread;
    int signals = tool_signals(false);
    check_options();
    if (cpu_account_init(&accounts, watch))
        tool_usage_error("--watch takes up to %d process ids, separated by commas",
                         CPU_ACCOUNT_MAX);
    open_receivers(to);
    open_sender();
    wall_offset = tool_wall() - tool_monotonic();
    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    if (!count_only)
        start_thread(&receive_thread, receive_all);
    tool_wait(-1, signals, tool_monotonic() + start_delay);
    count_arrivals(-1);
    if (cpu_account_read(&accounts, &before))
        tool_fail("--watch: there is no such process");
    start_thread(&send_thread, send_all);
    wait_for_the_end(signals);
    if (cpu_account_read(&accounts, &after))
        tool_fail("a process of --watch has ended");
    count_arrivals(1);
    stop_receiving = true;
    pthread_join(send_thread, NULL);
    if (!count_only)
        pthread_join(receive_thread, NULL);
    report(&(struct cpu_time){after.asked - before.asked, after.softirqd - before.softirqd});
    return TOOL_OK;
}

/* ---- The command line ------------------------------------------------------------------------ */

static const struct tool_option options[] = {
    {"from", TOOL_TEXT, &from, "[NAMESPACE/]INTERFACE", "where frames are sent", 0, 0},
    {"to", TOOL_TEXT, &to, "[NAMESPACE/]INTERFACE[,...]", "where they should arrive", 0, 0},
    {"pps", TOOL_NUMBER, &pps, "N", "frames a second (as many as possible)", 1, 10000000},
    {"size", TOOL_NUMBER, &size, "OCTETS", "of a frame, without FCS (60)", TRAFFIC_MIN_SIZE,
     TRAFFIC_MAX_SIZE},
    {"flows", TOOL_NUMBER, &n_flows, "N", "that many, by UDP port (1)", 1, TRAFFIC_MAX_FLOWS},
    {"vlan", TOOL_NUMBER, &vlan, "ID", "send with this tag, expect it", 0, 4095},
    {"pcp", TOOL_NUMBER, &pcp, "N", "priority in the tag (4)", 0, 7},
    {"dst", TOOL_MAC, &dst_mac, "MAC", "destination (that of the first interface of --to)", 0, 0},
    {"src", TOOL_MAC, &src_mac, "MAC", "source (that of --from)", 0, 0},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many frames", 1, UINT32_MAX},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {"burst", TOOL_NUMBER, &burst, "N", "frames handed over at once, if due (32)", 1, BURST_MAX},
    {"start-delay", TOOL_DURATION, &start_delay, "TIME", "before the first (100ms)", 0, 0},
    {"drain", TOOL_DURATION, &drain, "TIME", "receive so long after the last (200ms)", 0, 0},
    {"stamps", TOOL_TEXT, &stamps, "kernel|user",
     "time of arrival: the kernel's, or when this program has the frame (kernel)", 0, 0},
    {"priority", TOOL_NUMBER, &priority, "N", "real-time priority (none)", 1, 99},
    {"spin", TOOL_FLAG, &spin, NULL, "never sleep, neither sending nor receiving", 0, 0},
    {"count-only", TOOL_FLAG, &count_only, NULL,
     "do not receive: read the interfaces' counters (costs the receiving side nothing);\n"
     "                         tells the CPU time of the sending calls alone too",
     0, 0},
    {"watch", TOOL_TEXT, &watch, "PID[,...]", "tell the CPU time of these processes too", 0, 0},
    {0},
};

static const struct tool_command commands[] = {
    {NULL, NULL,
     "Sends numbered UDP frames and tells what arrived, as JSON: sent, received, lost, "
     "duplicated,\n"
     "  reordered, longest gap and outages, latency (p50, p99, max), how late it sent, and CPU "
     "time\n"
     "  (of its threads, of --watch, of ksoftirqd) from the first frame to the end of --drain.\n"
     "  Ends early, with the report, on SIGINT and SIGTERM.",
     options, run},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {
        "edge-traffic", "test traffic through a packet node, and what became of it", commands};
    return tool_main(&program, argc, argv);
}
