#include "engineer/bounds_json.h"

json_t *
bounds_worst_to_json(nsec_t t)
{
    return t == NSEC_NEVER ? json_null()
                           : json_integer((json_int_t)((t + NSEC_PER_USEC - 1) / NSEC_PER_USEC));
}

static json_t *
least_us(nsec_t t)
{
    return json_integer((json_int_t)(t / NSEC_PER_USEC));
}

/* The hop that costs most of the way that takes longest. */
static json_t *
costliest(const struct bounds_way *w)
{
    const struct bounds_hop *hop = w->n_hops ? &w->hops[w->costliest] : NULL;
    return hop ? json_pack("{s:s, s:I, s:o}", "node", hop->node->name, "port",
                           (json_int_t)hop->port, "us", bounds_worst_to_json(hop->total))
               : NULL;
}

static json_t *
state_to_json(const struct bounds_result *r, bool has_asymmetry)
{
    const struct bounds_way *longest = NULL;
    nsec_t best = NSEC_NEVER, jitter = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct bounds_way *w = &r->ways[i];
        if (!longest ||
            (longest->worst != NSEC_NEVER && (w->worst == NSEC_NEVER || w->worst > longest->worst)))
            longest = w;
        if (best == NSEC_NEVER || w->best < best)
            best = w->best;
        nsec_t own = bounds_way_jitter(w);
        if (jitter != NSEC_NEVER && (own == NSEC_NEVER || own > jitter))
            jitter = own;
    }
    json_t *json = json_pack("{s:o, s:o, s:o}", "worst-us", bounds_worst_to_json(r->worst),
                             "best-us", best == NSEC_NEVER ? json_null() : least_us(best),
                             "jitter-us", bounds_worst_to_json(jitter));
    if (has_asymmetry)
        json_object_set_new(json, "asymmetry-us", bounds_worst_to_json(r->asymmetry));
    json_t *hop = longest ? costliest(longest) : NULL;
    if (hop)
        json_object_set_new(json, "costliest", hop);
    return json;
}

enum err
bounds_to_json(const struct bounds *b, const struct circuit *c, json_t **result)
{
    static const char *const names[BOUNDS_STATE_MAX] = {"normal", "failure"};
    json_t *json = json_pack("{s:s}", "circuit", c->name);
    if (c->max_latency_us)
        json_object_set_new(json, "budget-us", json_integer(c->max_latency_us));
    if (c->max_asymmetry_us)
        json_object_set_new(json, "asymmetry-budget-us", json_integer(c->max_asymmetry_us));
    for (int state = 0; state < BOUNDS_STATE_MAX; state++) {
        struct bounds_result r;
        enum err err = bounds_circuit(b, c->name, state, &r);
        if (err) {
            json_decref(json);
            return err;
        }
        json_object_set_new(json, names[state], state_to_json(&r, c->kind == CIRCUIT_IP));
        bounds_result_fini(&r);
    }
    *result = json;
    return ERR_OK;
}
