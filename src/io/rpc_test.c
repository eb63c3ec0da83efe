/* Two connections over a Unix socket; or one, and a stream that says what no well-bred peer says.
 */
#include "io/rpc.h"

#include "io/testing.h"
#include "io/timer.h"

struct peer {
    struct fixture *fixture;
    struct rpc *rpc;
    int n_closed;
    enum err err;
    char reason[320];
    bool free_in_closed;
};

struct fixture {
    uv_loop_t *loop;
    struct test_dir dir;
    struct stream_listener *listener;
    char address[128];
    struct peer client, server;
    struct rpc_config server_config, client_config;
    struct stream *raw; /* instead of the client */
    struct buf raw_got;
    int n_raw_closed;
    struct rpc_request *kept[4];
    int n_kept, n_notified;
    struct { /* what the last call came to */
        int n;
        enum err err;
        char text[320];
        json_t *value;
    } done;
    struct rpc *free_in_done;
};

/* ---- the server's methods */

static void
do_add(void *arg UNUSED, struct rpc_request *request, json_t *params)
{
    int a, b;
    if (json_unpack(params, "[i, i!]", &a, &b))
        rpc_fail(request, ERR_INVALID, "add needs two integers");
    else
        rpc_reply(request, json_integer(a + b));
}

static void
do_later(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct peer *peer = arg;
    peer->fixture->kept[peer->fixture->n_kept++] = request;
}

static void
do_note(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct peer *peer = arg;
    peer->fixture->n_notified++;
    rpc_reply(request, NULL);
}

static void
do_refuse(void *arg UNUSED, struct rpc_request *request, json_t *params UNUSED)
{
    rpc_fail(request, ERR_DENIED, "only an %s may", "OPERATOR");
}

static void
do_long(void *arg UNUSED, struct rpc_request *request, json_t *params UNUSED)
{
    static char text[3000];
    memset(text, 'x', sizeof text - 1);
    rpc_reply(request, json_string(text));
}

static void
do_quit(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct peer *peer = arg;
    rpc_reply(request, json_string("bye"));
    rpc_free(peer->rpc);
    peer->rpc = NULL;
}

static void
add_done(void *arg, const struct call_result *result)
{
    rpc_reply(arg, json_incref(result->value));
}

/* Asks the caller back before it answers. */
static void
do_ask_back(void *arg UNUSED, struct rpc_request *request, json_t *params)
{
    struct rpc *caller = rpc_request_connection(request);
    assert_ok(
        rpc_call(caller, "add", json_incref(params), 10 * NSEC_PER_SEC, add_done, request, NULL));
}

static const struct rpc_method methods[] = {
    {"add", "[a, b]", "The sum of two integers.", do_add},
    {"later", "", "Keeps the request.", do_later},
    {"note", "", "Counts.", do_note},
    {"refuse", "", "Refuses.", do_refuse},
    {"long", "", "Has much to say.", do_long},
    {"quit", "", "Ends the connection.", do_quit},
    {"ask_back", "[a, b]", "Has the caller add.", do_ask_back},
};

/* ---- both ends */

static void
on_closed(void *arg, struct rpc *rpc, enum err err, const char *reason)
{
    struct peer *peer = arg;
    assert_ptr_equal(rpc, peer->rpc);
    peer->n_closed++;
    peer->err = err;
    snprintf(peer->reason, sizeof peer->reason, "%s", reason);
    if (peer->free_in_closed) {
        rpc_free(rpc);
        peer->rpc = NULL;
    }
}

static struct rpc_config
config_for(struct peer *peer, const struct rpc_config *config)
{
    struct rpc_config c = *config;
    c.methods = methods;
    c.n_methods = ARRAY_SIZE(methods);
    c.closed = on_closed;
    c.arg = peer;
    return c;
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    struct rpc_config config = config_for(&f->server, &f->server_config);
    f->server.rpc = rpc_new(f->loop, stream, &config);
}

static void
on_client_opened(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    struct rpc_config config = config_for(&f->client, &f->client_config);
    f->client.rpc = rpc_new(f->loop, stream, &config);
}

static void
on_raw_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct fixture *f = arg;
    buf_put(&f->raw_got, data, size);
}

static void
on_raw_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED,
              const char *reason UNUSED)
{
    struct fixture *f = arg;
    f->n_raw_closed++;
}

static int
set_up(void **state)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    struct fixture *f = calloc(1, sizeof *f);
    char path[TEST_PATH_SIZE];
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    f->client.fixture = f->server.fixture = f;
    snprintf(f->address, sizeof f->address, "unix:%s", test_path(&f->dir, "rpc", path));
    struct stream_config config = {.address = f->address};
    assert_ok(stream_listen(f->loop, &config, &handler, f, &f->listener, NULL));
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    rpc_free(f->client.rpc);
    rpc_free(f->server.rpc);
    stream_free(f->raw);
    stream_listener_free(f->listener);
    test_loop_free(f->loop);
    json_decref(f->done.value);
    buf_fini(&f->raw_got);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static void
connect_client(struct fixture *f)
{
    static const struct stream_handler handler = {.opened = on_client_opened};
    struct stream_config config = {.address = f->address};
    struct stream *stream;
    assert_ok(stream_connect(f->loop, &config, &handler, f, &stream, NULL));
    RUN_UNTIL(f->loop, f->client.rpc && f->server.rpc);
}

static void
connect_raw(struct fixture *f)
{
    static const struct stream_handler handler = {.received = on_raw_received,
                                                  .closed = on_raw_closed};
    struct stream_config config = {.address = f->address};
    assert_ok(stream_connect(f->loop, &config, &handler, f, &f->raw, NULL));
    RUN_UNTIL(f->loop, f->server.rpc);
}

static void
raw_send(struct fixture *f, const char *text)
{
    assert_ok(stream_send(f->raw, text, strlen(text)));
}

static void
on_done(void *arg, const struct call_result *result)
{
    struct fixture *f = arg;
    f->done.n++;
    f->done.err = result->err;
    snprintf(f->done.text, sizeof f->done.text, "%s", result->text);
    json_decref(f->done.value);
    f->done.value = json_incref(result->value);
    if (f->free_in_done) {
        rpc_free(f->free_in_done);
        f->free_in_done = NULL;
        f->client.rpc = NULL;
    }
}

static void
call(struct fixture *f, const char *method, json_t *params)
{
    assert_ok(rpc_call(f->client.rpc, method, params, 10 * NSEC_PER_SEC, on_done, f, NULL));
}

static void
call_and_wait(struct fixture *f, const char *method, json_t *params)
{
    int before = f->done.n;
    call(f, method, params);
    RUN_UNTIL(f->loop, f->done.n > before);
}

/* ---- calls */

static void
a_call_is_answered(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "add", json_pack("[ii]", 40, 2));
    assert_ok(f->done.err);
    assert_string_equal(f->done.text, "");
    assert_int_equal(json_integer_value(f->done.value), 42);
}

static void
an_error_keeps_its_code_and_words(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "refuse", NULL);
    assert_err(f->done.err, ERR_DENIED);
    assert_string_equal(f->done.text, "only an OPERATOR may");
    call_and_wait(f, "add", json_pack("[s]", "x"));
    assert_err(f->done.err, ERR_INVALID);
    assert_int_equal(f->server.n_closed, 0);
}

static void
an_unknown_method_is_answered(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "no.such", NULL);
    assert_err(f->done.err, ERR_UNSUPPORTED);
    assert_string_equal(f->done.text, "no method \"no.such\"");
}

static void
the_table_explains_itself(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "rpc.methods", NULL);
    assert_int_equal(json_array_size(f->done.value), ARRAY_SIZE(methods));
    const json_t *first = json_array_get(f->done.value, 0);
    assert_string_equal(json_string_value(json_object_get(first, "usage")), "[a, b]");
    assert_string_equal(json_string_value(json_object_get(first, "help")),
                        "The sum of two integers.");
}

static void
both_sides_may_call(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "ask_back", json_pack("[ii]", 3, 4));
    assert_int_equal(json_integer_value(f->done.value), 7);
}

static void
answers_may_come_in_any_order(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL);
    call(f, "later", NULL);
    RUN_UNTIL(f->loop, f->n_kept == 2);
    rpc_reply(f->kept[1], json_string("second"));
    RUN_UNTIL(f->loop, f->done.n == 1);
    assert_string_equal(json_string_value(f->done.value), "second");
    rpc_reply(f->kept[0], json_string("first"));
    RUN_UNTIL(f->loop, f->done.n == 2);
    assert_string_equal(json_string_value(f->done.value), "first");
}

static void
a_notification_is_not_answered(void **state)
{
    struct fixture *f = *state;
    connect_raw(f);
    raw_send(f, "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n"
                "{\"jsonrpc\":\"2.0\",\"method\":\"refuse\"}\n"
                "{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}\n"
                "\r\n{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"id\":\"x\"}\r\n");
    RUN_UNTIL(f->loop, f->raw_got.size);
    assert_int_equal(f->n_notified, 2);
    assert_string_equal(buf_cstr(&f->raw_got),
                        "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}\n");
}

static void
notifications_arrive(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    assert_ok(rpc_notify(f->client.rpc, "note", NULL));
    RUN_UNTIL(f->loop, f->n_notified == 1);
}

static void
a_call_times_out_and_the_late_answer_is_ignored(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    assert_ok(rpc_call(f->client.rpc, "later", NULL, 20 * NSEC_PER_MSEC, on_done, f, NULL));
    RUN_UNTIL(f->loop, f->done.n == 1 && f->n_kept == 1);
    assert_err(f->done.err, ERR_TIMEOUT);
    assert_string_equal(f->done.text, "no answer within 0.02 s");
    rpc_reply(f->kept[0], NULL);
    call_and_wait(f, "add", json_pack("[ii]", 1, 2));
    assert_ok(f->done.err);
    assert_int_equal(f->done.n, 2);
    assert_int_equal(f->client.n_closed, 0);
}

static void
a_cancelled_call_is_not_heard_of(void **state)
{
    struct fixture *f = *state;
    uint64_t id;
    connect_client(f);
    assert_ok(
        rpc_call(f->client.rpc, "add", json_pack("[ii]", 1, 2), NSEC_PER_SEC, on_done, f, &id));
    rpc_cancel(f->client.rpc, id);
    call_and_wait(f, "refuse", NULL);
    assert_int_equal(f->done.n, 1);
    assert_err(f->done.err, ERR_DENIED);
}

/* ---- limits */

static void
too_many_waiting_calls_are_refused_here(void **state)
{
    struct fixture *f = *state;
    f->client_config.call_limit = 2;
    connect_client(f);
    call(f, "later", NULL);
    call(f, "later", NULL);
    assert_err(rpc_call(f->client.rpc, "later", NULL, NSEC_PER_SEC, on_done, f, NULL), ERR_LIMIT);
    assert_int_equal(f->done.n, 0);
    RUN_UNTIL(f->loop, f->n_kept == 2);
    rpc_reply(f->kept[0], NULL);
    rpc_reply(f->kept[1], NULL);
    RUN_UNTIL(f->loop, f->done.n == 2);
}

static void
too_many_waiting_requests_are_refused_there(void **state)
{
    struct fixture *f = *state;
    f->server_config.call_limit = 1;
    connect_client(f);
    call(f, "later", NULL);
    call_and_wait(f, "later", NULL);
    assert_err(f->done.err, ERR_BUSY);
    rpc_reply(f->kept[0], NULL);
    call_and_wait(f, "add", json_pack("[ii]", 1, 2));
    assert_ok(f->done.err);
}

static void
an_answer_that_is_too_long_becomes_an_error(void **state)
{
    struct fixture *f = *state;
    f->server_config.line_limit = 1000;
    connect_client(f);
    call_and_wait(f, "long", NULL);
    assert_err(f->done.err, ERR_LIMIT);
}

static void
a_request_that_is_too_long_is_not_sent(void **state)
{
    struct fixture *f = *state;
    f->client_config.line_limit = 100;
    connect_client(f);
    char text[200] = "";
    memset(text, 'x', sizeof text - 1);
    assert_err(
        rpc_call(f->client.rpc, "add", json_pack("[s]", text), NSEC_PER_SEC, on_done, f, NULL),
        ERR_LIMIT);
    assert_err(rpc_notify(f->client.rpc, "note", json_pack("[s]", text)), ERR_LIMIT);
    call_and_wait(f, "add", json_pack("[ii]", 1, 2));
    assert_int_equal(f->done.n, 1);
}

static void
a_line_above_the_limit_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    f->server_config.line_limit = 100;
    connect_raw(f);
    char text[200] = "";
    memset(text, ' ', sizeof text - 1);
    raw_send(f, text);
    RUN_UNTIL(f->loop, f->server.n_closed && f->n_raw_closed);
    assert_err(f->server.err, ERR_LIMIT);
    assert_string_equal(
        buf_cstr(&f->raw_got),
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
        "\"a message longer than one may be\",\"data\":{\"err\":\"ERR_LIMIT\"}}}\n");
}

/* ---- peers that break the rules */

static void
assert_broken_off(struct fixture *f, const char *text, enum err err, const char *reply)
{
    connect_raw(f);
    raw_send(f, text);
    RUN_UNTIL(f->loop, f->server.n_closed && f->n_raw_closed);
    assert_err(f->server.err, err);
    assert_memory_equal(f->server.reason, "the peer ", 9);
    if (!strstr(buf_cstr(&f->raw_got), reply))
        fail_msg("%s", buf_cstr(&f->raw_got));
}

static void
garbage_is_answered_and_ends_the_connection(void **state)
{
    assert_broken_off(*state, "GET / HTTP/1.1\n", ERR_MALFORMED,
                      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,");
}

static void
binary_garbage_is_answered_and_ends_the_connection(void **state)
{
    assert_broken_off(*state, "\xff\xfe\x01\x80\n", ERR_MALFORMED, "\"code\":-32700,");
}

static void
a_batch_is_answered_and_ends_the_connection(void **state)
{
    assert_broken_off(*state, "[{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"id\":1}]\n", ERR_INVALID,
                      "batches are not accepted: one message per line");
}

static void
a_key_twice_is_answered_and_ends_the_connection(void **state)
{
    assert_broken_off(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"note\"}\n",
                      ERR_MALFORMED, "duplicate object key");
}

static void
an_answer_to_nothing_ends_the_connection(void **state)
{
    assert_broken_off(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}\n", ERR_INVALID,
                      "an answer to what was not asked");
}

static void
an_answer_with_an_id_that_cannot_be_ours_ends_the_connection(void **state)
{
    assert_broken_off(*state, "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":1}\n", ERR_INVALID,
                      "an answer to what was not asked");
}

static void
a_peer_that_could_not_read_us_is_not_answered(void **state)
{
    struct fixture *f = *state;
    assert_broken_off(f,
                      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
                      "\"what?\"}}\n",
                      ERR_MALFORMED, "");
    assert_string_equal(f->server.reason, "the peer could not read a message: what?");
    assert_int_equal(f->raw_got.size, 0);
}

static void
what_came_before_the_garbage_is_answered(void **state)
{
    assert_broken_off(*state,
                      "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"add\",\"params\":[1,2]}\nx\n",
                      ERR_MALFORMED, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":3}\n");
}

static void
nothing_behind_the_garbage_is_done(void **state)
{
    struct fixture *f = *state;
    assert_broken_off(f, "x\n{\"jsonrpc\":\"2.0\",\"method\":\"note\"}\n", ERR_MALFORMED, "-32700");
    assert_int_equal(f->n_notified, 0);
}

/* ---- the end */

static void
calls_that_wait_end_with_the_connection(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL);
    RUN_UNTIL(f->loop, f->n_kept == 1);
    rpc_free(f->server.rpc);
    f->server.rpc = NULL;
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_int_equal(f->done.n, 1);
    assert_err(f->done.err, ERR_CLOSED);
    assert_err(f->client.err, ERR_CLOSED);
    assert_err(rpc_call(f->client.rpc, "add", NULL, NSEC_PER_SEC, on_done, f, NULL), ERR_CLOSED);
    rpc_reply(f->kept[0], json_string("nobody hears this"));
}

static void
a_request_outlives_its_connection(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL);
    call(f, "later", NULL);
    RUN_UNTIL(f->loop, f->n_kept == 2);
    assert_ptr_equal(rpc_request_connection(f->kept[0]), f->server.rpc);
    rpc_free(f->client.rpc);
    f->client.rpc = NULL;
    assert_int_equal(f->done.n, 2);
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_null(rpc_request_connection(f->kept[0]));
    rpc_reply(f->kept[0], json_string("nobody hears this"));
    rpc_fail(f->kept[1], ERR_IO, "nor this");
}

static void
freeing_ends_the_calls_at_once(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "add", json_pack("[ii]", 1, 2));
    rpc_free(f->client.rpc);
    f->client.rpc = NULL;
    assert_int_equal(f->done.n, 1);
    assert_err(f->done.err, ERR_CLOSED);
    assert_string_equal(f->done.text, "the connection was closed on this side");
}

static void
a_handler_may_answer_and_free(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call_and_wait(f, "quit", NULL);
    assert_string_equal(json_string_value(f->done.value), "bye");
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_int_equal(f->server.n_closed, 0);
}

static void
an_answer_may_free(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL); /* ends with it */
    f->free_in_done = f->client.rpc;
    call(f, "add", json_pack("[ii]", 1, 2));
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_int_equal(f->done.n, 2);
    assert_err(f->done.err, ERR_CLOSED);
    rpc_reply(f->kept[0], NULL);
}

static void
a_timeout_may_free(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL);
    f->free_in_done = f->client.rpc;
    assert_ok(rpc_call(f->client.rpc, "later", NULL, NSEC_PER_MSEC, on_done, f, NULL));
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_int_equal(f->done.n, 2);
    for (int i = 0; i < f->n_kept; i++)
        rpc_reply(f->kept[i], NULL);
}

static void
a_call_that_ends_with_the_connection_may_free(void **state)
{
    struct fixture *f = *state;
    connect_client(f);
    call(f, "later", NULL);
    call(f, "later", NULL);
    f->free_in_done = f->client.rpc;
    RUN_UNTIL(f->loop, f->n_kept == 2);
    rpc_free(f->server.rpc);
    f->server.rpc = NULL;
    RUN_UNTIL(f->loop, f->done.n == 2);
    run_turns(f->loop, 5);
    assert_int_equal(f->client.n_closed, 0); /* nobody left to be told */
    rpc_reply(f->kept[0], NULL);
    rpc_reply(f->kept[1], NULL);
}

static void
closed_may_free(void **state)
{
    struct fixture *f = *state;
    connect_raw(f);
    f->server.free_in_closed = true;
    raw_send(f, "x\ny\n");
    RUN_UNTIL(f->loop, f->server.n_closed && f->n_raw_closed);
    assert_null(f->server.rpc);
    assert_int_equal(f->server.n_closed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_call_is_answered), TEST(an_error_keeps_its_code_and_words),
          TEST(an_unknown_method_is_answered), TEST(the_table_explains_itself),
          TEST(both_sides_may_call), TEST(answers_may_come_in_any_order),
          TEST(a_notification_is_not_answered), TEST(notifications_arrive),
          TEST(a_call_times_out_and_the_late_answer_is_ignored),
          TEST(a_cancelled_call_is_not_heard_of), TEST(too_many_waiting_calls_are_refused_here),
          TEST(too_many_waiting_requests_are_refused_there),
          TEST(an_answer_that_is_too_long_becomes_an_error),
          TEST(a_request_that_is_too_long_is_not_sent),
          TEST(a_line_above_the_limit_ends_the_connection),
          TEST(garbage_is_answered_and_ends_the_connection),
          TEST(binary_garbage_is_answered_and_ends_the_connection),
          TEST(a_batch_is_answered_and_ends_the_connection),
          TEST(a_key_twice_is_answered_and_ends_the_connection),
          TEST(an_answer_to_nothing_ends_the_connection),
          TEST(an_answer_with_an_id_that_cannot_be_ours_ends_the_connection),
          TEST(a_peer_that_could_not_read_us_is_not_answered),
          TEST(what_came_before_the_garbage_is_answered), TEST(nothing_behind_the_garbage_is_done),
          TEST(calls_that_wait_end_with_the_connection), TEST(a_request_outlives_its_connection),
          TEST(freeing_ends_the_calls_at_once), TEST(a_handler_may_answer_and_free),
          TEST(an_answer_may_free), TEST(a_timeout_may_free),
          TEST(a_call_that_ends_with_the_connection_may_free), TEST(closed_may_free))
