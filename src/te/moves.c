#include "te/moves_work.h"
#include "te/optimise.h"
#include "te/optimise_cover.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COVER_ATTEMPTS 12
#define DEPTH_MAX 6 /* moves that the search looks for at most */

struct te_relief_options
te_relief_defaults(void)
{
    return (struct te_relief_options){.threshold = 0.8, .budget = 20000, .programs = 500};
}

uint32_t
relief_worst_link(const struct te_state *s)
{
    uint32_t worst = TE_NONE;
    double most = 0;
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        double u = (double)s->load[l] / (double)MAX(s->limit[l], 1);
        if (s->load[l] > s->limit[l] && u > most) {
            most = u;
            worst = l;
        }
    }
    return worst;
}

/* How many links above their limit it would clear, in whole and in parts. */
static double
relief_of(const struct te_state *s, uint32_t lsp)
{
    const struct te_lsp *p = &s->lsps[lsp];
    double sum = 0;
    for (uint32_t i = 0; i < p->n_links; i++) {
        const uint32_t both[2] = {p->links[i], s->net->links[p->links[i]].reverse};
        for (int k = 0; k < (te_lsp_is_symmetric(p) ? 2 : 1); k++) {
            if (both[k] == TE_NONE || s->load[both[k]] <= s->limit[both[k]])
                continue;
            double excess = (double)(s->load[both[k]] - s->limit[both[k]]);
            sum += fmin(1, (double)p->constraints.bandwidth_bps / excess);
        }
    }
    return sum;
}

/* Most relief first; of those the smallest, which is the easiest to place. */
static int
compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->relief != y->relief)
        return x->relief > y->relief ? -1 : 1;
    if (x->bps != y->bps)
        return x->bps < y->bps ? -1 : 1;
    return (x->lsp > y->lsp) - (x->lsp < y->lsp);
}

uint32_t
relief_candidates(const struct relieving *r, uint32_t link, struct candidate **list)
{
    const struct te_state *s = r->s;
    uint32_t n = 0;
    *list = xcalloc(s->n + 1, sizeof **list);
    for (uint32_t i = 0; i < s->n; i++) {
        if (r->may_move[i] && !r->moved[i] && s->lsps[i].n_links &&
            s->lsps[i].constraints.bandwidth_bps && te_state_uses(s, i, link))
            (*list)[n++] = (struct candidate){relief_of(s, i), s->lsps[i].constraints.bandwidth_bps,
                                              i};
    }
    qsort(*list, n, sizeof **list, compare_candidates);
    return n;
}

static int
compare_bps(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* How many must go from a link at least: UINT32_MAX if all together are too few. */
static uint32_t
needed_at(const struct relieving *r, uint32_t link)
{
    const struct te_state *s = r->s;
    uint64_t excess = s->load[link] - s->limit[link], *sizes = xcalloc(s->n + 1, sizeof *sizes);
    uint32_t n = 0, taken = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (r->may_move[i] && !r->moved[i] && te_state_uses(s, i, link))
            sizes[n++] = s->lsps[i].constraints.bandwidth_bps;
    }
    qsort(sizes, n, sizeof *sizes, compare_bps);
    while (excess && taken < n) {
        excess -= MIN(excess, sizes[taken]);
        taken++;
    }
    free(sizes);
    return excess ? UINT32_MAX : taken;
}

uint32_t
relief_needed(const struct relieving *r)
{
    uint32_t most = 0;
    for (uint32_t l = 0; l < r->s->net->n_links; l++) {
        if (r->s->load[l] > r->s->limit[l])
            most = MAX(most, needed_at(r, l));
    }
    return most;
}

/* Moves the first candidate that finds room. */
static bool
move_one(struct relieving *r, uint32_t link)
{
    struct candidate *list;
    uint32_t n = relief_candidates(r, link, &list);
    bool done = false;
    for (uint32_t i = 0; i < n && !done && *r->budget; i++) {
        struct te_path path;
        --*r->budget;
        if (te_state_route(r->s, list[i].lsp, r->outage, false, &path))
            continue;
        te_state_place(r->s, list[i].lsp, path.links, path.n);
        te_path_fini(&path);
        r->moved[list[i].lsp] = true;
        done = true;
    }
    free(list);
    return done;
}

struct saved
relief_save(const struct te_state *s, uint32_t lsp)
{
    const struct te_lsp *p = &s->lsps[lsp];
    return (struct saved){lsp, p->n_links,
                          p->n_links ? xmemdup(p->links, p->n_links * sizeof *p->links) : NULL};
}

void
relief_restore(struct te_state *s, struct saved *saved)
{
    te_state_place(s, saved->lsp, saved->links, saved->n);
    free(saved->links);
    saved->links = NULL;
}

/* Greedily; links that cannot be relieved are left as they are. Returns whether all are. */
static bool
relieve_greedily(struct relieving *r)
{
    uint32_t link;
    while ((link = relief_worst_link(r->s)) != TE_NONE) {
        if (!move_one(r, link))
            return false;
    }
    return true;
}

bool
te_make_room(struct te_state *s, const bool *may_move, const struct te_outage *outage, bool *moved,
             uint64_t *budget)
{
    struct relieving r = {.s = s, .outage = outage, .may_move = may_move, .budget = budget};
    struct saved *before = xcalloc(s->n + 1, sizeof *before);
    r.moved = xcalloc(s->n + 1, sizeof *r.moved);
    for (uint32_t i = 0; i < s->n; i++) {
        if (may_move[i])
            before[i] = relief_save(s, i);
    }
    bool done = relieve_greedily(&r);
    for (uint32_t i = 0; i < s->n; i++) {
        if (r.moved[i] && !done)
            relief_restore(s, &before[i]);
        if (r.moved[i] && done)
            moved[i] = true;
        free(before[i].links);
    }
    free(before);
    free(r.moved);
    return done;
}

/* Puts one back where it came from if all still fits. */
static bool
take_one_back(struct relieving *r, const struct te_lsp *before, uint32_t lsp, uint32_t over)
{
    struct te_state *s = r->s;
    const struct te_lsp *p = &before[lsp];
    struct saved now = relief_save(s, lsp);
    te_state_place(s, lsp, p->links, p->n_links);
    if (te_state_over(s) > over || te_state_check(s, lsp, p->links, p->n_links) != ERR_OK) {
        relief_restore(s, &now);
        return false;
    }
    free(now.links);
    r->moved[lsp] = false;
    return true;
}

/* The smallest first, so that many find room; again as long as that changes anything. */
static void
take_back(struct relieving *r, const struct te_lsp *before)
{
    struct te_state *s = r->s;
    struct candidate *list = xcalloc(s->n + 1, sizeof *list);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (r->moved[i])
            list[n++] = (struct candidate){0, s->lsps[i].constraints.bandwidth_bps, i};
    }
    qsort(list, n, sizeof *list, compare_candidates);
    for (bool again = n > 0; again;) {
        uint32_t over = te_state_over(s);
        again = false;
        for (uint32_t i = 0; i < n; i++)
            again |= r->moved[list[i].lsp] && take_one_back(r, before, list[i].lsp, over);
    }
    free(list);
}

/* ---- All together ---- */

static void
put_back_all(struct relieving *r, const struct te_lsp *before)
{
    for (uint32_t i = 0; i < r->s->n; i++) {
        if (r->moved[i])
            te_state_place(r->s, i, before[i].links, before[i].n_links);
        r->moved[i] = false;
    }
}

static uint32_t
count_moved(const struct relieving *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->s->n; i++)
        n += r->moved[i];
    return n;
}

/* Keeps what there is as the result, in place of what was there before. */
static void
keep_moves(const struct relieving *r, struct te_relief *out)
{
    te_relief_fini(out);
    out->moves = xcalloc(r->s->n + 1, sizeof *out->moves);
    for (uint32_t i = 0; i < r->s->n; i++) {
        if (!r->moved[i])
            continue;
        struct saved now = relief_save(r->s, i);
        out->moves[out->n_moves++] = (struct te_move){i, now.links, now.n};
    }
}

/* Looks for fewer moves than `found`, from the least number that counting allows. Sets `proved`. */
static void
search_fewer(struct relieving *r, struct te_relief *out, uint32_t at_least, uint32_t found)
{
    bool proved = true;
    for (uint32_t n = at_least; n < found && n <= DEPTH_MAX && *r->budget; n++) {
        r->exhaustive = true;
        if (relief_search(r, n)) {
            keep_moves(r, out);
            out->proved = proved;
            return;
        }
        proved = proved && r->exhaustive;
        out->proved = proved && n + 1 == found;
    }
}

/* The links above their limit and the LSPs that could leave them, as needs and items. */
struct leaving {
    struct te_cover cover;
    uint32_t *lsp_of; /* by item */
    uint32_t *first, *of;
    double *size, *need;
};

static bool
list_leaving(const struct relieving *r, const bool *banned, struct leaving *v)
{
    const struct te_state *s = r->s;
    uint32_t n = 0, elements = 0, capacity = 0, *row = xcalloc(s->net->n_links + 1, sizeof *row);
    *v = (struct leaving){0};
    v->need = xcalloc(s->net->n_links + 1, sizeof *v->need);
    v->lsp_of = xcalloc(s->n + 1, sizeof *v->lsp_of);
    v->first = xcalloc(s->n + 2, sizeof *v->first);
    v->size = xcalloc(s->n + 1, sizeof *v->size);
    for (uint32_t l = 0; l < s->net->n_links; l++) {
        row[l] = v->cover.n_needs;
        if (s->load[l] > s->limit[l])
            v->need[v->cover.n_needs++] = (double)(s->load[l] - s->limit[l]);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t before = elements;
        for (uint32_t l = 0; l < s->net->n_links && r->may_move[i] && !banned[i]; l++) {
            if (s->load[l] <= s->limit[l] || !te_state_uses(s, i, l))
                continue;
            GROW(v->of, elements, capacity);
            v->of[elements++] = row[l];
        }
        if (!s->lsps[i].constraints.bandwidth_bps)
            elements = before;
        if (elements == before)
            continue;
        v->lsp_of[n] = i;
        v->size[n] = (double)s->lsps[i].constraints.bandwidth_bps;
        v->first[++n] = elements;
    }
    v->cover.n_items = n;
    v->cover.need = v->need;
    v->cover.size = v->size;
    v->cover.first = v->first;
    v->cover.of = v->of;
    free(row);
    return n > 0;
}

static void
free_leaving(struct leaving *v)
{
    free(v->lsp_of);
    free(v->first);
    free(v->of);
    free(v->size);
    free(v->need);
}

/* All of a set at once to other paths within the limits, the largest first. False: one finds none;
 * it is `*failed`, and all is as it was. */
static bool
move_set(struct relieving *r, const struct te_lsp *before, struct candidate *set, uint32_t n,
         uint32_t *failed)
{
    for (uint32_t i = 0; i < n; i++) {
        te_state_place(r->s, set[i].lsp, NULL, 0);
        r->moved[set[i].lsp] = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct te_path path;
        if (te_state_route(r->s, set[i].lsp, r->outage, false, &path)) {
            *failed = set[i].lsp;
            put_back_all(r, before);
            return false;
        }
        te_state_place(r->s, set[i].lsp, path.links, path.n);
        te_path_fini(&path);
    }
    return true;
}

/* The fewest that must leave, by an integer program; then whether they find other paths. Who finds
 * none is not asked again. `*at_least` becomes what the first program proves; returns how many were
 * moved, UINT32_MAX: none, as less than `below` did not work out. */
static uint32_t
move_cover(struct relieving *r, const struct te_lsp *before, uint32_t below, uint32_t programs,
           uint32_t *at_least)
{
    struct te_state *s = r->s;
    bool *banned = xcalloc(s->n + 1, sizeof *banned), *chosen = xcalloc(s->n + 1, sizeof *chosen);
    struct candidate *set = xcalloc(s->n + 1, sizeof *set);
    uint32_t result = UINT32_MAX;
    for (int attempt = 0; attempt < COVER_ATTEMPTS && result == UINT32_MAX; attempt++) {
        struct leaving v;
        uint32_t n, least, k = 0, failed = TE_NONE;
        enum err err = ERR_NOT_FOUND;
        if (list_leaving(r, banned, &v))
            err = te_cover_solve(&v.cover, programs, chosen, &n, &least);
        for (uint32_t i = 0; !err && i < v.cover.n_items; i++) {
            uint32_t lsp = v.lsp_of[i];
            if (chosen[i]) /* those first that are the largest */
                set[k++] = (struct candidate){v.size[i], s->lsps[lsp].constraints.bandwidth_bps,
                                              lsp};
        }
        free_leaving(&v);
        if (!err && attempt == 0)
            *at_least = MAX(*at_least, least);
        if (err || n >= below)
            break;
        qsort(set, k, sizeof *set, compare_candidates);
        if (move_set(r, before, set, k, &failed))
            result = k;
        else
            banned[failed] = true;
    }
    free(banned);
    free(chosen);
    free(set);
    return result;
}

/* Whether something but its place in the network keeps it from being optimised with the others. */
static bool
is_bound(const struct te_lsp *p)
{
    const struct te_constraints *c = &p->constraints;
    return p->diverse_from != TE_NONE || c->max_hops || c->max_igp || c->max_te ||
           c->bound_asymmetry || c->assume_delay_us;
}

/* When nothing else helps: all that may be moved at once, as low as it goes, then as many back as
 * can. Says whether that worked, or that nothing can. */
static bool
relieve_globally(struct relieving *r, const struct te_lsp *before,
                 const struct te_relief_options *o, struct te_relief *out)
{
    struct te_state *s = r->s;
    struct te_optimise_options how = te_optimise_defaults();
    struct te_optimum all;
    struct te_move *moves;
    struct te_lsp *lsps = xcalloc(s->n + 1, sizeof *lsps);
    bool bound = false;
    memcpy(lsps, before, s->n * sizeof *lsps);
    for (uint32_t i = 0; i < s->n; i++) {
        lsps[i].pinned = !r->may_move[i] || !before[i].n_links;
        if (!before[i].n_links)
            lsps[i].constraints.bandwidth_bps = 0;
        bound |= r->may_move[i] && is_bound(&before[i]);
    }
    how.max_lsps = 1;
    how.reservable = o->reservable;
    enum err err = te_optimise(s->router, lsps, s->n, &how, &all);
    free(lsps);
    if (err)
        return false;
    uint32_t n = te_optimum_moves(&all, before, s->n, &moves);
    for (uint32_t i = 0; i < n; i++) {
        if (!before[moves[i].lsp].n_links)
            continue;
        te_state_place(s, moves[i].lsp, moves[i].links, moves[i].n_links);
        r->moved[moves[i].lsp] = true;
    }
    free(moves);
    out->impossible = !bound && all.bound > o->threshold * (1 + 1e-6);
    te_optimum_fini(&all);
    if (te_state_over(s)) {
        put_back_all(r, before);
        return false;
    }
    take_back(r, before);
    return true;
}

static void
relieve(struct relieving *r, const struct te_lsp *before, const struct te_relief_options *o,
        struct te_relief *out)
{
    uint32_t at_least = relief_needed(r);
    bool cleared = relieve_greedily(r);
    take_back(r, before);
    uint32_t found = count_moved(r), over = te_state_over(r->s);
    double after = te_state_highest(r->s, NULL);
    keep_moves(r, out);
    put_back_all(r, before);
    if (!cleared)
        found = UINT32_MAX;
    if (found != at_least && at_least != UINT32_MAX) {
        uint32_t fewer = move_cover(r, before, found, o->programs, &at_least);
        if (fewer != UINT32_MAX) {
            found = fewer;
            over = te_state_over(r->s);
            after = te_state_highest(r->s, NULL);
            keep_moves(r, out);
            put_back_all(r, before);
        }
    }
    if (found == UINT32_MAX && over && at_least != UINT32_MAX &&
        relieve_globally(r, before, o, out)) {
        found = count_moved(r);
        over = te_state_over(r->s);
        after = te_state_highest(r->s, NULL);
        keep_moves(r, out);
        put_back_all(r, before);
    }
    out->proved = found == at_least;
    if (!out->proved && at_least <= DEPTH_MAX)
        search_fewer(r, out, at_least, found);
    if (count_moved(r)) {
        over = te_state_over(r->s);
        after = te_state_highest(r->s, NULL);
    }
    out->at_least = at_least;
    out->impossible |= at_least == UINT32_MAX;
    out->over_after = over;
    out->after = after;
}

enum err
te_relieve(struct te_router *router, const struct te_lsp *lsps, uint32_t n,
           const struct te_relief_options *o, struct te_relief *out)
{
    struct te_state state;
    struct relieving r = {.s = &state};
    uint64_t budget = o->budget;
    enum err err = te_state_init(&state, router, lsps, n, o->threshold, o->reservable);
    if (err)
        return err;
    bool *may_move = xcalloc(n + 1, sizeof *may_move);
    for (uint32_t i = 0; i < n; i++)
        may_move[i] = (!lsps[i].pinned || o->move_pinned) &&
                      lsps[i].hold_priority >= o->keep_priority;
    r.may_move = may_move;
    r.moved = xcalloc(n + 1, sizeof *r.moved);
    r.ways = xcalloc(n + 1, sizeof *r.ways);
    r.budget = &budget;
    *out = (struct te_relief){0};
    double before = te_state_highest(&state, NULL);
    uint32_t over = te_state_over(&state);
    relieve(&r, lsps, o, out);
    out->before = before;
    out->over_before = over;
    out->steps = o->budget - budget;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < r.ways[i].n; j++)
            free(r.ways[i].list[j].links);
        free(r.ways[i].list);
    }
    free(r.ways);
    free(r.moved);
    free(may_move);
    te_state_fini(&state);
    return ERR_OK;
}

void
te_relief_fini(struct te_relief *r)
{
    for (uint32_t i = 0; i < r->n_moves; i++)
        free(r->moves[i].links);
    free(r->moves);
    r->moves = NULL;
    r->n_moves = 0;
}
