/* http_connection.c - see the header. Everything that changes the state goes through advance(),
 * which runs the machine until it waits for something; answers from within a handler only change
 * the state, and the loop that called the handler goes on. */
#include "gateway/http_connection.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "gateway/http_body.h"
#include "gateway/http_fields.h"
#include "gateway/problem.h"

#include <stdlib.h>
#include <string.h>

enum state {
    STATE_HEAD,   /* in a head, or before one */
    STATE_BODY,   /* in a body */
    STATE_ANSWER, /* the handler works on it */
    STATE_STREAM, /* the answer goes on */
    STATE_ENDING  /* deliver, then hang up */
};

struct http_exchange {
    struct http_connection *connection; /* NULL: it has gone */
    struct http_common *common;
    struct http_head head;
    struct http_body body;
    size_t reserved; /* of the bodies' common budget */
    char *peer_name, *peer_address, *peer_serial;
};

struct http_stream {
    struct http_connection *connection;
    const struct http_stream_handler *handler;
    void *arg;
    bool chunked;
};

struct http_connection {
    struct http_common *common;
    const struct http_wire *wire;
    void *wire_arg;
    enum state state;
    bool advancing, finished;
    bool deaf; /* what comes is not looked at any more */
    struct buf in;
    size_t at;     /* of `in`: what is before it is done with, and goes when the machine rests */
    size_t looked; /* behind `at`, for the end of the head */
    nsec_t since;  /* when the state, or the head, began */
    size_t pending_seen;
    nsec_t pending_since;           /* NSEC_NEVER: nothing pends */
    struct http_exchange *exchange; /* in STATE_BODY and STATE_ANSWER */
    struct http_stream *stream;
};

/* ---- exchanges */

static void
exchange_free(struct http_exchange *x)
{
    if (x->connection)
        x->connection->exchange = NULL;
    x->common->bodies_size -= x->reserved;
    http_head_fini(&x->head);
    http_body_fini(&x->body);
    free(x->peer_name);
    free(x->peer_address);
    free(x->peer_serial);
    free(x);
}

static struct http_exchange *
exchange_new(struct http_connection *c, const struct http_head *head)
{
    struct http_exchange *x = xcalloc(1, sizeof *x);
    x->connection = c;
    x->common = c->common;
    x->head = *head;
    x->peer_name = xstrdup(c->wire->peer_name);
    x->peer_address = xstrdup(c->wire->peer_address);
    x->peer_serial = xstrdup(c->wire->peer_serial ? c->wire->peer_serial : "");
    c->exchange = x;
    return x;
}

const struct http_head *
http_exchange_head(const struct http_exchange *x)
{
    return &x->head;
}

const char *
http_exchange_body(const struct http_exchange *x, size_t *size)
{
    *size = x->body.data.size;
    return *size ? (const char *)x->body.data.data : "";
}

const char *
http_exchange_peer_name(const struct http_exchange *x)
{
    return x->peer_name;
}

const char *
http_exchange_peer_serial(const struct http_exchange *x)
{
    return x->peer_serial;
}

const char *
http_exchange_peer_address(const struct http_exchange *x)
{
    return x->peer_address;
}

/* ---- sending */

static nsec_t
now(const struct http_connection *c)
{
    return c->wire->clock(c->wire_arg);
}

static void
set_state(struct http_connection *c, enum state state)
{
    c->state = state;
    c->since = now(c);
}

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static const char *
phrase(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "";
}

/* Everything but the fields that frame the body, and the empty line. */
static void
put_head(struct http_connection *c, struct buf *out, int status, const char *type,
         const char *fields, bool keep_alive)
{
    char date[HTTP_DATE_SIZE];
    buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, phrase(status),
               http_date(c->wire->wall(c->wire_arg), date));
    if (type)
        buf_printf(out, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", type);
    if (fields)
        buf_str(out, fields);
    if (!keep_alive)
        buf_str(out, "Connection: close\r\n");
}

static void
send_buf(struct http_connection *c, struct buf *out)
{
    c->wire->send(c->wire_arg, out->data, out->size);
    buf_fini(out);
}

static void
send_reply(struct http_connection *c, const struct http_reply *reply, bool with_body,
           bool keep_alive)
{
    struct buf out = BUF_INIT;
    put_head(c, &out, reply->status, reply->type, reply->fields, keep_alive);
    if (reply->status != 204 && reply->status != 304)
        buf_printf(&out, "Content-Length: %zu\r\n", reply->size);
    buf_str(&out, "\r\n");
    if (with_body && reply->size)
        buf_put(&out, reply->body, reply->size);
    send_buf(c, &out);
}

static void advance(struct http_connection *);

/* Whether another request may follow on this connection. What was not read of this one would be
 * taken for the next. */
static bool
may_go_on(const struct http_exchange *x)
{
    const struct http_connection *c = x->connection;
    return x->head.keep_alive && c->state == STATE_ANSWER && !c->deaf;
}

void
http_reply(struct http_exchange *x, const struct http_reply *reply)
{
    struct http_connection *c = x->connection;
    if (c) {
        bool keep_alive = may_go_on(x);
        send_reply(c, reply, x->head.method != HTTP_HEAD, keep_alive);
        set_state(c, keep_alive ? STATE_HEAD : STATE_ENDING);
    }
    exchange_free(x);
    if (c)
        advance(c);
}

/* Answers what is wrong with the message itself, and ends. */
static void
refuse(struct http_connection *c, int status, enum err err, const char *text)
{
    struct buf body = BUF_INIT;
    problem_put(&body, &(struct problem){.status = status, .err = err, .detail = text});
    send_reply(c,
               &(struct http_reply){.status = status,
                                    .type = PROBLEM_TYPE,
                                    .fields = status == 503 ? "Retry-After: 5\r\n" : NULL,
                                    .body = body.data,
                                    .size = body.size},
               true, false);
    buf_fini(&body);
    if (c->exchange)
        exchange_free(c->exchange);
    set_state(c, STATE_ENDING);
}

/* ---- answers that go on */

struct http_stream *
http_reply_stream(struct http_exchange *x, const char *type, const char *fields,
                  const struct http_stream_handler *handler, void *arg)
{
    struct http_connection *c = x->connection;
    if (!c || x->head.method == HTTP_HEAD) {
        http_reply(x, &(struct http_reply){.status = 200, .type = type, .fields = fields});
        return NULL;
    }
    struct http_stream *s = xcalloc(1, sizeof *s);
    *s = (struct http_stream){c, handler, arg, x->head.minor_version == 1};
    struct buf out = BUF_INIT;
    put_head(c, &out, 200, type, fields, false);
    buf_str(&out, s->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    send_buf(c, &out);
    c->stream = s;
    set_state(c, STATE_STREAM);
    exchange_free(x);
    advance(c);
    return s;
}

void
http_stream_send(struct http_stream *s, const void *data, size_t size)
{
    struct http_connection *c = s->connection;
    if (size == 0)
        return; /* an empty chunk would be the end */
    struct buf out = BUF_INIT;
    if (s->chunked)
        buf_printf(&out, "%zx\r\n", size);
    buf_put(&out, data, size);
    if (s->chunked)
        buf_str(&out, "\r\n");
    send_buf(c, &out);
    advance(c);
}

size_t
http_stream_pending(const struct http_stream *s)
{
    return s->connection->wire->pending(s->connection->wire_arg);
}

void
http_stream_end(struct http_stream *s)
{
    struct http_connection *c = s->connection;
    if (s->chunked)
        c->wire->send(c->wire_arg, "0\r\n\r\n", 5);
    c->stream = NULL;
    free(s);
    set_state(c, STATE_ENDING);
    advance(c);
}

/* ---- requests */

static enum err
reserve_body(struct http_exchange *x, size_t limit)
{
    size_t size = x->head.chunked ? limit : (size_t)x->head.content_length;
    struct http_common *common = x->common;
    if (size > common->limits.bodies_size - common->bodies_size)
        return ERR_BUSY;
    common->bodies_size += size;
    x->reserved = size;
    return ERR_OK;
}

static size_t
input_left(const struct http_connection *c)
{
    return c->in.size - c->at;
}

static void
begin_body(struct http_connection *c, struct http_exchange *x, size_t limit)
{
    if (x->head.content_length > limit) {
        refuse(c, 413, ERR_LIMIT, "the body is larger than it may be here");
        return;
    }
    if (reserve_body(x, limit)) {
        refuse(c, 503, ERR_BUSY, "too much is being sent here at the same time");
        return;
    }
    http_body_init(&x->body, &x->head, limit);
    set_state(c, STATE_BODY);
    if (x->head.expects_continue && input_left(c) == 0 && !http_body_is_complete(&x->body))
        c->wire->send(c->wire_arg, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static bool
has_body(const struct http_head *head)
{
    return head->chunked || head->content_length > 0;
}

/* True: something happened, and more may. */
static bool
take_head(struct http_connection *c, size_t size)
{
    struct http_head head;
    struct diag diag = {""};
    int status = 400;
    enum err err = http_head_parse(c->in.data + c->at, size, &head, &status, &diag);
    c->at += size;
    c->looked = 0;
    if (err) {
        c->common->n_malformed++;
        refuse(c, status, err, diag.text);
        return true;
    }
    c->common->n_requests++;
    struct http_exchange *x = exchange_new(c, &head);
    size_t limit = 0;
    /* With nothing to come, an answer given now leaves the connection in order. */
    set_state(c, has_body(&head) ? STATE_BODY : STATE_ANSWER);
    if (c->common->handler->head(c->common->arg, x, &limit))
        begin_body(c, x, limit);
    return true;
}

static bool
step_head(struct http_connection *c)
{
    while (input_left(c) >= 2 && !memcmp(c->in.data + c->at, "\r\n", 2)) {
        c->at += 2; /* empty lines before a request are nothing (RFC 9112 section 2.2) */
        c->looked = 0;
    }
    if (input_left(c) == 0)
        return false;
    size_t size = http_head_size(c->in.data + c->at, input_left(c), &c->looked);
    if (size && size <= HTTP_HEAD_SIZE_MAX)
        return take_head(c, size);
    if (input_left(c) <= HTTP_HEAD_SIZE_MAX)
        return false;
    c->common->n_malformed++;
    bool in_line = !memchr(c->in.data + c->at, '\n', HTTP_HEAD_SIZE_MAX);
    refuse(c, in_line ? 414 : 431, ERR_LIMIT, "the head of the request is too large");
    return true;
}

static bool
step_body(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;
    struct diag diag = {""};
    size_t used;
    enum err err = http_body_input(&x->body, c->in.data + c->at, input_left(c), &used, &diag);
    c->at += used;
    if (err) {
        c->common->n_malformed += err != ERR_LIMIT;
        refuse(c, err == ERR_LIMIT ? 413 : 400, err, diag.text);
        return true;
    }
    if (!http_body_is_complete(&x->body))
        return false;
    buf_cstr(&x->body.data); /* so that it can be read as a string */
    set_state(c, STATE_ANSWER);
    c->common->handler->request(c->common->arg, x);
    return true;
}

static bool
step(struct http_connection *c)
{
    switch (c->state) {
    case STATE_HEAD:
        return step_head(c);
    case STATE_BODY:
        return step_body(c);
    default:
        return false;
    }
}

/* ---- time */

static nsec_t
state_deadline(const struct http_connection *c)
{
    const struct http_limits *limits = &c->common->limits;
    switch (c->state) {
    case STATE_HEAD:
        return c->since + (c->in.size ? limits->head_time : limits->idle_time);
    case STATE_BODY:
        return c->since + limits->body_time +
               (nsec_t)(c->exchange->body.data.size / limits->body_rate) * NSEC_PER_SEC;
    default:
        return NSEC_NEVER;
    }
}

/* As long as something pends, some of it has to go in each write_time. */
static nsec_t
write_deadline(struct http_connection *c)
{
    size_t pending = c->wire->pending(c->wire_arg);
    if (pending == 0) {
        c->pending_since = NSEC_NEVER;
    } else if (c->pending_since == NSEC_NEVER || pending < c->pending_seen) {
        c->pending_since = now(c);
    }
    c->pending_seen = pending;
    return pending ? c->pending_since + c->common->limits.write_time : NSEC_NEVER;
}

/* Ends, or says when to look again. The last thing that is done with a connection: it may be gone
 * afterwards. */
static void
settle(struct http_connection *c)
{
    nsec_t write = write_deadline(c);
    if (c->state == STATE_ENDING && c->pending_seen == 0) {
        c->finished = true;
        c->wire->finish(c->wire_arg);
        return;
    }
    c->wire->wake(c->wire_arg, MIN(write, state_deadline(c)));
}

static void
advance(struct http_connection *c)
{
    if (c->advancing || c->finished)
        return;
    c->advancing = true;
    while (step(c))
        ;
    c->advancing = false;
    buf_consume(&c->in, c->at);
    c->at = 0;
    settle(c);
}

static void
time_out(struct http_connection *c)
{
    c->common->n_timeouts++;
    c->deaf = true;
    if (c->state == STATE_BODY || c->in.size)
        refuse(c, 408, ERR_TIMEOUT, "the request did not come in time");
    else
        set_state(c, STATE_ENDING); /* it was idle: nobody waits for an answer */
}

void
http_connection_tick(struct http_connection *c)
{
    if (c->finished)
        return;
    nsec_t time = now(c);
    if (time >= write_deadline(c)) { /* it takes nothing, not even a goodbye */
        c->common->n_timeouts++;
        c->finished = true;
        c->wire->finish(c->wire_arg);
        return;
    }
    if (time >= state_deadline(c))
        time_out(c);
    advance(c);
}

/* ---- the outside */

struct http_connection *
http_connection_new(struct http_common *common, const struct http_wire *wire, void *wire_arg)
{
    struct http_connection *c = xcalloc(1, sizeof *c);
    c->common = common;
    c->wire = wire;
    c->wire_arg = wire_arg;
    c->pending_since = NSEC_NEVER;
    set_state(c, STATE_HEAD);
    settle(c);
    return c;
}

void
http_connection_free(struct http_connection *c)
{
    if (!c)
        return;
    c->finished = true;
    if (c->exchange && c->state == STATE_BODY)
        exchange_free(c->exchange); /* its handler has not got it yet */
    else if (c->exchange)
        c->exchange->connection = NULL;
    if (c->stream) {
        struct http_stream *s = c->stream;
        s->handler->closed(s->arg);
        free(s);
    }
    buf_fini(&c->in);
    free(c);
}

/* What comes before the answer to the request before is kept, within limits: who sends more does
 * not wait for answers, and gets no more of them. */
void
http_connection_input(struct http_connection *c, const uint8_t *data, size_t size)
{
    bool waits = c->state == STATE_ANSWER;
    if (c->deaf || c->finished || c->state == STATE_STREAM || c->state == STATE_ENDING)
        return;
    if (waits && c->in.size + size > c->common->limits.early_size) {
        c->deaf = true;
        return;
    }
    if (c->state == STATE_HEAD && c->in.size == 0)
        c->since = now(c);
    buf_put(&c->in, data, size);
    if (!waits)
        advance(c);
}

void
http_connection_drained(struct http_connection *c)
{
    if (c->finished)
        return;
    if (c->stream && c->stream->handler->drained) {
        c->advancing = true; /* it may end the stream */
        c->stream->handler->drained(c->stream->arg);
        c->advancing = false;
    }
    advance(c);
}

void
http_connection_refuse(struct http_connection *c, const char *text)
{
    c->deaf = true;
    refuse(c, 503, ERR_BUSY, text);
    advance(c);
}

bool
http_connection_is_idle(const struct http_connection *c)
{
    return c->state == STATE_HEAD && c->in.size == 0;
}
