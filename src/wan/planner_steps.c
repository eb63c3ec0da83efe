#include "wan/planner_steps.h"

#include "base/alloc.h"
#include "te/optimise_order.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    const struct lineup *l;
    struct te_state state;
    const struct te_step **waiting; /* by LSP: a step that is made with its partner's */
    double threshold;
    json_t *steps, *moves; /* of the plan, of the summary */
    json_t *tunnels;       /* names as members: each once */
};

/* ---- What there is ---- */

static json_t *
left_json(const struct walk *w)
{
    const struct planner *p = w->l->planner;
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->net->n_links; i++) {
        uint64_t limit = (uint64_t)((double)w->state.limit[i] * w->threshold);
        if (w->state.load[i] > limit)
            json_array_append_new(list,
                                  json_pack("{ss sI}", "link", ted_view_link_key(p->view, i),
                                            "over-bps", (json_int_t)(w->state.load[i] - limit)));
    }
    return list;
}

static json_t *
standing_json(struct walk *w)
{
    uint32_t fullest = TE_NONE;
    json_t *left = left_json(w);
    json_t *json = json_pack("{sf si}", "highest-utilisation",
                             te_state_highest(&w->state, &fullest), "above",
                             (int)json_array_size(left));
    if (fullest != TE_NONE)
        json_object_set_new(json, "fullest",
                            json_string(ted_view_link_key(w->l->planner->view, fullest)));
    json_decref(left);
    return json;
}

/* ---- One step: one path of a tunnel, or both at once ---- */

static bool
has(const struct te_lsp *lsp, const struct te_network *net, uint32_t link)
{
    for (uint32_t i = 0; i < lsp->n_links; i++) {
        if (lsp->links[i] == link || net->links[lsp->links[i]].reverse == link)
            return true;
    }
    return false;
}

/* Adds the new path to the load; what it exceeds beside the old one, to the list. */
static void
add_overlap(struct walk *w, const struct te_step *step, json_t *list)
{
    const struct te_network *net = w->l->planner->net;
    const struct te_lsp *lsp = &w->state.lsps[step->lsp];
    for (uint32_t i = 0; i < 2 * step->n_links; i++) {
        uint32_t link = i % 2 ? net->links[step->links[i / 2]].reverse : step->links[i / 2];
        if (has(lsp, net, link))
            continue;
        w->state.load[link] += lsp->constraints.bandwidth_bps;
        if (w->state.load[link] > w->state.limit[link])
            json_array_append_new(
                list,
                json_pack("{ss sI}", "link", ted_view_link_key(w->l->planner->view, link),
                          "over-bps", (json_int_t)(w->state.load[link] - w->state.limit[link])));
    }
}

/* The load of the new path is there already; that of the old one goes. */
static void
take_off(struct walk *w, const struct te_step *step)
{
    const struct te_network *net = w->l->planner->net;
    uint64_t bps = w->state.lsps[step->lsp].constraints.bandwidth_bps;
    for (uint32_t i = 0; i < 2 * step->n_links; i++) {
        uint32_t link = i % 2 ? net->links[step->links[i / 2]].reverse : step->links[i / 2];
        if (!has(&w->state.lsps[step->lsp], net, link))
            w->state.load[link] -= bps; /* placing adds it */
    }
    te_state_place(&w->state, step->lsp, step->links, step->n_links);
}

static json_t *
keys_json(const struct planner *p, const struct te_lsp *lsp)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < lsp->n_links; i++)
        json_array_append_new(list, json_string(ted_view_link_key(p->view, lsp->links[i])));
    return list;
}

static enum err
path_json(const struct walk *w, const struct te_step *step, json_t **json, struct diag *diag)
{
    const struct te_lsp *lsp = &w->l->lsps[step->lsp];
    const struct te_request ask = {.optimise = lsp->optimise, .constraints = lsp->constraints};
    struct te_path path = {.n = step->n_links, .links = step->links};
    te_path_measure(w->l->planner->router, &ask, &path);
    return planner_path_json(w->l->planner, w->l->model, &path, json, diag);
}

static void
tell_move(struct walk *w, const struct te_step *step, const json_t *path, const json_t *overlap)
{
    const struct lineup_part *part = &w->l->parts[step->lsp];
    const struct te_lsp *lsp = &w->state.lsps[step->lsp];
    json_t *old = planner_links_json(w->l->planner, w->l->model, lsp->links, lsp->n_links);
    json_t *json = json_pack("{si ss ss sO sO sO*}", "step", (int)json_array_size(w->steps) + 1,
                             "tunnel", part->held->tunnel->name, "path",
                             tunnel_path_words[part->path], "from", json_object_get(old, "routers"),
                             "to", json_object_get(path, "routers"), "latency-us",
                             json_object_get(path, "latency-us"));
    if (step->kind == TE_STEP_INTERIM)
        json_object_set_new(json, "interim", json_true());
    if (json_array_size(overlap))
        json_object_set(json, "overlap", (json_t *)(uintptr_t)overlap);
    json_array_append_new(w->moves, json);
    json_decref(old);
}

static enum err
make_step(struct walk *w, const struct te_step *const *made, uint32_t n, struct diag *diag)
{
    const struct held *h = w->l->parts[made[0]->lsp].held;
    json_t *overlap = json_array(), *paths = json_object(), *was = json_object();
    enum err err = ERR_OK;
    bool interim = false;
    for (uint32_t i = 0; i < n; i++)
        add_overlap(w, made[i], overlap);
    for (uint32_t i = 0; i < n && !err; i++) {
        const char *word = tunnel_path_words[w->l->parts[made[i]->lsp].path];
        json_t *path = NULL;
        err = path_json(w, made[i], &path, diag);
        if (err)
            break;
        json_object_set_new(paths, word, path);
        json_object_set_new(was, word, keys_json(w->l->planner, &w->state.lsps[made[i]->lsp]));
        tell_move(w, made[i], path, overlap);
        interim |= made[i]->kind == TE_STEP_INTERIM;
    }
    for (uint32_t i = 0; i < n && !err; i++)
        take_off(w, made[i]);
    json_t *step = json_pack("{ss sO sO}", "tunnel", h->tunnel->name, "paths", paths, "was", was);
    if (interim)
        json_object_set_new(step, "interim", json_true());
    if (json_array_size(overlap))
        json_object_set(step, "overlap", overlap);
    json_array_append_new(w->steps, step);
    json_object_set_new(w->tunnels, h->tunnel->name, json_true());
    double highest = te_state_highest(&w->state, NULL);
    for (size_t i = 0; i < n && !err; i++)
        json_object_set_new(json_array_get(w->moves, json_array_size(w->moves) - 1 - i),
                            "highest-utilisation", json_real(highest));
    json_decref(overlap);
    json_decref(paths);
    json_decref(was);
    return err;
}

/* ---- All of them ---- */

/* Is the other path of the tunnel still where this one wants to go? */
static bool
meets_partner(const struct walk *w, const struct te_step *step)
{
    const struct te_lsp *lsp = &w->state.lsps[step->lsp];
    if (lsp->diverse_from == TE_NONE)
        return false;
    const struct te_lsp *other = &w->state.lsps[lsp->diverse_from];
    return !te_paths_diverse(w->l->planner->net, step->links, step->n_links, other->links,
                             other->n_links, lsp->diversity);
}

static enum err
take_step(struct walk *w, const struct te_step *step, struct diag *diag)
{
    uint32_t partner = w->state.lsps[step->lsp].diverse_from;
    const struct te_step *both[2] = {step, partner == TE_NONE ? NULL : w->waiting[partner]};
    if (step->kind == TE_STEP_DOWN)
        return ERR_OK;
    if (both[1]) {
        w->waiting[partner] = NULL;
        return make_step(w, both, 2, diag);
    }
    if (!meets_partner(w, step))
        return make_step(w, both, 1, diag);
    w->waiting[step->lsp] = step;
    return ERR_OK;
}

static enum err
take_steps(struct walk *w, const struct te_order *order, struct diag *diag)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < order->n_steps && !err; i++)
        err = take_step(w, &order->steps[i], diag);
    for (uint32_t i = 0; i < w->l->n && !err; i++) {
        if (w->waiting[i])
            err = make_step(w, &w->waiting[i], 1, diag);
    }
    return err;
}

static json_t *
names_json(const json_t *members)
{
    json_t *list = json_array();
    for (void *i = json_object_iter((json_t *)(uintptr_t)members); i;
         i = json_object_iter_next((json_t *)(uintptr_t)members, i))
        json_array_append_new(list, json_string(json_object_iter_key(i)));
    return list;
}

static json_t *
walk_json(struct walk *w, json_t *before)
{
    return json_pack("{si so s{sO} s{si si so so so sO}}", "moves", (int)json_array_size(w->steps),
                     "tunnels", names_json(w->tunnels), "plan", "steps", w->steps, "summary", "n",
                     (int)w->l->n_tunnels, "fixed", (int)w->l->n_fixed, "before", before, "after",
                     standing_json(w), "left", left_json(w), "moves", w->moves);
}

enum err
steps_json(const struct lineup *l, const struct te_move *moves, uint32_t n_moves, double threshold,
           json_t **answer, struct diag *diag)
{
    struct te_order_options how = te_order_defaults();
    struct te_order order = {0};
    struct walk w = {.l = l, .threshold = threshold};
    how.reservable = true;
    how.keep_end = true;
    enum err err = te_order_moves(l->planner->router, l->lsps, l->n, moves, n_moves, &how, &order);
    if (err)
        return diag_set(diag, err, "no order of the moves can be computed: %s", err_text(err));
    err = te_state_init(&w.state, l->planner->router, l->lsps, l->n, 1.0, true);
    if (err) {
        te_order_fini(&order);
        return diag_set(diag, err, "the tunnels do not fit the network: %s", err_text(err));
    }
    w.waiting = xcalloc(l->n + 1, sizeof *w.waiting);
    w.steps = json_array();
    w.moves = json_array();
    w.tunnels = json_object();
    json_t *before = standing_json(&w);
    err = take_steps(&w, &order, diag);
    if (!err)
        *answer = walk_json(&w, before);
    else
        json_decref(before);
    json_decref(w.steps);
    json_decref(w.moves);
    json_decref(w.tunnels);
    free(w.waiting);
    te_state_fini(&w.state);
    te_order_fini(&order);
    return err;
}
