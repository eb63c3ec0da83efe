#include "te/risks.h"

#include "base/alloc.h"

#include <stdlib.h>

static void
each_group(const struct te_router *r, uint32_t link, te_risk_fn *fn, void *arg)
{
    if (link == TE_NONE)
        return;
    const struct te_link *l = &r->net->links[link];
    for (uint32_t i = 0; i < l->n_srlgs; i++)
        fn(arg, (struct te_risk){TE_RISK_SRLG, r->net->link_srlgs[l->first_srlg + i]});
}

void
te_each_risk(const struct te_router *r, const struct te_path *path, unsigned disjoint,
             te_risk_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < path->n && (disjoint & TE_DISJOINT_SRLG); i++) {
        each_group(r, path->links[i], fn, arg);
        each_group(r, r->reverse[path->links[i]], fn, arg);
    }
    for (uint32_t i = 0; i <= path->n && path->n && (disjoint & TE_DISJOINT_NODE); i++)
        fn(arg, (struct te_risk){TE_RISK_NODE, i ? r->graph.to[path->links[i - 1]]
                                                 : r->graph.from[path->links[0]]});
    for (uint32_t i = 0; i < path->n; i++) {
        uint32_t l = path->links[i];
        fn(arg, (struct te_risk){TE_RISK_LINK, MIN(l, r->reverse[l])});
    }
}

bool
te_risk_is_end(const struct te_request *ask, struct te_risk risk)
{
    return risk.kind == TE_RISK_NODE && (risk.number == ask->from || risk.number == ask->to);
}

void
te_risk_marks_init(struct te_risk_marks *m, const struct te_router *r)
{
    const uint32_t n[TE_RISKS] = {r->net->n_links, r->net->n_nodes, r->net->n_srlgs};
    m->n = 0;
    for (int i = 0; i < TE_RISKS; i++)
        m->by[i] = xcalloc(n[i] + 1, sizeof *m->by[i]);
}

void
te_risk_marks_fini(struct te_risk_marks *m)
{
    for (int i = 0; i < TE_RISKS; i++)
        free(m->by[i]);
}

struct comparison {
    const struct te_risk_marks *marks;
    const struct te_request *const *asks;
    bool (*is_excused)(const void *arg, struct te_risk);
    const void *arg;
    struct te_common_risks out;
};

static void
mark(void *arg, struct te_risk risk)
{
    const struct te_risk_marks *m = arg;
    m->by[risk.kind][risk.number] = m->n;
}

static void
compare(void *arg, struct te_risk risk)
{
    struct comparison *c = arg;
    uint32_t *marked = &c->marks->by[risk.kind][risk.number];
    if (*marked != c->marks->n)
        return;
    *marked = 0; /* counts once */
    if ((te_risk_is_end(c->asks[0], risk) && te_risk_is_end(c->asks[1], risk)) ||
        (c->is_excused && c->is_excused(c->arg, risk)))
        return;
    c->out.first = c->out.any ? c->out.first : risk;
    c->out.any = true;
    c->out.counts[risk.kind]++;
}

struct te_common_risks
te_compare_risks(struct te_risk_marks *m, const struct te_router *r, unsigned disjoint,
                 const struct te_request *const asks[2], const struct te_path *const paths[2],
                 bool (*is_excused)(const void *arg, struct te_risk), const void *arg)
{
    struct comparison c = {.marks = m, .asks = asks, .is_excused = is_excused, .arg = arg};
    m->n++;
    te_each_risk(r, paths[0], disjoint, mark, m);
    te_each_risk(r, paths[1], disjoint, compare, &c);
    return c.out;
}

void
te_disjoint_count(const struct te_router *r, const struct te_path *a, const struct te_path *b,
                  struct te_disjoint_set *out)
{
    struct te_risk_marks marks;
    struct te_request asks[2] = {{0}};
    const struct te_path *const paths[2] = {a, b};
    out->shared_links = out->shared_nodes = out->shared_srlgs = 0;
    if (!a->n || !b->n)
        return;
    for (int i = 0; i < 2; i++) {
        asks[i].from = r->graph.from[paths[i]->links[0]];
        asks[i].to = r->graph.to[paths[i]->links[paths[i]->n - 1]];
    }
    te_risk_marks_init(&marks, r);
    struct te_common_risks common = te_compare_risks(
        &marks, r, TE_DISJOINT_NODE | TE_DISJOINT_SRLG,
        (const struct te_request *const[]){&asks[0], &asks[1]}, paths, NULL, NULL);
    out->shared_links = common.counts[TE_RISK_LINK];
    out->shared_nodes = common.counts[TE_RISK_NODE];
    out->shared_srlgs = common.counts[TE_RISK_SRLG];
    te_risk_marks_fini(&marks);
}
