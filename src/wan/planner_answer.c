/* planner_answer.c - paths that routers ask for by themselves. */
#include "wan/planner_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* By its router id, else by an address of one of its links. */
static uint32_t
find_node(const struct planner *p, const struct te_address *address)
{
    for (uint32_t i = 0; i < p->net->n_nodes; i++) {
        if (wan_address_equal(&p->net->nodes[i].router_id, address))
            return i;
    }
    for (uint32_t i = 0; i < p->net->n_links; i++) {
        if (wan_address_equal(&p->net->links[i].local, address))
            return p->net->links[i].from;
    }
    return TE_NONE;
}

static void
write_request(struct planner *p, const struct planner_question *q, struct te_request *r)
{
    static const enum te_metric metrics[TUNNEL_METRIC_MAX] = {
        [TUNNEL_IGP] = TE_METRIC_IGP,
        [TUNNEL_TE] = TE_METRIC_TE,
        [TUNNEL_DELAY] = TE_METRIC_DELAY,
        [TUNNEL_HOPS] = TE_METRIC_HOPS,
    };
    struct te_constraints *c = &r->constraints;
    te_bookings_all_free(p->bookings, q->priority, NULL, 0, 0, p->free_bps);
    r->optimise = metrics[q->metric];
    c->bandwidth_bps = q->bandwidth_bps;
    c->priority = q->priority;
    c->free_bps = p->free_bps;
    c->include_any.words[0] = q->include_any;
    c->include_all.words[0] = q->include_all;
    c->exclude_any.words[0] = q->exclude_any;
    c->max_hops = q->max_hops;
    c->max_delay_us = q->max_delay_us;
    c->max_igp = q->max_igp;
    c->max_te = q->max_te;
}

static enum err
label(struct planner *p, const struct te_path *path, unsigned max_labels, struct planner_answer *a,
      struct diag *diag)
{
    enum err err = planner_stack(p, path->links, path->n, a->segments, &a->n, diag);
    if (!err && max_labels && a->n > max_labels)
        err = diag_set(diag, ERR_LIMIT, "it takes %zu labels, the router can put on %u", a->n,
                       max_labels);
    a->igp = path->igp;
    a->te = path->te;
    a->delay_us = path->delay_us;
    a->hops = path->n;
    return err;
}

enum err
planner_answer(struct planner *p, const struct planner_question *q, struct planner_answer *answer,
               bool *unknown_source, struct diag *diag)
{
    struct te_request request = {0};
    struct te_refusal why = {0};
    struct te_path path = {0};
    struct planner_answer a = {.n = 0};
    *unknown_source = false;
    if (!p->net)
        return diag_set(diag, ERR_NOT_FOUND, "nothing is known of the network yet");
    request.from = find_node(p, &q->source);
    request.to = find_node(p, &q->destination);
    *unknown_source = request.from == TE_NONE;
    if (request.from == TE_NONE || request.to == TE_NONE)
        return diag_set(diag, ERR_INVALID, "the %s is not known",
                        *unknown_source ? "source" : "destination");
    write_request(p, q, &request);
    enum err err = te_route(p->router, &request, &path, &why);
    if (err)
        return diag_set(diag, ERR_NOT_FOUND, "%s", why.diag.text);
    err = path.n ? label(p, &path, q->max_labels, &a, diag)
                 : diag_set(diag, ERR_NOT_FOUND, "it ends where it begins");
    te_path_fini(&path);
    if (!err)
        *answer = a;
    return err;
}
