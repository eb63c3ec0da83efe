/* planner_whatif.c - what would become of the tunnels that are held, if something failed. */
#include "wan/planner_private.h"

#include "base/alloc.h"
#include "te/whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tunnels as LSPs, and what those point to. */
struct crowd {
    struct te_lsp *lsps;
    struct asking *askings;
    const struct held **held;
    uint32_t n;
};

static void
crowd_fini(struct crowd *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        asking_fini(&c->askings[i]);
    free(c->lsps);
    free(c->askings);
    free(c->held);
}

struct te_lsp
planner_lsp(const struct held *h, const struct asking *a)
{
    uint64_t bps = (uint64_t)h->tunnel->rate_kbps * 1000;
    struct te_lsp lsp = te_lsp_plain(a->request.from, a->request.to, bps);
    lsp.constraints = a->request.constraints;
    lsp.constraints.bandwidth_bps = bps;
    lsp.optimise = a->request.optimise;
    lsp.hold_priority = h->tunnel->hold_priority;
    lsp.pinned = h->tunnel->hold_priority == 0;
    return lsp;
}

/* Those that are whole in the present network. */
static void
gather(struct planner *p, const struct network *model, struct crowd *c)
{
    size_t room = HASH_COUNT(p->held) + 1;
    *c = (struct crowd){.lsps = xcalloc(room, sizeof *c->lsps),
                        .askings = xcalloc(room, sizeof *c->askings),
                        .held = xcalloc(room, sizeof *c->held)};
    for (const struct held *h = p->held; h; h = h->hh.next) {
        const struct held_path *primary = &h->paths[TUNNEL_PRIMARY],
                               *standby = &h->paths[TUNNEL_STANDBY];
        struct asking *a = &c->askings[c->n];
        if (!planner_is_whole(primary) || planner_ask(p, model, h->tunnel, false, NULL, a, NULL)) {
            asking_fini(a);
            *a = (struct asking){0};
            continue;
        }
        struct te_lsp *lsp = &c->lsps[c->n];
        *lsp = planner_lsp(h, a);
        lsp->links = primary->links;
        lsp->n_links = primary->n;
        if (planner_is_whole(standby)) {
            lsp->standby = standby->links;
            lsp->n_standby = standby->n;
        }
        c->held[c->n++] = h;
    }
}

static json_t *
element_json(const struct planner *p, const struct network *model, const struct te_element *e)
{
    if (e->kind == TE_FAIL_LINK)
        return json_pack("{ss ss}", "kind", "link", "element", ted_view_link_key(p->view, e->id));
    if (e->kind == TE_FAIL_SRLG)
        return json_pack("{ss so}", "kind", "srlg", "element",
                         json_sprintf("srlg-%u", p->net->srlg_ids[e->id]));
    return json_pack("{ss so}", "kind", "router", "element",
                     planner_router_json(model, &p->net->nodes[e->id]));
}

static json_t *
fates_json(const struct planner *p, const struct crowd *c, const struct network *model,
           const struct te_impact *impact)
{
    json_t *list = json_array();
    for (uint32_t i = 0; impact->fates && i < impact->n_hit; i++) {
        const struct te_fate *f = &impact->fates[i];
        json_t *json = json_pack("{ss ss}", "tunnel", c->held[f->lsp]->tunnel->name, "fate",
                                 te_fate_name(f->kind));
        json_t *way = planner_links_json(p, model, f->links, f->n_links);
        if (f->n_links)
            json_object_set(json, "routers", json_object_get(way, "routers"));
        json_decref(way);
        if (f->late)
            json_object_set_new(json, "late", json_true());
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *
impact_json(const struct planner *p, const struct crowd *c, const struct network *model,
            const struct te_impact *impact)
{
    json_t *json = element_json(p, model, &impact->failure.elements[0]);
    uint32_t lost = impact->n[TE_FATE_NO_PATH] + impact->n[TE_FATE_NO_ROOM] +
                    impact->n[TE_FATE_END];
    json_object_set_new(json, "hit", json_integer(impact->n_hit));
    json_object_set_new(json, "standby", json_integer(impact->n[TE_FATE_STANDBY]));
    json_object_set_new(json, "rerouted", json_integer(impact->n[TE_FATE_REROUTED]));
    json_object_set_new(json, "lost", json_integer(lost));
    json_object_set_new(json, "late", json_integer(impact->n_late));
    json_object_set_new(json, "highest-utilisation", json_real(impact->highest));
    if (impact->hottest != TE_NONE)
        json_object_set_new(json, "hottest",
                            json_string(ted_view_link_key(p->view, impact->hottest)));
    json_object_set_new(json, "tunnels", fates_json(p, c, model, impact));
    return json;
}

enum err
planner_what_if(struct planner *p, const struct network *model, uint32_t limit, json_t **report,
                struct diag *diag)
{
    struct te_whatif_options options = te_whatif_defaults();
    struct te_whatif result = {0};
    struct crowd c;
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    options.fates = true;
    options.reservable = true;
    gather(p, model, &c);
    enum err err = te_whatif(p->router, c.lsps, c.n, &options, &result);
    if (err) {
        crowd_fini(&c);
        return diag_set(diag, err, "the tunnels that are held do not fit the network: %s",
                        err_text(err));
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < MIN(result.n, limit); i++)
        json_array_append_new(list, impact_json(p, &c, model, &result.impacts[i]));
    *report = json_pack("{si si sf so}", "tunnels", (int)c.n, "failures", (int)result.n,
                        "highest-utilisation", result.highest, "worst", list);
    te_whatif_fini(&result);
    crowd_fini(&c);
    return ERR_OK;
}
