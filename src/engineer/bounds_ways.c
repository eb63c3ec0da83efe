/* The ways of one circuit as steps: what compile.c makes the nodes do (compile.h), so that what is
 * bounded is what is built. */
#include "engineer/bounds_ways.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- Tables and lists ---- */

static void
table_resize(struct index_table *t, uint32_t size)
{
    uint64_t *slots = xcalloc(size, sizeof *slots);
    for (uint32_t i = 0; t->slots && i <= t->mask; i++) {
        uint32_t at = (uint32_t)(t->slots[i] >> 32) & (size - 1);
        while (t->slots[i] && slots[at])
            at = (at + 1) & (size - 1);
        if (t->slots[i])
            slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->mask = size - 1;
}

void
index_table_reserve(struct index_table *t, uint32_t n)
{
    uint32_t size = 64;
    while (size < n + n / 2 && size < UINT32_C(1) << 30)
        size *= 2;
    table_resize(t, size);
}

void
index_table_add(struct index_table *t, uint32_t hash, uint32_t index)
{
    if (!t->slots || t->n + t->n / 2 >= t->mask)
        table_resize(t, t->slots ? 2 * (t->mask + 1) : 64);
    uint32_t at = hash & t->mask;
    while (t->slots[at])
        at = (at + 1) & t->mask;
    t->slots[at] = (uint64_t)hash << 32 | (index + 1);
    t->n++;
}

void
words_push(struct words *w, uint32_t word)
{
    GROW(w->list, w->n, w->capacity);
    w->list[w->n++] = word;
}

/* ---- Steps ---- */

static enum part
part_of(const struct plane *p, uint32_t queue)
{
    return queue < p->n_link_queues ? PART_LINKS : PART_HOSTS;
}

static uint32_t
arrivals_at(struct plane *p, uint32_t queue, uint32_t input)
{
    for (uint32_t i = p->first[queue]; i != NO_INDEX; i = p->arrivals[i].next) {
        if (p->arrivals[i].input == input)
            return i;
    }
    GROW(p->arrivals, p->n_arrivals, p->arrivals_capacity);
    p->arrivals[p->n_arrivals] = (struct arrivals){
        .queue = queue, .input = input, .next = p->first[queue]};
    p->first[queue] = p->n_arrivals;
    words_push(&p->own_arrivals[part_of(p, queue)], p->n_arrivals);
    return p->n_arrivals++;
}

/* By which link frames come that have these parents. */
static uint32_t
input_of(const struct plane *p, uint32_t parent)
{
    if (parent == SOURCE)
        return NO_INDEX;
    if (!(parent & SEVERAL))
        return p->steps[parent].queue / CLASS_MAX;
    const uint32_t *list = p->parents.list + (parent & ~SEVERAL);
    uint32_t input = input_of(p, list[1]);
    for (uint32_t i = 2; i <= list[0]; i++) {
        if (input_of(p, list[i]) != input)
            return NO_INDEX;
    }
    return input;
}

uint32_t
step_at(struct plane *p, uint32_t parent, uint32_t queue)
{
    uint32_t hash = (uint32_t)hash_mix((uint64_t)parent << 32 | queue), at = hash, i;
    while (index_table_next(&p->by_parent, hash, &at, &i)) {
        if (p->steps[i].parent == parent && p->steps[i].queue == queue)
            return i;
    }
    GROW(p->steps, p->n_steps, p->steps_capacity);
    p->steps[p->n_steps] = (struct step){
        .parent = parent, .queue = queue, .arrivals = arrivals_at(p, queue, input_of(p, parent))};
    index_table_add(&p->by_parent, hash, p->n_steps);
    words_push(&p->own_steps[part_of(p, queue)], p->n_steps);
    return p->n_steps++;
}

/* One word for any of these steps; `steps` is sorted. */
static uint32_t
any_of(struct plane *p, uint32_t *steps, uint32_t n)
{
    uint32_t unique = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t step = steps[i], k = unique;
        for (; k && steps[k - 1] >= step; k--) {
            if (steps[k - 1] == step)
                break;
        }
        if (k && steps[k - 1] == step)
            continue;
        memmove(&steps[k + 1], &steps[k], (unique - k) * sizeof *steps);
        steps[k] = step;
        unique++;
    }
    if (unique == 1)
        return steps[0];
    uint32_t hash = (uint32_t)hash_bytes(steps, unique * sizeof *steps, 0), at = hash, i;
    while (index_table_next(&p->by_list, hash, &at, &i)) {
        const uint32_t *list = p->parents.list + i;
        if (list[0] == unique && !memcmp(list + 1, steps, unique * sizeof *steps))
            return i | SEVERAL;
    }
    uint32_t start = p->parents.n;
    words_push(&p->parents, unique);
    for (i = 0; i < unique; i++)
        words_push(&p->parents, steps[i]);
    index_table_add(&p->by_list, hash, start);
    return start | SEVERAL;
}

/* ---- One set of ways ---- */

static uint32_t
queue_of(const struct making *m, uint32_t server)
{
    return CLASS_MAX * server + m->circuit->service_class;
}

static uint32_t
pass(struct making *m, enum bounds_state state, uint32_t parent, uint32_t server,
     struct words *list)
{
    uint32_t step = step_at(&m->b->planes[state], parent, queue_of(m, server));
    words_push(list, step);
    return step;
}

static enum err
fail_in_circle(const struct making *m)
{
    return diag_set(m->diag, ERR_INVALID, "circuit \"%s\": its paths lead in a circle",
                    m->circuit->name);
}

static enum err
check_simple(const struct making *m, const struct way *w)
{
    const struct server *servers = m->b->servers;
    for (uint32_t i = 0; i < w->n; i++) {
        for (uint32_t k = i; k < w->n; k++) {
            if (servers[w->servers[k]].to == servers[w->servers[i]].from)
                return diag_set(m->diag, ERR_INVALID,
                                "circuit \"%s\": a path passes node \"%s\" twice", m->circuit->name,
                                servers[w->servers[i]].node->name);
        }
    }
    return ERR_OK;
}

/* ---- IP: as compile_ip.c ---- */

#define PARENTS_MAX 8

struct segment {
    uint32_t server;
    uint32_t n_parents, parents[PARENTS_MAX]; /* segments; SEGMENT_SOURCE */
    uint32_t step;
    enum { SEGMENT_WAITS, SEGMENT_OPEN, SEGMENT_DONE } mark;
};

#define SEGMENT_SOURCE UINT32_MAX

static void
add_parent(struct segment *s, uint32_t parent)
{
    for (uint32_t i = 0; i < s->n_parents; i++) {
        if (s->parents[i] == parent)
            return;
    }
    if (s->n_parents < PARENTS_MAX) /* at most: two paths, and what comes back */
        s->parents[s->n_parents++] = parent;
}

/* Where on the way this node is passed; n at its end; NO_INDEX: nowhere. */
static uint32_t
position(const struct making *m, const struct way *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (m->b->servers[w->servers[i]].from == node)
            return i;
    }
    return w->n && m->b->servers[w->servers[w->n - 1]].to == node ? w->n : NO_INDEX;
}

static uint32_t
node_at(const struct making *m, uint32_t i)
{
    const struct way *w = m->primary;
    return i < w->n ? m->b->servers[w->servers[i]].from
           : w->n   ? m->b->servers[w->servers[w->n - 1]].to
                    : m->source;
}

/* The failover path's next link at this node of the primary path, if it is another one. */
static uint32_t
other_way(const struct making *m, uint32_t i)
{
    uint32_t k = position(m, m->failover, node_at(m, i));
    if (k == NO_INDEX || k >= m->failover->n)
        return NO_INDEX;
    return i < m->primary->n && m->failover->servers[k] == m->primary->servers[i] ? NO_INDEX : k;
}

static bool
may_return(const struct making *m, uint32_t i)
{
    if (!m->failover->n || i == 0 || i >= m->primary->n)
        return false;
    uint32_t k = position(m, m->failover, node_at(m, i));
    if (k < m->failover->n && m->failover->servers[k] == m->primary->servers[i])
        return false;
    while (i-- > 0) {
        if (other_way(m, i) != NO_INDEX)
            return true;
    }
    return false;
}

static enum err
place(struct making *m, struct segment *segments, uint32_t i)
{
    struct segment *s = &segments[i];
    uint32_t steps[PARENTS_MAX];
    if (s->mark == SEGMENT_DONE)
        return ERR_OK;
    if (s->mark == SEGMENT_OPEN)
        return fail_in_circle(m);
    s->mark = SEGMENT_OPEN;
    for (uint32_t k = 0; k < s->n_parents; k++) {
        enum err err = s->parents[k] == SEGMENT_SOURCE ? ERR_OK : place(m, segments, s->parents[k]);
        if (err)
            return err;
        steps[k] = s->parents[k] == SEGMENT_SOURCE ? SOURCE : segments[s->parents[k]].step;
    }
    struct plane *p = &m->b->planes[BOUNDS_FAILURE];
    uint32_t parent = any_of(p, steps, s->n_parents);
    s->step = pass(m, BOUNDS_FAILURE, parent, s->server, &m->steps[BOUNDS_FAILURE]);
    s->mark = SEGMENT_DONE;
    return ERR_OK;
}

/* Segments: links of the primary path from 0, those back over link i - 1 from n, links of the
 * failover path from 2n; one that both paths use is the primary's. `number` gets the latter. */
static void
link_segments(struct making *m, struct segment *segments, uint32_t *number)
{
    const struct way *p = m->primary, *f = m->failover;
    uint32_t n = p->n;
    for (uint32_t k = 0; k < f->n; k++) {
        number[k] = 2 * n + k;
        for (uint32_t i = 0; i < n; i++) {
            if (p->servers[i] == f->servers[k])
                number[k] = i;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        segments[i].server = p->servers[i];
        add_parent(&segments[i], i ? i - 1 : SEGMENT_SOURCE);
    }
    for (uint32_t i = n; i-- > 1;) {
        struct segment *back = &segments[n + i];
        bool parts = other_way(m, i) != NO_INDEX;
        back->server = p->servers[i - 1] ^ 1;
        if (parts)
            continue;
        if (may_return(m, i))
            add_parent(back, i - 1);
        if (i + 1 < n && segments[n + i + 1].n_parents)
            add_parent(back, n + i + 1);
    }
    for (uint32_t k = 0; k < f->n; k++) {
        struct segment *s = &segments[number[k]];
        s->server = f->servers[k];
        add_parent(s, k ? number[k - 1] : SEGMENT_SOURCE);
        for (uint32_t i = 0; i < n; i++) {
            if (other_way(m, i) != k)
                continue;
            add_parent(s, i ? i - 1 : SEGMENT_SOURCE);
            if (i + 1 < n && segments[n + i + 1].n_parents)
                add_parent(s, n + i + 1);
        }
    }
}

static enum err
make_ip_failure(struct making *m)
{
    uint32_t n = m->primary->n, n_failover = m->failover->n, last[2] = {SOURCE}, n_last = 1;
    struct segment *segments = xcalloc(2 * n + n_failover + 1, sizeof *segments);
    uint32_t *number = xcalloc(n_failover + 1, sizeof *number);
    enum err err = ERR_OK;
    link_segments(m, segments, number);
    for (uint32_t i = 0; i < 2 * n + n_failover && !err; i++) {
        if (segments[i].n_parents)
            err = place(m, segments, i);
    }
    if (n)
        last[0] = segments[n - 1].step;
    if (n_failover)
        last[n_last++] = segments[number[n_failover - 1]].step;
    if (!err)
        words_push(&m->ends[BOUNDS_FAILURE][0],
                   any_of(&m->b->planes[BOUNDS_FAILURE], last, n_last));
    free(segments);
    free(number);
    return err;
}

enum err
make_ip(struct making *m)
{
    uint32_t parent = SOURCE, test = SOURCE;
    enum err err = check_simple(m, m->primary);
    if (!err)
        err = check_simple(m, m->failover);
    for (uint32_t i = 0; i < m->primary->n && !err; i++)
        parent = pass(m, BOUNDS_NORMAL, parent, m->primary->servers[i], &m->steps[BOUNDS_NORMAL]);
    for (uint32_t i = 0; i < m->failover->n && !err; i++)
        test = pass(m, BOUNDS_NORMAL, test, m->failover->servers[i], &m->tests);
    words_push(&m->ends[BOUNDS_NORMAL][0], parent);
    return err ? err : make_ip_failure(m);
}

/* ---- Multicast: as compile_multicast.c ---- */

/* A link of the tree, or of the failover paths. */
struct branch {
    uint32_t server;
    uint32_t parent; /* branch; NO_INDEX: from the root. Of the failover paths: not used */
    bool guarded;    /* a subscriber behind it has a failover path */
    uint32_t step[BOUNDS_STATE_MAX];
    uint32_t back;     /* step over the same link back; SOURCE: none */
    struct words next; /* of the failover paths: branches behind it */
};

struct tree {
    uint32_t n, capacity;
    struct branch *branches;
};

static uint32_t
branch_of(struct tree *t, uint32_t server, uint32_t parent)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->branches[i].server == server)
            return i;
    }
    GROW(t->branches, t->n, t->capacity);
    t->branches[t->n] = (struct branch){.server = server, .parent = parent};
    return t->n++;
}

static void
tree_fini(struct tree *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        free(t->branches[i].next.list);
    free(t->branches);
}

static uint32_t
branch_step(const struct tree *t, uint32_t branch, enum bounds_state state)
{
    return branch == NO_INDEX ? SOURCE : t->branches[branch].step[state];
}

/* The tree, and the ways back along it, from the leaves to the root: what may come back over a
 * branch was either turned at its far end or came back there. `root` gets what may be sent over the
 * failover paths at the root. */
static enum err
make_tree(struct making *m, struct tree *t, struct words *root)
{
    struct words any = {0};
    for (uint32_t r = 0; r < m->n_receivers; r++) {
        uint32_t at = NO_INDEX;
        for (uint32_t i = 0; i < m->primary[r].n; i++) {
            uint32_t parent = at;
            at = branch_of(t, m->primary[r].servers[i], parent);
            if (t->branches[at].parent != parent)
                return diag_set(m->diag, ERR_CONFLICT,
                                "circuit \"%s\": its primary paths do not make a tree",
                                m->circuit->name);
            t->branches[at].guarded |= m->failover[r].n > 0;
        }
    }
    for (uint32_t i = 0; i < t->n; i++) {
        for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
            uint32_t parent = branch_step(t, t->branches[i].parent, s);
            t->branches[i].step[s] = pass(m, s, parent, t->branches[i].server, &m->steps[s]);
        }
    }
    words_push(root, SOURCE);
    for (uint32_t i = t->n; i-- > 0;) {
        struct branch *branch = &t->branches[i];
        bool turns = false;
        any.n = 0;
        for (uint32_t k = i + 1; k < t->n; k++) {
            if (t->branches[k].parent != i || !t->branches[k].guarded)
                continue;
            turns = true;
            if (t->branches[k].back)
                words_push(&any, t->branches[k].back);
        }
        if (!turns)
            continue;
        words_push(&any, branch->step[BOUNDS_FAILURE]);
        uint32_t parent = any_of(&m->b->planes[BOUNDS_FAILURE], any.list, any.n);
        branch->back = pass(m, BOUNDS_FAILURE, parent, branch->server ^ 1,
                            &m->steps[BOUNDS_FAILURE]);
        if (branch->parent == NO_INDEX)
            words_push(root, branch->back);
    }
    free(any.list);
    return ERR_OK;
}

/* Follows a frame over the failover paths; each branching makes copies. */
static enum err
spread(struct making *m, const struct tree *t, uint32_t at, uint32_t parent, uint32_t depth,
       enum bounds_state state, struct words *list)
{
    const struct branch *branch = &t->branches[at];
    if (depth > t->n)
        return fail_in_circle(m);
    if (list->n >= BOUNDS_COPIES_MAX)
        return diag_set(m->diag, ERR_LIMIT,
                        "circuit \"%s\": its failover paths make more than %d copies of a frame",
                        m->circuit->name, BOUNDS_COPIES_MAX);
    uint32_t step = pass(m, state, parent, branch->server, list);
    for (uint32_t r = 0; state == BOUNDS_FAILURE && r < m->n_receivers; r++) {
        const struct way *w = &m->failover[r];
        if (w->n && w->servers[w->n - 1] == branch->server)
            words_push(&m->ends[state][r], step);
    }
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < branch->next.n && !err; i++)
        err = spread(m, t, branch->next.list[i], step, depth + 1, state, list);
    return err;
}

static void
push_unique(struct words *w, uint32_t word)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->list[i] == word)
            return;
    }
    words_push(w, word);
}

static enum err
make_detours(struct making *m, struct words *root)
{
    struct tree t = {0};
    struct words first = {0};
    enum err err = ERR_OK;
    for (uint32_t r = 0; r < m->n_receivers; r++) {
        uint32_t before = NO_INDEX;
        for (uint32_t i = 0; i < m->failover[r].n; i++) {
            uint32_t at = branch_of(&t, m->failover[r].servers[i], NO_INDEX);
            push_unique(before == NO_INDEX ? &first : &t.branches[before].next, at);
            before = at;
        }
    }
    uint32_t parent = any_of(&m->b->planes[BOUNDS_FAILURE], root->list, root->n);
    for (uint32_t i = 0; i < first.n && !err; i++) {
        err = spread(m, &t, first.list[i], parent, 1, BOUNDS_FAILURE, &m->steps[BOUNDS_FAILURE]);
        if (!err)
            err = spread(m, &t, first.list[i], SOURCE, 1, BOUNDS_NORMAL, &m->tests);
    }
    free(first.list);
    tree_fini(&t);
    return err;
}

enum err
make_multicast(struct making *m)
{
    struct tree t = {0};
    struct words root = {0};
    enum err err = ERR_OK;
    for (uint32_t r = 0; r < m->n_receivers && !err; r++) {
        err = check_simple(m, &m->primary[r]);
        if (!err)
            err = check_simple(m, &m->failover[r]);
    }
    if (!err)
        err = make_tree(m, &t, &root);
    if (!err) {
        for (uint32_t r = 0; r < m->n_receivers; r++) {
            const struct way *w = &m->primary[r];
            uint32_t last = w->n ? branch_of(&t, w->servers[w->n - 1], NO_INDEX) : NO_INDEX;
            for (int s = 0; s < BOUNDS_STATE_MAX; s++)
                words_push(&m->ends[s][r], branch_step(&t, last, s));
        }
        err = make_detours(m, &root);
    }
    tree_fini(&t);
    free(root.list);
    return err;
}
