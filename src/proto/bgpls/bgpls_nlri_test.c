#include "proto/bgpls/testing.h"

/* RFC 9552 figures 7 to 9, octet by octet. */
#define LOCAL                                                                                      \
    "0100 0020 0200 0004 0000fde8 0201 0004 00000000 0202 0004 00000000 0203 0004 0a000001"
#define REMOTE                                                                                     \
    "0101 0020 0200 0004 0000fde8 0201 0004 00000000 0202 0004 00000000 0203 0004 0a000002"
static const char node_hex[] = "0001 002d 03 0000000000000000" LOCAL;
static const char link_hex[] = "0002 0061 03 0000000000000000" LOCAL REMOTE
                               "0103 0004 0b000001 0104 0004 0b000002";
static const char prefix_hex[] = "0003 003a 03 0000000000000000" LOCAL
                                 "0108 0001 01 0109 0004 18c0a801";
static const char isis_lan_hex[] = "0002 0048 02 0000000000000007"
                                   "0100 0012 0200 0004 0000fde8 0203 0006 172016000001"
                                   "0101 0013 0200 0004 0000fde8 0203 0007 17201600000205"
                                   "0102 0008 00000004 00000000 0107 0002 0002";
static const char unknown_tlv_hex[] = "0001 0033 03 0000000000000000" LOCAL "0fa0 0002 abcd";

static enum err
read_hex(const char *hex, struct bgpls_nlri *nlri, uint8_t **octets, const char **what)
{
    size_t size;
    *octets = hex_bytes(hex, &size);
    const uint8_t *data = *octets;
    return bgpls_nlri_next(&data, &size, nlri, what);
}

static void
check_text(const char *hex, const char *text)
{
    struct bgpls_nlri nlri;
    struct buf out = BUF_INIT, again = BUF_INIT;
    const char *what;
    uint8_t *octets;
    assert_ok(read_hex(hex, &nlri, &octets, &what));
    bgpls_nlri_print(&nlri, &out);
    assert_string_equal(buf_cstr(&out), text);
    assert_ok(bgpls_nlri_encode(&nlri, &again));
    assert_int_equal(again.size, nlri.size);
    assert_memory_equal(again.data, octets, again.size);
    buf_fini(&out);
    buf_fini(&again);
    free(octets);
}

static void
reads_prints_and_writes_every_type(void **state UNUSED)
{
    check_text(node_hex, "node OSPFv2 0 [as 65000 bgp-ls-id 0 area 0.0.0.0 10.0.0.1]");
    check_text(link_hex, "link OSPFv2 0 [as 65000 bgp-ls-id 0 area 0.0.0.0 10.0.0.1] [as 65000 "
                         "bgp-ls-id 0 area 0.0.0.0 10.0.0.2] 11.0.0.1 > 11.0.0.2");
    check_text(prefix_hex, "prefix4 OSPFv2 0 [as 65000 bgp-ls-id 0 area 0.0.0.0 10.0.0.1] "
                           "192.168.1.0/24 route-type 1");
    check_text(isis_lan_hex, "link IS-IS L2 7 [as 65000 1720.1600.0001] [as 65000 "
                             "1720.1600.0002.05] ids 4 > 0 mt 2");
    check_text("0004 0023 01 0000000000000000 0100 000a 0203 0006 172016000001"
               "0109 0008 38 20010db8000100",
               "prefix6 IS-IS L1 0 [1720.1600.0001] 2001:db8:1::/56");
}

static void
router_ids_have_their_forms(void **state UNUSED)
{
    struct bgpls_node node = {.router_id_size = 8, .router_id = {10, 0, 0, 1, 10, 1, 0, 1}};
    struct buf out = BUF_INIT;
    assert_int_equal(bgpls_router_form(BGPLS_OSPFV2, &node), BGPLS_ROUTER_OSPF_PSEUDONODE);
    bgpls_router_id_print(BGPLS_OSPFV2, &node, &out);
    assert_string_equal(buf_cstr(&out), "10.0.0.1:10.1.0.1");
    buf_fini(&out);
    node.router_id_size = 7;
    assert_int_equal(bgpls_router_form(BGPLS_ISIS_L1, &node), BGPLS_ROUTER_ISIS);
    node.router_id[6] = 1;
    assert_int_equal(bgpls_router_form(BGPLS_ISIS_L1, &node), BGPLS_ROUTER_ISIS_PSEUDONODE);
    assert_int_equal(bgpls_router_form(BGPLS_DIRECT, &node), BGPLS_ROUTER_OTHER);
}

static void
what_is_not_known_stays_part_of_the_name(void **state UNUSED)
{
    check_text(unknown_tlv_hex, "node OSPFv2 0 [as 65000 bgp-ls-id 0 area 0.0.0.0 10.0.0.1] and 1 "
                                "TLVs that are not known");
    check_text("0063 0003 010203", "NLRI type 99 00630003010203");
}

static void
check_discarded(const char *hex, const char *why)
{
    struct bgpls_nlri nlri;
    const char *what;
    uint8_t *octets;
    assert_err(read_hex(hex, &nlri, &octets, &what), ERR_MALFORMED);
    assert_string_equal(what, why);
    assert_ptr_equal(nlri.octets, octets);
    free(octets);
}

static void
a_malformed_one_is_discarded_by_its_reason(void **state UNUSED)
{
    check_discarded("0001 0004 03 000000", "it ends before its descriptors");
    check_discarded("0001 0009 03 0000000000000000", "no local node descriptors");
    check_discarded("0001 000f 03 0000000000000000 0100 0009 0102",
                    "a TLV is longer than what it is in");
    check_discarded("0001 001d 03 0000000000000000 0100 0010 0203 0004 0a000001 0200 0004 00000001",
                    "its TLVs are not in order"); /* of the sub-TLVs */
    check_discarded("0001 001d 03 0000000000000000 0100 0010 0203 0004 0a000001 0203 0004 0a000001",
                    "a node descriptor is there twice");
    check_discarded("0001 0014 03 0000000000000000 0100 0007 0200 0003 000001",
                    "the length of a node descriptor");
    check_discarded("0001 0015 03 0000000000000000 0100 0008 0200 0004 00000001",
                    "node descriptors without a router's ID");
    check_discarded("0002 0015 03 0000000000000000 0100 0008 0203 0004 00000001",
                    "no remote node descriptors");
    check_discarded("0003 001d 03 0000000000000000 0100 0008 0203 0004 00000001 0109 0004 210a0000",
                    "the length of a prefix");
    check_discarded("0003 001d 03 0000000000000000 0100 0008 0203 0004 00000001 0109 0004 080a0000",
                    "the length of a prefix");
    check_discarded(
        "0001 001d 03 0000000000000000 0101 0000 0100 0008 0203 0004 00000001 0000 0000",
        "its TLVs are not in order");
}

static void
one_discarded_leaves_its_neighbours_alone(void **state UNUSED)
{
    struct buf good = test_encode(test_node_nlri(1)), all = BUF_INIT;
    struct bgpls_nlri nlri;
    const char *what;
    buf_put(&all, good.data, good.size);
    buf_put(&all, "\0\1\0\1\3", 5);
    buf_put(&all, good.data, good.size);
    const uint8_t *data = all.data;
    size_t size = all.size;
    assert_ok(bgpls_nlri_next(&data, &size, &nlri, &what));
    assert_err(bgpls_nlri_next(&data, &size, &nlri, &what), ERR_MALFORMED);
    assert_ok(bgpls_nlri_next(&data, &size, &nlri, &what));
    assert_err(bgpls_nlri_next(&data, &size, &nlri, &what), ERR_NOT_FOUND);
    buf_fini(&good);
    buf_fini(&all);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char *const all[] = {node_hex, link_hex, prefix_hex, isis_lan_hex,
                                      unknown_tlv_hex};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        size_t whole;
        uint8_t *octets = hex_bytes(all[i], &whole);
        for (size_t size = 1; size < whole; size++) {
            uint8_t *copy = malloc(size);
            struct bgpls_nlri nlri;
            const char *what;
            memcpy(copy, octets, size);
            const uint8_t *data = copy;
            size_t left = size;
            assert_err(bgpls_nlri_next(&data, &left, &nlri, &what), ERR_TRUNCATED);
            if (size >= 4) { /* and with a length that fits: never more than discarded */
                put_be16(copy + 2, (uint16_t)(size - 4));
                enum err err = bgpls_nlri_next(&data, &left, &nlri, &what);
                assert_true(err == ERR_OK || err == ERR_MALFORMED);
            }
            free(copy);
        }
        free(octets);
    }
}

static void
what_has_no_form_is_not_written(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct bgpls_nlri nlri = test_prefix_nlri(1);
    nlri.prefix_length = 33;
    assert_err(bgpls_nlri_encode(&nlri, &out), ERR_INVALID);
    nlri.prefix_length = 24;
    nlri.n_extra = BGPLS_EXTRA_MAX + 1;
    assert_err(bgpls_nlri_encode(&nlri, &out), ERR_LIMIT);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

TEST_MAIN(cmocka_unit_test(reads_prints_and_writes_every_type),
          cmocka_unit_test(router_ids_have_their_forms),
          cmocka_unit_test(what_is_not_known_stays_part_of_the_name),
          cmocka_unit_test(a_malformed_one_is_discarded_by_its_reason),
          cmocka_unit_test(one_discarded_leaves_its_neighbours_alone),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(what_has_no_form_is_not_written))
