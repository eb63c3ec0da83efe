#include "cli/cli_frame.h"

#include "base/testing.h"
#include "packet/checksum.h"
#include "packet/match.h"

static struct buf frame;

static struct packet_layout
read_back(struct flow_key *key)
{
    struct packet_layout layout;
    *key = (struct flow_key){{{0}}};
    flow_key_parse(key, frame.data, frame.size, &layout);
    assert_int_equal(layout.flaw, FLAW_NONE);
    return layout;
}

/* The frame that is built of the fields is one that the match is about. */
static struct packet_layout
builds(const struct frame_fields *fields, const char *expected)
{
    struct diag diag = {""};
    struct match match;
    struct flow_key key;
    buf_clear(&frame);
    if (frame_build(fields, &frame, &diag))
        fail_msg("%s", diag.text);
    assert_ok(match_parse(expected, &match, &diag));
    struct packet_layout layout = read_back(&key);
    assert_true(match_covers_key(&match, &key));
    return layout;
}

static void
builds_what_rules_look_at(void **state UNUSED)
{
    builds(&(struct frame_fields){.eth_src = "02:00:00:10:00:11",
                                  .eth_dst = "02-00-00-20-00-11",
                                  .ipv4_src = "10.10.0.11",
                                  .ipv4_dst = "10.20.0.11",
                                  .tcp_dst = "502",
                                  .ip_dscp = "46"},
           "eth_src=02:00:00:10:00:11,eth_dst=02:00:00:20:00:11,eth_type=0x800,ip_dscp=46,"
           "ip_proto=6,ipv4_src=10.10.0.11,ipv4_dst=10.20.0.11,tcp_dst=502,vlan_vid=0");
    builds(&(struct frame_fields){.ipv4_dst = "10.0.0.1", .udp_src = "5", .udp_dst = "862"},
           "eth_type=0x800,ip_proto=17,ipv4_dst=10.0.0.1,udp_src=5,udp_dst=862");
    builds(&(struct frame_fields){.ipv4_dst = "10.0.0.1"},
           "eth_type=0x800,ip_proto=1,icmpv4_type=8");
    builds(&(struct frame_fields){.ipv4_dst = "10.0.0.1", .ip_proto = "50"},
           "eth_type=0x800,ip_proto=50");
    builds(&(struct frame_fields){.arp_spa = "10.0.0.1", .arp_tpa = "10.0.0.2"},
           "eth_dst=ff:ff:ff:ff:ff:ff,eth_type=0x806,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2");
    builds(
        &(struct frame_fields){
            .eth_dst = "01:0c:cd:01:00:01", .appid = "1001", .vlan_id = "10", .vlan_priority = "6"},
        "eth_dst=01:0c:cd:01:00:01,eth_type=0x88b8,vlan_vid=0x100a,vlan_pcp=6");
    builds(&(struct frame_fields){.eth_type = "0x88ba", .appid = "4000", .vlan_id = "0"},
           "eth_type=0x88ba,vlan_vid=0x1000,vlan_pcp=4");
}

static void
checksums_are_right(void **state UNUSED)
{
    static const struct frame_fields all[] = {
        {.ipv4_src = "10.0.0.1", .ipv4_dst = "10.0.0.2", .tcp_dst = "502"},
        {.ipv4_src = "10.0.0.1", .ipv4_dst = "10.0.0.2", .udp_dst = "53"},
        {.ipv4_src = "10.0.0.1", .ipv4_dst = "10.0.0.2", .icmp_type = "8"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        struct packet_layout layout = builds(&all[i], "eth_type=0x800");
        const uint8_t *ip = frame.data + layout.l3;
        uint32_t size = (uint32_t)(get_be16(ip + 2) - 20);
        assert_int_equal(checksum_finish(checksum_add(0, ip, 20)), 0);
        uint32_t sum = ip[9] == IP_PROTO_ICMP ? 0
                                              : checksum_pseudo(ip + 12, ip + 16, 4, ip[9], size);
        assert_int_equal(checksum_finish(checksum_add(sum, ip + 20, size)), 0);
    }
}

static void
is_as_long_as_asked_for(void **state UNUSED)
{
    builds(&(struct frame_fields){.ipv4_dst = "10.0.0.1"}, "eth_type=0x800");
    assert_int_equal(frame.size, 60);
    builds(&(struct frame_fields){.ipv4_dst = "10.0.0.1", .size = "1514"}, "eth_type=0x800");
    assert_int_equal(frame.size, 1514);
}

static void
what_makes_no_packet_is_refused(void **state UNUSED)
{
    static const struct {
        struct frame_fields fields;
        const char *text;
    } wrong[] = {
        {{0}, "which packet? --hex, --pcap, or fields such as --ipv4-dst, --tcp-dst"},
        {{.ipv4_dst = "10.0.0"}, "--ipv4-dst: \"10.0.0\" is not an IPv4 address"},
        {{.eth_src = "x", .tcp_dst = "1"}, "--eth-src: \"x\" is not a MAC address"},
        {{.tcp_dst = "70000"}, "--tcp-dst: \"70000\" is not a number that it can have"},
        {{.tcp_dst = "-1"}, "--tcp-dst: \"-1\" is not a number that it can have"},
        {{.tcp_dst = "1", .udp_dst = "2"}, "a packet is TCP, UDP or ICMP"},
        {{.tcp_dst = "1", .arp_tpa = "10.0.0.1"}, "a packet is IPv4, ARP, or has an APPID"},
        {{.tcp_dst = "1", .eth_type = "0x806"}, "--eth-type does not go with the other fields"},
        {{.tcp_dst = "1", .ip_proto = "17"}, "--ip-proto does not go with the other fields"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct diag diag = {""};
        buf_clear(&frame);
        assert_err(frame_build(&wrong[i].fields, &frame, &diag), ERR_INVALID);
        assert_string_equal(diag.text, wrong[i].text);
        assert_int_equal(frame.size, 0);
    }
}

static int
fini(void **state UNUSED)
{
    buf_fini(&frame);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_what_rules_look_at),
        cmocka_unit_test(checksums_are_right),
        cmocka_unit_test(is_as_long_as_asked_for),
        cmocka_unit_test(what_makes_no_packet_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, fini);
}
