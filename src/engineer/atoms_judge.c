/* What follows from a change. Of one block of 64 classes at a time: all that reaches a node in the
 * network as it is and as it was, both at once, from the node that has changed. It is a fixpoint:
 * a node is looked at again when more classes have come to it. What comes out elsewhere than
 * before, came from somewhere: those are found the same way backwards.
 *
 * A loop or a path that is new goes through what has changed, so nothing else is looked at. */
#include "engineer/atoms_private.h"

/* Mostly one: counting bits is a call on processors as old as we build for. */
static inline uint64_t
count(uint64_t classes)
{
    return classes & (classes - 1) ? (uint64_t)__builtin_popcountll(classes) : classes != 0;
}

static void
tell(struct atoms *a, enum atoms_kind kind, uint32_t node, uint32_t block, uint64_t classes,
     uint64_t sure)
{
    struct atoms_change *c = &a->change;
    if (c->n_events >= MIN(a->events.capacity, EVENTS_MAX)) {
        c->truncated = true;
        return;
    }
    ((struct atoms_event *)a->events.data)[c->n_events++] = (struct atoms_event){
        kind, node, a->changed_node, block, classes, classes & sure};
}

struct touched *
atoms_touch(struct atoms *a, uint32_t block)
{
    uint32_t *slot = &((uint32_t *)a->slots.data)[block];
    if (*slot != ATOMS_NONE)
        return touched_at(a, *slot);
    uint32_t node = a->changed_node, first = a->out_first[node], n = a->out_first[node + 1] - first;
    const uint64_t *planes = planes_of(a, block);
    *slot = a->n_touched++;
    uint64_t *saved = (uint64_t *)a->saved.data + (size_t)*slot * a->stride;
    saved[0] = planes[plane_leaves(a, node)];
    saved[1] = planes[plane_hole(a, node)];
    for (uint32_t i = 0; i < n; i++)
        saved[2 + i] = planes[first + i];
    struct touched *t = touched_at(a, *slot);
    *t = (struct touched){.block = block};
    return t;
}

/* ---- Forwards ---- */

static void
arrive(struct atoms *a, uint32_t node, struct lane in)
{
    if (node == a->changed_node) {
        a->looped.now |= in.now;
        a->looped.before |= in.before;
        a->looped.open |= in.open;
        return;
    }
    struct lane *reached = &a->reached[node], *fresh = &a->fresh[node];
    in.now &= ~reached->now;
    in.before &= ~reached->before;
    in.open &= ~reached->open;
    if (!(in.now | in.before | in.open))
        return;
    if (!(reached->now | reached->before))
        a->visited[a->n_visited++] = node;
    reached->now |= in.now;
    reached->before |= in.before;
    reached->open |= in.open;
    fresh->now |= in.now;
    fresh->before |= in.before;
    fresh->open |= in.open;
    if (!a->queued[node]) {
        a->queued[node] = true;
        a->stack[a->n_stack++] = node;
    }
}

static void
flow(struct atoms *a, const uint64_t *planes)
{
    while (a->n_stack) {
        uint32_t node = a->stack[--a->n_stack], end = a->out_first[node + 1];
        struct lane in = a->fresh[node];
        a->fresh[node] = (struct lane){0};
        a->queued[node] = false;
        for (uint32_t i = a->out_first[node]; i < end; i++) {
            uint64_t takes = planes[i];
            struct lane out = {takes & in.now, takes & in.before,
                               takes & in.open & a->unfiltered[i]};
            if (out.now | out.before | out.open)
                arrive(a, a->head_of[i], out);
        }
    }
}

/* ---- Backwards ---- */

/* Which nodes send packets of these classes to the changed node, itself included. */
static void
trace_back(struct atoms *a, const uint64_t *planes, uint32_t block, uint64_t classes)
{
    uint32_t n_sources = 0;
    uint32_t *const sources = a->visited; /* what was visited has been dealt with */
    a->back[a->changed_node] = classes;
    a->stack[a->n_stack++] = a->changed_node;
    sources[n_sources++] = a->changed_node;
    a->queued[a->changed_node] = true;
    while (a->n_stack) {
        uint32_t node = a->stack[--a->n_stack], end = a->in_first[node + 1];
        uint64_t in = a->back[node];
        a->queued[node] = false;
        for (uint32_t i = a->in_first[node]; i < end; i++) {
            uint32_t plane = a->in_plane[i], from = a->tail_of[plane];
            uint64_t more = planes[plane] & in & ~a->back[from];
            if (!more)
                continue;
            if (!a->back[from])
                sources[n_sources++] = from;
            a->back[from] |= more;
            if (!a->queued[from]) {
                a->queued[from] = true;
                a->stack[a->n_stack++] = from;
            }
        }
    }
    for (uint32_t i = 0; i < n_sources; i++) {
        tell(a, ATOMS_REACH, sources[i], block, a->back[sources[i]], 0);
        a->change.reachable += count(a->back[sources[i]]);
        a->back[sources[i]] = 0;
    }
}

/* ---- Together ---- */

/* After flow(): what is new, what is no longer; which classes come out elsewhere. `other` are those
 * of which that is known already. */
static void
conclude(struct atoms *a, const uint64_t *planes, uint32_t block, uint64_t other)
{
    a->change.mended += count(a->looped.before & ~a->looped.now);
    if (a->looped.now) {
        tell(a, ATOMS_LOOP, a->changed_node, block, a->looped.now,
             a->has_filters ? a->looped.open : UINT64_MAX);
        a->change.loops += count(a->looped.now);
    }
    for (uint32_t i = 0; i < a->n_visited; i++) {
        uint32_t node = a->visited[i];
        struct lane *r = &a->reached[node];
        uint64_t hole = planes[plane_hole(a, node)], differs = r->now ^ r->before;
        other |= differs & planes[plane_leaves(a, node)];
        uint64_t holes = differs & hole & r->now;
        if (holes) {
            tell(a, ATOMS_HOLE, node, block, holes, a->has_filters ? r->open : UINT64_MAX);
            a->change.holes += count(holes);
        }
        a->change.mended += count(differs & hole & r->before);
        *r = (struct lane){0};
    }
    a->n_visited = 0;
    a->looped = (struct lane){0};
    if (other)
        trace_back(a, planes, block, other);
}

/* Packets come to the changed node, which has no rule for them any more, or has one again. */
static void
judge_hole(struct atoms *a, const uint64_t *planes, uint32_t block, uint64_t now, uint64_t before)
{
    uint32_t node = a->changed_node;
    uint64_t sent = 0, open = 0;
    if (now == before)
        return;
    for (uint32_t i = a->in_first[node]; i < a->in_first[node + 1]; i++) {
        sent |= planes[a->in_plane[i]];
        open |= planes[a->in_plane[i]] & a->unfiltered[a->in_plane[i]];
    }
    uint64_t holes = now & ~before & sent;
    if (holes) {
        tell(a, ATOMS_HOLE, node, block, holes, open);
        a->change.holes += count(holes);
    }
    a->change.mended += count(before & ~now & sent);
}

void
atoms_judge(struct atoms *a)
{
    uint32_t node = a->changed_node, first = a->out_first[node], end = a->out_first[node + 1];
    for (uint32_t i = 0; i < a->n_touched; i++) {
        struct touched *t = touched_at(a, i);
        const uint64_t *planes = planes_of(a, t->block);
        const uint64_t *saved = (const uint64_t *)a->saved.data + (size_t)i * a->stride;
        uint64_t classes = t->classes & planes[0];
        ((uint32_t *)a->slots.data)[t->block] = ATOMS_NONE;
        if (!classes)
            continue;
        a->change.classes += count(classes);
        uint64_t open = a->has_filters ? classes : 0;
        for (uint32_t k = first; k < end; k++) {
            struct lane out = {planes[k] & classes, saved[2 + k - first] & classes,
                               planes[k] & open & a->unfiltered[k]};
            if (out.now | out.before)
                arrive(a, a->head_of[k], out);
        }
        flow(a, planes);
        judge_hole(a, planes, t->block, planes[plane_hole(a, node)] & classes, saved[1] & classes);
        uint64_t leaves = planes[plane_leaves(a, node)];
        conclude(a, planes, t->block, ((leaves ^ saved[0]) | t->moved) & classes);
    }
}

/* ---- Filters ---- */

static void
mark_below(struct atoms *a, uint32_t n, uint64_t value, uint64_t mask)
{
    const struct trie_node *t = trie_at(a, n);
    uint64_t key;
    if ((t->key ^ value) & mask & key_mask(t->length))
        return;
    if (t->class != ATOMS_NONE && atoms_find(a, n, value, mask, &key))
        atoms_touch(a, t->class / 64)->classes |= UINT64_C(1) << t->class % 64;
    for (unsigned i = 0; i < 2; i++) {
        if (t->child[i])
            mark_below(a, t->child[i], value, mask);
    }
}

void
atoms_mark(struct atoms *a, uint64_t value, uint64_t mask)
{
    if (mask) {
        mark_below(a, 1, value, mask);
        return;
    }
    for (uint32_t i = 0; i < n_blocks(a); i++) {
        if (planes_of(a, i)[0])
            atoms_touch(a, i)->classes |= planes_of(a, i)[0];
    }
}

void
atoms_filter(struct atoms *a, const uint32_t *links, uint32_t n_links, uint64_t value,
             uint64_t mask, bool opens, struct atoms_change *change)
{
    uint32_t first = n_links ? a->tail_of[a->plane_of[links[0]]] : 0;
    atoms_begin(a, first);
    if (n_links)
        atoms_mark(a, to_key(a, value), to_key(a, mask));
    for (uint32_t i = 0; i < a->n_touched; i++) {
        struct touched *t = touched_at(a, i);
        const uint64_t *planes = planes_of(a, t->block);
        uint64_t told = 0;
        ((uint32_t *)a->slots.data)[t->block] = ATOMS_NONE;
        for (uint32_t k = 0; k < n_links; k++) {
            uint32_t plane = a->plane_of[links[k]];
            uint64_t classes = t->classes & planes[0] & planes[plane];
            if (!classes)
                continue;
            a->changed_node = a->tail_of[plane];
            a->change.classes += count(classes & ~told);
            told |= classes;
            arrive(a, a->head_of[plane],
                   (struct lane){.now = opens ? classes : 0, .before = opens ? 0 : classes});
            flow(a, planes);
            conclude(a, planes, t->block, 0);
        }
    }
    a->change.node = a->changed_node = first;
    atoms_end(a, change);
}

/* ---- Everything ---- */

/* Takes away from each node the classes that it sends to nobody who sends them on for ever: what is
 * left, in a->back, comes into a loop. */
static uint64_t
find_loops(struct atoms *a, const uint64_t *planes)
{
    uint64_t left = 0;
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        a->back[i] = planes[0];
        a->queued[i] = true;
        a->stack[a->n_stack++] = i;
    }
    while (a->n_stack) {
        uint32_t node = a->stack[--a->n_stack];
        uint64_t lasts = 0;
        a->queued[node] = false;
        for (uint32_t i = a->out_first[node]; i < a->out_first[node + 1]; i++)
            lasts |= planes[i] & a->back[a->head_of[i]];
        if (!(a->back[node] & ~lasts))
            continue;
        a->back[node] &= lasts;
        for (uint32_t i = a->in_first[node]; i < a->in_first[node + 1]; i++) {
            uint32_t from = a->tail_of[a->in_plane[i]];
            if (!a->queued[from]) {
                a->queued[from] = true;
                a->stack[a->n_stack++] = from;
            }
        }
    }
    for (uint32_t i = 0; i < a->n_nodes; i++)
        left |= a->back[i];
    return left;
}

void
atoms_audit(struct atoms *a, struct atoms_change *change)
{
    atoms_begin(a, ATOMS_NONE);
    for (uint32_t block = 0; block < n_blocks(a); block++) {
        const uint64_t *planes = planes_of(a, block);
        a->change.classes += count(planes[0]);
        uint64_t loops = find_loops(a, planes);
        a->change.loops += count(loops);
        for (uint32_t i = 0; i < a->n_nodes; i++) {
            uint64_t sent = 0, open = 0, news = a->back[i] & loops;
            a->back[i] = 0;
            if (news)
                tell(a, ATOMS_LOOP, i, block, news, a->has_filters ? 0 : UINT64_MAX);
            loops &= ~news;
            for (uint32_t k = a->in_first[i]; k < a->in_first[i + 1]; k++) {
                sent |= planes[a->in_plane[k]];
                open |= planes[a->in_plane[k]] & a->unfiltered[a->in_plane[k]];
            }
            uint64_t holes = sent & planes[plane_hole(a, i)] & planes[0];
            if (holes)
                tell(a, ATOMS_HOLE, i, block, holes, open);
            a->change.holes += count(holes);
        }
    }
    atoms_end(a, change);
}

uint32_t
atoms_path(const struct atoms *a, uint32_t class, uint32_t from, uint32_t to, uint32_t *path)
{
    const uint64_t *planes = class < a->n_classes ? planes_of(a, class / 64) : NULL;
    uint64_t bit = UINT64_C(1) << class % 64;
    uint32_t n = 0, *const came = a->visited, *const queue = a->stack, head = 0, tail = 0;
    bool found = false;
    if (!planes || from >= a->n_nodes || to >= a->n_nodes)
        return 0;
    queue[tail++] = from;
    while (head < tail && !found) {
        uint32_t node = queue[head++];
        for (uint32_t i = a->out_first[node]; i < a->out_first[node + 1] && !found; i++) {
            uint32_t next = a->head_of[i];
            if (!(planes[i] & bit) || a->queued[next])
                continue;
            a->queued[next] = true;
            came[next] = node;
            found = next == to;
            if (!found && next != from)
                queue[tail++] = next;
        }
    }
    if (found) { /* from the end; then turned round */
        path[n++] = to;
        for (uint32_t node = came[to]; node != from; node = came[node])
            path[n++] = node;
        path[n++] = from;
        for (uint32_t i = 0; i < n / 2; i++) {
            uint32_t node = path[i];
            path[i] = path[n - 1 - i];
            path[n - 1 - i] = node;
        }
    }
    memset(a->queued, 0, a->n_nodes * sizeof *a->queued);
    return n;
}
