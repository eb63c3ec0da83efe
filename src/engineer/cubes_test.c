#include "engineer/cubes.h"

#include "base/alloc.h"
#include "base/testing.h"
#include "packet/rule.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS 300

static uint64_t seed = 11;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* Few values and few masks, so that cubes meet and contain each other often. */
static struct match
random_cube(void)
{
    struct match m = MATCH_ANY;
    uint64_t prefix = draw(3) * 8 + 16;
    if (draw(3))
        match_set(&m, FIELD_IN_PORT, draw(3));
    if (!draw(4))
        return m;
    match_set(&m, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    if (draw(3))
        match_set(&m, FIELD_IP_PROTO, IP_PROTO_TCP);
    if (draw(2))
        match_set_masked(&m, FIELD_IPV4_DST,
                         (0x0a000000 | draw(2) << 12) & ~UINT64_C(0) << (32 - prefix),
                         (~UINT64_C(0) << (32 - prefix)) & 0xffffffff);
    if (match_has(&m, FIELD_IP_PROTO) && draw(2))
        match_set(&m, FIELD_TCP_DST, draw(3));
    return m;
}

struct filed {
    struct cube_item item;
    struct match match;
    bool in;
};

static bool
is_in(const struct cube_list *list, const struct cube_item *item)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i] == item)
            return true;
    }
    return false;
}

/* By looking at every item. */
static void
check(const struct cubes *set, const struct filed *all, const struct match *cube)
{
    struct cube_list taken = {0}, met = {0}, low = {0};
    int64_t floor = -1;
    uint32_t n_met = 0, n_low = 0, n_taken = 0;
    bool contained = false;
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (!all[i].in || !match_contains(&all[i].match, cube))
            continue;
        contained = true;
        if (!all[i].item.tentative)
            floor = MAX(floor, all[i].item.priority);
    }
    cubes_take(set, cube, &taken);
    cubes_meet(set, cube, CUBES_ALL, &met);
    cubes_meet(set, cube, 3, &low);
    for (uint32_t i = 0; i < ITEMS; i++) {
        bool meets = all[i].in && match_intersect(&all[i].match, cube, NULL);
        bool takes = meets && all[i].item.priority >= floor;
        bool is_low = meets && all[i].item.priority <= 3;
        assert_int_equal(is_in(&met, &all[i].item), meets);
        assert_int_equal(is_in(&low, &all[i].item), is_low);
        assert_int_equal(is_in(&taken, &all[i].item), takes);
        n_met += meets;
        n_low += is_low;
        n_taken += takes;
    }
    assert_int_equal(met.n, n_met);
    assert_int_equal(low.n, n_low);
    assert_int_equal(taken.n, n_taken);
    for (uint32_t i = 1; i < taken.n; i++)
        assert_true(taken.items[i - 1]->priority >= taken.items[i]->priority);
    const struct cube_item *container = cubes_containing(set, cube);
    assert_int_equal(container != NULL, contained);
    if (container)
        assert_true(match_contains(container->match, cube));
    cube_list_fini(&taken);
    cube_list_fini(&met);
    cube_list_fini(&low);
}

static void
finds_what_a_look_at_every_item_finds(void **state UNUSED)
{
    struct cubes set = {0};
    struct filed *all = xcalloc(ITEMS, sizeof *all);
    for (int round = 0; round < 4000; round++) {
        struct filed *f = &all[draw(ITEMS)];
        if (f->in) {
            cubes_remove(&set, &f->item);
            f->in = false;
        } else {
            f->match = random_cube();
            f->item = (struct cube_item){
                .match = &f->match, .priority = draw(6), .tentative = !draw(8)};
            cubes_insert(&set, &f->item);
            f->in = true;
            const struct cube_item *found = cubes_find(&set, &f->match, f->item.priority);
            assert_non_null(found);
            assert_true(match_equal(found->match, &f->match));
        }
        if (round % 10 == 0) {
            struct match cube = random_cube();
            check(&set, all, &cube);
        }
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (all[i].in)
            cubes_remove(&set, &all[i].item);
    }
    assert_int_equal(set.n, 0);
    assert_int_equal(set.n_tuples, 0); /* nothing is left of it */
    cubes_fini(&set);
    free(all);
}

/* Packets, one by one: in the pieces is what is in the whole and in nothing that was taken. */
static void
pieces_are_what_is_left(void **state UNUSED)
{
    struct pieces *p = xmalloc(sizeof *p);
    uint32_t n_tried = 0;
    for (int round = 0; round < 200; round++) {
        struct match whole = random_cube(), taken[4];
        uint32_t n = 1 + draw(4);
        pieces_start(p, &whole);
        for (uint32_t i = 0; i < n; i++) {
            taken[i] = random_cube();
            pieces_subtract(p, &taken[i]);
        }
        n_tried += !p->overflow;
        for (int k = 0; k < 200 && !p->overflow; k++) {
            struct match packet = random_cube();
            struct flow_key key = packet.value;
            bool expected = match_covers_key(&whole, &key);
            uint32_t found = 0;
            for (uint32_t i = 0; i < n; i++)
                expected &= !match_covers_key(&taken[i], &key);
            for (uint32_t i = 0; i < p->n; i++)
                found += match_covers_key(&p->cubes[i], &key);
            assert_int_equal(found, expected); /* once, if at all */
        }
    }
    assert_true(n_tried > 100);
    free(p);
}

static void
too_many_pieces_are_said_to_be(void **state UNUSED)
{
    struct pieces *p = xmalloc(sizeof *p);
    struct match any = MATCH_ANY;
    pieces_start(p, &any);
    for (uint64_t i = 0; i < 2000 && !p->overflow; i++) {
        struct match one = MATCH_ANY;
        match_set(&one, FIELD_METADATA, i * UINT64_C(0x9e3779b97f4a7c15));
        pieces_subtract(p, &one);
    }
    assert_true(p->overflow);
    free(p);
}

TEST_MAIN(cmocka_unit_test(finds_what_a_look_at_every_item_finds),
          cmocka_unit_test(pieces_are_what_is_left),
          cmocka_unit_test(too_many_pieces_are_said_to_be))
