#include "te/optimise_order_work.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define BROKEN_SEARCHED 3 /* sets of LSPs to be broken are searched up to this size */
#define SHORTENED 200     /* steps; with more the broken ones are down from first to last */

const char *
te_step_name(enum te_step_kind kind)
{
    static const char *const names[] = {"move", "interim", "down", "up"};
    return names[kind];
}

struct te_order_options
te_order_defaults(void)
{
    return (struct te_order_options){.share = 1, .interim = true, .budget = 20000};
}

/* ---- Steps ---- */

static void
add_step(struct ordering *r, enum te_step_kind kind, uint32_t lsp, const uint32_t *links,
         uint32_t n)
{
    struct te_order *out = r->out;
    out->steps = xrealloc(out->steps, out->n_steps + 1, sizeof *out->steps);
    out->steps[out->n_steps++] = (struct te_step){0, kind, lsp,
                                                  n ? xmemdup(links, n * sizeof *links) : NULL, n};
}

/* Steps of what the search found since it was at `from`. */
static void
note_sequence(struct ordering *r)
{
    for (uint32_t i = 0; i < r->n_sequence; i++) {
        const struct te_move *m = &r->moves[r->sequence[i]];
        add_step(r, TE_STEP_MOVE, m->lsp, m->links, m->n_links);
    }
    r->n_sequence = r->n_deepest = 0;
}

/* Tries all sets of that size, those with numbers from `from` on; leaves the first that helps. */
static bool
search_broken(struct ordering *r, uint32_t size, uint32_t from)
{
    if (size == 0)
        return order_search_within(r, r->o->budget / 20);
    for (uint32_t m = from; m < r->n && r->budget; m++) {
        if (r->done[m])
            continue;
        order_break(r, m, true);
        if (search_broken(r, size - 1, m + 1))
            return true;
        order_break(r, m, false);
    }
    if (!r->budget)
        r->exhaustive = false;
    return false;
}

/* Takes the moves that came furthest, which is where something is in the way. */
static void
advance(struct ordering *r)
{
    uint32_t n = r->n_deepest, *moves = xmemdup(r->deepest, (n + 1) * sizeof *moves);
    r->n_sequence = 0;
    for (uint32_t i = 0; i < n; i++)
        order_do_move(r, moves[i]);
    note_sequence(r);
    free(moves);
}

/* One LSP goes to an interim path so that at least one other can move. */
static bool
try_interim(struct ordering *r)
{
    for (uint32_t m = 0; m < r->n && r->budget; m++) {
        uint32_t lsp = r->moves[m].lsp;
        struct te_path path;
        if (r->done[m] || r->broken[m])
            continue;
        r->budget--;
        /* Its own old links count as free: what it shares with its old path is there once. But it
         * must leave them, so the route is sought without those that others wait for. */
        uint32_t *blocked = xcalloc(r->s.net->n_links + 1, sizeof *blocked), n = 0;
        for (uint32_t i = 0; i < r->s.lsps[lsp].n_links; i++) {
            uint32_t l = r->s.lsps[lsp].links[i];
            if (r->s.load[l] + r->arriving[l] > r->s.limit[l])
                blocked[n++] = l;
        }
        struct te_outage without = {.links = blocked, .n_links = n};
        enum err err = n ? te_state_route(&r->s, lsp, &without, false, &path) : ERR_NOT_FOUND;
        free(blocked);
        if (err)
            continue;
        struct place old = order_place_of(r, m);
        order_count_arrival(r, m, false);
        te_state_place(&r->s, lsp, path.links, path.n);
        order_count_arrival(r, m, true);
        if (order_next_move(r, 0, r->n, false) != TE_NONE) {
            add_step(r, TE_STEP_INTERIM, lsp, path.links, path.n);
            r->out->n_interim++;
            te_path_fini(&path);
            free(old.links);
            return true;
        }
        order_count_arrival(r, m, false);
        te_state_place(&r->s, lsp, old.links, old.n);
        order_count_arrival(r, m, true);
        te_path_fini(&path);
        free(old.links);
    }
    return false;
}

static void
note_up(struct ordering *r)
{
    for (uint32_t m = 0; m < r->n; m++) {
        if (!r->broken[m])
            continue;
        add_step(r, TE_STEP_UP, r->moves[m].lsp, r->moves[m].links, r->moves[m].n_links);
        r->out->n_broken++;
    }
}

/* Down first, then what the search found, then up: who is broken is down as long as anybody moves,
 * which is more than it must be, but never more LSPs. */
static void
note_broken(struct ordering *r)
{
    for (uint32_t m = 0; m < r->n; m++) {
        if (r->broken[m])
            add_step(r, TE_STEP_DOWN, r->moves[m].lsp, NULL, 0);
    }
    note_sequence(r);
    note_up(r);
}

/* Whether it is on a link that others wait for. */
static bool
is_in_the_way(const struct ordering *r, uint32_t m)
{
    const struct te_lsp *p = &r->s.lsps[r->moves[m].lsp];
    for (uint32_t i = 0; i < p->n_links; i++) {
        uint32_t reverse = r->s.net->links[p->links[i]].reverse;
        const uint32_t both[2] = {p->links[i], reverse};
        for (int k = 0; k < (te_lsp_is_symmetric(p) && reverse != TE_NONE ? 2 : 1); k++) {
            if (r->s.load[both[k]] + r->arriving[both[k]] > r->s.limit[both[k]])
                return true;
        }
    }
    return false;
}

/* Which one to break so that the most can move then; `*found`: all that is left can, and has. */
static uint32_t
choose_broken(struct ordering *r, bool *found)
{
    uint32_t best = TE_NONE, most = 0;
    uint64_t largest = 0;
    for (uint32_t m = 0; m < r->n; m++) {
        uint64_t bps = r->s.lsps[r->moves[m].lsp].constraints.bandwidth_bps;
        uint32_t reached = 0;
        if (r->done[m] || r->broken[m])
            continue;
        if (r->budget && is_in_the_way(r, m)) {
            order_break(r, m, true);
            *found = order_search_within(r, r->o->budget / 200);
            if (*found)
                return m;
            reached = r->n_deepest;
            order_break(r, m, false);
        }
        if (best == TE_NONE || reached > most || (reached == most && bps > largest)) {
            best = m;
            most = reached;
            largest = bps;
        }
    }
    return best;
}

/* One after the other, each time moving as far as that allows. */
static void
break_greedily(struct ordering *r)
{
    bool found = order_search_within(r, r->o->budget / 20);
    while (!found) {
        advance(r);
        uint32_t m = choose_broken(r, &found);
        if (m == TE_NONE)
            break;
        if (!found)
            order_break(r, m, true);
        add_step(r, TE_STEP_DOWN, r->moves[m].lsp, NULL, 0);
        if (!found)
            found = order_search_within(r, r->o->budget / 20);
    }
    note_sequence(r);
    note_up(r);
}

/* Interim paths as long as they bring something, each move at most once, on a copy of the steps so
 * far; false: they do not suffice, and all is as it was. */
static bool
order_by_interim(struct ordering *r)
{
    struct te_state *s = &r->s;
    uint32_t kept_steps = r->out->n_steps, kept_interim = r->out->n_interim;
    struct place *before = xcalloc(r->n + 1, sizeof *before);
    bool *done = xmemdup(r->done, (r->n + 1) * sizeof *done), solved = false;
    uint64_t hash = r->hash;
    for (uint32_t m = 0; m < r->n; m++)
        before[m] = order_place_of(r, m);
    for (uint32_t i = 0; i < r->n && !solved; i++) {
        advance(r);
        if (!try_interim(r))
            break;
        solved = order_search_within(r, r->o->budget / 20);
    }
    if (solved)
        note_sequence(r);
    for (uint32_t m = 0; m < r->n; m++) {
        if (!solved && !r->done[m])
            order_count_arrival(r, m, false);
        if (!solved) {
            te_state_place(s, r->moves[m].lsp, before[m].links, before[m].n);
            r->done[m] = done[m];
            if (!r->done[m])
                order_count_arrival(r, m, true);
        }
        free(before[m].links);
    }
    if (!solved) {
        r->hash = hash;
        for (uint32_t i = kept_steps; i < r->out->n_steps; i++)
            free(r->out->steps[i].links);
        r->out->n_steps = kept_steps;
        r->out->n_interim = kept_interim;
    }
    free(before);
    free(done);
    return solved;
}

static void
order(struct ordering *r)
{
    bool proved = true;
    uint64_t part = r->budget / 6;
    order_open_part(r, r->budget / 2);
    if (order_search(r)) {
        note_sequence(r);
        r->out->proved = true;
        return;
    }
    proved = r->exhaustive;
    order_open_part(r, part);
    if (r->o->interim && order_by_interim(r)) {
        r->out->proved = true; /* none is broken */
        return;
    }
    order_open_part(r, part);
    for (uint32_t size = 1; size <= BROKEN_SEARCHED && size <= r->n; size++) {
        if (search_broken(r, size, 0)) {
            note_broken(r);
            r->out->proved = proved;
            return;
        }
        proved = proved && r->exhaustive && r->budget;
    }
    order_open_part(r, r->o->budget);
    break_greedily(r);
}

/* ---- How long the broken ones are down ---- */

/* Whether all steps, one after the other, keep the limits. */
static bool
fits_in_order(struct ordering *r)
{
    struct te_order *out = r->out;
    bool fits = true;
    uint32_t n = 0;
    for (; n < out->n_steps && fits; n++) {
        const struct te_step *step = &out->steps[n];
        fits = order_has_room(r, step->lsp, step->links, step->n_links, false);
        te_state_place(&r->s, step->lsp, step->links, step->n_links);
    }
    for (uint32_t m = 0; m < r->n; m++)
        te_state_place(&r->s, r->moves[m].lsp, r->lsps[r->moves[m].lsp].links,
                       r->lsps[r->moves[m].lsp].n_links);
    return fits;
}

static bool
swap_steps(struct ordering *r, uint32_t i)
{
    struct te_step *steps = r->out->steps, kept = steps[i];
    if (steps[i].lsp == steps[i + 1].lsp || steps[i].kind == steps[i + 1].kind)
        return false;
    steps[i] = steps[i + 1];
    steps[i + 1] = kept;
    if (fits_in_order(r))
        return true;
    steps[i + 1] = steps[i];
    steps[i] = kept;
    return false;
}

/* Down as late, up as early as it goes. */
static void
shorten_breaks(struct ordering *r)
{
    uint32_t n = r->out->n_steps;
    if (!r->out->n_broken || n > SHORTENED)
        return;
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t j = i; r->out->steps[j].kind == TE_STEP_DOWN && j + 1 < n; j++) {
            if (!swap_steps(r, j))
                break;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i; r->out->steps[j].kind == TE_STEP_UP && j > 0; j--) {
            if (!swap_steps(r, j - 1))
                break;
        }
    }
}

/* ---- Batches ---- */

/* Whether a step fits beside those of the batch that is open: peaks are what is there at the worst
 * moment, old and new paths of all of them. */
static bool
joins(const struct ordering *r, const uint64_t *peak, uint32_t lsp, const struct te_step *step)
{
    uint32_t *fresh = xcalloc(2 * step->n_links + 1, sizeof *fresh);
    uint32_t n = order_new_links(r, lsp, step->links, step->n_links, fresh);
    uint64_t bps = r->s.lsps[lsp].constraints.bandwidth_bps;
    bool fits = true;
    for (uint32_t i = 0; i < n; i++)
        fits = fits && peak[fresh[i]] + bps <= r->s.limit[fresh[i]];
    free(fresh);
    return fits;
}

/* Steps in their order, as many at once as fit. The state is at its beginning again. */
static void
make_batches(struct ordering *r)
{
    const struct te_network *net = r->s.net;
    struct te_order *out = r->out;
    uint64_t *peak = xmemdup(r->s.load, (net->n_links + 1) * sizeof *peak);
    uint32_t batch = 0, in_batch = 0, first = 0;
    bool *busy = xcalloc(r->s.n + 1, sizeof *busy);
    for (uint32_t i = 0; i < out->n_steps; i++) {
        struct te_step *step = &out->steps[i];
        bool full = r->o->parallel && in_batch == r->o->parallel;
        if (in_batch && (full || busy[step->lsp] || !joins(r, peak, step->lsp, step))) {
            for (uint32_t j = first; j < i; j++) {
                te_state_place(&r->s, out->steps[j].lsp, out->steps[j].links,
                               out->steps[j].n_links);
                busy[out->steps[j].lsp] = false;
            }
            memcpy(peak, r->s.load, net->n_links * sizeof *peak);
            first = i;
            in_batch = 0;
            batch++;
        }
        uint32_t *fresh = xcalloc(2 * step->n_links + 1, sizeof *fresh);
        uint32_t n = order_new_links(r, step->lsp, step->links, step->n_links, fresh);
        for (uint32_t j = 0; j < n; j++)
            peak[fresh[j]] += r->s.lsps[step->lsp].constraints.bandwidth_bps;
        free(fresh);
        step->batch = batch;
        busy[step->lsp] = true;
        in_batch++;
    }
    out->n_batches = out->n_steps ? batch + 1 : 0;
    free(peak);
    free(busy);
}

/* ---- All together ---- */

static enum err
check_moves(const struct te_state *s, const struct te_move *moves, uint32_t n)
{
    bool *seen = xcalloc(s->n + 1, sizeof *seen);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n && !err; i++) {
        if (moves[i].lsp >= s->n || seen[moves[i].lsp] || !moves[i].n_links) {
            err = ERR_INVALID;
            break;
        }
        seen[moves[i].lsp] = true;
        uint32_t at = s->lsps[moves[i].lsp].from;
        for (uint32_t j = 0; j < moves[i].n_links && !err; j++) {
            uint32_t l = moves[i].links[j];
            if (l >= s->net->n_links || s->net->links[l].from != at)
                err = ERR_INVALID;
            else
                at = s->net->links[l].to;
        }
        if (!err && at != s->lsps[moves[i].lsp].to)
            err = ERR_INVALID;
    }
    free(seen);
    return err;
}

/* Limits are raised to what is there already; ERR_CONFLICT if the end does not keep them. */
static enum err
check_end(struct te_state *s, const struct te_lsp *lsps, const struct te_move *moves, uint32_t n,
          bool keep_end)
{
    for (uint32_t l = 0; l < s->net->n_links; l++)
        s->limit[l] = MAX(s->limit[l], s->load[l]);
    for (uint32_t i = 0; i < n; i++)
        te_state_place(s, moves[i].lsp, moves[i].links, moves[i].n_links);
    for (uint32_t l = 0; l < s->net->n_links && keep_end; l++)
        s->limit[l] = MAX(s->limit[l], s->load[l]);
    bool over = te_state_over(s) > 0;
    for (uint32_t i = 0; i < n; i++)
        te_state_place(s, moves[i].lsp, lsps[moves[i].lsp].links, lsps[moves[i].lsp].n_links);
    return over ? ERR_CONFLICT : ERR_OK;
}

static void
open_ordering(struct ordering *r)
{
    uint64_t key = UINT64_C(0x9e3779b97f4a7c15);
    r->arriving = xcalloc(r->s.net->n_links + 1, sizeof *r->arriving);
    r->done = xcalloc(r->n + 1, sizeof *r->done);
    r->broken = xcalloc(r->n + 1, sizeof *r->broken);
    r->key = xcalloc(r->n + 1, sizeof *r->key);
    r->sequence = xcalloc(r->n + 1, sizeof *r->sequence);
    r->deepest = xcalloc(r->n + 1, sizeof *r->deepest);
    for (uint32_t m = 0; m < r->n; m++) {
        key ^= key >> 12;
        key ^= key << 25;
        key ^= key >> 27;
        r->key[m] = key * UINT64_C(0x2545f4914f6cdd1d);
        order_count_arrival(r, m, true);
    }
}

static void
close_ordering(struct ordering *r)
{
    free(r->arriving);
    free(r->done);
    free(r->broken);
    free(r->key);
    free(r->sequence);
    free(r->deepest);
    free(r->dead.slots);
}

enum err
te_order_moves(struct te_router *router, const struct te_lsp *lsps, uint32_t n,
               const struct te_move *moves, uint32_t n_moves, const struct te_order_options *o,
               struct te_order *out)
{
    struct te_order result = {0};
    struct ordering r = {
        .lsps = lsps, .moves = moves, .n = n_moves, .o = o, .budget = o->budget, .out = &result};
    enum err err = te_state_init(&r.s, router, lsps, n, o->share, o->reservable);
    if (err)
        return err;
    err = check_moves(&r.s, moves, n_moves);
    if (!err)
        err = check_end(&r.s, lsps, moves, n_moves, o->keep_end);
    if (!err) {
        open_ordering(&r);
        order(&r);
        for (uint32_t m = 0; m < r.n; m++) {
            if (r.broken[m]) /* its load was taken off by hand */
                order_break(&r, m, false);
            te_state_place(&r.s, moves[m].lsp, lsps[moves[m].lsp].links,
                           lsps[moves[m].lsp].n_links);
        }
        shorten_breaks(&r);
        make_batches(&r);
        result.sets = o->budget - r.budget - r.reserve;
        close_ordering(&r);
        *out = result;
    }
    te_state_fini(&r.s);
    return err;
}

void
te_order_fini(struct te_order *o)
{
    for (uint32_t i = 0; i < o->n_steps; i++)
        free(o->steps[i].links);
    free(o->steps);
    *o = (struct te_order){0};
}
