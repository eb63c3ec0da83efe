#include "engineer/fit_json.h"

json_t *
fit_verdict_to_json(const struct fit_verdict *v)
{
    json_t *json = json_pack("{s:s, s:b}", "circuit", v->circuit->name, "fits",
                             v->limit == FIT_NONE);
    if (v->limit == FIT_NONE)
        return json;
    json_object_set_new(json, "limit", json_string(fit_limit_name(v->limit)));
    json_object_set_new(json, "reason", json_string(v->reason ? v->reason : ""));
    json_t *links = json_array();
    for (uint32_t i = 0; i < v->n_links; i++)
        json_array_append_new(links, json_string(v->links[i].name));
    json_object_set_new(json, "links", links);
    return json;
}

json_t *
fit_to_json(const struct fit *fit, uint32_t n_links)
{
    json_t *circuits = json_array(), *links = json_array(), *orders = json_array();
    for (uint32_t i = 0; i < fit->n; i++)
        json_array_append_new(circuits, fit_verdict_to_json(&fit->verdicts[i]));
    for (uint32_t i = 0; i < fit->n_links && i < n_links; i++) {
        const struct fit_usage *u = &fit->links[i];
        json_array_append_new(links, json_pack("{s:s, s:I, s:I, s:I, s:I}", "link", u->link,
                                               "capacity-kbps", (json_int_t)u->capacity_kbps,
                                               "before-kbps", (json_int_t)u->before_kbps,
                                               "after-kbps", (json_int_t)u->after_kbps, "limits",
                                               (json_int_t)u->n_limited));
    }
    for (int i = 0; i < FIT_ORDERS && fit->has_orders; i++)
        json_array_append_new(orders, json_pack("{s:s, s:I, s:I}", "order", fit_order_name(i),
                                                "n-fit", (json_int_t)fit->counts[i].n_fit,
                                                "rate-kbps", (json_int_t)fit->counts[i].rate_kbps));
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "n", (json_int_t)fit->n, "n-fit",
                     (json_int_t)fit->counts[FIT_AS_GIVEN].n_fit, "rate-kbps",
                     (json_int_t)fit->counts[FIT_AS_GIVEN].rate_kbps, "orders", orders, "circuits",
                     circuits, "links", links);
}
