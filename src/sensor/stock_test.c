/* Pieces come back in the order in which they were taken, where they were. */
#include "sensor/stock.h"

#include "base/attr.h"
#include "base/testing.h"

struct piece {
    size_t size;
    uint8_t octets[];
};

static struct piece *
take(struct stock *s, size_t size, uint8_t octet)
{
    struct piece *p = stock_take(s, sizeof *p + size);
    assert_int_equal((uintptr_t)p % 8, 0);
    p->size = size;
    memset(p->octets, octet, size);
    return p;
}

static size_t
size_of(unsigned number)
{
    return number % 40 == 7 ? STOCK_BLOCK + number : number * 37 % 1000;
}

static void
take_many(struct stock *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        take(s, size_of(i), (uint8_t)i);
}

static void
assert_reads_many(const struct stock *s, unsigned n)
{
    struct stock_place at = {0};
    for (unsigned i = 0; i < n; i++) {
        const struct piece *p = stock_see(s, &at);
        assert_non_null(p);
        assert_int_equal(p->size, size_of(i));
        for (size_t k = 0; k < p->size; k++)
            assert_int_equal(p->octets[k], (uint8_t)i);
        stock_pass(&at, sizeof *p + p->size);
    }
    assert_null(stock_see(s, &at));
}

static void
pieces_come_back_in_order(void **state UNUSED)
{
    struct stock s = {0};
    take_many(&s, 1000);
    assert_reads_many(&s, 1000);
    size_t octets = 0;
    for (unsigned i = 0; i < 1000; i++)
        octets += sizeof(struct piece) + (size_of(i) + 7) / 8 * 8;
    assert_int_equal(stock_octets(&s), octets);
    stock_fini(&s);
}

static void
it_is_used_again(void **state UNUSED)
{
    struct stock s = {0};
    take_many(&s, 1000);
    for (unsigned n = 0; n < 300; n += 50) {
        stock_reset(&s);
        assert_true(s.n <= STOCK_KEPT);
        take_many(&s, n);
        assert_reads_many(&s, n);
    }
    stock_fini(&s);
}

static void
a_large_piece_may_be_the_first(void **state UNUSED)
{
    struct stock s = {0};
    take(&s, 1, 1);
    stock_reset(&s);
    take(&s, 3 * STOCK_BLOCK, 2);
    struct stock_place at = {0};
    const struct piece *p = stock_see(&s, &at);
    assert_non_null(p);
    assert_int_equal(p->size, 3 * STOCK_BLOCK);
    stock_fini(&s);
}

static void
in_an_empty_one_nothing_is_seen(void **state UNUSED)
{
    struct stock s = {0};
    struct stock_place at = {0};
    assert_null(stock_see(&s, &at));
    take(&s, 1, 1);
    stock_reset(&s);
    assert_null(stock_see(&s, &at));
    stock_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_back_in_order),
        cmocka_unit_test(it_is_used_again),
        cmocka_unit_test(a_large_piece_may_be_the_first),
        cmocka_unit_test(in_an_empty_one_nothing_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
