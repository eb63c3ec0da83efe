/* The notifications are netconfd's. */
#include "proto/netconf/netconf_notice.h"

#include "base/testing.h"

#define NOTIFICATION(event)                                                                        \
    "<notification xmlns=\"urn:ietf:params:xml:ns:netconf:notification:1.0\">\n"                   \
    "  <eventTime>2026-11-30T22:27:49Z</eventTime>\n" event "</notification>"
#define NOTICES "xmlns=\"urn:ietf:params:xml:ns:yang:ietf-netconf-notifications\""

static struct netconf_notice
parsed(struct arena *arena, const char *text)
{
    struct netconf_xml *root;
    struct netconf_message message;
    struct netconf_notice notice;
    assert_ok(netconf_xml_parse(text, strlen(text), arena, &root, NULL));
    assert_ok(netconf_message_parse(root, arena, &message, NULL));
    assert_ok(netconf_notice_parse(&message, arena, &notice));
    return notice;
}

static void
changes_say_who_and_what(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_notice n = parsed(
        arena, NOTIFICATION("<netconf-config-change " NOTICES "><datastore>running</datastore>"
                            "<changed-by><username>root</username><session-id>3</session-id>"
                            "<source-host>127.0.0.1</source-host></changed-by><edit><target "
                            "xmlns:ni=\"urn:ni\">/ni:network-instances</target><operation>merge"
                            "</operation></edit><edit><operation>delete</operation></edit>"
                            "</netconf-config-change>"));
    assert_int_equal(n.kind, NETCONF_CONFIG_CHANGE);
    assert_string_equal(n.user, "root");
    assert_string_equal(n.host, "127.0.0.1");
    assert_int_equal(n.session_id, 3);
    assert_false(n.by_server);
    assert_int_equal(n.n_edits, 2);
    assert_string_equal(n.edits[0].target, "/ni:network-instances");
    assert_string_equal(n.edits[1].operation, "delete");
    assert_string_equal(n.edits[1].target, "");
    arena_free(arena);
}

static void
commits_say_how_long(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_notice n = parsed(
        arena,
        NOTIFICATION("<netconf-confirmed-commit " NOTICES "><username>root</username>"
                     "<session-id>3</session-id><confirm-event>start</confirm-event><timeout>"
                     "120</timeout></netconf-confirmed-commit>"));
    assert_int_equal(n.kind, NETCONF_CONFIRMED_COMMIT);
    assert_string_equal(n.commit_event, "start");
    assert_int_equal(n.timeout_s, 120);
    assert_int_equal(n.session_id, 3);
    arena_free(arena);
}

static void
others_are_others(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct netconf_notice n = parsed(arena, NOTIFICATION("<link-down xmlns='urn:x'/>"));
    assert_int_equal(n.kind, NETCONF_NOTICE_OTHER);
    assert_string_equal(n.user, "");
    n = parsed(arena, NOTIFICATION("<netconf-config-change " NOTICES "><changed-by><server/>"
                                   "</changed-by></netconf-config-change>"));
    assert_true(n.by_server);
    assert_string_equal(n.datastore, "running");
    arena_free(arena);
}

TEST_MAIN(cmocka_unit_test(changes_say_who_and_what), cmocka_unit_test(commits_say_how_long),
          cmocka_unit_test(others_are_others))
