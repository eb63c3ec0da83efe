/* Which moves relieve all links, by trying: on the worst link somebody must go, over any way
 * around. With k moves allowed, what needs more by counting is not looked at. */
#include "te/moves_work.h"

#include "base/alloc.h"

#include <stdlib.h>

#define PATHS_MAX 64  /* simple paths listed for one LSP; more: the search is not exhaustive */
#define WALK_MAX 4000 /* steps to list them */

struct walk {
    const struct te_network *net;
    struct ways *ways;
    uint32_t to, steps, depth, *links;
    bool *on;
};

static void
walk(struct walk *w, uint32_t at)
{
    if (at == w->to) {
        if (w->ways->n == PATHS_MAX) {
            w->ways->complete = false;
            return;
        }
        w->ways->list[w->ways->n++] = (struct way){xmemdup(w->links, w->depth * sizeof *w->links),
                                                   w->depth};
        return;
    }
    if (w->depth && !w->net->nodes[at].passable)
        return;
    w->on[at] = true;
    for (uint32_t l = w->net->first_out[at]; l < w->net->first_out[at + 1]; l++) {
        if (w->on[w->net->links[l].to])
            continue;
        if (++w->steps > WALK_MAX) {
            w->ways->complete = false;
            break;
        }
        w->links[w->depth++] = l;
        walk(w, w->net->links[l].to);
        w->depth--;
    }
    w->on[at] = false;
}

static const struct ways *
ways_of(struct relieving *r, uint32_t lsp)
{
    struct ways *ways = &r->ways[lsp];
    if (ways->known)
        return ways;
    struct walk w = {.net = r->s->net, .ways = ways, .to = r->s->lsps[lsp].to};
    ways->known = ways->complete = true;
    ways->list = xcalloc(PATHS_MAX, sizeof *ways->list);
    w.links = xcalloc(w.net->n_nodes + 1, sizeof *w.links);
    w.on = xcalloc(w.net->n_nodes + 1, sizeof *w.on);
    walk(&w, r->s->lsps[lsp].from);
    free(w.links);
    free(w.on);
    return ways;
}

static bool
try_way(struct relieving *r, uint32_t lsp, const uint32_t *links, uint32_t n, uint32_t left)
{
    struct saved before = relief_save(r->s, lsp);
    te_state_place(r->s, lsp, links, n);
    r->moved[lsp] = true;
    if (relief_search(r, left - 1)) {
        free(before.links);
        return true;
    }
    r->moved[lsp] = false;
    relief_restore(r->s, &before);
    return false;
}

static bool
try_lsp(struct relieving *r, uint32_t lsp, uint32_t link, uint32_t left)
{
    const struct ways *ways = ways_of(r, lsp);
    struct te_path path;
    uint32_t other = r->s->lsps[lsp].diverse_from;
    if (other != TE_NONE && r->may_move[other])
        r->exhaustive = false; /* both at once are not looked at */
    if (!ways->complete) {
        r->exhaustive = false;
        if (te_state_route(r->s, lsp, r->outage, false, &path))
            return false;
        bool found = try_way(r, lsp, path.links, path.n, left);
        te_path_fini(&path);
        return found;
    }
    for (uint32_t i = 0; i < ways->n; i++) {
        bool there = false;
        for (uint32_t j = 0; j < ways->list[i].n; j++)
            there |= ways->list[i].links[j] == link;
        if (!there && te_state_check(r->s, lsp, ways->list[i].links, ways->list[i].n) == ERR_OK &&
            try_way(r, lsp, ways->list[i].links, ways->list[i].n, left))
            return true;
    }
    return false;
}

/* Whether at most `left` more moves do. */
bool
relief_search(struct relieving *r, uint32_t left)
{
    uint32_t link = relief_worst_link(r->s);
    if (link == TE_NONE)
        return true;
    if (left == 0 || relief_needed(r) > left)
        return false;
    if (!*r->budget) {
        r->exhaustive = false;
        return false;
    }
    --*r->budget;
    struct candidate *list;
    uint32_t n = relief_candidates(r, link, &list);
    bool found = false;
    for (uint32_t i = 0; i < n && !found; i++)
        found = try_lsp(r, list[i].lsp, link, left);
    free(list);
    return found;
}
