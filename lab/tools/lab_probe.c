/* lab-probe - tries every protocol of the lab against every host, and says what got through. */
#include "base/alloc.h"
#include "lab/tools/probe_frames.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/tool.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_TARGETS 256
#define MAX_PORTS 32
#define MAX_VLANS 16
#define MAX_PROTOCOLS 64 /* that a listener tells apart */

/* Common to both commands. */
static const char *interface, *token_text;
static bool expect_none;

/* send */
static uint32_t source_address;
static struct mac via_mac;
static const char *tcp_ports = "22,102,502,2404,20000", *udp_ports = "161,862,5862", *vlans = "0,5";
static nsec_t wait_time = 500 * NSEC_PER_MSEC;
static int64_t repeat = 2;

/* listen */
static struct mac from_mac;
static nsec_t duration;
static bool quiet;

/* ---- Lists on the command line ------------------------------------------------------------- */

static unsigned
read_numbers(const char *what, const char *text, unsigned max_n, long max, long *numbers)
{
    unsigned n = 0;
    while (*text) {
        char *end;
        errno = 0;
        long number = strtol(text, &end, 10);
        if (end == text || errno || number < 0 || number > max || (*end && *end != ','))
            tool_usage_error("--%s: not a list of numbers up to %ld", what, max);
        if (n == max_n)
            tool_usage_error("--%s: more than %u", what, max_n);
        numbers[n++] = number;
        text = *end ? end + 1 : end;
    }
    return n;
}

/* NAME,IPV4[,MAC] */
static void
read_target(const char *text, char **name, struct probe_target *target)
{
    char *copy = xstrdup(text), *rest = copy;
    char *parts[4] = {NULL};
    for (int i = 0; i < 4 && rest; i++)
        parts[i] = strsep(&rest, ",");
    *target = (struct probe_target){.mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    bool ok = parts[0] && *parts[0] && parts[1] && !parts[3] &&
              !ipv4_parse(parts[1], &target->ipv4);
    if (ok && parts[2]) {
        ok = !mac_parse(parts[2], &target->mac);
        target->mac_is_known = true;
    }
    if (!ok)
        tool_usage_error("'%s' is not NAME,IPV4[,MAC]", text);
    *name = xstrdup(parts[0]);
    free(copy);
}

static void
read_token(struct probe_token *token)
{
    if (token_text) {
        if (probe_token_parse(token_text, token))
            tool_usage_error("--token: sixteen hexadecimal digits");
    } else if (getrandom(token, sizeof *token, 0) != sizeof *token) {
        tool_fail("getrandom: %s", strerror(errno));
    }
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* One thing tried. */
struct trial {
    const struct probe_desc *desc;
    int target; /* -1: everyone */
    int64_t number;
    const char *answer; /* NULL: none yet */
};

struct prober {
    struct rawsock raw;
    struct raw_frame *frame;
    struct probe_source source;
    char *names[MAX_TARGETS];
    struct probe_target targets[MAX_TARGETS];
    int n_targets;
    struct trial *trials;
    size_t n_trials, capacity;
    uint64_t n_sent, n_errors;
};

static void
add_trials(struct prober *p, const struct probe_desc *desc, int target, const long *numbers,
           unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        GROW(p->trials, p->n_trials, p->capacity);
        p->trials[p->n_trials++] = (struct trial){
            .desc = desc, .target = target, .number = numbers[i]};
    }
}

static void
plan_trials(struct prober *p)
{
    static const long none[] = {0};
    long tcp[MAX_PORTS], udp[MAX_PORTS], tags[MAX_VLANS];
    unsigned n_tcp = read_numbers("tcp-ports", tcp_ports, MAX_PORTS, 65535, tcp);
    unsigned n_udp = read_numbers("udp-ports", udp_ports, MAX_PORTS, 65535, udp);
    unsigned n_tags = read_numbers("vlans", vlans, MAX_VLANS, 4094, tags);
    for (unsigned i = 0; i < n_tags; i++)
        tags[i] = tags[i] ? tags[i] : FRAME_NO_VLAN;
    for (const struct probe_desc *d = probe_table; d->name; d++) {
        if (d->scope == PROBE_EVERYONE)
            add_trials(p, d, -1, none, 1);
        else if (d->scope == PROBE_VLAN)
            add_trials(p, d, -1, tags, n_tags);
        for (int t = 0; t < p->n_targets; t++) {
            if (d->scope == PROBE_TARGET)
                add_trials(p, d, t, none, 1);
            else if (d->scope == PROBE_TCP_PORT)
                add_trials(p, d, t, tcp, n_tcp);
            else if (d->scope == PROBE_UDP_PORT)
                add_trials(p, d, t, udp, n_udp);
        }
    }
}

static void
send_trial(struct prober *p, const struct trial *t)
{
    static const struct probe_target everyone;
    struct probe_target to = t->target < 0 ? everyone : p->targets[t->target];
    struct buf b = BUF_INIT;
    if (!mac_is_zero(&via_mac)) { /* by way of a router */
        to.mac = via_mac;
        to.mac_is_known = false;
    }
    t->desc->build(&b, &p->source, &to, t->number);
    if (rawsock_send(&p->raw, NULL, b.data, b.size) == ERR_OK)
        p->n_sent++;
    else
        p->n_errors++;
    buf_fini(&b);
}

static void
note_answer(struct prober *p, int target, const struct probe_answer *answer)
{
    for (size_t i = 0; i < p->n_trials; i++) {
        struct trial *t = &p->trials[i];
        bool has_port = t->desc->scope == PROBE_TCP_PORT || t->desc->scope == PROBE_UDP_PORT;
        if (t->target == target && !strcmp(t->desc->name, answer->probe) &&
            (!has_port || t->number == answer->number) && !t->answer)
            t->answer = answer->what;
    }
}

static void
take_answers(struct prober *p)
{
    for (;;) {
        enum err err = rawsock_receive(&p->raw, p->frame);
        if (err == ERR_NOT_FOUND)
            tool_fail("%s has gone", interface);
        if (err == ERR_BUSY || err == ERR_IO)
            return;
        for (int i = 0; !err && i < p->n_targets; i++) {
            struct probe_answer answer;
            if (probe_is_answer(p->frame->data, p->frame->size, &p->source, &p->targets[i],
                                &answer))
                note_answer(p, i, &answer);
        }
    }
}

/* Sends everything, a little apart so that nobody's queue is the reason for silence, then waits. */
static void
try_everything(struct prober *p)
{
    int signals = tool_signals(false);
    size_t n_all = p->n_trials * (size_t)repeat;
    nsec_t next = tool_monotonic();
    for (size_t i = 0; i <= n_all;) {
        if (tool_wait(p->raw.fd, signals, next))
            return;
        take_answers(p);
        if (tool_monotonic() < next)
            continue;
        if (i < n_all)
            send_trial(p, &p->trials[i % p->n_trials]);
        next += ++i == n_all ? wait_time : NSEC_PER_MSEC;
    }
}

/* The interface's own IPv4 address, 0 when it has none. */
static uint32_t
own_address(void)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", interface);
    uint32_t result = 0;
    if (fd >= 0 && !ioctl(fd, SIOCGIFADDR, &ifr)) {
        struct sockaddr_in in;
        memcpy(&in, &ifr.ifr_addr, sizeof in);
        result = ntohl(in.sin_addr.s_addr);
    }
    if (fd >= 0)
        close(fd);
    return result;
}

static uint64_t
report_trials(const struct prober *p)
{
    uint64_t n_answered = 0;
    for (size_t i = 0; i < p->n_trials; i++) {
        const struct trial *t = &p->trials[i];
        n_answered += t->answer != NULL;
        json_t *o = json_pack("{s:s,s:s,s:s,s:b}", "event", "probe", "target",
                              t->target < 0 ? "*" : p->names[t->target], "protocol", t->desc->name,
                              "answered", t->answer != NULL);
        if (t->desc->scope == PROBE_TCP_PORT || t->desc->scope == PROBE_UDP_PORT)
            json_object_set_new(o, "port", json_integer(t->number));
        if (t->desc->scope == PROBE_VLAN && t->number != FRAME_NO_VLAN)
            json_object_set_new(o, "vlan", json_integer(t->number));
        if (t->answer)
            json_object_set_new(o, "answer", json_string(t->answer));
        tool_emit(o);
    }
    return n_answered;
}

static void
open_interface(struct rawsock *raw)
{
    struct diag diag;
    if (!interface)
        tool_usage_error("--interface is needed");
    if (rawsock_open(raw, interface, 0, &diag))
        tool_fail("%s", diag.text);
}

static int
send_probes(int n_operands, char **operands)
{
    struct prober *p = xcalloc(1, sizeof *p);
    char token[PROBE_TOKEN_TEXT_SIZE], mac[MAC_TEXT_SIZE];
    if (n_operands < 1 || n_operands > MAX_TARGETS)
        tool_usage_error("from one to %d targets are needed", MAX_TARGETS);
    for (int i = 0; i < n_operands; i++)
        read_target(operands[i], &p->names[i], &p->targets[i]);
    p->n_targets = n_operands;
    plan_trials(p);
    open_interface(&p->raw);
    p->frame = xmalloc(sizeof *p->frame);
    p->source.mac = p->raw.mac;
    p->source.ipv4 = source_address ? source_address : own_address();
    read_token(&p->source.token);
    p->source.port = (uint16_t)(0xc000 | get_be16(p->source.token.octets));
    tool_emit(json_pack("{s:s,s:s,s:s,s:I}", "event", "start", "token",
                        probe_token_format(&p->source.token, token), "mac",
                        mac_format(&p->source.mac, mac), "probes", (json_int_t)p->n_trials));
    try_everything(p);
    uint64_t n_answered = report_trials(p);
    tool_emit(json_pack("{s:s,s:I,s:I,s:I}", "event", "summary", "sent", (json_int_t)p->n_sent,
                        "errors", (json_int_t)p->n_errors, "answered", (json_int_t)n_answered));
    bool met = p->n_errors == 0 && (!expect_none || n_answered == 0);
    for (int i = 0; i < p->n_targets; i++)
        free(p->names[i]);
    rawsock_close(&p->raw);
    free(p->trials);
    free(p->frame);
    free(p);
    return met ? TOOL_OK : TOOL_UNMET;
}

/* ---- Listening ----------------------------------------------------------------------------- */

struct listener {
    struct rawsock raw;
    struct raw_frame *frame;
    struct probe_token token;
    uint64_t n_frames;
    json_t *by_protocol;
};

static void
report_frame(const struct listener *l, const char *protocol, bool has_token)
{
    struct frame_header h = {.vlan = FRAME_NO_VLAN};
    char src[MAC_TEXT_SIZE], dst[MAC_TEXT_SIZE];
    frame_parse(l->frame->data, l->frame->size, &h);
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:I,s:b}", "event", "frame", "protocol", protocol,
                          "src", mac_format(&h.src, src), "dst", mac_format(&h.dst, dst), "size",
                          (json_int_t)l->frame->size, "token", has_token);
    if (h.vlan != FRAME_NO_VLAN)
        json_object_set_new(o, "vlan", json_integer(h.vlan));
    tool_emit(o);
}

static void
take_frame(struct listener *l)
{
    struct frame_header h = {.vlan = FRAME_NO_VLAN};
    char text[PROBE_PROTOCOL_SIZE];
    const uint8_t *data = l->frame->data;
    size_t size = l->frame->size;
    bool has_token = token_text && probe_has_token(data, size, &l->token);
    frame_parse(data, size, &h);
    if (!has_token && (mac_is_zero(&from_mac) || !mac_equal(&h.src, &from_mac)))
        return;
    const char *protocol = probe_protocol(data, size, text);
    json_int_t n = json_integer_value(json_object_get(l->by_protocol, protocol));
    if (n || json_object_size(l->by_protocol) < MAX_PROTOCOLS)
        json_object_set_new(l->by_protocol, protocol, json_integer(n + 1));
    l->n_frames++;
    if (!quiet)
        report_frame(l, protocol, has_token);
}

static void
listen_until_stopped(struct listener *l)
{
    int signals = tool_signals(false);
    nsec_t end = duration ? tool_monotonic() + duration : NSEC_NEVER;
    bool stopped = false;
    while (!stopped && tool_monotonic() < end) {
        stopped = tool_wait(l->raw.fd, signals, end); /* what is there already still counts */
        for (enum err err = ERR_OK; err == ERR_OK || err == ERR_CLOSED;) {
            err = rawsock_receive(&l->raw, l->frame);
            if (err == ERR_NOT_FOUND)
                tool_fail("%s has gone", interface);
            if (!err)
                take_frame(l);
        }
    }
}

static int
listen_for_probes(int n_operands UNUSED, char **operands UNUSED)
{
    struct listener l = {.n_frames = 0};
    if (!token_text && mac_is_zero(&from_mac))
        tool_usage_error("--token or --from is needed");
    if (token_text)
        read_token(&l.token);
    open_interface(&l.raw);
    l.frame = xmalloc(sizeof *l.frame);
    l.by_protocol = json_object();
    tool_emit(json_pack("{s:s}", "event", "ready"));
    listen_until_stopped(&l);
    tool_emit(json_pack("{s:s,s:I,s:o}", "event", "summary", "frames", (json_int_t)l.n_frames,
                        "by_protocol", l.by_protocol));
    rawsock_close(&l.raw);
    free(l.frame);
    return expect_none && l.n_frames ? TOOL_UNMET : TOOL_OK;
}

/* ---- The command line ---------------------------------------------------------------------- */

#define COMMON                                                                                     \
    {"interface", TOOL_TEXT, &interface, "NAME", "send and listen here", 0, 0},                    \
        {"token", TOOL_TEXT, &token_text, "HEX", "what marks the probes, 16 digits", 0, 0},        \
    {                                                                                              \
        "expect-none", TOOL_FLAG, &expect_none, NULL, "exit status 1 when anything got through",   \
            0, 0                                                                                   \
    }

static const struct tool_option send_options[] = {
    COMMON,
    {"source", TOOL_IPV4, &source_address, "ADDRESS", "source (the interface's)", 0, 0},
    {"via", TOOL_MAC, &via_mac, "MAC", "send what is for a target to this router", 0, 0},
    {"tcp-ports", TOOL_TEXT, &tcp_ports, "LIST", "(22,102,502,2404,20000)", 0, 0},
    {"udp-ports", TOOL_TEXT, &udp_ports, "LIST", "(161,862,5862)", 0, 0},
    {"vlans", TOOL_TEXT, &vlans, "LIST", "for GOOSE and SV; 0 is untagged (0,5)", 0, 0},
    {"repeat", TOOL_NUMBER, &repeat, "N", "send each so often (2)", 1, 1000},
    {"wait", TOOL_DURATION, &wait_time, "TIME", "for answers, in the end (500ms)", 0, 0},
    {0},
};

static const struct tool_option listen_options[] = {
    COMMON,
    {"from", TOOL_MAC, &from_mac, "MAC", "also say what comes from here without a token", 0, 0},
    {"duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0},
    {"quiet", TOOL_FLAG, &quiet, NULL, "print the summary only", 0, 0},
    {0},
};

static const struct tool_command commands[] = {
    {"send", "NAME,IPV4[,MAC]...",
     "Sends raw frames to each target: ARP, ICMP, TCP, UDP, IPv6, an unknown Ethertype; and to\n"
     "  everyone GOOSE, SV, LLDP, IP broadcast. Says which were answered. Without a MAC a "
     "target's\n"
     "  frames are broadcast.",
     send_options, send_probes},
    {"listen", NULL,
     "Says what arrives here that carries the token, or comes from the prober's MAC.",
     listen_options, listen_for_probes},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {
        "lab-probe", "tries to reach hosts with every protocol of the lab", commands};
    return tool_main(&program, argc, argv);
}
