/* Why there is no path: which constraint, were it not asked, would let one be. */
#include "te/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const constraint_names[TE_CONSTRAINTS] = {
    [TE_BANDWIDTH] = "the bandwidth",
    [TE_AFFINITY] = "the affinity",
    [TE_MAX_HOPS] = "the bound on hops",
    [TE_MAX_DELAY] = "the bound on delay",
    [TE_MAX_IGP] = "the bound on the IGP metric",
    [TE_MAX_TE] = "the bound on the TE metric",
    [TE_EXCLUDED] = "the exclusions",
    [TE_SYMMETRY] = "the way back over the same links",
    [TE_ASYMMETRY] = "the bound on asymmetry",
    [TE_EXPLICIT] = "the explicit route",
    [TE_UNKNOWN_DELAYS] = "the doubt about unknown delays",
    [TE_OUT_OF_SERVICE] = "what is out of service",
};

const char *
te_constraint_name(enum te_constraint constraint)
{
    return constraint < TE_CONSTRAINTS ? constraint_names[constraint] : "?";
}

/* The request without a constraint. False: that one is not asked for. */
static bool
relax(const struct te_request *ask, enum te_constraint which, struct te_request *out,
      unsigned *flags)
{
    static const struct te_affinity none;
    struct te_constraints *c = &out->constraints;
    *out = *ask;
    *flags = 0;
    switch (which) {
    case TE_BANDWIDTH:
        c->bandwidth_bps = 0;
        return ask->constraints.bandwidth_bps;
    case TE_AFFINITY:
        c->include_any = c->include_all = c->exclude_any = none;
        return memcmp(&ask->constraints.include_any, &none, sizeof none) ||
               memcmp(&ask->constraints.include_all, &none, sizeof none) ||
               memcmp(&ask->constraints.exclude_any, &none, sizeof none);
    case TE_MAX_HOPS:
        c->max_hops = 0;
        return ask->constraints.max_hops;
    case TE_MAX_DELAY:
        c->max_delay_us = 0;
        return ask->constraints.max_delay_us;
    case TE_MAX_IGP:
        c->max_igp = 0;
        return ask->constraints.max_igp;
    case TE_MAX_TE:
        c->max_te = 0;
        return ask->constraints.max_te;
    case TE_EXCLUDED:
        c->n_exclude_nodes = c->n_exclude_links = c->n_exclude_srlgs = 0;
        return ask->constraints.n_exclude_nodes || ask->constraints.n_exclude_links ||
               ask->constraints.n_exclude_srlgs;
    case TE_SYMMETRY:
        c->symmetric = c->bound_asymmetry = false;
        return ask->constraints.symmetric && !ask->constraints.bound_asymmetry;
    case TE_ASYMMETRY:
        c->bound_asymmetry = false;
        c->symmetric = true;
        return ask->constraints.bound_asymmetry;
    case TE_EXPLICIT:
        out->n_hops = 0;
        return ask->n_hops;
    case TE_UNKNOWN_DELAYS:
        *flags = TE_PLAN_KNOWN_DELAYS;
        return !c->assume_delay_us &&
               (c->max_delay_us || c->bound_asymmetry || ask->optimise == TE_METRIC_DELAY);
    default:
        *flags = TE_PLAN_ALL_IN_SERVICE;
        return which == TE_OUT_OF_SERVICE;
    }
}

static bool
is_possible(struct te_router *r, const struct te_request *ask, unsigned flags, struct te_path *path)
{
    struct te_plan *p = te_plan_open(r, ask, flags);
    enum err err = ask->constraints.bound_asymmetry ? te_plan_rank(p, path)
                                                    : te_plan_solve(p, NULL, 0, path);
    te_plan_close(p);
    return !err;
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The most bandwidth with which there is a path: one of those that links have free. */
static uint64_t
find_most(struct te_router *r, const struct te_request *ask)
{
    const struct te_constraints *c = &ask->constraints;
    const uint64_t *free_bps = c->free_bps ? c->free_bps : te_router_unreserved(r, c->priority);
    uint64_t *values = xmalloc((r->net->n_links + 1) * sizeof *values), most = 0;
    uint32_t n = 0, low = 0;
    for (uint32_t l = 0; l < r->net->n_links; l++) {
        if (free_bps[l] && free_bps[l] < c->bandwidth_bps)
            values[n++] = free_bps[l];
    }
    qsort(values, n, sizeof *values, by_value);
    for (uint32_t high = n; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        struct te_request less = *ask;
        struct te_path path;
        less.constraints.bandwidth_bps = values[middle];
        if (is_possible(r, &less, 0, &path)) {
            te_path_fini(&path);
            most = values[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    free(values);
    return most;
}

/* ---- In words ---- */

struct text {
    char *at;
    size_t left;
};

static void PRINTF_LIKE(2, 3) say(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, t->left - 1);
    t->at += used;
    t->left -= used;
}

static double
mega(uint64_t bps)
{
    return (double)bps / 1e6;
}

static double
milli(uint64_t us)
{
    return (double)us / 1e3;
}

static void
say_constraint(struct text *t, const struct te_request *ask, enum te_constraint which)
{
    const struct te_constraints *c = &ask->constraints;
    say(t, "without %s", te_constraint_name(which));
    switch (which) {
    case TE_BANDWIDTH:
        say(t, " of %g Mbit/s at priority %u", mega(c->bandwidth_bps), c->priority);
        break;
    case TE_MAX_HOPS:
        say(t, " (%u)", c->max_hops);
        break;
    case TE_MAX_DELAY:
        say(t, " of %g ms", milli(c->max_delay_us));
        break;
    case TE_MAX_IGP:
        say(t, " (%llu)", (unsigned long long)c->max_igp);
        break;
    case TE_MAX_TE:
        say(t, " (%llu)", (unsigned long long)c->max_te);
        break;
    case TE_ASYMMETRY:
        say(t, " of %g ms", milli(c->max_asymmetry_us));
        break;
    default:
        break;
    }
}

static void
say_path(struct text *t, const struct te_request *ask, const struct te_relaxed *x)
{
    say(t, " there is a path of %g ms, %u hops", milli(x->delay_us), x->hops);
    if (ask->optimise == TE_METRIC_IGP || ask->optimise == TE_METRIC_TE)
        say(t, ", %s %llu", te_metric_name(ask->optimise), (unsigned long long)x->cost);
}

static void
explain(struct te_router *r, const struct te_request *ask, struct te_refusal *why)
{
    struct text t = {why->diag.text, sizeof why->diag.text};
    const struct te_node *nodes = r->net->nodes;
    struct te_request bare = {.from = ask->from, .to = ask->to, .optimise = TE_METRIC_HOPS};
    struct te_path path;
    say(&t, "no path from %s to %s: ", nodes[ask->from].name, nodes[ask->to].name);
    for (uint32_t i = 0; i < why->n; i++) {
        say(&t, i ? "; " : "");
        say_constraint(&t, ask, why->relaxed[i].without);
        say_path(&t, ask, &why->relaxed[i]);
        if (why->relaxed[i].without == TE_BANDWIDTH && why->most_bps)
            say(&t, ", and one for at most %g Mbit/s", mega(why->most_bps));
    }
    if (why->n)
        return;
    if (is_possible(r, &bare, TE_PLAN_ALL_IN_SERVICE, &path)) {
        say(&t, "several constraints are in the way at once");
        te_path_fini(&path);
    } else {
        say(&t, "they are not connected");
    }
}

void
te_refusal_explain(struct te_router *r, const struct te_request *ask, struct te_refusal *why)
{
    *why = (struct te_refusal){0};
    for (int i = 0; i < TE_CONSTRAINTS; i++) {
        struct te_request less;
        struct te_path path;
        unsigned flags;
        if (!relax(ask, (enum te_constraint)i, &less, &flags) ||
            !is_possible(r, &less, flags, &path))
            continue;
        why->relaxed[why->n++] = (struct te_relaxed){(enum te_constraint)i, path.cost,
                                                     path.delay_us, path.n};
        te_path_fini(&path);
        if (i == TE_BANDWIDTH)
            why->most_bps = find_most(r, ask);
    }
    explain(r, ask, why);
}
