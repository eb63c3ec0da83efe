#include "packet/rule.h"

#include "base/testing.h"

static struct match
parsed(const char *text)
{
    struct match m;
    struct diag diag;
    if (match_parse(text, &m, &diag))
        fail_msg("%s: %s", text, diag.text);
    return m;
}

static void
text_goes_in_and_comes_out(void **state UNUSED)
{
    static const char *const texts[] = {
        "any",
        "in_port=3,eth_type=0x0800,ip_proto=6,ipv4_src=10.0.0.1,ipv4_dst=10.2.0.0/255.255.0.0",
        "eth_type=0x0800,ip_proto=6,ipv4_dst=10.20.0.0/255.255.255.0,tcp_dst=502",
        "eth_dst=01:0c:cd:01:00:01,eth_type=0x88b8,vlan_vid=0x100a",
        "vlan_vid=0x1000/0x1000,vlan_pcp=4",
        "vlan_vid=0x0000",
        "eth_type=0x0806,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=02:00:00:00:00:01",
        "eth_type=0x86dd,ip_proto=58,ipv6_dst=fe80::1,icmpv6_type=135,ipv6_nd_target=fe80::2",
        "metadata=0x5/0xf,eth_type=0x8847,mpls_label=16003,mpls_bos=1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct match m = parsed(texts[i]);
        struct buf out = BUF_INIT;
        match_format(&m, &out);
        assert_string_equal(buf_cstr(&out), texts[i]);
        buf_fini(&out);
    }
    struct match a = parsed("eth_type=2048,ipv4_dst=10.20.0.0/24"),
                 b = parsed("eth_type=0x800,ipv4_dst=10.20.0.0/255.255.255.0");
    assert_true(match_equal(&a, &b));
}

static void
says_which_field_is_wrong(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err err;
        const char *says;
    } cases[] = {
        {"tcp_dst=502", ERR_INVALID, "tcp_dst: its prerequisite"},
        {"eth_type=0x0800,arp_op=1", ERR_INVALID, "arp_op: its prerequisite"},
        {"vlan_vid=0,vlan_pcp=3", ERR_INVALID, "vlan_pcp: its prerequisite"},
        {"in_port=1,in_port=2", ERR_EXISTS, "in_port: given twice"},
        {"in_port=1/7", ERR_UNSUPPORTED, "in_port: cannot be masked"},
        {"vlan_vid=0x3000", ERR_MALFORMED, "vlan_vid: \"0x3000\" has bits"},
        {"eth_type=0x0800,ipv4_src=10.0.0.1/24", ERR_MALFORMED,
         "ipv4_src: \"10.0.0.1/24\" has bits"},
        {"colour=red", ERR_NOT_FOUND, "there is no field \"colour\""},
        {"in_port", ERR_MALFORMED, "\"in_port\" is not field=value"},
        {"in_port=x", ERR_MALFORMED, "in_port: \"x\" is not a value"},
        {"in_port=4294967296", ERR_MALFORMED, "in_port: \"4294967296\" is not a value"},
        {"eth_src=02:00", ERR_MALFORMED, "eth_src: \"02:00\" is not a value"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct match m = MATCH_ANY;
        struct diag diag = {""};
        assert_err(match_parse(cases[i].text, &m, &diag), cases[i].err);
        if (strncmp(diag.text, cases[i].says, strlen(cases[i].says)))
            fail_msg("%s: said \"%s\"", cases[i].text, diag.text);
        assert_true(match_equal(&m, &MATCH_ANY));
    }
}

static void
cubes_contain_and_intersect(void **state UNUSED)
{
    struct match ip = parsed("eth_type=0x0800"),
                 modbus = parsed("eth_type=0x0800,ip_proto=6,tcp_dst=502");
    struct match net = parsed("eth_type=0x0800,ipv4_src=10.20.0.0/16"),
                 arp = parsed("eth_type=0x0806");
    struct match both;
    assert_true(match_contains(&MATCH_ANY, &modbus));
    assert_true(match_contains(&ip, &modbus));
    assert_false(match_contains(&modbus, &ip));
    assert_true(match_intersect(&modbus, &net, &both));
    assert_true(match_contains(&modbus, &both) && match_contains(&net, &both));
    assert_false(match_intersect(&modbus, &arp, NULL));
}

static void
covers_the_packets_it_says(void **state UNUSED)
{
    struct match m = parsed("in_port=3,vlan_vid=0x0000,eth_type=0x0800,ipv4_dst=10.20.0.0/16");
    struct flow_key key = {.in_port = to_be32(3), .eth_type = to_be16(ETH_TYPE_IPV4)};
    flow_key_set(&key, FIELD_IPV4_DST, 0x0a140b0c);
    assert_true(match_covers_key(&m, &key));
    key.vlan_vid = to_be16(VLAN_PRESENT);
    assert_false(match_covers_key(&m, &key));
}

static void
rules_print_as_an_operator_reads_them(void **state UNUSED)
{
    struct flow flow = {.priority = 100, .cookie = 7, .meter_id = 7, .match = parsed("in_port=1")};
    actions_set_queue(&flow.apply, 3);
    actions_set_field(&flow.apply, FIELD_VLAN_VID, VLAN_PRESENT | 10);
    actions_group(&flow.apply, 0x21);
    actions_controller(&flow.apply, 128);
    struct buf out = BUF_INIT;
    flow_format(&flow, &out);
    assert_string_equal(buf_cstr(&out),
                        "table=0,priority=100,cookie=0x7 in_port=1 -> meter:7 set_queue:3,"
                        "set_field:vlan_vid=0x100a,group:0x21,output:CONTROLLER(128)");
    struct flow copy;
    flow_copy(&copy, &flow);
    assert_true(flow_equal(&copy, &flow));
    copy.apply.list[0].id = 4;
    assert_false(flow_equal(&copy, &flow));
    assert_true(flow_same(&copy, &flow));
    flow_fini(&copy);
    flow_fini(&flow);
    buf_fini(&out);
}

TEST_MAIN(cmocka_unit_test(text_goes_in_and_comes_out), cmocka_unit_test(says_which_field_is_wrong),
          cmocka_unit_test(cubes_contain_and_intersect),
          cmocka_unit_test(covers_the_packets_it_says),
          cmocka_unit_test(rules_print_as_an_operator_reads_them))
