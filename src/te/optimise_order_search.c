/* The search for an order: safe moves first, then one of the others at a time; sets of finished
 * moves from which there is no way on are remembered. */
#include "te/optimise_order_work.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static bool
set_add(struct sets *t, uint64_t hash)
{
    hash |= 1; /* 0 is an empty slot */
    if (2 * (t->n + 1) > t->size) {
        struct sets bigger = {.size = t->size ? 2 * t->size : 256};
        bigger.slots = xcalloc(bigger.size, sizeof *bigger.slots);
        for (uint32_t i = 0; i < t->size; i++) {
            if (t->slots[i])
                set_add(&bigger, t->slots[i]);
        }
        free(t->slots);
        *t = bigger;
    }
    uint32_t i = (uint32_t)(hash >> 20) & (t->size - 1);
    for (; t->slots[i]; i = (i + 1) & (t->size - 1)) {
        if (t->slots[i] == hash)
            return false;
    }
    t->slots[i] = hash;
    t->n++;
    return true;
}

uint32_t
order_new_links(const struct ordering *r, uint32_t lsp, const uint32_t *links, uint32_t n,
                uint32_t *result)
{
    const struct te_lsp *p = &r->s.lsps[lsp];
    bool both = te_lsp_is_symmetric(p);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t reverse = r->s.net->links[links[i]].reverse;
        if (!te_state_uses(&r->s, lsp, links[i]))
            result[found++] = links[i];
        if (both && reverse != TE_NONE && !te_state_uses(&r->s, lsp, reverse))
            result[found++] = reverse;
    }
    return found;
}

bool
order_has_room(const struct ordering *r, uint32_t lsp, const uint32_t *links, uint32_t n,
               bool for_all)
{
    uint32_t *fresh = xcalloc(2 * n + 1, sizeof *fresh);
    uint32_t found = order_new_links(r, lsp, links, n, fresh);
    uint64_t bps = r->s.lsps[lsp].constraints.bandwidth_bps;
    bool room = true;
    for (uint32_t i = 0; i < found && room; i++) {
        uint64_t more = for_all ? r->arriving[fresh[i]] : bps;
        room = r->s.load[fresh[i]] + more <= r->s.limit[fresh[i]];
    }
    free(fresh);
    return room;
}

void
order_count_arrival(struct ordering *r, uint32_t m, bool add)
{
    const struct te_move *move = &r->moves[m];
    uint32_t *fresh = xcalloc(2 * move->n_links + 1, sizeof *fresh);
    uint32_t found = order_new_links(r, move->lsp, move->links, move->n_links, fresh);
    uint64_t bps = r->s.lsps[move->lsp].constraints.bandwidth_bps;
    for (uint32_t i = 0; i < found; i++)
        r->arriving[fresh[i]] += add ? bps : 0 - bps;
    free(fresh);
}

void
order_do_move(struct ordering *r, uint32_t m)
{
    const struct te_move *move = &r->moves[m];
    order_count_arrival(r, m, false);
    te_state_place(&r->s, move->lsp, move->links, move->n_links);
    r->done[m] = true;
    r->hash ^= r->key[m];
    r->sequence[r->n_sequence++] = m;
}

struct place
order_place_of(const struct ordering *r, uint32_t m)
{
    const struct te_lsp *p = &r->s.lsps[r->moves[m].lsp];
    return (struct place){p->n_links,
                          p->n_links ? xmemdup(p->links, p->n_links * sizeof *p->links) : NULL};
}

static void
undo_move(struct ordering *r, uint32_t m, struct place *old)
{
    te_state_place(&r->s, r->moves[m].lsp, old->links, old->n);
    free(old->links);
    r->done[m] = false;
    r->hash ^= r->key[m];
    r->n_sequence--;
    order_count_arrival(r, m, true);
}

uint32_t
order_next_move(const struct ordering *r, uint32_t from, uint32_t n, bool safe)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t m = (from + i) % r->n;
        if (!r->done[m] && !r->broken[m] &&
            order_has_room(r, r->moves[m].lsp, r->moves[m].links, r->moves[m].n_links, safe))
            return m;
    }
    return TE_NONE;
}

static bool
all_done(const struct ordering *r)
{
    for (uint32_t m = 0; m < r->n; m++) {
        if (!r->done[m] && !r->broken[m])
            return false;
    }
    return true;
}

static bool search(struct ordering *r);

/* What remains after one move; undone if that fails. */
static bool
try_move(struct ordering *r, uint32_t m)
{
    struct place old = order_place_of(r, m);
    order_do_move(r, m);
    if (search(r)) {
        free(old.links);
        return true;
    }
    undo_move(r, m, &old);
    return false;
}

/* One of those that can be made but may stand in the way. */
static bool
branch(struct ordering *r)
{
    if (!r->budget) {
        r->exhaustive = false;
        return false;
    }
    if (!set_add(&r->dead, r->hash))
        return false;
    r->budget--;
    for (uint32_t m = 0; m < r->n; m++) {
        m = order_next_move(r, m, r->n - m, false);
        if (m == TE_NONE)
            break;
        if (try_move(r, m))
            return true;
    }
    return false;
}

/* Whether there is an order for all that are not broken: safe moves first. */
static bool
search(struct ordering *r)
{
    struct place *old = NULL;
    uint32_t n = 0, capacity = 0, m = r->n ? order_next_move(r, 0, r->n, true) : TE_NONE;
    for (; m != TE_NONE; m = order_next_move(r, m, r->n, true)) {
        GROW(old, n, capacity);
        old[n++] = order_place_of(r, m);
        order_do_move(r, m);
    }
    if (r->n_sequence > r->n_deepest) {
        r->n_deepest = r->n_sequence;
        memcpy(r->deepest, r->sequence, r->n_sequence * sizeof *r->sequence);
    }
    bool found = all_done(r) || branch(r);
    while (n > 0) {
        n--;
        if (found)
            free(old[n].links);
        else
            undo_move(r, r->sequence[r->n_sequence - 1], &old[n]);
    }
    free(old);
    return found;
}

bool
order_search(struct ordering *r)
{
    free(r->dead.slots);
    r->dead = (struct sets){0};
    r->exhaustive = true;
    r->n_sequence = r->n_deepest = 0;
    return search(r);
}

void
order_open_part(struct ordering *r, uint64_t part)
{
    r->reserve += r->budget;
    r->budget = MIN(part, r->reserve);
    r->reserve -= r->budget;
}

bool
order_search_within(struct ordering *r, uint64_t cap)
{
    uint64_t others = r->budget > cap ? r->budget - cap : 0;
    r->budget -= others;
    bool found = order_search(r);
    r->budget += others;
    return found;
}

void
order_break(struct ordering *r, uint32_t m, bool broken)
{
    uint32_t lsp = r->moves[m].lsp;
    const struct te_lsp *p = &r->s.lsps[lsp];
    if (broken)
        order_count_arrival(r, m, false);
    te_state_load(&r->s, lsp, p->links, p->n_links, !broken);
    r->broken[m] = broken;
    r->hash ^= r->key[m] * 3;
    if (!broken)
        order_count_arrival(r, m, true);
}
