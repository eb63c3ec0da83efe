#include "edge/probe.h"

#include "base/alloc.h"
#include "base/log.h"
#include "edge/rpc_agent.h"
#include "edge/stamp_node.h"
#include "io/clock.h"
#include "io/port.h"
#include "io/timer.h"
#include "packet/rule.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define N_PACKETS 2048
#define N_JUMBO 4
#define BURST 32
#define BURSTS 8 /* before others get their turn */
#define LOOK_INTERVAL NSEC_PER_SEC

/* The open interface. An object of its own, because libuv gives its memory back later. */
struct opened {
    uv_poll_t poll;
    struct probe *probe;
    struct port_io *port;
};

struct probe {
    uv_loop_t *loop;
    char *name, *interface;
    nsec_t started;
    struct packet_pool *pool;
    struct opened *opened; /* NULL: the interface is not there */
    char trouble[320];     /* why, so that it is logged once; "" */
    struct timer *look;
    struct stamp_node *tester;
    struct rpc_agent *rpc;
};

/* ---- The interface ---- */

static enum err
send_frame(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset, uint32_t tx_token)
{
    struct probe *p = arg;
    struct packet *packet = p->opened ? packet_new(p->pool, size) : NULL;
    if (!packet)
        return p->opened ? ERR_BUSY : ERR_NOT_FOUND;
    memcpy(packet->data, frame, size);
    packet->size = size;
    packet->stamp_offset = stamp_offset;
    packet->tx_token = tx_token;
    if (port_send(p->opened->port, &packet, 1))
        return ERR_OK;
    packet_unref(packet);
    return ERR_BUSY;
}

/* Called also when nothing waits. */
static void
read_stamps(struct opened *o)
{
    struct port_tx_stamp stamps[BURST];
    unsigned n;
    while ((n = port_tx_stamps(o->port, stamps, BURST))) {
        for (unsigned i = 0; i < n; i++)
            stamp_agent_transmitted(stamp_node_agent(o->probe->tester), stamps[i].token,
                                    stamps[i].wall);
    }
}

static unsigned
read_frames(struct opened *o)
{
    struct packet *packets[BURST];
    unsigned n = port_receive(o->port, packets, BURST);
    for (unsigned i = 0; i < n; i++) {
        read_stamps(o); /* an answer tells when the one before it left */
        stamp_agent_local(stamp_node_agent(o->probe->tester), packets[i]->data, packets[i]->size,
                          PORT_LOCAL, packets[i]->rx_time, packets[i]->rx_time_kernel);
        packet_unref(packets[i]);
    }
    return n;
}

static void
on_ready(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
    struct opened *o = CONTAINER_OF(poll, struct opened, poll);
    for (unsigned i = 0; i < BURSTS; i++) {
        if (read_frames(o) < BURST)
            break;
    }
    read_stamps(o);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct opened, poll));
}

static void
close_interface(struct probe *p)
{
    struct opened *o = p->opened;
    if (!o)
        return;
    p->opened = NULL;
    uv_poll_stop(&o->poll);
    port_close(o->port);
    uv_close((uv_handle_t *)&o->poll, on_poll_closed);
}

static enum err
open_interface(struct probe *p, struct diag *diag)
{
    const struct port_options options = {.interface = p->interface,
                                         .number = PORT_LOCAL,
                                         .driver = PORT_DRIVER_PACKET,
                                         .tx_timestamps = true};
    struct port_io *port;
    enum err err = port_open(&options, p->pool, &port, diag);
    if (err)
        return err;
    struct opened *o = xcalloc(1, sizeof *o);
    o->probe = p;
    o->port = port;
    uv_poll_init(p->loop, &o->poll, port_fd(port));
    uv_poll_start(&o->poll, UV_READABLE | UV_PRIORITIZED, on_ready);
    p->opened = o;
    return ERR_OK;
}

/* Opens it if it is there, and again if it is another one of the same name. */
static enum err
look_for_interface(struct probe *p, struct diag *diag)
{
    bool gone = p->opened && if_nametoindex(p->interface) != port_ifindex(p->opened->port);
    if (gone) {
        log_warn("interface %s has gone", p->interface);
        close_interface(p);
    }
    enum err err = p->opened ? ERR_OK : open_interface(p, diag);
    if (err && strcmp(p->trouble, diag->text))
        log_warn("%s", diag->text);
    if (!err && (gone || p->trouble[0]))
        log_info("interface %s is open", p->interface);
    snprintf(p->trouble, sizeof p->trouble, "%s", err ? diag->text : "");
    return err;
}

static void
on_look(void *arg)
{
    struct probe *p = arg;
    struct diag diag = {""};
    (void)look_for_interface(p, &diag); /* it has been logged, and will be tried again */
    timer_start(p->look, LOOK_INTERVAL);
}

/* ---- Methods ---- */

static json_t *
interface_status(const struct probe *p)
{
    json_t *json = json_pack("{ss sb}", "name", p->interface, "open", p->opened != NULL);
    if (!p->opened) {
        json_object_set_new(json, "reason", json_string(p->trouble));
        return json;
    }
    struct port_counters counters;
    port_get_counters(p->opened->port, &counters);
    json_object_set_new(json, "driver", json_string(port_driver(p->opened->port)));
    json_object_set_new(json, "rx-lost",
                        json_integer((json_int_t)(counters.rx_lost + counters.rx_no_buffer)));
    json_object_set_new(json, "tx-refused", json_integer((json_int_t)counters.tx_refused));
    return json;
}

static void
do_status(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct probe *p = arg;
    char started[TIME_TEXT_SIZE];
    rpc_reply(request, json_pack("{ss ss ss so so so}", "name", p->name, "version", TIELINE_VERSION,
                                 "started", time_format(p->started, started), "interface",
                                 interface_status(p), "tests",
                                 stamp_agent_status(stamp_node_agent(p->tester)), "rpc",
                                 rpc_agent_status(p->rpc)));
}

static void
do_test_start(void *arg, struct rpc_request *request, json_t *params)
{
    struct probe *p = arg;
    stamp_node_test_start(p->tester, request, params);
}

static void
do_test_stop(void *arg, struct rpc_request *request, json_t *params)
{
    struct probe *p = arg;
    stamp_node_test_stop(p->tester, request, params);
}

static const struct rpc_method methods[] = {
    {"edge.status", "", "What this probe is and does.", do_status},
    {"test.start", TEST_START_USAGE, TEST_START_HELP, do_test_start},
    {"test.stop", TEST_STOP_USAGE, TEST_STOP_HELP, do_test_stop},
};

static void
on_connected(void *arg UNUSED, const char *address)
{
    log_info("connected to the controller at %s", address);
}

static void
on_disconnected(void *arg UNUSED, const char *address, const char *reason)
{
    log_warn("not connected to the controller at %s: %s", address, reason);
}

/* ---- Life ---- */

static enum err
start_rpc(struct probe *p, const struct probe_config *config, struct diag *diag)
{
    const struct rpc_agent_config rpc = {.control_path = config->control_path,
                                         .rpc_address = config->rpc_address,
                                         .tls = config->tls,
                                         .peer_name = config->controller_name,
                                         .methods = methods,
                                         .n_methods = ARRAY_SIZE(methods),
                                         .connected = on_connected,
                                         .disconnected = on_disconnected,
                                         .arg = p};
    return rpc_agent_new(p->loop, &rpc, &p->rpc, diag);
}

static enum err
start(struct probe *p, const struct probe_config *config, struct diag *diag)
{
    const struct stamp_node_config tester = {config->management_address, send_frame, p};
    enum err err = stamp_node_new(p->loop, &tester, &p->tester, diag);
    if (err)
        return err;
    err = look_for_interface(p, diag);
    if (err && err != ERR_NOT_FOUND)
        return err;
    return start_rpc(p, config, diag);
}

enum err
probe_new(uv_loop_t *loop, const struct probe_config *config, struct probe **probe,
          struct diag *diag)
{
    struct probe *p = xcalloc(1, sizeof *p);
    p->loop = loop;
    p->name = xstrdup(config->name);
    p->interface = xstrdup(config->interface);
    p->started = clock_wall();
    p->pool = packet_pool_new(N_PACKETS, N_JUMBO);
    p->look = timer_new(loop, on_look, p);
    enum err err = start(p, config, diag);
    if (err) {
        probe_free(p);
        return err;
    }
    timer_start(p->look, LOOK_INTERVAL);
    *probe = p;
    return ERR_OK;
}

void
probe_free(struct probe *p)
{
    if (!p)
        return;
    stamp_node_free(p->tester);
    rpc_agent_free(p->rpc);
    close_interface(p);
    timer_free(p->look);
    packet_pool_free(p->pool);
    free(p->name);
    free(p->interface);
    free(p);
}
