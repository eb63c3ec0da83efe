#include "proto/ospf/ospf_lsa.h"

#include "base/testing.h"

/* LSAs that FRR 8.4.4 originated. */
#define ROUTER                                                                                     \
    "000802010a0000020a0000028000000760cb0060000000060a0000010a0102020100000a0a010200ffffff00"     \
    "0300000a0a0000030a0203020100000c0a020300ffffff000300000c0a090900ffffff00030000140a000002"     \
    "ffffffff03000000"
#define NETWORK "000202020a0909040a000004800000026c930024ffffff000a0000020a0000030a000004"
#define TE_LINK                                                                                    \
    "0000420a010000020a00000180000001093f00a0000100040a00000100020080000100010100000000020004"     \
    "0a000002000300040a010201000400040a010202000500040000001e000600044d2817c8000700044cbebc20"     \
    "000800204cbebc204d2817c84d2817c84d2817c84d2817c84d2817c84d2817c84c3ebc200009000400000005"     \
    "001b0004000003f2001c00080000038e00000456001d00040000001e"
#define INFORMATION                                                                                \
    "0000420a040000000a000001800000011301004c00010004100000000008000100ffffff0009000c0007d000"     \
    "00010003003e8000000e000c0003e80000010003003a9800000c000400080000"
#define PREFIX                                                                                     \
    "0000420a070000010a00000180000001ed78002c00010014012000400a000001000200080000000000000001"
#define LINK                                                                                       \
    "0000420a080000010a00000180000001936c00440001002c010000000a0000020a01020100020007e0000000"     \
    "003a9a000002000760000000003a9b00800000040a010202"
static struct ospf_lsa
decode(const char *hex, struct arena **arena)
{
    size_t size;
    uint8_t *octets = hex_bytes(hex, &size);
    struct cursor in = cursor_over(octets, size);
    struct ospf_lsa lsa;
    struct diag diag = {0};
    *arena = arena_new(65536);
    if (ospf_lsa_decode(&in, *arena, &lsa)) {
        cursor_explain(&in, &diag);
        fail_msg("%s", diag.text);
    }
    free(octets);
    return lsa;
}

static void
reads_router_and_network(void **state)
{
    struct arena *arena;
    struct ospf_lsa lsa = decode(ROUTER, &arena);
    (void)state;
    assert_int_equal(lsa.body, OSPF_ROUTER);
    assert_int_equal(lsa.router, 0x0a000002);
    assert_int_equal(lsa.sequence, 0x80000007);
    assert_int_equal(lsa.router_links.n_links, 6);
    const struct ospf_router_link *link = &lsa.router_links.links[2];
    assert_int_equal(link->type, OSPF_POINT_TO_POINT);
    assert_int_equal(link->id, 0x0a000003);
    assert_int_equal(link->data, 0x0a020302);
    assert_int_equal(link->metric, 12);
    arena_free(arena);
    lsa = decode(NETWORK, &arena);
    assert_int_equal(lsa.body, OSPF_NETWORK);
    assert_int_equal(lsa.id, 0x0a090904);
    assert_int_equal(lsa.network.n_routers, 3);
    assert_int_equal(lsa.network.routers[2], 0x0a000004);
    arena_free(arena);
}

static void
reads_a_te_link(void **state)
{
    struct arena *arena;
    struct ospf_lsa lsa = decode(TE_LINK, &arena);
    const struct ospf_te_link *link = &lsa.te.link;
    (void)state;
    assert_int_equal(lsa.body, OSPF_TE);
    assert_int_equal(lsa.te.router, 0x0a000001);
    assert_int_equal(link->type, OSPF_POINT_TO_POINT);
    assert_int_equal(link->id, 0x0a000002);
    assert_int_equal(link->local_address, 0x0a010201);
    assert_int_equal(link->remote_address, 0x0a010202);
    assert_int_equal(link->metric, 30);
    assert_true(link->max_bandwidth == 176258176.0F);
    assert_true(link->max_reservable == 1e8F);
    assert_true(link->unreserved[7] == 5e7F);
    assert_int_equal(link->groups, 5);
    assert_int_equal(link->delay_us, 1010);
    assert_int_equal(link->min_delay_us, 910);
    assert_int_equal(link->max_delay_us, 1110);
    assert_int_equal(link->delay_variation_us, 30);
    arena_free(arena);
}

static void
reads_segments(void **state)
{
    struct arena *arena;
    struct ospf_lsa lsa = decode(INFORMATION, &arena);
    (void)state;
    assert_int_equal(lsa.body, OSPF_ROUTER_INFORMATION);
    assert_int_equal(lsa.information.srgb_base, 16000);
    assert_int_equal(lsa.information.srgb_size, 2000);
    assert_int_equal(lsa.information.srlb_base, 15000);
    assert_int_equal(lsa.information.srlb_size, 1000);
    assert_int_equal(lsa.information.max_sid_depth, 8);
    arena_free(arena);
    lsa = decode(PREFIX, &arena);
    assert_int_equal(lsa.body, OSPF_EXTENDED_PREFIX);
    assert_int_equal(lsa.prefixes.n, 1);
    assert_int_equal(lsa.prefixes.prefixes[0].prefix, 0x0a000001);
    assert_int_equal(lsa.prefixes.prefixes[0].length, 32);
    assert_int_equal(lsa.prefixes.prefixes[0].sid, 1);
    assert_true(lsa.prefixes.prefixes[0].flags & OSPF_PREFIX_NODE);
    arena_free(arena);
    lsa = decode(LINK, &arena);
    assert_int_equal(lsa.body, OSPF_EXTENDED_LINK);
    assert_int_equal(lsa.link.data, 0x0a010201);
    assert_int_equal(lsa.link.label, 15003); /* not the one that may be protected */
    arena_free(arena);
}

static void
survives_truncation_at_every_octet(void **state)
{
    static const char *const all[] = {ROUTER, NETWORK, TE_LINK, INFORMATION, PREFIX, LINK};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        size_t size;
        uint8_t *octets = hex_bytes(all[i], &size);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, octets, cut);
            if (cut >= 20) /* a length that is true, so that what is inside is reached */
                put_be16(copy + 18, (uint16_t)cut);
            struct cursor in = cursor_over(copy, cut);
            struct arena *arena = arena_new(65536);
            struct ospf_lsa lsa;
            enum err err = ospf_lsa_decode(&in, arena, &lsa);
            if (cut < 20)
                assert_err(err, ERR_TRUNCATED);
            arena_free(arena);
            free(copy);
        }
        free(octets);
    }
}

static void
says_which_field_is_wrong(void **state)
{
    size_t size;
    uint8_t *octets = hex_bytes(PREFIX, &size);
    struct cursor in = cursor_over(octets, size);
    struct arena *arena = arena_new(65536);
    struct ospf_lsa lsa;
    (void)state;
    octets[25] = 33;
    assert_err(ospf_lsa_decode(&in, arena, &lsa), ERR_MALFORMED);
    assert_string_equal(in.field, "prefix length");
    octets[25] = 32;
    octets[19]++;
    in = cursor_over(octets, size);
    assert_err(ospf_lsa_decode(&in, arena, &lsa), ERR_TRUNCATED);
    assert_string_equal(in.field, "length");
    arena_free(arena);
    free(octets);
}

static void
reads_groups_and_numbers(void **state)
{
    static const uint8_t octets[] = {
        0, 1,  0, 10, 1, 0,  0, 9,  10,   0, 0, 9,  0x80, 0, 0, 1, 0, 0, 0, 76, /* header */
        0, 2,  0, 52, 0, 16, 0, 8,  0,    0, 0, 7,  0,    0, 0, 3,              /* link, groups */
        0, 26, 0, 8,  0, 0,  0, 1,  0x80, 0, 0, 0,                   /* extended groups */
        0, 11, 0, 8,  0, 0,  0, 17, 0,    0, 0, 18,                  /* numbers */
        0, 1,  0, 1,  1, 0,  0, 0,  0,    2, 0, 4,  10,   0, 0, 10}; /* type, id */
    struct cursor in = cursor_over(octets, sizeof octets);
    struct arena *arena = arena_new(65536);
    struct ospf_lsa lsa;
    (void)state;
    assert_ok(ospf_lsa_decode(&in, arena, &lsa));
    assert_int_equal(lsa.te.link.n_srlgs, 2);
    assert_int_equal(lsa.te.link.srlgs[0], 7);
    assert_int_equal(lsa.te.link.extended_groups[1], 0x80000000);
    assert_int_equal(lsa.te.link.local_number, 17);
    assert_int_equal(lsa.te.link.remote_number, 18);
    arena_free(arena);
}

TEST_MAIN(cmocka_unit_test(reads_router_and_network), cmocka_unit_test(reads_a_te_link),
          cmocka_unit_test(reads_segments), cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(says_which_field_is_wrong), cmocka_unit_test(reads_groups_and_numbers))
