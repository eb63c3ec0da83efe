/* What the node answers: doc/edge.md, "What a node answers". */
#include "edge/edge_node_private.h"
#include "edge/trace.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdio.h>

static void
put(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* ---- edge.status ---- */

static void
do_status(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    const struct edge_node *n = arg;
    char dpid[20], started[TIME_TEXT_SIZE], expires[TIME_TEXT_SIZE], address[IPV4_TEXT_SIZE];
    snprintf(dpid, sizeof dpid, "%016llx", (unsigned long long)n->options->datapath_id);
    json_t *status = json_pack("{ss ss ss ss so so}", "name", n->options->name, "datapath-id", dpid,
                               "version", TIELINE_VERSION, "started",
                               time_format(n->started, started), "controllers",
                               openflow_agent_status(n->openflow), "rpc", rpc_agent_status(n->rpc));
    put(status, "rules", n->datapath->n_flows);
    put(status, "groups", n->datapath->groups.n);
    put(status, "meters", n->datapath->meters.n);
    put(status, "ports", n->n_ports);
    put(status, "workers", workers_count(n->workers));
    if (n->options->has_management)
        json_object_set_new(status, "management",
                            json_string(ipv4_format(n->options->management, address)));
    if (n->tls)
        json_object_set_new(status, "certificate-expires",
                            json_string(time_format(tls_not_after(n->tls), expires)));
    rpc_reply(request, status);
}

/* ---- edge.ports ---- */

static json_t *
queues_json(const struct edge_port *port)
{
    json_t *rows = json_array();
    for (unsigned q = 0; q < N_QUEUES; q++) {
        json_t *row = json_object();
        put(row, "queue", q);
        put(row, "packets", counter_get(&port->queues[q].packets));
        put(row, "octets", counter_get(&port->queues[q].octets));
        put(row, "dropped", counter_get(&port->queues[q].dropped));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *
port_json(const struct edge_node *n, const struct edge_port *port)
{
    char mac[MAC_TEXT_SIZE];
    struct port_counters kernel;
    uint32_t config = atomic_load_explicit(&port->config, memory_order_relaxed);
    bool up = atomic_load_explicit(&port->up, memory_order_relaxed);
    bool live = port_is_live(port);
    bool held = atomic_load_explicit(&port->held, memory_order_relaxed);
    bool waiting = up &&
                   (!atomic_load_explicit(&port->live, memory_order_relaxed) ||
                    atomic_load_explicit(&port->fault, memory_order_relaxed) == HEARTBEAT_WAITS);
    workers_port_counters(n->workers, port->number, &kernel);
    json_t *row = json_pack(
        "{sI ss ss sb sb sb sb ss ss sb sb}", "number", (json_int_t)port->number, "name",
        port->name, "driver", workers_port_driver(n->workers, port->number), "up", up, "live", live,
        "waiting", waiting, "held", held, "reason", edge_port_reason(port), "mac",
        mac_format(&port->mac, mac), "configured-down", (config & PORT_CONFIG_DOWN) != 0,
        "isolated", workers_port_is_isolated(n->workers, port->number, NULL));
    put(row, "worker", workers_port_owner(n->workers, port->number));
    put(row, "mtu", atomic_load_explicit(&port->mtu, memory_order_relaxed));
    put(row, "speed-kbps", port->speed_kbps);
    put(row, "rx-packets", counter_get(&port->rx.packets));
    put(row, "rx-octets", counter_get(&port->rx.octets));
    put(row, "rx-lost", kernel.rx_lost);
    put(row, "rx-no-buffer", kernel.rx_no_buffer);
    put(row, "tx-packets", counter_get(&port->tx.packets));
    put(row, "tx-octets", counter_get(&port->tx.octets));
    put(row, "tx-dropped", counter_get(&port->tx.dropped));
    put(row, "tx-refused", kernel.tx_refused);
    json_object_set_new(row, "queues", queues_json(port));
    json_t *heartbeat = edge_heartbeat_json(n, port->number);
    if (heartbeat)
        json_object_set_new(row, "heartbeat", heartbeat);
    return row;
}

static void
do_ports(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    const struct edge_node *n = arg;
    json_t *rows = json_array();
    datapath_collect(n->datapath);
    for (uint32_t i = 0; i < n->n_ports; i++)
        json_array_append_new(rows, port_json(n, n->ports[i].port));
    rpc_reply(request, json_pack("{so}", "ports", rows));
}

/* ---- edge.stats ---- */

static json_t *
counters_json(const struct edge_node *n)
{
    struct pipeline_stats s;
    uint64_t rx = 0, tx = 0;
    json_t *counters = json_object();
    workers_get_stats(n->workers, &s);
    for (uint32_t i = 0; i < n->n_ports; i++) {
        rx += counter_get(&n->ports[i].port->rx.packets);
        tx += counter_get(&n->ports[i].port->tx.packets);
    }
    put(counters, "rx-packets", rx);
    put(counters, "tx-packets", tx);
    put(counters, "cache-hits", s.hits);
    put(counters, "cache-misses", s.misses);
    put(counters, "not-cacheable", s.uncacheable);
    put(counters, "table-changes", n->datapath->n_changes);
    if (n->mirror) {
        struct mirror_counters mirror;
        mirror_count(n->mirror, &mirror);
        put(counters, "mirror-sent", mirror.sent);
        put(counters, "mirror-lost", mirror.lost);
        put(counters, "mirror-refused", mirror.refused);
    }
    if (n->fast) {
        struct fast_path_stats fast;
        fast_path_get_stats(n->fast, &fast);
        put(counters, "kernel-forwarded", fast.forwarded);
        put(counters, "kernel-handed-up", fast.up);
        put(counters, "kernel-programs", fast.offered);
        put(counters, "kernel-declined", fast.declined);
    }
    return counters;
}

static void
do_stats(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    const struct edge_node *n = arg;
    json_t *drops = json_object();
    datapath_collect(n->datapath);
    for (unsigned i = DROP_NONE + 1; i < DROP_MAX; i++)
        put(drops, drop_table[i].name, counter_get(&n->datapath->drops[i]));
    rpc_reply(request, json_pack("{so so}", "counters", counters_json(n), "drops", drops));
}

/* ---- edge.clock ---- */

static void
do_clock(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    const struct edge_node *n = arg;
    rpc_reply(request, ptp_node_json(workers_ptp(n->workers), clock_wall()));
}

/* ---- edge.trace ---- */

static void
do_trace(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    struct trace_packet packet;
    struct diag diag;
    enum err err = trace_packet_parse(params, &packet, &diag);
    if (!err && !datapath_port(n->datapath, packet.in_port) && packet.in_port != PORT_LOCAL &&
        packet.in_port != PORT_CONTROLLER)
        err = diag_set(&diag, ERR_NOT_FOUND, "there is no port %u", packet.in_port);
    if (err)
        rpc_fail(request, err, "%s", diag.text);
    else
        rpc_reply(request, trace_json(n->datapath, &packet));
}

/* ---- edge.config ---- */

static void
do_config(void *arg, struct rpc_request *request, json_t *params)
{
    struct edge_node *n = arg;
    json_t *wait = json_object_get(params, "wait-to-restore-ms");
    const char *text = json_string_value(wait);
    json_int_t ms = json_integer_value(wait);
    if (json_object_get(params, "port")) {
        edge_queues_configure(n, request, params);
    } else if (json_object_size(params) != (wait ? 1 : 0)) {
        rpc_fail(request, ERR_INVALID, "only wait-to-restore-ms and ports can be configured");
    } else if (!wait) {
        rpc_reply(request, NULL);
    } else if (text ? strcmp(text, "manual") != 0
                    : !json_is_integer(wait) || ms < 0 || ms > 24 * 3600 * 1000) {
        rpc_fail(request, ERR_INVALID,
                 "wait-to-restore-ms is a number from 0 to 86400000, or \"manual\"");
    } else {
        workers_set_wait_to_restore(n->workers, text ? -1 : ms * NSEC_PER_MSEC);
        heartbeat_node_set_wait_to_restore(n->heartbeats, text ? -1 : ms * NSEC_PER_MSEC);
        if (text)
            log_info("a port that is up again waits to be released");
        else
            log_info("a port that is up again waits for %lld ms", (long long)ms);
        rpc_reply(request, NULL);
    }
}

/* ---- edge.release-port ---- */

static void
do_release_port(void *arg, struct rpc_request *request, json_t *params)
{
    struct edge_node *n = arg;
    json_t *number = json_object_get(params, "port");
    json_int_t port = number ? json_integer_value(number) : (json_int_t)PORT_ANY;
    if (number &&
        (port < 1 || port > (json_int_t)PORT_MAX || !datapath_port(n->datapath, (uint32_t)port))) {
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port");
        return;
    }
    workers_release_port(n->workers, (uint32_t)port);
    heartbeat_node_release(n->heartbeats, (uint32_t)port);
    edge_node_tell_ports(n);
    rpc_reply(request, NULL);
}

/* ---- edge.hold-port ---- */

static void
do_hold_port(void *arg, struct rpc_request *request, json_t *params)
{
    struct edge_node *n = arg;
    json_int_t number = json_integer_value(json_object_get(params, "port"));
    json_t *hold = json_object_get(params, "hold");
    struct edge_port *port = number < 1 || number > (json_int_t)PORT_MAX
                                 ? NULL
                                 : datapath_port(n->datapath, (uint32_t)number);
    if (!port) {
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port");
    } else if (!json_is_boolean(hold)) {
        rpc_fail(request, ERR_INVALID, "hold is true or false");
    } else {
        atomic_store_explicit(&port->held, json_is_true(hold), memory_order_release);
        edge_node_tell_ports(n);
        rpc_reply(request, NULL);
    }
}

/* ---- edge.forget-peer ---- */

static void
do_forget_peer(void *arg, struct rpc_request *request, json_t *params)
{
    struct edge_node *n = arg;
    json_int_t number = json_integer_value(json_object_get(params, "port"));
    if (number < 1 || number > (json_int_t)PORT_MAX ||
        !heartbeat_node_forget(n->heartbeats, (uint32_t)number))
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port, or it has no heartbeat");
    else
        rpc_reply(request, NULL);
}

/* ---- Tests ---- */

static void
do_test_start(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    stamp_node_test_start(n->tester, request, params);
}

static void
do_test_stop(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    stamp_node_test_stop(n->tester, request, params);
}

/* ---- The table ---- */

const struct rpc_method edge_methods[] = {
    {"edge.status", "", "What the node is, whom it talks to, how much it holds.", do_status},
    {"edge.ports", "", "The ports: driver, state, counters.", do_ports},
    {"edge.stats", "", "The node's counters, and the packets dropped for each reason.", do_stats},
    {"edge.clock", "", "The transparent clock: what it corrects, by which stamps, how well.",
     do_clock},
    {"edge.trace", "{in-port, frame} or {in-port, eth-src, ...}",
     "What happens to a packet, table by table; nothing is sent or counted.", do_trace},
    {"edge.queues", "{port?}", "How the ports share themselves among their queues.",
     edge_queues_tell},
    {"edge.redundancy", "{} or {supervise: {node, stream, group, form?, interval-ms?}}",
     "Circuits that go by two paths at once; tells others that a node's frames do.",
     edge_redundancy_do},
    {"edge.config", "{wait-to-restore-ms: N | \"manual\"} or {port, scheduling}",
     "How long a port that is up again must stay so before groups use it; how a port is shared.",
     do_config},
    {"edge.release-port", "{port?}", "Uses a port, or all, that waits to be used again, now.",
     do_release_port},
    {"edge.hold-port", "{port, hold: true | false}",
     "Keeps groups from using a port whatever its carrier, until it is let go.", do_hold_port},
    {"edge.metrics", "", "Everything that is counted, as OpenMetrics text.", edge_do_metrics},
    {"edge.top", TOP_USAGE, "What passes now: ports, flows, groups and drops by their rates.",
     edge_do_top},
    {"edge.capture-start", CAPTURE_START_USAGE, "Copies packets, from now on.",
     edge_do_capture_start},
    {"edge.capture-read", CAPTURE_READ_USAGE, "The next octets of a capture, as pcapng.",
     edge_do_capture_read},
    {"edge.capture-stop", CAPTURE_STOP_USAGE, "Ends a capture; the rest can still be read.",
     edge_do_capture_stop},
    {"edge.forget-peer", "{port}",
     "The port need not have a peer: it is used again until one is heard.", do_forget_peer},
    {"test.start", TEST_START_USAGE, TEST_START_HELP, do_test_start},
    {"test.stop", TEST_STOP_USAGE, TEST_STOP_HELP, do_test_stop},
};
const size_t n_edge_methods = ARRAY_SIZE(edge_methods);
