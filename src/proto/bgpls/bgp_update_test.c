#include "proto/bgpls/bgp_update.h"

#include "proto/bgpls/testing.h"

#define REACH "80 0e 0e 4004 47 04 0a000001 00 0063 0001 aa"
#define UNREACH "80 0f 08 4004 47 0063 0001 aa"
#define ORIGIN "40 01 01 00"
#define PATH "40 02 00"
#define PREF "40 05 04 00000064"
#define LS "80 1d 05 0402 0001 41"
#define MANDATORY REACH ORIGIN PATH PREF

static const struct bgp_update_context internal = {.four_octet_as = true};
static const struct bgp_update_context external = {.external = true, .four_octet_as = true};

/* An UPDATE of these attributes. */
static struct buf
message(const char *attributes)
{
    struct buf out = BUF_INIT;
    size_t size;
    uint8_t *octets = hex_bytes(attributes, &size);
    buf_be16(&out, 0);
    buf_be16(&out, (uint16_t)size);
    buf_put(&out, octets, size);
    free(octets);
    return out;
}

static struct bgp_update
read_hex(const char *attributes, const struct bgp_update_context *context)
{
    struct buf octets = message(attributes);
    struct bgp_update update;
    uint8_t *exact = malloc(octets.size);
    memcpy(exact, octets.data, octets.size);
    bgp_update_decode(exact, octets.size, context, &update);
    free(exact); /* only members that point nowhere are looked at */
    buf_fini(&octets);
    return update;
}

static void
expect(const char *attributes, const struct bgp_update_context *context, enum bgp_verdict verdict,
       const char *first)
{
    struct bgp_update update = read_hex(attributes, context);
    struct buf text = BUF_INIT;
    if (update.n_faults)
        bgp_fault_print(&update.faults[0], &text);
    assert_string_equal(buf_cstr(&text), first);
    assert_string_equal(bgp_verdict_name(update.verdict), bgp_verdict_name(verdict));
    if (verdict == BGP_RESET)
        assert_int_equal(update.error.code, BGP_ERR_UPDATE);
    buf_fini(&text);
}

static void
takes_out_what_is_of_link_state(void **state UNUSED)
{
    struct bgp_update update = read_hex(MANDATORY LS UNREACH, &internal);
    assert_int_equal(update.verdict, BGP_ACCEPT);
    assert_true(update.has_reach && update.has_unreach && update.has_link_state);
    assert_int_equal(update.reach.size, 5);
    assert_int_equal(update.unreach.size, 5);
    assert_int_equal(update.link_state.size, 5);
    assert_int_equal(update.next_hop.size, 4);
    assert_int_equal(update.local_pref, 100);
    assert_false(update.end_of_rib);
    update = read_hex("80 0e 0a 0001 01 04 0a000001 00 08" ORIGIN PATH PREF, &internal);
    assert_int_equal(update.n_other_family, 1);
    assert_false(update.has_reach);
}

static void
end_of_rib_is_nothing_withdrawn(void **state UNUSED)
{
    assert_true(read_hex("80 0f 03 4004 47", &internal).end_of_rib);
    assert_false(read_hex("80 0f 03 0001 01", &internal).end_of_rib); /* of another family */
    assert_false(read_hex("", &internal).end_of_rib);                 /* of IPv4 */
    assert_false(read_hex("80 0f 03 4004 47" ORIGIN, &internal).end_of_rib);
}

static void
faults_by_attribute(void **state UNUSED)
{
    static const struct {
        const char *attributes;
        enum bgp_verdict verdict;
        const char *fault;
    } cases[] = {
        {REACH PATH PREF "40 01 01 03", BGP_TREAT_AS_WITHDRAW,
         "ORIGIN (1): its value is none of IGP, EGP, INCOMPLETE: treat as withdraw (RFC 7606 7.1)"},
        {REACH PATH PREF "40 01 02 0000", BGP_TREAT_AS_WITHDRAW,
         "ORIGIN (1): its length: treat as withdraw (RFC 7606 7.1)"},
        {REACH PATH PREF "c0 01 01 00", BGP_TREAT_AS_WITHDRAW,
         "ORIGIN (1): its flags: treat as withdraw (RFC 7606 3 c)"},
        {REACH ORIGIN PREF "40 02 02 0200", BGP_TREAT_AS_WITHDRAW,
         "AS_PATH (2): a segment is of no type, empty or too long: treat as withdraw (RFC 7606 "
         "7.2)"},
        {REACH ORIGIN PREF "40 02 04 0201 0001", BGP_TREAT_AS_WITHDRAW,
         "AS_PATH (2): a segment is of no type, empty or too long: treat as withdraw (RFC 7606 "
         "7.2)"},
        {MANDATORY "80 04 03 000001", BGP_TREAT_AS_WITHDRAW,
         "MULTI_EXIT_DISC (4): its length: treat as withdraw (RFC 7606 7.4)"},
        {REACH ORIGIN PATH "40 05 03 000064", BGP_TREAT_AS_WITHDRAW,
         "LOCAL_PREF (5): its length: treat as withdraw (RFC 7606 7.5)"},
        {MANDATORY "40 06 01 00", BGP_DISCARD_ATTRIBUTE,
         "ATOMIC_AGGREGATE (6): its length: attribute discard (RFC 7606 7.6)"},
        {MANDATORY "80 06 00", BGP_TREAT_AS_WITHDRAW,
         "ATOMIC_AGGREGATE (6): its flags: treat as withdraw (RFC 7606 3 c)"},
        {MANDATORY "c0 07 06 000100000001", BGP_DISCARD_ATTRIBUTE,
         "AGGREGATOR (7): its length: attribute discard (RFC 7606 7.7)"},
        {MANDATORY "c0 08 03 000001", BGP_TREAT_AS_WITHDRAW,
         "COMMUNITY (8): its length: treat as withdraw (RFC 7606 7.8)"},
        {MANDATORY "80 09 03 000001", BGP_TREAT_AS_WITHDRAW,
         "ORIGINATOR_ID (9): its length: treat as withdraw (RFC 7606 7.9)"},
        {MANDATORY "80 0a 00", BGP_TREAT_AS_WITHDRAW,
         "CLUSTER_LIST (10): its length: treat as withdraw (RFC 7606 7.10)"},
        {"80 0e 06 4004 47 03 0a00" ORIGIN, BGP_RESET,
         "MP_REACH_NLRI (14): it ends within its next hop: session reset (RFC 7606 7.11)"},
        {"80 0e 08 4004 47 03 0a0000 00" ORIGIN, BGP_RESET,
         "MP_REACH_NLRI (14): the length of its next hop: session reset (RFC 7606 7.11)"},
        {"80 0f 02 4004" ORIGIN, BGP_RESET,
         "MP_UNREACH_NLRI (15): its length: session reset (RFC 7606 7.12)"},
        {MANDATORY "c0 10 07 00000000000000", BGP_TREAT_AS_WITHDRAW,
         "EXTENDED COMMUNITIES (16): its length: treat as withdraw (RFC 7606 7.14)"},
        {MANDATORY "c0 20 04 00000000", BGP_TREAT_AS_WITHDRAW,
         "LARGE_COMMUNITY (32): its length: treat as withdraw (RFC 8092 5)"},
        {MANDATORY "c0 1d 05 0402 0001 41", BGP_DISCARD_ATTRIBUTE,
         "BGP-LS Attribute (29): its flags: attribute discard (RFC 7606 3 c)"},
        {MANDATORY ORIGIN, BGP_DISCARD_ATTRIBUTE,
         "ORIGIN (1): it is there twice: attribute discard (RFC 7606 3 g)"},
        {MANDATORY REACH, BGP_RESET,
         "MP_REACH_NLRI (14): it is there twice: session reset (RFC 7606 3 g)"},
        {MANDATORY "40 63 01 00", BGP_RESET,
         "? (99): it is well-known, but not to us: session reset (RFC 4271 6.3)"},
        {MANDATORY "80 63 01 00", BGP_ACCEPT, ""},
        {REACH PATH PREF, BGP_TREAT_AS_WITHDRAW,
         "ORIGIN (1): it is missing: treat as withdraw (RFC 7606 3 d)"},
        {REACH ORIGIN PATH, BGP_TREAT_AS_WITHDRAW,
         "LOCAL_PREF (5): it is missing: treat as withdraw (RFC 7606 3 d)"},
        {MANDATORY "80 04 05 0000", BGP_TREAT_AS_WITHDRAW,
         "the last attribute is longer than the attributes: treat as withdraw (RFC 7606 4)"},
        {MANDATORY "80", BGP_TREAT_AS_WITHDRAW,
         "the last attribute is longer than the attributes: treat as withdraw (RFC 7606 4)"},
        {ORIGIN "80 0e 50 4004", BGP_RESET,
         "MP_REACH_NLRI (14): it is longer than the attributes: session reset (RFC 7606 3 j)"},
        {UNREACH "40 01 01 03", BGP_RESET,
         "ORIGIN (1): its value is none of IGP, EGP, INCOMPLETE: treat as withdraw (RFC 7606 7.1)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect(cases[i].attributes, &internal, cases[i].verdict, cases[i].fault);
}

static void
an_attribute_that_is_not_known_is_sent_back(void **state UNUSED)
{
    struct bgp_update update = read_hex(MANDATORY "50 63 0002 abcd", &internal);
    assert_int_equal(update.error.subcode, BGP_UPDATE_UNRECOGNIZED);
    assert_int_equal(update.error.size, 6);
    assert_memory_equal(update.error.data, "\x50\x63\0\2\xab\xcd", 6);
}

static void
what_must_not_come_from_another_as_is_discarded(void **state UNUSED)
{
    expect(REACH ORIGIN PATH, &external, BGP_ACCEPT, "");
    expect(MANDATORY, &external, BGP_DISCARD_ATTRIBUTE,
           "LOCAL_PREF (5): it comes from another AS: attribute discard (RFC 7606 7.5)");
    expect(REACH ORIGIN PATH "80 09 04 00000001", &external, BGP_DISCARD_ATTRIBUTE,
           "ORIGINATOR_ID (9): it comes from another AS: attribute discard (RFC 7606 7.9)");
}

static void
parts_longer_than_the_message_end_the_session(void **state UNUSED)
{
    static const char *const bodies[] = {"0005 0000", "0000 0005 00", "0001 21 0000",
                                         "0000 0000 18 0a"};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        size_t size;
        uint8_t *octets = hex_bytes(bodies[i], &size);
        struct bgp_update update;
        bgp_update_decode(octets, size, &internal, &update);
        assert_int_equal(update.verdict, BGP_RESET);
        free(octets);
    }
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    struct buf octets = message(MANDATORY LS UNREACH "c0 08 04 00000001");
    for (size_t size = 0; size < octets.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        struct bgp_update update;
        memcpy(copy, octets.data, size);
        bgp_update_decode(copy, size, &internal, &update);
        assert_int_equal(update.verdict, BGP_RESET);
        if (size >= 4) {
            put_be16(copy + 2, (uint16_t)(size - 4));
            bgp_update_decode(copy, size, &internal, &update);
            assert_true(update.verdict <= BGP_RESET);
        }
        free(copy);
    }
    buf_fini(&octets);
}

static void
what_is_written_is_read(void **state UNUSED)
{
    struct buf nlri = test_encode(test_link_nlri(1, 2)), name = test_name("link"), out = BUF_INIT;
    struct bgp_announcement a = {.nlri = {nlri.data, nlri.size},
                                 .link_state = {name.data, name.size},
                                 .next_hop = {10, 0, 0, 1},
                                 .next_hop_size = 4,
                                 .local_as = 4200000000,
                                 .external = true,
                                 .four_octet_as = true};
    struct bgp_update update;
    for (int as4 = 0; as4 < 2; as4++) {
        struct bgp_update_context context = {.external = true, .four_octet_as = as4};
        a.four_octet_as = as4;
        buf_clear(&out);
        assert_ok(bgp_announce_encode(&a, BGP_SIZE_MAX, &out));
        bgp_update_decode(out.data + BGP_HEADER_SIZE, out.size - BGP_HEADER_SIZE, &context,
                          &update);
        assert_int_equal(update.verdict, BGP_ACCEPT);
        assert_memory_equal(update.reach.data, nlri.data, nlri.size);
        assert_memory_equal(update.link_state.data, name.data, name.size);
        assert_true(bgp_as_path_has(&update.as_path, as4, as4 ? 4200000000 : BGP_AS_TRANS));
        assert_false(bgp_as_path_has(&update.as_path, as4, 1));
    }
    size_t before = out.size;
    assert_err(bgp_announce_encode(&a, 100, &out), ERR_LIMIT);
    assert_int_equal(out.size, before);
    buf_clear(&out);
    assert_ok(bgp_withdraw_encode(&(struct bgp_span){NULL, 0}, BGP_SIZE_MAX, &out));
    bgp_update_decode(out.data + BGP_HEADER_SIZE, out.size - BGP_HEADER_SIZE, &internal, &update);
    assert_true(update.end_of_rib);
    buf_fini(&nlri);
    buf_fini(&name);
    buf_fini(&out);
}

/* A link as gobgpd 3.10 reflects it: body of the UPDATE. */
static const char reflected[] =
    "0000 0102 400101 00 400200 400504 00000064 800904 0a00000b 800a04 0a000064"
    "800e6e 4004 47 04 0a00000b 00"
    "0002 0061 03 0000000000000000"
    "0100 0020 0200 0004 0000fde8 0201 0004 00000000 0202 0004 00000000 0203 0004 0a000001"
    "0101 0020 0200 0004 0000fde8 0201 0004 00000000 0202 0004 00000000 0203 0004 0a000002"
    "0103 0004 0b000001 0104 0004 0b000002"
    "901d 0071 0404 0004 0a000001 0406 0004 0a000002 0440 0004 00000005 0441 0004 4e9502f9"
    "0442 0004 4e6e6b28 0443 0020 4e6e6b28 4e5693a4 4e3ebc20 4e26e49c 4e0f0d18 4dee6b28 4dbebc20"
    "4d8f0d18 0444 0004 0000000b 0447 0002 0014 0448 0008 00000065 000000ca"
    "044b 0007 60 00 0000 005dc2";

static void
understands_what_a_reflector_sends(void **state UNUSED)
{
    size_t size;
    uint8_t *octets = hex_bytes(reflected, &size);
    struct arena *arena = arena_new(65536);
    struct bgp_update update;
    struct bgpls_nlri nlri;
    struct bgpls_attributes a;
    struct buf text = BUF_INIT;
    const char *what;
    bgp_update_decode(octets, size, &internal, &update);
    assert_int_equal(update.verdict, BGP_ACCEPT);
    assert_int_equal(update.n_faults, 0);
    assert_int_equal(update.originator, 0x0a00000b);
    assert_true(bgp_cluster_list_has(&update.cluster_list, 0x0a000064));
    assert_memory_equal(update.next_hop.data, "\12\0\0\13", 4);
    assert_ok(bgpls_nlri_next(&update.reach.data, &update.reach.size, &nlri, &what));
    bgpls_nlri_print(&nlri, &text);
    assert_string_equal(buf_cstr(&text),
                        "link OSPFv2 0 [as 65000 bgp-ls-id 0 area 0.0.0.0 10.0.0.1] [as 65000 "
                        "bgp-ls-id 0 area 0.0.0.0 10.0.0.2] 11.0.0.1 > 11.0.0.2");
    assert_ok(
        bgpls_attributes_decode(update.link_state.data, update.link_state.size, arena, &a, NULL));
    buf_clear(&text);
    bgpls_attributes_print(&a, &text);
    assert_string_equal(
        buf_cstr(&text),
        "local router 10.0.0.1, remote router 10.0.0.2, admin group 0x00000005, max bandwidth "
        "1.25e+09, reservable bandwidth 1e+09, unreserved bandwidth 1e+09 900000000 800000000 "
        "700000000 600000000 500000000 400000000 300000000, TE metric 11, IGP metric 20, SRLG 101 "
        "202, adjacency SID label 24002 flags 0x60");
    buf_fini(&text);
    arena_free(arena);
    free(octets);
}

TEST_MAIN(cmocka_unit_test(takes_out_what_is_of_link_state),
          cmocka_unit_test(end_of_rib_is_nothing_withdrawn), cmocka_unit_test(faults_by_attribute),
          cmocka_unit_test(an_attribute_that_is_not_known_is_sent_back),
          cmocka_unit_test(what_must_not_come_from_another_as_is_discarded),
          cmocka_unit_test(parts_longer_than_the_message_end_the_session),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(what_is_written_is_read),
          cmocka_unit_test(understands_what_a_reflector_sends))
