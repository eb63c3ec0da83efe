#include "gateway/http_server.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

#define SEND_LIMIT ((size_t)128 << 20) /* octets: the largest answer, and more of a stream */

struct connection {
    struct http_server *server;
    struct stream *stream;
    struct http_connection *http;
    struct http_wire wire;
    struct timer *timer;
    struct connection *prev, *next;
};

struct http_server {
    uv_loop_t *loop;
    struct stream_listener *listener;
    struct http_server_config config;
    struct http_common common;
    struct connection *connections;
    struct http_statistics statistics;
};

/* ---- connections */

static void
connection_free(struct connection *c)
{
    struct http_server *server = c->server;
    http_connection_free(c->http);
    stream_free(c->stream);
    timer_free(c->timer);
    if (c->prev)
        c->prev->next = c->next;
    else
        server->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    server->statistics.connections--;
    free(c);
}

static void
wire_send(void *arg, const void *data, size_t size)
{
    struct connection *c = arg;
    stream_send(c->stream, data, size); /* if it failed, `closed` follows */
}

static size_t
wire_pending(void *arg)
{
    const struct connection *c = arg;
    return stream_pending(c->stream);
}

static void
wire_finish(void *arg)
{
    connection_free(arg);
}

static void
wire_wake(void *arg, nsec_t at)
{
    struct connection *c = arg;
    if (at == NSEC_NEVER)
        timer_stop(c->timer);
    else
        timer_start(c->timer, at - clock_monotonic());
}

static nsec_t
wire_clock(void *arg UNUSED)
{
    return clock_monotonic();
}

static nsec_t
wire_wall(void *arg UNUSED)
{
    return clock_wall();
}

static void
on_timer(void *arg)
{
    struct connection *c = arg;
    http_connection_tick(c->http);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct connection *c = arg;
    http_connection_input(c->http, data, size);
}

static void
on_drained(void *arg, struct stream *stream UNUSED)
{
    struct connection *c = arg;
    http_connection_drained(c->http);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    connection_free(arg);
}

static const struct stream_handler stream_handler = {
    .received = on_received,
    .drained = on_drained,
    .closed = on_closed,
};

static struct connection *
connection_new(struct http_server *server, struct stream *stream)
{
    struct connection *c = xcalloc(1, sizeof *c);
    c->server = server;
    c->stream = stream;
    c->timer = timer_new(server->loop, on_timer, c);
    c->wire = (struct http_wire){
        .send = wire_send,
        .pending = wire_pending,
        .finish = wire_finish,
        .wake = wire_wake,
        .clock = wire_clock,
        .wall = wire_wall,
        .peer_name = stream_peer_name(stream),
        .peer_address = stream_peer_address(stream),
        .peer_serial = stream_peer_serial(stream),
    };
    c->next = server->connections;
    if (c->next)
        c->next->prev = c;
    server->connections = c;
    server->statistics.connections++;
    stream_set_handler(stream, &stream_handler, c);
    c->http = http_connection_new(&server->common, &c->wire, c);
    return c;
}

/* ---- the server */

static unsigned
count_name(const struct http_server *server, const char *name)
{
    unsigned n = 0;
    for (const struct connection *c = server->connections; c; c = c->next)
        n += !strcmp(c->wire.peer_name, name);
    return n;
}

/* "10.1.0.5" of "10.1.0.5:53412". */
static size_t
host_length(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon ? (size_t)(colon - address) : strlen(address);
}

static unsigned
count_address(const struct http_server *server, const char *address)
{
    unsigned n = 0;
    size_t length = host_length(address);
    for (const struct connection *c = server->connections; c; c = c->next)
        n += !*c->wire.peer_name && host_length(c->wire.peer_address) == length &&
             !strncmp(c->wire.peer_address, address, length);
    return n;
}

static bool
is_too_many(const struct http_server *server, const struct stream *stream)
{
    const struct http_server_config *config = &server->config;
    const char *name = stream_peer_name(stream);
    if (server->statistics.connections >= config->connections)
        return true;
    if (*name || !config->anonymous)
        return count_name(server, name) >= config->connections_a_name;
    return count_name(server, "") >= config->connections / 2 ||
           count_address(server, stream_peer_address(stream)) >= config->connections_a_name;
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct http_server *server = arg;
    bool too_many = is_too_many(server, stream);
    struct connection *c = connection_new(server, stream);
    server->statistics.accepted++;
    if (too_many) {
        server->statistics.too_many++;
        http_connection_refuse(c->http, "there are too many connections");
    }
}

static void
on_refused(void *arg, const char *address, enum err err, const char *reason)
{
    struct http_server *server = arg;
    server->statistics.refused++;
    if (server->config.refused)
        server->config.refused(server->config.arg, address, err, reason);
}

static const struct stream_listener_handler listener_handler = {
    .accepted = on_accepted,
    .refused = on_refused,
};

#define DEFAULT(member, value)                                                                     \
    do {                                                                                           \
        if (!(member))                                                                             \
            (member) = (value);                                                                    \
    } while (0)

static void
set_defaults(struct http_server_config *config)
{
    struct http_limits *limits = &config->limits;
    DEFAULT(limits->head_time, 10 * NSEC_PER_SEC);
    DEFAULT(limits->idle_time, 75 * NSEC_PER_SEC);
    DEFAULT(limits->body_time, 30 * NSEC_PER_SEC);
    DEFAULT(limits->body_rate, (size_t)64 << 10);
    DEFAULT(limits->write_time, 30 * NSEC_PER_SEC);
    DEFAULT(limits->early_size, (size_t)64 << 10);
    DEFAULT(limits->bodies_size, (size_t)256 << 20);
    DEFAULT(config->connections, HTTP_CONNECTIONS_MAX);
    DEFAULT(config->connections_a_name, HTTP_CONNECTIONS_PER_NAME);
}

enum err
http_server_new(uv_loop_t *loop, const struct http_server_config *config,
                struct http_server **result, struct diag *diag)
{
    struct http_server *server = xcalloc(1, sizeof *server);
    server->loop = loop;
    server->config = *config;
    set_defaults(&server->config);
    server->common = (struct http_common){
        .handler = config->handler, .arg = config->arg, .limits = server->config.limits};
    struct stream_config listen = {.address = config->address,
                                   .tls = config->tls,
                                   .tls_1_3 = true,
                                   .anonymous = config->anonymous,
                                   .send_limit = SEND_LIMIT};
    enum err err = stream_listen(loop, &listen, &listener_handler, server, &server->listener, diag);
    if (err)
        free(server);
    else
        *result = server;
    return err;
}

void
http_server_free(struct http_server *server)
{
    if (!server)
        return;
    stream_listener_free(server->listener);
    while (server->connections)
        connection_free(server->connections);
    free(server);
}

const char *
http_server_address(const struct http_server *server)
{
    return stream_listener_address(server->listener);
}

struct http_statistics
http_server_statistics(const struct http_server *server)
{
    struct http_statistics s = server->statistics;
    s.requests = server->common.n_requests;
    s.malformed = server->common.n_malformed;
    s.timeouts = server->common.n_timeouts;
    return s;
}
