#include "te/mcf_testing.h"
#include "te/optimise_cover.h"

#include "base/testing.h"

#define ITEMS 10
#define NEEDS 4

struct subject {
    struct te_cover c;
    double need[NEEDS], size[ITEMS];
    uint32_t first[ITEMS + 1], of[ITEMS * NEEDS];
};

static void
draw(struct subject *s, uint64_t seed)
{
    struct dice d = {seed};
    uint32_t n = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        s->size[i] = 1 + dice_below(&d, 30);
        for (uint32_t r = 0; r < NEEDS; r++) {
            if (dice_below(&d, 3) == 0)
                s->of[n++] = r;
        }
        s->first[i + 1] = n;
    }
    for (uint32_t r = 0; r < NEEDS; r++)
        s->need[r] = 1 + dice_below(&d, 28);
    s->c = (struct te_cover){NEEDS, ITEMS, s->need, s->size, s->first, s->of};
}

static bool
covers(const struct subject *s, uint32_t set)
{
    double got[NEEDS] = {0};
    for (uint32_t i = 0; i < ITEMS; i++) {
        for (uint32_t j = s->first[i]; j < s->first[i + 1] && (set & 1u << i); j++)
            got[s->of[j]] += s->size[i];
    }
    for (uint32_t r = 0; r < NEEDS; r++) {
        if (got[r] < s->need[r])
            return false;
    }
    return true;
}

static void
as_few_as_trying_all_sets_finds(void **state)
{
    (void)state;
    uint32_t solved = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct subject s = {0};
        bool chosen[ITEMS];
        uint32_t n = 0, at_least = 0, fewest = UINT32_MAX, set = 0;
        draw(&s, seed);
        for (uint32_t all = 0; all < 1u << ITEMS; all++) {
            if (covers(&s, all))
                fewest = MIN(fewest, (uint32_t)__builtin_popcount(all));
        }
        enum err err = te_cover_solve(&s.c, 1000, chosen, &n, &at_least);
        assert_err(err, fewest == UINT32_MAX ? ERR_NOT_FOUND : ERR_OK);
        if (err)
            continue;
        for (uint32_t i = 0; i < ITEMS; i++)
            set |= chosen[i] ? 1u << i : 0;
        assert_true(covers(&s, set));
        assert_int_equal(n, fewest);
        assert_int_equal(at_least, fewest);
        assert_int_equal(__builtin_popcount(set), fewest);
        solved++;
    }
    assert_true(solved > 60);
}

static void
with_a_small_budget_the_bound_still_holds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct subject s = {0};
        bool chosen[ITEMS];
        uint32_t n = 0, at_least = 0, fewest = UINT32_MAX;
        draw(&s, seed);
        for (uint32_t all = 0; all < 1u << ITEMS; all++) {
            if (covers(&s, all))
                fewest = MIN(fewest, (uint32_t)__builtin_popcount(all));
        }
        if (te_cover_solve(&s.c, 2, chosen, &n, &at_least) == ERR_OK) {
            assert_true(at_least <= fewest);
            assert_true(n >= fewest);
        }
    }
}

TEST_MAIN(cmocka_unit_test(as_few_as_trying_all_sets_finds),
          cmocka_unit_test(with_a_small_budget_the_bound_still_holds))
