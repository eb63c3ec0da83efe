/* What the latency bounds rest on, asked of the nodes: their queues by their agents, the speed of
 * their interfaces and their meters as OpenFlow has told them. */
#include "lan/lan_private.h"

#include "base/alloc.h"
#include "engineer/bounds_devices.h"

#include <stdlib.h>

#include <utlist.h>

#define SHOWN_MAX 1000
#define ASK_TIMEOUT (3 * NSEC_PER_SEC)

/* One question, until all nodes have answered. */
struct survey {
    struct lan_service *service;
    struct bus *bus;
    char *reply_to;
    json_t *queues; /* by node: what edge.queues answered */
    uint32_t n_open;
    struct survey *next; /* of the service */
};

struct survey_call {
    struct survey *survey;
    char *node;
};

/* ---- What is known ---- */

static bool
is_ours(void *arg, const struct node *node)
{
    const struct survey *survey = arg;
    return lan_is_ours(survey->service, node);
}

static const json_t *
queues_of(void *arg, const struct node *node)
{
    const struct survey *survey = arg;
    return json_object_get(survey->queues, node->name);
}

static const struct lan_node *
ready_node(const struct survey *survey, const struct node *node)
{
    const struct lan_node *n = lan_node_find(survey->service, node->name);
    return n && lan_node_is_ready(n) ? n : NULL;
}

static uint32_t
interface_kbps(void *arg, const struct node *node, uint32_t port)
{
    const struct lan_node *n = ready_node(arg, node);
    for (uint32_t i = 0; n && i < lan_switch_n_ports(n->sw); i++) {
        if (lan_switch_ports(n->sw)[i].port_no == port)
            return lan_switch_ports(n->sw)[i].curr_speed;
    }
    return 0;
}

static const struct ruleset *
rules_of(void *arg, const struct node *node)
{
    const struct lan_node *n = ready_node(arg, node);
    return n ? lan_switch_held(n->sw) : NULL;
}

/* ---- The answer ---- */

static void
survey_free(struct survey *survey)
{
    free(survey->reply_to);
    json_decref(survey->queues);
    free(survey);
}

static void
answer(struct survey *survey)
{
    const struct bounds_devices devices = {survey->service->config.domain ? is_ours : NULL,
                                           queues_of, interface_kbps, rules_of, survey};
    struct bounds *bounds;
    struct diag diag = {""};
    enum err err = bounds_new(survey->service->planned, &bounds_defaults, &bounds, &diag);
    if (err) {
        bus_reply_error(survey->bus, survey->reply_to, err, "%s", diag.text);
        return;
    }
    bus_reply(survey->bus, survey->reply_to, bounds_check_devices(bounds, &devices, SHOWN_MAX));
    bounds_free(bounds);
}

static void
close_if_done(struct survey *survey)
{
    if (survey->n_open)
        return;
    if (survey->service) {
        answer(survey);
        LL_DELETE(survey->service->surveys, survey);
    }
    survey_free(survey);
}

static void
on_queues(void *arg, const struct call_result *result)
{
    struct survey_call *call = arg;
    struct survey *survey = call->survey;
    if (!result->err)
        json_object_set(survey->queues, call->node, result->value);
    free(call->node);
    free(call);
    survey->n_open--;
    close_if_done(survey);
}

/* Who does not answer is unknown. */
static void
ask_node(struct survey *survey, struct lan_node *n)
{
    struct survey_call *call = xcalloc(1, sizeof *call);
    *call = (struct survey_call){survey, xstrdup(n->name)};
    survey->n_open++;
    if (rpc_call(n->agent, "edge.queues", json_object(), ASK_TIMEOUT, on_queues, call, NULL)) {
        survey->n_open--;
        free(call->node);
        free(call);
    }
}

void
lan_serve_conditions(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct lan_service *s = arg;
    struct survey *survey = xcalloc(1, sizeof *survey);
    *survey = (struct survey){s, bus, m->reply_to ? xstrdup(m->reply_to) : NULL, json_object(),
                              1, NULL};
    LL_PREPEND(s->surveys, survey);
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        const struct node *node = network_node(s->planned, n->name);
        if (n->agent && node && node->kind == NODE_TIELINE_EDGE)
            ask_node(survey, n);
    }
    survey->n_open--;
    close_if_done(survey);
}

/* Calls that are still open end when their connections do; nobody waits for them any more. */
void
lan_surveys_free(struct lan_service *s)
{
    struct survey *survey, *next;
    LL_FOREACH_SAFE(s->surveys, survey, next)
    {
        bus_reply_error(survey->bus, survey->reply_to, ERR_CLOSED, "the service has ended");
        survey->service = NULL;
    }
    s->surveys = NULL;
}
