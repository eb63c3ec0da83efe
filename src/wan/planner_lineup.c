#include "wan/planner_lineup.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* All links there and up, both ways. */
static bool
is_alive(const struct planner *p, const struct held_path *path)
{
    for (uint32_t i = 0; planner_is_whole(path) && i < path->n; i++) {
        if (!p->net->links[path->links[i]].up || !p->net->links[path->reverses[i]].up)
            return false;
    }
    return planner_is_whole(path);
}

static bool
is_named(const struct planner *p, const char *tunnel)
{
    for (const struct held *h = p->held; h; h = h->hh.next) {
        if (h->tunnel->diverse_from && !strcmp(h->tunnel->diverse_from, tunnel))
            return true;
    }
    return false;
}

/* What the two have not in common now, of what they should not. */
static uint8_t
diversity_of(const struct planner *p, const struct held *h)
{
    static const uint8_t kinds[] = {TE_DIVERSE_LINK, TE_DIVERSE_NODE, TE_DIVERSE_SRLG};
    const struct held_path *a = &h->paths[TUNNEL_PRIMARY], *b = &h->paths[TUNNEL_STANDBY];
    unsigned wanted = planner_disjoint_flags(h->tunnel->protection);
    uint8_t diversity = 0;
    _Static_assert(TE_DIVERSE_LINK == TE_DISJOINT_LINK && TE_DIVERSE_NODE == TE_DISJOINT_NODE &&
                       TE_DIVERSE_SRLG == TE_DISJOINT_SRLG,
                   "the same bits");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (wanted & kinds[i] && te_paths_diverse(p->net, a->links, a->n, b->links, b->n, kinds[i]))
            diversity |= kinds[i];
    }
    return diversity;
}

/* A tunnel as te/ optimises it, going nowhere yet; what it points to is the asking's. */
static struct te_lsp
lsp_of(const struct held *h, const struct asking *a)
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

static void
add_path(struct lineup *l, const struct held *h, enum tunnel_path path, bool stays)
{
    struct te_lsp *lsp = &l->lsps[l->n];
    *lsp = lsp_of(h, &l->askings[l->n_askings - 1]);
    lsp->pinned = stays;
    lsp->links = h->paths[path].links;
    lsp->n_links = h->paths[path].n;
    l->parts[l->n++] = (struct lineup_part){h, path};
}

static void
add_tunnel(struct lineup *l, const struct held *h, uint8_t keep_priority)
{
    struct asking *a = &l->askings[l->n_askings++];
    const struct held_path *standby = &h->paths[TUNNEL_STANDBY];
    bool stays = h->tunnel->hold_priority < keep_priority || h->tunnel->n_via ||
                 h->tunnel->strict || is_named(l->planner, h->tunnel->name) ||
                 (standby->n && !is_alive(l->planner, standby));
    if (planner_ask(l->planner, l->model, h->tunnel, true, NULL, a, NULL))
        return;
    uint8_t diversity = standby->n && !stays ? diversity_of(l->planner, h) : 0;
    stays = stays || (standby->n && !diversity);
    add_path(l, h, TUNNEL_PRIMARY, stays);
    l->n_tunnels++;
    l->n_fixed += stays;
    if (!is_alive(l->planner, standby))
        return;
    add_path(l, h, TUNNEL_STANDBY, stays);
    for (unsigned i = 0; i < TUNNEL_PATHS && diversity; i++) {
        l->lsps[l->n - 1 - i].diverse_from = l->n - 2 + i;
        l->lsps[l->n - 1 - i].diversity = diversity;
    }
}

/* What is reserved on links beyond what these LSPs have. */
static void
add_rest(struct lineup *l)
{
    const struct te_network *net = l->planner->net;
    const struct te_window ever = {TE_EVER, TE_FOREVER};
    uint64_t *load = xcalloc(net->n_links + 1, sizeof *load);
    for (uint32_t i = 0; i < l->n; i++) {
        for (uint32_t k = 0; k < l->lsps[i].n_links; k++) {
            load[l->lsps[i].links[k]] += l->lsps[i].constraints.bandwidth_bps;
            load[net->links[l->lsps[i].links[k]].reverse] += l->lsps[i].constraints.bandwidth_bps;
        }
    }
    for (uint32_t i = 0; i < net->n_links; i++) {
        uint64_t all = te_bookings_link_load(l->planner->bookings, i, ever);
        l->places[i] = i;
        if (all <= load[i])
            continue;
        struct te_lsp *lsp = &l->lsps[l->n];
        *lsp = te_lsp_plain(net->links[i].from, net->links[i].to, all - load[i]);
        lsp->pinned = true;
        lsp->links = &l->places[i];
        lsp->n_links = 1;
        l->parts[l->n++] = (struct lineup_part){NULL, TUNNEL_PRIMARY};
    }
    free(load);
}

void
lineup_init(struct lineup *l, struct planner *p, const struct network *model, uint8_t keep_priority)
{
    size_t room = HASH_COUNT(p->held) * TUNNEL_PATHS + p->net->n_links + 1;
    *l = (struct lineup){.planner = p,
                         .model = model,
                         .lsps = xcalloc(room, sizeof *l->lsps),
                         .parts = xcalloc(room, sizeof *l->parts),
                         .askings = xcalloc(room, sizeof *l->askings),
                         .own = xcalloc(room, sizeof *l->own),
                         .places = xcalloc(p->net->n_links + 1, sizeof *l->places)};
    for (const struct held *h = p->held; h; h = h->hh.next) {
        if (h->standing && is_alive(p, &h->paths[TUNNEL_PRIMARY]))
            add_tunnel(l, h, keep_priority);
    }
    add_rest(l);
}

void
lineup_fini(struct lineup *l)
{
    for (uint32_t i = 0; i < l->n_askings; i++)
        asking_fini(&l->askings[i]);
    for (uint32_t i = 0; i < l->n; i++)
        free(l->own[i]);
    free(l->own);
    free(l->lsps);
    free(l->parts);
    free(l->askings);
    free(l->places);
}

bool
lineup_has_labels(const struct lineup *l, const struct te_move *move)
{
    struct diag why = {""};
    json_t *json = NULL;
    const struct te_path path = {.n = move->n_links, .links = move->links};
    bool has = !planner_path_json(l->planner, l->model, &path, &json, &why);
    json_decref(json);
    return has;
}
