#include "edge/rpc_agent.h"

#include "base/alloc.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/reconnect.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rpc_agent {
    uv_loop_t *loop;
    struct rpc_agent_config config; /* its texts are ours */
    struct stream_listener *listener;
    struct rpc *clients[RPC_AGENT_MAX_CLIENTS];
    unsigned n_clients;

    struct timer *timer; /* NULL: there is no controller */
    struct reconnect reconnect;
    struct stream *stream; /* while connecting */
    struct rpc *controller;
    char reason[320]; /* why it is not connected; "" at first */
};

static void
on_client_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason UNUSED)
{
    struct rpc_agent *a = arg;
    for (unsigned i = 0; i < a->n_clients; i++) {
        if (a->clients[i] == rpc)
            a->clients[i] = a->clients[--a->n_clients];
    }
    rpc_free(rpc);
}

static struct rpc_config
connection_config(struct rpc_agent *a, void (*closed)(void *, struct rpc *, enum err, const char *))
{
    return (struct rpc_config){.methods = a->config.methods,
                               .n_methods = a->config.n_methods,
                               .closed = closed,
                               .closed_arg = a,
                               .arg = a->config.arg};
}

static void
on_accepted(void *arg, struct stream *stream)
{
    struct rpc_agent *a = arg;
    struct rpc_config config = connection_config(a, on_client_closed);
    if (a->n_clients == RPC_AGENT_MAX_CLIENTS)
        stream_free(stream);
    else
        a->clients[a->n_clients++] = rpc_new(a->loop, stream, &config);
}

/* ---- The controller ---- */

static const char *
stream_address(const char *rpc_address)
{
    return rpc_address + strlen("tls:");
}

static bool
is_tls(const struct rpc_agent *a)
{
    return !strncmp(a->config.rpc_address, "tls:", 4);
}

static void
schedule(struct rpc_agent *a)
{
    nsec_t wake = reconnect_wake(&a->reconnect);
    if (wake != NSEC_NEVER)
        timer_start(a->timer, wake - clock_monotonic());
}

static void
lost(struct rpc_agent *a, const char *reason)
{
    snprintf(a->reason, sizeof a->reason, "%s", reason);
    reconnect_lost(&a->reconnect, clock_monotonic());
    schedule(a);
    if (a->config.disconnected)
        a->config.disconnected(a->config.arg, a->config.rpc_address, a->reason);
}

static void
on_controller_closed(void *arg, struct rpc *rpc, enum err err UNUSED, const char *reason)
{
    struct rpc_agent *a = arg;
    a->controller = NULL;
    lost(a, reason);
    rpc_free(rpc);
}

static void
on_opened(void *arg, struct stream *stream)
{
    struct rpc_agent *a = arg;
    struct rpc_config config = connection_config(a, on_controller_closed);
    a->stream = NULL;
    a->controller = rpc_new(a->loop, stream, &config);
    reconnect_connected(&a->reconnect, clock_monotonic());
    a->reason[0] = '\0';
    if (a->config.connected)
        a->config.connected(a->config.arg, a->config.rpc_address);
}

static void
on_closed(void *arg, struct stream *stream, enum err err UNUSED, const char *reason)
{
    struct rpc_agent *a = arg;
    a->stream = NULL;
    lost(a, reason);
    stream_free(stream);
}

static const struct stream_handler controller_handler = {.opened = on_opened, .closed = on_closed};

static void
on_timer(void *arg)
{
    struct rpc_agent *a = arg;
    struct stream_config config = {.address = stream_address(a->config.rpc_address),
                                   .tls = is_tls(a) ? a->config.tls : NULL,
                                   .peer_name = is_tls(a) ? a->config.peer_name : NULL};
    struct diag diag;
    if (reconnect_run(&a->reconnect, clock_monotonic()) &&
        stream_connect(a->loop, &config, &controller_handler, a, &a->stream, &diag)) {
        a->stream = NULL;
        lost(a, diag.text);
        return;
    }
    schedule(a);
}

static enum err
check_address(const struct rpc_agent_config *c, struct diag *diag)
{
    union address address;
    const char *text = c->rpc_address;
    if (!text)
        return ERR_OK;
    if (strncmp(text, "tls:", 4) && strncmp(text, "tcp:", 4))
        return diag_set(diag, ERR_INVALID, "\"%s\" starts neither with tls: nor with tcp:", text);
    if (!strncmp(text, "tls:", 4) && !c->tls)
        return diag_set(diag, ERR_INVALID, "\"%s\" needs a certificate, its key and a CA", text);
    return address_parse(stream_address(text), &address, diag);
}

/* ---- Life ---- */

static enum err
listen_locally(struct rpc_agent *a, struct diag *diag)
{
    static const struct stream_listener_handler handler = {.accepted = on_accepted};
    if (!a->config.control_path)
        return ERR_OK;
    char *address = xasprintf("unix:%s", a->config.control_path);
    struct stream_config config = {.address = address};
    enum err err = stream_listen(a->loop, &config, &handler, a, &a->listener, diag);
    free(address);
    return err;
}

static char *
copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

enum err
rpc_agent_new(uv_loop_t *loop, const struct rpc_agent_config *config, struct rpc_agent **agent,
              struct diag *diag)
{
    enum err err = check_address(config, diag);
    if (err)
        return err;
    struct rpc_agent *a = xcalloc(1, sizeof *a);
    a->loop = loop;
    a->config = *config;
    a->config.control_path = copy(config->control_path);
    a->config.rpc_address = copy(config->rpc_address);
    a->config.peer_name = copy(config->peer_name);
    a->config.tls = config->tls ? tls_ref(config->tls) : NULL;
    err = listen_locally(a, diag);
    if (err) {
        rpc_agent_free(a);
        return err;
    }
    if (config->rpc_address) {
        nsec_t now = clock_monotonic();
        struct reconnect_config often = {.seed = (uint64_t)now};
        a->timer = timer_new(loop, on_timer, a);
        reconnect_init(&a->reconnect, &often, now);
        schedule(a);
    }
    *agent = a;
    return ERR_OK;
}

void
rpc_agent_free(struct rpc_agent *a)
{
    if (!a)
        return;
    stream_listener_free(a->listener);
    while (a->n_clients)
        rpc_free(a->clients[--a->n_clients]);
    timer_free(a->timer);
    stream_free(a->stream);
    rpc_free(a->controller);
    tls_free(a->config.tls);
    free((char *)a->config.control_path);
    free((char *)a->config.rpc_address);
    free((char *)a->config.peer_name);
    free(a);
}

enum err
rpc_agent_notify(struct rpc_agent *a, const char *method, json_t *params)
{
    if (a->controller && rpc_pending(a->controller) <= RPC_AGENT_MAX_PENDING)
        return rpc_notify(a->controller, method, params);
    json_decref(params);
    return a->controller ? ERR_BUSY : ERR_CLOSED;
}

bool
rpc_agent_is_connected(const struct rpc_agent *a)
{
    return a->controller != NULL;
}

json_t *
rpc_agent_status(const struct rpc_agent *a)
{
    if (!a->timer)
        return json_null();
    const struct reconnect *r = &a->reconnect;
    json_t *status = json_pack("{ss ss sI sI}", "address", a->config.rpc_address, "state",
                               reconnect_state_name(r->state), "attempts", (json_int_t)r->attempts,
                               "connections", (json_int_t)r->connections);
    if (a->reason[0])
        json_object_set_new(status, "reason", jsontext_string(a->reason));
    return status;
}
