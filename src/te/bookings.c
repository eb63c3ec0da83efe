#include "te/account.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

const struct te_window te_always = {TE_EVER, TE_FOREVER};

static struct te_account *
new_accounts(const struct te_network *net)
{
    struct te_account *all = xcalloc(net->n_links + 1, sizeof *all);
    for (uint32_t l = 0; l < net->n_links; l++) {
        struct te_account *a = &all[l];
        a->capacity = net->links[l].reservable_bps;
        GROW(a->pieces, a->n_pieces, a->pieces_capacity);
        a->pieces[a->n_pieces++] = (struct te_piece){.start = TE_EVER, .cuts = 1};
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
    free(b->left);
}

static uint64_t *
new_left(const struct te_network *net)
{
    uint64_t *left = xcalloc((size_t)TE_PRIORITIES * net->n_links + 1, sizeof *left);
    for (size_t i = 0; i < (size_t)TE_PRIORITIES * net->n_links; i++)
        left[i] = net->links[i % net->n_links].reservable_bps;
    return left;
}

struct te_bookings *
te_bookings_new(const struct te_network *net)
{
    struct te_bookings *b = xcalloc(1, sizeof *b);
    b->n_links = net->n_links;
    b->accounts = new_accounts(net);
    b->left = new_left(net);
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
free_lsp(struct te_bookings *b, struct te_booked *lsp)
{
    HASH_DELETE(hh, b->lsps, lsp);
    free(lsp->paths);
    free(lsp);
}

void
te_bookings_free(struct te_bookings *b)
{
    struct te_booked *lsp, *next;
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

/* What is used on a link, or its capacity, has changed. */
static void
note_left(struct te_bookings *b, uint32_t link)
{
    const struct te_account *a = &b->accounts[link];
    for (unsigned p = 0; p < TE_PRIORITIES; p++) {
        uint64_t most = 0;
        for (uint32_t i = 0; i < a->n_pieces; i++)
            most = MAX(most, a->pieces[i].used[p]);
        b->left[(size_t)p * b->n_links + link] = a->capacity > most ? a->capacity - most : 0;
    }
}

void
te_bookings_set_capacity(struct te_bookings *b, uint32_t link, uint64_t bps)
{
    b->accounts[link].capacity = bps;
    note_left(b, link);
}

uint64_t
te_bookings_capacity(const struct te_bookings *b, uint32_t link)
{
    return b->accounts[link].capacity;
}

struct te_booked *
te_account_find(const struct te_bookings *b, uint64_t id)
{
    struct te_booked *lsp;
    HASH_FIND(hh, b->lsps, &id, sizeof id, lsp);
    return lsp;
}

static struct te_booking *
find_path(const struct te_booked *lsp, uint32_t path)
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

uint64_t
te_account_held(const struct te_booked *lsp, uint32_t link, nsec_t at, unsigned *hold)
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

uint32_t
te_account_piece(const struct te_account *a, nsec_t at)
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
cut(struct te_account *a, nsec_t at)
{
    uint32_t i = te_account_piece(a, at);
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
mend(struct te_account *a, nsec_t at)
{
    uint32_t i = te_account_piece(a, at);
    if (--a->pieces[i].cuts)
        return;
    a->n_pieces--;
    memmove(&a->pieces[i], &a->pieces[i + 1], (a->n_pieces - i) * sizeof *a->pieces);
}

static void
cut_windows(struct te_account *a, const struct te_booking *path,
            void (*change)(struct te_account *, nsec_t))
{
    for (uint32_t i = 0; i < path->n_windows; i++) {
        change(a, path->windows[i].from);
        if (path->windows[i].until != TE_FOREVER)
            change(a, path->windows[i].until);
    }
}

/* Adds what the LSP has on the link, or takes it away; the path with that number has the link. */
static void
account_for(struct te_account *a, const struct te_booked *lsp, uint32_t path, uint32_t link,
            bool add)
{
    const struct te_booking *only = lsp->n_paths == 1 && lsp->paths[0].path == path ? lsp->paths
                                                                                    : NULL;
    for (uint32_t i = 0; i < a->n_pieces && lsp->n_paths; i++) {
        nsec_t at = a->pieces[i].start;
        unsigned hold = only ? only->hold_priority : TE_PRIORITIES;
        uint64_t bps = !only                 ? te_account_held(lsp, link, at, &hold)
                       : is_active(only, at) ? only->bandwidth_bps
                                             : 0;
        for (unsigned p = hold; p < TE_PRIORITIES; p++)
            a->pieces[i].used[p] += add ? bps : -bps;
    }
}

static uint32_t *
places_of(const struct te_booking *path)
{
    return (uint32_t *)(uintptr_t)path->links + path->n_links;
}

static void
add_holder(struct te_account *a, struct te_booked *lsp, struct te_booking *path, uint32_t i)
{
    GROW(a->holders, a->n_holders, a->holders_capacity);
    places_of(path)[i] = a->n_holders;
    a->holders[a->n_holders++] = (struct te_holder){lsp, path->path, i};
}

/* The last one takes its place. */
static void
remove_holder(struct te_account *a, struct te_booking *path, uint32_t i)
{
    uint32_t place = places_of(path)[i];
    const struct te_holder last = a->holders[--a->n_holders];
    if (place == a->n_holders)
        return;
    a->holders[place] = last;
    places_of(find_path(last.lsp, last.path))[last.place] = place;
}

/* ---- What is free ---- */

/* The most that those have at any time in the window who hold it at that priority or a better one,
 * but for `own`. */
static uint64_t
used_on(const struct te_bookings *b, uint32_t link, unsigned priority, struct te_window w,
        const struct te_booked *own)
{
    const struct te_account *a = &b->accounts[link];
    uint64_t most = 0;
    for (uint32_t i = te_account_piece(a, w.from); i < a->n_pieces && a->pieces[i].start < w.until;
         i++) {
        uint64_t used = a->pieces[i].used[priority];
        unsigned hold;
        uint64_t mine = own ? te_account_held(own, link, a->pieces[i].start, &hold) : 0;
        if (mine && hold <= priority)
            used -= mine;
        most = MAX(most, used);
    }
    return most;
}

static uint64_t
free_on(const struct te_bookings *b, uint32_t link, unsigned priority, struct te_window w,
        const struct te_booked *own)
{
    uint64_t used = used_on(b, link, priority, w, own), all = b->accounts[link].capacity;
    return all > used ? all - used : 0;
}

uint64_t
te_bookings_link_load(const struct te_bookings *b, uint32_t link, struct te_window window)
{
    return used_on(b, link, TE_PRIORITIES - 1, window, NULL);
}

uint64_t
te_bookings_link_free(const struct te_bookings *b, uint32_t link, unsigned priority,
                      struct te_window window, uint64_t lsp)
{
    return free_on(b, link, priority, window, te_account_find(b, lsp));
}

void
te_bookings_all_free(const struct te_bookings *b, unsigned priority,
                     const struct te_window *windows, uint32_t n_windows, uint64_t lsp,
                     uint64_t *free_bps)
{
    const struct te_booked *own = te_account_find(b, lsp);
    const struct te_window *list = windows ? windows : &te_always;
    uint32_t n = windows ? n_windows : 1;
    if (!windows && b->n_links)
        memcpy(free_bps, &b->left[(size_t)priority * b->n_links], b->n_links * sizeof *free_bps);
    for (uint32_t l = 0; windows && l < b->n_links; l++)
        free_bps[l] = UINT64_MAX;
    for (uint32_t i = 0; windows && i < n; i++) {
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

enum err
te_account_check(const struct te_bookings *b, const struct te_booking *k)
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
    return find_path(te_account_find(b, k->lsp), k->path) ? ERR_EXISTS : ERR_OK;
}

/* Its own path on a link counts once, by the larger of both. */
static enum err
find_room(const struct te_bookings *b, const struct te_booking *k, uint32_t *full)
{
    const struct te_booked *own = te_account_find(b, k->lsp);
    const struct te_window *list = k->windows ? k->windows : &te_always;
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
    struct te_booked *lsp = te_account_find(b, k->lsp);
    if (!lsp) {
        lsp = xcalloc(1, sizeof *lsp);
        lsp->id = k->lsp;
        HASH_ADD(hh, b->lsps, id, sizeof lsp->id, lsp);
    }
    struct te_booking copy = *k;
    uint32_t *links = xcalloc(2 * (size_t)k->n_links + 1, sizeof *links);
    if (k->n_links)
        memcpy(links, k->links, k->n_links * sizeof *links);
    copy.links = links;
    copy.n_windows = k->windows ? k->n_windows : 1;
    copy.windows = xmemdup(k->windows ? k->windows : &te_always, copy.n_windows * sizeof te_always);
    for (uint32_t i = 0; i < k->n_links; i++)
        account_for(&b->accounts[k->links[i]], lsp, k->path, k->links[i], false);
    GROW(lsp->paths, lsp->n_paths, lsp->capacity);
    lsp->paths[lsp->n_paths++] = copy;
    for (uint32_t i = 0; i < k->n_links; i++) {
        struct te_account *a = &b->accounts[k->links[i]];
        cut_windows(a, &copy, cut);
        account_for(a, lsp, k->path, k->links[i], true);
        add_holder(a, lsp, &copy, i);
        note_left(b, k->links[i]);
    }
}

enum err
te_bookings_put(struct te_bookings *b, const struct te_booking *k, uint32_t *full)
{
    enum err err = te_account_check(b, k);
    if (!err)
        err = find_room(b, k, full);
    if (!err)
        add(b, k);
    return err;
}

enum err
te_bookings_force(struct te_bookings *b, const struct te_booking *k)
{
    enum err err = te_account_check(b, k);
    if (!err)
        add(b, k);
    return err;
}

enum err
te_bookings_remove(struct te_bookings *b, uint64_t id, uint32_t number)
{
    struct te_booked *lsp = te_account_find(b, id);
    struct te_booking *path = find_path(lsp, number);
    if (!path)
        return ERR_NOT_FOUND;
    struct te_booking gone = *path;
    for (uint32_t i = 0; i < gone.n_links; i++)
        account_for(&b->accounts[gone.links[i]], lsp, number, gone.links[i], false);
    for (uint32_t i = 0; i < gone.n_links; i++)
        remove_holder(&b->accounts[gone.links[i]], &gone, i);
    *path = lsp->paths[--lsp->n_paths];
    for (uint32_t i = 0; i < gone.n_links; i++) {
        struct te_account *a = &b->accounts[gone.links[i]];
        cut_windows(a, &gone, mend);
        account_for(a, lsp, number, gone.links[i], true);
        note_left(b, gone.links[i]);
    }
    free_path(&gone);
    if (!lsp->n_paths)
        free_lsp(b, lsp);
    return ERR_OK;
}

void
te_bookings_remove_lsp(struct te_bookings *b, uint64_t id)
{
    const struct te_booked *lsp = te_account_find(b, id);
    uint32_t left = lsp ? lsp->n_paths : 0;
    while (left-- && !te_bookings_remove(b, id, lsp->paths[left].path))
        ;
}

/* ---- Another snapshot ---- */

void
te_bookings_move(struct te_bookings *b, const struct te_network *net, const uint32_t *new_place)
{
    struct te_bookings old = *b;
    struct te_booked *lsp, *next;
    *b = (struct te_bookings){.n_links = net->n_links,
                              .accounts = new_accounts(net),
                              .left = new_left(net),
                              .searches = old.searches};
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
