#include "proto/stamp/stamp_tlv.h"

#include "base/testing.h"

static uint8_t *octets;
static size_t size;

static void
over(const char *hex)
{
    free(octets);
    octets = hex_bytes(hex, &size);
}

static struct cursor
cursor_at(const char *hex)
{
    over(hex);
    return cursor_over(octets, size);
}

static struct stamp_tlv_layout
layout_of(const char *hex)
{
    struct stamp_tlv_layout layout;
    over(hex);
    stamp_tlv_scan(octets, size, &layout);
    return layout;
}

static int
free_octets(void **state UNUSED)
{
    free(octets);
    octets = NULL;
    return 0;
}

static void
steps_from_tlv_to_tlv(void **state UNUSED)
{
    struct cursor c = cursor_at("8001 0002 aabb 0063 0000 2005 0001 cc");
    struct stamp_tlv tlv;
    assert_true(stamp_tlv_next(&c, &tlv));
    assert_true(tlv.flags == 0x80 && tlv.type == 1 && tlv.size == 2 && tlv.offset == 0);
    assert_memory_equal(tlv.value, "\xaa\xbb", 2);
    assert_true(stamp_tlv_next(&c, &tlv));
    assert_true(tlv.flags == 0 && tlv.type == 99 && tlv.size == 0 && tlv.offset == 6);
    assert_true(stamp_tlv_next(&c, &tlv));
    assert_true(tlv.flags == 0x20 && tlv.type == 5 && !tlv.truncated && tlv.offset == 10);
    assert_false(stamp_tlv_next(&c, &tlv));
    assert_ok(c.err);
}

static void
a_truncated_tlv_is_the_last(void **state UNUSED)
{
    static const char *const cases[] = {"80", "8001", "800100", "80010001", "80010005aabbccdd"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cursor c = cursor_at(cases[i]);
        struct stamp_tlv tlv;
        assert_true(stamp_tlv_next(&c, &tlv));
        assert_true(tlv.truncated && !tlv.value);
        assert_int_equal(tlv.flags, 0x80);
        assert_false(stamp_tlv_next(&c, &tlv));
    }
}

static void
lengths_are_those_of_the_rfc(void **state UNUSED)
{
    static const struct {
        unsigned type;
        size_t valid, invalid;
    } cases[] = {{2, 4, 3},   {2, 56, 0}, {3, 4, 3},   {4, 4, 5},
                 {5, 12, 11}, {6, 4, 8},  {7, 16, 12}, {8, 16, 32}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(stamp_tlv_size_is_valid(cases[i].type, cases[i].valid));
        assert_false(stamp_tlv_size_is_valid(cases[i].type, cases[i].invalid));
    }
    assert_true(stamp_tlv_size_is_valid(1, 0) && stamp_tlv_size_is_valid(1, 65535));
    assert_true(stamp_tlv_size_is_valid(0, 3) && stamp_tlv_size_is_valid(200, 1)); /* not ours */
    assert_false(stamp_tlv_is_known(0) || stamp_tlv_is_known(9) || stamp_tlv_is_known(255));
    assert_string_equal(stamp_tlv_name(7), "Follow-Up Telemetry");
    assert_string_equal(stamp_tlv_name(9), "?");
}

#define HMAC_TLV "0008 0010 00000000000000000000000000000000"

static void
the_layout_says_where_the_hmac_and_the_first_fault_are(void **state UNUSED)
{
    struct stamp_tlv_layout l = layout_of("");
    assert_true(l.n == 0 && l.malformed_offset == SIZE_MAX && l.hmac_offset == SIZE_MAX);
    l = layout_of("8001 0000");
    assert_true(l.n == 1 && l.only_padding);
    l = layout_of("8001 0000 8001 0000");
    assert_true(l.n == 2 && !l.only_padding);
    l = layout_of("8004 0004 00000000 " HMAC_TLV " 8001 0001 aa");
    assert_true(l.n == 3 && l.hmac_offset == 8 && !l.hmac_misplaced);
    l = layout_of(HMAC_TLV "8004 0004 00000000");
    assert_true(l.hmac_offset == 0 && l.hmac_misplaced);
    l = layout_of(HMAC_TLV HMAC_TLV);
    assert_true(l.hmac_offset == 0 && l.hmac_misplaced);
    l = layout_of("8001 0000 8004 0003 000000 8001 0000");
    assert_true(l.n == 2 && l.malformed_offset == 4);
    l = layout_of("8001 0000 8001 0009 00");
    assert_true(l.n == 2 && l.malformed_offset == 4);
}

static bool
integrity(const char *hex, enum stamp_mode mode, bool required, struct stamp_key *key)
{
    struct stamp_tlv_layout layout;
    over(hex);
    stamp_tlv_scan(octets + stamp_base_size(mode), size - stamp_base_size(mode), &layout);
    return stamp_tlv_integrity(octets, size, mode, required, key, &layout);
}

#define ZERO_44                                                                                    \
    "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "                     \
    "00000000 00000000 00000000"
#define ZERO_112 ZERO_44 ZERO_44 "00000000 00000000 00000000 00000000 00000000 00000000"
/* Class of Service, then the HMAC over sequence number 0 and it, with the key below. */
#define COS "8004 0004 28000000"
#define COS_HMAC "8008 0010 9cd6f2d137c592ce692bd638f80cb1cd"

static void
tlvs_are_used_only_when_their_hmac_is_right(void **state UNUSED)
{
    struct stamp_key *key;
    assert_ok(stamp_key_new((const uint8_t *)"0123456789abcdef", 16, &key));
    assert_true(integrity(ZERO_44 COS COS_HMAC, STAMP_UNAUTHENTICATED, false, key));
    assert_true(integrity(ZERO_112 COS COS_HMAC "8001000100", STAMP_AUTHENTICATED, false, key));
    assert_false(integrity(ZERO_44 COS COS_HMAC COS, STAMP_UNAUTHENTICATED, false, key));
    assert_false(integrity(ZERO_44 "8004000428010000" COS_HMAC, STAMP_UNAUTHENTICATED, false, key));
    assert_false(integrity(ZERO_44 COS COS_HMAC, STAMP_UNAUTHENTICATED, false, NULL));
    /* Without an HMAC TLV: fine unauthenticated, unless required; authenticated, only for nothing
     * or a single Extra Padding. */
    assert_true(integrity(ZERO_44 COS, STAMP_UNAUTHENTICATED, false, key));
    assert_false(integrity(ZERO_44 COS, STAMP_UNAUTHENTICATED, true, key));
    assert_false(integrity(ZERO_112 COS, STAMP_AUTHENTICATED, false, key));
    assert_true(integrity(ZERO_112, STAMP_AUTHENTICATED, false, key));
    assert_true(integrity(ZERO_112 "8001000100", STAMP_AUTHENTICATED, false, key));
    assert_false(integrity(ZERO_112 "80010001008001000100", STAMP_AUTHENTICATED, false, key));
    stamp_key_free(key);
}

static void
values_are_laid_out_as_in_the_rfc(void **state UNUSED)
{
    uint8_t value[16];
    stamp_class_of_service_write(value, (struct stamp_class_of_service){46, 10, 2, 1});
    assert_memory_equal(value, "\xb8\xa9\x00\x00", 4); /* 101110 001010 10 01 */
    struct stamp_class_of_service cos = stamp_class_of_service_read(value);
    assert_true(cos.dscp1 == 46 && cos.dscp2 == 10 && cos.ecn == 2 && cos.rp == 1);

    stamp_direct_measurement_write(value, (struct stamp_direct_measurement){1, 2, 0x01020304});
    assert_memory_equal(value, "\0\0\0\1\0\0\0\2\1\2\3\4", 12);
    assert_int_equal(stamp_direct_measurement_read(value).reflector_tx, 0x01020304);

    stamp_access_report_write(value, (struct stamp_access_report){2, 1});
    assert_memory_equal(value, "\x20\x01\x00\x00", 4);
    assert_int_equal(stamp_access_report_read(value).access_id, 2);

    stamp_follow_up_write(value, (struct stamp_follow_up){9, UINT64_C(0x0102030405060708), 2});
    assert_memory_equal(value, "\0\0\0\x9\1\2\3\4\5\6\7\x8\2\0\0\0", 16);
    assert_int_equal(stamp_follow_up_read(value).method, 2);
    assert_true(stamp_follow_up_read(value).timestamp == UINT64_C(0x0102030405060708));

    stamp_timestamp_information_write(value, (struct stamp_timestamp_information){1, 2, 2, 1});
    assert_memory_equal(value, "\1\2\2\1", 4);
    assert_int_equal(stamp_timestamp_information_read(value).sync_out, 2);
}

static void
a_location_request_is_answered_in_place(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    stamp_location_put_request(&b);
    /* RFC 8972 figures 6 to 13: zeroed fields, three questions. */
    over("8002 0038 0000 0000 8001 0008 0000000000000000"
         "8004 0010 00000000000000000000000000000000 8007 0010 00000000000000000000000000000000");
    assert_int_equal(b.size, size);
    assert_memory_equal(b.data, octets, size);

    struct stamp_location told = {.destination_port = 862, .source_port = 50000}, back;
    memcpy(told.destination, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    memcpy(told.source, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    memcpy(told.source_mac, "\2\0\0\0\0\1", 6);
    told.has_source_mac = true;
    assert_true(stamp_location_answer(b.data + 4, b.size - 4, &told));
    over("8002 0038 035e c350 0002 0008 020000000001 0000"
         "0006 0010 20010db8000000000000000000000001 0008 0010 c0000201 000000000000000000000000");
    assert_memory_equal(b.data, octets, size);
    stamp_location_read(b.data + 4, b.size - 4, &back);
    assert_memory_equal(back.destination, told.destination, 16);
    assert_memory_equal(back.source, told.source, 16);
    assert_true(back.has_source_mac && back.source_port == 50000 && back.destination_port == 862);
    buf_fini(&b);

    b = BUF_INIT; /* and without a MAC address: an EUI-64 of zeroes */
    stamp_location_put_request(&b);
    told.has_source_mac = false;
    assert_true(stamp_location_answer(b.data + 4, b.size - 4, &told));
    assert_memory_equal(b.data + 8, "\0\3\0\x8\0\0\0\0\0\0\0\0", 12);
    stamp_location_read(b.data + 4, b.size - 4, &back);
    assert_false(back.has_source_mac);
    buf_fini(&b);
}

static void
odd_location_sub_tlvs_are_marked(void **state UNUSED)
{
    const struct stamp_location nothing = {0};
    over("0000 0000 8063 0001 aa 8001 0006 000000000000");
    assert_false(stamp_location_answer(octets, size, &nothing));
    assert_int_equal(octets[4], STAMP_TLV_UNRECOGNIZED);
    assert_int_equal(octets[9], STAMP_TLV_MALFORMED);
    over("0000 0000 8004 0010 00");
    assert_false(stamp_location_answer(octets, size, &nothing));
    assert_int_equal(octets[4], STAMP_TLV_MALFORMED);
    struct stamp_location back;
    stamp_location_read(octets, size, &back); /* and nothing is read behind that */
    assert_int_equal(back.destination[0], 0);
}

#define CASE(name) cmocka_unit_test_teardown(name, free_octets)

TEST_MAIN(CASE(steps_from_tlv_to_tlv), CASE(a_truncated_tlv_is_the_last),
          CASE(lengths_are_those_of_the_rfc),
          CASE(the_layout_says_where_the_hmac_and_the_first_fault_are),
          CASE(tlvs_are_used_only_when_their_hmac_is_right),
          CASE(values_are_laid_out_as_in_the_rfc), CASE(a_location_request_is_answered_in_place),
          CASE(odd_location_sub_tlvs_are_marked))
