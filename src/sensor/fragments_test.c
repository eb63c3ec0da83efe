#include "sensor/fragments.h"

#include "sensor/testing.h"

static struct stream_budget budget;
static struct fragments *fragments;
static const uint8_t *whole;
static uint32_t size;

static int
begin(void **state UNUSED)
{
    budget = (struct stream_budget){.limit = 1 << 20};
    fragments = fragments_new(&budget);
    return 0;
}

static int
end(void **state UNUSED)
{
    fragments_free(fragments);
    assert_int_equal(budget.used, 0);
    return 0;
}

/* `n` octets of the datagram 0, 1, 2, ... */
static enum fragment_taken
piece(uint32_t id, uint32_t at, uint32_t n, bool more, nsec_t now)
{
    static uint8_t octets[70000];
    for (uint32_t i = 0; i < n; i++)
        octets[i] = (uint8_t)(at + i);
    const struct layers l = {.ip = 4,
                             .proto = 17,
                             .is_fragment = true,
                             .more_fragments = more,
                             .fragment_at = at,
                             .fragment_id = id,
                             .payload = octets,
                             .size = n,
                             .wire = n};
    return fragments_input(fragments, &l, now, &whole, &size);
}

static void
assert_whole(uint32_t n)
{
    assert_int_equal(size, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(whole[i], (uint8_t)i);
}

static void
pieces_come_in_any_order(void **state UNUSED)
{
    assert_int_equal(piece(1, 16, 5, false, 0), FRAGMENT_KEPT);
    assert_int_equal(piece(2, 0, 8, true, 0), FRAGMENT_KEPT); /* another's */
    assert_int_equal(piece(1, 8, 8, true, 0), FRAGMENT_KEPT);
    assert_int_equal(piece(1, 8, 8, true, 0), FRAGMENT_KEPT); /* again */
    assert_int_equal(piece(1, 0, 8, true, 0), FRAGMENT_WHOLE);
    assert_whole(21);
    assert_int_equal(piece(2, 8, 3, false, 0), FRAGMENT_WHOLE);
    assert_whole(11);
}

static void
what_overlaps_is_dropped_with_its_datagram(void **state UNUSED)
{
    assert_int_equal(piece(1, 0, 16, true, 0), FRAGMENT_KEPT);
    assert_int_equal(piece(1, 8, 16, true, 0), FRAGMENT_DROPPED);
    assert_int_equal(piece(1, 16, 8, false, 0), FRAGMENT_KEPT); /* the rest of nothing */
}

static void
what_cannot_be_is_dropped(void **state UNUSED)
{
    assert_int_equal(piece(1, 0, 7, true, 0), FRAGMENT_DROPPED); /* not of 8 octets */
    assert_int_equal(piece(1, 65528, 64, true, 0), FRAGMENT_DROPPED);
    assert_int_equal(piece(1, 8, 8, false, 0), FRAGMENT_KEPT);
    assert_int_equal(piece(1, 16, 8, true, 0), FRAGMENT_DROPPED); /* behind the end */
}

static void
datagrams_are_bounded_and_expire(void **state UNUSED)
{
    for (uint32_t id = 0; id <= FRAGMENTS_DATAGRAMS; id++)
        assert_int_equal(piece(id, 0, 8, true, id), FRAGMENT_KEPT);
    assert_int_equal(budget.used, 8 * FRAGMENTS_DATAGRAMS);
    assert_int_equal(piece(0, 8, 8, false, 999), FRAGMENT_KEPT); /* it made room */
    assert_int_equal(piece(5, 8, 8, false, 999), FRAGMENT_WHOLE);
    fragments_expire(fragments, FRAGMENTS_PATIENCE + 2000);
    assert_int_equal(budget.used, 0);
    budget.limit = 100;
    for (uint32_t at = 0; at < 96; at += 8)
        assert_int_equal(piece(1, at, 8, true, 0), FRAGMENT_KEPT);
    assert_int_equal(piece(1, 96, 8, true, 0), FRAGMENT_DROPPED);
    assert_int_equal(budget.used, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(TEST(pieces_come_in_any_order), TEST(what_overlaps_is_dropped_with_its_datagram),
          TEST(what_cannot_be_is_dropped), TEST(datagrams_are_bounded_and_expire))
