#include "detect/cells.h"

#include "base/hash.h"
#include "base/testing.h"

static void
what_was_put_is_there_while_it_grows(void **state UNUSED)
{
    struct cells *t = cells_new(1u << 16, sizeof(uint32_t));
    bool is_new;
    for (uint32_t i = 0; i < 4000; i++) {
        *(uint32_t *)cells_make(t, hash_mix(i + 1), 1, &is_new) = i;
        assert_true(is_new);
    }
    for (uint32_t i = 0; i < 4000; i++)
        assert_int_equal(*(uint32_t *)cells_find(t, hash_mix(i + 1), 2), i);
    assert_int_equal(cells_number(t), 4000);
    assert_int_equal(cells_forgotten(t), 0);
    assert_null(cells_find(t, hash_mix(4001), 2));
    *(uint32_t *)cells_make(t, hash_mix(7), 3, &is_new) += 1;
    assert_false(is_new);
    cells_free(t);
}

/* Eight of one set, and a ninth: the one that was asked for longest ago goes. */
static void
the_longest_unused_makes_room(void **state UNUSED)
{
    struct cells *t = cells_new(8, sizeof(uint64_t));
    bool is_new;
    for (uint64_t key = 1; key <= 8; key++)
        *(uint64_t *)cells_make(t, key, (nsec_t)key, &is_new) = key;
    assert_non_null(cells_find(t, 1, 100));
    assert_int_equal(*(uint64_t *)cells_make(t, 9, 101, &is_new), 0);
    assert_true(is_new);
    assert_null(cells_find(t, 2, 102));
    assert_int_equal(*(uint64_t *)cells_find(t, 1, 102), 1);
    assert_int_equal(cells_number(t), 8);
    assert_int_equal(cells_forgotten(t), 1);
    cells_free(t);
}

static void
sum(void *arg, uint64_t key, void *cell)
{
    assert_int_equal(*(uint64_t *)cell, key);
    *(uint64_t *)arg += key;
}

static void
each_is_told_once(void **state UNUSED)
{
    struct cells *t = cells_new(1000, sizeof(uint64_t));
    uint64_t total = 0;
    bool is_new;
    for (uint64_t key = 1; key <= 100; key++)
        *(uint64_t *)cells_make(t, key, 1, &is_new) = key;
    cells_each(t, sum, &total);
    assert_int_equal(total, 5050);
    cells_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_there_while_it_grows),
        cmocka_unit_test(the_longest_unused_makes_room),
        cmocka_unit_test(each_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
