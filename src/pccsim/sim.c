/* sim.c - each PCC has a place in `routers`: its machine, and a connection while there is one. With
 * a backup PCE each router has a second place, behind the first ones of all, for that session. A
 * timer of the loop serves them all: what is due soonest is looked for once a turn, over a heap of
 * one entry for each router whose deadline changed. As a simulator may cost more than what it
 * tests, the heap is lazy: entries that are not true any more are found out when they come up. */
#include "pccsim/sim.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/stream.h"
#include "io/timer.h"
#include "pccsim/latency.h"
#include "pccsim/script.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define UNREAD_ENOUGH ((size_t)1 << 20)

enum phase { IDLE, CONNECTING, TALKING, RESTING };

struct router {
    struct sim *sim;
    struct pcc *pcc;
    struct router *twin; /* its session with the other PCE; NULL */
    struct stream *stream;
    struct tls_session *tls;
    bool shaken, serving;
    enum phase phase;
    nsec_t rest_until;
    nsec_t due; /* of its newest entry in the heap */
    char from[INET_ADDRSTRLEN + 8];
    char why[160];
};

struct entry {
    nsec_t due;
    uint32_t router;
};

struct sim {
    uv_loop_t *loop;
    struct pccsim_options options;
    struct tls *tls;
    struct router *routers;
    uint32_t n_routers;
    uint32_t next; /* to connect for the first time */
    uint32_t n_connecting;
    struct entry *heap;
    uint32_t n_heap, heap_capacity;
    struct timer *timer, *end, *act;
    struct script script;
    size_t next_line; /* of the script */
    uint64_t acts;    /* done, each router's */
    nsec_t started, all_synced;
    uint64_t lost, failed;
    struct latency setup, sync, request;
    char last_why[160];
    void (*ended)(void *arg);
    void *arg;
};

/* ---- deadlines */

static void
heap_put(struct sim *s, struct entry entry)
{
    GROW(s->heap, s->n_heap, s->heap_capacity);
    uint32_t at = s->n_heap++;
    while (at && s->heap[(at - 1) / 2].due > entry.due) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = entry;
}

static struct entry
heap_take(struct sim *s)
{
    struct entry top = s->heap[0], last = s->heap[--s->n_heap];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < s->n_heap; at = child) {
        if (child + 1 < s->n_heap && s->heap[child + 1].due < s->heap[child].due)
            child++;
        if (s->heap[child].due >= last.due)
            break;
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = last;
    return top;
}

static void
set_timer(struct sim *s)
{
    if (s->n_heap)
        timer_start(s->timer, MAX(s->heap[0].due - clock_monotonic(), 0));
}

static void
set_due(struct router *r)
{
    struct sim *s = r->sim;
    nsec_t due = pcc_deadline(r->pcc);
    if (r->phase == RESTING)
        due = MIN(due, r->rest_until);
    if (due >= r->due && r->due != NSEC_NEVER)
        return; /* its entry comes up before that, and is set anew */
    r->due = due;
    if (due == NSEC_NEVER)
        return;
    heap_put(s, (struct entry){due, (uint32_t)(r - s->routers)});
    if (s->heap[0].router == r - s->routers)
        set_timer(s);
}

/* ---- a router's connection */

static void connect_some(struct sim *);
static void send_output(struct router *);
static void serve(struct router *);

static void
note_times(struct router *r)
{
    struct sim *s = r->sim;
    nsec_t setup = pcc_take_setup_time(r->pcc), sync = pcc_take_sync_time(r->pcc),
           request = pcc_take_request_time(r->pcc);
    if (setup != NSEC_NEVER) {
        latency_add(&s->setup, setup);
        s->n_connecting--;
        r->phase = TALKING;
        connect_some(s);
    }
    if (sync != NSEC_NEVER)
        latency_add(&s->sync, sync);
    if (request != NSEC_NEVER)
        latency_add(&s->request, request);
}

/* What happens in one session is told in the other. */
static void
serve_twin(struct router *r)
{
    if (!r->twin || !r->twin->stream)
        return;
    pcc_drained(r->twin->pcc, clock_monotonic());
    send_output(r->twin);
    set_due(r->twin);
    if (pcc_is_over(r->twin->pcc)) { /* dropped on the next turn */
        r->twin->due = clock_monotonic();
        heap_put(r->sim, (struct entry){r->twin->due, (uint32_t)(r->twin - r->sim->routers)});
        set_timer(r->sim);
    }
}

static void
drop(struct router *r, const char *why)
{
    struct sim *s = r->sim;
    nsec_t now = clock_monotonic();
    pcc_disconnected(r->pcc, why, now);
    if (r->phase == CONNECTING) {
        s->n_connecting--;
        s->failed++;
    } else {
        s->lost++;
    }
    strcpy(s->last_why, "");
    strncat(s->last_why, pcc_why(r->pcc), sizeof s->last_why - 1);
    stream_free(r->stream);
    tls_session_free(r->tls);
    r->stream = NULL;
    r->tls = NULL;
    r->shaken = false;
    r->phase = s->options.reconnect ? RESTING : IDLE;
    r->rest_until = now + s->options.reconnect;
    set_due(r);
    serve_twin(r);
    connect_some(s);
}

static void
send_cipher(struct router *r)
{
    struct buf out = BUF_INIT;
    tls_session_output(r->tls, &out);
    if (out.size)
        (void)stream_send(r->stream, out.data, out.size); /* `closed` says so */
    buf_fini(&out);
}

static void
send_output(struct router *r)
{
    struct buf *out = pcc_output(r->pcc);
    if (!out || !out->size || stream_pending(r->stream) > UNREAD_ENOUGH)
        return;
    if (!r->tls) {
        (void)stream_send(r->stream, out->data, out->size); /* `closed` says so */
        buf_clear(out);
    } else if (r->shaken) {
        if (tls_session_write(r->tls, out->data, out->size, NULL))
            pcc_disconnected(r->pcc, "TLS", clock_monotonic());
        else
            buf_clear(out);
        send_cipher(r);
    }
}

/* False: it is dropped. */
static bool
take_cipher(struct router *r, const uint8_t *data, size_t size)
{
    uint8_t plain[16384];
    struct diag diag;
    size_t n = 0;
    enum err err = tls_session_input(r->tls, data, size, &diag);
    if (!err && !r->shaken && tls_session_is_established(r->tls)) {
        r->shaken = true;
        pcc_tls_done(r->pcc, clock_monotonic());
    }
    send_cipher(r);
    while (!err && r->shaken) {
        err = tls_session_read(r->tls, plain, sizeof plain, &n, &diag);
        if (err || !n)
            break;
        pcc_input(r->pcc, plain, n, clock_monotonic());
    }
    if (err)
        drop(r, diag.text);
    return !err;
}

static bool
start_tls(struct router *r, struct pcep_octets rest)
{
    const char *name = r->sim->options.pce_name;
    struct diag diag;
    enum err err = tls_session_new(r->sim->tls, TLS_CLIENT, name, &r->tls, &diag);
    if (!err)
        err = tls_session_start(r->tls, &diag);
    if (err) {
        drop(r, diag.text);
        return false;
    }
    send_cipher(r);
    return !rest.size || take_cipher(r, rest.data, rest.size);
}

/* After anything that may have made output. */
static void
serve(struct router *r)
{
    struct pcep_octets rest;
    if (!r->stream)
        return;
    note_times(r);
    send_output(r);
    if (pcc_wants_tls(r->pcc, &rest) && !start_tls(r, rest))
        return;
    if (pcc_is_over(r->pcc))
        drop(r, pcc_why(r->pcc));
    else
        set_due(r);
    serve_twin(r);
}

/* ---- streams */

static void
on_opened(void *arg, struct stream *stream UNUSED)
{
    struct router *r = arg;
    pcc_connected(r->pcc, clock_monotonic());
    serve(r);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct router *r = arg;
    if (!r->tls)
        pcc_input(r->pcc, data, size, clock_monotonic());
    else if (!take_cipher(r, data, size))
        return;
    serve(r);
}

static void
on_drained(void *arg, struct stream *stream UNUSED)
{
    struct router *r = arg;
    pcc_drained(r->pcc, clock_monotonic());
    serve(r);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason)
{
    drop(arg, reason);
}

static const struct stream_handler handler = {
    .opened = on_opened,
    .received = on_received,
    .drained = on_drained,
    .closed = on_closed,
};

static void
start(struct router *r)
{
    struct sim *s = r->sim;
    bool first = r - s->routers < s->options.pccs;
    const struct stream_config config = {.address = first ? s->options.pce : s->options.backup,
                                         .from = r->from,
                                         .timeout = 30 * NSEC_PER_SEC,
                                         .send_limit = (size_t)64 << 20};
    struct diag diag;
    r->phase = CONNECTING;
    s->n_connecting++;
    if (stream_connect(s->loop, &config, &handler, r, &r->stream, &diag)) {
        r->stream = NULL;
        drop(r, diag.text);
    }
}

static void
connect_some(struct sim *s)
{
    while (s->next < s->n_routers && s->n_connecting < s->options.at_once)
        start(&s->routers[s->next++]);
}

/* ---- time */

static bool
all_synced(const struct sim *s)
{
    for (uint32_t i = 0; i < s->n_routers; i++)
        if (!pcc_stats(s->routers[i].pcc)->synced)
            return false;
    return true;
}

static void
tick_router(struct router *r, nsec_t now)
{
    r->due = NSEC_NEVER;
    if (r->phase == RESTING && r->rest_until <= now) {
        start(r);
        return;
    }
    pcc_tick(r->pcc, now);
    if (r->stream)
        serve(r);
    else
        set_due(r);
}

static void
on_timer(void *arg)
{
    struct sim *s = arg;
    nsec_t now = clock_monotonic();
    while (s->n_heap && s->heap[0].due <= now) {
        struct entry entry = heap_take(s);
        if (s->routers[entry.router].due == entry.due)
            tick_router(&s->routers[entry.router], now);
    }
    set_timer(s);
}

/* ---- the script */

static void
each_meant(struct sim *s, const struct script_line *l, void (*fn)(struct router *, const void *),
           const void *arg)
{
    for (uint32_t i = 0; i < s->options.pccs; i++) {
        struct router *r = &s->routers[i];
        char address[sizeof r->from];
        snprintf(address, sizeof address, "%.*s", (int)strcspn(r->from, ":"), r->from);
        if (script_means(l, i + 1, address))
            fn(r, arg);
    }
}

static void
act(struct router *r, const void *action)
{
    r->sim->acts++;
    pcc_do(r->pcc, action, clock_monotonic());
    if (r->stream)
        serve(r);
    else
        set_due(r);
    serve_twin(r);
}

static void
wait_for_line(struct sim *s)
{
    if (s->next_line == s->script.n)
        return;
    nsec_t due = s->started + s->script.lines[s->next_line].at;
    timer_start(s->act, MAX(due - clock_monotonic(), 0));
}

static void
on_act(void *arg)
{
    struct sim *s = arg;
    nsec_t now = clock_monotonic();
    for (; s->next_line < s->script.n; s->next_line++) {
        const struct script_line *l = &s->script.lines[s->next_line];
        if (s->started + l->at > now)
            break;
        each_meant(s, l, act, &l->action);
    }
    wait_for_line(s);
}

static void
count(struct router *r, const void *found)
{
    (void)r;
    ++**(uint32_t *const *)found;
}

/* Reads it, and sees that each line is about some router. */
static enum err
take_script(struct sim *s, struct diag *diag)
{
    if (!s->options.script)
        return ERR_OK;
    enum err err = script_load(s->options.script, &s->script, diag);
    for (size_t i = 0; i < s->script.n && !err; i++) {
        uint32_t n = 0, *found = &n;
        each_meant(s, &s->script.lines[i], count, &found);
        if (!n)
            err = diag_set(diag, ERR_INVALID, "%.160s:%u: router: none of the %u is meant",
                           s->options.script, s->script.lines[i].number, s->options.pccs);
    }
    return err;
}

/* Ten times a second: is it over? */
static void
on_end(void *arg)
{
    struct sim *s = arg;
    nsec_t now = clock_monotonic();
    if (!s->all_synced && all_synced(s))
        s->all_synced = now;
    bool over = (s->options.duration && now - s->started >= s->options.duration) ||
                (s->options.until_synced && s->all_synced);
    if (over)
        s->ended(s->arg);
    else
        timer_start(s->end, 100 * NSEC_PER_MSEC);
}

/* ---- the whole */

static void
make_router(struct sim *s, uint32_t number, uint32_t first)
{
    struct router *r = &s->routers[number];
    struct pcc_config config = s->options.pcc;
    uint32_t address = first + number;
    config.number = number;
    config.n_lsps = s->options.lsps;
    config.n_hops = (uint8_t)s->options.hops;
    config.delegates = !s->options.undelegated;
    config.keepalive = (uint8_t)s->options.keepalive;
    config.deadtimer = (uint8_t)s->options.deadtimer;
    config.tls = s->tls ? PCEP_TLS_REQUIRED : PCEP_TLS_NONE;
    config.address.family = config.other.family = 4;
    put_be32(config.address.octets, address);
    put_be32(config.other.octets, number ? first : first + 1);
    if (number >= s->options.faulty)
        config.faults = (struct pcc_faults){0};
    snprintf(r->from, sizeof r->from, "%u.%u.%u.%u:0", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    r->sim = s;
    r->due = NSEC_NEVER;
    r->pcc = pcc_new(&config, s->started);
}

static void
make_backup(struct sim *s, uint32_t number)
{
    struct router *first = &s->routers[number], *r = &s->routers[s->options.pccs + number];
    memcpy(r->from, first->from, sizeof r->from);
    r->sim = s;
    r->due = NSEC_NEVER;
    r->pcc = pcc_new_backup(first->pcc, s->started);
    r->twin = first;
    first->twin = r;
}

static enum err
make_tls(const struct pccsim_options *o, struct tls **tls, struct diag *diag)
{
    const struct tls_config config = {.ca_file = o->ca, .cert_file = o->cert, .key_file = o->key};
    return o->ca ? tls_new(&config, tls, diag) : ERR_OK;
}

enum err
sim_new(uv_loop_t *loop, const struct pccsim_options *options, void (*ended)(void *arg), void *arg,
        struct sim **result, struct diag *diag)
{
    struct tls *tls = NULL;
    struct in_addr first;
    if (inet_pton(AF_INET, options->first, &first) != 1)
        return diag_set(diag, ERR_INVALID, "--first: \"%s\" is not an IPv4 address",
                        options->first);
    enum err err = make_tls(options, &tls, diag);
    if (err)
        return err;
    struct sim *s = xcalloc(1, sizeof *s);
    s->loop = loop;
    s->options = *options;
    s->tls = tls;
    s->ended = ended;
    s->arg = arg;
    s->started = clock_monotonic();
    s->timer = timer_new(loop, on_timer, s);
    s->end = timer_new(loop, on_end, s);
    s->act = timer_new(loop, on_act, s);
    s->n_routers = options->pccs * (options->backup ? 2 : 1);
    s->routers = xcalloc(s->n_routers, sizeof *s->routers);
    for (uint32_t i = 0; i < options->pccs; i++)
        make_router(s, i, ntohl(first.s_addr));
    for (uint32_t i = 0; i < options->pccs && options->backup; i++)
        make_backup(s, i);
    err = take_script(s, diag);
    if (err) {
        sim_free(s);
        return err;
    }
    timer_start(s->end, 0);
    wait_for_line(s);
    connect_some(s);
    *result = s;
    return ERR_OK;
}

void
sim_free(struct sim *s)
{
    if (!s)
        return;
    for (uint32_t i = s->n_routers; i-- > 0;) {
        stream_free(s->routers[i].stream);
        tls_session_free(s->routers[i].tls);
        pcc_free(s->routers[i].pcc);
    }
    timer_free(s->timer);
    timer_free(s->end);
    timer_free(s->act);
    script_fini(&s->script);
    tls_free(s->tls);
    latency_fini(&s->setup);
    latency_fini(&s->sync);
    latency_fini(&s->request);
    free(s->routers);
    free(s->heap);
    free(s);
}

/* ---- what became of it */

struct row {
    const char *name;
    size_t at; /* in struct pcc_stats */
};

#define ROW(member)                                                                                \
    {                                                                                              \
#member, offsetof(struct pcc_stats, member)                                                \
    }

static const struct row rows[] = {
    ROW(sessions),    ROW(synced),     ROW(sync_avoided), ROW(lsps_synced), ROW(updates),
    ROW(initiations), ROW(removals),   ROW(returns),      ROW(takeovers),   ROW(answered),
    ROW(refused),     ROW(unanswered), ROW(revoked),      ROW(reports),     ROW(requests),
    ROW(paths),       ROW(no_paths),   ROW(errors),       ROW(orphaned),    ROW(expired),
    ROW(inherited),
};

static void
put_latency(struct buf *out, const char *name, const struct latency *l)
{
    buf_printf(out, ",\"%s\":{\"n\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}", name,
               (unsigned long long)l->n, latency_quantile(l, 0.5), latency_quantile(l, 0.99),
               latency_quantile(l, 1));
}

static struct pcep_error
last_error(const struct sim *s)
{
    struct pcep_error error = {0};
    for (uint32_t i = 0; i < s->n_routers; i++)
        if (pcc_stats(s->routers[i].pcc)->last_error.type)
            error = pcc_stats(s->routers[i].pcc)->last_error;
    return error;
}

static void
put_why(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_u8(out, *text == '"' || *text == '\\' || (uint8_t)*text < 32 ? '\'' : (uint8_t)*text);
}

void
sim_summary(const struct sim *s, struct buf *out)
{
    uint32_t up = 0, lsps = 0;
    for (uint32_t i = 0; i < s->n_routers; i++) {
        up += pcc_is_up(s->routers[i].pcc);
        lsps += i < s->options.pccs ? pcc_n_lsps(s->routers[i].pcc) : 0;
    }
    struct pcep_error error = last_error(s);
    buf_printf(out, "{\"pccs\":%u,\"up\":%u,\"lsps\":%u", s->options.pccs, up, lsps);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t sum = 0;
        for (uint32_t k = 0; k < s->n_routers; k++)
            sum += *(const uint64_t *)((const char *)pcc_stats(s->routers[k].pcc) + rows[i].at);
        buf_printf(out, ",\"%s\":%llu", rows[i].name, (unsigned long long)sum);
    }
    buf_printf(out, ",\"acts\":%llu", (unsigned long long)s->acts);
    buf_printf(out, ",\"lost\":%llu,\"failed\":%llu,\"seconds\":%.3f", (unsigned long long)s->lost,
               (unsigned long long)s->failed,
               (double)(clock_monotonic() - s->started) / NSEC_PER_SEC);
    if (s->all_synced)
        buf_printf(out, ",\"all_synced_after_s\":%.3f",
                   (double)(s->all_synced - s->started) / NSEC_PER_SEC);
    put_latency(out, "setup", &s->setup);
    put_latency(out, "sync", &s->sync);
    put_latency(out, "request", &s->request);
    if (error.type)
        buf_printf(out, ",\"last_error\":\"%u/%u %s\"", error.type, error.value,
                   pcep_error_type_name(error.type));
    buf_str(out, ",\"last_end\":\"");
    put_why(out, s->last_why);
    buf_str(out, "\"}\n");
}
