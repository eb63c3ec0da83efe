/* Several controllers, each with the nodes of its own sites (its domain), and one plan.
 *
 * All of them know the same circuits and designs, so each makes the whole plan and writes its own
 * part. What a plan needs of the other controllers is one thing: no rule may let a circuit in
 * before all nodes hold what is behind it. So each says which circuits that are being built its own
 * nodes hold ("lan.progress"), and takes what the others say ("lan.peer-progress") as its nodes'
 * confirmations, if they speak of the same plan: by the last event that changed it. Of a circuit
 * that was built once nothing has to be said. */
#include "lan/lan_private.h"

#include <stdlib.h>
#include <string.h>

bool
lan_is_ours(const struct lan_service *s, const struct node *node)
{
    const char *const *site = s->config.domain;
    if (!site)
        return true;
    while (*site && strcmp(*site, node->site) != 0)
        site++;
    return *site;
}

void
lan_find_foreign(struct lan_service *s)
{
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        const struct node *node = network_node(s->config.state->network, n->name);
        n->foreign = node && !lan_is_ours(s, node);
    }
}

bool
lan_link_is_ours(const struct lan_service *s, const struct link *link)
{
    return !lan_end_is_foreign(s, &link->a) || !lan_end_is_foreign(s, &link->b);
}

bool
lan_end_is_foreign(const struct lan_service *s, const struct link_end *end)
{
    const struct lan_node *n = lan_node_find(s, end->node);
    return n && n->foreign;
}

/* ---- How far we are ---- */

static bool
is_being_built(const struct lan_service *s, const struct design *d)
{
    const struct circuit_status *c = state_circuit(s->config.state, d->circuit);
    return c && c->phase == PHASE_BUILDING;
}

static json_t *
circuits_held(const struct lan_service *s)
{
    struct number_set open = {{0}};
    json_t *list = json_array();
    lan_find_open(s, WHOSE_OURS, &open);
    for (const struct design *d = s->planned->designs; d; d = d->hh.next) {
        if (is_being_built(s, d) && !number_set_has(&open, d->number))
            json_array_append_new(list, json_string(d->circuit));
    }
    return list;
}

void
lan_tell_progress(struct lan_service *s, bool again)
{
    if (!s->config.domain)
        return;
    json_t *held = circuits_held(s);
    bool news = !s->told_progress || !json_equal(held, s->told_progress);
    if (news || (again && json_array_size(held)))
        (void)bus_publish(
            s->config.bus, "lan.progress",
            json_pack("{sO sI}", "circuits", held, "plan", (json_int_t)s->config.state->plan_seq));
    json_decref(s->told_progress);
    s->told_progress = held;
}

/* ---- How far others are ---- */

static bool
confirm_foreign(struct lan_service *s, struct lan_node *n, const struct number_set *numbers)
{
    bool any = false;
    for (struct rule_item *item = n->wanted.items; item && n->n_open; item = item->hh.next) {
        uint32_t number = rule_number(&item->rule);
        if (number && number_set_has(numbers, number) && !(item->users & MARK_CONFIRMED)) {
            lan_mark(s, n, item, true);
            any = true;
        }
    }
    return any;
}

/* Of the nodes of this site. */
static bool
confirm_site(struct lan_service *s, const char *site, const struct number_set *numbers)
{
    bool any = false;
    for (struct lan_node *n = s->nodes; n; n = n->hh.next) {
        const struct node *node = network_node(s->config.state->network, n->name);
        if (n->foreign && n->n_open && node && !strcmp(node->site, site))
            any |= confirm_foreign(s, n, numbers);
    }
    return any;
}

void
lan_take_progress(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct lan_service *s = arg;
    const char *site = json_string_value(json_object_get(m->payload, "site"));
    json_int_t plan = json_integer_value(json_object_get(m->payload, "plan"));
    struct number_set numbers = {{0}};
    size_t n_names;
    if (!site || plan != (json_int_t)s->config.state->plan_seq)
        return; /* it speaks of another plan than ours; it is told again every second */
    const char **names = lan_names(m->payload, "circuits", &n_names);
    for (size_t i = 0; names && i < n_names; i++) {
        const struct design *d = network_design(s->planned, names[i]);
        if (d)
            number_set_add(&numbers, d->number);
    }
    free(names);
    if (!confirm_site(s, site, &numbers))
        return;
    for (struct lan_node *n = s->nodes; n; n = n->hh.next)
        n->dirty |= !n->foreign && n->retry; /* what had to be held back */
    lan_schedule(s);
}
