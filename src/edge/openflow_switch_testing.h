/* openflow_switch_testing.h - a switch with four ports, and controllers that talk to it without
 * sockets, for the tests of openflow_switch.h. */
#ifndef EDGE_OPENFLOW_SWITCH_TESTING_H
#define EDGE_OPENFLOW_SWITCH_TESTING_H

#include "edge/openflow_switch.h"
#include "edge/pipeline.h"

#include "base/testing.h"

#include <stdio.h>

#define MAX_CONTROLLERS 4
#define MAX_NOTES 4096

/* Something the switch said without being asked. */
struct note {
    struct openflow_message message;
    struct arena *arena;
};

struct controller {
    struct bench *bench;
    struct openflow_session *session;
    struct openflow_channel *channel;
    bool up, down, deaf; /* deaf: does not take what is sent to it */
    struct diag why;
    struct buf kept; /* while it is deaf */
    struct note notes[MAX_NOTES];
    unsigned n_notes, next_note;
    unsigned n_failed;           /* commands, since the last barrier */
    struct openflow_error error; /* of the last one */
    /* The answer to the request that is being asked. */
    bool answered;
    enum err err;
    struct openflow_message answer;
    struct arena *arena;
};

struct bench {
    struct datapath *dp;
    struct pipeline *pl;
    struct packet_pool *pool;
    struct openflow_switch *sw;
    struct controller *controllers[MAX_CONTROLLERS];
    unsigned n_controllers;
    nsec_t now;
    struct buf sent; /* "2:60 LOCAL " */
    bool inject_busy, admin_refused;
    struct buf admin; /* "2 down " */
    unsigned n_settled;
};

static void
on_send(void *arg, struct edge_port *port, struct packet *p)
{
    struct bench *b = arg;
    buf_printf(&b->sent, "%u:%u ", port->number, p->size);
}

static void
on_punt(void *arg, const struct punt *p)
{
    struct bench *b = arg;
    openflow_switch_packet_in(b->sw, p, p->packet->data, MIN(p->packet->size, p->max_len),
                              p->packet->size, p->packet->in_port);
}

static void
on_local(void *arg, struct packet *p UNUSED)
{
    struct bench *b = arg;
    buf_str(&b->sent, "LOCAL ");
}

static enum err
on_inject(void *arg, const struct injection *in)
{
    struct bench *b = arg;
    if (b->inject_busy)
        return ERR_BUSY;
    struct packet *p = packet_new(b->pool, in->size);
    memcpy(p->data, in->frame, in->size);
    p->size = in->size;
    p->in_port = in->in_port;
    pipeline_inject(b->pl, p, in->actions, b->now);
    return ERR_OK;
}

static void
on_settle(void *arg)
{
    struct bench *b = arg;
    b->n_settled++;
}

static enum err
on_set_admin(void *arg, struct edge_port *port, bool up)
{
    struct bench *b = arg;
    buf_printf(&b->admin, "%u %s ", port->number, up ? "up" : "down");
    return b->admin_refused ? ERR_DENIED : ERR_OK;
}

static void
on_wake(void *arg UNUSED, struct openflow_channel *ch UNUSED)
{
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct limits limits = {100000, 1000, 1000, 16};
    b->now = NSEC_PER_SEC;
    b->dp = datapath_new(&limits);
    for (uint32_t i = 1; i <= 4; i++) {
        struct mac mac = {{2, 0, 0, 0, 0, (uint8_t)i}};
        char name[8];
        snprintf(name, sizeof name, "p%u", i);
        struct edge_port *port = datapath_add_port(b->dp, i, name, &mac, b->now);
        port->up = port->live = true;
    }
    b->pool = packet_pool_new(64, 2);
    struct pipeline_sink sink = {on_send, on_punt, on_local, NULL, b, NULL};
    b->pl = pipeline_new(b->dp, &sink, 64);
    struct openflow_switch_config config = {
        .datapath_id = 0x1122334455667788,
        .name = "node-1",
        .inject = on_inject,
        .settle = on_settle,
        .set_admin = on_set_admin,
        .wake = on_wake,
        .arg = b,
    };
    b->sw = openflow_switch_new(b->dp, &config);
    *state = b;
    return 0;
}

static void
forget_answer(struct controller *c)
{
    arena_free(c->arena);
    c->arena = NULL;
    c->answered = false;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < b->n_controllers; i++) {
        struct controller *c = b->controllers[i];
        openflow_channel_close(c->channel);
        openflow_session_free(c->session);
        forget_answer(c);
        for (unsigned k = 0; k < c->n_notes; k++)
            arena_free(c->notes[k].arena);
        buf_fini(&c->kept);
        free(c);
    }
    openflow_switch_free(b->sw);
    pipeline_free(b->pl);
    datapath_free(b->dp);
    packet_pool_free(b->pool);
    buf_fini(&b->sent);
    buf_fini(&b->admin);
    free(b);
    return 0;
}

static void
take_event(struct controller *c, const struct openflow_event *e)
{
    switch (e->kind) {
    case OPENFLOW_UP:
        c->up = true;
        break;
    case OPENFLOW_DOWN:
        c->down = true;
        c->why = e->diag;
        break;
    case OPENFLOW_MESSAGE:
        assert_true(c->n_notes < MAX_NOTES);
        c->notes[c->n_notes++] = (struct note){*e->message,
                                               openflow_session_take_arena(c->session)};
        break;
    case OPENFLOW_REFUSED:
        fail_msg("the controller could not read a message: %s", e->diag.text);
        break;
    default:
        if (e->arg) { /* what ask() waits for */
            c->answered = true;
            c->err = e->err;
            if (e->err)
                c->error = e->error;
            if (e->message)
                c->answer = *e->message;
            arena_free(c->arena);
            c->arena = openflow_session_take_arena(c->session);
        } else if (e->kind == OPENFLOW_FAILED) {
            c->n_failed++;
            c->error = e->error;
        }
    }
}

/* Moves octets both ways; true: something moved. */
static bool
pump_once(struct controller *c)
{
    struct openflow_event event;
    struct buf *to_switch = openflow_session_output(c->session);
    struct buf *to_controller = openflow_channel_output(c->channel);
    struct openflow_channel_status status;
    bool moved = false;
    openflow_channel_get_status(c->channel, &status);
    if (to_switch->size && openflow_channel_wants_input(c->channel) && !status.down) {
        size_t size = MIN(to_switch->size, 3000); /* pieces that do not respect messages */
        openflow_channel_input(c->channel, to_switch->data, size, c->bench->now);
        buf_consume(to_switch, size);
        moved = true;
    }
    openflow_channel_run(c->channel, c->kept.size, c->bench->now);
    if (to_controller->size) {
        buf_put(&c->kept, to_controller->data, to_controller->size);
        buf_clear(to_controller);
        moved = true;
    }
    if (c->kept.size && !c->deaf) {
        openflow_session_input(c->session, c->kept.data, c->kept.size, c->bench->now);
        buf_clear(&c->kept);
        moved = true;
    }
    while (openflow_session_next(c->session, &event))
        take_event(c, &event);
    return moved || (to_switch->size && openflow_channel_wants_input(c->channel)) ||
           openflow_channel_deadline(c->channel) <= c->bench->now;
}

static void
pump(struct bench *b)
{
    for (unsigned turn = 0, moved = 1; moved && turn < 100000; turn++) {
        moved = 0;
        for (unsigned i = 0; i < b->n_controllers; i++)
            moved |= pump_once(b->controllers[i]);
    }
}

static struct controller *
connect_controller(struct bench *b)
{
    struct controller *c = calloc(1, sizeof *c);
    struct openflow_session_config config = {.end = OPENFLOW_CONTROLLER,
                                             .echo_interval = 1000 * NSEC_PER_SEC};
    c->bench = b;
    c->session = openflow_session_new(&config, b->now);
    c->channel = openflow_channel_open(b->sw, c, b->now);
    b->controllers[b->n_controllers++] = c;
    pump(b);
    assert_true(c->up);
    return c;
}

/* Asks and waits; the answer stays until the next question. */
static UNUSED const struct openflow_message *
ask(struct controller *c, struct openflow_message m)
{
    forget_answer(c);
    assert_ok(openflow_session_request(c->session, &m, c, 0, c->bench->now));
    pump(c->bench);
    if (!c->answered)
        fail_msg("no answer");
    return &c->answer;
}

static UNUSED const struct openflow_multipart *
ask_stats(struct controller *c, uint32_t type, void *body)
{
    struct openflow_message m = {.type = OFPT_MULTIPART_REQUEST,
                                 .multipart = {type, false, body ? 1 : 0, {.items = body}}};
    const struct openflow_message *answer = ask(c, m);
    assert_ok(c->err);
    assert_int_equal(answer->multipart.type, type);
    return &answer->multipart;
}

/* Sends a command and a barrier; true: it was not refused. */
static UNUSED bool
command(struct controller *c, struct openflow_message m)
{
    assert_ok(openflow_session_request(c->session, &m, NULL, 0, c->bench->now));
    c->n_failed = 0;
    ask(c, (struct openflow_message){.type = OFPT_BARRIER_REQUEST});
    assert_ok(c->err);
    return c->n_failed == 0;
}

#define assert_done(c, ...) assert_true(command(c, (struct openflow_message)__VA_ARGS__))
#define assert_refused(c, error_type, error_code, ...)                                             \
    do {                                                                                           \
        assert_false(command(c, (struct openflow_message)__VA_ARGS__));                            \
        assert_int_equal((c)->error.type, error_type);                                             \
        assert_int_equal((c)->error.code, error_code);                                             \
    } while (0)
/* The same for requests that have an answer. */
#define assert_denied(c, error_type, error_code, ...)                                              \
    do {                                                                                           \
        ask(c, (struct openflow_message)__VA_ARGS__);                                              \
        assert_err((c)->err, ERR_DENIED);                                                          \
        assert_int_equal((c)->error.type, error_type);                                             \
        assert_int_equal((c)->error.code, error_code);                                             \
    } while (0)

/* The next note of this type; NULL: none. Notes of other types before it are skipped. */
static UNUSED const struct openflow_message *
next_note(struct controller *c, uint32_t type)
{
    while (c->next_note < c->n_notes) {
        const struct openflow_message *m = &c->notes[c->next_note++].message;
        if (m->type == type)
            return m;
    }
    return NULL;
}

static UNUSED struct openflow_message
flow_mod(enum openflow_flow_command command, const char *match, uint32_t out_port)
{
    static struct action output; /* one message at a time */
    struct openflow_message m = {.type = OFPT_FLOW_MOD,
                                 .flow_mod = {.command = (uint8_t)command,
                                              .buffer_id = NO_BUFFER,
                                              .out_port = PORT_ANY,
                                              .out_group = GROUP_ANY}};
    struct diag diag;
    if (match_parse(match, &m.flow_mod.flow.match, &diag))
        fail_msg("%s", diag.text);
    m.flow_mod.flow.priority = 5;
    if (out_port) {
        output = (struct action){.type = ACTION_OUTPUT, .id = out_port};
        if (out_port == PORT_CONTROLLER)
            output.max_len = 64;
        m.flow_mod.flow.has_apply = true;
        m.flow_mod.flow.apply = (struct actions){&output, 1};
    }
    return m;
}

static UNUSED void
receive(struct bench *b, uint32_t in_port, const char *hex)
{
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    struct packet *p = packet_new(b->pool, (uint32_t)size);
    memcpy(p->data, frame, size);
    free(frame);
    p->size = (uint32_t)size;
    p->in_port = in_port;
    buf_clear(&b->sent);
    pipeline_receive(b->pl, &p, 1, b->now);
    pump(b);
}

#define UDP                                                                                        \
    "020000000002 020000000001 0800"                                                               \
    "4500 001e 0001 0000 40 11 66cc 0a000001 0a000002"                                             \
    "1000 2000 000a a9a3 1234"

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
