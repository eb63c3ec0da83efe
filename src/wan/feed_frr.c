/* feed_frr.c - asks a vty socket, waits for the end mark, compares, reads. */
#include "wan/feed_frr.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/reconnect.h"
#include "io/stream.h"
#include "io/timer.h"
#include "wan/feed_frr_ted.h"

#include <stdio.h>
#include <stdlib.h>

#define END_SIZE 4 /* NUL, NUL, NUL, status */

struct feed_frr {
    struct feed_frr_config config;
    const struct feed_frr_handler *handler;
    void *arg;
    uv_loop_t *loop;
    char address[ADDRESS_TEXT_SIZE];
    struct stream *stream;
    struct reconnect reconnect;
    struct timer *timer; /* the next question, the next attempt, or the end of patience */
    bool asked;
    struct buf answer;
    bool hash_known;
    uint64_t hash;
    enum err trouble;
    bool troubled;
    struct feed_frr_counters counters;
};

static const char *const commands[] = {
    [FEED_FRR_OSPFD] = "show ip ospf mpls-te database json",
    [FEED_FRR_ISISD] = "show isis mpls-te database json",
};

static void
tell_trouble(struct feed_frr *f, enum err err, const char *reason)
{
    if (f->troubled == (err != ERR_OK) && f->trouble == err)
        return;
    f->troubled = err != ERR_OK;
    f->trouble = err;
    if (f->handler->trouble)
        f->handler->trouble(f->arg, err, reason);
}

static void
wait_for_attempt(struct feed_frr *f)
{
    nsec_t wake = reconnect_wake(&f->reconnect);
    if (wake != NSEC_NEVER)
        timer_start(f->timer, clock_left(wake));
}

/* The connection is over; what the source said grows stale. */
static void
lose(struct feed_frr *f, enum err err, const char *reason)
{
    nsec_t now = clock_monotonic();
    stream_free(f->stream);
    f->stream = NULL;
    f->asked = false;
    f->hash_known = false;
    buf_clear(&f->answer);
    reconnect_lost(&f->reconnect, now);
    ted_source_down(f->config.ted, f->config.source, now);
    wait_for_attempt(f);
    tell_trouble(f, err, reason);
    f->handler->changed(f->arg);
}

static void
ask(struct feed_frr *f)
{
    const char *command = commands[f->config.daemon];
    f->asked = true;
    f->counters.questions++;
    buf_clear(&f->answer);
    (void)stream_send(f->stream, command, strlen(command) + 1);
    timer_start(f->timer, f->config.timeout);
}

/* What the database refuses of it, it counts and names. */
static void
put_all(struct feed_frr *f, const struct frr_ted *read)
{
    struct ted *ted = f->config.ted;
    uint32_t source = f->config.source;
    nsec_t now = clock_monotonic();
    ted_source_refresh(ted, source, now);
    for (uint32_t i = 0; i < read->n_nodes; i++)
        if (ted_put_node(ted, source, &read->nodes[i], now))
            continue;
    for (uint32_t i = 0; i < read->n_links; i++)
        if (ted_put_link(ted, source, &read->links[i], now))
            continue;
    for (uint32_t i = 0; i < read->n_prefixes; i++)
        if (ted_put_prefix(ted, source, &read->prefixes[i], now))
            continue;
    ted_source_garbled(ted, source, read->n_unreadable, read->unreadable, now);
    ted_source_synced(ted, source, now);
}

/* Nothing of it is put, and what was told before grows stale. */
static void
refuse_answer(struct feed_frr *f, enum err err, const char *reason)
{
    nsec_t now = clock_monotonic();
    ted_source_garbled(f->config.ted, f->config.source, 1, reason, now);
    ted_source_down(f->config.ted, f->config.source, now);
    tell_trouble(f, err, reason);
    f->handler->changed(f->arg);
}

static void
take_answer(struct feed_frr *f, const char *text, size_t size, uint8_t status)
{
    uint64_t hash = hash_bytes(text, size, hash_secret());
    struct frr_ted read;
    struct diag diag = {0};
    f->counters.answers++;
    if (f->hash_known && f->hash == hash) {
        f->counters.unchanged++;
        return;
    }
    enum err err = status ? diag_set(&diag, ERR_UNSUPPORTED, "it does not know the command")
                          : frr_ted_read(text, size, &read, &diag);
    f->hash = hash;
    f->hash_known = true;
    if (err) {
        f->counters.malformed++;
        refuse_answer(f, err, diag.text);
        return;
    }
    f->counters.n_nodes = read.n_nodes;
    f->counters.n_links = read.n_links;
    f->counters.n_prefixes = read.n_prefixes;
    f->counters.n_open = read.n_open;
    f->counters.n_ignored = read.n_ignored;
    put_all(f, &read);
    frr_ted_fini(&read);
    tell_trouble(f, ERR_OK, "");
    f->handler->changed(f->arg);
}

static void
opened(void *arg, struct stream *stream)
{
    struct feed_frr *f = arg;
    (void)stream;
    f->counters.connections++;
    reconnect_connected(&f->reconnect, clock_monotonic());
    ask(f);
}

static void
received(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    static const uint8_t end[END_SIZE - 1];
    struct feed_frr *f = arg;
    (void)stream;
    buf_put(&f->answer, data, size);
    if (!f->asked || buf_err(&f->answer)) {
        lose(f, ERR_LIMIT, "the answer is too large");
        return;
    }
    size_t text = f->answer.size - END_SIZE;
    if (f->answer.size < END_SIZE || memcmp(f->answer.data + text, end, sizeof end))
        return;
    f->asked = false;
    timer_start(f->timer, f->config.interval);
    take_answer(f, (const char *)f->answer.data, text, f->answer.data[text + END_SIZE - 1]);
    buf_clear(&f->answer);
}

static void
closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    (void)stream;
    lose(arg, err, reason);
}

static const struct stream_handler stream_handler = {
    .opened = opened, .received = received, .closed = closed};

static void
connect_now(struct feed_frr *f)
{
    struct stream_config config = {.address = f->address};
    struct diag diag = {0};
    enum err err = stream_connect(f->loop, &config, &stream_handler, f, &f->stream, &diag);
    if (err)
        lose(f, err, diag.text);
}

static void
timer_fired(void *arg)
{
    struct feed_frr *f = arg;
    if (f->stream && f->asked) {
        f->counters.timeouts++;
        lose(f, ERR_TIMEOUT, "no answer");
    } else if (f->stream) {
        ask(f);
    } else if (reconnect_run(&f->reconnect, clock_monotonic())) {
        connect_now(f);
    } else {
        wait_for_attempt(f);
    }
}

enum err
feed_frr_new(uv_loop_t *loop, const struct feed_frr_config *config,
             const struct feed_frr_handler *handler, void *arg, struct feed_frr **result,
             struct diag *diag)
{
    union address address;
    struct feed_frr *f = xcalloc(1, sizeof *f);
    int n = snprintf(f->address, sizeof f->address, "unix:%s", config->socket);
    enum err err = n < 0 || (size_t)n >= sizeof f->address
                       ? diag_set(diag, ERR_INVALID, "%s: the path is too long", config->socket)
                       : address_parse(f->address, &address, diag);
    if (err) {
        free(f);
        return err;
    }
    f->config = *config;
    f->config.socket = NULL;
    if (!f->config.interval)
        f->config.interval = NSEC_PER_SEC;
    if (!f->config.timeout)
        f->config.timeout = 10 * NSEC_PER_SEC;
    f->loop = loop;
    f->handler = handler;
    f->arg = arg;
    f->answer = buf_limited(FRR_TED_TEXT_MAX + END_SIZE);
    f->timer = timer_new(loop, timer_fired, f);
    reconnect_init(&f->reconnect, &(struct reconnect_config){.seed = hash_secret()},
                   clock_monotonic());
    timer_start(f->timer, 0);
    *result = f;
    return ERR_OK;
}

void
feed_frr_free(struct feed_frr *f)
{
    if (!f)
        return;
    stream_free(f->stream);
    timer_free(f->timer);
    buf_fini(&f->answer);
    ted_source_down(f->config.ted, f->config.source, clock_monotonic());
    free(f);
}

void
feed_frr_counters(const struct feed_frr *f, struct feed_frr_counters *counters)
{
    *counters = f->counters;
}

void
feed_frr_hurry(struct feed_frr *f)
{
    if (f->stream && !f->asked && f->reconnect.state == RECONNECT_CONNECTED)
        ask(f);
    else if (!f->stream)
        timer_start(f->timer, 0);
}
