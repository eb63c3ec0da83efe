/* edge-failover - breaks a path again and again, while traffic goes over it, and tells what each
 * break has cost: frames lost, the longest time without one, their latency, frames out of order.
 *
 *     --in --> [ switch ] local -- primary     traffic ends at primary and backup, where sockets
 *              [        ] ------- backup       listen; the switch prefers the primary
 *
 * The main thread sends at its pace and reads what has come between trials; another one breaks the
 * path, because the kernel takes its time to set an interface down. Arrivals are stamped by the
 * kernel. */
#include "base/alloc.h"
#include "lab/tools/frames.h"
#include "lab/tools/latency.h"
#include "lab/tools/place.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/tool.h"
#include "lab/tools/traffic_frame.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/if_link.h>

#define FRAMES_MAX 1000000u /* of one trial */
#define SOCKET_BUFFER (64 << 20)
#define RUN_ID 0x4865u
#define BREAKER_PRIORITY 11 /* above that of tool_realtime() */
#define PROBE_EVERY NSEC_PER_MSEC
#define PROBES_IN_A_ROW 20 /* that come by the primary: it is in use again */

/* Options. */
static const char *in, *primary, *backup, *local, *failure = "silent";
static int64_t pps = 20000, trials = 30;
static nsec_t before = 20 * NSEC_PER_MSEC, after = 40 * NSEC_PER_MSEC;
static nsec_t patience = 5 * NSEC_PER_SEC;
static bool samples;

/* An interface in its namespace; `fd` is a socket there. */
struct place {
    char interface[16];
    int fd;
};

struct arrival {
    nsec_t time;
    uint32_t number;
    bool by_backup;
    nsec_t latency;
};

struct trial {
    nsec_t broken;  /* when the break was asked for */
    uint32_t first; /* number of its first frame */
    uint32_t n_sent;
    uint32_t n; /* arrivals */
    struct arrival arrivals[FRAMES_MAX];
    nsec_t sent[FRAMES_MAX]; /* by number: when */
    bool arrived[FRAMES_MAX];
};

struct figures {
    uint32_t n, n_unhealed;
    double *lost, *outage_us, *gap_us;
    struct latency latency, late; /* after the failure; late: sent after its time by */
    uint64_t reordered, sent;
};

static struct rawsock sender, receivers[2];
static struct place broken_place; /* of a failure by interface */
static int drop_map = -1;         /* of a silent one */
static struct traffic_shape shape;
static uint8_t frame[TRAFFIC_MIN_SIZE];
static uint32_t next_number;
static struct trial trial;
static nsec_t wall_offset; /* from the monotonic clock to the wall clock */

/* ---- Sockets --------------------------------------------------------------------------------- */

static void
open_socket(struct rawsock *raw, const char *name, unsigned flags)
{
    struct diag diag;
    const char *interface;
    const int size = SOCKET_BUFFER;
    int back = place_enter(name, &interface);
    if (rawsock_open(raw, interface, flags, &diag))
        tool_fail("%s", diag.text);
    if (setsockopt(raw->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        tool_fail("%s: SO_RCVBUFFORCE: %s", name, strerror(errno));
    place_leave(back);
}

/* ---- Breaking and mending -------------------------------------------------------------------- */

#define INSN(op, dst, src, offset, value)                                                          \
    {                                                                                              \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value)          \
    }

/* Drops everything while the map's only value is not 0. In generic mode, before any socket sees it;
 * what the interface sends is not touched. */
static void
open_drop(const char *name)
{
    const char *interface;
    int back = place_enter(name, &interface);
    drop_map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "drop", 4, 4, 1, NULL);
    const struct bpf_insn program[] = {
        INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
        INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, drop_map),
        INSN(0, 0, 0, 0, 0),
        INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
        INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 4, 0),
        INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_0, 0, 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_DROP),
        INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 1, 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "drop", "Dual BSD/GPL", program, ARRAY_SIZE(program),
                           NULL);
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
    if (drop_map < 0 || fd < 0 ||
        bpf_link_create(fd, (int)if_nametoindex(interface), BPF_XDP, &options) < 0)
        tool_fail("%s: XDP: %s", name, strerror(errno));
    place_leave(back);
}

static void
open_failure(void)
{
    if (!strcmp(failure, "silent")) {
        open_drop(primary);
    } else if (!strcmp(failure, "local") || !strcmp(failure, "remote")) {
        const char *name = *failure == 'l' ? local : primary;
        if (!name)
            tool_usage_error("--fail local needs --local");
        const char *interface;
        int back = place_enter(name, &interface);
        snprintf(broken_place.interface, sizeof broken_place.interface, "%s", interface);
        broken_place.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        place_leave(back);
    } else {
        tool_usage_error("--fail is none of local, remote, silent");
    }
}

static void
set_broken(bool broken)
{
    const uint32_t key = 0, value = broken;
    struct ifreq ifr = {.ifr_ifindex = 0};
    if (drop_map >= 0) {
        if (bpf_map_update_elem(drop_map, &key, &value, BPF_ANY))
            tool_fail("BPF map: %s", strerror(errno));
        return;
    }
    memcpy(ifr.ifr_name, broken_place.interface, sizeof ifr.ifr_name);
    if (ioctl(broken_place.fd, SIOCGIFFLAGS, &ifr))
        tool_fail("%s: %s", ifr.ifr_name, strerror(errno));
    ifr.ifr_flags = (short)(broken ? ifr.ifr_flags & ~IFF_UP : ifr.ifr_flags | IFF_UP);
    if (broken)
        trial.broken = tool_monotonic();
    if (ioctl(broken_place.fd, SIOCSIFFLAGS, &ifr))
        tool_fail("%s: %s", ifr.ifr_name, strerror(errno));
}

static void *
break_it(void *at)
{
    const nsec_t *time = at;
    const struct timespec t = {*time / NSEC_PER_SEC, *time % NSEC_PER_SEC};
    prctl(PR_SET_TIMERSLACK, 1UL);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    trial.broken = tool_monotonic();
    set_broken(true);
    return NULL;
}

/* With real-time priority too, if there is any: else the machine's other work decides when. */
static void
start_breaker(pthread_t *thread, nsec_t *at)
{
    const struct sched_param param = {.sched_priority = BREAKER_PRIORITY};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &param);
    if (pthread_create(thread, &attributes, break_it, at) &&
        pthread_create(thread, NULL, break_it, at))
        tool_fail("thread: it cannot be started");
    pthread_attr_destroy(&attributes);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static void
send_one(nsec_t now)
{
    traffic_frame_mark(frame, &shape, next_number++, now);
    if (rawsock_send(&sender, NULL, frame, sizeof frame))
        tool_fail("%s: it takes no frames", sender.interface);
}

/* Whatever the sockets have; without a trial it is thrown away. Returns how many came by each. */
static void
read_all(struct trial *t, uint32_t n[2])
{
    static struct raw_frame raw;
    for (unsigned i = 0; i < 2; i++) {
        enum err err;
        while ((err = rawsock_receive(&receivers[i], &raw)) == ERR_OK || err == ERR_CLOSED) {
            struct traffic_mark mark;
            if (err || !traffic_frame_read(raw.data, raw.size, RUN_ID, &mark))
                continue;
            n[i]++;
            if (t && mark.number - t->first < t->n_sent && t->n < FRAMES_MAX)
                t->arrivals[t->n++] = (struct arrival){raw.wall - wall_offset, mark.number, i == 1,
                                                       raw.wall - wall_offset - mark.sent};
        }
    }
}

static void
sleep_until(nsec_t at)
{
    const struct timespec t = {at / NSEC_PER_SEC, at % NSEC_PER_SEC};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Returns when the primary is in use. */
static void
await_primary(void)
{
    nsec_t now = tool_monotonic(), end = now + patience;
    unsigned n_good = 0;
    while (n_good < PROBES_IN_A_ROW) {
        uint32_t n[2] = {0, 0};
        if (now >= end)
            tool_fail("traffic does not come back to %s", primary);
        send_one(now);
        sleep_until(now + PROBE_EVERY);
        read_all(NULL, n);
        n_good = n[0] && !n[1] ? n_good + 1 : 0;
        now = tool_monotonic();
    }
}

static void
find_wall_offset(void)
{
    nsec_t best = NSEC_NEVER;
    for (unsigned i = 0; i < 20; i++) {
        nsec_t a = tool_monotonic(), wall = tool_wall(), b = tool_monotonic();
        if (b - a < best) {
            best = b - a;
            wall_offset = wall - a - (b - a) / 2;
        }
    }
}

/* ---- A trial --------------------------------------------------------------------------------- */

static void
run_trial(struct figures *f)
{
    pthread_t breaker;
    uint32_t n[2];
    nsec_t interval = NSEC_PER_SEC / pps, begin = tool_monotonic() + interval;
    nsec_t break_at = begin + before, end = break_at + after;
    trial.first = next_number;
    trial.n = trial.n_sent = 0;
    find_wall_offset();
    start_breaker(&breaker, &break_at);
    for (nsec_t due = begin; due < end; due += interval) {
        sleep_until(due);
        nsec_t now = tool_monotonic();
        trial.arrived[next_number - trial.first] = false;
        trial.sent[next_number - trial.first] = now;
        send_one(now);
        if (due >= break_at)
            latency_add(&f->late, now - due);
    }
    pthread_join(breaker, NULL);
    trial.n_sent = next_number - trial.first;
    sleep_until(tool_monotonic() + after);
    read_all(&trial, n);
    set_broken(false);
}

static int
by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

/* The longest time in which nothing that was sent arrived: from the first frame that was lost to
 * the first that was not. By when they were sent, so that the sender's own pauses do not count. */
static nsec_t
longest_outage(const struct trial *t)
{
    nsec_t longest = 0;
    for (uint32_t i = 0, first = 0; i < t->n_sent; i++) {
        if (!t->arrived[i])
            longest = MAX(longest, t->sent[MIN(i + 1, t->n_sent - 1)] - t->sent[first]);
        else
            first = i + 1;
    }
    return longest;
}

/* The sender was kept from working, and had little or nothing left to send after the break. */
static bool
is_void(const struct trial *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_sent; i++)
        n += t->sent[i] >= t->broken;
    return n < (uint32_t)(after * pps / NSEC_PER_SEC / 2);
}

static void
account(struct figures *f)
{
    struct trial *t = &trial;
    nsec_t last = t->broken, gap = 0;
    uint32_t highest = 0, n_by_backup = 0;
    qsort(t->arrivals, t->n, sizeof *t->arrivals, by_time);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct arrival *a = &t->arrivals[i];
        f->reordered += i && a->number - t->first < highest;
        highest = MAX(highest, a->number - t->first);
        t->arrived[a->number - t->first] = true;
        n_by_backup += a->by_backup;
        if (a->time < t->broken) {
            last = a->time;
            continue;
        }
        gap = MAX(gap, a->time - last);
        last = a->time;
        latency_add(&f->latency, a->latency);
    }
    f->n_unhealed += !n_by_backup;
    f->lost[f->n] = t->n_sent - t->n;
    f->outage_us[f->n] = (double)longest_outage(t) / 1e3;
    f->gap_us[f->n] = (double)(n_by_backup ? gap : after) / 1e3;
    f->sent += t->n_sent;
    if (samples)
        tool_emit(json_pack("{s:s,s:f,s:f,s:f,s:b}", "event", "trial", "lost", f->lost[f->n],
                            "outage_us", f->outage_us[f->n], "gap_us", f->gap_us[f->n], "healed",
                            n_by_backup > 0));
    f->n++;
}

static int
by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static json_t *
percentiles(double *values, uint32_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return json_pack("{s:f,s:f,s:f}", "p50", values[(n - 1) / 2], "p99",
                     values[(99 * n + 99) / 100 - 1], "max", values[n - 1]);
}

static void
report(struct figures *f)
{
    json_t *lost = percentiles(f->lost, f->n);
    tool_emit(json_pack("{s:s,s:s,s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:I}", "event", "summary", "fail",
                        failure, "trials", (int)f->n, "unhealed", (int)f->n_unhealed, "sent",
                        (json_int_t)f->sent, "lost", lost, "outage_us",
                        percentiles(f->outage_us, f->n), "gap_us", percentiles(f->gap_us, f->n),
                        "latency", latency_json(&f->latency), "late", latency_json(&f->late),
                        "reordered", (json_int_t)f->reordered));
}

static int
run(int n_operands UNUSED, char **operands UNUSED)
{
    static struct figures f;
    if (!in || !primary || !backup)
        tool_usage_error("--in, --primary and --backup are needed");
    if ((before + after) * pps / NSEC_PER_SEC >= FRAMES_MAX)
        tool_usage_error("at most %u frames in a trial", FRAMES_MAX);
    f.lost = xcalloc((size_t)trials, sizeof *f.lost);
    f.outage_us = xcalloc((size_t)trials, sizeof *f.outage_us);
    f.gap_us = xcalloc((size_t)trials, sizeof *f.gap_us);
    open_socket(&sender, in, RAWSOCK_SEND_ONLY);
    open_socket(&receivers[0], primary, 0);
    open_socket(&receivers[1], backup, 0);
    open_failure();
    /* Nobody's address: where frames end they are dropped early. */
    shape = (struct traffic_shape){.dst = {{2, 0, 0, 0, 0, 0x99}},
                                   .src = sender.mac,
                                   .vlan = FRAME_NO_VLAN,
                                   .size = sizeof frame,
                                   .n_flows = 1,
                                   .id = RUN_ID};
    traffic_frame_write(frame, &shape);
    if (!tool_realtime())
        tool_warn("no real-time priority: %s", strerror(errno));
    prctl(PR_SET_TIMERSLACK, 1UL);
    for (int64_t i = 0; i < 2 * trials && f.n < trials; i++) {
        await_primary();
        run_trial(&f);
        if (!is_void(&trial))
            account(&f);
    }
    if (!f.n)
        tool_fail("the machine is too busy: no trial had its traffic in time");
    await_primary();
    report(&f);
    free(f.lost);
    free(f.outage_us);
    free(f.gap_us);
    return f.n_unhealed ? TOOL_UNMET : TOOL_OK;
}

static const struct tool_option options[] = {
    {"in", TOOL_TEXT, &in, "NS/IF", "where traffic is sent: the other end of the switch's port", 0,
     0},
    {"primary", TOOL_TEXT, &primary, "NS/IF", "where it arrives, by the path that is preferred", 0,
     0},
    {"backup", TOOL_TEXT, &backup, "NS/IF", "where it arrives by the other path", 0, 0},
    {"local", TOOL_TEXT, &local, "NS/IF", "the switch's own port of the preferred path", 0, 0},
    {"fail", TOOL_TEXT, &failure, "HOW",
     "local: the switch's port is set down; remote: the port at the other end; silent (the "
     "default): nothing arrives there, though there is carrier",
     0, 0},
    {"trials", TOOL_NUMBER, &trials, "N", "how often (30)", 1, 100000},
    {"pps", TOOL_NUMBER, &pps, "N", "frames a second (20000)", 100, 1000000},
    {"before", TOOL_DURATION, &before, "TIME", "traffic before the failure (20ms)", 1000000, 0},
    {"after", TOOL_DURATION, &after, "TIME", "and after it (40ms)", 1000000, 0},
    {"patience", TOOL_DURATION, &patience, "TIME", "for the path to be used again (5s)", 1, 0},
    {"samples", TOOL_FLAG, &samples, NULL, "a line for each trial", 0, 0},
    {NULL, TOOL_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct tool_command commands[] = {
    {NULL, NULL, "What it costs when a path breaks under traffic.", options, run},
    {NULL, NULL, NULL, NULL, NULL},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {
        "edge-failover", "breaks a path under traffic and tells what that cost", commands};
    return tool_main(&program, argc, argv);
}
