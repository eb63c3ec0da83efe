#include "te/bookings.h"

#include "base/alloc.h"
#include "base/hash_table.h"

#include <stdlib.h>

/* From `start` to the start of the next one. */
struct piece {
    nsec_t start;
    uint32_t cuts;                /* windows that begin or end at its start */
    uint64_t used[TE_PRIORITIES]; /* by those who hold at that or a better priority */
};

struct account {
    uint64_t capacity;
    struct piece *pieces; /* the first starts at TE_EVER */
    uint32_t n_pieces, pieces_capacity;
    struct holder {
        struct lsp *lsp;
        uint32_t n_paths;
    } * holders;
    uint32_t n_holders, holders_capacity;
};

struct lsp {
    UT_hash_handle hh;
    uint64_t id;
    uint64_t suspected;       /* in the search for victims with that number */
    struct te_booking *paths; /* with links and windows of their own */
    uint32_t n_paths, capacity;
};

struct te_bookings {
    uint32_t n_links;
    struct account *accounts;
    struct lsp *lsps;
    uint64_t *searches; /* for victims, so far; apart, for a search changes nothing else */
};

static const struct te_window always = {TE_EVER, TE_FOREVER};

static struct account *
new_accounts(const struct te_network *net)
{
    struct account *all = xcalloc(net->n_links + 1, sizeof *all);
    for (uint32_t l = 0; l < net->n_links; l++) {
        struct account *a = &all[l];
        a->capacity = net->links[l].reservable_bps;
        GROW(a->pieces, a->n_pieces, a->pieces_capacity);
        a->pieces[a->n_pieces++] = (struct piece){.start = TE_EVER, .cuts = 1};
    }
    return all;
}

static void
free_accounts(struct te_bookings *b)
{
    for (uint32_t l = 0; l < b->n_links; l++) {
        free(b->accounts[l].pieces);
        free(b->accounts[l].holders);
    }
    free(b->accounts);
}

struct te_bookings *
te_bookings_new(const struct te_network *net)
{
    struct te_bookings *b = xcalloc(1, sizeof *b);
    b->n_links = net->n_links;
    b->accounts = new_accounts(net);
    b->searches = xcalloc(1, sizeof *b->searches);
    return b;
}

static void
free_path(struct te_booking *path)
{
    free((uint32_t *)path->links);
    free((struct te_window *)path->windows);
}

static void
free_lsp(struct te_bookings *b, struct lsp *lsp)
{
    HASH_DELETE(hh, b->lsps, lsp);
    free(lsp->paths);
    free(lsp);
}

void
te_bookings_free(struct te_bookings *b)
{
    struct lsp *lsp, *next;
    if (!b)
        return;
    HASH_ITER (hh, b->lsps, lsp, next) {
        for (uint32_t i = 0; i < lsp->n_paths; i++)
            free_path(&lsp->paths[i]);
        free_lsp(b, lsp);
    }
    free_accounts(b);
    free(b->searches);
    free(b);
}

void
te_bookings_set_capacity(struct te_bookings *b, uint32_t link, uint64_t bps)
{
    b->accounts[link].capacity = bps;
}

uint64_t
te_bookings_capacity(const struct te_bookings *b, uint32_t link)
{
    return b->accounts[link].capacity;
}

static struct lsp *
find_lsp(const struct te_bookings *b, uint64_t id)
{
    struct lsp *lsp;
    HASH_FIND(hh, b->lsps, &id, sizeof id, lsp);
    return lsp;
}

static struct te_booking *
find_path(const struct lsp *lsp, uint32_t path)
{
    for (uint32_t i = 0; lsp && i < lsp->n_paths; i++) {
        if (lsp->paths[i].path == path)
            return &lsp->paths[i];
    }
    return NULL;
}

/* ---- What an LSP has on a link at a time ---- */

static bool
is_active(const struct te_booking *path, nsec_t at)
{
    for (uint32_t i = 0; i < path->n_windows; i++) {
        if (at >= path->windows[i].from && at < path->windows[i].until)
            return true;
    }
    return false;
}

static bool
uses(const struct te_booking *path, uint32_t link)
{
    for (uint32_t i = 0; i < path->n_links; i++) {
        if (path->links[i] == link)
            return true;
    }
    return false;
}

/* 0: nothing. */
static uint64_t
held(const struct lsp *lsp, uint32_t link, nsec_t at, unsigned *hold)
{
    uint64_t bps = 0;
    *hold = TE_PRIORITIES;
    for (uint32_t i = 0; i < lsp->n_paths; i++) {
        const struct te_booking *path = &lsp->paths[i];
        if (uses(path, link) && is_active(path, at)) {
            bps = MAX(bps, path->bandwidth_bps);
            *hold = MIN(*hold, path->hold_priority);
        }
    }
    return bps;
}

/* ---- The time line ---- */

/* The piece that this time is in. */
static uint32_t
piece_at(const struct account *a, nsec_t at)
{
    uint32_t low = 0, high = a->n_pieces;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (a->pieces[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void
cut(struct account *a, nsec_t at)
{
    uint32_t i = piece_at(a, at);
    if (a->pieces[i].start == at) {
        a->pieces[i].cuts++;
        return;
    }
    GROW(a->pieces, a->n_pieces, a->pieces_capacity);
    memmove(&a->pieces[i + 2], &a->pieces[i + 1], (a->n_pieces - i - 1) * sizeof *a->pieces);
    a->n_pieces++;
    a->pieces[i + 1] = a->pieces[i];
    a->pieces[i + 1].start = at;
    a->pieces[i + 1].cuts = 1;
}

/* Nobody else begins or ends there: then the piece is as the one before. */
static void
mend(struct account *a, nsec_t at)
{
    uint32_t i = piece_at(a, at);
    if (--a->pieces[i].cuts)
        return;
    a->n_pieces--;
    memmove(&a->pieces[i], &a->pieces[i + 1], (a->n_pieces - i) * sizeof *a->pieces);
}

static void
cut_windows(struct account *a, const struct te_booking *path,
            void (*change)(struct account *, nsec_t))
{
    for (uint32_t i = 0; i < path->n_windows; i++) {
        change(a, path->windows[i].from);
        if (path->windows[i].until != TE_FOREVER)
            change(a, path->windows[i].until);
    }
}

/* Adds what the LSP has on the link, or takes it away. */
static void
account_for(struct account *a, const struct lsp *lsp, uint32_t link, bool add)
{
    for (uint32_t i = 0; i < a->n_pieces; i++) {
        unsigned hold;
        uint64_t bps = held(lsp, link, a->pieces[i].start, &hold);
        for (unsigned p = hold; p < TE_PRIORITIES; p++)
            a->pieces[i].used[p] += add ? bps : -bps;
    }
}

static void
count_holder(struct account *a, struct lsp *lsp, bool add)
{
    uint32_t i = 0;
    while (i < a->n_holders && a->holders[i].lsp != lsp)
        i++;
    if (i == a->n_holders) {
        GROW(a->holders, a->n_holders, a->holders_capacity);
        a->holders[a->n_holders++] = (struct holder){lsp, 0};
    }
    a->holders[i].n_paths += add ? 1 : UINT32_MAX;
    if (!a->holders[i].n_paths)
        a->holders[i] = a->holders[--a->n_holders];
}

/* ---- What is free ---- */

static uint64_t
free_on(const struct te_bookings *b, uint32_t link, unsigned priority, struct te_window w,
        const struct lsp *own)
{
    const struct account *a = &b->accounts[link];
    uint64_t most = 0;
    for (uint32_t i = piece_at(a, w.from); i < a->n_pieces && a->pieces[i].start < w.until; i++) {
        uint64_t used = a->pieces[i].used[priority];
        unsigned hold;
        uint64_t mine = own ? held(own, link, a->pieces[i].start, &hold) : 0;
        if (mine && hold <= priority)
            used -= mine;
        most = MAX(most, used);
    }
    return a->capacity > most ? a->capacity - most : 0;
}

uint64_t
te_bookings_link_free(const struct te_bookings *b, uint32_t link, unsigned priority,
                      struct te_window window, uint64_t lsp)
{
    return free_on(b, link, priority, window, find_lsp(b, lsp));
}

void
te_bookings_all_free(const struct te_bookings *b, unsigned priority,
                     const struct te_window *windows, uint32_t n_windows, uint64_t lsp,
                     uint64_t *free_bps)
{
    const struct lsp *own = find_lsp(b, lsp);
    const struct te_window *list = windows ? windows : &always;
    uint32_t n = windows ? n_windows : 1;
    for (uint32_t l = 0; l < b->n_links; l++)
        free_bps[l] = UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t l = 0; l < b->n_links; l++)
            free_bps[l] = MIN(free_bps[l], free_on(b, l, priority, list[i], NULL));
    }
    for (uint32_t k = 0; own && k < own->n_paths; k++) {
        for (uint32_t i = 0; i < own->paths[k].n_links; i++) {
            uint32_t l = own->paths[k].links[i];
            free_bps[l] = UINT64_MAX;
            for (uint32_t m = 0; m < n; m++)
                free_bps[l] = MIN(free_bps[l], free_on(b, l, priority, list[m], own));
        }
    }
}

/* ---- Booking ---- */

static bool
windows_are_fine(const struct te_booking *k)
{
    for (uint32_t i = 0; k->windows && i < k->n_windows; i++) {
        if (k->windows[i].from >= k->windows[i].until ||
            (i && k->windows[i].from < k->windows[i - 1].until))
            return false;
    }
    return !k->windows || k->n_windows;
}

static enum err
check(const struct te_bookings *b, const struct te_booking *k)
{
    if (!k->lsp || k->setup_priority >= TE_PRIORITIES || k->hold_priority > k->setup_priority ||
        !windows_are_fine(k))
        return ERR_INVALID;
    for (uint32_t i = 0; i < k->n_links; i++) {
        if (k->links[i] >= b->n_links)
            return ERR_INVALID;
        for (uint32_t m = 0; m < i; m++) {
            if (k->links[m] == k->links[i])
                return ERR_INVALID;
        }
    }
    return find_path(find_lsp(b, k->lsp), k->path) ? ERR_EXISTS : ERR_OK;
}

/* Its own path on a link counts once, by the larger of both. */
static enum err
find_room(const struct te_bookings *b, const struct te_booking *k, uint32_t *full)
{
    const struct lsp *own = find_lsp(b, k->lsp);
    const struct te_window *list = k->windows ? k->windows : &always;
    uint32_t n = k->windows ? k->n_windows : 1;
    for (uint32_t i = 0; i < k->n_links; i++) {
        for (uint32_t m = 0; m < n; m++) {
            if (free_on(b, k->links[i], k->setup_priority, list[m], own) >= k->bandwidth_bps)
                continue;
            if (full)
                *full = k->links[i];
            return ERR_CONFLICT;
        }
    }
    return ERR_OK;
}

static void
add(struct te_bookings *b, const struct te_booking *k)
{
    struct lsp *lsp = find_lsp(b, k->lsp);
    if (!lsp) {
        lsp = xcalloc(1, sizeof *lsp);
        lsp->id = k->lsp;
        HASH_ADD(hh, b->lsps, id, sizeof lsp->id, lsp);
    }
    struct te_booking copy = *k;
    copy.links = xmemdup(k->links, k->n_links * sizeof *k->links);
    copy.n_windows = k->windows ? k->n_windows : 1;
    copy.windows = xmemdup(k->windows ? k->windows : &always, copy.n_windows * sizeof always);
    for (uint32_t i = 0; i < k->n_links; i++)
        account_for(&b->accounts[k->links[i]], lsp, k->links[i], false);
    GROW(lsp->paths, lsp->n_paths, lsp->capacity);
    lsp->paths[lsp->n_paths++] = copy;
    for (uint32_t i = 0; i < k->n_links; i++) {
        struct account *a = &b->accounts[k->links[i]];
        cut_windows(a, &copy, cut);
        account_for(a, lsp, k->links[i], true);
        count_holder(a, lsp, true);
    }
}

enum err
te_bookings_put(struct te_bookings *b, const struct te_booking *k, uint32_t *full)
{
    enum err err = check(b, k);
    if (!err)
        err = find_room(b, k, full);
    if (!err)
        add(b, k);
    return err;
}

enum err
te_bookings_force(struct te_bookings *b, const struct te_booking *k)
{
    enum err err = check(b, k);
    if (!err)
        add(b, k);
    return err;
}

enum err
te_bookings_remove(struct te_bookings *b, uint64_t id, uint32_t number)
{
    struct lsp *lsp = find_lsp(b, id);
    struct te_booking *path = find_path(lsp, number);
    if (!path)
        return ERR_NOT_FOUND;
    struct te_booking gone = *path;
    for (uint32_t i = 0; i < gone.n_links; i++)
        account_for(&b->accounts[gone.links[i]], lsp, gone.links[i], false);
    *path = lsp->paths[--lsp->n_paths];
    for (uint32_t i = 0; i < gone.n_links; i++) {
        struct account *a = &b->accounts[gone.links[i]];
        cut_windows(a, &gone, mend);
        account_for(a, lsp, gone.links[i], true);
        count_holder(a, lsp, false);
    }
    free_path(&gone);
    if (!lsp->n_paths)
        free_lsp(b, lsp);
    return ERR_OK;
}

void
te_bookings_remove_lsp(struct te_bookings *b, uint64_t id)
{
    const struct lsp *lsp = find_lsp(b, id);
    uint32_t left = lsp ? lsp->n_paths : 0;
    while (left-- && !te_bookings_remove(b, id, lsp->paths[left].path))
        ;
}

/* ---- Who has to go ---- */

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
        struct lsp *lsp;
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
    const struct lsp *own = find_lsp(s->b, k->lsp);
    const struct te_window *list = k->windows ? k->windows : &always;
    uint32_t n = k->windows ? k->n_windows : 1;
    for (uint32_t i = 0; i < k->n_links * n; i++) {
        const uint32_t link = k->links[i / n];
        const struct te_window w = list[i % n];
        const struct account *a = &s->b->accounts[link];
        for (uint32_t m = piece_at(a, w.from); m < a->n_pieces && a->pieces[m].start < w.until;
             m++) {
            unsigned hold;
            nsec_t at = a->pieces[m].start;
            uint64_t mine = own ? held(own, link, at, &hold) : 0;
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
suspect(struct search *s, struct lsp *lsp, unsigned setup)
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
        x.gives[i] = held(lsp, s->lacks[i].link, s->lacks[i].at, &hold);
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
        const struct account *a = &s->b->accounts[s->lacks[i].link];
        if (i && s->lacks[i - 1].link == s->lacks[i].link)
            continue;
        for (uint32_t m = 0; m < a->n_holders; m++) {
            struct lsp *lsp = a->holders[m].lsp;
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
    enum err err = check(b, k);
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

/* ---- Another snapshot ---- */

void
te_bookings_move(struct te_bookings *b, const struct te_network *net, const uint32_t *new_place)
{
    struct te_bookings old = *b;
    struct lsp *lsp, *next;
    *b = (struct te_bookings){
        .n_links = net->n_links, .accounts = new_accounts(net), .searches = old.searches};
    HASH_ITER (hh, old.lsps, lsp, next) {
        for (uint32_t i = 0; i < lsp->n_paths; i++) {
            struct te_booking path = lsp->paths[i];
            uint32_t *links = (uint32_t *)path.links, n = 0;
            for (uint32_t k = 0; k < path.n_links; k++) {
                if (new_place[links[k]] != TE_NONE)
                    links[n++] = new_place[links[k]];
            }
            path.n_links = n;
            add(b, &path);
            free_path(&lsp->paths[i]);
        }
        free_lsp(&old, lsp);
    }
    free_accounts(&old);
}
