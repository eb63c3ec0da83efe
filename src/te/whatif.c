#include "te/whatif.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

const char *
te_fate_name(enum te_fate_kind kind)
{
    static const char *const names[TE_FATES] = {"standby", "rerouted", "no path", "no room",
                                                "ends there"};
    return names[kind];
}

struct te_whatif_options
te_whatif_defaults(void)
{
    return (struct te_whatif_options){
        .links = true, .nodes = true, .srlgs = true, .share = 1, .recompute = true, .fates = true};
}

struct trial {
    struct te_state s;
    const struct te_lsp *lsps; /* as they were */
    const struct te_whatif_options *o;
    uint64_t *capacity;
    /* LSPs by link, compressed; those of a symmetric one at both directions. */
    uint32_t *first_at, *at;
    /* Of the failure that is looked at. */
    struct te_outage outage;
    uint32_t ids[3][TE_FAILURE_MAX];
    bool *link_out, *node_out, *hit;
    uint32_t *hits, n_hits;
    struct te_fate *fates; /* by place in hits */
};

static void
index_links(struct trial *t)
{
    const struct te_network *net = t->s.net;
    t->first_at = xcalloc(net->n_links + 2, sizeof *t->first_at);
    for (uint32_t i = 0; i < t->s.n; i++) {
        for (uint32_t j = 0; j < t->lsps[i].n_links; j++)
            t->first_at[t->lsps[i].links[j] + 1]++;
    }
    for (uint32_t l = 0; l < net->n_links; l++)
        t->first_at[l + 1] += t->first_at[l];
    t->at = xcalloc(t->first_at[net->n_links] + 1, sizeof *t->at);
    uint32_t *next = xmemdup(t->first_at, (net->n_links + 1) * sizeof *next);
    for (uint32_t i = 0; i < t->s.n; i++) {
        for (uint32_t j = 0; j < t->lsps[i].n_links; j++)
            t->at[next[t->lsps[i].links[j]]++] = i;
    }
    free(next);
}

static void
note_hit(struct trial *t, uint32_t lsp)
{
    if (!t->hit[lsp])
        t->hits[t->n_hits++] = lsp;
    t->hit[lsp] = true;
}

/* Who is hit, in the order in which they are routed anew. */
static void
find_hits(struct trial *t)
{
    t->n_hits = 0;
    for (uint32_t l = 0; l < t->s.net->n_links; l++) {
        for (uint32_t i = t->first_at[l]; t->link_out[l] && i < t->first_at[l + 1]; i++)
            note_hit(t, t->at[i]);
    }
    te_lsp_sort(t->lsps, t->hits, t->n_hits);
}

static enum err
set_outage(struct trial *t, const struct te_failure *f)
{
    const struct te_network *net = t->s.net;
    const uint32_t limits[3] = {net->n_links, net->n_nodes, net->n_srlgs};
    uint32_t n[3] = {0};
    if (f->n > TE_FAILURE_MAX)
        return ERR_INVALID;
    for (uint32_t i = 0; i < f->n; i++) {
        enum te_element_kind kind = f->elements[i].kind;
        if (kind > TE_FAIL_SRLG || f->elements[i].id >= limits[kind])
            return ERR_INVALID;
        t->ids[kind][n[kind]++] = f->elements[i].id;
    }
    t->outage = (struct te_outage){.links = t->ids[TE_FAIL_LINK],
                                   .nodes = t->ids[TE_FAIL_NODE],
                                   .srlgs = t->ids[TE_FAIL_SRLG],
                                   .n_links = n[TE_FAIL_LINK],
                                   .n_nodes = n[TE_FAIL_NODE],
                                   .n_srlgs = n[TE_FAIL_SRLG]};
    te_outage_mark(net, &t->outage, t->link_out, t->node_out);
    return ERR_OK;
}

static bool
is_whole(const struct trial *t, const uint32_t *links, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (t->link_out[links[i]] || !t->s.router->usable[links[i]])
            return false;
    }
    return n > 0;
}

static uint64_t
delay_of_link(const struct te_network *net, const struct te_lsp *p, uint32_t link)
{
    uint32_t us = link == TE_NONE ? TE_UNKNOWN_US : net->links[link].delay_us;
    return us == TE_UNKNOWN_US && p->constraints.assume_delay_us ? p->constraints.assume_delay_us
                                                                 : us;
}

/* Of the longer direction, if it is symmetric. */
static uint64_t
delay_of(const struct te_network *net, const struct te_lsp *p, const uint32_t *links, uint32_t n)
{
    uint64_t there = 0, back = 0;
    for (uint32_t i = 0; i < n; i++) {
        there += delay_of_link(net, p, links[i]);
        back += delay_of_link(net, p, net->links[links[i]].reverse);
    }
    return te_lsp_is_symmetric(p) ? MAX(there, back) : there;
}

/* On these links now; what no longer holds is marked. */
static void
live_on(struct trial *t, struct te_fate *fate, enum te_fate_kind kind, const uint32_t *links,
        uint32_t n)
{
    const struct te_lsp *p = &t->lsps[fate->lsp];
    te_state_place(&t->s, fate->lsp, links, n);
    fate->kind = kind;
    fate->n_links = n;
    fate->links = t->o->fates ? xmemdup(links, n * sizeof *links) : NULL;
    fate->late = p->constraints.max_delay_us &&
                 delay_of(t->s.net, p, links, n) > p->constraints.max_delay_us;
}

static bool
try_route(struct trial *t, struct te_fate *fate)
{
    struct te_path path;
    if (te_state_route(&t->s, fate->lsp, &t->outage, false, &path))
        return false;
    live_on(t, fate, TE_FATE_REROUTED, path.links, path.n);
    te_path_fini(&path);
    return true;
}

/* As asked; without diversity; without the delay bound. */
static bool
route_anew(struct trial *t, struct te_fate *fate)
{
    struct te_lsp *p = &t->s.lsps[fate->lsp];
    uint32_t partner = p->diverse_from, bound = p->constraints.max_delay_us;
    bool found = try_route(t, fate);
    if (!found && partner != TE_NONE) {
        p->diverse_from = TE_NONE;
        found = try_route(t, fate);
    }
    if (!found && bound) {
        p->constraints.max_delay_us = 0;
        found = try_route(t, fate);
    }
    if (!found) {
        struct te_path path;
        fate->kind = TE_FATE_NO_PATH;
        if (te_state_route(&t->s, fate->lsp, &t->outage, true, &path) == ERR_OK) {
            fate->kind = TE_FATE_NO_ROOM;
            te_path_fini(&path);
        }
    }
    p->diverse_from = partner;
    p->constraints.max_delay_us = bound;
    return found;
}

/* All that is hit: off the network, then back on it as far as that goes. */
static void
decide_fates(struct trial *t)
{
    for (uint32_t i = 0; i < t->n_hits; i++)
        te_state_place(&t->s, t->hits[i], NULL, 0);
    for (uint32_t i = 0; i < t->n_hits; i++) {
        const struct te_lsp *p = &t->lsps[t->hits[i]];
        struct te_fate *fate = &t->fates[i];
        *fate = (struct te_fate){.lsp = t->hits[i], .kind = TE_FATES};
        if (t->node_out[p->from] || t->node_out[p->to])
            fate->kind = TE_FATE_END;
        else if (is_whole(t, p->standby, p->n_standby))
            live_on(t, fate, TE_FATE_STANDBY, p->standby, p->n_standby);
    }
    for (uint32_t i = 0; i < t->n_hits; i++) {
        if (t->fates[i].kind != TE_FATES)
            continue;
        t->fates[i].kind = TE_FATE_NO_PATH;
        if (t->o->recompute)
            route_anew(t, &t->fates[i]);
    }
}

static void
mark_diversity(struct trial *t)
{
    for (uint32_t i = 0; i < t->n_hits; i++) {
        const struct te_lsp *p = &t->s.lsps[t->hits[i]];
        if (p->diverse_from == TE_NONE || !p->n_links)
            continue;
        const struct te_lsp *other = &t->s.lsps[p->diverse_from];
        t->fates[i].not_diverse = other->n_links &&
                                  !te_paths_diverse(t->s.net, p->links, p->n_links, other->links,
                                                    other->n_links, p->diversity);
    }
}

static int
compare_fates(const void *a, const void *b)
{
    const struct te_fate *x = a, *y = b;
    return (x->lsp > y->lsp) - (x->lsp < y->lsp);
}

static void
sum_up(struct trial *t, struct te_impact *out)
{
    out->n_hit = t->n_hits;
    out->hottest = TE_NONE;
    for (uint32_t i = 0; i < t->n_hits; i++) {
        const struct te_fate *f = &t->fates[i];
        const struct te_lsp *p = &t->lsps[f->lsp];
        bool lost = f->kind == TE_FATE_NO_PATH || f->kind == TE_FATE_NO_ROOM;
        out->n[f->kind]++;
        out->bps_lost += lost ? p->constraints.bandwidth_bps : 0;
        out->n_pinned_lost += lost && p->pinned;
        out->n_late += f->late;
        out->n_not_diverse += f->not_diverse;
    }
    for (uint32_t l = 0; l < t->s.net->n_links; l++) {
        double u = (double)t->s.load[l] / (double)MAX(t->capacity[l], 1);
        out->n_over += t->s.load[l] > t->s.limit[l];
        if (u > out->highest) {
            out->highest = u;
            out->hottest = l;
        }
    }
    if (t->o->fates) {
        out->fates = xmemdup(t->fates, (t->n_hits + 1) * sizeof *t->fates);
        qsort(out->fates, t->n_hits, sizeof *out->fates, compare_fates);
    }
}

static enum err
try_failure(struct trial *t, const struct te_failure *f, struct te_impact *out)
{
    enum err err = set_outage(t, f);
    if (err)
        return err;
    *out = (struct te_impact){.failure = *f};
    find_hits(t);
    decide_fates(t);
    mark_diversity(t);
    sum_up(t, out);
    for (uint32_t i = 0; i < t->n_hits; i++) {
        uint32_t lsp = t->hits[i];
        te_state_place(&t->s, lsp, t->lsps[lsp].links, t->lsps[lsp].n_links);
        t->hit[lsp] = false;
    }
    return ERR_OK;
}

/* ---- All failures ---- */

static void
add_failure(struct te_failure *list, uint32_t *n, enum te_element_kind kind, uint32_t id)
{
    list[(*n)++] = (struct te_failure){1, {{kind, id}}};
}

static struct te_failure *
list_failures(const struct te_network *net, const struct te_whatif_options *o, uint32_t *n)
{
    struct te_failure *list = xcalloc(
        (size_t)net->n_links + net->n_nodes + net->n_srlgs + o->n_failures + 1, sizeof *list);
    *n = 0;
    for (uint32_t l = 0; l < net->n_links && o->links; l++) {
        if (net->links[l].up && (net->links[l].reverse == TE_NONE || net->links[l].reverse > l))
            add_failure(list, n, TE_FAIL_LINK, l);
    }
    for (uint32_t v = 0; v < net->n_nodes && o->nodes; v++)
        add_failure(list, n, TE_FAIL_NODE, v);
    for (uint32_t g = 0; g < net->n_srlgs && o->srlgs; g++)
        add_failure(list, n, TE_FAIL_SRLG, g);
    for (uint32_t i = 0; i < o->n_failures; i++)
        list[(*n)++] = o->failures[i];
    return list;
}

#define WORSE(x, y, what)                                                                          \
    if ((x)->what != (y)->what)                                                                    \
    return (x)->what > (y)->what ? -1 : 1

static uint32_t
n_lost(const struct te_impact *i)
{
    return i->n[TE_FATE_NO_PATH] + i->n[TE_FATE_NO_ROOM];
}

static int
compare_impacts(const void *a, const void *b)
{
    const struct te_impact *x = a, *y = b;
    WORSE(x, y, n_pinned_lost);
    WORSE(x, y, bps_lost);
    if (n_lost(x) != n_lost(y))
        return n_lost(x) > n_lost(y) ? -1 : 1;
    WORSE(x, y, n_over);
    uint32_t p = x->n_late + x->n_not_diverse, q = y->n_late + y->n_not_diverse;
    if (p != q)
        return p > q ? -1 : 1;
    WORSE(x, y, highest);
    for (uint32_t i = 0; i < MIN(x->failure.n, y->failure.n); i++) {
        WORSE(y, x, failure.elements[i].kind);
        WORSE(y, x, failure.elements[i].id);
    }
    WORSE(y, x, failure.n);
    return 0;
}

static void
open_trial(struct trial *t)
{
    const struct te_network *net = t->s.net;
    t->capacity = xcalloc(net->n_links + 1, sizeof *t->capacity);
    for (uint32_t l = 0; l < net->n_links; l++)
        t->capacity[l] = t->o->reservable ? net->links[l].reservable_bps
                                          : net->links[l].capacity_bps;
    t->link_out = xcalloc(net->n_links + 1, sizeof *t->link_out);
    t->node_out = xcalloc(net->n_nodes + 1, sizeof *t->node_out);
    t->hit = xcalloc(t->s.n + 1, sizeof *t->hit);
    t->hits = xcalloc(t->s.n + 1, sizeof *t->hits);
    t->fates = xcalloc(t->s.n + 1, sizeof *t->fates);
    index_links(t);
}

static void
close_trial(struct trial *t)
{
    free(t->capacity);
    free(t->first_at);
    free(t->at);
    free(t->link_out);
    free(t->node_out);
    free(t->hit);
    free(t->hits);
    free(t->fates);
    te_state_fini(&t->s);
}

static double
highest_now(const struct trial *t)
{
    double highest = 0;
    for (uint32_t l = 0; l < t->s.net->n_links; l++)
        highest = MAX(highest, (double)t->s.load[l] / (double)MAX(t->capacity[l], 1));
    return highest;
}

enum err
te_whatif(struct te_router *router, const struct te_lsp *lsps, uint32_t n,
          const struct te_whatif_options *o, struct te_whatif *out)
{
    struct trial t = {.lsps = lsps, .o = o};
    struct te_whatif result = {0};
    uint32_t n_failures;
    enum err err = te_state_init(&t.s, router, lsps, n, o->share, o->reservable);
    if (err)
        return err;
    open_trial(&t);
    struct te_failure *failures = list_failures(router->net, o, &n_failures);
    result.highest = highest_now(&t);
    result.impacts = xcalloc(n_failures + 1, sizeof *result.impacts);
    for (uint32_t i = 0; i < n_failures && !err; i++) {
        err = try_failure(&t, &failures[i], &result.impacts[i]);
        result.n += !err;
    }
    result.searches = t.s.n_searches;
    if (err) {
        te_whatif_fini(&result);
    } else {
        qsort(result.impacts, result.n, sizeof *result.impacts, compare_impacts);
        *out = result;
    }
    free(failures);
    close_trial(&t);
    return err;
}

void
te_whatif_fini(struct te_whatif *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        for (uint32_t j = 0; w->impacts[i].fates && j < w->impacts[i].n_hit; j++)
            free(w->impacts[i].fates[j].links);
        free(w->impacts[i].fates);
    }
    free(w->impacts);
    *w = (struct te_whatif){0};
}
