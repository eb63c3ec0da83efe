/* What a node tells of packets and counters: captures, top, metrics. */
#include "edge/edge_node_private.h"

#include "edge/metrics.h"
#include "io/jsontext.h"

void
edge_node_survey(void *arg, struct survey *survey)
{
    const struct edge_node *n = arg;
    *survey = (struct survey){.datapath = n->datapath,
                              .workers = n->workers,
                              .fast = n->fast,
                              .n_ports = n->n_ports,
                              .name = n->options->name,
                              .datapath_id = n->options->datapath_id,
                              .started = n->started,
                              .punted = n->punted,
                              .mirror = n->mirror};
    for (uint32_t i = 0; i < n->n_ports; i++)
        survey->ports[i] = n->ports[i].port;
}

void
edge_node_put_metrics(void *arg, struct buf *out)
{
    const struct edge_node *n = arg;
    struct survey survey;
    edge_node_survey(arg, &survey);
    json_t *controllers = openflow_agent_status(n->openflow), *rpc = rpc_agent_status(n->rpc);
    survey.controllers = controllers;
    survey.rpc = rpc;
    metrics_put(&survey, out);
    json_decref(controllers);
    json_decref(rpc);
}

void
edge_do_metrics(void *arg, struct rpc_request *request, json_t *params UNUSED)
{
    struct buf text = BUF_INIT;
    edge_node_put_metrics(arg, &text);
    rpc_reply(request, json_pack("{ss so}", "content-type", METRICS_CONTENT_TYPE, "text",
                                 jsontext_string(buf_cstr(&text))));
    buf_fini(&text);
}

void
edge_do_top(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    tops_ask(n->tops, request, params);
}

void
edge_do_capture_start(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    captures_start(n->captures, request, params);
}

void
edge_do_capture_read(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    captures_read(n->captures, request, params);
}

void
edge_do_capture_stop(void *arg, struct rpc_request *request, json_t *params)
{
    const struct edge_node *n = arg;
    captures_stop(n->captures, request, params);
}
