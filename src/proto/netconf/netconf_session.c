/* Requests are numbered one after the other, and replies come in the order of the requests (RFC
 * 6241 section 4.5), so what waits is a window of numbers: a place for each, and those in the
 * middle that have ended stay empty until all before them have. */
#include "proto/netconf/netconf_session.h"

#include "base/alloc.h"
#include "proto/netconf/netconf_frame.h"

#include <stdlib.h>
#include <string.h>

enum state { WAIT_HELLO, UP, DOWN };

struct request {
    void *arg;
    nsec_t deadline;
    bool live;
    bool own; /* a keep-alive: nobody is told */
};

struct netconf_session {
    struct netconf_session_config config;
    enum state state;
    nsec_t now, started, heard;
    struct netconf_frames frames;
    struct buf out;

    struct arena *arena;       /* of the last message */
    struct arena *hello_arena; /* lives as long as the session */
    struct netconf_hello hello;

    struct request *requests; /* `n` places, numbers first, first + 1 ... */
    uint32_t first, n, room, live;
    uint32_t head;      /* of `requests`: where number `first` is */
    nsec_t next_expiry; /* no request expires before this */

    bool told_down;
    enum err why;
    struct diag why_text;
    struct netconf_session_stats stats;
};

static void
set_defaults(struct netconf_session_config *config)
{
    size_t mib = (size_t)1 << 20;
    if (!config->hello_timeout)
        config->hello_timeout = 30 * NSEC_PER_SEC;
    if (!config->request_timeout)
        config->request_timeout = 60 * NSEC_PER_SEC;
    if (!config->message_limit)
        config->message_limit = 16 * mib;
    if (!config->message_budget)
        config->message_budget = 8 * config->message_limit;
    if (!config->output_limit)
        config->output_limit = 64 * mib;
    if (!config->max_requests)
        config->max_requests = 1000;
}

struct netconf_session *
netconf_session_new(const struct netconf_session_config *config, nsec_t now)
{
    struct netconf_session *s = xcalloc(1, sizeof *s);
    s->config = *config;
    set_defaults(&s->config);
    s->now = s->started = s->heard = now;
    s->next_expiry = NSEC_NEVER;
    s->first = 1;
    s->out = buf_limited(s->config.output_limit);
    s->arena = arena_new(s->config.message_budget);
    s->hello_arena = arena_new(s->config.message_budget);
    netconf_frames_init(&s->frames, s->config.message_limit);
    struct buf hello = BUF_INIT;
    netconf_hello_put(&hello);
    netconf_frame_put(&s->out, false, hello.data, hello.size);
    s->stats.tx_messages++;
    s->stats.tx_octets += s->out.size;
    buf_fini(&hello);
    return s;
}

void
netconf_session_free(struct netconf_session *s)
{
    if (!s)
        return;
    netconf_frames_fini(&s->frames);
    buf_fini(&s->out);
    arena_free(s->arena);
    arena_free(s->hello_arena);
    free(s->requests);
    free(s);
}

void
netconf_session_close(struct netconf_session *s, enum err err, const char *why)
{
    if (s->state == DOWN)
        return;
    s->state = DOWN;
    s->why = err;
    diag_set(&s->why_text, err, "%s", why);
}

void
netconf_session_input(struct netconf_session *s, const uint8_t *data, size_t size, nsec_t now)
{
    s->now = now;
    if (s->state == DOWN)
        return;
    s->stats.rx_octets += size;
    netconf_frames_put(&s->frames, data, size);
}

/* ---- requests */

static struct request *
place(struct netconf_session *s, uint32_t i)
{
    return &s->requests[(s->head + i) % s->room];
}

static struct request *
find(struct netconf_session *s, uint32_t id)
{
    uint32_t i = id - s->first;
    struct request *r = i < s->n ? place(s, i) : NULL;
    return r && r->live ? r : NULL;
}

static void
end_request(struct netconf_session *s, struct request *r)
{
    r->live = false;
    s->live--;
    if (s->live == 0)
        s->next_expiry = NSEC_NEVER;
    while (s->n > 0 && !place(s, 0)->live) {
        s->head = (s->head + 1) % s->room;
        s->first++;
        s->n--;
    }
}

static void
make_room(struct netconf_session *s)
{
    if (s->n < s->room)
        return;
    uint32_t room = s->room ? 2 * s->room : 16;
    struct request *larger = xcalloc(room, sizeof *larger);
    for (uint32_t i = 0; i < s->n; i++)
        larger[i] = *place(s, i);
    free(s->requests);
    s->requests = larger;
    s->room = room;
    s->head = 0;
}

static enum err
send_request(struct netconf_session *s, const struct netconf_request *request,
             const struct request *what, struct diag *diag)
{
    struct buf text = buf_limited(s->config.output_limit);
    uint32_t id = s->first + s->n;
    bool chunked = s->frames.chunked;
    enum err err = netconf_request_put(&text, request, id, &s->hello, diag);
    if (!err && s->out.size + text.size + 64 > s->config.output_limit)
        err = diag_set(diag, ERR_LIMIT, "%zu octets wait to be sent already", s->out.size);
    if (!err) {
        size_t before = s->out.size;
        netconf_frame_put(&s->out, chunked, text.data, text.size);
        s->stats.tx_messages++;
        s->stats.tx_octets += s->out.size - before;
        make_room(s);
        *place(s, s->n++) = *what;
        s->live++;
        s->next_expiry = MIN(s->next_expiry, what->deadline);
    }
    buf_fini(&text);
    return err;
}

enum err
netconf_session_request(struct netconf_session *s, const struct netconf_request *request, void *arg,
                        nsec_t timeout, nsec_t now, struct diag *diag)
{
    s->now = now;
    if (s->state == DOWN)
        return diag_set(diag, ERR_CLOSED, "the session is down");
    if (s->state != UP || s->n >= s->config.max_requests)
        return diag_set(diag, ERR_BUSY,
                        s->state != UP ? "the session is not up yet"
                                       : "too many requests wait for a reply");
    nsec_t deadline = now + (timeout ? timeout : s->config.request_timeout);
    return send_request(s, request, &(struct request){arg, deadline, true, false}, diag);
}

/* ---- time */

static void
ask_for_life(struct netconf_session *s)
{
    if (s->state != UP || !s->config.keepalive_interval || s->live > 0 ||
        s->now - s->heard < s->config.keepalive_interval)
        return;
    struct netconf_request nothing = {.operation = NETCONF_GET, .filter = ""};
    struct request own = {NULL, s->now + s->config.request_timeout, true, true};
    if (send_request(s, &nothing, &own, NULL)) {
        netconf_session_close(s, ERR_LIMIT, "the server does not read what it is sent");
        return;
    }
    s->stats.keepalives++;
}

void
netconf_session_tick(struct netconf_session *s, nsec_t now)
{
    s->now = now;
    if (s->state == WAIT_HELLO && now - s->started >= s->config.hello_timeout)
        netconf_session_close(s, ERR_TIMEOUT, "the server sent no hello");
    ask_for_life(s);
}

nsec_t
netconf_session_deadline(const struct netconf_session *s)
{
    if (s->state == DOWN)
        return NSEC_NEVER;
    if (s->state == WAIT_HELLO)
        return s->started + s->config.hello_timeout;
    if (s->live > 0)
        return s->next_expiry;
    return s->config.keepalive_interval ? s->heard + s->config.keepalive_interval : NSEC_NEVER;
}

/* ---- events */

static bool
fail_request(struct netconf_session *s, struct request *r, uint32_t id, enum err err,
             struct netconf_event *event)
{
    bool own = r->own;
    event->kind = NETCONF_FAILED;
    event->err = err;
    event->message_id = id;
    event->arg = r->arg;
    end_request(s, r);
    return !own;
}

static bool
expire(struct netconf_session *s, struct netconf_event *event)
{
    if (s->now < s->next_expiry)
        return false;
    s->next_expiry = NSEC_NEVER;
    uint32_t first = s->first;
    for (uint32_t i = 0; i < s->n; i++) {
        struct request *r = place(s, i);
        if (r->live && r->deadline <= s->now) {
            s->stats.timeouts++;
            s->next_expiry = s->now; /* there may be more */
            if (r->own)
                netconf_session_close(s, ERR_TIMEOUT, "the server does not answer any more");
            diag_set(&event->diag, ERR_TIMEOUT, "no reply in time");
            return fail_request(s, r, first + i, ERR_TIMEOUT, event);
        }
        if (r->live)
            s->next_expiry = MIN(s->next_expiry, r->deadline);
    }
    return false;
}

/* The request that a reply is for. One without a number that tells of an error is for the oldest:
 * the server could not read what it was sent (RFC 6241 section 4.3). */
static struct request *
request_of(struct netconf_session *s, const struct netconf_message *m, uint32_t *id)
{
    char *end = NULL;
    if (!m->message_id) {
        *id = s->first;
        return m->ok ? NULL : find(s, s->first);
    }
    const char *text = m->message_id + strspn(m->message_id, " ");
    unsigned long number = strtoul(text, &end, 10);
    *id = (uint32_t)number;
    bool right = end != text && !end[strspn(end, " ")] && number <= UINT32_MAX;
    return right ? find(s, *id) : NULL;
}

static bool
take_reply(struct netconf_session *s, const struct netconf_message *m, struct netconf_event *event)
{
    uint32_t id;
    struct request *r = request_of(s, m, &id);
    s->stats.errors += !m->ok;
    if (!r) {
        s->stats.unmatched++;
        return false;
    }
    event->message = m;
    if (!m->ok && !r->own) {
        uint32_t i = 0;
        while (m->errors[i].warning)
            i++;
        enum err err = netconf_error_explain(&m->errors[i], &event->diag);
        return fail_request(s, r, id, err, event);
    }
    bool own = r->own; /* an error too is a sign of life */
    event->kind = NETCONF_DONE;
    event->message_id = id;
    event->arg = r->arg;
    end_request(s, r);
    return !own;
}

/* The framing changes behind the hello when both sides speak base:1.1 (RFC 6242 section 4.1). */
static bool
greet(struct netconf_session *s, const struct netconf_xml *root, struct netconf_event *event)
{
    struct diag diag = {""};
    enum err err = netconf_hello_parse(root, s->hello_arena, &s->hello, &diag);
    if (err) {
        netconf_session_close(s, err, diag.text);
        return false;
    }
    if (s->hello.capabilities & NETCONF_BASE_1_1)
        netconf_frames_go_chunked(&s->frames);
    s->state = UP;
    event->kind = NETCONF_UP;
    event->hello = &s->hello;
    return true;
}

/* One whole message. False: there is nothing to tell. */
static bool
take_message(struct netconf_session *s, const uint8_t *data, size_t size,
             struct netconf_event *event)
{
    struct diag diag = {""};
    struct netconf_xml *root = NULL;
    bool hello = s->state == WAIT_HELLO;
    struct arena *arena = hello ? s->hello_arena : s->arena;
    struct netconf_message *m = arena_alloc(arena, sizeof *m);
    enum err err = m ? netconf_xml_parse(data, size, arena, &root, &diag) : ERR_LIMIT;
    s->stats.rx_messages++;
    s->heard = s->now;
    if (err) {
        netconf_session_close(s, err, diag.text);
        return false;
    }
    if (hello)
        return greet(s, root, event);
    err = netconf_message_parse(root, arena, m, &diag);
    if (err || m->kind == NETCONF_HELLO) {
        s->stats.refused++;
        return false;
    }
    if (m->kind == NETCONF_REPLY)
        return take_reply(s, m, event);
    event->kind = NETCONF_NOTIFIED;
    event->message = m;
    return true;
}

static bool
read_on(struct netconf_session *s, struct netconf_event *event)
{
    const uint8_t *data;
    size_t size;
    struct diag diag = {""};
    while (s->state != DOWN) {
        enum err err = netconf_frames_next(&s->frames, &data, &size, &diag);
        if (err == ERR_TRUNCATED)
            return false;
        if (err) {
            netconf_session_close(s, err, diag.text);
            return false;
        }
        arena_reset(s->arena);
        *event = (struct netconf_event){0};
        if (take_message(s, data, size, event))
            return true;
    }
    return false;
}

/* All that waits fails, then the end. */
static bool
tell_down(struct netconf_session *s, struct netconf_event *event)
{
    *event = (struct netconf_event){.diag = s->why_text};
    while (s->n > 0) { /* the first place is always live */
        if (fail_request(s, place(s, 0), s->first, s->why, event))
            return true;
    }
    if (s->told_down)
        return false;
    s->told_down = true;
    event->kind = NETCONF_DOWN;
    event->err = s->why;
    return true;
}

bool
netconf_session_next(struct netconf_session *s, struct netconf_event *event)
{
    *event = (struct netconf_event){0};
    while (s->state == UP && s->live > 0 && s->now >= s->next_expiry) {
        if (expire(s, event))
            return true;
    }
    ask_for_life(s); /* now that nothing else is waited for */
    if (s->state != DOWN && read_on(s, event))
        return true;
    return s->state == DOWN && tell_down(s, event);
}

struct arena *
netconf_session_take_arena(struct netconf_session *s)
{
    struct arena *arena = s->arena;
    s->arena = arena_new(s->config.message_budget);
    return arena;
}

struct buf *
netconf_session_output(struct netconf_session *s)
{
    return &s->out;
}

bool
netconf_session_is_up(const struct netconf_session *s)
{
    return s->state == UP;
}

const struct netconf_hello *
netconf_session_hello(const struct netconf_session *s)
{
    return s->state == UP ? &s->hello : NULL;
}

size_t
netconf_session_outstanding(const struct netconf_session *s)
{
    return s->live;
}

const struct netconf_session_stats *
netconf_session_stats(const struct netconf_session *s)
{
    return &s->stats;
}
