#include "sensor/testing.h"

#include <stdlib.h>

static const uint8_t hello[] = "hello";

static struct layers
parse(const struct made_frame *f)
{
    struct frame frame = as_frame(f, 0, 1);
    struct layers l;
    layers_parse(&frame, &l);
    return l;
}

static void
put_hello(struct made_frame *f)
{
    put_ipv4(f, 17, 8 + sizeof hello, 0, 1);
    put_udp(f, 1000, 2000, sizeof hello);
    put(f, hello, sizeof hello);
}

static void
assert_hello(const struct layers *l)
{
    assert_int_equal(l->fault, LAYERS_SOUND);
    assert_int_equal(l->ip, 4);
    assert_int_equal(l->proto, 17);
    assert_int_equal(get_be32(l->src), 0x0a000001);
    assert_int_equal(get_be32(l->dst), 0x0a000002);
    assert_int_equal(l->src_port, 1000);
    assert_int_equal(l->dst_port, 2000);
    assert_int_equal(l->size, sizeof hello);
    assert_int_equal(l->wire, sizeof hello);
    assert_memory_equal(l->payload, hello, sizeof hello);
}

static void
what_fills_a_frame_up_is_not_payload(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x0800);
    put_hello(&f);
    put_hex(&f, "0000000000000000000000000000");
    struct layers l = parse(&f);
    assert_hello(&l);
    assert_true(l.has_mac);
    assert_int_equal(l.src_mac.octets[5], 1);
    assert_int_equal(l.dst_mac.octets[5], 2);
    assert_int_equal(l.wrapped, 0);
}

static void
wrappings_are_taken_off(void **state UNUSED)
{
    static const struct {
        const char *before; /* behind the addresses */
        uint8_t wrapped, n_tags;
    } cases[] = {
        {"8100 6001 0800", WRAPPED_VLAN, 1},
        {"88a8 0064 8100 6001 0800", WRAPPED_VLAN, 2},
        {"9100 0064 8100 6001 0800", WRAPPED_VLAN, 2},
        {"8847 00010040 00011140", WRAPPED_MPLS, 0},
        {"8847 00011140 00000000 020000000004 020000000003 0800", WRAPPED_MPLS, 0},
        {"892f 1033 0007 0800", WRAPPED_HSR, 0},
        {"8100 6001 892f 1033 0007 0800", WRAPPED_HSR | WRAPPED_VLAN, 1},
        {"8864 11000001 0024 0021", WRAPPED_PPPOE, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct made_frame f = {.size = 0};
        put_hex(&f, "020000000002 020000000001");
        put_hex(&f, cases[i].before);
        put_hello(&f);
        struct layers l = parse(&f);
        assert_hello(&l);
        assert_int_equal(l.wrapped, cases[i].wrapped);
        assert_int_equal(l.n_tags, cases[i].n_tags);
        if (l.n_tags)
            assert_int_equal(l.tags[l.n_tags - 1], 0x6001);
    }
}

static void
tunnels_are_followed(void **state UNUSED)
{
    static const char *const ways[] = {
        "vxlan", "gre", "gre-key", "erspan", "ip-in-ip", "erspan-3", "erspan-3-subheader",
    };
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct made_frame inner = {.size = 0}, f = {.size = 0};
        bool is_vxlan = i == 0, has_frame = i == 0 || i == 3 || i > 4;
        if (has_frame)
            put_ethernet(&inner, 0x0800);
        put_hello(&inner);
        static const char *const headers[] = {"0800000000002a00",
                                              "00000800",
                                              "20000800 00000007",
                                              "100088be 00000001 1001000000000000",
                                              "",
                                              "100022eb 00000001 200000010000000000000000",
                                              ("100022eb 00000001 200000010000000000000001"
                                               "1400000000000000")};
        struct made_frame header = {.size = 0};
        put_hex(&header, headers[i]);
        uint16_t size = (uint16_t)(header.size + inner.size + (is_vxlan ? 8 : 0));
        put_ethernet(&f, 0x0800);
        put_ipv4(&f, is_vxlan ? 17 : i == 4 ? 4 : 47, size, 0, 9);
        if (is_vxlan)
            put_udp(&f, 12345, 4789, (uint16_t)(header.size + inner.size));
        put(&f, header.octets, header.size);
        put(&f, inner.octets, inner.size);
        struct layers l = parse(&f);
        assert_hello(&l);
        assert_int_equal(l.wrapped, is_vxlan ? WRAPPED_VXLAN : i == 4 ? WRAPPED_IP : WRAPPED_GRE);
    }
}

static void
what_a_tunnel_has_is_not_of_what_goes_through_it(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 17, 8 + 8 + 14 + 28, 0, 9);
    put_udp(&f, 12345, 4789, 8 + 14 + 28);
    put_hex(&f, "0800000000002a00");
    put_ethernet(&f, 0x0806);
    put_hex(&f, "0001 0800 06 04 0001 020000000001 c0a80001 000000000000 c0a80002");
    struct layers l = parse(&f);
    assert_int_equal(l.wrapped, WRAPPED_VXLAN);
    assert_int_equal(l.eth_type, 0x0806);
    assert_int_equal(l.ip, 0);
    assert_false(l.has_ports);
    assert_int_equal(l.size, 28);
}

static void
prp_s_trailer_is_taken_off(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x0800);
    put_hello(&f);
    uint16_t size = (uint16_t)(f.size - 14 + 6);
    put_u16(&f, 0x1234);
    put_u16(&f, (uint16_t)(0xa000 | size));
    put_u16(&f, 0x88fb);
    struct layers l = parse(&f);
    assert_hello(&l);
    assert_int_equal(l.wrapped, WRAPPED_PRP);
    assert_int_equal(l.redundancy_sequence, 0x1234);
    assert_int_equal(l.redundancy_lan, 0xa);
}

static void
ipv6_has_headers_between(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x86dd);
    put_hex(&f, "60000000 0016 00 40 fe800000000000000000000000000001"
                "fe800000000000000000000000000002");
    put_hex(&f, "1100010400000000"); /* hop-by-hop, then UDP */
    put_udp(&f, 1000, 2000, sizeof hello);
    put(&f, hello, sizeof hello);
    struct layers l = parse(&f);
    assert_int_equal(l.fault, LAYERS_SOUND);
    assert_int_equal(l.ip, 6);
    assert_int_equal(l.proto, 17);
    assert_int_equal(l.dst_port, 2000);
    assert_memory_equal(l.payload, hello, sizeof hello);
}

static void
tcp_s_header_is_read(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 6, 24 + sizeof hello, 0, 1);
    put_hex(&f, "01f6 c000 00000010 00000020 6018 1000 0000 0000 01010101");
    put(&f, hello, sizeof hello);
    struct layers l = parse(&f);
    assert_int_equal(l.src_port, 502);
    assert_int_equal(l.dst_port, 0xc000);
    assert_int_equal(l.tcp_seq, 16);
    assert_int_equal(l.tcp_ack, 32);
    assert_int_equal(l.tcp_flags, TCP_PSH | TCP_ACK);
    assert_int_equal(l.tcp_options_size, 4);
    assert_memory_equal(l.payload, hello, sizeof hello);
}

static void
a_frame_that_was_cut_is_told_from_one_that_lies(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, 0x0800);
    put_hello(&f);
    struct frame frame = as_frame(&f, 0, 1);
    struct layers l;
    frame.size -= (uint32_t)sizeof hello; /* the capture's snap length */
    layers_parse(&frame, &l);
    assert_int_equal(l.fault, LAYERS_SOUND);
    assert_int_equal(l.size, 0);
    assert_int_equal(l.wire, sizeof hello);
    frame.size -= 4;
    layers_parse(&frame, &l);
    assert_int_equal(l.fault, LAYERS_CUT);
    frame.wire = frame.size;
    layers_parse(&frame, &l);
    assert_int_equal(l.fault, LAYERS_SHORT);
}

static void
a_thousand_wrappings_end(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_hex(&f, "020000000002 020000000001");
    for (unsigned i = 0; i < 900; i++)
        put_hex(&f, "81000001");
    struct layers l = parse(&f);
    assert_int_equal(l.fault, LAYERS_DEEP);
    assert_int_equal(l.n_tags, LAYERS_TAGS);
}

static void
nothing_is_read_behind_the_end(void **state UNUSED)
{
    struct made_frame f = {.size = 0};
    put_hex(&f, "020000000002 020000000001 88a8 0064 8100 6001 8847 00011140");
    put_hello(&f);
    for (uint32_t size = 0; size <= f.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, f.octets, size);
        struct frame frame = {.data = copy, .size = size, .wire = size, .link = LINK_ETHERNET};
        struct layers l;
        layers_parse(&frame, &l);
        assert_true(!l.payload || (l.payload >= copy && l.payload + l.size <= copy + size));
        assert_int_equal(l.fault == LAYERS_SOUND, size == f.size);
        free(copy);
    }
}

/* IEEE 802.3 with LLC and SNAP: an EtherType, or a number of Cisco's; what is less than any
 * EtherType is not taken for one. */
static void
behind_snap_is_a_type(void **state UNUSED)
{
    static const struct {
        const char *snap;
        uint16_t type;
    } cases[] = {{"aaaa03 000000 88cc", 0x88cc},
                 {"aaaa03 00000c 2000", 0x2000},
                 {"aaaa03 00000c 010b", 0},
                 {"aaaa03 0080c2 2000", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct made_frame f = {.size = 0};
        put_hex(&f, "020000000002 020000000001 000c");
        put_hex(&f, cases[i].snap);
        put_hex(&f, "02b40000 00000000");
        struct layers l = parse(&f);
        assert_int_equal(l.eth_type, cases[i].type);
        assert_int_equal(l.size, cases[i].type ? 4 : 12);
    }
}

TEST_MAIN(cmocka_unit_test(behind_snap_is_a_type),
          cmocka_unit_test(what_fills_a_frame_up_is_not_payload),
          cmocka_unit_test(wrappings_are_taken_off), cmocka_unit_test(tunnels_are_followed),
          cmocka_unit_test(what_a_tunnel_has_is_not_of_what_goes_through_it),
          cmocka_unit_test(prp_s_trailer_is_taken_off), cmocka_unit_test(ipv6_has_headers_between),
          cmocka_unit_test(tcp_s_header_is_read),
          cmocka_unit_test(a_frame_that_was_cut_is_told_from_one_that_lies),
          cmocka_unit_test(a_thousand_wrappings_end),
          cmocka_unit_test(nothing_is_read_behind_the_end))
