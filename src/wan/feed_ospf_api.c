/* feed_ospf_api.c - the two connections of the OSPF API, and what is done when they are lost.
 *
 *   WAITING --timer--> listening, connecting --connected, accepted--> SYNCHRONISING --quiet--> UP
 *      ^--------------------- anything that goes wrong --------------------------------------'
 *
 * The connection of ours must leave from the port below the one we listen at, so it is made with
 * libuv itself: streams (io/stream.h) leave from any port. */
#include "wan/feed_ospf_api.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/reconnect.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/uverr.h"
#include "wan/feed_frr.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER_SIZE 8
#define NOTIFY_SIZE 12 /* before the LSA */
#define PATIENCE (10 * NSEC_PER_SEC)
#define QUIET (100 * NSEC_PER_MSEC)       /* of notifications, then the database is complete */
#define AFTER_DELETE (20 * NSEC_PER_MSEC) /* in which the LSA that replaces it comes */
#define PORTS_TRIED 16

enum message {
    REGISTER_EVENT = 3,
    SYNC_LSDB = 4,
    REPLY = 10,
    LSA_UPDATE_NOTIFY = 12,
    LSA_DELETE_NOTIFY = 13,
};

/* Our connection; frees itself when libuv has done with it. */
struct request_link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct feed_ospf_api *of; /* NULL: nobody wants to know any more */
    char input[512];
    uint8_t requests[2 * (HEADER_SIZE + 4)];
};

struct feed_ospf_api {
    const struct feed_ospf_api_handler *handler;
    void *arg;
    uv_loop_t *loop;
    struct ted *ted;
    uint32_t source;
    union address server, local;
    char *vty;
    enum { WAITING, CONNECTING, SYNCHRONISING, UP } state;
    bool connected, replied;
    struct request_link *requests;
    struct stream_listener *listener;
    struct stream *notifications;
    struct buf replies, notices;
    struct ospf_lsdb *lsdb;
    struct reconnect reconnect;
    struct timer *timer, *flush;
    struct feed_frr *fallback;
    struct feed_frr_handler fallback_handler;
    uint64_t random;
    enum err trouble;
    struct feed_ospf_api_counters counters;
};

static void
tell_trouble(struct feed_ospf_api *f, enum err err, const char *reason)
{
    if (f->trouble == err)
        return;
    f->trouble = err;
    if (f->handler->trouble)
        f->handler->trouble(f->arg, err, reason);
}

/* ---- fallback */

static void
fallback_changed(void *arg)
{
    struct feed_ospf_api *f = arg;
    f->handler->changed(f->arg);
}

static void
start_fallback(struct feed_ospf_api *f)
{
    struct feed_frr_config config = {
        .socket = f->vty, .daemon = FEED_FRR_OSPFD, .ted = f->ted, .source = f->source};
    if (!f->vty || f->fallback)
        return;
    f->fallback_handler.changed = fallback_changed;
    if (feed_frr_new(f->loop, &config, &f->fallback_handler, f, &f->fallback, NULL))
        f->fallback = NULL;
}

static void
stop_fallback(struct feed_ospf_api *f)
{
    feed_frr_free(f->fallback);
    f->fallback = NULL;
}

/* ---- connections */

static void
request_link_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct request_link, tcp));
}

static void
drop_connections(struct feed_ospf_api *f)
{
    if (f->requests) {
        f->requests->of = NULL;
        uv_close((uv_handle_t *)&f->requests->tcp, request_link_closed);
    }
    f->requests = NULL;
    stream_listener_free(f->listener);
    f->listener = NULL;
    stream_free(f->notifications);
    f->notifications = NULL;
    buf_clear(&f->replies);
    buf_clear(&f->notices);
    f->connected = f->replied = false;
    timer_stop(f->flush);
}

static void
lose(struct feed_ospf_api *f, enum err err, const char *reason)
{
    nsec_t now = clock_monotonic();
    drop_connections(f);
    f->state = WAITING;
    f->counters.failures++;
    reconnect_lost(&f->reconnect, now);
    if (!f->fallback)
        ted_source_down(f->ted, f->source, now);
    if (f->reconnect.failures >= FEED_OSPF_API_FALLBACK_AFTER)
        start_fallback(f);
    timer_start(f->timer, clock_left(reconnect_wake(&f->reconnect)));
    tell_trouble(f, err, reason);
    f->handler->changed(f->arg);
}

/* ---- notifications */

static void
flush(void *arg)
{
    struct feed_ospf_api *f = arg;
    ospf_lsdb_flush(f->lsdb, clock_monotonic());
    f->handler->changed(f->arg);
}

static void
take_notification(struct feed_ospf_api *f, uint8_t type, const uint8_t *body, size_t size)
{
    struct diag diag;
    f->counters.messages++;
    if (type != LSA_UPDATE_NOTIFY && type != LSA_DELETE_NOTIFY) {
        f->counters.unknown++;
        return;
    }
    enum err err = size < NOTIFY_SIZE
                       ? diag_set(&diag, ERR_MALFORMED, "a notice of %zu octets", size)
                       : ospf_lsdb_put(f->lsdb, get_be32(body + 4), body + NOTIFY_SIZE,
                                       size - NOTIFY_SIZE, type == LSA_DELETE_NOTIFY, &diag);
    if (err) {
        f->counters.refused++;
        ted_source_garbled(f->ted, f->source, 1, diag.text, clock_monotonic());
    }
}

static void
notified(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    struct feed_ospf_api *f = arg;
    size_t at = 0;
    uint8_t last = 0;
    (void)stream;
    buf_put(&f->notices, data, size);
    while (f->notices.size - at >= HEADER_SIZE) {
        const uint8_t *message = f->notices.data + at;
        size_t length = get_be16(message + 2);
        if (message[0] != 1) {
            lose(f, ERR_UNSUPPORTED, "ospfd speaks another version of its API");
            return;
        }
        if (f->notices.size - at < HEADER_SIZE + length)
            break;
        take_notification(f, last = message[1], message + HEADER_SIZE, length);
        at += HEADER_SIZE + length;
    }
    buf_consume(&f->notices, at);
    if (f->state == SYNCHRONISING && f->replied)
        timer_start(f->timer, QUIET);
    if (at)
        timer_start(f->flush, last == LSA_DELETE_NOTIFY ? AFTER_DELETE : 0);
}

static void
notifications_closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    (void)stream;
    lose(arg, err, reason);
}

static const struct stream_handler notification_handler = {.received = notified,
                                                           .closed = notifications_closed};

/* ---- requests */

static void
requests_written(uv_write_t *write, int status)
{
    struct request_link *link = CONTAINER_OF(write, struct request_link, write);
    if (status && link->of)
        lose(link->of, ERR_CLOSED, uv_strerror(status));
}

static uint8_t *
put_request(uint8_t *at, enum message type, uint32_t sequence)
{
    at[0] = 1;
    at[1] = (uint8_t)type;
    put_be16(at + 2, 4);
    put_be32(at + 4, sequence);
    put_be16(at + 8, 0xffff); /* LSAs of all types */
    at[10] = 2;               /* whoever originated them */
    at[11] = 0;               /* all areas */
    return at + 12;
}

/* Both connections are there: ask for all that is there, and all that comes. */
static void
begin(struct feed_ospf_api *f)
{
    struct request_link *link = f->requests;
    if (!f->connected || !f->notifications || f->state != CONNECTING)
        return;
    nsec_t now = clock_monotonic();
    reconnect_connected(&f->reconnect, now);
    stop_fallback(f);
    f->state = SYNCHRONISING;
    f->counters.connections++;
    ospf_lsdb_free(f->lsdb);
    f->lsdb = ospf_lsdb_new(f->ted, f->source);
    ted_source_up(f->ted, f->source, now);
    uint8_t *at = put_request(link->requests, REGISTER_EVENT, 1);
    at = put_request(at, SYNC_LSDB, 2);
    uv_buf_t out = uv_buf_init((char *)link->requests, (unsigned)(at - link->requests));
    int status = uv_write(&link->write, (uv_stream_t *)&link->tcp, &out, 1, requests_written);
    if (status)
        lose(f, ERR_CLOSED, uv_strerror(status));
    else
        timer_start(f->timer, PATIENCE);
}

static void
take_replies(struct feed_ospf_api *f)
{
    size_t at = 0;
    while (f->replies.size - at >= HEADER_SIZE) {
        const uint8_t *message = f->replies.data + at;
        size_t length = get_be16(message + 2);
        if (f->replies.size - at < HEADER_SIZE + length)
            break;
        at += HEADER_SIZE + length;
        if (message[1] != REPLY || !length)
            continue;
        if (message[HEADER_SIZE]) {
            char reason[64];
            snprintf(reason, sizeof reason, "ospfd refuses: error %d",
                     (int)(int8_t)message[HEADER_SIZE]);
            lose(f, ERR_DENIED, reason);
            return;
        }
        if (get_be32(message + 4) == 2 && f->state == SYNCHRONISING) {
            f->replied = true;
            timer_start(f->timer, QUIET);
        }
    }
    buf_consume(&f->replies, at);
}

static void
give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct request_link *link = CONTAINER_OF(handle, struct request_link, tcp);
    (void)size;
    *buffer = uv_buf_init(link->input, sizeof link->input);
}

static void
reply_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct request_link *link = CONTAINER_OF(stream, struct request_link, tcp);
    struct feed_ospf_api *f = link->of;
    if (!f || !size)
        return;
    if (size < 0) {
        lose(f, ERR_CLOSED, "ospfd has closed the connection");
        return;
    }
    buf_put(&f->replies, buffer->base, (size_t)size);
    if (buf_err(&f->replies))
        lose(f, ERR_LIMIT, "ospfd replies without end");
    else
        take_replies(f);
}

static void
connected(uv_connect_t *request, int status)
{
    struct request_link *link = CONTAINER_OF(request, struct request_link, connect);
    struct feed_ospf_api *f = link->of;
    if (!f)
        return;
    if (!status)
        status = uv_read_start((uv_stream_t *)&link->tcp, give_buffer, reply_read);
    if (status) {
        lose(f, ERR_CLOSED, uv_strerror(status));
        return;
    }
    f->connected = true;
    begin(f);
}

/* ---- making them */

static void
accepted(void *arg, struct stream *stream)
{
    struct feed_ospf_api *f = arg;
    char machine[ADDRESS_MACHINE_SIZE], server[ADDRESS_TEXT_SIZE], expected[ADDRESS_MACHINE_SIZE];
    address_machine(stream_peer_address(stream), machine);
    address_machine(address_format(&f->server, server), expected);
    if (f->notifications || strcmp(machine, expected)) {
        stream_free(stream); /* somebody else */
        return;
    }
    f->notifications = stream;
    stream_set_handler(stream, &notification_handler, f);
    begin(f);
}

static const struct stream_listener_handler listener_handler = {.accepted = accepted};

static void
set_port(union address *a, unsigned port)
{
    if (a->any.sa_family == AF_INET)
        a->ipv4.sin_port = htons((uint16_t)port);
    else
        a->ipv6.sin6_port = htons((uint16_t)port);
}

/* Listens at a port, with the one below it free, too, as far as can be told; 0: none was found. */
static unsigned
listen_somewhere(struct feed_ospf_api *f)
{
    for (unsigned i = 0; i < PORTS_TRIED; i++) {
        char text[ADDRESS_TEXT_SIZE];
        f->random = hash_mix(f->random + 1);
        unsigned port = 20000 + (unsigned)(f->random % 12000);
        set_port(&f->local, port + 1);
        struct stream_config config = {.address = address_format(&f->local, text)};
        if (!stream_listen(f->loop, &config, &listener_handler, f, &f->listener, NULL))
            return port;
    }
    return 0;
}

static void
connect_now(struct feed_ospf_api *f)
{
    unsigned port = listen_somewhere(f);
    if (!port) {
        lose(f, ERR_EXISTS, "no port is free to listen at");
        return;
    }
    struct request_link *link = xcalloc(1, sizeof *link);
    link->of = f;
    uv_tcp_init(f->loop, &link->tcp);
    f->requests = link;
    f->state = CONNECTING;
    set_port(&f->local, port);
    int status = uv_tcp_bind(&link->tcp, &f->local.any, 0);
    if (!status)
        status = uv_tcp_connect(&link->connect, &link->tcp, &f->server.any, connected);
    if (status)
        lose(f, uverr(status), uv_strerror(status));
    else
        timer_start(f->timer, PATIENCE);
}

static void
complete(struct feed_ospf_api *f)
{
    nsec_t now = clock_monotonic();
    f->state = UP;
    ospf_lsdb_flush(f->lsdb, now);
    ted_source_synced(f->ted, f->source, now);
    tell_trouble(f, ERR_OK, "");
    f->handler->changed(f->arg);
}

static void
timer_fired(void *arg)
{
    struct feed_ospf_api *f = arg;
    switch (f->state) {
    case WAITING:
        if (reconnect_run(&f->reconnect, clock_monotonic()))
            connect_now(f);
        else
            timer_start(f->timer, clock_left(reconnect_wake(&f->reconnect)));
        break;
    case CONNECTING:
        lose(f, ERR_TIMEOUT, "ospfd does not connect back");
        break;
    case SYNCHRONISING:
        if (f->replied)
            complete(f);
        else
            lose(f, ERR_TIMEOUT, "ospfd does not reply");
        break;
    case UP:
        break;
    }
}

enum err
feed_ospf_api_new(uv_loop_t *loop, const struct feed_ospf_api_config *config,
                  const struct feed_ospf_api_handler *handler, void *arg,
                  struct feed_ospf_api **result, struct diag *diag)
{
    union address server, local;
    char text[ADDRESS_TEXT_SIZE];
    enum err err = address_parse(config->server, &server, diag);
    snprintf(text, sizeof text, strchr(config->local, ':') ? "[%s]:0" : "%s:0", config->local);
    if (!err)
        err = address_parse(text, &local, diag);
    if (!err && (server.any.sa_family == AF_UNIX || local.any.sa_family != server.any.sa_family))
        err = diag_set(diag, ERR_INVALID, "%s and %s: addresses of one family are needed",
                       config->server, config->local);
    if (err)
        return err;
    struct feed_ospf_api *f = xcalloc(1, sizeof *f);
    f->loop = loop;
    f->handler = handler;
    f->arg = arg;
    f->ted = config->ted;
    f->source = config->source;
    f->server = server;
    f->local = local;
    f->vty = config->vty ? xstrdup(config->vty) : NULL;
    f->replies = buf_limited(4096);
    f->notices = buf_limited(1 << 20);
    f->lsdb = ospf_lsdb_new(f->ted, f->source);
    f->timer = timer_new(loop, timer_fired, f);
    f->flush = timer_new(loop, flush, f);
    f->random = hash_mix(hash_secret() ^ (uint64_t)clock_monotonic());
    reconnect_init(&f->reconnect, &(struct reconnect_config){.seed = f->random}, clock_monotonic());
    timer_start(f->timer, 0);
    *result = f;
    return ERR_OK;
}

void
feed_ospf_api_free(struct feed_ospf_api *f)
{
    if (!f)
        return;
    drop_connections(f);
    stop_fallback(f);
    timer_free(f->timer);
    timer_free(f->flush);
    ospf_lsdb_free(f->lsdb);
    buf_fini(&f->replies);
    buf_fini(&f->notices);
    ted_source_down(f->ted, f->source, clock_monotonic());
    free(f->vty);
    free(f);
}

void
feed_ospf_api_counters(const struct feed_ospf_api *f, struct feed_ospf_api_counters *counters)
{
    *counters = f->counters;
    counters->synchronised = f->state == UP;
    counters->polling = f->fallback != NULL;
    ospf_lsdb_counters(f->lsdb, &counters->lsdb);
}
