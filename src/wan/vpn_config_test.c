#include "wan/vpn_config.h"

#include "base/testing.h"
#include "wan/vpn_lines.h"

#include <stdio.h>

static struct arena *arena;

static struct netconf_xml *tree(const char *format, ...) PRINTF_LIKE(1, 2);

static struct netconf_xml *
tree(const char *format, ...)
{
    struct netconf_xml *root = NULL;
    struct buf text = BUF_INIT;
    va_list args;
    buf_str(&text, "<config xmlns:t='" VPN_TEMPLATE_NS "'>");
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_str(&text, "</config>");
    assert_ok(netconf_xml_parse(text.data, text.size, arena, &root, NULL));
    buf_fini(&text);
    return root;
}

static void
expect_tree(const struct netconf_xml *root, const char *expected)
{
    struct buf text = BUF_INIT;
    assert_non_null(root);
    for (const struct netconf_xml *e = root->first; e; e = e->next)
        netconf_xml_put(&text, e);
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

#define OP(word) " xmlns:nc=\"" NETCONF_NS "\" nc:operation=\"" word "\""
#define OURS                                                                                       \
    "<a><list><k>1</k><own t:owned='true'>x</own></list><list t:owned='true'><k>2</k><v>y</v>"     \
    "</list><ll t:owned='true' t:leaf-list='true'>p</ll></a>"

static void
edits_touch_only_what_is_owned(void **state)
{
    (void)state;
    struct netconf_xml *ours = tree(OURS);
    expect_tree(vpn_config_edit(arena, NULL, ours, true),
                "<a><list><k>1</k><own" OP("replace") ">x</own></list><list" OP(
                    "replace") "><k>2"
                               "</k><v>y</v></list><ll" OP("replace") ">p</ll></a>");
    expect_tree(vpn_config_edit(arena, ours, NULL, true),
                "<a><list><k>1</k><own" OP("remove") ">x</own></list><list" OP(
                    "remove") "><k>2</k>"
                              "</list><ll" OP("remove") ">p</ll></a>");
    expect_tree(vpn_config_edit(arena, ours, NULL, false),
                "<a><list><k>1</k><own" OP("delete") ">x</own></list><list" OP(
                    "delete") "><k>2</k>"
                              "</list><ll" OP("delete") ">p</ll></a>");
    expect_tree(vpn_config_edit(arena, ours, ours, true), "");
    expect_tree(vpn_config_restore(arena, ours, ours, true),
                "<a><list><k>1</k><own" OP("replace") ">x</own></list><list" OP(
                    "replace") "><k>2"
                               "</k><v>y</v></list><ll" OP("replace") ">p</ll></a>");
    expect_tree(vpn_config_edit(arena, ours,
                                tree("<a><list t:owned='true'><k>2</k><v>z</v></list>"
                                     "<ll t:owned='true' t:leaf-list='true'>p</ll></a>"),
                                true),
                "<a><list><k>1</k><own" OP("remove") ">x</own></list><list" OP(
                    "replace") "><k>2</k><v>z</v></list></a>");
}

static void
what_is_gone_already_is_not_deleted(void **state)
{
    (void)state;
    struct netconf_xml *edit = vpn_config_edit(arena, tree(OURS), NULL, false);
    vpn_config_drop_absent(edit, tree("<a><list><k>1</k></list><list><k>2</k></list></a>"));
    expect_tree(edit, "<a><list" OP("delete") "><k>2</k></list></a>");
    vpn_config_drop_absent(edit, NULL);
    expect_tree(edit, "");
}

static void
ways_are_merged(void **state)
{
    (void)state;
    struct netconf_xml *config = tree(
        "<a><l><k>1</k><o t:owned='true'>x</o></l><l><k>2</k><p "
        "t:owned='true'/></l><l><k>1</k><q t:owned='true'/></l></a><b/>"
        "<a><l><k>2</k><r t:owned='true'/></l></a>");
    vpn_config_merge(config);
    expect_tree(vpn_config_native(arena, config),
                "<a><l><k>1</k><o>x</o><q/></l><l><k>2</k><p/><r/></l></a><b/>");
}

static void
filters_ask_for_what_is_owned(void **state)
{
    (void)state;
    struct netconf_xml *ours = tree(OURS);
    const char *expected = "<a><list><k>1</k><own/></list><list><k>2</k></list><ll/></a>";
    expect_tree(vpn_config_filter(arena, ours, NULL), expected);
    expect_tree(vpn_config_filter(arena, ours, tree(OURS)), expected);
}

static void
expect_differences(const char *want, const char *have, const char *expected)
{
    struct vpn_differences found;
    struct buf text = BUF_INIT;
    assert_ok(vpn_config_compare(arena, tree("%s", want), have ? tree("%s", have) : NULL, &found));
    for (uint32_t i = 0; i < found.n; i++)
        buf_printf(&text, "%s%s %s", i ? ", " : "", vpn_drift_name(found.list[i].kind),
                   found.list[i].path);
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
drift_is_told_by_path(void **state)
{
    (void)state;
    const char *all = "missing /a/list[k=1]/own, missing /a/list[k=2], missing /a/ll[.=p]";
    expect_differences(OURS, NULL, all);
    expect_differences(OURS, "<a/>", all);
    expect_differences(OURS,
                       "<a><ll>q</ll><ll>p</ll><list><v> y </v><k>2</k></list><list><k>3</k>"
                       "</list><list><k>1</k><own>x</own><theirs/></list></a><b/>",
                       "");
    expect_differences(OURS,
                       "<a><ll>p</ll><list><k>2</k><v>z</v><w>9</w></list><list><k>1</k><own>x"
                       "</own></list></a>",
                       "different /a/list[k=2]/v, unexpected /a/list[k=2]/w");
}

static void
lists_and_containers_inside_are_told_apart(void **state)
{
    (void)state;
    const char *want = "<o t:owned='true'><c><first>1</first><second>2</second></c><m>x</m><m>y</m>"
                       "<l><k>1</k><v>a</v></l><l><k>2</k><v>b</v></l></o>";
    expect_differences(
        want,
        "<o><l><k>2</k><v>b</v></l><l><k>1</k><v>a</v></l><m>y</m><m>x</m><c><second>2"
        "</second><first>1</first></c></o>",
        "");
    expect_differences(want,
                       "<o><c><first>9</first><second>2</second></c><m>x</m><m>z</m><l><k>1</k><v>c"
                       "</v></l><l><k>3</k></l></o>",
                       "different /o/c[first=1]/first, missing /o/m, different /o/l[k=1]/v, "
                       "missing /o/l[k=2], unexpected /o/m, unexpected /o/l[k=3]");
}

static void
defaults_do_not_count(void **state)
{
    (void)state;
    expect_differences(
        "<o t:owned='true'><k>1</k></o>",
        "<o xmlns:wd='" NETCONF_NS_WD_ATTRIBUTE "'><k>1</k><d wd:default='true'>7</d></o>", "");
}

static void
namespaces_may_be_left_out(void **state)
{
    (void)state;
    expect_differences("<c><o t:owned='true'><k>1</k><v/></o></c>",
                       "<c xmlns='urn:x'><o><k>1</k><v/></o></c>", "");
}

static void
expect_conflict(const char *before, const char *have, const char *expected)
{
    const char *path = vpn_config_conflict(arena, before ? tree("%s", before) : NULL, tree(OURS),
                                           tree("%s", have), "tieline:x", "tl-x");
    if (expected)
        assert_string_equal(path, expected);
    else
        assert_null(path);
}

static void
what_is_of_others_is_seen(void **state)
{
    (void)state;
    expect_conflict(NULL, "<a><list><k>1</k></list></a>", NULL);
    expect_conflict(NULL, "<a><list><k>2</k><v>theirs</v></list></a>", "/a/list[k=2]");
    expect_conflict(NULL, "<a><list><k>2</k><v>tieline:x</v></list></a>", NULL);
    expect_conflict(NULL, "<a><list><k>2</k><v>tieline:x2</v></list></a>", "/a/list[k=2]");
    expect_conflict(NULL, "<a><list><k>2</k><v>y</v></list></a>", NULL);      /* the same */
    expect_conflict(OURS, "<a><list><k>2</k><v>theirs</v></list></a>", NULL); /* drift */
    const char *named = "<l t:owned='true'><k>tl-x--1</k></l>";
    const char *other = "<l t:owned='true'><k>tl-x-1</k></l>";
    assert_null(vpn_config_conflict(arena, NULL, tree("%s", named),
                                    tree("<l><k>tl-x--1</k><v/></l>"), "tieline:x", "tl-x"));
    assert_non_null(vpn_config_conflict(arena, NULL, tree("%s", other),
                                        tree("<l><k>tl-x-1</k><v/></l>"), "tieline:x", "tl-x"));
    expect_conflict(NULL, "<a><list><k>1</k><own>theirs</own></list></a>", "/a/list[k=1]/own");
}

/* ---- lines */

static void
expect_change(const char *before, const char *now, const char *expected)
{
    struct buf text = BUF_INIT;
    vpn_lines_change(before, now, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
lines_go_before_others_come(void **state)
{
    (void)state;
    expect_change("vrf a\n ip route 1.0.0.0/8 2.2.2.2\nexit-vrf\n",
                  "vrf a\n ip route 1.0.0.0/8 3.3.3.3\nexit-vrf\n",
                  "vrf a\n no ip route 1.0.0.0/8 2.2.2.2\nexit-vrf\n"
                  "vrf a\n ip route 1.0.0.0/8 3.3.3.3\nexit-vrf\n");
    expect_change("router bgp 1\n no x\n y\nexit\n", "router bgp 1\n y\nexit\n",
                  "router bgp 1\n x\nexit\n");
    expect_change("a\n b\n  c\n  d\n exit-b\nexit\n", "a\n b\n  c\n exit-b\nexit\n",
                  "a\n b\n  no d\n exit-b\nexit\n");
    expect_change("interface e\n description x y\n ip address 1.1.1.1/8\nexit\n", NULL,
                  "interface e\n no ip address 1.1.1.1/8\n no description\nexit\n");
    expect_change(NULL, NULL, "");
}

static void
drift_of_lines_is_told(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    vpn_lines_compare("vrf a\n x\nexit-vrf\nrouter bgp 1 vrf a\n y\nexit\n",
                      "!\nhostname r\nvrf a\n x\n z\nexit-vrf\n!\nvrf b\n q\nexit-vrf\n", &text);
    assert_string_equal(buf_cstr(&text), "  vrf a\n+  z\n- router bgp 1 vrf a\n-  y\n");
    buf_fini(&text);
}

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new(1 << 22);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(edits_touch_only_what_is_owned), TEST(filters_ask_for_what_is_owned),
          TEST(ways_are_merged), TEST(what_is_gone_already_is_not_deleted),
          TEST(drift_is_told_by_path), TEST(lists_and_containers_inside_are_told_apart),
          TEST(defaults_do_not_count), TEST(namespaces_may_be_left_out),
          TEST(what_is_of_others_is_seen), TEST(lines_go_before_others_come),
          TEST(drift_of_lines_is_told))
