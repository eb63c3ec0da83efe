#include "edge/edge_node_private.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "io/clock.h"
#include "io/interface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK (NSEC_PER_SEC / 4)
#define WORKER_PRIORITY 5 /* of --realtime: below that of the heartbeats */

/* ---- What the packet thread tells (worker.h) ---- */

static void
on_punt(void *arg, const struct punt *punt, const uint8_t *frame, uint32_t size,
        uint32_t total_size, uint32_t in_port)
{
    struct edge_node *n = arg;
    n->punted++;
    openflow_agent_packet_in(n->openflow, punt, frame, size, total_size, in_port);
}

/* A frame for the node itself: only tests and supervision frames have rules that end here. */
static void
on_local(void *arg, const uint8_t *frame, uint32_t size, uint32_t in_port, nsec_t rx_time,
         bool kernel_time)
{
    struct edge_node *n = arg;
    if (!supervisor_input(&n->supervisor, frame, size, clock_monotonic()))
        stamp_agent_local(stamp_node_agent(n->tester), frame, size, in_port, rx_time, kernel_time);
}

static void
on_transmitted(void *arg, uint32_t token, nsec_t wall)
{
    struct edge_node *n = arg;
    stamp_agent_transmitted(stamp_node_agent(n->tester), token, wall);
}

/* A test packet, as if it came from LOCAL. */
static enum err
send_test(void *arg, const uint8_t *frame, uint32_t size, uint16_t stamp_offset, uint32_t tx_token)
{
    struct edge_node *n = arg;
    const struct injection injection = {.frame = frame,
                                        .size = size,
                                        .in_port = PORT_LOCAL,
                                        .actions = &n->to_tables,
                                        .stamp_offset = stamp_offset,
                                        .tx_token = tx_token};
    return workers_inject(n->workers, &injection);
}

/* A sample; the packet thread limits how many there are. */
static void
on_dropped(void *arg, const uint8_t *frame, uint32_t size, uint32_t in_port,
           enum drop_reason reason)
{
    struct edge_node *n = arg;
    if (!rpc_agent_is_connected(n->rpc))
        return;
    struct buf hex = BUF_INIT;
    hex_put(&hex, frame, size);
    (void)rpc_agent_notify(n->rpc, "edge.dropped",
                           json_pack("{ss sI ss}", "reason", drop_table[reason].name, "in-port",
                                     (json_int_t)in_port, "frame", buf_cstr(&hex)));
    buf_fini(&hex);
}

static void
on_port_changed(void *arg, struct edge_port *port)
{
    struct edge_node *n = arg;
    for (uint32_t i = 0; i < n->n_ports; i++) {
        if (n->ports[i].port == port)
            edge_node_tell_port(n, &n->ports[i]);
    }
}

static void
on_wake(uv_async_t *wake)
{
    struct edge_node *n = wake->data;
    if (!n->has_agents)
        return;
    const struct worker_handler handler = {on_punt,        on_local,        on_dropped,
                                           on_transmitted, on_port_changed, n};
    if (workers_drain(n->workers, &handler))
        uv_async_send(&n->wake);
    if (n->heartbeats)
        edge_node_tell_ports(n); /* what the heartbeats say */
}

/* In the packet thread. */
static void
wake_up(void *arg)
{
    struct edge_node *n = arg;
    uv_async_send(&n->wake);
}

/* ---- Ports ---- */

/* What is behind "port 2 (eth2) is up". */
static const char *
say_reason(const char *reason)
{
    static const struct {
        const char *reason, *text;
    } texts[] = {
        {"held", ", and held"},
        {"silent", ", and hears nothing of its peer"},
        {"not-heard", ", and its peer does not hear it"},
        {"peer-ended", ", and its peer has ended"},
        {"peer-restarted", ", and its peer was started anew"},
        {"waits", ", and waits to be used again"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!strcmp(reason, texts[i].reason))
            return texts[i].text;
    }
    return "";
}

void
edge_node_tell_port(struct edge_node *n, struct told_port *told)
{
    struct edge_port *port = told->port;
    struct interface_info info;
    if (!interface_get(port->name, &info, NULL))
        port->speed_kbps = info.speed_kbps; /* as it was negotiated now */
    told->up = atomic_load_explicit(&port->up, memory_order_acquire);
    told->live = port_is_live(port);
    told->reason = edge_port_reason(port);
    log_info("port %u (%s) is %s%s", port->number, port->name, told->up ? "up" : "down",
             told->up ? say_reason(told->reason) : "");
    openflow_agent_port_changed(n->openflow, port);
    if (rpc_agent_is_connected(n->rpc))
        (void)rpc_agent_notify(n->rpc, "edge.port",
                               json_pack("{sI sb sb ss}", "port", (json_int_t)port->number, "up",
                                         told->up, "live", told->live, "reason", told->reason));
}

void
edge_node_tell_ports(struct edge_node *n)
{
    for (uint32_t i = 0; i < n->n_ports; i++) {
        struct told_port *told = &n->ports[i];
        if (told->up != atomic_load_explicit(&told->port->up, memory_order_acquire) ||
            told->live != port_is_live(told->port) ||
            (told->reason && strcmp(told->reason, edge_port_reason(told->port))))
            edge_node_tell_port(n, told);
    }
}

/* Changes are told as they come; this is for those whose record found no room in the ring. */
static void
on_tick(void *arg)
{
    struct edge_node *n = arg;
    if (!n->has_agents)
        edge_node_start_agents(n);
    if (n->has_agents) {
        edge_node_tell_ports(n);
        edge_redundancy_tick(n);
    }
    timer_start(n->tick, TICK);
}

/* Whose the next port is that does not say so: all workers get as many. */
static unsigned
next_owner(const struct edge_node *n, const struct edge_port_option *o)
{
    return (unsigned)(o - n->options->ports) % workers_count(n->workers);
}

/* The port exists; its interface is not open yet. */
static enum err
add_port(struct edge_node *n, const struct edge_port_option *o, struct diag *diag)
{
    struct interface_info info;
    enum err err = interface_get(o->interface, &info, diag);
    if (err)
        return err;
    struct edge_port *port = datapath_add_port(n->datapath, o->number, o->interface, &info.mac,
                                               clock_monotonic());
    port->speed_kbps = info.speed_kbps;
    datapath_schedule_port(n->datapath, port, &o->scheduling);
    n->ports[n->n_ports++].port = port;
    return ERR_OK;
}

static enum err
open_port(struct edge_node *n, const struct edge_port_option *o, struct handover_taker *taker,
          struct diag *diag)
{
    struct edge_port *port = datapath_port(n->datapath, o->number);
    const char *why = "";
    const struct port_options options = {
        .interface = o->interface,
        .number = o->number,
        .driver = o->driver,
        .tx_timestamps = true,
        .exclusive = true,
        .aside = o->heartbeat ? &heartbeat_frames : NULL,
        .hardware_stamps = n->options->ptp.mode != PTP_OFF,
        .program_in = n->fast ? fast_path_program_in(n->fast) : -1,
        .program_out = n->fast ? fast_path_program_out(n->fast) : -1,
        .parts = taker ? handover_take_parts(taker, o->interface) : NULL};
    unsigned owner = o->has_worker ? o->worker : next_owner(n, o);
    enum err err = workers_add_port(n->workers, owner, port, &options, diag);
    if (!err)
        err = edge_heartbeats_add(n, port, o->heartbeat, diag);
    if (err)
        return err;
    log_info("port %u is %s, driver %s, worker %u", o->number, o->interface,
             workers_port_driver(n->workers, o->number), owner);
    if (!options.parts && !workers_port_is_isolated(n->workers, o->number, &why))
        log_warn("port %u is open to this machine's own network stack: %s", o->number, why);
    return ERR_OK;
}

/* Before there is anything that it shares memory with. */
static enum err
start_fast_path(struct edge_node *n, struct diag *diag)
{
    bool wanted = false;
    for (uint32_t i = 0; i < n->options->n_ports; i++)
        wanted |= n->options->ports[i].driver == PORT_DRIVER_KERNEL;
    return wanted ? fast_path_new(n->datapath, &n->fast, diag) : ERR_OK;
}

/* "auto": one for each processor, as long as there are ports for them. */
static unsigned
workers_wanted(const struct edge_node *n)
{
    long processors = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
    return (unsigned)MIN(MIN(processors, (long)n->options->n_ports), WORKERS_MAX);
}

static enum err
open_ports(struct edge_node *n, struct handover_taker *taker, struct diag *diag)
{
    edge_heartbeats_new(n, wake_up);
    unsigned wanted = n->options->n_workers ? n->options->n_workers : workers_wanted(n);
    struct worker_options options = {.n_workers = wanted,
                                     .cache_size = n->options->cache_programs,
                                     .fast = n->fast,
                                     .ptp = n->options->ptp,
                                     .busy_poll = n->options->busy_poll,
                                     .priority = n->options->realtime ? WORKER_PRIORITY : 0,
                                     .heartbeats = n->options->busy_poll ? n->heartbeats : NULL,
                                     .wake = wake_up,
                                     .wake_arg = n};
    options.ptp.address = n->options->has_management ? n->options->management : 0;
    enum err err = workers_new(n->datapath, &options, &n->workers, diag);
    if (err)
        return err;
    workers_set_wait_to_restore(n->workers, n->options->wait_to_restore);
    for (uint32_t i = 0; i < n->options->n_ports && !err; i++) {
        err = add_port(n, &n->options->ports[i], diag);
        if (err)
            diag_prefix(diag, "port %u", n->options->ports[i].number);
    }
    if (!err && taker)
        err = handover_take_tables(taker, diag);
    for (uint32_t i = 0; i < n->options->n_ports && !err; i++) {
        err = open_port(n, &n->options->ports[i], taker, diag);
        if (err)
            diag_prefix(diag, "port %u", n->options->ports[i].number);
    }
    return err;
}

/* ---- Agents ---- */

static enum err
load_identity(struct edge_node *n, struct diag *diag)
{
    const struct edge_options *o = n->options;
    const struct tls_config config = {o->ca, o->cert, o->key};
    char expires[TIME_TEXT_SIZE];
    if (!o->ca)
        return ERR_OK;
    enum err err = tls_new(&config, &n->tls, diag);
    if (!err && tls_not_after(n->tls) < clock_wall())
        log_warn("%s has expired on %s", o->cert, time_format(tls_not_after(n->tls), expires));
    return err;
}

static enum err
start_openflow(struct edge_node *n, struct diag *diag)
{
    const struct edge_options *o = n->options;
    char *beside = o->control ? xasprintf("%s.of", o->control) : NULL;
    const struct openflow_agent_config config = {
        .datapath = n->datapath,
        .workers = n->workers,
        .datapath_id = o->datapath_id,
        .name = o->name,
        .controllers = o->controllers,
        .n_controllers = o->n_controllers,
        .listen_path = o->openflow_listen ? o->openflow_listen : beside,
        .tls = n->tls,
        .controller_name = o->controller_name,
    };
    enum err err = openflow_agent_new(n->loop, &config, &n->openflow, diag);
    free(beside);
    return err;
}

static void
on_rpc_connected(void *arg, const char *address)
{
    struct edge_node *n = arg;
    n->rpc_reason[0] = '\0';
    log_info("JSON-RPC with %s is up", address);
}

static void
on_rpc_disconnected(void *arg, const char *address, const char *reason)
{
    struct edge_node *n = arg;
    /* Once per loss, not once per attempt. */
    if (strcmp(n->rpc_reason, reason))
        log_warn("JSON-RPC with %s: %s", address, reason);
    snprintf(n->rpc_reason, sizeof n->rpc_reason, "%s", reason);
}

static enum err
start_rpc(struct edge_node *n, struct diag *diag)
{
    const struct edge_options *o = n->options;
    const struct rpc_agent_config config = {
        .control_path = o->control,
        .rpc_address = o->rpc,
        .tls = n->tls,
        .peer_name = o->controller_name,
        .methods = edge_methods,
        .n_methods = n_edge_methods,
        .connected = on_rpc_connected,
        .disconnected = on_rpc_disconnected,
        .arg = n,
    };
    return rpc_agent_new(n->loop, &config, &n->rpc, diag);
}

static enum err
start_tester(struct edge_node *n, struct diag *diag)
{
    const struct stamp_node_config config = {n->options->management, send_test, n};
    actions_output(&n->to_tables, PORT_TABLE);
    return stamp_node_new(n->loop, &config, &n->tester, diag);
}

/* What tells of the node to those who ask. */
static enum err
start_telling(struct edge_node *n, struct diag *diag)
{
    const struct edge_options *o = n->options;
    struct capture_config config = {n->datapath, n->workers, n->fast, o->name, {NULL}, n->n_ports};
    for (uint32_t i = 0; i < n->n_ports; i++)
        config.ports[i] = n->ports[i].port;
    if (!n->captures)
        n->captures = captures_new(n->loop, &config);
    n->tops = tops_new(n->loop, edge_node_survey, n);
    enum err err = ERR_OK;
    if (o->mirror.is_on)
        err = mirror_new(n->loop, &o->mirror, o->has_management ? o->management : 0, &config,
                         n->captures, &n->mirror, diag);
    if (err || !o->metrics)
        return err;
    return metrics_server_new(n->loop, o->metrics, edge_node_put_metrics, n, &n->metrics, diag);
}

/* Whoever may change tables, or ask for a handover. */
static enum err
start_agents(struct edge_node *n, struct diag *diag)
{
    enum err err = start_telling(n, diag);
    if (!err)
        err = start_tester(n, diag);
    if (!err)
        err = start_openflow(n, diag);
    if (!err)
        err = start_rpc(n, diag);
    if (!err && n->options->control)
        err = handover_giver_new(n, &n->giver, diag);
    n->has_agents = !err;
    return err;
}

void
edge_node_stop_agents(struct edge_node *n)
{
    n->has_agents = false;
    handover_giver_free(n->giver);
    stamp_node_free(n->tester); /* its answers go before the connections */
    captures_end(n->captures);  /* likewise */
    mirror_free(n->mirror);
    tops_free(n->tops);
    metrics_server_free(n->metrics);
    rpc_agent_free(n->rpc);
    openflow_agent_free(n->openflow);
    n->giver = NULL;
    n->tester = NULL;
    n->mirror = NULL;
    n->tops = NULL;
    n->metrics = NULL;
    n->rpc = NULL;
    n->openflow = NULL;
    actions_free(&n->to_tables);
    n->to_tables = (struct actions){NULL, 0};
}

void
edge_node_start_agents(struct edge_node *n)
{
    struct diag diag;
    if (start_agents(n, &diag)) {
        log_error("%s", diag.text);
        edge_node_stop_agents(n);
        return;
    }
    uv_async_send(&n->wake);
}

/* ---- Life ---- */

static enum err
start_as(struct edge_node *n, struct handover_taker *taker, struct diag *diag)
{
    enum err err = open_ports(n, taker, diag);
    if (!err)
        err = start_agents(n, diag);
    if (!err && !taker)
        err = edge_heartbeats_start(n, diag);
    if (!err)
        err = taker ? handover_take_traffic(taker, diag) : workers_start(n->workers, diag);
    if (!err && taker) /* not beside those of the old process */
        err = edge_heartbeats_start(n, diag);
    if (!err && n->options->realtime && !workers_are_realtime(n->workers))
        log_warn("packet threads have no real-time priority: it is not permitted");
    return err;
}

static enum err
start(struct edge_node *n, struct diag *diag)
{
    const struct limits limits = {
        .flows = n->options->max_flows, .groups = 65536, .meters = 65536, .buckets = 256};
    struct handover_taker *taker = NULL;
    n->datapath = datapath_new(&limits);
    enum err err = load_identity(n, diag);
    if (!err)
        err = start_fast_path(n, diag);
    if (!err)
        err = handover_ask(n, &taker, diag);
    if (!err)
        err = start_as(n, taker, diag);
    if (err && taker) /* before the other one knows that we have given up */
        edge_node_stop_agents(n);
    handover_taker_free(taker);
    return err;
}

enum err
edge_node_new(uv_loop_t *loop, const struct edge_options *options, struct edge_node **result,
              struct diag *diag)
{
    struct edge_node *n = xcalloc(1, sizeof *n);
    n->loop = loop;
    n->options = options;
    n->started = clock_wall();
    uv_async_init(loop, &n->wake, on_wake);
    n->wake.data = n;
    n->tick = timer_new(loop, on_tick, n);
    enum err err = successor_gate_new(options->trust, &n->successors, diag);
    if (!err)
        err = start(n, diag);
    if (err) {
        edge_node_free(n);
        return err;
    }
    timer_start(n->tick, TICK);
    log_info("node %s, datapath id %016llx, %u ports", options->name,
             (unsigned long long)options->datapath_id, n->n_ports);
    *result = n;
    return ERR_OK;
}

static void
on_wake_closed(uv_handle_t *wake)
{
    free(wake->data);
}

void
edge_node_free(struct edge_node *n)
{
    if (!n)
        return;
    heartbeat_node_end(n->heartbeats); /* the peers' groups have as long as the rest takes */
    edge_node_stop_agents(n);
    workers_free(n->workers);
    heartbeat_node_free(n->heartbeats);
    captures_free(n->captures);
    datapath_free(n->datapath);
    fast_path_free(n->fast);
    tls_free(n->tls);
    successor_gate_free(n->successors);
    timer_free(n->tick);
    uv_close((uv_handle_t *)&n->wake, on_wake_closed);
}

void
edge_node_leave(struct edge_node *n)
{
    heartbeat_node_end(n->heartbeats);
}

void
edge_node_on_handed_over(struct edge_node *n, void (*fn)(void *arg), void *arg)
{
    n->handed_over = fn;
    n->handed_over_arg = arg;
}

enum err
edge_node_reload(struct edge_node *n, struct diag *diag)
{
    if (!n->tls)
        return diag_set(diag, ERR_NOT_FOUND, "there are none");
    return tls_reload(n->tls, diag);
}
