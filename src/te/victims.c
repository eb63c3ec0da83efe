/* Who has to go when a better booking comes: te_bookings_victims(). */
#include "te/account.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A time on a link at which too much would be used. */
struct lack {
    uint32_t link;
    nsec_t at;
    uint64_t bps;
};

struct search {
    const struct te_bookings *b;
    struct lack *lacks;
    uint32_t n_lacks, lacks_capacity;
    struct suspect {
        struct te_booked *lsp;
        uint64_t *gives; /* by lack */
        unsigned hold;   /* the best that it has */
        uint64_t bps;    /* the most that it has */
    } * suspects;
    uint32_t n_suspects, suspects_capacity;
    uint32_t chosen[3], best[3], n_best;
    uint32_t steps;
};

static void
find_lacks(struct search *s, const struct te_booking *k)
{
    const struct te_booked *own = te_account_find(s->b, k->lsp);
    const struct te_window *list = k->windows ? k->windows : &te_always;
    uint32_t n = k->windows ? k->n_windows : 1;
    for (uint32_t i = 0; i < k->n_links * n; i++) {
        const uint32_t link = k->links[i / n];
        const struct te_window w = list[i % n];
        const struct te_account *a = &s->b->accounts[link];
        for (uint32_t m = te_account_piece(a, w.from);
             m < a->n_pieces && a->pieces[m].start < w.until; m++) {
            unsigned hold;
            nsec_t at = a->pieces[m].start;
            uint64_t mine = own ? te_account_held(own, link, at, &hold) : 0;
            uint64_t used = a->pieces[m].used[TE_PRIORITIES - 1] - mine +
                            MAX(mine, k->bandwidth_bps);
            if (used <= a->capacity)
                continue;
            GROW(s->lacks, s->n_lacks, s->lacks_capacity);
            s->lacks[s->n_lacks++] = (struct lack){link, at, used - a->capacity};
        }
    }
}

static void
suspect(struct search *s, struct te_booked *lsp, unsigned setup)
{
    struct suspect x = {.lsp = lsp, .hold = TE_PRIORITIES};
    for (uint32_t i = 0; i < lsp->n_paths; i++) {
        x.hold = MIN(x.hold, lsp->paths[i].hold_priority);
        x.bps = MAX(x.bps, lsp->paths[i].bandwidth_bps);
    }
    if (x.hold <= setup)
        return;
    x.gives = xcalloc(s->n_lacks, sizeof *x.gives);
    for (uint32_t i = 0; i < s->n_lacks; i++) {
        unsigned hold;
        x.gives[i] = te_account_held(lsp, s->lacks[i].link, s->lacks[i].at, &hold);
    }
    GROW(s->suspects, s->n_suspects, s->suspects_capacity);
    s->suspects[s->n_suspects++] = x;
}

/* The worst priority first, then the least bandwidth, then the lowest number. */
static int
by_worth(const void *a, const void *b)
{
    const struct suspect *x = a, *y = b;
    if (x->hold != y->hold)
        return x->hold > y->hold ? -1 : 1;
    if (x->bps != y->bps)
        return x->bps < y->bps ? -1 : 1;
    return (x->lsp->id > y->lsp->id) - (x->lsp->id < y->lsp->id);
}

static void
find_suspects(struct search *s, const struct te_booking *k)
{
    for (uint32_t i = 0; i < s->n_lacks; i++) {
        const struct te_account *a = &s->b->accounts[s->lacks[i].link];
        if (i && s->lacks[i - 1].link == s->lacks[i].link)
            continue;
        for (uint32_t m = 0; m < a->n_holders; m++) {
            struct te_booked *lsp = a->holders[m].lsp;
            if (lsp->id != k->lsp && lsp->suspected != *s->b->searches)
                suspect(s, lsp, k->setup_priority);
            lsp->suspected = *s->b->searches;
        }
    }
    if (s->n_suspects)
        qsort(s->suspects, s->n_suspects, sizeof *s->suspects, by_worth);
}

static bool
suffices(const struct search *s, const uint32_t *chosen, uint32_t n)
{
    for (uint32_t i = 0; i < s->n_lacks; i++) {
        uint64_t given = 0;
        for (uint32_t k = 0; k < n; k++)
            given += s->suspects[chosen[k]].gives[i];
        if (given < s->lacks[i].bps)
            return false;
    }
    return true;
}

/* Is the first set less of a loss? Both are in the order of by_worth(). */
static bool
costs_less(const struct search *s, const uint32_t *a, const uint32_t *b, uint32_t n)
{
    uint64_t bps[2] = {0, 0};
    for (uint32_t i = n; i-- > 0;) { /* the best priority that is lost, first */
        unsigned x = s->suspects[a[i]].hold, y = s->suspects[b[i]].hold;
        if (x != y)
            return x > y;
        bps[0] += s->suspects[a[i]].bps;
        bps[1] += s->suspects[b[i]].bps;
    }
    return bps[0] < bps[1];
}

#define STEPS_MAX 1000000

/* All sets of that size. False: it takes too long. */
static bool
try_sets(struct search *s, uint32_t from, uint32_t depth, uint32_t size)
{
    if (depth == size) {
        s->steps += s->n_lacks;
        if (suffices(s, s->chosen, size) &&
            (!s->n_best || costs_less(s, s->chosen, s->best, size))) {
            memcpy(s->best, s->chosen, sizeof s->best);
            s->n_best = size;
        }
        return s->steps < STEPS_MAX;
    }
    for (uint32_t i = from; i < s->n_suspects; i++) {
        s->chosen[depth] = i;
        if (!try_sets(s, i + 1, depth + 1, size))
            return false;
    }
    return true;
}

static uint64_t
help_of(const struct search *s, uint32_t suspect, const uint64_t *lacking)
{
    uint64_t help = 0;
    for (uint32_t i = 0; i < s->n_lacks; i++)
        help += MIN(s->suspects[suspect].gives[i], lacking[i]);
    return help;
}

/* Takes who helps most until all is there, then lets go who is not needed. Returns how many. */
static uint32_t
take_greedily(const struct search *s, uint32_t *chosen)
{
    uint64_t *lacking = xcalloc(s->n_lacks, sizeof *lacking);
    bool *taken = xcalloc(s->n_suspects + 1, sizeof *taken);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_lacks; i++)
        lacking[i] = s->lacks[i].bps;
    while (!suffices(s, chosen, n)) {
        uint32_t most = 0;
        uint64_t help = 0;
        for (uint32_t i = 0; i < s->n_suspects; i++) {
            uint64_t here = taken[i] ? 0 : help_of(s, i, lacking);
            most = here > help ? i : most;
            help = MAX(here, help);
        }
        taken[most] = true;
        for (uint32_t i = 0; i < s->n_lacks; i++)
            lacking[i] -= MIN(s->suspects[most].gives[i], lacking[i]);
        chosen[n++] = most;
    }
    for (uint32_t i = 0; i < n;) {
        uint32_t kept = chosen[i];
        chosen[i] = chosen[n - 1];
        if (suffices(s, chosen, n - 1)) {
            n--;
        } else {
            chosen[n - 1] = chosen[i];
            chosen[i++] = kept;
        }
    }
    free(lacking);
    free(taken);
    return n;
}

static enum err
choose(struct search *s, uint32_t *chosen, uint32_t *n)
{
    for (uint32_t i = 0; i < s->n_suspects; i++)
        chosen[i] = i;
    if (!suffices(s, chosen, s->n_suspects))
        return ERR_CONFLICT;
    for (uint32_t size = 1; size <= 3 && !s->n_best; size++) {
        if (!try_sets(s, 0, 0, size))
            break;
    }
    if (s->n_best)
        memcpy(chosen, s->best, s->n_best * sizeof *chosen);
    *n = s->n_best ? s->n_best : take_greedily(s, chosen);
    return ERR_OK;
}

enum err
te_bookings_victims(const struct te_bookings *b, const struct te_booking *k, uint64_t **lsps,
                    uint32_t *n)
{
    struct search s = {.b = b};
    enum err err = te_account_check(b, k);
    if (err)
        return err;
    ++*b->searches;
    find_lacks(&s, k);
    find_suspects(&s, k);
    uint32_t *chosen = xcalloc(s.n_suspects + 1, sizeof *chosen), n_chosen = 0;
    if (s.n_lacks)
        err = choose(&s, chosen, &n_chosen);
    if (!err) {
        *n = n_chosen;
        *lsps = n_chosen ? xcalloc(n_chosen, sizeof **lsps) : NULL;
        for (uint32_t i = 0; i < n_chosen; i++)
            (*lsps)[i] = s.suspects[chosen[i]].lsp->id;
    }
    for (uint32_t i = 0; i < s.n_suspects; i++)
        free(s.suspects[i].gives);
    free(s.suspects);
    free(s.lacks);
    free(chosen);
    return err;
}
