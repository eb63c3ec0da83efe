/* rpc.c - the connection. Text and its rules are in rpc_message.c, lines in lines.c, the calls that
 * wait in calls.c.
 *
 * Any callback may free the connection under the code that calls it. So every way in from the loop
 * holds it (hold, release), and rpc_free() only marks it; the last to let go frees it. */
#include "io/rpc.h"

#include "base/alloc.h"
#include "io/address.h"
#include "io/jsontext.h"
#include "io/lines.h"
#include "io/rpc_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rpc_request {
    struct rpc *rpc; /* NULL once the connection has ended */
    json_t *id;      /* NULL: a notification */
    struct rpc_request *prev, *next;
};

struct rpc {
    struct stream *stream; /* NULL once it has ended */
    struct rpc_config config;
    struct lines lines;
    struct calls *calls;
    struct rpc_request *requests; /* that wait for their answer */
    size_t n_requests;
    unsigned holds;
    bool freed;
    char peer_name[TLS_NAME_SIZE], peer_address[ADDRESS_TEXT_SIZE];
};

/* ---- the end */

static void
hold(struct rpc *rpc)
{
    rpc->holds++;
}

static void
detach_requests(struct rpc *rpc)
{
    for (struct rpc_request *r = rpc->requests; r; r = r->next)
        r->rpc = NULL;
    rpc->requests = NULL;
    rpc->n_requests = 0;
}

static void
disconnect(struct rpc *rpc, enum err err, const char *reason)
{
    stream_free(rpc->stream);
    rpc->stream = NULL;
    detach_requests(rpc);
    calls_finish_all(rpc->calls, &(struct call_result){err, reason, NULL});
}

static void
release(struct rpc *rpc)
{
    if (--rpc->holds > 0 || !rpc->freed)
        return;
    hold(rpc); /* the callbacks of the calls may come back here */
    disconnect(rpc, ERR_CLOSED, "the connection was closed on this side");
    calls_free(rpc->calls);
    lines_fini(&rpc->lines);
    free(rpc);
}

void
rpc_free(struct rpc *rpc)
{
    if (!rpc)
        return;
    rpc->freed = true;
    hold(rpc);
    release(rpc);
}

/* Ends the connection for a reason of its own, and tells the owner unless that has left. */
static void
end(struct rpc *rpc, enum err err, const char *reason)
{
    const struct rpc_config *c = &rpc->config;
    disconnect(rpc, err, reason);
    if (!rpc->freed)
        c->closed(c->closed_arg ? c->closed_arg : c->arg, rpc, err, reason);
}

/* ---- sending */

static enum err
send_line(struct rpc *rpc, struct buf *line)
{
    enum err err = rpc->stream ? stream_send(rpc->stream, line->data, line->size) : ERR_CLOSED;
    buf_fini(line);
    return err;
}

static enum err
send_request(struct rpc *rpc, const json_t *id, const char *method, const json_t *params)
{
    struct buf line = buf_limited(rpc->config.line_limit);
    enum err err = rpc_put_request(&line, id, method, params);
    if (!err)
        return send_line(rpc, &line);
    buf_fini(&line);
    return err;
}

static void
send_error(struct rpc *rpc, const json_t *id, enum rpc_code code, enum err err, const char *text)
{
    struct buf line = BUF_INIT; /* short by itself; the id is no longer than the request was */
    if (!rpc_put_error(&line, id, code, err, text))
        send_line(rpc, &line);
    else
        buf_fini(&line);
}

enum err
rpc_call(struct rpc *rpc, const char *method, json_t *params, nsec_t timeout, call_done_fn *done,
         void *arg, uint64_t *id)
{
    uint64_t number;
    enum err err = rpc->stream && !rpc->freed ? ERR_OK : ERR_CLOSED;
    if (!err)
        err = calls_add(rpc->calls, timeout, done, arg, &number);
    if (!err) {
        json_t *json_id = json_integer((json_int_t)number);
        err = send_request(rpc, json_id, method, params);
        json_decref(json_id);
        if (err)
            calls_cancel(rpc->calls, number);
        else if (id)
            *id = number;
    }
    json_decref(params);
    return err;
}

void
rpc_cancel(struct rpc *rpc, uint64_t id)
{
    calls_cancel(rpc->calls, id);
}

enum err
rpc_notify(struct rpc *rpc, const char *method, json_t *params)
{
    enum err err = send_request(rpc, NULL, method, params);
    json_decref(params);
    return err;
}

/* ---- requests and their answers */

static struct rpc_request *
request_new(struct rpc *rpc, json_t *id)
{
    struct rpc_request *r = xcalloc(1, sizeof *r);
    r->rpc = rpc;
    r->id = json_incref(id);
    r->next = rpc->requests;
    if (r->next)
        r->next->prev = r;
    rpc->requests = r;
    rpc->n_requests++;
    return r;
}

static void
request_free(struct rpc_request *r)
{
    struct rpc *rpc = r->rpc;
    if (rpc) {
        if (r->prev)
            r->prev->next = r->next;
        else
            rpc->requests = r->next;
        if (r->next)
            r->next->prev = r->prev;
        rpc->n_requests--;
    }
    json_decref(r->id);
    free(r);
}

void
rpc_reply(struct rpc_request *r, json_t *result)
{
    if (!r->rpc || !r->id) {
        json_decref(result);
        request_free(r);
        return;
    }
    json_t *value = result ? result : json_object();
    struct buf line = buf_limited(r->rpc->config.line_limit);
    enum err err = rpc_put_result(&line, r->id, value);
    json_decref(value);
    if (err) {
        buf_fini(&line);
        rpc_fail(r, err, "the answer is longer than a message may be");
        return;
    }
    send_line(r->rpc, &line);
    request_free(r);
}

void
rpc_fail(struct rpc_request *r, enum err err, const char *format, ...)
{
    if (r->rpc && r->id) {
        va_list args;
        va_start(args, format);
        char *text = xvasprintf(format, args);
        va_end(args);
        send_error(r->rpc, r->id, rpc_code(err), err, text);
        free(text);
    }
    request_free(r);
}

struct rpc *
rpc_request_connection(const struct rpc_request *r)
{
    return r->rpc;
}

static json_t *
list_methods(const struct rpc *rpc)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rpc->config.n_methods; i++) {
        const struct rpc_method *m = &rpc->config.methods[i];
        json_array_append_new(
            list, json_pack("{ss, ss, ss}", "name", m->name, "usage", m->usage, "help", m->help));
    }
    return list;
}

static const struct rpc_method *
find_method(const struct rpc *rpc, const char *name)
{
    for (size_t i = 0; i < rpc->config.n_methods; i++) {
        if (!strcmp(rpc->config.methods[i].name, name))
            return &rpc->config.methods[i];
    }
    return NULL;
}

static void
handle_request(struct rpc *rpc, const struct rpc_message *m)
{
    const struct rpc_method *method = find_method(rpc, m->method);
    struct rpc_request *request = request_new(rpc, m->id);
    if (rpc->n_requests > rpc->config.call_limit)
        rpc_fail(request, ERR_BUSY, "%zu requests wait for their answer", rpc->n_requests - 1);
    else if (method)
        method->handler(rpc->config.arg, request, m->params);
    else if (!strcmp(m->method, "rpc.methods"))
        rpc_reply(request, list_methods(rpc));
    else {
        char text[100];
        snprintf(text, sizeof text, "no method \"%.60s\"", m->method);
        if (m->id)
            send_error(rpc, m->id, RPC_METHOD_NOT_FOUND, ERR_UNSUPPORTED, text);
        request_free(request);
    }
}

/* ---- receiving */

/* Tells the peer what it did, and ends. */
static void
break_off(struct rpc *rpc, enum rpc_code code, enum err err, const char *text)
{
    struct diag reason;
    send_error(rpc, NULL, code, err, text);
    diag_set(&reason, err, "the peer broke the protocol: %s", text);
    end(rpc, err, reason.text);
}

static void
handle_answer(struct rpc *rpc, const struct rpc_message *m)
{
    struct call_result result = {.text = ""};
    if (m->kind == RPC_RESULT) {
        result.value = m->result;
    } else {
        result.err = m->err;
        result.text = m->text;
    }
    if (!m->id) { /* about something we sent, which it could not read: no reply to that */
        struct diag reason;
        diag_set(&reason, m->err, "the peer could not read a message: %s", m->text);
        end(rpc, m->err, reason.text);
        return;
    }
    uint64_t id = (uint64_t)json_integer_value(m->id);
    if (!json_is_integer(m->id) || id == 0 || id > calls_last_id(rpc->calls))
        break_off(rpc, RPC_INVALID_REQUEST, ERR_INVALID, "an answer to what was not asked");
    else
        calls_finish(rpc->calls, id, &result); /* or it comes too late */
}

static void
handle_line(struct rpc *rpc, const char *line, size_t size)
{
    struct rpc_message message;
    struct diag diag;
    if (size == 0)
        return; /* somebody types */
    enum err err = rpc_message_parse(line, size, &message, &diag);
    if (err) {
        enum rpc_code code = err == ERR_MALFORMED ? RPC_PARSE_ERROR : RPC_INVALID_REQUEST;
        break_off(rpc, code, err, diag.text);
        return;
    }
    if (message.kind == RPC_REQUEST || message.kind == RPC_NOTIFICATION)
        handle_request(rpc, &message);
    else
        handle_answer(rpc, &message);
    rpc_message_fini(&message);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct rpc *rpc = arg;
    const char *line;
    size_t length;
    hold(rpc);
    lines_put(&rpc->lines, data, size);
    while (rpc->stream && !rpc->freed && (line = lines_next(&rpc->lines, &length)))
        handle_line(rpc, line, length);
    if (rpc->stream && !rpc->freed && rpc->lines.too_long)
        break_off(rpc, RPC_INVALID_REQUEST, ERR_LIMIT, "a message longer than one may be");
    release(rpc);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct rpc *rpc = arg;
    hold(rpc);
    end(rpc, err, reason);
    release(rpc);
}

/* ---- the connection */

struct rpc *
rpc_new(uv_loop_t *loop, struct stream *stream, const struct rpc_config *config)
{
    static const struct stream_handler handler = {.received = on_received, .closed = on_closed};
    struct rpc *rpc = xcalloc(1, sizeof *rpc);
    rpc->stream = stream;
    rpc->config = *config;
    if (!rpc->config.line_limit)
        rpc->config.line_limit = RPC_LINE_LIMIT;
    if (!rpc->config.call_limit)
        rpc->config.call_limit = RPC_CALL_LIMIT;
    rpc->lines = lines_limited(rpc->config.line_limit);
    rpc->calls = calls_new(loop, rpc->config.call_limit);
    snprintf(rpc->peer_name, sizeof rpc->peer_name, "%s", stream_peer_name(stream));
    snprintf(rpc->peer_address, sizeof rpc->peer_address, "%s", stream_peer_address(stream));
    stream_set_handler(stream, &handler, rpc);
    return rpc;
}

const char *
rpc_peer_name(const struct rpc *rpc)
{
    return rpc->peer_name;
}

const char *
rpc_peer_address(const struct rpc *rpc)
{
    return rpc->peer_address;
}

size_t
rpc_pending(const struct rpc *rpc)
{
    return rpc->stream ? stream_pending(rpc->stream) : 0;
}

void
rpc_pause(struct rpc *rpc, bool paused)
{
    if (rpc->stream)
        stream_pause(rpc->stream, paused);
}
