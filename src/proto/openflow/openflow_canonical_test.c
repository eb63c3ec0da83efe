#include "proto/openflow/openflow_canonical.h"

#include "base/testing.h"

static void
check_set(struct actions *actions, const char *expected)
{
    struct buf text = BUF_INIT;
    openflow_canonical_action_set(actions);
    actions_format(actions, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
    actions_free(actions);
}

/* OpenFlow 1.3.5 section 5.10, "Action Set". */
static void
an_action_set_is_in_the_order_of_its_execution(void **state UNUSED)
{
    struct actions set = {0};
    actions_output(&set, 2);
    actions_set_queue(&set, 3);
    actions_set_field(&set, FIELD_VLAN_VID, 0x1064);
    actions_add(&set, ACTION_DEC_NW_TTL);
    actions_add(&set, ACTION_COPY_TTL_OUT);
    actions_add(&set, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_add(&set, ACTION_PUSH_PBB)->eth_type = ETH_TYPE_PBB;
    actions_add(&set, ACTION_PUSH_MPLS)->eth_type = ETH_TYPE_MPLS;
    actions_add(&set, ACTION_POP_VLAN);
    actions_add(&set, ACTION_COPY_TTL_IN);
    check_set(&set, "copy_ttl_in,pop_vlan,push_mpls:0x8847,push_pbb:0x88e7,push_vlan:0x8100,"
                    "copy_ttl_out,dec_nw_ttl,set_field:vlan_vid=0x1064,set_queue:3,output:2");
}

static void
the_last_action_of_a_kind_counts(void **state UNUSED)
{
    struct actions set = {0};
    actions_set_field(&set, FIELD_TCP_DST, 1);
    actions_set_field(&set, FIELD_TCP_SRC, 2);
    actions_set_field(&set, FIELD_TCP_DST, 3);
    actions_output(&set, 4);
    actions_output(&set, 5);
    check_set(&set, "set_field:tcp_src=2,set_field:tcp_dst=3,output:5");
}

static void
a_group_makes_an_output_void(void **state UNUSED)
{
    struct actions set = {0};
    actions_output(&set, 4);
    actions_group(&set, 1);
    check_set(&set, "group:0x1");
}

/* An action list is executed as it stands: nothing may be moved or dropped. */
static void
an_action_list_keeps_its_order(void **state UNUSED)
{
    struct actions list = {0};
    actions_output(&list, 2);
    list.list[0].max_len = 0xffe5; /* as some controllers say for every port */
    actions_set_field(&list, FIELD_TCP_DST, 1);
    actions_output(&list, 2);
    actions_controller(&list, 128);
    openflow_canonical_actions(&list);
    assert_int_equal(list.n, 4);
    assert_int_equal(list.list[0].max_len, 0);
    assert_int_equal(list.list[3].max_len, 128);
    actions_free(&list);
}

static void
instructions_without_effect_are_gone(void **state UNUSED)
{
    struct flow plain = {.priority = 1}, busy = {.priority = 1};
    busy.has_apply = busy.has_write = true;
    busy.metadata = 5;   /* under a mask of nothing */
    busy.goto_table = 3; /* without has_goto */
    busy.flags = FLOW_CHECK_OVERLAP | FLOW_RESET_COUNTS;
    openflow_canonical_flow(&plain);
    openflow_canonical_flow(&busy);
    assert_true(flow_equal(&plain, &busy));
    assert_true(busy.flags == 0 && !busy.has_apply && !busy.has_write);
    busy.metadata = busy.metadata_mask = 1;
    openflow_canonical_flow(&busy);
    assert_false(flow_equal(&plain, &busy));
}

static void
weights_and_watches_only_where_they_count(void **state UNUSED)
{
    struct bucket bucket = {.weight = 5, .watch_port = 7, .watch_group = GROUP_ANY};
    struct group group = {1, GROUP_TYPE_ALL, 1, &bucket};
    openflow_canonical_group(&group);
    assert_int_equal(bucket.weight, 0);
    assert_int_equal(bucket.watch_port, PORT_ANY);
    bucket = (struct bucket){.weight = 5, .watch_port = 7, .watch_group = GROUP_ANY};
    group.type = GROUP_TYPE_SELECT;
    openflow_canonical_group(&group);
    assert_true(bucket.weight == 5 && bucket.watch_port == 7);
    group.type = GROUP_TYPE_FF;
    openflow_canonical_group(&group);
    assert_true(bucket.weight == 0 && bucket.watch_port == 7);
}

static void
meters_count_in_kilobits_unless_told_otherwise(void **state UNUSED)
{
    struct band a = {BAND_DROP, 0, 100, 0}, b = {BAND_DROP, 7, 100, 20};
    struct meter said = {1, METER_KBPS, 1, &a}, unsaid = {1, METER_STATS, 1, &b};
    openflow_canonical_meter(&said);
    openflow_canonical_meter(&unsaid);
    assert_true(meter_equal(&said, &unsaid));
    assert_true(b.burst == 0 && b.prec_level == 0);
}

TEST_MAIN(cmocka_unit_test(an_action_set_is_in_the_order_of_its_execution),
          cmocka_unit_test(the_last_action_of_a_kind_counts),
          cmocka_unit_test(a_group_makes_an_output_void),
          cmocka_unit_test(an_action_list_keeps_its_order),
          cmocka_unit_test(instructions_without_effect_are_gone),
          cmocka_unit_test(weights_and_watches_only_where_they_count),
          cmocka_unit_test(meters_count_in_kilobits_unless_told_otherwise))
