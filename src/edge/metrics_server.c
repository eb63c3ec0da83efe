#include "edge/metrics_server.h"

#include "base/alloc.h"
#include "edge/metrics.h"
#include "io/address.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

struct client {
    struct metrics_server *server;
    struct stream *stream;
    struct timer *timer;
    struct buf in;
};

struct metrics_server {
    uv_loop_t *loop;
    struct stream_listener *listener;
    struct client *clients[METRICS_CLIENTS];
    void (*put)(void *arg, struct buf *);
    void *arg;
};

/* ---- Requests ---- */

static bool
is_word(const char *at, size_t size, const char *word)
{
    return size == strlen(word) && !memcmp(at, word, size);
}

/* "GET /metrics HTTP/1.1"; a query is allowed, and means nothing. */
static int
judge_line(const char *line, size_t size, bool *head)
{
    const char *end = line + size, *target = memchr(line, ' ', size);
    const char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
    if (!version || size < 9 ||
        (!is_word(version, (size_t)(end - version), " HTTP/1.1") &&
         !is_word(version, (size_t)(end - version), " HTTP/1.0")))
        return 400;
    const char *query = memchr(target, '?', (size_t)(version - target));
    size_t path_size = (size_t)((query ? query : version) - target - 1);
    *head = is_word(line, (size_t)(target - line), "HEAD");
    if (!*head && !is_word(line, (size_t)(target - line), "GET"))
        return 405;
    return is_word(target + 1, path_size, "/metrics") ? 200 : 404;
}

int
metrics_request_status(const uint8_t *data, size_t size, bool *head)
{
    const char *text = (const char *)data;
    const char *end = size ? memmem(text, size, "\r\n\r\n", 4) : NULL;
    *head = false;
    if (size && memchr(text, 0, size))
        return 400;
    if (!end)
        return size >= METRICS_HEAD ? 431 : 0;
    const char *line_end = memmem(text, size, "\r\n", 2);
    return judge_line(text, (size_t)(line_end - text), head);
}

/* ---- Answers ---- */

static void
put_answer(struct metrics_server *s, int status, bool head, struct buf *out)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {431, "Request Header Fields Too Large"}};
    struct buf body = BUF_INIT;
    const char *reason = "";
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        reason = reasons[i].status == status ? reasons[i].text : reason;
    if (status == 200)
        s->put(s->arg, &body);
    else
        buf_printf(&body, "%s; metrics are at /metrics\n", reason);
    buf_printf(out,
               "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sConnection: "
               "close\r\n\r\n",
               status, reason, status == 200 ? METRICS_CONTENT_TYPE : "text/plain; charset=utf-8",
               body.size, status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (!head)
        buf_put(out, body.data, body.size);
    buf_fini(&body);
}

/* ---- Clients ---- */

static void
client_free(struct client *c)
{
    for (unsigned i = 0; i < METRICS_CLIENTS; i++) {
        if (c->server->clients[i] == c)
            c->server->clients[i] = NULL;
    }
    stream_free(c->stream);
    timer_free(c->timer);
    buf_fini(&c->in);
    free(c);
}

static void
on_received(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    struct client *c = arg;
    struct buf out = BUF_INIT;
    bool head;
    buf_put(&c->in, data, MIN(size, METRICS_HEAD - c->in.size));
    int status = metrics_request_status(c->in.data, c->in.size, &head);
    if (!status)
        return;
    put_answer(c->server, status, head, &out);
    (void)stream_send(stream, out.data, out.size); /* it is at an end either way */
    buf_fini(&out);
    client_free(c);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    client_free(arg);
}

static void
on_timeout(void *arg)
{
    client_free(arg);
}

static const struct stream_handler client_handler = {.received = on_received, .closed = on_closed};

static void
on_accepted(void *arg, struct stream *stream)
{
    struct metrics_server *s = arg;
    unsigned place = 0;
    while (place < METRICS_CLIENTS && s->clients[place])
        place++;
    if (place == METRICS_CLIENTS) {
        stream_free(stream);
        return;
    }
    struct client *c = xcalloc(1, sizeof *c);
    c->server = s;
    c->stream = stream;
    c->timer = timer_new(s->loop, on_timeout, c);
    timer_start(c->timer, METRICS_TIMEOUT);
    s->clients[place] = c;
    stream_set_handler(stream, &client_handler, c);
}

/* ---- The server ---- */

enum err
metrics_address_check(const char *text, struct diag *diag)
{
    union address a;
    enum err err = address_parse(text, &a, diag);
    if (err)
        return err;
    if ((a.any.sa_family == AF_INET && ntohl(a.ipv4.sin_addr.s_addr) >> 24 != 127) ||
        (a.any.sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&a.ipv6.sin6_addr)))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" is not an address of this machine alone: metrics go without "
                        "encryption to whoever asks",
                        text);
    return ERR_OK;
}

enum err
metrics_server_new(uv_loop_t *loop, const char *address, void (*put)(void *arg, struct buf *),
                   void *arg, struct metrics_server **result, struct diag *diag)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    struct stream_config config = {.address = address};
    enum err err = metrics_address_check(address, diag);
    if (err)
        return err;
    struct metrics_server *s = xcalloc(1, sizeof *s);
    s->loop = loop;
    s->put = put;
    s->arg = arg;
    err = stream_listen(loop, &config, &handler, s, &s->listener, diag);
    if (err) {
        free(s);
        return err;
    }
    *result = s;
    return ERR_OK;
}

void
metrics_server_free(struct metrics_server *s)
{
    if (!s)
        return;
    stream_listener_free(s->listener);
    for (unsigned i = 0; i < METRICS_CLIENTS; i++) {
        if (s->clients[i])
            client_free(s->clients[i]);
    }
    free(s);
}
