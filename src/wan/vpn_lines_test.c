#include "wan/vpn_lines.h"

#include "base/testing.h"

#define VRF "vrf tl-a\n ip route 10.1.0.0/16 10.0.0.2\nexit-vrf\n"

static void
drift_is_ended_and_what_is_of_others_is_left(void **state UNUSED)
{
    struct buf lines = BUF_INIT, undo = BUF_INIT;
    vpn_lines_restore(VRF "interface e1\n ip address 10.0.0.1/30\nexit\n",
                      "vrf other\n ip route 10.9.0.0/16 10.0.0.9\nexit-vrf\n"
                      "vrf tl-a\n ip route 10.66.0.0/16 10.0.0.2\nexit-vrf\n",
                      &lines, &undo);
    assert_string_equal(buf_cstr(&lines), "vrf tl-a\n no ip route 10.66.0.0/16 10.0.0.2\nexit-vrf\n"
                                          "vrf tl-a\n ip route 10.1.0.0/16 10.0.0.2\nexit-vrf\n"
                                          "interface e1\n ip address 10.0.0.1/30\nexit\n");
    assert_string_equal(buf_cstr(&undo), "interface e1\n no ip address 10.0.0.1/30\nexit\n"
                                         "vrf tl-a\n no ip route 10.1.0.0/16 10.0.0.2\nexit-vrf\n"
                                         "vrf tl-a\n ip route 10.66.0.0/16 10.0.0.2\nexit-vrf\n");
    buf_fini(&lines);
    buf_fini(&undo);
}

static void
what_is_as_it_should_be_needs_no_lines(void **state UNUSED)
{
    struct buf lines = BUF_INIT, undo = BUF_INIT;
    vpn_lines_restore(VRF, "hostname x\n!\n" VRF, &lines, &undo);
    assert_int_equal(lines.size, 0);
    assert_int_equal(undo.size, 0);
    buf_fini(&lines);
    buf_fini(&undo);
}

static void
a_context_with_nothing_in_it_need_not_be_shown(void **state UNUSED)
{
    struct buf told = BUF_INIT;
    vpn_lines_compare("vrf tl-b\nexit-vrf\n" VRF, "hostname x\n" VRF, &told);
    assert_string_equal(buf_cstr(&told), "");
    vpn_lines_compare(VRF, "hostname x\n", &told);
    assert_string_equal(buf_cstr(&told), "- vrf tl-a\n-  ip route 10.1.0.0/16 10.0.0.2\n");
    buf_fini(&told);
}

TEST_MAIN(cmocka_unit_test(drift_is_ended_and_what_is_of_others_is_left),
          cmocka_unit_test(what_is_as_it_should_be_needs_no_lines),
          cmocka_unit_test(a_context_with_nothing_in_it_need_not_be_shown))
