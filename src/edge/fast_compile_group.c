/* Which bucket it is, is found when the packet passes: a program is no longer valid if the group
 * changes, but is if a port comes or goes. The choice is a chain: a step that goes on to the next
 * bucket unless this is the one, what the bucket does, and a step to the end of the group. */
#include "edge/fast_compile_private.h"

#define MAX_CANDIDATES 64 /* of a select group; those of a choice at run time are fewer */

/* What a bucket does to the packet nobody after it may see, and the kernel makes no copies: such a
 * bucket has to be the last thing that happens. */
static bool
compile_bucket(struct compiler *c, const struct bucket_entry *b, int depth)
{
    const struct shape before = c->shape;
    bool sends = false;
    if (!emit_counter(c, FAST_COUNT_BUCKET, 0, &b->counters))
        return false;
    for (uint32_t i = 0; i < b->set.n; i++) {
        sends |= b->set.list[i].type == ACTION_OUTPUT || b->set.list[i].type == ACTION_GROUP;
        if (!compile_action(c, &b->set.list[i], depth))
            return false;
    }
    c->shape = before;
    return sends || emit(c, (struct fast_op){FAST_DROP, DROP_NO_OUTPUT, 0, 0});
}

/* The ports of which one has to be live, for a bucket to be: bucket_is_live(). */
struct watched {
    uint32_t ports[FAST_OPS]; /* their places */
    uint32_t n;
    bool always;
};

static bool
watch(const struct compiler *c, const struct bucket_entry *b, struct watched *w, int depth)
{
    if (!b->watches)
        w->always = true;
    if (b->watch_port) {
        if (!b->watch_port->ifindex || w->n == ARRAY_SIZE(w->ports))
            return false;
        w->ports[w->n++] = slots_index(c->dp->shared.ports, b->watch_port);
    }
    if (!b->watch_group)
        return true;
    const struct group_body *body = atomic_load_explicit(&b->watch_group->body,
                                                         memory_order_acquire);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        if (depth >= MAX_DEPTH || !watch(c, &body->buckets[i], w, depth + 1))
            return false;
    }
    return true;
}

/* The steps to the end of the group, which are made before it is known where that is. */
struct chain {
    uint32_t jumps[FAST_OPS], n;
};

static bool
emit_bucket(struct compiler *c, struct chain *chain, const struct bucket_entry *b, int depth)
{
    if (!compile_bucket(c, b, depth))
        return false;
    chain->jumps[chain->n++] = c->n;
    return emit(c, (struct fast_op){.type = FAST_JUMP});
}

static void
end_chain(struct compiler *c, const struct chain *chain)
{
    for (uint32_t i = 0; i < chain->n; i++)
        c->to->ops[chain->jumps[i]].a = (uint8_t)c->n;
}

/* None was taken. */
static bool
emit_none(struct compiler *c, const struct group_body *body)
{
    uint8_t reason = body->n_buckets ? DROP_NO_LIVE_BUCKET : DROP_NO_OUTPUT;
    return emit(c, (struct fast_op){FAST_DROP, reason, 0, 0});
}

/* Goes on behind these steps if one of the ports is live; if not, the last of them goes where it is
 * told. */
static bool
emit_if_none_live(struct compiler *c, const struct watched *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        uint8_t type = i + 1 < w->n ? FAST_IF_LIVE : FAST_IF_DEAD;
        uint8_t behind = (uint8_t)(c->n + w->n - i);
        if (!emit(c, (struct fast_op){type, behind, 0, w->ports[i]}))
            return false;
    }
    return true;
}

/* The first bucket that is live. */
static bool
compile_failover(struct compiler *c, const struct group_body *body, int depth)
{
    struct chain chain = {.n = 0};
    bool always = false;
    for (uint32_t i = 0; i < body->n_buckets && !always; i++) {
        const struct bucket_entry *b = &body->buckets[i];
        struct watched w = {.n = 0};
        if (!watch(c, b, &w, 0))
            return false;
        always = w.always;
        if (!always && !w.n)
            continue;
        if (!always && !emit_if_none_live(c, &w))
            return false;
        uint32_t skip = c->n - 1;
        if (!emit_bucket(c, &chain, b, depth))
            return false;
        if (!always)
            c->to->ops[skip].a = (uint8_t)c->n;
    }
    if (!always && !emit_none(c, body))
        return false;
    end_chain(c, &chain);
    return true;
}

/* What select groups choose by, of the packet as it is here: the program has room for one hash. */
static bool
take_hash(struct compiler *c)
{
    uint64_t hash = select_hash(&c->shape.key);
    if (c->hashed && c->to->hash != hash)
        return false;
    c->hashed = true;
    c->to->hash = hash;
    return true;
}

/* The buckets that can be live, and the port of each that has to be: or FAST_ALWAYS. */
struct candidates {
    struct {
        const struct bucket_entry *bucket;
        uint32_t place;
    } list[MAX_CANDIDATES];
    uint32_t n;
    bool fixed; /* no port matters */
};

static bool
find_candidates(const struct compiler *c, const struct group_body *body, struct candidates *found)
{
    *found = (struct candidates){.fixed = true};
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        struct watched w = {.n = 0};
        if (!watch(c, &body->buckets[i], &w, 0) || (!w.always && w.n > 1) ||
            found->n == MAX_CANDIDATES)
            return false;
        if (!w.always && !w.n)
            continue;
        found->list[found->n].bucket = &body->buckets[i];
        found->list[found->n++].place = w.always ? FAST_ALWAYS : w.ports[0];
        found->fixed &= w.always;
    }
    return true;
}

/* It is always the same one. */
static bool
compile_fixed(struct compiler *c, const struct group_body *body, const struct candidates *from,
              int depth)
{
    uint64_t total = 0, point;
    uint32_t i = 0;
    for (uint32_t k = 0; k < from->n; k++)
        total += from->list[k].bucket->weight;
    if (!total)
        return emit_none(c, body);
    for (point = select_hash(&c->shape.key) % total; point >= from->list[i].bucket->weight; i++)
        point -= from->list[i].bucket->weight;
    return compile_bucket(c, from->list[i].bucket, depth);
}

/* By weight, among those that are live: fast_choose.h. */
static bool
compile_select(struct compiler *c, const struct group_body *body, int depth)
{
    struct chain chain = {.n = 0};
    struct candidates from;
    if (!find_candidates(c, body, &from))
        return false;
    if (from.fixed)
        return compile_fixed(c, body, &from, depth);
    if (!take_hash(c))
        return false;
    for (uint32_t i = 0; i < from.n; i++) {
        if (!emit(c,
                  (struct fast_op){FAST_WEIGH, 0, from.list[i].bucket->weight, from.list[i].place}))
            return false;
    }
    uint32_t choice = c->n;
    if (!emit(c, (struct fast_op){.type = FAST_CHOOSE}))
        return false;
    for (uint32_t i = 0; i < from.n; i++) {
        uint32_t skip = c->n;
        if (!emit(c, (struct fast_op){FAST_IF_OTHER, 0, from.list[i].bucket->weight,
                                      from.list[i].place}) ||
            !emit_bucket(c, &chain, from.list[i].bucket, depth))
            return false;
        c->to->ops[skip].a = (uint8_t)c->n;
    }
    c->to->ops[choice].a = (uint8_t)c->n;
    if (!emit_none(c, body))
        return false;
    end_chain(c, &chain);
    return true;
}

static bool
compile_all(struct compiler *c, const struct group_body *body, int depth)
{
    bool before = c->edited;
    if (!body->n_buckets)
        return emit_none(c, body);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        c->edited = false;
        if (!compile_bucket(c, &body->buckets[i], depth) || (c->edited && i + 1 < body->n_buckets))
            return false;
    }
    c->edited |= before;
    return true;
}

bool
compile_group(struct compiler *c, const struct group_entry *group, int depth)
{
    const struct group_body *body = atomic_load_explicit(&group->body, memory_order_acquire);
    if (depth > MAX_DEPTH / 2 || !emit_counter(c, FAST_COUNT_BUCKET, 0, &group->counters))
        return false;
    if (body->type == GROUP_TYPE_FF)
        return compile_failover(c, body, depth);
    if (body->type == GROUP_TYPE_SELECT)
        return compile_select(c, body, depth);
    return compile_all(c, body, depth);
}
