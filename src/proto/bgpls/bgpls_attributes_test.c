#include "proto/bgpls/testing.h"

#include <math.h>
#include <stdio.h>

static struct arena *arena;

static enum err
read_hex(const char *hex, struct bgpls_attributes *a, uint8_t **octets, struct diag *diag)
{
    size_t size;
    *octets = hex_bytes(hex, &size);
    return bgpls_attributes_decode(*octets, size, arena, a, diag);
}

/* What is read, printed, and written again octet for octet. */
static void
check(const char *hex, const char *text)
{
    struct bgpls_attributes a;
    struct buf out = BUF_INIT;
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    assert_ok(bgpls_attributes_decode(octets, size, arena, &a, NULL));
    bgpls_attributes_print(&a, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_clear(&out);
    assert_ok(bgpls_attributes_encode(&a, &out));
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, octets, size);
    buf_fini(&out);
    free(octets);
}

static void
of_nodes(void **state UNUSED)
{
    check("010a 0004 010a 020c", "node MSD 1:10 2:12");
    check("0400 0001 80", "node flags 0x80");
    check("0402 0004 50452231", "name \"PE\\0421\"");
    check("0403 0002 4900 0403 0003 490001", "IS-IS area 4900 490001");
    check("0404 0004 0a000001", "local router 10.0.0.1");
    check("0405 0010 20010db8000000000000000000000001", "local IPv6 router 2001:db8::1");
    check("040a 0017 8000 001f40 0489 0003 003e80 0003e8 0489 0004 00000064",
          "SR capabilities flags 0x80 16000-23999 100-1099");
    check("040b 0002 0001", "SR algorithms 0 1");
    check("040c 000c 0000 0003e8 0489 0003 003a98", "SR local block flags 0x00 15000-15999");
}

static void
of_links(void **state UNUSED)
{
    check("0440 0004 00000005", "admin group 0x00000005");
    check("0441 0004 4e9502f9", "max bandwidth 1.25e+09");
    check("0443 0020 4cbebc20 4cbebc20 4cbebc20 4cbebc20 00000000 4cbebc20 4cbebc20 4cbebc20",
          "unreserved bandwidth 100000000 100000000 100000000 100000000 0 100000000 100000000 "
          "100000000");
    check("0444 0004 0000000a", "TE metric 10");
    check("0447 0003 00000a", "IGP metric 10");
    check("0447 0001 0a", "IGP metric 10");
    check("0448 0008 00000064 000000c8", "SRLG 100 200");
    check("044b 0007 7000 0000 005dc0 044b 0008 f000 0000 00000005",
          "adjacency SID label 24000 flags 0x70; index 5 flags 0xf0");
    check("044c 000d 3001 0000 172016000002 005dc1",
          "LAN adjacency SID label 24001 flags 0x30 weight 1 neighbor 172016000002");
    check("044c 000b 6000 0000 0a000002 005dc1",
          "LAN adjacency SID label 24001 flags 0x60 neighbor 0a000002");
    check("045a 0004 80000bb8", "delay us 3000 anomalous");
    check("045b 0008 00000bb8 00000fa0", "min/max delay us 3000-4000");
    check("045c 0004 00000064", "delay variation us 100");
    check("0495 0008 00000001 80000000", "extended admin group 00000001 80000000");
    check("010b 0002 0108", "link MSD 1:8");
}

static void
of_prefixes(void **state UNUSED)
{
    check("0480 0001 40", "IGP flags 0x40");
    check("0481 0004 00000064", "route tags 100");
    check("0483 0004 00000014", "metric 20");
    check("0484 0004 0a000001", "forwarding address 10.0.0.1");
    check("0486 0008 4000 0000 00000001", "prefix SID index 1 flags 0x40");
    check("0486 0007 0c80 0000 003e81", "prefix SID label 16001 flags 0x0c algorithm 128");
    check("0492 0001 40", "prefix flags 40");
    check("0493 0004 0a000001", "source router 10.0.0.1");
    check("0496 0004 0a000001", "source OSPF router 10.0.0.1");
}

static void
by_application(void **state UNUSED)
{
    static const char hex[] = "0444 0004 0000000a"
                              "0462 0018 0400 0000 40000000 0444 0004 00000014 045a 0004 00000064"
                              "0462 000c 0000 0000 0440 0004 00000007";
    struct bgpls_attributes a, sr, lfa;
    size_t size;
    check(hex, "TE metric 10, application 40000000[TE metric 20, delay us 100] [admin group "
               "0x00000007]");
    uint8_t *octets = hex_bytes(hex, &size);
    assert_ok(bgpls_attributes_decode(octets, size, arena, &a, NULL));
    bgpls_attributes_for(&a, BGPLS_APP_SR_POLICY, &sr);
    assert_int_equal(sr.te_metric, 20);
    assert_int_equal(sr.delay.value, 100);
    assert_int_equal(sr.admin_group, 7);
    bgpls_attributes_for(&a, BGPLS_APP_LFA, &lfa);
    assert_int_equal(lfa.te_metric, 10);
    assert_false(BGPLS_HAS(&lfa, BGPLS_DELAY));
    free(octets);
    /* One within another is a TLV like one that is not known. */
    check("0462 000c 0000 0000 0462 0004 00000000", "application [TLV 1122 00000000]");
}

static void
what_is_not_known_is_kept(void **state UNUSED)
{
    check("0fa0 0003 010203 0fa1 0000", "TLV 4000 010203, TLV 4001 ");
}

static void
check_discarded(const char *hex, const char *why)
{
    struct bgpls_attributes a;
    struct diag diag;
    uint8_t *octets;
    assert_err(read_hex(hex, &a, &octets, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, why);
    assert_int_equal(a.has, 0);
    free(octets);
}

static void
lengths_that_do_not_fit_cost_the_attribute(void **state UNUSED)
{
    check_discarded("0440 0005 00000005", "TLV 1088: it is longer than the attribute");
    check_discarded("0402 0001 41 0440 0003 000005", "TLV 1088: its length");
    check_discarded("0462 0004 03000000", "TLV 1122: the length of a mask of applications");
    check_discarded("0462 0006 04000000 4000", "TLV 1122: it ends too early");
    check_discarded("0462 000b 00000000 0440 0003 000007", "TLV 1122: its length");
    check_discarded("0447 0004 00000005", "TLV 1095: its length");
    check_discarded("0448 0006 000000050000", "TLV 1096: its length");
    check_discarded("0493 0008 0a000001 0a000001", "TLV 1171: its length");
    check_discarded("040a 000c 8000 001f40 048a 0003 003e80",
                    "TLV 1034: a range without its first label");
    check_discarded("040a 000b 8000 001f40 0489 0002 003e",
                    "TLV 1034: a segment of neither three nor four octets");
    check_discarded("040a 000c 8000 001f40 0489 0004 003e80", "TLV 1034: it ends too early");
}

static void
check_dropped(const char *value, const char *why)
{
    char hex[64];
    struct bgpls_attributes a;
    struct diag diag;
    uint8_t *octets;
    snprintf(hex, sizeof hex, "0441 0004 %s 0444 0004 0000000a", value);
    assert_ok(read_hex(hex, &a, &octets, &diag));
    assert_false(BGPLS_HAS(&a, BGPLS_MAX_BANDWIDTH));
    assert_true(BGPLS_HAS(&a, BGPLS_TE_METRIC)); /* its neighbour is not disturbed */
    assert_int_equal(a.n_dropped, 1);
    assert_int_equal(a.dropped[0].type, 1089);
    assert_string_equal(a.dropped[0].why, why);
    free(octets);
}

static void
impossible_bandwidths_are_dropped_and_named(void **state UNUSED)
{
    check_dropped("7fc00000", "a bandwidth that is no number");
    check_dropped("c9742400", "a negative bandwidth");
    check_dropped("7f800000", "an infinite bandwidth");
    check_dropped("4d2817c8", "a bandwidth that was cut to 32 bits (176258176 octets/s)");
    struct bgpls_attributes a;
    struct diag diag;
    uint8_t *octets;
    assert_ok(read_hex("0443 0020 7fc00000 4cbebc20 4cbebc20 4cbebc20 4cbebc20 4cbebc20 4cbebc20 "
                       "c9742400",
                       &a, &octets, &diag));
    assert_int_equal(a.n_dropped, 2);
    assert_true(isnan(a.unreserved_bandwidth[0]) && isnan(a.unreserved_bandwidth[7]));
    assert_true(a.unreserved_bandwidth[1] == 1e8f);
    free(octets);
}

static void
the_first_of_two_counts(void **state UNUSED)
{
    struct bgpls_attributes a;
    struct diag diag;
    uint8_t *octets;
    assert_ok(read_hex("0444 0004 0000000a 0444 0004 0000000b", &a, &octets, &diag));
    assert_int_equal(a.te_metric, 10);
    assert_int_equal(a.n_dropped, 1);
    free(octets);
}

static void
rows_rise_and_have_a_clause(void **state UNUSED)
{
    struct bgpls_tlv_info info;
    unsigned last = 0, n = 0;
    for (; bgpls_tlv_info(n, &info); n++) {
        assert_true(info.type > last && info.min <= info.max);
        assert_memory_equal(info.ref, "RFC ", 4);
        last = info.type;
    }
    assert_int_equal(n, BGPLS_TLV_MAX);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char hex[] =
        "0402 0003 504531 0403 0002 4900 0404 0004 0a000001"
        "040a 0017 8000 001f40 0489 0003 003e80 0003e8 0489 0004 00000064 0448 0008 00000064 "
        "000000c8"
        "044b 0007 7000 0000 005dc0 044c 000d 3001 0000 172016000002 005dc1"
        "045b 0008 00000bb8 00000fa0 0486 0008 4000 0000 00000001 0fa0 0003 010203";
    size_t whole, n_good = 0;
    uint8_t *octets = hex_bytes(hex, &whole);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        struct bgpls_attributes a;
        struct diag diag;
        memcpy(copy, octets, size);
        arena_reset(arena);
        n_good += !bgpls_attributes_decode(copy, size, arena, &a, &diag);
        free(copy);
    }
    assert_int_equal(n_good, 10); /* between TLVs only */
    free(octets);
}

static void
memory_is_limited(void **state UNUSED)
{
    struct arena *little = arena_new(256);
    struct bgpls_attributes a;
    struct buf many = BUF_INIT;
    for (int i = 0; i < 100; i++)
        buf_put(&many, "\4\4\0\4\1\2\3\4", 8);
    assert_err(bgpls_attributes_decode(many.data, many.size, little, &a, NULL), ERR_LIMIT);
    buf_fini(&many);
    arena_free(little);
}

static int
set_up(void **state UNUSED)
{
    arena = arena_new(1 << 20);
    return 0;
}

static int
tear_down(void **state UNUSED)
{
    arena_free(arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nodes),
        cmocka_unit_test(of_links),
        cmocka_unit_test(of_prefixes),
        cmocka_unit_test(by_application),
        cmocka_unit_test(what_is_not_known_is_kept),
        cmocka_unit_test(lengths_that_do_not_fit_cost_the_attribute),
        cmocka_unit_test(impossible_bandwidths_are_dropped_and_named),
        cmocka_unit_test(the_first_of_two_counts),
        cmocka_unit_test(rows_rise_and_have_a_clause),
        cmocka_unit_test(survives_truncation_at_every_octet),
        cmocka_unit_test(memory_is_limited),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
