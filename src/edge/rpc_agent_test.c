/* An agent, a client on its Unix socket, and a controller that comes and goes. */
#include "edge/rpc_agent.h"

#include "io/testing.h"

struct fixture {
    uv_loop_t *loop;
    struct test_dir dir;
    char control[TEST_PATH_SIZE], local_address[128], rpc_address[128];
    struct stream_listener *listener;
    struct rpc *controller, *client;
    struct rpc_agent *agent;
    struct rpc_request *kept;
    int n_connected, n_disconnected, n_told, n_client_closed;
    char reason[320];
    struct {
        int n;
        enum err err;
        json_int_t value;
    } done;
    struct tls *agent_tls, *controller_tls;
    struct test_ca ca;
};

static void
do_double(void *arg, struct rpc_request *request, json_t *params)
{
    struct fixture *f = arg;
    assert_non_null(f->loop);
    rpc_reply(request, json_integer(2 * json_integer_value(json_array_get(params, 0))));
}

static void
do_later(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct fixture *f = arg;
    f->kept = request;
}

static const struct rpc_method methods[] = {
    {"double", "[n]", "Twice the number.", do_double},
    {"later", "", "Keeps the request.", do_later},
};

static void
on_connected(void *arg, const char *address)
{
    struct fixture *f = arg;
    assert_string_equal(address, f->rpc_address);
    f->n_connected++;
}

static void
on_disconnected(void *arg, const char *address UNUSED, const char *reason)
{
    struct fixture *f = arg;
    snprintf(f->reason, sizeof f->reason, "%s", reason);
    f->n_disconnected++;
}

/* ---- The controller and the client ---- */

static void
do_told(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct fixture *f = arg;
    f->n_told++;
    rpc_reply(request, NULL);
}

static const struct rpc_method controller_methods[] = {{"told", "", "Counts.", do_told}};

static void
on_controller_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason UNUSED)
{
    struct fixture *f = arg;
    f->controller = NULL;
    rpc_free(rpc);
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    struct rpc_config config = {controller_methods, 1, on_controller_closed, f, NULL, 0, 0};
    f->controller = rpc_new(f->loop, stream, &config);
}

static void
on_client_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason UNUSED)
{
    struct fixture *f = arg;
    f->n_client_closed++;
    f->client = NULL;
    rpc_free(rpc);
}

static void
on_client_opened(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    struct rpc_config config = {.closed = on_client_closed, .arg = f};
    f->client = rpc_new(f->loop, stream, &config);
}

static void
on_client_stream_closed(void *arg, struct stream *stream, enum err err UNUSED,
                        const char *reason UNUSED)
{
    struct fixture *f = arg;
    f->n_client_closed++;
    stream_free(stream);
}

static void
controller_listen(struct fixture *f, const char *address)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    struct stream_config config = {.address = address, .tls = f->controller_tls};
    assert_ok(stream_listen(f->loop, &config, &handler, f, &f->listener, NULL));
    snprintf(f->rpc_address, sizeof f->rpc_address, "%s:%s", f->controller_tls ? "tls" : "tcp",
             stream_listener_address(f->listener));
}

static void
agent_start(struct fixture *f)
{
    struct rpc_agent_config config = {.control_path = f->control,
                                      .rpc_address = f->rpc_address[0] ? f->rpc_address : NULL,
                                      .tls = f->agent_tls,
                                      .methods = methods,
                                      .n_methods = ARRAY_SIZE(methods),
                                      .connected = on_connected,
                                      .disconnected = on_disconnected,
                                      .arg = f};
    assert_ok(rpc_agent_new(f->loop, &config, &f->agent, NULL));
}

static void
client_connect(struct fixture *f)
{
    static const struct stream_handler handler = {.opened = on_client_opened,
                                                  .closed = on_client_stream_closed};
    struct stream_config config = {.address = f->local_address};
    struct stream *stream;
    assert_ok(stream_connect(f->loop, &config, &handler, f, &stream, NULL));
    RUN_UNTIL(f->loop, f->client || f->n_client_closed);
}

static void
on_done(void *arg, const struct call_result *result)
{
    struct fixture *f = arg;
    f->done.n++;
    f->done.err = result->err;
    f->done.value = json_integer_value(result->value);
}

static void
call(struct fixture *f, struct rpc *rpc, const char *method, json_t *params)
{
    int before = f->done.n;
    assert_ok(rpc_call(rpc, method, params, 10 * NSEC_PER_SEC, on_done, f, NULL));
    RUN_UNTIL(f->loop, f->done.n > before);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    test_path(&f->dir, "control", f->control);
    snprintf(f->local_address, sizeof f->local_address, "unix:%s", f->control);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    rpc_agent_free(f->agent);
    rpc_free(f->controller);
    rpc_free(f->client);
    stream_listener_free(f->listener);
    test_loop_free(f->loop);
    tls_free(f->agent_tls);
    tls_free(f->controller_tls);
    test_ca_free(&f->ca);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static json_t *
one(int n)
{
    return json_pack("[i]", n);
}

static void
a_local_client_is_answered(void **state)
{
    struct fixture *f = *state;
    agent_start(f);
    client_connect(f);
    call(f, f->client, "double", one(21));
    assert_ok(f->done.err);
    assert_int_equal(f->done.value, 42);
    assert_true(json_is_null(rpc_agent_status(f->agent)));
}

static void
the_controller_is_answered_and_told(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, "127.0.0.1:0");
    agent_start(f);
    assert_err(rpc_agent_notify(f->agent, "told", one(1)), ERR_CLOSED);
    RUN_UNTIL(f->loop, f->controller && f->n_connected);
    call(f, f->controller, "double", one(4));
    assert_int_equal(f->done.value, 8);
    assert_ok(rpc_agent_notify(f->agent, "told", one(1)));
    RUN_UNTIL(f->loop, f->n_told);
    json_t *status = rpc_agent_status(f->agent);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "connected");
    json_decref(status);
}

static void
a_lost_controller_is_found_again(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, "127.0.0.1:0");
    agent_start(f);
    RUN_UNTIL(f->loop, f->controller && f->n_connected);
    rpc_free(f->controller);
    f->controller = NULL;
    RUN_UNTIL(f->loop, f->n_disconnected == 1);
    assert_false(rpc_agent_is_connected(f->agent));
    assert_true(f->reason[0]);
    RUN_UNTIL(f->loop, f->controller && f->n_connected == 2);
    call(f, f->controller, "double", one(5));
    assert_int_equal(f->done.value, 10);
}

static void
a_controller_that_is_not_there_is_waited_for(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, "127.0.0.1:0");
    char *address = strdup(stream_listener_address(f->listener));
    stream_listener_free(f->listener);
    f->listener = NULL;
    agent_start(f);
    RUN_UNTIL(f->loop, f->n_disconnected);
    assert_int_equal(f->n_connected, 0);
    controller_listen(f, address);
    RUN_UNTIL(f->loop, f->controller && f->n_connected);
    free(address);
}

static void
with_tls_each_side_knows_the_other(void **state)
{
    struct fixture *f = *state;
    char paths[3][TEST_PATH_SIZE];
    f->ca = test_ca_make("Utility CA");
    test_pem_write(&f->dir, "ca.crt", f->ca.cert, NULL);
    test_cert_issue(&f->dir, "node", &f->ca, &(struct test_cert){.name = "sw7"});
    test_cert_issue(&f->dir, "lan", &f->ca, &(struct test_cert){.name = "controller"});
    struct tls_config config = {test_path(&f->dir, "ca.crt", paths[0]),
                                test_path(&f->dir, "node.crt", paths[1]),
                                test_path(&f->dir, "node.key", paths[2])};
    assert_ok(tls_new(&config, &f->agent_tls, NULL));
    test_path(&f->dir, "lan.crt", paths[1]);
    test_path(&f->dir, "lan.key", paths[2]);
    assert_ok(tls_new(&config, &f->controller_tls, NULL));
    controller_listen(f, "127.0.0.1:0");
    agent_start(f);
    RUN_UNTIL(f->loop, f->controller && f->n_connected);
    assert_string_equal(rpc_peer_name(f->controller), "sw7");
    call(f, f->controller, "double", one(6));
    assert_int_equal(f->done.value, 12);
}

static void
an_answer_may_come_when_the_agent_has_gone(void **state)
{
    struct fixture *f = *state;
    agent_start(f);
    client_connect(f);
    assert_ok(rpc_call(f->client, "later", NULL, 10 * NSEC_PER_SEC, on_done, f, NULL));
    RUN_UNTIL(f->loop, f->kept);
    rpc_agent_free(f->agent);
    f->agent = NULL;
    RUN_UNTIL(f->loop, f->done.n == 1);
    assert_err(f->done.err, ERR_CLOSED);
    rpc_reply(f->kept, NULL);
}

static void
wrong_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"10.0.0.1:6654", "tls:10.0.0.1:6654", "tcp:nowhere", "tcp"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct rpc_agent_config config = {.rpc_address = wrong[i]};
        struct diag diag = {""};
        assert_err(rpc_agent_new(f->loop, &config, &f->agent, &diag), ERR_INVALID);
        assert_true(diag.text[0]);
    }
    assert_null(f->agent);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(T(a_local_client_is_answered), T(the_controller_is_answered_and_told),
          T(a_lost_controller_is_found_again), T(a_controller_that_is_not_there_is_waited_for),
          T(with_tls_each_side_knows_the_other), T(an_answer_may_come_when_the_agent_has_gone),
          T(wrong_addresses_are_refused))
