#include "packet/packet.h"

#include "base/testing.h"

/* Frames by the layouts of IEEE 802.3, IEEE 802.1Q, RFC 791, 8200, 826, 3032, 4861, 9293. */
#define MACS "010ccd010001 020000200021 "
#define TCP_SYN                                                                                    \
    "020000200011 020000100011 0800"                                                               \
    "4528 0028 0001 4000 40 06 0000 0a0a000b 0a14000b"                                             \
    "c000 01f6 00000001 00000000 5002 2000 0000 0000"

static void
parse(const char *hex, struct flow_key *key, struct packet_layout *layout)
{
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    memset(key, 0, sizeof *key);
    flow_key_parse(key, frame, size, layout);
    free(frame);
}

static void
reads_a_tcp_segment(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse(TCP_SYN "ffff", &key, &layout); /* two octets of Ethernet padding */
    assert_int_equal(flow_key_get(&key, FIELD_ETH_DST), 0x020000200011);
    assert_int_equal(flow_key_get(&key, FIELD_ETH_TYPE), 0x0800);
    assert_int_equal(flow_key_get(&key, FIELD_VLAN_VID), 0);
    assert_int_equal(flow_key_get(&key, FIELD_IP_DSCP), 10);
    assert_int_equal(flow_key_get(&key, FIELD_IP_PROTO), 6);
    assert_int_equal(flow_key_get(&key, FIELD_IPV4_SRC), 0x0a0a000b);
    assert_int_equal(flow_key_get(&key, FIELD_IPV4_DST), 0x0a14000b);
    assert_int_equal(flow_key_get(&key, FIELD_TCP_SRC), 0xc000);
    assert_int_equal(flow_key_get(&key, FIELD_TCP_DST), 502);
    assert_int_equal(layout.flaw, FLAW_NONE);
    assert_int_equal(layout.l3, 14);
    assert_int_equal(layout.l4, 34);
    assert_int_equal(layout.payload, 54);
}

static void
reads_a_tagged_goose_frame(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse(MACS "8100 800a 88b8 0001 0008 0000 0000", &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_VLAN_VID), VLAN_PRESENT | 10);
    assert_int_equal(flow_key_get(&key, FIELD_VLAN_PCP), 4);
    assert_int_equal(flow_key_get(&key, FIELD_ETH_TYPE), ETH_TYPE_GOOSE);
    assert_int_equal(layout.l2_5, 18);
    assert_int_equal(layout.l3, OFFSET_NONE);
}

static void
matches_the_outer_of_two_tags(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse(MACS "88a8 6064 8100 000a 88b8 00", &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_VLAN_VID), VLAN_PRESENT | 100);
    assert_int_equal(flow_key_get(&key, FIELD_VLAN_PCP), 3);
    assert_int_equal(flow_key_get(&key, FIELD_ETH_TYPE), ETH_TYPE_GOOSE);
    assert_int_equal(layout.l2_5, 22);
}

static void
reads_arp(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse("ffffffffffff 020000100011 0806 0001 0800 06 04 0001"
          "020000100011 0a0a000b 000000000000 0a0a0001",
          &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_ARP_OP), 1);
    assert_int_equal(flow_key_get(&key, FIELD_ARP_SPA), 0x0a0a000b);
    assert_int_equal(flow_key_get(&key, FIELD_ARP_TPA), 0x0a0a0001);
    assert_int_equal(flow_key_get(&key, FIELD_ARP_SHA), 0x020000100011);
    parse("ffffffffffff 020000100011 0806 0006 0800 06 04 0001"
          "020000100011 0a0a000b 000000000000 0a0a0001",
          &key, &layout); /* hardware type 6: IEEE 802 networks */
    assert_int_equal(layout.flaw, FLAW_ARP);
    assert_int_equal(flow_key_get(&key, FIELD_ARP_OP), 0);
}

static void
a_later_fragment_has_no_ports(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse("020000200011 020000100011 0800"
          "4500 0028 0001 0001 40 11 0000 0a0a000b 0a14000b"
          "01f6 01f6 0008 0000 0000 0000 0000 0000 0000 0000",
          &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_IP_PROTO), IP_PROTO_UDP);
    assert_int_equal(flow_key_get(&key, FIELD_UDP_DST), 0);
    assert_int_equal(layout.l4, OFFSET_NONE);
    assert_true(layout.fragment);
}

static void
reads_ipv6_neighbour_solicitation(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse("3333ff000002 020000000001 86dd 6e012345 0020 3a ff"
          "fe800000000000000000000000000001 ff0200000000000000000001ff000002"
          "87 00 0000 00000000 fe800000000000000000000000000002 0101 020000000001",
          &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_IP_DSCP), 56);
    assert_int_equal(flow_key_get(&key, FIELD_IPV6_FLABEL), 0x12345);
    assert_int_equal(flow_key_get(&key, FIELD_ICMPV6_TYPE), 135);
    assert_int_equal(key.nd_target[15], 2);
    assert_int_equal(flow_key_get(&key, FIELD_IPV6_ND_SLL), 0x020000000001);
    assert_int_equal(flow_key_get(&key, FIELD_IPV6_ND_TLL), 0);
}

static void
notes_ipv6_extension_headers(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    /* Hop-by-hop, then UDP. */
    parse("020000000002 020000000001 86dd 60000000 0010 00 40"
          "fe800000000000000000000000000001 fe800000000000000000000000000002"
          "11 00 010400000000 1234 5678 0008 0000",
          &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_IPV6_EXTHDR), EXTHDR_HOP);
    assert_int_equal(flow_key_get(&key, FIELD_UDP_DST), 0x5678);
    /* Routing before hop-by-hop: out of sequence. */
    parse("020000000002 020000000001 86dd 60000000 0010 2b 40"
          "fe800000000000000000000000000001 fe800000000000000000000000000002"
          "00 00 000000000000 3b 00 010400000000",
          &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_IPV6_EXTHDR),
                     EXTHDR_ROUTER | EXTHDR_HOP | EXTHDR_UNSEQ | EXTHDR_NONEXT);
}

static void
reads_the_outermost_label(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse("020000000002 020000000001 8847 03e8 5a 40 00010140", &key, &layout);
    assert_int_equal(flow_key_get(&key, FIELD_MPLS_LABEL), 0x03e85);
    assert_int_equal(flow_key_get(&key, FIELD_MPLS_TC), 5);
    assert_int_equal(flow_key_get(&key, FIELD_MPLS_BOS), 0);
}

static void
names_what_is_flawed_and_matches_the_rest(void **state UNUSED)
{
    static const struct {
        const char *hex;
        enum parse_flaw flaw;
        uint16_t eth_type;
    } cases[] = {
        {"010ccd010001 0200002000", FLAW_RUNT, 0},
        {MACS "8100 80", FLAW_VLAN, 0},
        {MACS "8100 800a", FLAW_VLAN, 0},
        {MACS "8847 000001", FLAW_MPLS, 0x8847},
        {MACS "0800 4500 0014", FLAW_IPV4, 0x0800},
        {MACS "0800 6500 0014 0001 4000 40 06 0000 0a0a000b 0a14000b", FLAW_IPV4, 0x0800},
        {MACS "0800 4400 0014 0001 4000 40 06 0000 0a0a000b 0a14000b", FLAW_IPV4, 0x0800},
        {MACS "0800 4500 0015 0001 4000 40 06 0000 0a0a000b 0a14000b", FLAW_IPV4, 0x0800},
        {MACS "0800 4500 0018 0001 4000 40 06 0000 0a0a000b 0a14000b 00000000", FLAW_L4, 0x0800},
        {MACS "86dd 60000000 0001 3b 40 fe800000000000000000000000000001", FLAW_IPV6, 0x86dd},
        {MACS "88e7 000000", FLAW_PBB, 0x88e7},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct flow_key key;
        struct packet_layout layout;
        parse(cases[i].hex, &key, &layout);
        assert_string_equal(parse_flaw_name(layout.flaw), parse_flaw_name(cases[i].flaw));
        assert_int_equal(from_be16(key.eth_type), cases[i].eth_type);
    }
}

static void
reads_802_3_with_and_without_snap(void **state UNUSED)
{
    struct flow_key key;
    struct packet_layout layout;
    parse(MACS "0026 4242 03 0000000000", &key, &layout); /* spanning tree */
    assert_int_equal(from_be16(key.eth_type), ETH_TYPE_NOT_A_TYPE);
    parse(MACS "0010 aaaa03 000000 0806 0001", &key, &layout);
    assert_int_equal(from_be16(key.eth_type), ETH_TYPE_ARP);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    size_t size;
    uint8_t *frame = hex_bytes(TCP_SYN, &size);
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        struct flow_key key = {0};
        struct packet_layout layout;
        memcpy(copy, frame, cut);
        flow_key_parse(&key, copy, cut, &layout);
        assert_int_equal(layout.flaw == FLAW_NONE, cut == size);
        free(copy);
    }
    free(frame);
}

/* A frame with a VLAN tag put in, which is read by another way than one without. */
static size_t
put_tag(const uint8_t *frame, size_t size, uint8_t *tagged)
{
    static const uint8_t tag[] = {0x81, 0, 0xa0, 5};
    memcpy(tagged, frame, 12);
    memcpy(tagged + 12, tag, 4);
    memcpy(tagged + 16, frame + 12, size - 12);
    return size + 4;
}

static uint16_t
without_tag(uint16_t offset)
{
    return offset == OFFSET_NONE ? offset : offset - 4;
}

/* Whatever is in a frame and wherever it ends, the short way reads what the long one reads. */
static void
a_plain_frame_reads_like_a_tagged_one(void **state UNUSED)
{
    static const char *const frames[] = {
        TCP_SYN "ffff",
        "020000200011 020000100011 0800 4500 0020 0001 4000 40 11 0000 0a0a000b 0a14000b"
        "c000 01f6 000c 0000 00000000 ffff",
    };
    uint64_t random = 1;
    for (unsigned step = 0; step < 200000; step++) {
        size_t size;
        uint8_t tagged[128];
        uint8_t *frame = hex_bytes(frames[step & 1], &size);
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t pick = random >> 24;
        for (unsigned n = step % 3; n; n--, pick >>= 13) /* 0 to 2 octets are not as they were */
            frame[12 + (pick & 31) % (size - 12)] ^= (uint8_t)(1u << (pick >> 5 & 7));
        if (step % 5 == 0)
            size = 14 + (size_t)(random >> 40) % (size - 14);
        uint8_t *copy = malloc(size); /* exact size: ASan sees one octet too far */
        memcpy(copy, frame, size);
        struct flow_key key, other;
        struct packet_layout layout, its;
        memset(&key, 0xa5, sizeof key);
        memset(&other, 0xa5, sizeof other);
        flow_key_parse(&key, copy, size, &layout);
        flow_key_parse(&other, tagged, put_tag(copy, size, tagged), &its);
        if (!key.vlan_vid) /* else a tag appeared */
            other.vlan_vid = other.vlan_pcp = 0;
        if (!key.vlan_vid && layout.flaw != FLAW_VLAN) {
            assert_memory_equal(&key, &other, sizeof key);
            assert_int_equal(layout.flaw, its.flaw);
            assert_int_equal(layout.fragment, its.fragment);
            assert_int_equal(layout.l2_5, without_tag(its.l2_5));
            assert_int_equal(layout.l3, without_tag(its.l3));
            assert_int_equal(layout.l4, without_tag(its.l4));
            assert_int_equal(layout.payload, without_tag(its.payload));
        }
        free(copy);
        free(frame);
    }
}

static void
packets_are_counted_and_copied_on_write(void **state UNUSED)
{
    struct packet_pool *pool = packet_pool_new(2, 1);
    struct packet *p = packet_new(pool, 60);
    p->size = 60;
    memset(p->data, 7, 60);
    assert_ptr_equal(packet_writable(p), p);
    struct packet *kept = packet_ref(p);
    struct packet *mine = packet_writable(p);
    assert_ptr_not_equal(mine, kept);
    mine->data[0] = 9;
    assert_int_equal(kept->data[0], 7);
    assert_null(packet_new(pool, 60));
    assert_null(packet_copy(kept));
    struct packet *jumbo = packet_new(pool, 65000);
    assert_non_null(jumbo);
    assert_null(packet_new(pool, PACKET_MAX + 1));
    packet_unref(kept);
    packet_unref(mine);
    packet_unref(jumbo);
    assert_int_equal(packet_pool_available(pool), 2);
    packet_pool_free(pool);
}

TEST_MAIN(cmocka_unit_test(reads_a_tcp_segment), cmocka_unit_test(reads_a_tagged_goose_frame),
          cmocka_unit_test(matches_the_outer_of_two_tags), cmocka_unit_test(reads_arp),
          cmocka_unit_test(a_later_fragment_has_no_ports),
          cmocka_unit_test(reads_ipv6_neighbour_solicitation),
          cmocka_unit_test(notes_ipv6_extension_headers),
          cmocka_unit_test(reads_the_outermost_label),
          cmocka_unit_test(names_what_is_flawed_and_matches_the_rest),
          cmocka_unit_test(reads_802_3_with_and_without_snap),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(a_plain_frame_reads_like_a_tagged_one),
          cmocka_unit_test(packets_are_counted_and_copied_on_write))
