#include "sensor/pages.h"

#include "base/testing.h"

#include <stdint.h>

#define N 8

static bool
is_zero(const uint8_t *p, size_t size)
{
    while (size && !p[size - 1])
        size--;
    return !size;
}

static void
what_is_taken_is_zero_and_its_own(void **state UNUSED)
{
    struct pages *p = pages_new(N * PAGES_SIZE);
    uint8_t *taken[N];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            taken[i] = pages_take(p, PAGES_SIZE - i);
            assert_non_null(taken[i]);
            assert_true(is_zero(taken[i], PAGES_SIZE - i));
            memset(taken[i], (int)i + 1, PAGES_SIZE - i);
        }
        assert_null(pages_take(p, 1)); /* there is no more */
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(taken[i][0], i + 1);
            assert_int_equal(taken[i][PAGES_SIZE - i - 1], i + 1);
            assert_true(pages_give_back(p, taken[i], PAGES_SIZE - i));
        }
    }
    pages_free(p);
}

static void
pieces_are_whole(void **state UNUSED)
{
    struct pages *p = pages_new(N * PAGES_SIZE);
    uint8_t *one = pages_take(p, 1), *three = pages_take(p, 2 * PAGES_SIZE + 1);
    assert_ptr_equal(three, one + PAGES_SIZE);
    uint8_t *four = pages_take(p, 4 * PAGES_SIZE);
    assert_ptr_equal(four, three + (size_t)3 * PAGES_SIZE);
    assert_true(pages_give_back(p, one, 1));
    assert_true(pages_give_back(p, four, 4 * PAGES_SIZE));
    assert_null(pages_take(p, 5 * PAGES_SIZE)); /* the last and the first are no piece */
    assert_ptr_equal(pages_take(p, 3 * PAGES_SIZE), four);
    pages_free(p);
}

static void
what_is_not_of_it_is_refused(void **state UNUSED)
{
    struct pages *p = pages_new(N * PAGES_SIZE);
    uint8_t other[4];
    assert_false(pages_give_back(p, other, sizeof other));
    assert_false(pages_give_back(p, NULL, 0));
    assert_null(pages_take(p, 0));
    assert_null(pages_take(p, SIZE_MAX));
    pages_free(p);
    pages_free(NULL);
}

TEST_MAIN(cmocka_unit_test(what_is_taken_is_zero_and_its_own), cmocka_unit_test(pieces_are_whole),
          cmocka_unit_test(what_is_not_of_it_is_refused))
