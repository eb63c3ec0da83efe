/* The agent with real sockets: a controller that listens, comes and goes, and clients of the local
 * socket. The packet thread runs, without ports. */
#include "edge/openflow_agent.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/testing.h"

struct far_end { /* a controller's side of a connection */
    struct stream *stream;
    struct openflow_session *session;
    bool up, closed, deaf;
    unsigned n_done, n_failed, n_packet_ins;
    uint64_t datapath_id;
    uint32_t flows;
    char reason[320];
};

struct fixture {
    uv_loop_t *loop;
    struct test_dir dir;
    struct test_ca ca;
    struct tls *node_tls, *controller_tls, *impostor_tls;
    struct datapath *dp;
    struct workers *workers;
    uv_async_t wake;
    struct openflow_agent *agent;
    struct stream_listener *listener;
    char address[128], local[TEST_PATH_SIZE];
    struct far_end controller, clients[OPENFLOW_AGENT_CLIENTS + 1];
    unsigned n_accepted, n_refused;
};

/* ---- The far end ---- */

static void
flush(struct far_end *e)
{
    struct buf *out = openflow_session_output(e->session);
    if (out->size)
        (void)stream_send(e->stream, out->data, out->size);
    buf_clear(out);
}

static void
take(struct far_end *e, const struct openflow_event *event)
{
    e->up |= event->kind == OPENFLOW_UP;
    if (event->kind == OPENFLOW_FAILED)
        e->n_failed++;
    if (event->kind == OPENFLOW_MESSAGE && event->message->type == OFPT_PACKET_IN)
        e->n_packet_ins++;
    if (event->kind != OPENFLOW_DONE)
        return;
    e->n_done++;
    if (event->message && event->message->type == OFPT_FEATURES_REPLY)
        e->datapath_id = event->message->features.datapath_id;
    if (event->message && event->message->type == OFPT_MULTIPART_REPLY &&
        event->message->multipart.type == OFPMP_FLOW)
        e->flows = event->message->multipart.n;
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct far_end *e = arg;
    struct openflow_event event;
    openflow_session_input(e->session, data, size, clock_monotonic());
    while (openflow_session_next(e->session, &event))
        take(e, &event);
    flush(e);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason)
{
    struct far_end *e = arg;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
    e->closed = true;
}

static void
begin(struct far_end *e, struct stream *stream)
{
    const struct openflow_session_config config = {.end = OPENFLOW_CONTROLLER};
    e->stream = stream;
    e->session = openflow_session_new(&config, clock_monotonic());
    flush(e);
}

static void
on_opened(void *arg, struct stream *stream)
{
    begin(arg, stream);
}

static const struct stream_handler far_handler = {
    .opened = on_opened, .received = on_received, .closed = on_closed};

static void
end(struct far_end *e)
{
    stream_free(e->stream);
    openflow_session_free(e->session);
    *e = (struct far_end){.stream = NULL};
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    end(&f->controller);
    f->n_accepted++;
    stream_set_handler(stream, &far_handler, &f->controller);
    begin(&f->controller, stream);
}

static void
on_refused(void *arg, const char *address UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    struct fixture *f = arg;
    f->n_refused++;
}

static void
controller_listen(struct fixture *f, struct tls *tls)
{
    static const struct stream_listener_handler handler = {on_accepted, on_refused};
    struct stream_config config = {.address = f->address, .tls = tls};
    assert_ok(stream_listen(f->loop, &config, &handler, f, &f->listener, NULL));
    snprintf(f->address, sizeof f->address, "%s", stream_listener_address(f->listener));
}

static void
controller_goes(struct fixture *f)
{
    stream_listener_free(f->listener);
    f->listener = NULL;
    end(&f->controller);
}

static void
request(struct far_end *e, struct openflow_message m)
{
    assert_ok(openflow_session_request(e->session, &m, NULL, 0, clock_monotonic()));
    flush(e);
}

#define ask(f, e, ...)                                                                             \
    do {                                                                                           \
        unsigned before_ = (e)->n_done + (e)->n_failed;                                            \
        request((e), (struct openflow_message)__VA_ARGS__);                                        \
        RUN_UNTIL((f)->loop, (e)->n_done + (e)->n_failed > before_);                               \
    } while (0)

/* Adds a flow that drops, and waits for the barrier behind it. */
static void
add_flow(struct fixture *f, struct far_end *e, uint32_t in_port)
{
    struct openflow_message m = {
        .type = OFPT_FLOW_MOD,
        .flow_mod = {.buffer_id = NO_BUFFER, .out_port = PORT_ANY, .out_group = GROUP_ANY}};
    match_set(&m.flow_mod.flow.match, FIELD_IN_PORT, in_port);
    request(e, m);
    ask(f, e, {.type = OFPT_BARRIER_REQUEST});
    assert_int_equal(e->n_failed, 0);
}

static void
ask_flows(struct far_end *e)
{
    struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    request(e, (struct openflow_message){.type = OFPT_MULTIPART_REQUEST,
                                         .multipart = {OFPMP_FLOW, false, 1, {.items = &all}}});
}

/* ---- The node ---- */

static void
on_wake(void *arg)
{
    uv_async_send(arg);
}

static void
on_woken(uv_async_t *wake UNUSED)
{
}

static struct tls *
identity(struct fixture *f, const char *name)
{
    char paths[3][TEST_PATH_SIZE];
    struct tls *tls;
    test_cert_issue(&f->dir, name, &f->ca, &(struct test_cert){.name = name});
    struct tls_config config = {.ca_file = test_path(&f->dir, "ca.crt", paths[0]),
                                .cert_file = strcat(test_path(&f->dir, name, paths[1]), ".crt"),
                                .key_file = strcat(test_path(&f->dir, name, paths[2]), ".key")};
    assert_ok(tls_new(&config, &tls, NULL));
    return tls;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct limits limits = {100000, 100, 100, 16};
    struct mac mac = {{2, 0, 0, 0, 0, 1}};
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    f->ca = test_ca_make("Utility CA");
    test_pem_write(&f->dir, "ca.crt", f->ca.cert, NULL);
    f->node_tls = identity(f, "node-1");
    f->controller_tls = identity(f, "controller");
    f->impostor_tls = identity(f, "node-2");
    f->dp = datapath_new(&limits);
    datapath_add_port(f->dp, 1, "p1", &mac, 0);
    uv_async_init(f->loop, &f->wake, on_woken);
    struct worker_options options = {.wake = on_wake, .wake_arg = &f->wake};
    assert_ok(workers_new(f->dp, &options, &f->workers, NULL));
    assert_ok(workers_start(f->workers, NULL));
    snprintf(f->address, sizeof f->address, "127.0.0.1:0");
    test_path(&f->dir, "of", f->local);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    openflow_agent_free(f->agent);
    stream_listener_free(f->listener);
    end(&f->controller);
    for (size_t i = 0; i < ARRAY_SIZE(f->clients); i++)
        end(&f->clients[i]);
    workers_free(f->workers);
    datapath_free(f->dp);
    uv_close((uv_handle_t *)&f->wake, NULL);
    test_loop_free(f->loop);
    tls_free(f->node_tls);
    tls_free(f->controller_tls);
    tls_free(f->impostor_tls);
    test_ca_free(&f->ca);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static struct openflow_agent_config
config_of(struct fixture *f)
{
    return (struct openflow_agent_config){
        .datapath = f->dp,
        .workers = f->workers,
        .datapath_id = 0x42,
        .name = "node-1",
        .listen_path = f->local,
        .tls = f->node_tls,
        .controller_name = "controller",
    };
}

static void
start_agent(struct fixture *f, const char *scheme)
{
    struct openflow_agent_config config = config_of(f);
    char address[160];
    const char *addresses[] = {address};
    snprintf(address, sizeof address, "%s:%s", scheme, f->address);
    config.controllers = addresses;
    config.n_controllers = 1;
    assert_ok(openflow_agent_new(f->loop, &config, &f->agent, NULL));
}

static void
connect_client(struct fixture *f, struct far_end *e)
{
    char address[TEST_PATH_SIZE + 8];
    struct stream *stream;
    snprintf(address, sizeof address, "unix:%s", f->local);
    struct stream_config config = {.address = address};
    assert_ok(stream_connect(f->loop, &config, &far_handler, e, &stream, NULL));
    e->stream = stream; /* closed, if it is never opened */
}

static const char *
status_text(struct fixture *f, const char *member)
{
    static char text[320];
    json_t *status = openflow_agent_status(f->agent);
    const char *value = json_string_value(json_object_get(json_array_get(status, 0), member));
    snprintf(text, sizeof text, "%s", value ? value : "");
    json_decref(status);
    return text;
}

/* ---- Controllers ---- */

static void
a_controller_is_connected_to_over_tls(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, f->controller_tls);
    start_agent(f, "tls");
    RUN_UNTIL(f->loop, f->controller.up);
    ask(f, &f->controller, {.type = OFPT_FEATURES_REQUEST});
    assert_int_equal(f->controller.datapath_id, 0x42);
    assert_string_equal(stream_peer_name(f->controller.stream), "node-1");
    assert_string_equal(status_text(f, "state"), "connected");
    assert_string_equal(status_text(f, "role"), "equal");
}

static void
one_that_comes_late_is_found(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, NULL); /* for a port that is free */
    controller_goes(f);
    start_agent(f, "tcp");
    RUN_UNTIL(f->loop, strstr(status_text(f, "reason"), "connection refused"));
    controller_listen(f, NULL);
    RUN_UNTIL(f->loop, f->controller.up);
    assert_string_equal(status_text(f, "reason"), "");
}

static void
tables_stay_when_the_controller_goes_and_it_is_found_again(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, f->controller_tls);
    start_agent(f, "tls");
    RUN_UNTIL(f->loop, f->controller.up);
    add_flow(f, &f->controller, 1);
    controller_goes(f);
    RUN_UNTIL(f->loop, strcmp(status_text(f, "state"), "connected"));
    assert_int_equal(f->dp->n_flows, 1);
    controller_listen(f, f->controller_tls);
    RUN_UNTIL(f->loop, f->controller.up);
    ask_flows(&f->controller);
    RUN_UNTIL(f->loop, f->controller.n_done);
    assert_int_equal(f->controller.flows, 1);
    assert_int_equal(f->n_accepted, 2);
}

static void
a_node_that_poses_as_controller_is_not_believed(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, f->impostor_tls);
    start_agent(f, "tls");
    RUN_UNTIL(f->loop, f->n_refused >= 2); /* and goes on trying */
    assert_int_equal(f->n_accepted, 0);
    assert_non_null(strstr(status_text(f, "reason"), "node-2"));
}

static void
what_is_no_controller_is_refused_at_once(void **state)
{
    static const struct {
        const char *address, *text;
    } wrong[] = {
        {"10.0.0.1:6653", "\"10.0.0.1:6653\" starts neither with tls: nor with tcp:"},
        {"tls:10.0.0.1:6653", "tls:10.0.0.1:6653 needs a CA, a certificate and its key"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct openflow_agent_config config = config_of(f);
        struct diag diag;
        config.tls = NULL;
        config.controllers = &wrong[i].address;
        config.n_controllers = 1;
        assert_err(openflow_agent_new(f->loop, &config, &f->agent, &diag), ERR_INVALID);
        assert_string_equal(diag.text, wrong[i].text);
        assert_null(f->agent);
    }
}

/* ---- The local socket ---- */

static void
a_local_client_is_served_beside_the_controller(void **state)
{
    struct fixture *f = *state;
    controller_listen(f, f->controller_tls);
    start_agent(f, "tls");
    connect_client(f, &f->clients[0]);
    RUN_UNTIL(f->loop, f->controller.up && f->clients[0].up);
    add_flow(f, &f->clients[0], 1);
    ask_flows(&f->controller);
    RUN_UNTIL(f->loop, f->controller.n_done);
    assert_int_equal(f->controller.flows, 1);
    end(&f->clients[0]);
    add_flow(f, &f->controller, 2);
    assert_int_equal(f->dp->n_flows, 2);
}

static void
one_client_too_many_is_turned_away_and_hurts_nobody(void **state)
{
    struct fixture *f = *state;
    struct far_end *last = &f->clients[OPENFLOW_AGENT_CLIENTS];
    struct openflow_agent_config config = config_of(f);
    assert_ok(openflow_agent_new(f->loop, &config, &f->agent, NULL));
    for (unsigned i = 0; i < OPENFLOW_AGENT_CLIENTS; i++) {
        connect_client(f, &f->clients[i]);
        RUN_UNTIL(f->loop, f->clients[i].up);
    }
    connect_client(f, last);
    RUN_UNTIL(f->loop, last->closed);
    end(&f->clients[3]);
    run_turns(f->loop, 10);
    end(last);
    connect_client(f, last);
    RUN_UNTIL(f->loop, last->up);
    add_flow(f, last, 1);
    add_flow(f, &f->clients[0], 2);
}

/* ---- Back-pressure ---- */

static void
fill_table(struct fixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct flow flow = {.priority = 1};
        match_set(&flow.match, FIELD_IN_PORT, 1 + i);
        struct flow_request request_ = {FLOW_ADD, &flow, 0, PORT_ANY, GROUP_ANY};
        assert_false(dp_failed(datapath_flow_mod(f->dp, &request_, 0)));
    }
}

static json_int_t
pending(struct fixture *f, size_t row)
{
    json_t *status = openflow_agent_status(f->agent);
    json_t *value = json_object_get(json_array_get(status, row), "pending-octets");
    json_int_t octets = json_integer_value(value);
    json_decref(status);
    return octets;
}

static void
a_client_that_does_not_read_holds_up_nobody_else_and_little_memory(void **state)
{
    struct fixture *f = *state;
    struct far_end *slow = &f->clients[0], *quick = &f->clients[1];
    struct openflow_agent_config config = config_of(f);
    assert_ok(openflow_agent_new(f->loop, &config, &f->agent, NULL));
    connect_client(f, slow);
    RUN_UNTIL(f->loop, slow->up);
    fill_table(f, 20000);
    stream_pause(slow->stream, true);
    for (unsigned i = 0; i < 16; i++)
        ask_flows(slow); /* 25 MB of answers */
    run_turns(f->loop, 300);
    assert_in_range(pending(f, 0), 1, 4 * OPENFLOW_SWITCH_PIECE);
    connect_client(f, quick);
    RUN_UNTIL(f->loop, quick->up);
    ask_flows(quick);
    RUN_UNTIL(f->loop, quick->n_done == 1);
    assert_int_equal(quick->flows, 20000);
    assert_int_equal(slow->n_done, 0);
    stream_pause(slow->stream, false);
    RUN_UNTIL(f->loop, slow->n_done == 16);
    assert_int_equal(slow->flows, 20000);
}

/* ---- Packets ---- */

static void
a_packet_out_is_on_its_way_when_the_barrier_is_answered(void **state)
{
    struct fixture *f = *state;
    struct far_end *e = &f->clients[0];
    struct openflow_agent_config config = config_of(f);
    struct action action = {.type = ACTION_OUTPUT, .id = 1};
    uint8_t frame[60] = {2};
    assert_ok(openflow_agent_new(f->loop, &config, &f->agent, NULL));
    connect_client(f, e);
    RUN_UNTIL(f->loop, e->up);
    for (unsigned i = 1; i <= 50; i++) {
        request(e, (struct openflow_message){.type = OFPT_PACKET_OUT,
                                             .packet_out = {.buffer_id = NO_BUFFER,
                                                            .in_port = PORT_CONTROLLER,
                                                            .actions = {&action, 1},
                                                            .packet = {frame, sizeof frame}}});
        ask(f, e, {.type = OFPT_BARRIER_REQUEST});
        /* The port has no carrier: each has met its end by now. */
        assert_int_equal(counter_get(&f->dp->drops[DROP_PORT_DOWN]), i);
    }
    assert_int_equal(e->n_failed, 0);
}

static void
a_punt_reaches_every_controller(void **state)
{
    struct fixture *f = *state;
    struct flow_key key = {.metadata = 0};
    struct punt punt = {.key = &key, .reason = PUNT_ACTION, .max_len = WHOLE_PACKET};
    uint8_t frame[60] = {2};
    controller_listen(f, NULL);
    start_agent(f, "tcp");
    connect_client(f, &f->clients[0]);
    RUN_UNTIL(f->loop, f->controller.up && f->clients[0].up);
    openflow_agent_packet_in(f->agent, &punt, frame, sizeof frame, sizeof frame, 1);
    RUN_UNTIL(f->loop, f->controller.n_packet_ins == 1 && f->clients[0].n_packet_ins == 1);
}

#define WITH_AGENT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH_AGENT(a_controller_is_connected_to_over_tls),
          WITH_AGENT(one_that_comes_late_is_found),
          WITH_AGENT(tables_stay_when_the_controller_goes_and_it_is_found_again),
          WITH_AGENT(a_node_that_poses_as_controller_is_not_believed),
          WITH_AGENT(what_is_no_controller_is_refused_at_once),
          WITH_AGENT(a_local_client_is_served_beside_the_controller),
          WITH_AGENT(one_client_too_many_is_turned_away_and_hurts_nobody),
          WITH_AGENT(a_client_that_does_not_read_holds_up_nobody_else_and_little_memory),
          WITH_AGENT(a_packet_out_is_on_its_way_when_the_barrier_is_answered),
          WITH_AGENT(a_punt_reaches_every_controller))
