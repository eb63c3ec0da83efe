/* Octets as a client of the gateway could send them. The first octet is the size of the pieces they
 * come in, the second what the handler does. Answered at once, they must mean the same in whatever
 * pieces they come. */
#include "gateway/http_connection.h"
#include "gateway/http_fields.h"
#include "gateway/http_target.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REFUSE = 1, LATER = 2, STREAM = 4, SMALL = 8 };

struct run {
    struct http_connection *c;
    struct http_exchange *kept;
    struct http_stream *stream;
    struct buf seen, sent;
    unsigned behaviour;
};

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
run_send(void *arg, const void *data, size_t size)
{
    struct run *run = arg;
    buf_put(&run->sent, data, size);
}

static size_t
run_pending(void *arg)
{
    (void)arg;
    return 0;
}

static void
run_finish(void *arg)
{
    struct run *run = arg;
    http_connection_free(run->c);
    run->c = NULL;
}

static void
run_wake(void *arg, nsec_t at)
{
    (void)arg;
    (void)at;
}

static nsec_t
run_clock(void *arg)
{
    (void)arg;
    return 0;
}

static void
run_closed(void *arg)
{
    ((struct run *)arg)->stream = NULL;
}

static const struct http_wire wire = {run_send,  run_pending, run_finish, run_wake, run_clock,
                                      run_clock, "fuzz",      "nowhere",  NULL};
static const struct http_stream_handler stream_handler = {NULL, run_closed};

/* What a handler looks at: all of it must be safe to look at. */
static void
look(struct run *run, const struct http_head *head)
{
    struct http_target target;
    struct buf boundary = BUF_INIT;
    const char *type = http_head_field(head, "content-type");
    if (type)
        http_field_parameter(type, "boundary", &boundary);
    buf_printf(&run->seen, "%s %s %d %d %d %zu\n", head->method_text, head->target,
               http_accepts(head, "application/json"), http_etag_match(head, "if-match", "\"a\""),
               http_etag_match(head, "if-none-match", "\"a\""), boundary.size);
    buf_fini(&boundary);
    if (http_target_parse(head->target, &target, NULL))
        return;
    for (size_t i = 0; i < target.n_segments; i++)
        buf_printf(&run->seen, "|%s", target.segments[i]);
    for (size_t i = 0; i < target.n_query; i++)
        buf_printf(&run->seen, "&%s=%s", target.query[i].name, target.query[i].value);
    http_target_fini(&target);
}

static void
answer(struct http_exchange *x)
{
    http_reply(x, &(struct http_reply){200, "text/plain", NULL, "done", 4});
}

static bool
on_head(void *arg, struct http_exchange *x, size_t *body_limit)
{
    struct run *run = arg;
    look(run, http_exchange_head(x));
    *body_limit = run->behaviour & SMALL ? 10 : 10000;
    if (run->behaviour & REFUSE)
        answer(x);
    return !(run->behaviour & REFUSE);
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct run *run = arg;
    size_t size;
    const char *body = http_exchange_body(x, &size);
    buf_printf(&run->seen, "%zu %.*s\n", size, (int)size, body);
    if (run->behaviour & LATER && !run->kept)
        run->kept = x;
    else if (run->behaviour & STREAM)
        run->stream = http_reply_stream(x, "text/event-stream", NULL, &stream_handler, run);
    else
        answer(x);
}

static const struct http_handler handler = {on_head, on_request};

static void
run_octets(struct run *run, const uint8_t *data, size_t size, size_t step)
{
    struct http_common common = {
        .handler = &handler,
        .arg = run,
        .limits = {1, 1, 1, 1, 1, .early_size = 1000, .bodies_size = 100000},
    };
    run->c = http_connection_new(&common, &wire, run);
    for (size_t at = 0; at < size && run->c; at += step) {
        size_t n = MIN(step, size - at);
        uint8_t *exact = malloc(n);
        memcpy(exact, data + at, n);
        http_connection_input(run->c, exact, n);
        free(exact);
        if (run->stream)
            http_stream_send(run->stream, "event", 5);
    }
    if (run->kept)
        answer(run->kept);
    if (run->stream)
        http_stream_end(run->stream);
    http_connection_free(run->c);
    must(common.bodies_size == 0);
}

static void
run_fini(struct run *run)
{
    buf_fini(&run->seen);
    buf_fini(&run->sent);
}

static bool
same(const struct buf *a, const struct buf *b)
{
    return a->size == b->size && (a->size == 0 || !memcmp(a->data, b->data, a->size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct run cut = {.behaviour = data[1]}, whole = {.behaviour = data[1]};
    run_octets(&cut, data + 2, size - 2, data[0] + 1u);
    run_octets(&whole, data + 2, size - 2, size);
    if (!(data[1] & (LATER | STREAM))) {
        must(same(&cut.seen, &whole.seen));
        must(same(&cut.sent, &whole.sent) || strstr(buf_cstr(&cut.sent), "100 Continue"));
    }
    run_fini(&cut);
    run_fini(&whole);
    return 0;
}
