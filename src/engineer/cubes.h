/* cubes.h - a set of cubes in header space, asked again and again which of them a given cube meets.
 *
 * Tuple space search (Srinivasan, Suri, Varghese, SIGCOMM 1999), for cubes instead of packets: the
 * items with the same mask are one tuple and are hashed by what they ask for. Each tuple also keeps
 * the bits that all its items ask for alike: most tuples are ruled out by that alone, also for a
 * cube that leaves open what the tuple hashes. Items are hashed twice: by all they ask for, and
 * without the ports of TCP and UDP, for classes that leave the client's port open and would have to
 * look into every slot otherwise. */
#ifndef ENGINEER_CUBES_H
#define ENGINEER_CUBES_H

#include "packet/match.h"

/* Part of whatever is in the set; `match` and `priority` are the owner's to fill in and must stay
 * as they are while it is there. */
struct cube_item {
    const struct match *match;
    uint32_t priority; /* the higher, the earlier it is found; 0 where there are none */
    bool tentative;    /* it may be missing, so it hides nothing below it; may change at any time */
    /* cubes.c's own */
    uint32_t hash, portless_hash;
    struct cube_item *next, *next_portless;       /* in the slots */
    struct cube_item *next_member, **previous_at; /* in the tuple */
};

struct cube_tuple;

struct cubes {
    uint32_t n, n_tuples;
    struct cube_tuple **tuples; /* by falling priority of the highest item */
    uint64_t *mask_hashes;      /* theirs, in the same order */
};

void cubes_fini(struct cubes *); /* empty again; the items are the owner's */
void cubes_insert(struct cubes *, struct cube_item *);
void cubes_remove(struct cubes *, struct cube_item *);

/* An item with exactly this match and priority; NULL: none. Of several, which is not said. */
struct cube_item *cubes_find(const struct cubes *, const struct match *, uint32_t priority);

/* Memory for answers, kept from one question to the next. */
struct cube_list {
    uint32_t n, capacity;
    struct cube_item **items;
};
void cube_list_fini(struct cube_list *);
void cube_list_sort(struct cube_list *); /* by falling priority, then by match */

/* Adds to `found` the items that meet the cube: all whose priority is at least that of the highest
 * one that contains the whole cube (what is below can have no part of it), sorted by falling
 * priority, then by match. True: it is one that contains it, and not tentative. */
bool cubes_take(const struct cubes *, const struct match *, struct cube_list *found);
/* Adds all that meet the cube and have at most this priority, in no order. */
void cubes_meet(const struct cubes *, const struct match *, uint32_t highest,
                struct cube_list *found);
#define CUBES_ALL UINT32_MAX
/* One that contains the whole cube; NULL: none. Of several, the first by match. */
struct cube_item *cubes_containing(const struct cubes *, const struct match *);

/* ---- A cube cut up: what is left of it when others have taken their parts ---- */

#define PIECES_MAX 512 /* beyond, it counts as all of it */
struct pieces {
    uint32_t n;
    bool overflow;
    struct match cubes[PIECES_MAX];
};
void pieces_start(struct pieces *, const struct match *whole);
void pieces_subtract(struct pieces *, const struct match *taken);

#endif
