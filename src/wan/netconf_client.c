/* A request is in one of two lists: `waiting` until it can be sent, then `sent` until the session
 * tells its end. Whoever is told may ask again or free the client, so what has ended is taken out
 * of its list before, and `freed` is looked at behind every call. */
#include "wan/netconf_client.h"

#include "base/alloc.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/stream.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct asked *next, **link; /* where the pointer to it is */
    struct netconf_request request;
    uint64_t connection;
    nsec_t deadline;
    netconf_done_fn *done;
    void *arg;
};

struct list {
    struct asked *first, **last;
    size_t n;
};

/* yuma123's netconfd loses a request that it reads together with our hello: it gets time to read
 * that alone. */
#define YUMA123_PAUSE (200 * NSEC_PER_MSEC)

struct netconf_client {
    uv_loop_t *loop;
    char *name;
    struct netconf_client_config config; /* its texts are ours */
    const struct netconf_client_handler *handler;
    void *arg;
    struct reconnect reconnect;
    struct timer *timer;
    struct task *turn;
    struct netconf_ssh *ssh; /* one of the two, or none */
    struct stream *stream;
    struct netconf_session *session; /* NULL: not connected */
    uint64_t connection;             /* the last one that came up */
    bool up;
    nsec_t hold_until; /* nothing is sent before */
    struct list waiting, sent;
    struct diag reason;
    struct netconf_session_stats past;
    unsigned depth; /* of calls into the owner's code */
    bool freed;
};

/* ---- lists */

static void
list_init(struct list *list)
{
    *list = (struct list){.last = &list->first};
}

static void
list_add(struct list *list, struct asked *a)
{
    a->next = NULL;
    a->link = list->last;
    *list->last = a;
    list->last = &a->next;
    list->n++;
}

static void
list_take(struct list *list, struct asked *a)
{
    *a->link = a->next;
    if (a->next)
        a->next->link = a->link;
    else
        list->last = a->link;
    list->n--;
}

/* The texts of a request, which are copied. */
static const size_t texts[] = {
    offsetof(struct netconf_request, source_url), offsetof(struct netconf_request, target_url),
    offsetof(struct netconf_request, filter),     offsetof(struct netconf_request, xpath),
    offsetof(struct netconf_request, config),     offsetof(struct netconf_request, persist),
    offsetof(struct netconf_request, persist_id), offsetof(struct netconf_request, identifier),
    offsetof(struct netconf_request, version),    offsetof(struct netconf_request, format),
    offsetof(struct netconf_request, stream),     offsetof(struct netconf_request, start_time),
    offsetof(struct netconf_request, stop_time),  offsetof(struct netconf_request, body),
};

static const char **
text_at(struct netconf_request *request, size_t i)
{
    return (const char **)(void *)((char *)request + texts[i]);
}

static void
asked_free(struct asked *a)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free((char *)*text_at(&a->request, i));
    free(a);
}

static struct asked *
asked_new(const struct netconf_request *request)
{
    struct asked *a = xcalloc(1, sizeof *a);
    a->request = *request;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (*text_at(&a->request, i))
            *text_at(&a->request, i) = xstrdup(*text_at(&a->request, i));
    }
    return a;
}

/* ---- telling */

static void
release(struct netconf_client *c)
{
    if (!c->freed || c->depth > 0)
        return;
    free(c->name);
    free((char *)c->config.ssh.host);
    free((char *)c->config.ssh.user);
    free((char *)c->config.ssh.key_file);
    free((char *)c->config.ssh.known_hosts_file);
    free((char *)c->config.ssh.subsystem);
    free((char *)c->config.ssh.program);
    free((char *)c->config.address);
    free((char *)c->config.peer_name);
    tls_free(c->config.tls);
    free(c);
}

/* The request is in no list any more. */
static void
tell(struct netconf_client *c, struct asked *a, enum err err, const char *text,
     const struct netconf_message *message)
{
    struct netconf_result result = {err, err ? text : "", message, netconf_client_hello(c)};
    a->done(a->arg, &result);
    asked_free(a);
}

static void
fail_all(struct netconf_client *c, struct list *list, enum err err, const char *text)
{
    for (struct asked *a; (a = list->first);) {
        list_take(list, a);
        tell(c, a, err, text, NULL);
    }
}

static void pump(struct netconf_client *);

static void
add_stats(struct netconf_session_stats *to, const struct netconf_session_stats *from)
{
    to->rx_messages += from->rx_messages;
    to->tx_messages += from->tx_messages;
    to->rx_octets += from->rx_octets;
    to->tx_octets += from->tx_octets;
    to->errors += from->errors;
    to->timeouts += from->timeouts;
    to->unmatched += from->unmatched;
    to->refused += from->refused;
    to->keepalives += from->keepalives;
}

static void
drop_transport(struct netconf_client *c)
{
    netconf_ssh_free(c->ssh);
    stream_free(c->stream);
    c->ssh = NULL;
    c->stream = NULL;
    if (c->session)
        add_stats(&c->past, netconf_session_stats(c->session));
    netconf_session_free(c->session);
    c->session = NULL;
}

static void
went_down(struct netconf_client *c, enum err err, const char *reason)
{
    diag_set(&c->reason, err, "%s", reason);
    c->up = false;
    drop_transport(c);
    reconnect_lost(&c->reconnect, clock_monotonic());
    if (c->handler && c->handler->down && !c->freed)
        c->handler->down(c->arg, c, err, c->reason.text);
}

/* ---- the session's events */

static void
on_event(struct netconf_client *c, const struct netconf_event *event)
{
    struct asked *a = event->arg;
    switch (event->kind) {
    case NETCONF_UP:
        c->up = true;
        c->connection++;
        c->reason.text[0] = '\0';
        c->hold_until = netconf_hello_is_yuma123(event->hello) ? clock_monotonic() + YUMA123_PAUSE
                                                               : 0;
        reconnect_connected(&c->reconnect, clock_monotonic());
        if (c->handler && c->handler->up)
            c->handler->up(c->arg, c, event->hello);
        break;
    case NETCONF_DONE:
    case NETCONF_FAILED:
        list_take(&c->sent, a);
        tell(c, a, event->err, event->diag.text, event->message);
        break;
    case NETCONF_NOTIFIED:
        if (c->handler && c->handler->notified)
            c->handler->notified(c->arg, c, event->message);
        break;
    case NETCONF_DOWN:
        went_down(c, event->err, event->diag.text);
        break;
    }
}

static void
take_events(struct netconf_client *c)
{
    struct netconf_event event;
    while (!c->freed && c->session && netconf_session_next(c->session, &event))
        on_event(c, &event);
}

/* Ends what waits for a connection that is lost, or too long; returns when to look again. */
static nsec_t
end_waiting(struct netconf_client *c, nsec_t now)
{
    nsec_t next = NSEC_NEVER;
    uint64_t connection = netconf_client_connection(c);
    for (struct asked *a = c->waiting.first, *after; a && !c->freed; a = after) {
        after = a->next;
        bool lost = a->connection && a->connection != connection;
        if (lost || a->deadline <= now) {
            list_take(&c->waiting, a);
            tell(c, a, lost ? ERR_CLOSED : ERR_TIMEOUT,
                 lost              ? "the connection was lost before it was sent"
                 : *c->reason.text ? c->reason.text
                                   : "no connection in time",
                 NULL);
            after = c->waiting.first; /* anything may have been asked meanwhile */
            next = NSEC_NEVER;
        } else {
            next = MIN(next, a->deadline);
        }
    }
    return next;
}

static void
send_waiting(struct netconf_client *c, nsec_t now)
{
    if (now < c->hold_until)
        return;
    for (struct asked *a; !c->freed && c->up && (a = c->waiting.first);) {
        struct diag diag = {""};
        enum err err = netconf_session_request(c->session, &a->request, a, a->deadline - now, now,
                                               &diag);
        if (err == ERR_BUSY)
            return;
        list_take(&c->waiting, a);
        if (err)
            tell(c, a, err, diag.text, NULL);
        else
            list_add(&c->sent, a);
    }
}

static void
flush(struct netconf_client *c)
{
    struct buf *out = c->session ? netconf_session_output(c->session) : NULL;
    if (!out || out->size == 0)
        return;
    if (c->ssh)
        netconf_ssh_send(c->ssh, out->data, out->size);
    else if (c->stream)
        (void)stream_send(c->stream, out->data, out->size); /* `closed` tells of an error */
    buf_clear(out);
}

/* ---- the transport */

static void
heard(struct netconf_client *c, const uint8_t *data, size_t size)
{
    if (!c->session)
        return;
    netconf_session_input(c->session, data, size, clock_monotonic());
    pump(c);
}

static void
lost(struct netconf_client *c, enum err err, const char *reason)
{
    if (c->session)
        netconf_session_close(c->session, err, reason);
    pump(c);
}

static void
on_ssh_received(void *arg, const uint8_t *data, size_t size)
{
    heard(arg, data, size);
}

static void
on_ssh_closed(void *arg, enum err err, const char *reason)
{
    lost(arg, err, reason);
}

static void
on_stream_opened(void *arg, struct stream *stream)
{
    (void)arg, (void)stream; /* the hello waits in it already */
}

static void
on_stream_received(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    (void)stream;
    heard(arg, data, size);
}

static void
on_stream_closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    (void)stream;
    lost(arg, err, reason);
}

static const struct netconf_ssh_handler ssh_handler = {on_ssh_received, on_ssh_closed};
static const struct stream_handler stream_handler = {
    .opened = on_stream_opened, .received = on_stream_received, .closed = on_stream_closed};

static enum err
connect_now(struct netconf_client *c, struct diag *diag)
{
    struct stream_config stream = {.address = c->config.address,
                                   .tls = c->config.tls,
                                   .peer_name = c->config.peer_name,
                                   .send_limit = (size_t)128 << 20};
    enum err err = c->config.ssh.host
                       ? netconf_ssh_open(c->loop, &c->config.ssh, &ssh_handler, c, &c->ssh, diag)
                       : stream_connect(c->loop, &stream, &stream_handler, c, &c->stream, diag);
    if (!err)
        c->session = netconf_session_new(&c->config.session, clock_monotonic());
    return err;
}

/* ---- the turn of things */

static void
set_timer(struct netconf_client *c, nsec_t now, nsec_t next)
{
    if (c->session)
        next = MIN(next, netconf_session_deadline(c->session));
    next = MIN(next, reconnect_wake(&c->reconnect));
    if (c->up && now < c->hold_until)
        next = MIN(next, c->hold_until);
    if (next == NSEC_NEVER)
        timer_stop(c->timer);
    else
        timer_start(c->timer, MAX(next - now, 0));
}

static void
pump(struct netconf_client *c)
{
    struct diag diag = {""};
    nsec_t next = NSEC_NEVER, now = clock_monotonic();
    c->depth++;
    take_events(c);
    if (!c->freed && reconnect_run(&c->reconnect, now)) {
        enum err err = connect_now(c, &diag);
        if (err)
            went_down(c, err, diag.text);
    }
    if (!c->freed)
        next = end_waiting(c, now);
    send_waiting(c, now);
    if (!c->freed) {
        flush(c);
        set_timer(c, now, next);
    }
    c->depth--;
    release(c);
}

static void
on_timer(void *arg)
{
    struct netconf_client *c = arg;
    if (c->session)
        netconf_session_tick(c->session, clock_monotonic());
    pump(c);
}

static void
on_turn(void *arg)
{
    pump(arg);
}

/* ---- interface */

static char *
copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static enum err
check_config(const struct netconf_client_config *config, struct diag *diag)
{
    union address address;
    if (config->ssh.host)
        return ERR_OK; /* netconf_ssh_open() looks */
    if (!config->address)
        return diag_set(diag, ERR_INVALID, "neither a host nor an address");
    enum err err = address_parse(config->address, &address, diag);
    if (!err && !config->tls && strncmp(config->address, "unix:", 5))
        err = diag_set(diag, ERR_INVALID,
                       "%s: NETCONF without SSH and TLS is for Unix sockets only", config->address);
    return err;
}

enum err
netconf_client_new(uv_loop_t *loop, const struct netconf_client_config *config,
                   const struct netconf_client_handler *handler, void *arg,
                   struct netconf_client **result, struct diag *diag)
{
    enum err err = check_config(config, diag);
    if (err)
        return err;
    struct netconf_client *c = xcalloc(1, sizeof *c);
    c->loop = loop;
    c->name = xstrdup(config->name ? config->name : "");
    c->config = *config;
    c->config.name = c->name;
    c->config.ssh.host = copy(config->ssh.host);
    c->config.ssh.user = copy(config->ssh.user);
    c->config.ssh.key_file = copy(config->ssh.key_file);
    c->config.ssh.known_hosts_file = copy(config->ssh.known_hosts_file);
    c->config.ssh.subsystem = copy(config->ssh.subsystem);
    c->config.ssh.program = copy(config->ssh.program);
    c->config.address = copy(config->address);
    c->config.peer_name = copy(config->peer_name);
    c->config.tls = config->tls ? tls_ref(config->tls) : NULL;
    if (!c->config.max_queue)
        c->config.max_queue = 1000;
    c->handler = handler;
    c->arg = arg;
    c->timer = timer_new(loop, on_timer, c);
    c->turn = task_new(loop, on_turn, c);
    list_init(&c->waiting);
    list_init(&c->sent);
    reconnect_init(&c->reconnect, &config->reconnect, clock_monotonic());
    task_schedule(c->turn);
    *result = c;
    return ERR_OK;
}

void
netconf_client_free(struct netconf_client *c)
{
    if (!c || c->freed)
        return;
    c->freed = true;
    c->depth++;
    c->up = false;
    drop_transport(c);
    timer_free(c->timer);
    task_free(c->turn);
    fail_all(c, &c->sent, ERR_CLOSED, "it was closed here");
    fail_all(c, &c->waiting, ERR_CLOSED, "it was closed here");
    c->depth--;
    release(c);
}

enum err
netconf_client_request(struct netconf_client *c, const struct netconf_request *request,
                       uint64_t connection, nsec_t timeout, netconf_done_fn *done, void *arg)
{
    nsec_t usual = c->config.session.request_timeout ? c->config.session.request_timeout
                                                     : 60 * NSEC_PER_SEC;
    if (c->freed)
        return ERR_CLOSED;
    if (c->waiting.n >= c->config.max_queue)
        return ERR_LIMIT;
    struct asked *a = asked_new(request);
    a->connection = connection;
    a->deadline = clock_monotonic() + (timeout ? timeout : usual);
    a->done = done;
    a->arg = arg;
    list_add(&c->waiting, a);
    task_schedule(c->turn);
    return ERR_OK;
}

uint64_t
netconf_client_connection(const struct netconf_client *c)
{
    return c->up ? c->connection : 0;
}

const struct netconf_hello *
netconf_client_hello(const struct netconf_client *c)
{
    return c->up && c->session ? netconf_session_hello(c->session) : NULL;
}

const char *
netconf_client_name(const struct netconf_client *c)
{
    return c->name;
}

const char *
netconf_client_reason(const struct netconf_client *c)
{
    return c->reason.text;
}

struct netconf_session_stats
netconf_client_stats(const struct netconf_client *c)
{
    struct netconf_session_stats stats = c->past;
    if (c->session)
        add_stats(&stats, netconf_session_stats(c->session));
    return stats;
}
