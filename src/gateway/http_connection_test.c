/* The machine between a wire that keeps what is sent and a handler that does as it is told. */
#include "gateway/http_connection.h"

#include "base/buf.h"
#include "base/testing.h"

#include <stdio.h>

struct scene {
    struct http_common common;
    struct http_connection *c; /* NULL once it has finished */
    struct buf sent;
    size_t pending;
    nsec_t time, wake;
    int n_finished;
    /* the handler */
    size_t body_limit;
    int refuse_with; /* in head; 0: go on */
    bool later;      /* keep the exchange */
    bool stream;     /* answer with one */
    struct http_exchange *kept;
    struct http_stream *streaming;
    int n_heads, n_closed, n_drained;
    bool end_when_drained;
    struct buf seen; /* "METHOD target [body]\n" for each request */
};

static void
wire_send(void *arg, const void *data, size_t size)
{
    struct scene *s = arg;
    buf_put(&s->sent, data, size);
}

static size_t
wire_pending(void *arg)
{
    return ((struct scene *)arg)->pending;
}

static void
wire_finish(void *arg)
{
    struct scene *s = arg;
    s->n_finished++;
    http_connection_free(s->c);
    s->c = NULL;
}

static void
wire_wake(void *arg, nsec_t at)
{
    ((struct scene *)arg)->wake = at;
}

static nsec_t
wire_clock(void *arg)
{
    return ((struct scene *)arg)->time;
}

static nsec_t
wire_wall(void *arg UNUSED)
{
    return INT64_C(784111777) * NSEC_PER_SEC;
}

static const struct http_wire wire = {wire_send, wire_pending, wire_finish,   wire_wake, wire_clock,
                                      wire_wall, "alice",      "192.0.2.1:5", NULL};

static void
on_drained(void *arg)
{
    struct scene *s = arg;
    s->n_drained++;
    if (s->end_when_drained) {
        http_stream_end(s->streaming);
        s->streaming = NULL;
    }
}

static void
on_stream_closed(void *arg)
{
    struct scene *s = arg;
    s->n_closed++;
    s->streaming = NULL;
}

static const struct http_stream_handler stream_handler = {on_drained, on_stream_closed};

static void
answer(struct http_exchange *x, int status)
{
    http_reply(x, &(struct http_reply){status, "text/plain", "X-A: b\r\n", "done", 4});
}

static bool
on_head(void *arg, struct http_exchange *x, size_t *body_limit)
{
    struct scene *s = arg;
    s->n_heads++;
    *body_limit = s->body_limit;
    if (s->refuse_with)
        answer(x, s->refuse_with);
    return s->refuse_with == 0;
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct scene *s = arg;
    size_t size;
    const char *body = http_exchange_body(x, &size);
    const struct http_head *head = http_exchange_head(x);
    assert_string_equal(http_exchange_peer_name(x), "alice");
    assert_int_equal(strlen(body), size);
    buf_printf(&s->seen, "%s %s [%s]\n", head->method_text, head->target, body);
    if (s->later)
        s->kept = x;
    else if (s->stream)
        s->streaming = http_reply_stream(x, "text/event-stream", NULL, &stream_handler, s);
    else
        answer(x, 200);
}

static const struct http_handler handler = {on_head, on_request};

static int
set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->body_limit = 100;
    s->time = 1000 * NSEC_PER_SEC;
    s->common = (struct http_common){
        .handler = &handler,
        .arg = s,
        .limits = {.head_time = 10 * NSEC_PER_SEC,
                   .idle_time = 75 * NSEC_PER_SEC,
                   .body_time = 30 * NSEC_PER_SEC,
                   .body_rate = 10,
                   .write_time = 20 * NSEC_PER_SEC,
                   .early_size = 200,
                   .bodies_size = 150},
    };
    s->c = http_connection_new(&s->common, &wire, s);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *s = *state;
    http_connection_free(s->c);
    if (s->kept)
        answer(s->kept, 200);
    assert_int_equal(s->common.bodies_size, 0);
    buf_fini(&s->sent);
    buf_fini(&s->seen);
    free(s);
    return 0;
}

static void
give(struct scene *s, const char *octets)
{
    http_connection_input(s->c, (const uint8_t *)octets, strlen(octets));
}

/* What was sent since the last time. */
static const char *
taken(struct scene *s)
{
    static char text[4096];
    snprintf(text, sizeof text, "%s", buf_cstr(&s->sent));
    buf_clear(&s->sent);
    return text;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define TEXT "Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\nX-A: b\r\n"
#define DONE "HTTP/1.1 200 OK\r\n" DATE TEXT "Content-Length: 4\r\n\r\ndone"

static void
assert_refused(struct scene *s, int status)
{
    char line[40];
    const char *text = taken(s);
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(text, line, strlen(line)))
        fail_msg("%s", text);
    assert_non_null(strstr(text, "Content-Type: application/problem+json\r\n"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_int_equal(s->n_finished, 1);
}

static void
a_request_is_answered_and_the_connection_kept(void **state)
{
    struct scene *s = *state;
    give(s, GET("/a"));
    assert_string_equal(taken(s), DONE);
    assert_true(http_connection_is_idle(s->c));
    give(s, "\r\n" GET("/b"));
    assert_string_equal(taken(s), DONE);
    assert_string_equal(buf_cstr(&s->seen), "GET /a []\nGET /b []\n");
}

static void
requests_may_come_in_any_pieces(void **state)
{
    struct scene *s = *state;
    static const char octets[] =
        GET("/a") "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz"
                  "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n2\r\nuv\r\n0\r\n\r\n";
    for (size_t step = 1; step < sizeof octets; step++) {
        for (size_t at = 0; at < sizeof octets - 1; at += step)
            http_connection_input(s->c, (const uint8_t *)octets + at,
                                  MIN(step, sizeof octets - 1 - at));
        assert_string_equal(taken(s), DONE DONE DONE);
        assert_string_equal(buf_cstr(&s->seen), "GET /a []\nPUT /b [xyz]\nPUT /c [uv]\n");
        buf_clear(&s->seen);
    }
}

static void
early_requests_wait_for_the_answer_before(void **state)
{
    struct scene *s = *state;
    s->later = true;
    give(s, GET("/a") GET("/b"));
    give(s, GET("/c"));
    assert_string_equal(buf_cstr(&s->seen), "GET /a []\n");
    s->later = false;
    struct http_exchange *x = s->kept;
    s->kept = NULL;
    answer(x, 200);
    assert_string_equal(taken(s), DONE DONE DONE);
    assert_string_equal(buf_cstr(&s->seen), "GET /a []\nGET /b []\nGET /c []\n");
}

static void
who_sends_too_much_early_gets_no_second_answer(void **state)
{
    struct scene *s = *state;
    s->later = true;
    give(s, GET("/a"));
    for (int i = 0; i < 20; i++)
        give(s, GET("/early"));
    struct http_exchange *x = s->kept;
    s->kept = NULL;
    answer(x, 200);
    assert_non_null(strstr(taken(s), "Connection: close\r\n"));
    assert_string_equal(buf_cstr(&s->seen), "GET /a []\n");
    assert_int_equal(s->n_finished, 1);
}

static void
a_head_has_an_answer_without_the_body(void **state)
{
    struct scene *s = *state;
    give(s, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(taken(s), "HTTP/1.1 200 OK\r\n" DATE TEXT "Content-Length: 4\r\n\r\n");
}

static void
a_body_is_asked_for_where_the_client_waits(void **state)
{
    struct scene *s = *state;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_string_equal(taken(s), "HTTP/1.1 100 Continue\r\n\r\n");
    give(s, "x");
    assert_string_equal(taken(s), DONE);
}

static void
a_refusal_comes_before_the_body_and_ends(void **state)
{
    struct scene *s = *state;
    s->refuse_with = 403;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n");
    const char *text = taken(s);
    assert_memory_equal(text, "HTTP/1.1 403 Forbidden\r\n", 24);
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_int_equal(s->n_finished, 1);
}

static void
a_refusal_of_a_request_without_a_body_keeps_the_connection(void **state)
{
    struct scene *s = *state;
    s->refuse_with = 404;
    give(s, GET("/") GET("/"));
    assert_int_equal(s->n_heads, 2);
    assert_int_equal(s->n_finished, 0);
}

static void
a_body_that_is_too_large_is_refused(void **state)
{
    struct scene *s = *state;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n");
    assert_refused(s, 413);
}

static void
chunks_that_are_too_large_are_refused(void **state)
{
    struct scene *s = *state;
    s->body_limit = 3;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
    assert_refused(s, 413);
}

static void
bodies_share_a_budget(void **state)
{
    struct scene *s = *state;
    s->common.bodies_size = 100; /* of 150 */
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 51\r\n\r\n");
    assert_refused(s, 503);
    s->common.bodies_size = 0;
}

static void
what_is_not_http_is_refused(void **state)
{
    struct scene *s = *state;
    give(s, "\x16\x03\x01\x02 hello\r\n\r\n");
    assert_refused(s, 400);
    assert_int_equal(s->common.n_malformed, 1);
}

static void
a_broken_chunk_is_refused(void **state)
{
    struct scene *s = *state;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_refused(s, 400);
}

static void
a_head_without_end_is_refused(void **state)
{
    struct scene *s = *state;
    char line[101];
    memset(line, 'a', 100);
    line[100] = '\0';
    give(s, "GET /");
    for (int i = 0; i < 164; i++)
        give(s, line);
    assert_refused(s, 414);
}

static void
endless_fields_are_refused(void **state)
{
    struct scene *s = *state;
    give(s, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 900 && s->c; i++)
        give(s, "Some-Header: some-value\r\n");
    assert_refused(s, 431);
}

static void
let_time_pass(struct scene *s, nsec_t time)
{
    s->time += time;
    if (s->time >= s->wake)
        http_connection_tick(s->c);
}

static void
a_slow_head_is_refused(void **state)
{
    struct scene *s = *state;
    give(s, "GET / HT");
    let_time_pass(s, 9 * NSEC_PER_SEC);
    give(s, "TP/1.1\r\nHost:");
    let_time_pass(s, 2 * NSEC_PER_SEC);
    assert_refused(s, 408);
    assert_int_equal(s->common.n_timeouts, 1);
}

static void
a_slow_body_is_refused(void **state)
{
    struct scene *s = *state;
    give(s, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 90\r\n\r\n");
    for (int i = 0; i < 32 && s->c; i++) { /* 30 s, and one for each ten octets */
        give(s, "x");
        let_time_pass(s, NSEC_PER_SEC);
    }
    assert_non_null(s->c);
    let_time_pass(s, NSEC_PER_SEC);
    assert_refused(s, 408);
}

static void
an_idle_connection_ends_without_a_word(void **state)
{
    struct scene *s = *state;
    give(s, GET("/"));
    taken(s);
    let_time_pass(s, 74 * NSEC_PER_SEC);
    assert_int_equal(s->n_finished, 0);
    let_time_pass(s, NSEC_PER_SEC);
    assert_int_equal(s->n_finished, 1);
    assert_string_equal(taken(s), "");
}

static void
an_answer_may_take_any_time(void **state)
{
    struct scene *s = *state;
    s->later = true;
    give(s, GET("/"));
    assert_int_equal(s->wake, NSEC_NEVER);
}

static void
who_takes_nothing_of_the_answer_is_cut_off(void **state)
{
    struct scene *s = *state;
    s->pending = 1000;
    give(s, GET("/"));
    let_time_pass(s, 19 * NSEC_PER_SEC);
    s->pending = 999; /* it takes something */
    http_connection_tick(s->c);
    let_time_pass(s, 19 * NSEC_PER_SEC);
    assert_int_equal(s->n_finished, 0);
    let_time_pass(s, 1 * NSEC_PER_SEC);
    assert_int_equal(s->n_finished, 1);
}

static void
an_end_waits_until_all_is_delivered(void **state)
{
    struct scene *s = *state;
    s->pending = 10;
    give(s, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_int_equal(s->n_finished, 0);
    s->pending = 0;
    http_connection_drained(s->c);
    assert_int_equal(s->n_finished, 1);
}

static void
an_exchange_outlives_its_connection(void **state)
{
    struct scene *s = *state;
    s->later = true;
    give(s, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    http_connection_free(s->c);
    s->c = NULL;
    size_t size;
    assert_string_equal(http_exchange_head(s->kept)->target, "/a");
    assert_string_equal(http_exchange_body(s->kept, &size), "x");
    answer(s->kept, 200);
    s->kept = NULL;
    assert_string_equal(taken(s), "");
}

static void
a_client_that_goes_in_the_middle_of_a_body_leaves_nothing(void **state)
{
    struct scene *s = *state;
    give(s, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nx");
    http_connection_free(s->c);
    s->c = NULL;
    assert_int_equal(s->common.bodies_size, 0);
}

#define STREAM                                                                                     \
    "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/event-stream\r\n"                               \
    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n"

static void
a_stream_is_sent_in_chunks(void **state)
{
    struct scene *s = *state;
    s->stream = true;
    give(s, GET("/"));
    assert_string_equal(taken(s), STREAM "Transfer-Encoding: chunked\r\n\r\n");
    http_stream_send(s->streaming, "twelve chars", 12);
    http_stream_send(s->streaming, "", 0);
    assert_string_equal(taken(s), "c\r\ntwelve chars\r\n");
    give(s, GET("/ignored"));
    http_stream_end(s->streaming);
    assert_string_equal(taken(s), "0\r\n\r\n");
    assert_int_equal(s->n_finished, 1);
    assert_int_equal(s->n_closed, 0);
}

static void
a_stream_to_an_old_client_ends_with_the_connection(void **state)
{
    struct scene *s = *state;
    s->stream = true;
    give(s, "GET / HTTP/1.0\r\n\r\n");
    assert_string_equal(taken(s), STREAM "\r\n");
    http_stream_send(s->streaming, "abc", 3);
    http_stream_end(s->streaming);
    assert_string_equal(taken(s), "abc");
}

static void
a_stream_is_told_when_the_client_goes(void **state)
{
    struct scene *s = *state;
    s->stream = true;
    give(s, GET("/"));
    http_connection_free(s->c);
    s->c = NULL;
    assert_int_equal(s->n_closed, 1);
}

static void
a_stream_may_end_when_it_is_told_that_it_is_drained(void **state)
{
    struct scene *s = *state;
    s->stream = s->end_when_drained = true;
    give(s, GET("/"));
    http_connection_drained(s->c);
    assert_int_equal(s->n_finished, 1);
    assert_int_equal(s->n_drained, 1);
}

static void
a_stream_that_is_not_read_is_cut_off(void **state)
{
    struct scene *s = *state;
    s->stream = true;
    give(s, GET("/"));
    s->pending = 5;
    http_stream_send(s->streaming, "abc", 3);
    let_time_pass(s, 21 * NSEC_PER_SEC);
    assert_int_equal(s->n_finished, 1);
    assert_int_equal(s->n_closed, 1);
}

static void
one_too_many_is_told_so(void **state)
{
    struct scene *s = *state;
    http_connection_refuse(s->c, "there are too many connections");
    assert_refused(s, 503);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_request_is_answered_and_the_connection_kept),
          TEST(requests_may_come_in_any_pieces), TEST(early_requests_wait_for_the_answer_before),
          TEST(who_sends_too_much_early_gets_no_second_answer),
          TEST(a_head_has_an_answer_without_the_body),
          TEST(a_body_is_asked_for_where_the_client_waits),
          TEST(a_refusal_comes_before_the_body_and_ends),
          TEST(a_refusal_of_a_request_without_a_body_keeps_the_connection),
          TEST(a_body_that_is_too_large_is_refused), TEST(chunks_that_are_too_large_are_refused),
          TEST(bodies_share_a_budget), TEST(what_is_not_http_is_refused),
          TEST(a_broken_chunk_is_refused), TEST(a_head_without_end_is_refused),
          TEST(endless_fields_are_refused), TEST(a_slow_head_is_refused),
          TEST(a_slow_body_is_refused), TEST(an_idle_connection_ends_without_a_word),
          TEST(an_answer_may_take_any_time), TEST(who_takes_nothing_of_the_answer_is_cut_off),
          TEST(an_end_waits_until_all_is_delivered), TEST(an_exchange_outlives_its_connection),
          TEST(a_client_that_goes_in_the_middle_of_a_body_leaves_nothing),
          TEST(a_stream_is_sent_in_chunks),
          TEST(a_stream_to_an_old_client_ends_with_the_connection),
          TEST(a_stream_is_told_when_the_client_goes),
          TEST(a_stream_may_end_when_it_is_told_that_it_is_drained),
          TEST(a_stream_that_is_not_read_is_cut_off), TEST(one_too_many_is_told_so))
