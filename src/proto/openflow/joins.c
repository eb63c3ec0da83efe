#include "proto/openflow/joins.h"

void
joins_fini(struct joins *joins)
{
    for (size_t i = 0; i < N_JOINS; i++)
        buf_fini(&joins->list[i].body);
}

struct join *
joins_find(struct joins *joins, uint32_t xid)
{
    for (size_t i = 0; i < N_JOINS; i++) {
        struct join *join = &joins->list[i];
        if (join->used && join->part.xid == xid)
            return join;
    }
    return NULL;
}

static void
forget_body(struct joins *joins, struct join *join)
{
    joins->size -= join->body.size;
    buf_fini(&join->body);
}

void
joins_drop(struct joins *joins, struct join *join)
{
    forget_body(joins, join);
    *join = (struct join){0};
}

void
joins_give_up(struct joins *joins, uint32_t xid)
{
    struct join *join = joins_find(joins, xid);
    if (!join)
        return;
    forget_body(joins, join);
    join->dead = true;
}

void
joins_expire(struct joins *joins, nsec_t before, bool live, nsec_t now)
{
    for (size_t i = 0; i < N_JOINS; i++) {
        struct join *join = &joins->list[i];
        if (!join->used || join->touched >= before || !(join->dead || live))
            continue;
        if (join->dead) {
            joins_drop(joins, join);
        } else {
            joins_give_up(joins, join->part.xid);
            join->touched = now;
        }
    }
}

/* A free place, or that of one given up, the longest untouched first. */
static struct join *
find_place(struct joins *joins)
{
    struct join *best = NULL;
    for (size_t i = 0; i < N_JOINS; i++) {
        struct join *join = &joins->list[i];
        if (!join->used)
            return join;
        if (join->dead && (!best || join->touched < best->touched))
            best = join;
    }
    if (best)
        joins_drop(joins, best);
    return best;
}

static bool
is_same_kind(const struct openflow_part *a, const struct openflow_part *b)
{
    return a->type == b->type && a->reply == b->reply && a->experimenter == b->experimenter &&
           a->exp_type == b->exp_type;
}

enum err
joins_add(struct joins *joins, const struct openflow_part *part, nsec_t now)
{
    struct join *join = joins_find(joins, part->xid);
    if (!join) {
        join = find_place(joins);
        if (!join)
            return ERR_LIMIT;
        *join = (struct join){.used = true, .part = *part};
    }
    join->touched = now;
    bool same = is_same_kind(&join->part, part);
    if (!same || part->body.size > joins->limit - joins->size) {
        joins_give_up(joins, part->xid);
        if (!part->more)
            joins_drop(joins, join);
        return same ? ERR_LIMIT : ERR_CONFLICT;
    }
    buf_put(&join->body, part->body.octets, part->body.size);
    joins->size += part->body.size;
    join->part.more = part->more;
    return ERR_OK;
}
