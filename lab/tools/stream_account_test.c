#include "lab/tools/stream_account.h"

#include "base/testing.h"

#define MS NSEC_PER_MSEC

static struct stream_account *
new_account(void)
{
    return calloc(1, sizeof(struct stream_account));
}

/* Packet `number`, sent at number * 1 ms, comes 2 ms later. */
static void
take(struct stream_account *a, uint64_t number)
{
    struct stream_header h = {.id = 5, .number = number, .sent = (nsec_t)number * MS};
    stream_account_take(a, &h, h.sent + 2 * MS);
}

static void
a_header_survives_the_wire(void **state UNUSED)
{
    struct stream_header h = {UINT64_C(0x0102030405060708), 9, 10, INT64_C(1795233360000000001)},
                         back;
    uint8_t octets[STREAM_HEADER_SIZE];
    stream_header_write(octets, &h);
    assert_memory_equal(octets, "TLST\1\2\3\4\5\6\7\10", 12);
    assert_true(stream_header_read(octets, sizeof octets, &back));
    assert_true(back.id == h.id && back.number == 9 && back.total == 10 && back.sent == h.sent);
    assert_false(stream_header_read(octets, sizeof octets - 1, &back));
    octets[0] = 'X';
    assert_false(stream_header_read(octets, sizeof octets, &back));
}

static void
a_whole_stream_has_no_loss(void **state UNUSED)
{
    struct stream_account *a = new_account();
    for (uint64_t i = 0; i < 200000; i++)
        take(a, i);
    assert_true(a->received == 200000 && a->duplicated == 0 && a->reordered == 0);
    assert_int_equal(stream_account_lost(a), 0);
    assert_int_equal(a->n_outages, 0);
    assert_int_equal(a->longest_gap, MS);
    assert_int_equal(latency_percentile(&a->latency, 99), 2 * MS);
    free(a);
}

static void
an_outage_is_told_with_its_length(void **state UNUSED)
{
    struct stream_account *a = new_account();
    for (uint64_t i = 0; i < 1000; i++) {
        if (i < 300 || i >= 350)
            take(a, i);
    }
    take(a, 1001);
    assert_int_equal(stream_account_lost(a), 51);
    assert_int_equal(a->n_outages, 2);
    assert_true(a->outages[0].first == 300 && a->outages[0].n == 50);
    assert_int_equal(a->outages[0].gap, 51 * MS);
    assert_int_equal(a->longest_gap, 51 * MS);
    assert_int_equal(a->longest_gap_at, 301 * MS);
    free(a);
}

static void
late_packets_are_reordered_not_lost(void **state UNUSED)
{
    struct stream_account *a = new_account();
    take(a, 1);
    take(a, 0);
    take(a, 5);
    take(a, 3);
    take(a, 4);
    take(a, 2);
    assert_true(a->received == 6 && a->reordered == 4);
    assert_int_equal(stream_account_lost(a), 0);
    assert_true(a->n_outages == 1 && a->outages[0].n == 0);
    free(a);
}

static void
duplicates_are_counted_once_received(void **state UNUSED)
{
    struct stream_account *a = new_account();
    take(a, 0);
    take(a, 0);
    take(a, 70000); /* the window has moved on completely */
    take(a, 70000);
    take(a, 1);
    take(a, 69999);
    take(a, 69999);
    assert_true(a->received == 3 && a->duplicated == 3 && a->stale == 1);
    free(a);
}

static void
a_known_length_shows_what_is_missing_at_both_ends(void **state UNUSED)
{
    struct stream_account *a = new_account();
    for (uint64_t i = 10; i < 90; i++)
        take(a, i);
    assert_int_equal(stream_account_lost(a), 0);
    struct stream_header end = {.id = 5, .number = 100, .total = 100};
    assert_true(stream_account_take(a, &end, 0));
    assert_int_equal(stream_account_lost(a), 20);
    assert_true(a->received == 80 && a->duplicated == 0);
    free(a);

    a = new_account(); /* nothing at all came */
    assert_true(stream_account_take(a, &end, 0));
    assert_int_equal(stream_account_lost(a), 100);
    free(a);
}

static void
the_longest_outages_are_remembered(void **state UNUSED)
{
    struct stream_account *a = new_account();
    uint64_t number = 0;
    take(a, number);
    for (int i = 0; i < STREAM_OUTAGES + 10; i++)
        take(a, number += 2);
    take(a, number += 501);
    assert_int_equal(a->n_outages, STREAM_OUTAGES);
    assert_true(a->forgotten_outages == 11 && a->forgotten_lost == 11);
    json_t *o = stream_account_json(a), *outages = json_object_get(o, "outages");
    assert_int_equal(json_integer_value(json_object_get(outages, "n")), STREAM_OUTAGES + 11);
    assert_int_equal(json_integer_value(json_object_get(outages, "lost")),
                     STREAM_OUTAGES + 10 + 500);
    json_t *first = json_array_get(json_object_get(outages, "longest"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "lost")), 500);
    json_decref(o);
    free(a);
}

TEST_MAIN(cmocka_unit_test(a_header_survives_the_wire),
          cmocka_unit_test(a_whole_stream_has_no_loss),
          cmocka_unit_test(an_outage_is_told_with_its_length),
          cmocka_unit_test(late_packets_are_reordered_not_lost),
          cmocka_unit_test(duplicates_are_counted_once_received),
          cmocka_unit_test(a_known_length_shows_what_is_missing_at_both_ends),
          cmocka_unit_test(the_longest_outages_are_remembered))
