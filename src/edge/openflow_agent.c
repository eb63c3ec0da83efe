#include "edge/openflow_agent.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/interface.h"
#include "io/jsontext.h"
#include "io/reconnect.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK (NSEC_PER_SEC / 4) /* flows expire that exactly */
#define SEND_LIMIT (4 * OPENFLOW_SWITCH_QUEUE)
#define KEEP ((size_t)1 << 20) /* octets an empty output may keep */

/* A controller we keep a connection to. */
struct controller {
    struct openflow_agent *agent;
    char *address; /* as it was given */
    struct reconnect reconnect;
    struct timer *timer;
    struct stream *connecting;
    struct connection *connection;
    struct diag reason; /* why it is not connected */
};

/* An open stream with its channel. */
struct connection {
    struct openflow_agent *agent;
    struct connection *prev, *next;
    struct controller *controller; /* NULL: of the local socket */
    struct stream *stream;
    struct openflow_channel *channel;
    struct timer *timer; /* the channel's deadline */
    struct task *task;   /* something has come up for it */
    nsec_t since;        /* wall clock */
    bool up;             /* has been told so */
};

struct openflow_agent {
    uv_loop_t *loop;
    struct openflow_agent_config config;
    struct openflow_switch *sw;
    struct timer *tick;
    struct stream_listener *listener;
    struct controller controllers[OPENFLOW_AGENT_CONTROLLERS];
    struct connection *connections;
    unsigned n_clients;
};

static void schedule(struct controller *);

/* ---- Connections ---- */

static const char *
peer_of(const struct connection *c)
{
    return c->controller ? c->controller->address : stream_peer_address(c->stream);
}

static void
lost(struct controller *ctl, const char *reason)
{
    /* Once per loss, not once per attempt. */
    if (strcmp(ctl->reason.text, reason))
        log_warn("controller %s: %s", ctl->address, reason);
    diag_set(&ctl->reason, ERR_OK, "%s", reason);
    reconnect_lost(&ctl->reconnect, clock_monotonic());
    schedule(ctl);
}

static void
connection_free(struct connection *c)
{
    struct openflow_agent *a = c->agent;
    if (c->prev)
        c->prev->next = c->next;
    else
        a->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (c->controller)
        c->controller->connection = NULL;
    else
        a->n_clients--;
    openflow_channel_close(c->channel);
    stream_free(c->stream);
    timer_free(c->timer);
    task_free(c->task);
    free(c);
}

static void
end(struct connection *c, const char *reason)
{
    struct controller *ctl = c->controller;
    struct diag why; /* the channel's own goes with it */
    diag_set(&why, ERR_OK, "%s", reason);
    if (!ctl)
        log_debug("OpenFlow client %s has gone: %s", peer_of(c), why.text);
    connection_free(c);
    if (ctl)
        lost(ctl, why.text);
}

static void
send_output(struct connection *c)
{
    struct buf *out = openflow_channel_output(c->channel);
    if (out->size) /* if it fails, `closed` follows */
        (void)stream_send(c->stream, out->data, out->size);
    if (out->capacity > KEEP)
        buf_fini(out);
    else
        buf_clear(out);
}

/* Lets the channel do what there is to do. May end it. */
static void
run(struct connection *c)
{
    struct openflow_channel_status status;
    nsec_t now = clock_monotonic();
    openflow_channel_run(c->channel, stream_pending(c->stream), now);
    send_output(c);
    openflow_channel_get_status(c->channel, &status);
    if (status.up && !c->up) {
        c->up = true;
        if (c->controller)
            c->controller->reason.text[0] = '\0';
        log_at(c->controller ? LOG_INFO : LOG_DEBUG, "OpenFlow with %s is up", peer_of(c));
    }
    if (status.down) {
        end(c, status.reason);
        return;
    }
    stream_pause(c->stream, !openflow_channel_wants_input(c->channel));
    nsec_t deadline = openflow_channel_deadline(c->channel);
    timer_stop(c->timer);
    if (deadline <= now) /* in the loop's next turn; a timer would wait for a millisecond */
        task_schedule(c->task);
    else if (deadline != NSEC_NEVER)
        timer_start(c->timer, deadline - now);
}

static void
on_run(void *arg)
{
    run(arg);
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct connection *c = arg;
    openflow_channel_input(c->channel, data, size, clock_monotonic());
    run(c);
}

static void
on_drained(void *arg, struct stream *stream UNUSED)
{
    run(arg);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct connection *c = arg;
    openflow_channel_lost(c->channel, err, reason);
    run(c);
}

static const struct stream_handler connection_handler = {
    .received = on_received, .drained = on_drained, .closed = on_closed};

/* Takes over an open stream. */
static struct connection *
connection_new(struct openflow_agent *a, struct controller *ctl, struct stream *stream)
{
    struct connection *c = xcalloc(1, sizeof *c);
    c->agent = a;
    c->controller = ctl;
    c->stream = stream;
    c->since = clock_wall();
    c->timer = timer_new(a->loop, on_run, c);
    c->task = task_new(a->loop, on_run, c);
    c->channel = openflow_channel_open(a->sw, c, clock_monotonic());
    c->next = a->connections;
    if (c->next)
        c->next->prev = c;
    a->connections = c;
    if (ctl)
        ctl->connection = c;
    else
        a->n_clients++;
    stream_set_handler(stream, &connection_handler, c);
    task_schedule(c->task); /* the HELLO waits */
    return c;
}

/* ---- Controllers ---- */

static bool
is_tls(const char *address)
{
    return !strncmp(address, "tls:", 4);
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct controller *ctl = arg;
    ctl->connecting = NULL;
    reconnect_connected(&ctl->reconnect, clock_monotonic());
    (void)connection_new(ctl->agent, ctl, stream);
}

static void
on_not_opened(void *arg, struct stream *stream, enum err err UNUSED, const char *reason)
{
    struct controller *ctl = arg;
    ctl->connecting = NULL;
    lost(ctl, reason);
    stream_free(stream);
}

static const struct stream_handler connecting_handler = {.opened = on_opened,
                                                         .closed = on_not_opened};

static void
on_due(void *arg)
{
    struct controller *ctl = arg;
    struct openflow_agent *a = ctl->agent;
    bool tls = is_tls(ctl->address);
    struct stream_config config = {
        .address = ctl->address + strlen("tls:"),
        .tls = tls ? a->config.tls : NULL,
        .peer_name = tls ? a->config.controller_name : NULL,
        .timeout = 5 * NSEC_PER_SEC,
        .send_limit = SEND_LIMIT,
    };
    struct diag diag;
    if (reconnect_run(&ctl->reconnect, clock_monotonic()) &&
        stream_connect(a->loop, &config, &connecting_handler, ctl, &ctl->connecting, &diag)) {
        ctl->connecting = NULL;
        lost(ctl, diag.text);
        return;
    }
    schedule(ctl);
}

static void
schedule(struct controller *ctl)
{
    nsec_t due = reconnect_wake(&ctl->reconnect);
    if (due != NSEC_NEVER)
        timer_start(ctl->timer, due - clock_monotonic());
}

static enum err
add_controller(struct openflow_agent *a, const char *address, struct diag *diag)
{
    const struct reconnect_config config = {.min = OPENFLOW_AGENT_BACKOFF / 8,
                                            .max = OPENFLOW_AGENT_BACKOFF,
                                            .seed = hash_secret() + a->config.n_controllers};
    union address parsed;
    if (!is_tls(address) && strncmp(address, "tcp:", 4))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" starts neither with tls: nor with tcp:", address);
    if (is_tls(address) && !a->config.tls)
        return diag_set(diag, ERR_INVALID, "%s needs a CA, a certificate and its key", address);
    if (a->config.n_controllers == OPENFLOW_AGENT_CONTROLLERS)
        return diag_set(diag, ERR_LIMIT, "at most %d controllers", OPENFLOW_AGENT_CONTROLLERS);
    enum err err = address_parse(address + strlen("tls:"), &parsed, diag);
    if (err)
        return err;
    struct controller *ctl = &a->controllers[a->config.n_controllers++];
    ctl->agent = a;
    ctl->address = xstrdup(address);
    ctl->timer = timer_new(a->loop, on_due, ctl);
    reconnect_init(&ctl->reconnect, &config, clock_monotonic());
    schedule(ctl);
    return ERR_OK;
}

/* ---- The local socket ---- */

static void
on_accepted(void *arg, struct stream *stream)
{
    struct openflow_agent *a = arg;
    if (a->n_clients == OPENFLOW_AGENT_CLIENTS) {
        log_warn("OpenFlow client %s refused: %u are connected", stream_peer_address(stream),
                 a->n_clients);
        stream_free(stream);
        return;
    }
    (void)connection_new(a, NULL, stream);
}

static enum err
listen_locally(struct openflow_agent *a, const char *path, struct diag *diag)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    char *address = xasprintf("unix:%s", path);
    struct stream_config config = {.address = address, .send_limit = SEND_LIMIT};
    enum err err = stream_listen(a->loop, &config, &handler, a, &a->listener, diag);
    free(address);
    return err;
}

/* ---- What the switch wants ---- */

static enum err
on_inject(void *arg, const struct injection *injection)
{
    struct openflow_agent *a = arg;
    return workers_inject(a->config.workers, injection);
}

static void
on_settle(void *arg)
{
    struct openflow_agent *a = arg;
    workers_settle(a->config.workers);
}

static enum err
on_set_admin(void *arg UNUSED, struct edge_port *port, bool up)
{
    struct diag diag;
    enum err err = interface_set_up(port->name, up, &diag);
    if (err)
        log_warn("port %u cannot be taken %s: %s", port->number, up ? "up" : "down", diag.text);
    return err;
}

static void
on_wake(void *arg UNUSED, struct openflow_channel *channel)
{
    struct connection *c = openflow_channel_user(channel);
    task_schedule(c->task);
}

static void
on_tick(void *arg)
{
    struct openflow_agent *a = arg;
    bool more = openflow_switch_tick(a->sw, clock_monotonic());
    timer_start(a->tick, more ? 0 : TICK);
}

/* ---- The agent ---- */

static char *
copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct openflow_switch *
make_switch(struct openflow_agent *a)
{
    const struct openflow_switch_config config = {
        .datapath_id = a->config.datapath_id,
        .name = a->config.name,
        .inject = on_inject,
        .settle = on_settle,
        .set_admin = on_set_admin,
        .wake = on_wake,
        .arg = a,
    };
    return openflow_switch_new(a->config.datapath, &config);
}

enum err
openflow_agent_new(uv_loop_t *loop, const struct openflow_agent_config *config,
                   struct openflow_agent **result, struct diag *diag)
{
    struct openflow_agent *a = xcalloc(1, sizeof *a);
    enum err err = ERR_OK;
    a->loop = loop;
    a->config = *config;
    a->config.controllers = NULL;
    a->config.n_controllers = 0;
    a->config.controller_name = copy(config->controller_name);
    a->config.tls = config->tls ? tls_ref(config->tls) : NULL;
    a->sw = make_switch(a);
    a->tick = timer_new(loop, on_tick, a);
    for (size_t i = 0; i < config->n_controllers && !err; i++)
        err = add_controller(a, config->controllers[i], diag);
    if (!err && config->listen_path)
        err = listen_locally(a, config->listen_path, diag);
    if (err) {
        openflow_agent_free(a);
        return err;
    }
    timer_start(a->tick, TICK);
    *result = a;
    return ERR_OK;
}

void
openflow_agent_free(struct openflow_agent *a)
{
    if (!a)
        return;
    stream_listener_free(a->listener);
    while (a->connections)
        connection_free(a->connections);
    for (size_t i = 0; i < a->config.n_controllers; i++) {
        stream_free(a->controllers[i].connecting);
        timer_free(a->controllers[i].timer);
        free(a->controllers[i].address);
    }
    timer_free(a->tick);
    openflow_switch_free(a->sw);
    tls_free(a->config.tls);
    free((char *)a->config.controller_name);
    free(a);
}

void
openflow_agent_packet_in(struct openflow_agent *a, const struct punt *punt, const uint8_t *frame,
                         uint32_t size, uint32_t total_size, uint32_t in_port)
{
    openflow_switch_packet_in(a->sw, punt, frame, size, total_size, in_port);
}

void
openflow_agent_port_changed(struct openflow_agent *a, const struct edge_port *port)
{
    openflow_switch_port_changed(a->sw, port);
}

/* ---- Status ---- */

static json_t *
connection_json(const struct connection *c)
{
    struct openflow_channel_status status;
    char since[TIME_TEXT_SIZE];
    openflow_channel_get_status(c->channel, &status);
    return json_pack(
        "{ss ss ss ss sI sI sI sI sI sI}", "address", peer_of(c), "state",
        status.up ? "connected" : "connecting", "role", openflow_role_name(status.role), "since",
        time_format(c->since, since), "rx-messages", (json_int_t)status.rx_messages, "tx-messages",
        (json_int_t)status.tx_messages, "refused", (json_int_t)status.refused, "packet-ins-dropped",
        (json_int_t)status.packet_ins_dropped, "pending-octets",
        (json_int_t)stream_pending(c->stream), "monitors", (json_int_t)status.n_monitors);
}

static json_t *
controller_json(const struct controller *ctl)
{
    json_t *row = ctl->connection ? connection_json(ctl->connection)
                                  : json_pack("{ss ss}", "address", ctl->address, "state",
                                              reconnect_state_name(ctl->reconnect.state));
    json_object_set_new(row, "attempts", json_integer((json_int_t)ctl->reconnect.attempts));
    json_object_set_new(row, "connections", json_integer((json_int_t)ctl->reconnect.connections));
    if (ctl->reason.text[0])
        json_object_set_new(row, "reason", jsontext_string(ctl->reason.text));
    return row;
}

json_t *
openflow_agent_status(const struct openflow_agent *a)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < a->config.n_controllers; i++)
        json_array_append_new(rows, controller_json(&a->controllers[i]));
    for (const struct connection *c = a->connections; c; c = c->next) {
        if (!c->controller)
            json_array_append_new(rows, connection_json(c));
    }
    return rows;
}
