/* How ports share themselves among their queues, asked and told. */
#include "edge/edge_node_private.h"
#include "edge/scheduler.h"

static void
put(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *
queue_json(const struct edge_port *port, unsigned number, const struct scheduler_config *c)
{
    const struct queue_config *q = &c->queues[number];
    json_t *row = json_object();
    put(row, "queue", number);
    if (q->weight)
        put(row, "weight", q->weight);
    else
        json_object_set_new(row, "strict", json_true());
    if (q->min_kbps)
        put(row, "min-kbps", q->min_kbps);
    if (q->max_kbps)
        put(row, "max-kbps", q->max_kbps);
    put(row, "limit-packets", SCHEDULER_DEPTH);
    if (scheduler_queue_limit(c, number))
        put(row, "limit-octets", scheduler_queue_limit(c, number));
    put(row, "packets", counter_get(&port->queues[number].packets));
    put(row, "octets", counter_get(&port->queues[number].octets));
    put(row, "dropped", counter_get(&port->queues[number].dropped));
    return row;
}

static json_t *
port_json(const struct edge_port *port)
{
    const struct scheduler_config c = port_scheduling(port);
    struct buf text = BUF_INIT;
    json_t *queues = json_array();
    scheduler_config_format(&c, &text);
    for (unsigned i = 0; i < N_QUEUES; i++)
        json_array_append_new(queues, queue_json(port, i, &c));
    json_t *row = json_pack("{sI ss ss so}", "number", (json_int_t)port->number, "name", port->name,
                            "scheduling", buf_cstr(&text), "queues", queues);
    if (c.rate_kbps) {
        put(row, "rate-kbps", c.rate_kbps);
        put(row, "burst-octets", scheduler_burst(&c));
    }
    buf_fini(&text);
    return row;
}

/* The port the parameters name; NULL: none. */
static struct edge_port *
named_port(const struct edge_node *n, const json_t *params)
{
    json_int_t number = json_integer_value(json_object_get(params, "port"));
    if (number < 1 || number > (json_int_t)PORT_MAX)
        return NULL;
    return datapath_port(n->datapath, (uint32_t)number);
}

void
edge_queues_tell(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    const struct edge_port *only = named_port(n, params);
    if (json_object_get(params, "port") && !only) {
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port");
        return;
    }
    json_t *rows = json_array();
    for (uint32_t i = 0; i < n->n_ports; i++) {
        if (!only || only == n->ports[i].port)
            json_array_append_new(rows, port_json(n->ports[i].port));
    }
    rpc_reply(request, json_pack("{so}", "ports", rows));
}

void
edge_queues_configure(struct edge_node *n, struct rpc_request *request, json_t *params)
{
    struct edge_port *port = named_port(n, params);
    const char *text = json_string_value(json_object_get(params, "scheduling"));
    struct scheduler_config config;
    struct diag diag = {"scheduling is a text such as \"rate=10M,q0=weight:1\""};
    if (!port) {
        rpc_fail(request, ERR_NOT_FOUND, "there is no such port");
    } else if (!text || json_object_size(params) != 2 ||
               scheduler_config_parse(text, &config, &diag)) {
        rpc_fail(request, ERR_INVALID, "%s", diag.text);
    } else {
        datapath_schedule_port(n->datapath, port, &config);
        log_info("port %u is scheduled by \"%s\"", port->number, text);
        rpc_reply(request, NULL);
    }
}
