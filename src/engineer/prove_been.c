/* Where a walk has been: in the lane of anything alone, what a class does from a place on is the
 * same by whatever way it came there, so it is followed once. A loop through the place is found
 * then, too: what leads back to it is met on the way on from it. */
#include "engineer/prove_private.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

struct been {
    uint32_t n, capacity;
    struct been_place {
        uint32_t hash, node, in_port;
        uint8_t n_saved;
        struct saved_tag saved[SAVED_TAGS];
        struct match cube;
    } * places;
    uint32_t n_slots; /* a power of two, or 0; more than twice the places */
    uint32_t *slots;  /* place + 1; 0: empty */
};

void
been_free(struct been *b)
{
    if (!b)
        return;
    free(b->places);
    free(b->slots);
    free(b);
}

void
been_begin(struct prover *p)
{
    struct been *b = p->been;
    if (!b) {
        p->been = xcalloc(1, sizeof *b);
        return;
    }
    if (b->n)
        memset(b->slots, 0, b->n_slots * sizeof *b->slots);
    b->n = 0;
}

static uint32_t *
slot_of(struct been *b, uint32_t hash)
{
    return &b->slots[hash & (b->n_slots - 1)];
}

static void
put(struct been *b, uint32_t index)
{
    uint32_t at = b->places[index].hash;
    while (*slot_of(b, at))
        at++;
    *slot_of(b, at) = index + 1;
}

static void
make_room(struct been *b)
{
    if (2 * (b->n + 1) < b->n_slots)
        return;
    b->n_slots = MAX(64, 4 * b->n_slots);
    b->slots = xrealloc(b->slots, b->n_slots, sizeof *b->slots);
    memset(b->slots, 0, b->n_slots * sizeof *b->slots);
    for (uint32_t i = 0; i < b->n; i++)
        put(b, i);
}

static bool
is_same(const struct been_place *x, const struct state *s, uint32_t hash)
{
    return x->hash == hash && x->node == s->node && x->in_port == s->in_port &&
           x->n_saved == s->n_saved && match_equal(&x->cube, &s->cube) &&
           !memcmp(x->saved, s->saved, s->n_saved * sizeof s->saved[0]);
}

bool
been_here(struct prover *p, const struct state *s)
{
    struct been *b = p->been;
    uint32_t hash = (uint32_t)hash_mix(
        hash_add(match_hash(&s->cube), (uint64_t)s->node << 32 | s->in_port));
    make_room(b);
    for (uint32_t at = hash; *slot_of(b, at); at++) {
        if (is_same(&b->places[*slot_of(b, at) - 1], s, hash))
            return true;
    }
    GROW(b->places, b->n, b->capacity);
    struct been_place *place = &b->places[b->n++];
    *place = (struct been_place){.hash = hash,
                                 .node = s->node,
                                 .in_port = s->in_port,
                                 .n_saved = s->n_saved,
                                 .cube = s->cube};
    memcpy(place->saved, s->saved, sizeof place->saved);
    put(b, b->n - 1);
    return false;
}
