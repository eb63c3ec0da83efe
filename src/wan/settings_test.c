#include "wan/settings.h"

#include "base/testing.h"

static void
what_is_written_is_read(void **state UNUSED)
{
    static const char text[] =
        "pcep: {listen: \"0.0.0.0:4189\", tls: required, settle: 120ms, repeat: 300ms, binding: "
        "500000, admit: inventory, memory-mib: 64, quiet: 20s}\n"
        "bgp: {as: 65000, identifier: 10.0.0.9}\n"
        "feeds:\n"
        "  - {name: core, kind: frr-ospf, api: \"127.0.0.1:2607\", local: 127.0.0.1}\n"
        "  - {name: east, kind: frr-isis, socket: /run/frr/isisd.vty, interval: 500ms}\n"
        "  - {name: rr, kind: bgp-ls, address: 10.0.0.7, port: 179, as: 65001}\n"
        "  - {name: plan, kind: import, file: links.csv}\n"
        "at-risk: {hold-off: 500ms, wait-to-restore: 10m}\n"
        "netconf: {user: ops, key: id, known-hosts: hosts, templates: t, confirm: 60s, soak: "
        "20s, works-within: 5s}\n";
    struct wan_settings s;
    struct diag why;
    assert_ok(wan_settings_read(text, sizeof text - 1, "wan.yaml", &s, &why));
    assert_string_equal(s.pcep_listen, "0.0.0.0:4189");
    assert_int_equal(s.pcep_tls, WAN_TLS_REQUIRED);
    assert_int_equal(s.settle, 120 * NSEC_PER_MSEC);
    assert_int_equal(s.repeat, 300 * NSEC_PER_MSEC);
    assert_int_equal(s.binding, 500000);
    assert_int_equal(s.pcep_admit, WAN_ADMIT_INVENTORY);
    assert_int_equal(s.pcep_memory_mib, 64);
    assert_int_equal(s.quiet, 20 * NSEC_PER_SEC);
    assert_int_equal(s.bgp_as, 65000);
    assert_int_equal(s.hold_off, 500 * NSEC_PER_MSEC);
    assert_int_equal(s.wait_to_restore, 600 * NSEC_PER_SEC);
    assert_int_equal(s.n_feeds, 4);
    assert_int_equal(s.feeds[1].kind, WAN_FEED_FRR_ISIS);
    assert_int_equal(s.feeds[1].interval, 500 * NSEC_PER_MSEC);
    assert_int_equal(s.feeds[2].as, 65001);
    assert_string_equal(s.feeds[3].file, "links.csv");
    assert_true(s.netconf.wanted);
    assert_string_equal(s.netconf.known_hosts, "hosts");
    assert_int_equal(s.netconf.soak, 20 * NSEC_PER_SEC);
    assert_int_equal(s.netconf.drift, 0);
    assert_int_equal(s.netconf.works_within, 5 * NSEC_PER_SEC);
    wan_settings_fini(&s);
    assert_ok(wan_settings_read("{}", 2, "wan.yaml", &s, &why));
    assert_null(s.pcep_listen);
    assert_int_equal(s.pcep_admit, WAN_ADMIT_ANY);
    assert_false(s.netconf.wanted);
    wan_settings_fini(&s);
}

static void
what_is_wrong_is_named_with_its_place(void **state UNUSED)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[]", "w:1:1: a mapping is expected"},
        {"pcap: {}", "w:1:1: pcap: there is no such key"},
        {"pcep: {}", "listen: is missing"},
        {"pcep: {listen: \"\"}", "listen: it is empty"},
        {"pcep: {listen: x, tls: always}", "w:1:19: tls: there is no such word"},
        {"pcep: {listen: x, admit: friends}", "w:1:19: admit: there is no such word"},
        {"pcep: {listen: x, memory-mib: 0}", "memory-mib: it is no number"},
        {"pcep: {listen: x, settle: soon}", "settle: a duration"},
        {"pcep: {listen: x, quiet: 14s}", "w:1:19: quiet: 15s at least"},
        {"pcep: {listen: x, binding: 1000000}", "binding: it is no number"},
        {"bgp: {as: 0, identifier: 10.0.0.1}", "as: it is no number"},
        {"bgp: {as: 1, identifier: here}", "identifier: an IPv4 address"},
        {"at-risk: {hold-off: 0s}", "w:1:11: hold-off: a duration"},
        {"at-risk: {hold-of: 1s}", "hold-of: there is no such key"},
        {"at-risk: 2s", "at-risk: a mapping"},
        {"netconf: 7", "netconf: a mapping"},
        {"netconf: {keys: x}", "keys: there is no such key"},
        {"netconf: {confirm: 500ms}", "w:1:11: confirm: whole seconds"},
        {"netconf: {confirm: 9s, soak: 4s}", "soak: it is more than a third"},
        {"netconf: {works-within: 3m}", "works-within: it is more than 100s"},
        {"feeds: {}", "feeds: a list is expected"},
        {"feeds: [7]", "each is a mapping"},
        {"feeds:\n  - {name: a}", "kind: is missing"},
        {"feeds:\n  - {name: a, kind: isis}", "w:2:15: kind: there is no such word"},
        {"feeds:\n  - {name: a, kind: import}", "file: is missing"},
        {"feeds:\n  - {name: a, kind: import, file: f, socket: s}", "socket: there is no such key"},
        {"feeds:\n  - {name: a, kind: import, file: f}\n  - {name: a, kind: import, file: g}",
         "w:3:6: name: there is another feed of that name"},
        {"feeds:\n  - {name: a, kind: bgp-ls, address: 10.0.0.1}", "needs the part \"bgp\""},
        {"feeds: [\n", "w:"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct wan_settings s;
        struct diag why = {""};
        if (!wan_settings_read(cases[i].text, strlen(cases[i].text), "w", &s, &why) ||
            !strstr(why.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, why.text);
    }
}

TEST_MAIN(cmocka_unit_test(what_is_written_is_read),
          cmocka_unit_test(what_is_wrong_is_named_with_its_place))
