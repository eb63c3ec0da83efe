#include "packet/edit.h"

#include "packet/checksum.h"

#include "base/testing.h"

#include <stdio.h>

static struct packet_pool *pool;

static int
open_pool(void **state UNUSED)
{
    pool = packet_pool_new(8, 0);
    return 0;
}

static int
close_pool(void **state UNUSED)
{
    assert_int_equal(packet_pool_available(pool), 8);
    packet_pool_free(pool);
    return 0;
}

static struct packet *
packet_from(const char *hex, struct flow_key *key)
{
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    struct packet *p = packet_new(pool, (uint32_t)size);
    memcpy(p->data, frame, size);
    p->size = (uint32_t)size;
    free(frame);
    packet_parse(p, key);
    return p;
}

static void
assert_frame(const struct packet *p, const char *hex)
{
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    assert_int_equal(p->size, size);
    assert_memory_equal(p->data, frame, size);
    free(frame);
}

static enum edit_result
edit(struct packet *p, struct flow_key *key, struct action action)
{
    enum edit_result result = packet_edit(p, key, &action);
    /* What the edit left in the key and the layout is what parsing finds. */
    struct flow_key fresh = *key;
    struct packet_layout layout;
    flow_key_parse(&fresh, p->data, p->size, &layout);
    if (result == EDIT_DONE) {
        assert_memory_equal(&fresh, key, sizeof fresh);
        assert_int_equal(layout.l2_5, p->layout.l2_5);
        assert_int_equal(layout.l3, p->layout.l3);
        assert_int_equal(layout.l4, p->layout.l4);
        assert_int_equal(layout.payload, p->layout.payload);
    }
    *key = fresh;
    p->layout = layout;
    return result;
}

static struct action
set_field(enum field field, uint64_t value)
{
    struct action a = {.type = ACTION_SET_FIELD, .field = (uint8_t)field};
    for (int i = field_table[field].size; i-- > 0; value >>= 8)
        a.value[i] = (uint8_t)value;
    return a;
}

/* Both checksums of an IPv4 frame are right, by computing them anew. */
static void
assert_ipv4_checksums(const struct packet *p, size_t checksum_at)
{
    const uint8_t *ip = p->data + p->layout.l3, *l4 = p->data + p->layout.l4;
    uint32_t l4_size = get_be16(ip + 2) - 20u;
    uint32_t pseudo = ip[9] == IP_PROTO_ICMP ? 0
                                             : checksum_pseudo(ip + 12, ip + 16, 4, ip[9], l4_size);
    assert_int_equal(checksum_fold(checksum_add(0, ip, 20)), 0xffff);
    assert_int_not_equal(get_be16(l4 + checksum_at), 0);
    assert_int_equal(checksum_fold(checksum_add(pseudo, l4, l4_size)), 0xffff);
}

/* The example header of RFC 1071's many descriptions: 4500 0073 ... has checksum b861. */
static void
checksum_of_a_known_header(void **state UNUSED)
{
    size_t size;
    uint8_t *ip = hex_bytes("4500 0073 0000 4000 4011 0000 c0a80001 c0a800c7", &size);
    assert_int_equal(checksum_finish(checksum_add(0, ip, size)), 0xb861);
    free(ip);
    uint8_t odd[] = {0x00, 0x01, 0xf2}; /* an odd last octet counts as the high one */
    assert_int_equal(checksum_fold(checksum_add(0, odd, 3)), 0xf201);
}

/* RFC 1624 section 4: header with HC 0xdd2f, m 0x5555 becomes 0x3285, HC' is 0x0000. */
static void
updates_incrementally(void **state UNUSED)
{
    uint8_t old[] = {0x55, 0x55}, new[] = {0x32, 0x85};
    assert_int_equal(checksum_update(0xdd2f, old, new, 2), 0x0000);
}

static void
vlan_tags_go_on_and_come_off(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("010203040506 0a0b0c0d0e0f 88b8 0001 0008", &key);
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_PUSH_VLAN, .eth_type = 0x8100}),
                     EDIT_DONE);
    edit(p, &key, set_field(FIELD_VLAN_VID, VLAN_PRESENT | 10));
    edit(p, &key, set_field(FIELD_VLAN_PCP, 4));
    assert_frame(p, "010203040506 0a0b0c0d0e0f 8100 800a 88b8 0001 0008");
    edit(p, &key, (struct action){.type = ACTION_PUSH_VLAN, .eth_type = 0x88a8});
    assert_frame(p, "010203040506 0a0b0c0d0e0f 88a8 800a 8100 800a 88b8 0001 0008");
    edit(p, &key, (struct action){.type = ACTION_POP_VLAN});
    edit(p, &key, (struct action){.type = ACTION_POP_VLAN});
    assert_frame(p, "010203040506 0a0b0c0d0e0f 88b8 0001 0008");
    edit(p, &key, (struct action){.type = ACTION_POP_VLAN}); /* no tag: no change */
    edit(p, &key, set_field(FIELD_VLAN_VID, VLAN_PRESENT | 10));
    assert_frame(p, "010203040506 0a0b0c0d0e0f 88b8 0001 0008");
    packet_unref(p);
}

static void
mpls_labels_go_on_and_come_off(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("020000000002 020000000001 0800"
                                   "4500 0014 0001 0000 40 fd 65ea 0a000001 0a000002",
                                   &key);
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_PUSH_MPLS, .eth_type = 0x8847}),
                     EDIT_REPARSE);
    edit(p, &key, set_field(FIELD_MPLS_LABEL, 16003));
    edit(p, &key, set_field(FIELD_MPLS_TC, 5));
    assert_frame(p, "020000000002 020000000001 8847 03e83b40"
                    "4500 0014 0001 0000 40 fd 65ea 0a000001 0a000002");
    edit(p, &key, (struct action){.type = ACTION_DEC_MPLS_TTL});
    edit(p, &key, (struct action){.type = ACTION_COPY_TTL_IN});
    edit(p, &key, (struct action){.type = ACTION_PUSH_MPLS, .eth_type = 0x8847});
    assert_frame(p, "020000000002 020000000001 8847 03e83a3f 03e83b3f"
                    "4500 0014 0001 0000 3f fd 66ea 0a000001 0a000002");
    edit(p, &key, (struct action){.type = ACTION_POP_MPLS, .eth_type = 0x8847});
    edit(p, &key, (struct action){.type = ACTION_POP_MPLS, .eth_type = 0x0800});
    assert_frame(p, "020000000002 020000000001 0800"
                    "4500 0014 0001 0000 3f fd 66ea 0a000001 0a000002");
    assert_int_equal(flow_key_get(&key, FIELD_IPV4_DST), 0x0a000002);
    packet_unref(p);
}

/* OpenFlow 1.3 section 5.12.1: a field without one to take its value from is zero. */
static void
a_label_on_what_has_no_ttl_starts_at_zero(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("010203040506 0a0b0c0d0e0f 88b8 0001 0008", &key);
    edit(p, &key, (struct action){.type = ACTION_PUSH_MPLS, .eth_type = 0x8847});
    assert_frame(p, "010203040506 0a0b0c0d0e0f 8847 00000100 0001 0008");
    packet_unref(p);
}

#define ZEROS_4 "00000000"
#define ZEROS_20 ZEROS_4 ZEROS_4 ZEROS_4 ZEROS_4 ZEROS_4

/* IEEE 802.3 clause 4.2.3.3: 60 octets and the FCS. */
static void
a_frame_does_not_become_too_short_by_what_comes_off(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from(
        "010203040506 0a0b0c0d0e0f 8100 800a 88b8 aaaa" ZEROS_20 ZEROS_20 "bbbb", &key);
    assert_int_equal(p->size, 62);
    const uint8_t *end = p->data + p->size;
    edit(p, &key, (struct action){.type = ACTION_POP_VLAN});
    assert_ptr_equal(p->data + p->size, end); /* never beyond what the buffer was good for */
    assert_frame(p, "010203040506 0a0b0c0d0e0f 88b8 aaaa" ZEROS_20 ZEROS_20 "bbbb 0000");
    packet_unref(p);

    p = packet_from(
        "020000000002 020000000001 88e7 68abcdef 010203040506 0a0b0c0d0e0f 88b8 aaaa" ZEROS_20
            ZEROS_4 "bbbb",
        &key);
    assert_int_equal(p->size, 60);
    edit(p, &key, (struct action){.type = ACTION_POP_PBB});
    assert_frame(p, "010203040506 0a0b0c0d0e0f 88b8 aaaa" ZEROS_20 ZEROS_4
                    "bbbb" ZEROS_4 ZEROS_4 ZEROS_4 ZEROS_4 "0000");
    packet_unref(p);
}

static void
a_ttl_of_one_is_not_forwarded(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("020000000002 020000000001 0800"
                                   "4500 0014 0001 0000 01 fd a4ea 0a000001 0a000002",
                                   &key);
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_DEC_NW_TTL}), EDIT_TTL_EXPIRED);
    edit(p, &key, (struct action){.type = ACTION_SET_NW_TTL, .ttl = 9});
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_DEC_NW_TTL}), EDIT_DONE);
    assert_int_equal(p->data[22], 8);
    assert_int_equal(checksum_fold(checksum_add(0, p->data + 14, 20)), 0xffff);
    packet_unref(p);
}

static void
provider_backbone_headers(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("020000000002 020000000001 8100 600a 88b8 0001", &key);
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_PUSH_PBB, .eth_type = 0x88e7}),
                     EDIT_REPARSE);
    edit(p, &key, set_field(FIELD_PBB_ISID, 0xabcdef));
    edit(p, &key, set_field(FIELD_PBB_UCA, 1));
    edit(p, &key, set_field(FIELD_ETH_DST, 0x0200000000bb));
    assert_frame(p, "0200000000bb 020000000001 88e7 68abcdef"
                    "020000000002 020000000001 8100 600a 88b8 0001");
    assert_int_equal(edit(p, &key, (struct action){.type = ACTION_POP_PBB}), EDIT_REPARSE);
    assert_frame(p, "020000000002 020000000001 8100 600a 88b8 0001");
    packet_unref(p);
}

#define UDP_FRAME                                                                                  \
    "020000000002 020000000001 0800"                                                               \
    "4500 001e 0001 0000 40 11 66cc 0a000001 0a000002"                                             \
    "1000 2000 000a a9a3 1234"

static void
set_field_keeps_checksums_right(void **state UNUSED)
{
    static const struct {
        enum field field;
        uint64_t value;
    } sets[] = {
        {FIELD_IPV4_SRC, 0xc0a80101}, {FIELD_IPV4_DST, 0x01020304}, {FIELD_UDP_SRC, 862},
        {FIELD_UDP_DST, 49152},       {FIELD_IP_DSCP, 46},          {FIELD_IP_ECN, 1},
    };
    struct flow_key key;
    struct packet *p = packet_from(UDP_FRAME, &key);
    assert_ipv4_checksums(p, 6);
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        edit(p, &key, set_field(sets[i].field, sets[i].value));
        assert_int_equal(flow_key_get(&key, sets[i].field), sets[i].value);
        assert_ipv4_checksums(p, 6);
    }
    packet_unref(p);
}

/* The pseudo-header's protocol is part of it (RFC 768). */
static void
another_protocol_keeps_the_checksum_that_is_there(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from(UDP_FRAME, &key);
    edit(p, &key, set_field(FIELD_IP_PROTO, 253));
    const uint8_t *ip = p->data + 14;
    assert_int_equal(ip[9], 253);
    assert_int_equal(checksum_fold(checksum_add(0, ip, 20)), 0xffff);
    uint32_t sum = checksum_pseudo(ip + 12, ip + 16, 4, 253, 10);
    assert_int_equal(checksum_fold(checksum_add(sum, ip + 20, 10)), 0xffff);
    packet_unref(p);
}

static void
another_protocol_is_written_behind_extension_headers(void **state UNUSED)
{
    static const char format[] = "020000000002 020000000001 86dd 60000000 0014 00 40"
                                 "20010db8000000000000000000000001 20010db8000000000000000000000002"
                                 "3c 00 0104 00000000" /* hop-by-hop options */
                                 "%s 00 0104 00000000" /* destination options */
                                 "12345678";
    char before[400], after[400];
    struct flow_key key;
    snprintf(before, sizeof before, format, "fd");
    snprintf(after, sizeof after, format, "fe");
    struct packet *p = packet_from(before, &key);
    assert_int_equal(key.ip_proto, 253);
    edit(p, &key, set_field(FIELD_IP_PROTO, 254));
    assert_frame(p, after);
    assert_int_equal(key.ip_proto, 254);
    packet_unref(p);
}

static void
a_udp_packet_without_checksum_keeps_none(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("020000000002 020000000001 0800"
                                   "4500 001e 0001 0000 40 11 66cc 0a000001 0a000002"
                                   "1000 2000 000a 0000 1234",
                                   &key);
    edit(p, &key, set_field(FIELD_IPV4_SRC, 0xc0a80101));
    edit(p, &key, set_field(FIELD_UDP_DST, 7));
    assert_int_equal(get_be16(p->data + p->layout.l4 + 6), 0);
    packet_unref(p);
}

static void
icmp_and_arp_fields(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("020000000002 020000000001 0800"
                                   "4500 001c 0001 0000 40 01 66de 0a000001 0a000002"
                                   "08 00 e5ca 1234 0001",
                                   &key);
    assert_ipv4_checksums(p, 2);
    edit(p, &key, set_field(FIELD_ICMPV4_CODE, 3));
    assert_ipv4_checksums(p, 2);
    edit(p, &key, set_field(FIELD_IPV4_SRC, 0xc0a80101));
    assert_ipv4_checksums(p, 2);
    packet_unref(p);

    /* A request answered at the port, as plans have it. */
    p = packet_from("ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
                    "020000000001 0a000001 000000000000 0a000002",
                    &key);
    edit(p, &key, set_field(FIELD_ETH_DST, 0x020000000001));
    edit(p, &key, set_field(FIELD_ETH_SRC, 0x020000000002));
    edit(p, &key, set_field(FIELD_ARP_OP, 2));
    edit(p, &key, set_field(FIELD_ARP_SHA, 0x020000000002));
    edit(p, &key, set_field(FIELD_ARP_SPA, 0x0a000002));
    edit(p, &key, set_field(FIELD_ARP_THA, 0x020000000001));
    edit(p, &key, set_field(FIELD_ARP_TPA, 0x0a000001));
    assert_frame(p, "020000000001 020000000002 0806 0001 0800 06 04 0002"
                    "020000000002 0a000002 020000000001 0a000001");
    packet_unref(p);
}

static void
a_checksum_left_to_the_card_is_completed(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from(UDP_FRAME, &key);
    const uint8_t *ip = p->data + 14;
    put_be16(p->data + 40, checksum_fold(checksum_pseudo(ip + 12, ip + 16, 4, IP_PROTO_UDP, 10)));
    p->offload = (struct packet_offload){
        .needs_checksum = true, .checksum_start = 34, .checksum_offset = 6};
    edit(p, &key, (struct action){.type = ACTION_PUSH_VLAN, .eth_type = 0x8100});
    edit(p, &key, set_field(FIELD_IPV4_DST, 0x0a0b0c0d));
    edit(p, &key, set_field(FIELD_UDP_DST, 862));
    packet_complete_checksum(p);
    assert_false(p->offload.needs_checksum);
    assert_ipv4_checksums(p, 6);
    packet_unref(p);
}

static void
no_room_for_a_header_is_said(void **state UNUSED)
{
    struct flow_key key;
    struct packet *p = packet_from("010203040506 0a0b0c0d0e0f 88b8 0001 0008", &key);
    struct action push = {.type = ACTION_PUSH_VLAN, .eth_type = 0x8100};
    for (unsigned i = 0; i < PACKET_HEADROOM / 4; i++)
        assert_int_equal(packet_edit(p, &key, &push), EDIT_DONE);
    uint32_t size = p->size;
    assert_int_equal(packet_edit(p, &key, &push), EDIT_NO_ROOM);
    assert_int_equal(p->size, size);
    packet_unref(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_of_a_known_header),
        cmocka_unit_test(updates_incrementally),
        cmocka_unit_test(vlan_tags_go_on_and_come_off),
        cmocka_unit_test(mpls_labels_go_on_and_come_off),
        cmocka_unit_test(a_label_on_what_has_no_ttl_starts_at_zero),
        cmocka_unit_test(a_frame_does_not_become_too_short_by_what_comes_off),
        cmocka_unit_test(a_ttl_of_one_is_not_forwarded),
        cmocka_unit_test(provider_backbone_headers),
        cmocka_unit_test(set_field_keeps_checksums_right),
        cmocka_unit_test(another_protocol_keeps_the_checksum_that_is_there),
        cmocka_unit_test(another_protocol_is_written_behind_extension_headers),
        cmocka_unit_test(a_udp_packet_without_checksum_keeps_none),
        cmocka_unit_test(icmp_and_arp_fields),
        cmocka_unit_test(a_checksum_left_to_the_card_is_completed),
        cmocka_unit_test(no_room_for_a_header_is_said),
    };
    return cmocka_run_group_tests(tests, open_pool, close_pool);
}
