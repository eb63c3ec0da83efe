/* What a scenario answers. */
#include "engineer/scenario_private.h"

#include "base/alloc.h"
#include "engineer/bounds_json.h"
#include "engineer/fit_json.h"

#include <stdlib.h>
#include <string.h>

json_t *
scenario_list(uint32_t n, json_t *list)
{
    return json_pack("{s:I, s:o}", "n", (json_int_t)n, "list", list);
}

static bool
has_room(const json_t *list)
{
    return json_array_size(list) < SCENARIO_SHOWN;
}

/* ---- What was changed ---- */

static void
note_change(json_t *list, uint32_t *n, const char *action, enum object_kind kind, const char *name)
{
    if ((*n)++ < SCENARIO_SHOWN)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "action", action, "kind",
                                              object_class(kind)->word, "name", name));
}

static void
note_changes(const struct scenario *s, enum object_kind kind, json_t *list, uint32_t *n)
{
    for (const void *object = network_first(s->network, kind); object;
         object = object_next(kind, object)) {
        const char *name = object_name(kind, object);
        const void *before = network_find(s->base, kind, name);
        if (!before || !object_equal(kind, before, object))
            note_change(list, n, before ? "changed" : "created", kind, name);
    }
    for (const void *object = network_first(s->base, kind); object;
         object = object_next(kind, object)) {
        if (!network_find(s->network, kind, object_name(kind, object)))
            note_change(list, n, "removed", kind, object_name(kind, object));
    }
}

json_t *
scenario_changes_to_json(const struct scenario *s)
{
    json_t *list = json_array();
    uint32_t n = 0;
    for (enum object_kind kind = OBJECT_SITE; kind <= OBJECT_CIRCUIT; kind++)
        note_changes(s, kind, list, &n);
    if (!object_equal(OBJECT_SETTINGS, &s->base->settings, &s->network->settings))
        note_change(list, &n, "changed", OBJECT_SETTINGS, "settings");
    return scenario_list(n, list);
}

/* ---- Circuits that were designed ---- */

static void
put_verdicts(const struct settlement *s, bool fit, json_t *list)
{
    for (uint32_t i = 0; i < s->n && has_room(list); i++) {
        const struct fit_verdict *v = &s->fit.verdicts[i];
        if ((v->limit == FIT_NONE) != fit)
            continue;
        json_t *json = fit_verdict_to_json(v);
        json_object_set_new(json, "why", json_string(s->pending[i].why));
        json_array_append_new(list, json);
    }
}

json_t *
settlement_to_json(const struct settlement *s)
{
    json_t *list = json_array();
    put_verdicts(s, false, list);
    put_verdicts(s, true, list);
    json_t *json = scenario_list(s->n, list);
    json_object_set_new(json, "n-fit", json_integer(s->fit.counts[FIT_AS_GIVEN].n_fit));
    return json;
}

/* ---- Latency ---- */

/* The worst cases of a network's circuits in both states. */
struct worst_cases {
    uint32_t n;
    struct bounds_figures *of[BOUNDS_STATE_MAX]; /* by name */
};

static int
by_circuit(const void *a, const void *b)
{
    const struct bounds_figures *x = a, *y = b;
    return strcmp(x->circuit->name, y->circuit->name);
}

static void
worst_cases_init(struct worst_cases *w, const struct bounds *b)
{
    struct bounds_size size;
    bounds_get_size(b, BOUNDS_NORMAL, &size);
    w->n = size.circuits;
    for (int state = 0; state < BOUNDS_STATE_MAX; state++) {
        w->of[state] = bounds_all(b, state);
        if (w->n)
            qsort(w->of[state], w->n, sizeof *w->of[state], by_circuit);
    }
}

static void
worst_cases_fini(struct worst_cases *w)
{
    for (int state = 0; state < BOUNDS_STATE_MAX; state++)
        free(w->of[state]);
}

static const struct bounds_figures *
worst_case(const struct worst_cases *w, enum bounds_state state, const struct circuit *c)
{
    struct bounds_figures key = {.circuit = c};
    return w->n ? bsearch(&key, w->of[state], w->n, sizeof key, by_circuit) : NULL;
}

static bool
keeps_budget(const struct bounds_figures *f)
{
    const struct bounds_budget budget = bounds_budget_of(f->circuit);
    return bounds_budget_holds(&budget, f->worst, f->asymmetry);
}

static void
set_worst(json_t *row, const char *key, const struct bounds_figures *f)
{
    if (f)
        json_object_set_new(row, key, bounds_worst_to_json(f->worst));
}

static json_t *
worst_case_row(const struct worst_cases *before, const struct worst_cases *after,
               const struct circuit *c, bool broken)
{
    json_t *row = json_pack("{s:s, s:b}", "circuit", c->name, "broken", broken);
    if (c->max_latency_us)
        json_object_set_new(row, "budget-us", json_integer(c->max_latency_us));
    if (c->max_asymmetry_us) {
        const struct bounds_figures *f = worst_case(after, BOUNDS_NORMAL, c);
        json_object_set_new(row, "asymmetry-budget-us", json_integer(c->max_asymmetry_us));
        if (f)
            json_object_set_new(row, "asymmetry-us", bounds_worst_to_json(f->asymmetry));
    }
    set_worst(row, "normal-us", worst_case(after, BOUNDS_NORMAL, c));
    set_worst(row, "failure-us", worst_case(after, BOUNDS_FAILURE, c));
    set_worst(row, "normal-before-us", worst_case(before, BOUNDS_NORMAL, c));
    set_worst(row, "failure-before-us", worst_case(before, BOUNDS_FAILURE, c));
    return row;
}

struct unmet {
    uint32_t normal, failure, broken;
};

/* First those that do not keep their budgets. */
static void
put_unmet(const struct worst_cases *before, const struct worst_cases *after, json_t *list,
          struct unmet *unmet)
{
    for (uint32_t i = 0; i < after->n; i++) {
        const struct bounds_figures *normal = &after->of[BOUNDS_NORMAL][i];
        const struct bounds_figures *old = worst_case(before, BOUNDS_NORMAL, normal->circuit);
        unmet->failure += !keeps_budget(&after->of[BOUNDS_FAILURE][i]);
        if (keeps_budget(normal))
            continue;
        bool broken = !old || keeps_budget(old);
        unmet->normal++;
        unmet->broken += broken;
        if (has_room(list))
            json_array_append_new(list, worst_case_row(before, after, normal->circuit, broken));
    }
}

/* Then those that were designed. */
static void
put_designed(const struct worst_cases *before, const struct worst_cases *after,
             const struct settlement *settled, json_t *list)
{
    for (uint32_t i = 0; i < settled->n && has_room(list); i++) {
        const struct circuit *c = settled->pending[i].circuit;
        const struct bounds_figures *f = worst_case(after, BOUNDS_NORMAL, c);
        if (f && keeps_budget(f))
            json_array_append_new(list, worst_case_row(before, after, c, false));
    }
}

static json_t *
overloads_to_json(const struct bounds *b)
{
    struct bounds_overload *overloads;
    uint32_t n;
    json_t *list = json_array();
    bounds_overloads(b, BOUNDS_NORMAL, &overloads, &n);
    for (uint32_t i = 0; i < n && has_room(list); i++) {
        struct buf text = BUF_INIT;
        bounds_overload_format(&overloads[i], &text);
        json_array_append_new(list, json_string(buf_cstr(&text)));
        buf_fini(&text);
    }
    free(overloads);
    return list;
}

static json_t *
compare_bounds(const struct bounds *old, const struct bounds *now, const struct settlement *settled,
               struct unmet *unmet)
{
    struct worst_cases before, after;
    json_t *list = json_array();
    worst_cases_init(&before, old);
    worst_cases_init(&after, now);
    put_unmet(&before, &after, list, unmet);
    put_designed(&before, &after, settled, list);
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "n", (json_int_t)after.n, "n-unmet",
                             (json_int_t)unmet->normal, "n-unmet-after-failure",
                             (json_int_t)unmet->failure, "n-broken", (json_int_t)unmet->broken,
                             "list", list, "overloads", overloads_to_json(now));
    worst_cases_fini(&before);
    worst_cases_fini(&after);
    return json;
}

enum err
scenario_bounds_to_json(const struct scenario *s, const struct settlement *settled, json_t **result,
                        uint32_t *n_broken, struct diag *diag)
{
    struct bounds *before = NULL, *after = NULL;
    struct unmet unmet = {0};
    enum err err = bounds_new(s->base, &bounds_defaults, &before, diag);
    if (!err)
        err = bounds_new(s->network, &bounds_defaults, &after, diag);
    if (!err)
        *result = compare_bounds(before, after, settled, &unmet);
    *n_broken = unmet.broken;
    bounds_free(before);
    bounds_free(after);
    return err;
}

/* ---- The difference ---- */

static json_t *
route_to_json(const struct route *route)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < route->n_links; i++)
        json_array_append_new(list, json_string(route->links[i]));
    return list;
}

static void
set_paths(json_t *json, const char *key, const struct design *d)
{
    if (!d)
        return;
    json_t *paths = json_pack("{s:o}", "primary", route_to_json(&d->primary));
    if (d->has_failover)
        json_object_set_new(paths, "failover", route_to_json(&d->failover));
    json_object_set_new(json, key, paths);
}

static json_t *
circuit_changes_to_json(const struct comparison *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->n_circuits && has_room(list); i++) {
        const struct circuit_change *change = &c->circuits[i];
        json_t *json = json_pack("{s:s, s:s}", "circuit", change->circuit, "change",
                                 circuit_change_name(change->kind));
        set_paths(json, "before", change->before);
        set_paths(json, "after", change->after);
        json_array_append_new(list, json);
    }
    return scenario_list(c->n_circuits, list);
}

static json_t *
node_changes_to_json(const struct comparison *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->n_nodes && has_room(list); i++) {
        const struct node_change *n = &c->nodes[i];
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I}", "node", n->node, "added", (json_int_t)n->added,
                            "removed", (json_int_t)n->removed, "changed", (json_int_t)n->changed));
    }
    return scenario_list(c->n_nodes, list);
}

static json_t *
utilisation_to_json(const struct comparison *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->n_hot && has_room(list); i++) {
        const struct link_load *l = &c->hot[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:I, s:I}", "link", l->link,
                                        "capacity-kbps", (json_int_t)l->after_capacity_kbps,
                                        "reserved-kbps", (json_int_t)l->after_kbps,
                                        "before-capacity-kbps", (json_int_t)l->before_capacity_kbps,
                                        "before-kbps", (json_int_t)l->before_kbps));
    }
    return scenario_list(c->n_hot, list);
}

void
scenario_add_difference(json_t *answer, const struct planned *before, const struct planned *after)
{
    struct comparison c;
    compare_planned(before, after, 0, &c);
    json_object_set_new(answer, "difference",
                        json_pack("{s:o, s:o, s:I, s:I, s:I}", "circuits",
                                  circuit_changes_to_json(&c), "nodes", node_changes_to_json(&c),
                                  "rules-added", (json_int_t)c.rules_added, "rules-removed",
                                  (json_int_t)c.rules_removed, "rules-changed",
                                  (json_int_t)c.rules_changed));
    json_object_set_new(answer, "utilisation", utilisation_to_json(&c));
    comparison_fini(&c);
}

/* ---- Failures ---- */

static json_t *
failure_to_text(const struct failure *f)
{
    char *text = xasprintf("%s %s", failure_kind_name(f->kind), f->name);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *
impacts_to_json(const struct impact *impact)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < impact->n && has_room(list); i++) {
        const struct circuit_impact *c = &impact->circuits[i];
        json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "circuit", c->circuit, "impact",
                                 impact_name(c->kind), "receiver", c->receiver, "redesigned",
                                 c->redesign != NULL);
        if (c->reason)
            json_object_set_new(json, "reason", json_string(c->reason));
        json_array_append_new(list, json);
    }
    return list;
}

enum err
scenario_failure_to_json(const struct network *net, const struct failure *failures, uint32_t n,
                         json_t **result, struct diag *diag)
{
    struct impact impact;
    enum err err = impact_of_failures(net, failures, n, &impact, diag);
    if (err)
        return err;
    json_t *failed = json_array(), *counts = json_object();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(failed, failure_to_text(&failures[i]));
    for (int kind = 0; kind < IMPACT_KINDS; kind++)
        json_object_set_new(counts, impact_name(kind), json_integer(impact.counts[kind]));
    *result = scenario_list(impact.n, impacts_to_json(&impact));
    json_object_set_new(*result, "failed", failed);
    json_object_set_new(*result, "counts", counts);
    json_object_set_new(*result, "n-redesigned", json_integer(impact.n_redesigned));
    impact_fini(&impact);
    return ERR_OK;
}

struct outcome {
    struct failure failure;
    uint32_t place; /* in the order in which they were tried */
    uint32_t counts[IMPACT_KINDS], n_redesigned;
};

struct outcomes {
    uint32_t tried; /* also what hits nothing */
    uint32_t n, capacity;
    struct outcome *list;
};

static void
try_failure(const struct network *net, enum failure_kind kind, const char *name,
            struct outcomes *all)
{
    struct failure failure = {kind, name};
    struct impact impact;
    if (impact_of_failures(net, &failure, 1, &impact, NULL))
        return; /* a link with an end at no node */
    all->tried++;
    if (!impact.n) {
        impact_fini(&impact);
        return;
    }
    GROW(all->list, all->n, all->capacity);
    struct outcome *o = &all->list[all->n];
    *o = (struct outcome){
        .failure = failure, .place = all->n++, .n_redesigned = impact.n_redesigned};
    memcpy(o->counts, impact.counts, sizeof o->counts);
    impact_fini(&impact);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each once, by name. */
static void
try_shared_risks(const struct network *net, struct outcomes *all)
{
    uint32_t n = 0, capacity = 0;
    const char **names = NULL;
    for (const struct link *l = net->links; l; l = l->hh.next) {
        for (uint32_t i = 0; i < l->n_shared_risks; i++) {
            GROW(names, n, capacity);
            names[n++] = l->shared_risks[i];
        }
    }
    if (n)
        qsort(names, n, sizeof *names, by_text);
    for (uint32_t i = 0; i < n; i++) {
        if (!i || strcmp(names[i - 1], names[i]) != 0)
            try_failure(net, FAILURE_SHARED_RISK, names[i], all);
    }
    free(names);
}

/* By falling harm: what stands still, what has to move, what is left unprotected. */
static int
by_harm(const void *a, const void *b)
{
    static const enum impact_kind order[] = {IMPACT_DOWN, IMPACT_END_LOST, IMPACT_ON_FAILOVER,
                                             IMPACT_LOSES_FAILOVER};
    const struct outcome *x = a, *y = b;
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if (x->counts[order[i]] != y->counts[order[i]])
            return x->counts[order[i]] > y->counts[order[i]] ? -1 : 1;
    }
    return x->place < y->place ? -1 : 1;
}

json_t *
scenario_failures_to_json(const struct network *net)
{
    struct outcomes all = {0};
    json_t *list = json_array();
    for (const struct link *l = net->links; l; l = l->hh.next)
        try_failure(net, FAILURE_LINK, l->name, &all);
    for (const struct node *n = net->nodes; n; n = n->hh.next)
        try_failure(net, FAILURE_NODE, n->name, &all);
    try_shared_risks(net, &all);
    if (all.n)
        qsort(all.list, all.n, sizeof *all.list, by_harm);
    for (uint32_t i = 0; i < all.n && has_room(list); i++) {
        const struct outcome *o = &all.list[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "element",
                                        failure_to_text(&o->failure), "lost",
                                        (json_int_t)o->counts[IMPACT_DOWN], "ends-lost",
                                        (json_int_t)o->counts[IMPACT_END_LOST], "on-failover",
                                        (json_int_t)o->counts[IMPACT_ON_FAILOVER], "lose-failover",
                                        (json_int_t)o->counts[IMPACT_LOSES_FAILOVER], "redesigned",
                                        (json_int_t)o->n_redesigned));
    }
    json_t *json = scenario_list(all.n, list);
    json_object_set_new(json, "tried", json_integer(all.tried));
    free(all.list);
    return json;
}
