/* links.h - the nodes of the lab around a control centre, with the links and the agents of their
 * own that tests about links need. Static functions only. */
#ifndef TEST_LAN_LINKS_H
#define TEST_LAN_LINKS_H

#include "switch.h"

#include "io/rpc.h"

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static inline UNUSED int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    test_tcp(net, "scada", "fep", "rtu-a", 2404);
    b->centre = centre_new(net);
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    plant_build(b->plant);
    *state = b;
    return 0;
}

static inline UNUSED int
teardown(void **state)
{
    struct bench *b = *state;
    plant_free(b->plant);
    centre_free(b->centre);
    free(b);
    return 0;
}

/* The ports of a link, and the switches at them. */
struct cable {
    struct sw *a, *b;
    uint32_t a_port, b_port;
};

static inline UNUSED struct cable
cable_of(struct bench *b, const char *link)
{
    const struct link *l = network_link(b->centre->state->network, link);
    return (struct cable){plant_switch(b->plant, l->a.node), plant_switch(b->plant, l->b.node),
                          l->a.port, l->b.port};
}

static inline UNUSED void
unplug(const struct cable *c)
{
    c->a->peer[c->a_port] = NULL;
    c->b->peer[c->b_port] = NULL;
}

static inline UNUSED void
plug(const struct cable *c)
{
    sw_wire(c->a, c->a_port, c->b, c->b_port);
}

static inline UNUSED bool
link_is(struct bench *b, const char *link, const char *state)
{
    struct answer a = centre_ask(b->centre, "lan.links", json_object());
    size_t i;
    json_t *row;
    bool is = false;
    json_array_foreach(json_object_get(a.value, "links"), i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "name")), link))
            is = !strcmp(json_string_value(json_object_get(row, "state")), state);
    }
    answer_fini(&a);
    return is;
}

static inline UNUSED void
wait_for_links(struct bench *b)
{
    for (const struct link *l = b->centre->state->network->links; l; l = l->hh.next) {
        char object[128];
        snprintf(object, sizeof object, "link/%s", l->name);
        RUN_UNTIL(b->centre->loop, centre_event(b->centre, "link.state", object));
    }
}

/* ---- Agents */

/* What a node answers besides OpenFlow. */
struct agent {
    struct sw *sw;
    struct stream *stream;
    struct rpc *rpc;
    bool replaced; /* by another connection: that this one ends is right */
    bool refuses_shaping;
    uint32_t n_shaped; /* how often it was told how to share a port */
    uint32_t n_open;   /* questions about its queues, which it leaves open */
    struct rpc_request *open[4];
    const char *reason[32]; /* that it gives for its ports, by number; NULL: "" */
};

static inline UNUSED void
on_hold_port(void *arg, struct rpc_request *request, json_t *params)
{
    struct agent *a = arg;
    json_int_t number = json_integer_value(json_object_get(params, "port"));
    struct edge_port *port = datapath_port(a->sw->dp, (uint32_t)number);
    assert_non_null(port);
    port->held = json_is_true(json_object_get(params, "hold"));
    openflow_switch_port_changed(a->sw->of, port);
    task_schedule(a->sw->run);
    rpc_reply(request, NULL);
}

static inline UNUSED void
on_config(void *arg, struct rpc_request *request, json_t *params)
{
    struct agent *a = arg;
    bool shaping = json_object_get(params, "scheduling") != NULL;
    a->n_shaped += shaping;
    if (shaping && a->refuses_shaping)
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port");
    else
        rpc_reply(request, NULL);
}

static inline json_t *
agent_port(const struct agent *a, const char *number_name, uint32_t number)
{
    const char *reason = a->reason[number] ? a->reason[number] : "";
    return json_pack("{sI sb sb ss}", number_name, (json_int_t)number, "up",
                     strcmp(reason, "down") != 0, "live", !*reason, "reason", reason);
}

static inline UNUSED void
on_ports(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct agent *a = arg;
    json_t *rows = json_array();
    for (uint32_t i = 1; i < ARRAY_SIZE(a->reason); i++) {
        if (datapath_port(a->sw->dp, i))
            json_array_append_new(rows, agent_port(a, "number", i));
    }
    rpc_reply(request, json_pack("{so}", "ports", rows));
}

static inline UNUSED void
on_queues(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct agent *a = arg;
    assert_true(a->n_open < ARRAY_SIZE(a->open));
    a->open[a->n_open++] = request;
}

/* Nobody may wait any more. */
static inline UNUSED void
agent_answers(struct agent *a)
{
    while (a->n_open)
        rpc_reply(a->open[--a->n_open], NULL);
}

/* It says of a port why it is not used; "": it is. */
static inline UNUSED void
agent_says(struct agent *a, uint32_t number, const char *reason)
{
    a->reason[number] = reason;
    assert_ok(rpc_notify(a->rpc, "edge.port", agent_port(a, "port", number)));
}

static const struct rpc_method agent_methods[] = {
    {"edge.hold-port", "{port, hold}", "Holds a port.", on_hold_port},
    {"edge.release-port", "{port?}", "Uses a port again.", on_config},
    {"edge.config", "{...}", "Configures.", on_config},
    {"edge.ports", "", "How the ports are.", on_ports},
    {"edge.queues", "", "How the ports are shared.", on_queues},
};

static inline UNUSED void
on_agent_closed(void *arg, struct rpc *rpc UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    const struct agent *a = arg;
    if (!a->replaced)
        fail_msg("the controller has let go of an agent: %s", reason);
}

static inline UNUSED void
on_agent_opened(void *arg, struct stream *stream)
{
    struct agent *a = arg;
    const struct rpc_config config = {.methods = agent_methods,
                                      .n_methods = ARRAY_SIZE(agent_methods),
                                      .closed = on_agent_closed,
                                      .arg = a};
    a->rpc = rpc_new(a->sw->plant->centre->loop, stream, &config);
}

static const struct stream_handler agent_stream_handler = {.opened = on_agent_opened};

/* `a` is all zero, but for the reasons it gives; or it was connected before. */
static inline UNUSED void
agent_connect(struct agent *a, struct sw *sw)
{
    struct centre *centre = sw->plant->centre;
    const struct stream_config config = {
        .address = centre->rpc_address, .tls = sw->tls, .peer_name = "controller"};
    a->sw = sw;
    a->rpc = NULL;
    assert_ok(stream_connect(centre->loop, &config, &agent_stream_handler, a, &a->stream, NULL));
    RUN_UNTIL(centre->loop, a->rpc);
}

static inline UNUSED struct edge_port *
port_at(struct sw *sw, uint32_t number)
{
    return datapath_port(sw->dp, number);
}

static inline UNUSED bool
is_told_live(struct bench *b, const char *node, uint32_t port)
{
    struct answer a = centre_ask(b->centre, "lan.nodes", json_object());
    size_t i, k;
    json_t *row, *p;
    bool live = false;
    json_array_foreach(json_object_get(a.value, "nodes"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), node))
            continue;
        json_array_foreach(json_object_get(row, "ports"), k, p)
        {
            if (json_integer_value(json_object_get(p, "number")) == port)
                live = json_is_true(json_object_get(p, "live"));
        }
    }
    answer_fini(&a);
    return live;
}

#endif
