#include "te/optimise_drain.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

const char *
te_stuck_name(enum te_stuck_reason why)
{
    static const char *const names[] = {"ends there", "pinned", "no path", "no room"};
    return names[why];
}

struct te_drain_options
te_drain_defaults(void)
{
    return (struct te_drain_options){
        .make_room = true, .order = te_order_defaults(), .budget = 5000};
}

enum fate { UNTOUCHED, TO_MOVE, STUCK };

struct draining {
    struct te_state s;
    const struct te_lsp *lsps; /* as they were */
    const struct te_outage *outage;
    const struct te_drain_options *o;
    bool *link_out, *node_out;
    enum fate *fate;
    enum te_stuck_reason *why;
    bool *aside, *may_move;
    uint32_t *queue, n_queue; /* those to be moved, in order */
    uint64_t budget;
};

static void
classify(struct draining *d, uint32_t i)
{
    const struct te_lsp *p = &d->lsps[i];
    bool hit = d->node_out[p->from] || d->node_out[p->to];
    for (uint32_t j = 0; j < p->n_links; j++)
        hit |= d->link_out[p->links[j]];
    if (!hit || !p->n_links)
        return;
    d->fate[i] = STUCK;
    if (d->node_out[p->from] || d->node_out[p->to])
        d->why[i] = TE_STUCK_END;
    else if (p->pinned && !d->o->move_pinned)
        d->why[i] = TE_STUCK_PINNED;
    else
        d->fate[i] = TO_MOVE;
}

static void
make_queue(struct draining *d)
{
    d->n_queue = 0;
    for (uint32_t i = 0; i < d->s.n; i++) {
        if (d->fate[i] == TO_MOVE)
            d->queue[d->n_queue++] = i;
    }
    te_lsp_sort(d->lsps, d->queue, d->n_queue);
}

/* Puts it where there is no room, and others out of its way. */
static bool
push_aside(struct draining *d, uint32_t i, const struct te_path *path)
{
    uint8_t priority = d->lsps[i].constraints.priority;
    if (!d->o->make_room || te_state_over(&d->s))
        return false;
    for (uint32_t k = 0; k < d->s.n; k++)
        d->may_move[k] = k != i && d->s.lsps[k].n_links && d->fate[k] != STUCK &&
                         (!d->lsps[k].pinned || d->o->move_pinned) &&
                         d->lsps[k].hold_priority >= priority;
    te_state_place(&d->s, i, path->links, path->n);
    if (te_make_room(&d->s, d->may_move, d->outage, d->aside, &d->budget))
        return true;
    te_state_place(&d->s, i, NULL, 0);
    return false;
}

static bool
place(struct draining *d, uint32_t i)
{
    struct te_path path;
    if (te_state_route(&d->s, i, d->outage, false, &path) == ERR_OK) {
        te_state_place(&d->s, i, path.links, path.n);
        te_path_fini(&path);
        return true;
    }
    d->why[i] = TE_STUCK_NO_PATH;
    if (te_state_route(&d->s, i, d->outage, true, &path))
        return false;
    bool placed = push_aside(d, i, &path);
    te_path_fini(&path);
    d->why[i] = TE_STUCK_NO_ROOM;
    return placed;
}

static void
start_again(struct draining *d)
{
    for (uint32_t i = 0; i < d->s.n; i++) {
        if (d->aside[i] || d->fate[i] == STUCK)
            te_state_place(&d->s, i, d->lsps[i].links, d->lsps[i].n_links);
        d->aside[i] = false;
        if (d->fate[i] == TO_MOVE)
            te_state_place(&d->s, i, NULL, 0);
    }
}

/* Who is stuck keeps what it has, which the others may have taken; then all begin again without
 * it. Ends, since more are stuck each time. */
static void
place_all(struct draining *d)
{
    for (bool again = true; again;) {
        again = false;
        start_again(d);
        make_queue(d);
        for (uint32_t i = 0; i < d->n_queue; i++) {
            if (place(d, d->queue[i]))
                continue;
            d->fate[d->queue[i]] = STUCK;
            again = true;
        }
    }
}

static bool
is_moved(const struct draining *d, uint32_t i)
{
    const struct te_lsp *now = &d->s.lsps[i], *before = &d->lsps[i];
    return d->fate[i] == TO_MOVE ||
           (d->aside[i] && (now->n_links != before->n_links ||
                            memcmp(now->links, before->links, now->n_links * sizeof *now->links)));
}

static void
put_result(const struct draining *d, struct te_drain *out)
{
    out->moves = xcalloc(d->s.n + 1, sizeof *out->moves);
    out->stuck = xcalloc(d->s.n + 1, sizeof *out->stuck);
    for (uint32_t i = 0; i < d->s.n; i++) {
        const struct te_lsp *p = &d->s.lsps[i];
        if (is_moved(d, i)) {
            out->moves[out->n_moves++] = (struct te_move){
                i, xmemdup(p->links, p->n_links * sizeof *p->links), p->n_links};
            out->n_aside += d->fate[i] != TO_MOVE;
        }
        if (d->fate[i] == STUCK)
            out->stuck[out->n_stuck++] = (struct te_stuck){i, d->why[i]};
    }
    out->is_empty = out->n_stuck == 0;
}

/* There, and back again from there. */
static enum err
make_orders(const struct draining *d, struct te_drain *out)
{
    struct te_lsp *there = xcalloc(d->s.n + 1, sizeof *there);
    struct te_move *back = xcalloc(out->n_moves + 1, sizeof *back);
    memcpy(there, d->lsps, d->s.n * sizeof *there);
    for (uint32_t i = 0; i < out->n_moves; i++) {
        const struct te_move *m = &out->moves[i];
        back[i] = (struct te_move){m->lsp, (uint32_t *)(uintptr_t)d->lsps[m->lsp].links,
                                   d->lsps[m->lsp].n_links};
        there[m->lsp].links = m->links;
        there[m->lsp].n_links = m->n_links;
    }
    struct te_order_options how = d->o->order;
    how.keep_end = true; /* back to what was above its limit, if something was */
    enum err err = te_order_moves(d->s.router, d->lsps, d->s.n, out->moves, out->n_moves,
                                  &d->o->order, &out->away);
    if (!err)
        err = te_order_moves(d->s.router, there, d->s.n, back, out->n_moves, &how, &out->back);
    free(there);
    free(back);
    return err;
}

enum err
te_drain(struct te_router *router, const struct te_lsp *lsps, uint32_t n,
         const struct te_outage *outage, const struct te_drain_options *o, struct te_drain *out)
{
    struct draining d = {.lsps = lsps, .outage = outage, .o = o, .budget = o->budget};
    struct te_drain result = {0};
    enum err err = te_state_init(&d.s, router, lsps, n, o->order.share, o->order.reservable);
    if (err)
        return err;
    d.link_out = xcalloc(router->net->n_links + 1, sizeof *d.link_out);
    d.node_out = xcalloc(router->net->n_nodes + 1, sizeof *d.node_out);
    d.fate = xcalloc(n + 1, sizeof *d.fate);
    d.why = xcalloc(n + 1, sizeof *d.why);
    d.aside = xcalloc(n + 1, sizeof *d.aside);
    d.may_move = xcalloc(n + 1, sizeof *d.may_move);
    d.queue = xcalloc(n + 1, sizeof *d.queue);
    te_outage_mark(router->net, outage, d.link_out, d.node_out);
    for (uint32_t l = 0; l < router->net->n_links; l++) /* what is above already stays so */
        d.s.limit[l] = MAX(d.s.limit[l], d.s.load[l]);
    for (uint32_t i = 0; i < n; i++)
        classify(&d, i);
    place_all(&d);
    put_result(&d, &result);
    err = make_orders(&d, &result);
    if (err)
        te_drain_fini(&result);
    else
        *out = result;
    free(d.link_out);
    free(d.node_out);
    free(d.fate);
    free(d.why);
    free(d.aside);
    free(d.may_move);
    free(d.queue);
    te_state_fini(&d.s);
    return err;
}

void
te_drain_fini(struct te_drain *d)
{
    for (uint32_t i = 0; i < d->n_moves; i++)
        free(d->moves[i].links);
    free(d->moves);
    free(d->stuck);
    te_order_fini(&d->away);
    te_order_fini(&d->back);
    *d = (struct te_drain){0};
}
