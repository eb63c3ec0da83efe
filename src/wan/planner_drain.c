/* planner_drain.c - a router, a link or a shared risk is to be emptied: who goes where and in which
 * order, and who cannot and why. te_drain() finds it; what no router could put on a packet stays,
 * who has no way that is apart from its tunnel's other path need not be apart meanwhile, and all
 * begins again so. */
#include "te/optimise_drain.h"
#include "wan/planner_lineup.h"
#include "wan/planner_steps.h"

#include "base/alloc.h"

#include <stdlib.h>

#define PASSES 16 /* as long as routers cannot be told of all moves */

struct emptying {
    struct lineup lineup;
    struct te_outage outage;
    uint32_t element;
    bool *unspoken; /* by LSP: there are no labels for where it would go */
    bool *close;    /* by LSP: it may meet the tunnel's other path */
    struct te_drain result;
};

static enum err
find_element(struct emptying *e, enum drain_kind kind, const char *key, struct diag *diag)
{
    const struct planner *p = e->lineup.planner;
    uint32_t number = (uint32_t)strtoul(key, NULL, 10);
    e->element = kind == DRAIN_ROUTER ? ted_view_find_node(p->view, key)
                 : kind == DRAIN_LINK ? ted_view_find_link(p->view, key)
                                      : TE_NONE;
    for (uint32_t g = 0; kind == DRAIN_SRLG && g < p->net->n_srlgs; g++) {
        if (p->net->srlg_ids[g] == number)
            e->element = g;
    }
    if (e->element == TE_NONE)
        return diag_set(diag, ERR_NOT_FOUND, "%.100s is not in the network", key);
    e->outage = (struct te_outage){
        .nodes = &e->element,
        .links = &e->element,
        .srlgs = &e->element,
        .n_nodes = kind == DRAIN_ROUTER,
        .n_links = kind == DRAIN_LINK,
        .n_srlgs = kind == DRAIN_SRLG,
    };
    return ERR_OK;
}

/* Those whose labels no router could put on a packet stay from now on. Returns how many. */
static uint32_t
keep_unspoken(struct emptying *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->result.n_moves; i++) {
        const struct te_move *move = &e->result.moves[i];
        if (lineup_has_labels(&e->lineup, move))
            continue;
        e->lineup.lsps[move->lsp].pinned = e->unspoken[move->lsp] = true;
        n++;
    }
    return n;
}

/* As after a failure: a path that meets the other one is better than none. Returns how many. */
static uint32_t
let_meet(struct emptying *e)
{
    struct te_lsp *lsps = e->lineup.lsps;
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->result.n_stuck; i++) {
        uint32_t lsp = e->result.stuck[i].lsp, partner = lsps[lsp].diverse_from;
        if (e->result.stuck[i].why != TE_STUCK_NO_PATH || partner == TE_NONE)
            continue;
        lsps[lsp].diverse_from = lsps[partner].diverse_from = TE_NONE;
        e->close[lsp] = true;
        n++;
    }
    return n;
}

static enum err
find_moves(struct emptying *e, struct diag *diag)
{
    struct te_drain_options how = te_drain_defaults();
    struct lineup *l = &e->lineup;
    uint32_t changed = 1;
    how.order.reservable = true;
    how.order.keep_end = true;
    for (unsigned pass = 0; pass < PASSES && changed; pass++) {
        te_drain_fini(&e->result);
        enum err err = te_drain(l->planner->router, l->lsps, l->n, &e->outage, &how, &e->result);
        if (err)
            return diag_set(diag, err, "other ways cannot be computed: %s", err_text(err));
        changed = keep_unspoken(e) + let_meet(e);
    }
    return changed ? diag_set(diag, ERR_LIMIT, "too many ways take more labels than routers bear")
                   : ERR_OK;
}

static const char *
why_stuck(const struct emptying *e, const struct te_stuck *stuck)
{
    static const char *const words[] = {[TE_STUCK_END] = "ends-there",
                                        [TE_STUCK_PINNED] = "stays",
                                        [TE_STUCK_NO_PATH] = "no-path",
                                        [TE_STUCK_NO_ROOM] = "no-room"};
    return e->unspoken[stuck->lsp] ? "no-labels" : words[stuck->why];
}

/* What is only reserved is in no router: it is laid another way when the element is drained. */
static json_t *
stuck_json(const struct emptying *e)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < e->result.n_stuck; i++) {
        const struct te_stuck *stuck = &e->result.stuck[i];
        const struct lineup_part *part = &e->lineup.parts[stuck->lsp];
        if (part->held)
            json_array_append_new(list, json_pack("{ss ss ss}", "tunnel", part->held->tunnel->name,
                                                  "path", tunnel_path_words[part->path], "why",
                                                  why_stuck(e, stuck)));
    }
    return list;
}

static json_t *
close_json(const struct emptying *e)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < e->result.n_moves; i++) {
        uint32_t lsp = e->result.moves[i].lsp;
        if (e->close[lsp])
            json_array_append_new(list, json_string(e->lineup.parts[lsp].held->tunnel->name));
    }
    return list;
}

enum err
planner_drain(struct planner *p, const struct network *model, enum drain_kind kind, const char *key,
              json_t **answer, struct diag *diag)
{
    struct emptying e = {.element = TE_NONE};
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    lineup_init(&e.lineup, p, model, 0);
    e.unspoken = xcalloc(e.lineup.n + 1, sizeof *e.unspoken);
    e.close = xcalloc(e.lineup.n + 1, sizeof *e.close);
    enum err err = find_element(&e, kind, key, diag);
    if (!err)
        err = find_moves(&e, diag);
    if (!err)
        err = steps_json(&e.lineup, e.result.moves, e.result.n_moves, 1.0, answer, diag);
    if (!err) {
        json_t *summary = json_object_get(*answer, "summary");
        json_object_set_new(summary, "stuck", stuck_json(&e));
        json_object_set_new(summary, "close", close_json(&e));
        json_object_set_new(summary, "aside", json_integer(e.result.n_aside));
    }
    te_drain_fini(&e.result);
    free(e.unspoken);
    free(e.close);
    lineup_fini(&e.lineup);
    return err;
}
