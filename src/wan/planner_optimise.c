/* planner_optimise.c - other ways for many tunnels at once.
 *
 * The lowest highest utilisation: te_optimise() proves how low it can be if no tunnel asked for
 * more than a way, and says how low those get that ask for no more; then thresholds between the two
 * are tried, halving what is left: te_relieve() also moves pairs of paths that are apart, one of
 * them at a time, and takes the fewest moves. */
#include "base/alloc.h"
#include "te/moves.h"
#include "te/optimise.h"
#include "wan/planner_lineup.h"
#include "wan/planner_steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALVINGS 6 /* of what is left between the bound and the best that was found */
#define NEAR 1.01  /* of the bound: good enough */
/* Budgets of te_relieve(), where the fewest are asked for; and while thresholds are tried. */
#define PROGRAMS 60
#define PROGRAMS_BETWEEN 2
#define STEPS_BETWEEN 200
#define PASSES 4 /* as long as routers cannot be told of all moves */

struct choice {
    struct te_move *moves;
    uint32_t n;
    double highest; /* when they are made */
    double bound;   /* 0: not asked */
    bool fewest;
};

static void
choice_fini(struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        free(c->moves[i].links);
    free(c->moves);
    c->moves = NULL;
    c->n = 0;
}

/* Takes over the moves. */
static void
choose(struct choice *c, struct te_move *moves, uint32_t n, double highest, bool fewest)
{
    choice_fini(c);
    *c = (struct choice){moves, n, highest, c->bound, fewest};
}

/* The highest utilisation when these moves are made. */
static double
would_be(const struct lineup *l, const struct choice *c)
{
    struct te_state state;
    double highest = 0;
    if (te_state_init(&state, l->planner->router, l->lsps, l->n, 1.0, true))
        return 0;
    for (uint32_t i = 0; i < c->n; i++)
        te_state_place(&state, c->moves[i].lsp, c->moves[i].links, c->moves[i].n_links);
    highest = te_state_highest(&state, NULL);
    te_state_fini(&state);
    return highest;
}

static double
highest_now(const struct lineup *l)
{
    return would_be(l, &(struct choice){.n = 0});
}

/* The fewest moves below a threshold, or few of them in a short time. `asked`: if it cannot be
 * reached, what is nearer is taken. */
static enum err
relieve(const struct lineup *l, double threshold, bool asked, struct choice *c, bool *done)
{
    struct te_relief_options how = te_relief_defaults();
    struct te_relief r = {0};
    how.programs = asked ? PROGRAMS : PROGRAMS_BETWEEN;
    how.budget = asked ? how.budget : STEPS_BETWEEN;
    how.threshold = threshold;
    how.reservable = true;
    enum err err = te_relieve(l->planner->router, l->lsps, l->n, &how, &r);
    if (err)
        return err;
    *done = !r.over_after;
    bool nearer = r.over_after < r.over_before || r.after < r.before;
    if (*done || (asked && nearer)) {
        choose(c, r.moves, r.n_moves, r.after * threshold, r.proved && *done);
        r.moves = NULL;
        r.n_moves = 0;
    }
    te_relief_fini(&r);
    return ERR_OK;
}

/* How low it can be, whatever tunnels ask for besides room, their delays and what they avoid. */
static enum err
find_bound(const struct lineup *l, struct te_optimise_options *how, double *bound)
{
    struct te_lsp *free_ones = xcalloc(l->n + 1, sizeof *free_ones);
    struct te_optimum best;
    memcpy(free_ones, l->lsps, l->n * sizeof *free_ones);
    for (uint32_t i = 0; i < l->n; i++) {
        struct te_constraints *c = &free_ones[i].constraints;
        free_ones[i].diverse_from = TE_NONE;
        c->max_hops = 0;
        c->symmetric |= c->bound_asymmetry;
        c->bound_asymmetry = false;
    }
    enum err err = te_optimise(l->planner->router, free_ones, l->n, how, &best);
    if (!err) {
        *bound = best.bound;
        te_optimum_fini(&best);
    }
    free(free_ones);
    return err;
}

/* Those that may go anywhere, all at once. */
static enum err
optimise_free_ones(const struct lineup *l, struct te_optimise_options *how, struct choice *c)
{
    struct te_optimum best;
    struct te_move *moves;
    enum err err = te_optimise(l->planner->router, l->lsps, l->n, how, &best);
    if (err)
        return err;
    uint32_t n = te_optimum_moves(&best, l->lsps, l->n, &moves);
    for (uint32_t i = 0; i < n; i++)
        moves[i].links = memcpy(xcalloc(moves[i].n_links, sizeof *moves[i].links), moves[i].links,
                                moves[i].n_links * sizeof *moves[i].links);
    if (best.utilisation < c->highest) {
        choose(c, moves, n, best.utilisation, false);
    } else {
        struct choice not_better = {.moves = moves, .n = n};
        choice_fini(&not_better);
    }
    te_optimum_fini(&best);
    return ERR_OK;
}

static enum err
find_lowest(const struct lineup *l, struct choice *c)
{
    struct te_optimise_options how = te_optimise_defaults();
    bool done = true;
    how.max_lsps = 1;
    how.reservable = true;
    c->highest = highest_now(l);
    enum err err = c->bound > 0 ? ERR_OK : find_bound(l, &how, &c->bound);
    if (err || c->highest <= c->bound * NEAR)
        return err;
    err = optimise_free_ones(l, &how, c);
    if (!err && c->n) /* as low, with fewer moves */
        err = relieve(l, c->highest * (1 + 1e-9), false, c, &done);
    double least = c->bound;
    for (unsigned i = 0; i < HALVINGS && !err && c->highest > c->bound * NEAR; i++) {
        double middle = (least + c->highest) / 2;
        err = relieve(l, middle, false, c, &done);
        if (!done)
            least = middle;
    }
    return err;
}

/* What cannot be reached is come near to. */
static enum err
find_choice(const struct lineup *l, const struct planner_aim *aim, struct choice *c)
{
    bool done = false;
    enum err err = aim->threshold > 0 ? relieve(l, aim->threshold, true, c, &done) : ERR_OK;
    return err || done || c->n ? err : find_lowest(l, c);
}

/* ---- What routers can be told of ---- */

/* Takes moves away whose labels no router could put on a packet, and those of the other path of the
 * same tunnel, which counted on them: these LSPs stay from now on. Returns how many. */
static uint32_t
drop_unspoken(struct lineup *l, struct choice *c)
{
    uint32_t kept = 0, n = c->n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t lsp = c->moves[i].lsp, partner = l->lsps[lsp].diverse_from;
        if (lineup_has_labels(l, &c->moves[i]))
            continue;
        l->lsps[lsp].pinned = true;
        if (partner != TE_NONE)
            l->lsps[partner].pinned = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (l->lsps[c->moves[i].lsp].pinned)
            free(c->moves[i].links);
        else
            c->moves[kept++] = c->moves[i];
    }
    c->n = kept;
    return n - kept;
}

/* Makes the moves in the lineup, which owns their links from now on. */
static void
apply(struct lineup *l, struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t lsp = c->moves[i].lsp;
        free(l->own[lsp]);
        l->own[lsp] = c->moves[i].links;
        l->lsps[lsp].links = c->moves[i].links;
        l->lsps[lsp].n_links = c->moves[i].n_links;
    }
    free(c->moves);
    c->moves = NULL;
    c->n = 0;
}

/* From where they were to where they are in the lineup; puts them back there. */
static void
collect(struct lineup *l, const struct te_lsp *before, struct choice *c)
{
    c->moves = xcalloc(l->n + 1, sizeof *c->moves);
    for (uint32_t i = 0; i < l->n; i++) {
        const struct te_lsp *now = &l->lsps[i], *old = &before[i];
        bool moved = now->n_links != old->n_links ||
                     memcmp(now->links, old->links, old->n_links * sizeof *old->links) != 0;
        if (moved) {
            c->moves[c->n++] = (struct te_move){i, l->own[i], now->n_links};
            l->own[i] = NULL;
        }
        l->lsps[i].links = old->links;
        l->lsps[i].n_links = old->n_links;
    }
}

/* Of each pass what routers can be told of is kept if nothing gets fuller by it than it was; the
 * next one goes on from there. */
static enum err
find_moves(struct lineup *l, const struct planner_aim *aim, struct choice *c, struct diag *diag)
{
    struct te_lsp *before = memcpy(xcalloc(l->n + 1, sizeof *before), l->lsps,
                                   l->n * sizeof *before);
    uint32_t dropped = 1, pass = 0;
    bool fewest = false;
    enum err err = ERR_OK;
    for (; pass < PASSES && !err && dropped; pass++) {
        double highest = highest_now(l);
        err = find_choice(l, aim, c);
        dropped = err ? 0 : drop_unspoken(l, c);
        fewest = c->fewest && !dropped && !pass;
        if (!err && (!dropped || would_be(l, c) < highest))
            apply(l, c);
        choice_fini(c);
    }
    collect(l, before, c);
    c->fewest = fewest || !c->n;
    free(before);
    return err ? diag_set(diag, ERR_LIMIT, "other ways cannot be computed: %s", err_text(err))
               : ERR_OK;
}

enum err
planner_optimise(struct planner *p, const struct network *model, const struct planner_aim *aim,
                 json_t **answer, struct diag *diag)
{
    struct lineup l;
    struct choice c = {0};
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    lineup_init(&l, p, model, aim->keep_priority);
    enum err err = find_moves(&l, aim, &c, diag);
    if (!err)
        err = steps_json(&l, c.moves, c.n, aim->threshold > 0 ? aim->threshold : 1.0, answer, diag);
    if (!err) {
        json_t *summary = json_object_get(*answer, "summary");
        json_object_set_new(summary, "fewest", json_boolean(c.fewest));
        if (aim->threshold > 0)
            json_object_set_new(summary, "threshold", json_real(aim->threshold));
        else
            json_object_set_new(summary, "bound", json_real(c.bound));
    }
    choice_fini(&c);
    lineup_fini(&l);
    return err;
}

/* ---- One of the moves, when its turn has come ---- */

static bool
holds(const struct held *h, uint32_t link)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        for (uint32_t k = 0; k < h->paths[i].n; k++) {
            if (h->paths[i].links[k] == link || h->paths[i].reverses[k] == link)
                return true;
        }
    }
    return false;
}

/* The first link that comes new and has too little for it; NULL: none. */
static const char *
find_lack(const struct planner *p, const struct held *h, const uint32_t *links, uint32_t n)
{
    const struct te_window *windows, ever = {TE_EVER, TE_FOREVER};
    uint32_t n_windows;
    planner_window(h->tunnel, &windows, &n_windows);
    for (uint32_t i = 0; i < 2 * n; i++) {
        uint32_t link = i % 2 ? p->net->links[links[i / 2]].reverse : links[i / 2];
        if (!holds(h, link) &&
            te_bookings_link_free(p->bookings, link, TE_PRIORITIES - 1, windows ? *windows : ever,
                                  h->number) < (uint64_t)h->tunnel->rate_kbps * 1000)
            return ted_view_link_key(p->view, link);
    }
    return NULL;
}

enum err
planner_may_move(struct planner *p, const struct network *model, const struct tunnel *t,
                 bool overlap, const json_t *const paths[TUNNEL_PATHS], struct diag *diag)
{
    const struct held *h = planner_held(p, t->name);
    struct asking asking;
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    if (!h || !h->standing)
        return diag_set(diag, ERR_CONFLICT, "tunnel %s is not in the routers", t->name);
    enum err err = planner_ask(p, model, t, true, NULL, &asking, diag);
    for (unsigned i = 0; i < TUNNEL_PATHS && !err; i++) {
        uint32_t n = 0, *links = paths[i] ? planner_find_links(p, paths[i], &n) : NULL;
        const struct te_path path = {.n = n, .links = links};
        const char *full = links && !overlap ? find_lack(p, h, links, n) : NULL;
        struct diag why = {""};
        asking.request.hops = i == TUNNEL_PRIMARY ? asking.via : NULL;
        asking.request.n_hops = i == TUNNEL_PRIMARY ? asking.n_via : 0;
        if (paths[i] && !links)
            err = diag_set(diag, ERR_CONFLICT, "tunnel %s: a link of its %s path is gone", t->name,
                           tunnel_path_words[i]);
        else if (links && te_path_check(p->router, &asking.request, &path, &why))
            err = diag_set(diag, ERR_CONFLICT, "tunnel %s: its %s path: %s", t->name,
                           tunnel_path_words[i], why.text);
        else if (full)
            err = diag_set(diag, ERR_CONFLICT, "tunnel %s: %s has no %u kbit/s left", t->name, full,
                           t->rate_kbps);
        free(links);
    }
    asking_fini(&asking);
    return err;
}
