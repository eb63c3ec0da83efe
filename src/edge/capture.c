#include "edge/capture.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/log.h"
#include "edge/fast_path.h"
#include "edge/pcapng.h"
#include "io/clock.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN (20 * NSEC_PER_MSEC) /* between two looks into the rings */
#define WAIT_MAX_MS 5000
#define CAPTURES 4

struct capture {
    struct captures *owner;
    uint64_t id;
    struct tap_capture *taken[WORKERS_MAX]; /* of each worker; all NULL: it is over */
    bool over;
    struct buf out;
    const char *reason; /* why it is over; static */
    uint64_t n_frames, n_octets, n_lost;
    uint64_t max_frames, max_octets; /* 0: none */
    nsec_t started, started_wall;
    nsec_t ends_at;             /* NSEC_NEVER: no limit */
    nsec_t last_read;           /* or when it was made */
    uint64_t *delivered;        /* by slot */
    struct rpc_request *reader; /* waits for data */
    nsec_t reader_until;
    size_t reader_octets;
};

struct captures {
    struct capture_config config;
    struct tap *taps[WORKERS_MAX];
    unsigned n_taps; /* as many as workers */
    struct timer *timer;
    struct capture *list[CAPTURES];
    uint64_t last_id;
    uint32_t n_slots; /* ports, LOCAL, CONTROLLER */
};

/* ---- The file ---- */

static void
put_head(struct capture *c, uint32_t snap)
{
    const struct capture_config *config = &c->owner->config;
    char node[160];
    snprintf(node, sizeof node, "node %s", config->node);
    pcapng_put_section(&c->out, "tieline-edge " TIELINE_VERSION, node);
    for (uint32_t i = 0; i < config->n_ports; i++) {
        const struct edge_port *port = config->ports[i];
        char text[40];
        snprintf(text, sizeof text, "port %u", port->number);
        pcapng_put_interface(
            &c->out, &(struct pcapng_interface){.name = port->name,
                                                .description = text,
                                                .mac = &port->mac,
                                                .speed_bps = port->speed_kbps * UINT64_C(1000),
                                                .snap = snap});
    }
    pcapng_put_interface(&c->out, &(struct pcapng_interface){.name = "LOCAL",
                                                             .description = "the node itself",
                                                             .snap = snap});
    pcapng_put_interface(&c->out, &(struct pcapng_interface){.name = "CONTROLLER",
                                                             .description = "packet-ins and -outs",
                                                             .snap = snap});
}

static void
put_record(struct capture *c, const struct tap_record *r)
{
    struct buf comment = BUF_INIT;
    capture_comment(r, &comment);
    const struct pcapng_packet packet = {
        .interface = r->slot,
        .time = r->time,
        .frame = r->frame,
        .captured = r->captured,
        .size = r->size,
        .direction = r->event == TAP_SENT ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .id = r->id,
        .lost = r->lost,
        .comment = buf_cstr(&comment),
    };
    pcapng_put_packet(&c->out, &packet);
    buf_fini(&comment);
    c->n_frames++;
    c->n_octets += r->captured;
    c->delivered[r->slot]++;
}

/* Of all workers. */
static struct tap_counts
count(const struct capture *c, uint32_t slot)
{
    struct tap_counts sum = {0};
    for (unsigned i = 0; i < c->owner->n_taps; i++) {
        struct tap_counts one = tap_capture_counts(c->taken[i], slot);
        sum.accepted += one.accepted;
        sum.lost += one.lost;
    }
    return sum;
}

static void
put_tail(struct capture *c)
{
    c->n_lost = 0;
    for (uint32_t i = 0; i < c->owner->n_slots; i++) {
        struct tap_counts counts = count(c, i);
        c->n_lost += counts.lost;
        if (counts.accepted)
            pcapng_put_statistics(&c->out,
                                  &(struct pcapng_statistics){.interface = i,
                                                              .start = c->started_wall,
                                                              .end = clock_wall(),
                                                              .accepted = counts.accepted,
                                                              .lost = counts.lost,
                                                              .delivered = c->delivered[i]});
    }
}

/* ---- One capture ---- */

static bool
is_full(const struct capture *c)
{
    return (c->max_frames && c->n_frames >= c->max_frames) ||
           (c->max_octets && c->n_octets >= c->max_octets);
}

/* Takes over what the packet threads have copied, as much as there is room for. */
static void
drain(struct capture *c)
{
    unsigned i;
    while (c->out.size < CAPTURE_BUFFER && !is_full(c) &&
           (i = tap_oldest(c->taken, c->owner->n_taps)) < c->owner->n_taps) {
        put_record(c, tap_peek(c->taken[i]));
        tap_release(c->taken[i]);
    }
}

/* Those who copy begin when somebody wants it, and end when nobody does. */
static void
switch_taps(struct captures *s)
{
    bool wanted = !tap_is_idle(s->taps[0]);
    workers_set_taps(s->config.workers, wanted ? s->taps : NULL);
    if (s->config.fast)
        fast_path_bypass(s->config.fast, wanted);
    datapath_barrier(s->config.datapath);
}

/* As many places as there are for captures, and one for the mirror. */
static void
attach(struct captures *s, const struct tap_filter *filter, struct tap_capture **taken)
{
    for (unsigned i = 0; i < s->n_taps; i++) {
        taken[i] = tap_capture_new(filter, s->n_slots, CAPTURE_RING);
        if (tap_attach(s->taps[i], taken[i]))
            abort();
    }
}

static void
detach(struct captures *s, struct tap_capture **taken)
{
    for (unsigned i = 0; i < s->n_taps; i++)
        tap_detach(s->taps[i], taken[i]);
    switch_taps(s);
}

unsigned
captures_begin_mirror(struct captures *s, const struct tap_filter *filter,
                      struct tap_capture **taken)
{
    attach(s, filter, taken);
    switch_taps(s);
    return s->n_taps;
}

void
captures_end_mirror(struct captures *s, struct tap_capture **taken)
{
    detach(s, taken);
    for (unsigned i = 0; i < s->n_taps; i++)
        tap_capture_free(taken[i]);
}

uint32_t
captures_slots(const struct captures *s)
{
    return s->n_slots;
}

static void
finish(struct capture *c, const char *reason)
{
    struct captures *s = c->owner;
    if (c->over)
        return;
    detach(s, c->taken);
    drain(c);
    put_tail(c);
    for (unsigned i = 0; i < s->n_taps; i++)
        tap_capture_free(c->taken[i]);
    c->over = true;
    c->reason = reason;
    log_info("capture %llu is over: %s; %llu frames, %llu lost", (unsigned long long)c->id, reason,
             (unsigned long long)c->n_frames, (unsigned long long)c->n_lost);
}

static void
forget(struct capture *c)
{
    struct captures *s = c->owner;
    finish(c, "the node ends");
    if (c->reader)
        rpc_fail(c->reader, ERR_CLOSED, "the capture has ended");
    for (unsigned i = 0; i < CAPTURES; i++) {
        if (s->list[i] == c)
            s->list[i] = NULL;
    }
    buf_fini(&c->out);
    free(c->delivered);
    free(c);
}

static uint64_t
lost_so_far(const struct capture *c)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; !c->over && i < c->owner->n_slots; i++)
        lost += count(c, i).lost;
    return c->over ? c->n_lost : lost;
}

/* Gives the reader what there is. True: that was the last of it. */
static bool
answer(struct capture *c)
{
    struct rpc_request *request = c->reader;
    size_t size = MIN(c->out.size, c->reader_octets);
    struct buf text = BUF_INIT;
    base64_put(&text, c->out.data, size);
    buf_consume(&c->out, size);
    bool over = c->over && !c->out.size;
    json_t *result = json_pack("{ss sI sI sb}", "data", buf_cstr(&text), "frames",
                               (json_int_t)c->n_frames, "lost", (json_int_t)lost_so_far(c), "over",
                               over);
    if (over)
        json_object_set_new(result, "reason", json_string(c->reason));
    buf_fini(&text);
    c->reader = NULL;
    c->last_read = clock_monotonic();
    rpc_reply(request, result);
    return over;
}

/* What may have come: data, an end, a reader's time. */
static void
look(struct capture *c, nsec_t now)
{
    if (!c->over) {
        drain(c);
        if (is_full(c))
            finish(c, "it has what was asked for");
        else if (now >= c->ends_at)
            finish(c, "its time is over");
    }
    if (c->reader && (c->out.size || c->over || now >= c->reader_until)) {
        if (answer(c))
            forget(c);
    } else if (!c->reader && now - c->last_read > CAPTURE_ABANDONED) {
        finish(c, "nobody reads it");
        forget(c);
    }
}

static void
on_timer(void *arg)
{
    struct captures *s = arg;
    bool any = false;
    nsec_t now = clock_monotonic();
    for (unsigned i = 0; i < CAPTURES; i++) {
        if (s->list[i])
            look(s->list[i], now);
        any |= s->list[i] != NULL;
    }
    if (any)
        timer_start(s->timer, TURN);
}

/* ---- All ---- */

struct captures *
captures_new(uv_loop_t *loop, const struct capture_config *config)
{
    struct captures *s = xcalloc(1, sizeof *s);
    uint32_t numbers[MAX_PORTS + 2], n = 0;
    s->config = *config;
    for (uint32_t i = 0; i < config->n_ports; i++)
        numbers[n++] = config->ports[i]->number;
    numbers[n++] = PORT_LOCAL;
    numbers[n++] = PORT_CONTROLLER;
    s->n_slots = n;
    s->n_taps = workers_count(config->workers);
    for (unsigned i = 0; i < s->n_taps; i++)
        s->taps[i] = tap_new(numbers, n, i);
    s->timer = timer_new(loop, on_timer, s);
    return s;
}

void
captures_end(struct captures *s)
{
    for (unsigned i = 0; s && i < CAPTURES; i++) {
        if (s->list[i])
            forget(s->list[i]);
    }
}

void
captures_free(struct captures *s)
{
    if (!s)
        return;
    timer_free(s->timer);
    for (unsigned i = 0; i < s->n_taps; i++)
        tap_free(s->taps[i]);
    free(s);
}

/* ---- Methods ---- */

static enum err
parse_limit(const json_t *params, const char *name, json_int_t max, uint64_t *limit,
            struct diag *diag)
{
    const json_t *value = json_object_get(params, name);
    json_int_t number = json_integer_value(value);
    *limit = 0;
    if (value && (!json_is_integer(value) || number < 1 || number > max))
        return diag_set(diag, ERR_INVALID, "%s is a number from 1 to %lld", name, (long long)max);
    *limit = (uint64_t)number;
    return ERR_OK;
}

static enum err
check_ports(const struct captures *s, const struct tap_filter *f, struct diag *diag)
{
    for (uint32_t i = 0; i < f->n_ports; i++) {
        if (port_is_real(f->ports[i]) && !datapath_port(s->config.datapath, f->ports[i]))
            return diag_set(diag, ERR_NOT_FOUND, "there is no port %u", f->ports[i]);
    }
    return ERR_OK;
}

static enum err
start(struct captures *s, const json_t *params, struct capture *c, struct diag *diag)
{
    struct tap_filter filter;
    uint64_t seconds;
    unsigned place = 0;
    enum err err = capture_filter_parse(params, &filter, diag);
    if (!err)
        err = check_ports(s, &filter, diag);
    if (!err)
        err = parse_limit(params, "count", INT64_MAX, &c->max_frames, diag);
    if (!err)
        err = parse_limit(params, "octets", INT64_MAX, &c->max_octets, diag);
    if (!err)
        err = parse_limit(params, "seconds", 86400, &seconds, diag);
    if (err)
        return err;
    while (place < CAPTURES && s->list[place])
        place++;
    if (place == CAPTURES)
        return diag_set(diag, ERR_LIMIT, "%d captures are there already", CAPTURES);
    attach(s, &filter, c->taken);
    s->list[place] = c;
    c->ends_at = seconds ? c->started + (nsec_t)seconds * NSEC_PER_SEC : NSEC_NEVER;
    put_head(c, filter.snap);
    return ERR_OK;
}

void
captures_start(struct captures *s, struct rpc_request *request, const json_t *params)
{
    struct capture *c = xcalloc(1, sizeof *c);
    struct diag diag = {""};
    c->owner = s;
    c->id = ++s->last_id;
    c->started = c->last_read = clock_monotonic();
    c->started_wall = clock_wall();
    c->delivered = xcalloc(s->n_slots, sizeof *c->delivered);
    enum err err = start(s, params, c, &diag);
    if (err) {
        rpc_fail(request, err, "%s", diag.text);
        buf_fini(&c->out);
        free(c->delivered);
        free(c);
        return;
    }
    switch_taps(s); /* what arrives behind the answer is captured */
    log_info("capture %llu begins", (unsigned long long)c->id);
    timer_start(s->timer, TURN);
    rpc_reply(request, json_pack("{sI}", "capture", (json_int_t)c->id));
}

static struct capture *
find(const struct captures *s, struct rpc_request *request, const json_t *params)
{
    json_int_t id = json_integer_value(json_object_get(params, "capture"));
    for (unsigned i = 0; i < CAPTURES; i++) {
        if (s->list[i] && s->list[i]->id == (uint64_t)id)
            return s->list[i];
    }
    rpc_fail(request, ERR_NOT_FOUND, "there is no such capture");
    return NULL;
}

void
captures_read(struct captures *s, struct rpc_request *request, const json_t *params)
{
    uint64_t wait_ms, octets;
    struct diag diag = {""};
    enum err err = parse_limit(params, "wait-ms", WAIT_MAX_MS, &wait_ms, &diag);
    if (!err)
        err = parse_limit(params, "octets", CAPTURE_READ_MAX, &octets, &diag);
    if (err) {
        rpc_fail(request, err, "%s", diag.text);
        return;
    }
    struct capture *c = find(s, request, params);
    if (!c)
        return;
    if (c->reader) {
        rpc_fail(request, ERR_BUSY, "somebody reads this capture");
        return;
    }
    nsec_t now = clock_monotonic();
    c->reader = request;
    c->reader_until = now + (nsec_t)wait_ms * NSEC_PER_MSEC;
    c->reader_octets = octets ? octets : CAPTURE_READ_MAX;
    look(c, now);
}

void
captures_stop(struct captures *s, struct rpc_request *request, const json_t *params)
{
    struct capture *c = find(s, request, params);
    if (!c)
        return;
    finish(c, "it was stopped");
    rpc_reply(request, NULL);
}
