#include "edge/stamp_node.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/udp.h"
#include "io/wakeup.h"
#include "proto/stamp/stamp_packet.h"

#include <stdlib.h>
#include <unistd.h>

/* A UDP port of the management network at which answers are expected. */
struct answers {
    struct stamp_node *node;
    uint16_t port;
    struct udp *udp;
    struct answers *next;
};

struct stamp_node {
    uv_loop_t *loop;
    struct stamp_node_config config;
    struct stamp_agent *agent;
    struct wakeup *wakeup;
    struct udp *reflector; /* port 862; NULL until it is needed */
    struct answers *answers;
};

/* ---- What the agent needs ---- */

static enum err
on_send(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset, uint32_t tx_token)
{
    struct stamp_node *n = arg;
    return n->config.send(n->config.arg, frame, size, stamp_offset, tx_token);
}

static enum err
open_udp(struct stamp_node *n, struct udp_config *config, struct udp **udp, struct diag *diag)
{
    config->address = n->config.management_address;
    config->ttl = STAMP_TTL;
    return udp_open(n->loop, config, udp, diag);
}

/* The address may have come to the machine after this program, so this is tried again. */
static enum err
on_management_send(void *arg, uint32_t to, uint16_t to_port, const uint8_t *payload, size_t size)
{
    struct stamp_node *n = arg;
    enum err err = ERR_OK;
    if (!n->reflector)
        err = open_udp(n, &(struct udp_config){.port = STAMP_PORT}, &n->reflector, NULL);
    return err ? err : udp_send(n->reflector, to, to_port, payload, size);
}

static void
on_answer(void *arg, uint32_t from, uint16_t from_port, const uint8_t *payload, size_t size,
          nsec_t wall)
{
    struct answers *a = arg;
    stamp_agent_management(a->node->agent, from, from_port, a->port, payload, size, wall);
}

static void
stop_listening(struct stamp_node *n, uint16_t port)
{
    struct answers **at = &n->answers;
    while ((*at)->port != port)
        at = &(*at)->next;
    struct answers *a = *at;
    *at = a->next;
    udp_close(a->udp);
    free(a);
}

static enum err
on_management_listen(void *arg, uint16_t port, bool on, struct diag *diag)
{
    struct stamp_node *n = arg;
    if (!on) {
        stop_listening(n, port);
        return ERR_OK;
    }
    struct answers *a = xcalloc(1, sizeof *a);
    struct udp_config config = {.port = port, .received = on_answer, .arg = a};
    enum err err = open_udp(n, &config, &a->udp, diag);
    if (err) {
        free(a);
        return err;
    }
    a->node = n;
    a->port = port;
    a->next = n->answers;
    n->answers = a;
    return ERR_OK;
}

static nsec_t
on_now(void *arg UNUSED)
{
    return clock_monotonic();
}

static nsec_t
on_wall(void *arg UNUSED)
{
    return clock_wall();
}

static bool
on_clock(void *arg UNUSED, nsec_t *error)
{
    return clock_is_synchronised(error);
}

static void
on_wake_at(void *arg, nsec_t at)
{
    struct stamp_node *n = arg;
    wakeup_set(n->wakeup, at);
}

static void
on_wakeup(void *arg)
{
    struct stamp_node *n = arg;
    stamp_agent_run(n->agent);
}

/* ---- Life ---- */

enum err
stamp_node_new(uv_loop_t *loop, const struct stamp_node_config *config, struct stamp_node **node,
               struct diag *diag)
{
    struct stamp_node *n = xcalloc(1, sizeof *n);
    const struct stamp_agent_config agent = {
        .io = {.send = on_send,
               .management_send = on_management_send,
               .management_listen = on_management_listen,
               .now = on_now,
               .wall = on_wall,
               .clock_is_synchronised = on_clock,
               .wake_at = on_wake_at,
               .arg = n},
        .management_address = config->management_address,
        .seed = (uint64_t)clock_wall() ^ (uint64_t)getpid(),
    };
    n->loop = loop;
    n->config = *config;
    enum err err = wakeup_open(loop, on_wakeup, n, &n->wakeup, diag);
    if (err) {
        free(n);
        return err;
    }
    n->agent = stamp_agent_new(&agent);
    *node = n;
    return ERR_OK;
}

void
stamp_node_free(struct stamp_node *n)
{
    if (!n)
        return;
    stamp_agent_free(n->agent);
    wakeup_close(n->wakeup);
    udp_close(n->reflector);
    free(n);
}

struct stamp_agent *
stamp_node_agent(struct stamp_node *n)
{
    return n->agent;
}

/* ---- Methods ---- */

static void
on_done(void *arg, enum err err, const char *text, json_t *answer)
{
    struct rpc_request *request = arg;
    if (err)
        rpc_fail(request, err, "%s", text);
    else
        rpc_reply(request, json_incref(answer));
}

static bool
on_is_waiting(void *arg)
{
    return rpc_request_connection(arg) != NULL;
}

void
stamp_node_test_start(struct stamp_node *n, struct rpc_request *request, const json_t *params)
{
    const struct stamp_agent_owner owner = {on_done, on_is_waiting, request};
    struct diag diag = {""};
    enum err err = stamp_agent_start(n->agent, params, &owner, &diag);
    if (err)
        rpc_fail(request, err, "%s", diag.text);
}

void
stamp_node_test_stop(struct stamp_node *n, struct rpc_request *request, const json_t *params)
{
    struct diag diag = {""};
    enum err err = stamp_agent_stop(n->agent, params, &diag);
    if (err)
        rpc_fail(request, err, "%s", diag.text);
    else
        rpc_reply(request, NULL);
}
