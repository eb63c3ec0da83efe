#include "proto/netconf/netconf_xml.h"

#include "base/testing.h"

static struct netconf_xml *
parsed(struct arena *arena, const char *text)
{
    struct netconf_xml *root = NULL;
    struct diag diag = {""};
    size_t size = strlen(text);
    char *exact = malloc(size);
    memcpy(exact, text, size);
    enum err err = netconf_xml_parse(exact, size, arena, &root, &diag);
    if (err)
        print_message("%s\n", diag.text);
    assert_ok(err);
    free(exact);
    return root;
}

static void
expect_refused(const char *text, size_t budget, enum err expected, const char *part)
{
    struct arena *arena = arena_new(budget);
    struct netconf_xml *root = NULL;
    struct diag diag = {""};
    assert_err(netconf_xml_parse(text, strlen(text), arena, &root, &diag), expected);
    assert_null(root);
    assert_non_null(strstr(diag.text, part));
    arena_free(arena);
}

static void
names_namespaces_and_text_are_read(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_xml *root = parsed(
        arena,
        "<?xml version=\"1.0\"?><!-- c --><n:a xmlns:n=\"urn:n\" xmlns=\"urn:d\" n:x='1' y='&lt;'>"
        "\n <b> t<!-- c -->u&amp; </b><c><![CDATA[<x>]]></c><d> </d><n:e/></n:a>");
    assert_true(netconf_xml_is(root, "urn:n", "a"));
    assert_string_equal(netconf_xml_attribute(root, "urn:n", "x"), "1");
    assert_string_equal(netconf_xml_attribute(root, NULL, "y"), "<");
    assert_string_equal(root->text, "");
    assert_int_equal(root->n_children, 4);
    assert_string_equal(netconf_xml_child(root, "urn:d", "b")->text, " tu& ");
    assert_string_equal(netconf_xml_value(arena, root, "b", ""), "tu&");
    assert_string_equal(netconf_xml_value(NULL, root, "c", ""), "<x>");
    assert_string_equal(netconf_xml_child(root, NULL, "d")->text, " ");
    assert_null(netconf_xml_child(root, "urn:d", "e"));
    assert_string_equal(netconf_xml_resolve(root->first, "n"), "urn:n");
    arena_free(arena);
}

static void
an_undeclared_prefix_is_forgiven(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_xml *root = parsed(arena,
                                      "<nc:rpc-reply message-id='1'><nc:ok/></nc:rpc-reply>");
    assert_true(netconf_xml_is(root, NETCONF_NS, "rpc-reply"));
    assert_non_null(netconf_xml_child(root, NETCONF_NS, "ok"));
    arena_free(arena);
}

static void
what_netconf_does_not_need_is_refused(void **state)
{
    (void)state;
    expect_refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", 1 << 20, ERR_UNSUPPORTED,
                   "document type");
    expect_refused("<!DOCTYPE a SYSTEM \"/etc/passwd\"><a/>", 1 << 20, ERR_UNSUPPORTED,
                   "document type");
    expect_refused("<a>&b;</a>", 1 << 20, ERR_MALFORMED, "line 1");
    expect_refused("<a>\n<b></a>", 1 << 20, ERR_MALFORMED, "line 2");
    expect_refused("", 1 << 20, ERR_MALFORMED, "nothing");
    expect_refused("<a/><b/>", 1 << 20, ERR_MALFORMED, "well-formed");
    expect_refused("<a><b>text</b><b>text</b><b>text</b></a>", 256, ERR_LIMIT, "memory");
    struct buf deep = BUF_INIT;
    for (int i = 0; i < 130; i++)
        buf_str(&deep, "<a>");
    for (int i = 0; i < 130; i++)
        buf_str(&deep, "</a>");
    expect_refused(buf_cstr(&deep), 1 << 20, ERR_LIMIT, "within each other");
    buf_fini(&deep);
}

static void
what_is_written_means_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    static const char text[] =
        "<i:interfaces xmlns:i='urn:if' xmlns:t='urn:t'><i:interface><i:name>a&lt;&quot;</i:name>"
        "<i:type>t:ether</i:type><m xmlns=''>&#13;x</m></i:interface></i:interfaces>";
    struct netconf_xml *root = parsed(arena, text);
    struct buf out = BUF_INIT, pretty = BUF_INIT, copied = BUF_INIT;
    netconf_xml_put(&out, root);
    assert_string_equal(buf_cstr(&out),
                        "<interfaces xmlns=\"urn:if\"><interface><name>a&lt;&quot;</name>"
                        "<type xmlns:t=\"urn:t\">t:ether</type><m xmlns=\"\">&#13;x</m></interface>"
                        "</interfaces>");
    netconf_xml_put_pretty(&pretty, root, 0);
    assert_true(netconf_xml_same(root, parsed(arena, buf_cstr(&out))));
    assert_true(netconf_xml_same(root, parsed(arena, buf_cstr(&pretty))));
    netconf_xml_put(&copied, netconf_xml_copy(arena, NULL, root));
    assert_string_equal(buf_cstr(&copied), buf_cstr(&out));
    buf_fini(&out);
    buf_fini(&pretty);
    buf_fini(&copied);
    arena_free(arena);
}

static void
attributes_of_netconf_are_declared_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_xml *e = netconf_xml_add(arena, NULL, "urn:a", "a", NULL);
    struct buf out = BUF_INIT;
    assert_ok(netconf_xml_set(arena, e, NETCONF_NS, "operation", "replace"));
    assert_ok(netconf_xml_set(arena, e, NETCONF_NS, "x", "<"));
    assert_ok(netconf_xml_set(arena, e, "urn:y", "y", "2"));
    netconf_xml_put(&out, e);
    assert_string_equal(buf_cstr(&out),
                        "<a xmlns=\"urn:a\" xmlns:nc=\"" NETCONF_NS "\" nc:operation=\"replace\" "
                        "nc:x=\"&lt;\" xmlns:a2=\"urn:y\" a2:y=\"2\"/>");
    buf_fini(&out);
    arena_free(arena);
}

static void
equal_is_what_means_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_xml *a = parsed(arena, "<a xmlns:p='urn:1'><b>p:x</b><c>1</c><c>2</c></a>");
    assert_true(netconf_xml_same(
        a, parsed(arena, "<a xmlns:q='urn:1'>\n<c>2</c><c> 1 </c><b>q:x</b></a>")));
    assert_true(netconf_xml_same(a, parsed(arena, "<a><c>2</c><c>1</c><b>x</b></a>")));
    assert_false(
        netconf_xml_same(a, parsed(arena, "<a xmlns:q='urn:2'><c>2</c><c>1</c><b>q:x</b></a>")));
    assert_false(netconf_xml_same(a, parsed(arena, "<a><c>2</c><c>3</c><b>x</b></a>")));
    assert_false(netconf_xml_same(a, parsed(arena, "<a><c>2</c><b>x</b></a>")));
    arena_free(arena);
}

TEST_MAIN(cmocka_unit_test(names_namespaces_and_text_are_read),
          cmocka_unit_test(an_undeclared_prefix_is_forgiven),
          cmocka_unit_test(what_netconf_does_not_need_is_refused),
          cmocka_unit_test(what_is_written_means_the_same),
          cmocka_unit_test(attributes_of_netconf_are_declared_once),
          cmocka_unit_test(equal_is_what_means_the_same))
