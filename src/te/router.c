#include "te/router.h"

#include "base/alloc.h"
#include "te/plan.h"

#include <stdlib.h>

const char *
te_metric_name(enum te_metric metric)
{
    static const char *const names[TE_METRICS] = {"IGP metric", "TE metric", "delay", "hops"};
    return metric < TE_METRICS ? names[metric] : "?";
}

static void
index_groups(struct te_router *r)
{
    const struct te_network *net = r->net;
    uint32_t n = 0;
    r->first_of_srlg = xcalloc(net->n_srlgs + 2, sizeof *r->first_of_srlg);
    for (uint32_t l = 0; l < net->n_links; l++) {
        n += net->links[l].n_srlgs;
        for (uint32_t i = 0; i < net->links[l].n_srlgs; i++)
            r->first_of_srlg[net->link_srlgs[net->links[l].first_srlg + i] + 2]++;
    }
    for (uint32_t s = 0; s < net->n_srlgs; s++)
        r->first_of_srlg[s + 2] += r->first_of_srlg[s + 1];
    r->of_srlg = xmalloc((n + 1) * sizeof *r->of_srlg);
    for (uint32_t l = 0; l < net->n_links; l++) {
        for (uint32_t i = 0; i < net->links[l].n_srlgs; i++) {
            uint32_t group = net->link_srlgs[net->links[l].first_srlg + i];
            r->of_srlg[r->first_of_srlg[group + 1]++] = l;
        }
    }
}

static void
copy_metrics(struct te_router *r)
{
    uint32_t n = r->net->n_links;
    r->igp = xmalloc((n + 1) * sizeof *r->igp);
    r->te = xmalloc((n + 1) * sizeof *r->te);
    r->delay = xmalloc((n + 1) * sizeof *r->delay);
    r->one = xmalloc((n + 1) * sizeof *r->one);
    r->reverse = xmalloc((n + 1) * sizeof *r->reverse);
    r->usable = xmalloc(n + 1);
    for (uint32_t l = 0; l < n; l++) {
        const struct te_link *link = &r->net->links[l];
        r->igp[l] = link->igp_metric;
        r->te[l] = link->te_metric;
        r->delay[l] = link->delay_us;
        r->one[l] = 1;
        r->reverse[l] = link->reverse;
        r->usable[l] = link->up && link->reverse != TE_NONE && r->net->links[link->reverse].up;
    }
    r->metric[TE_METRIC_IGP] = r->igp;
    r->metric[TE_METRIC_TE] = r->te;
    r->metric[TE_METRIC_DELAY] = r->delay;
    r->metric[TE_METRIC_HOPS] = r->one;
}

struct te_router *
te_router_new(const struct te_network *net)
{
    struct te_router *r = xcalloc(1, sizeof *r);
    uint32_t *to = xmalloc((net->n_links + 1) * sizeof *to);
    r->net = net;
    for (uint32_t l = 0; l < net->n_links; l++)
        to[l] = net->links[l].to;
    digraph_init(&r->graph, net->n_nodes, net->first_out, to);
    digraph_scratch_init(&r->scratch, net->n_nodes);
    free(to);
    copy_metrics(r);
    r->impassable = xmalloc(net->n_nodes + 1);
    for (uint32_t v = 0; v < net->n_nodes; v++)
        r->impassable[v] = !net->nodes[v].passable;
    index_groups(r);
    return r;
}

void
te_router_free(struct te_router *r)
{
    if (!r)
        return;
    while (r->spare) {
        struct te_plan *next = r->spare->next;
        te_plan_destroy(r->spare);
        r->spare = next;
    }
    digraph_fini(&r->graph);
    digraph_scratch_fini(&r->scratch);
    free(r->igp);
    free(r->te);
    free(r->delay);
    free(r->one);
    free(r->reverse);
    free(r->usable);
    free(r->affinity);
    free(r->impassable);
    for (int i = 0; i < TE_PRIORITIES; i++)
        free(r->unreserved[i]);
    free(r->first_of_srlg);
    free(r->of_srlg);
    free(r);
}

const uint64_t *
te_router_unreserved(struct te_router *r, unsigned priority)
{
    uint64_t *bps = r->unreserved[priority];
    if (!bps) {
        r->unreserved[priority] = bps = xmalloc((r->net->n_links + 1) * sizeof *bps);
        for (uint32_t l = 0; l < r->net->n_links; l++)
            bps[l] = r->net->links[l].unreserved_bps[priority];
    }
    return bps;
}

const struct te_affinity *
te_router_affinity(struct te_router *r)
{
    if (!r->affinity) {
        r->affinity = xmalloc((r->net->n_links + 1) * sizeof *r->affinity);
        for (uint32_t l = 0; l < r->net->n_links; l++)
            r->affinity[l] = r->net->links[l].affinity;
    }
    return r->affinity;
}
