#include "proto/netconf/netconf_session.h"

#include "base/testing.h"
#include "proto/netconf/netconf_frame.h"

#include <stdio.h>

#define S NSEC_PER_SEC
#define CAPABILITY "<capability>urn:ietf:params:netconf:"
#define HELLO_1_0                                                                                  \
    "<hello xmlns='" NETCONF_NS "'><capabilities>" CAPABILITY "base:1.0</capability>"              \
    "</capabilities><session-id>4</session-id></hello>]]>]]>"
#define HELLO_1_1                                                                                  \
    "<?xml version='1.0'?>\n<nc:hello xmlns:nc='" NETCONF_NS "'>\n <nc:capabilities>"              \
    "<nc:capability>\n urn:ietf:params:netconf:base:1.1\n</nc:capability><nc:capability>"          \
    "urn:ietf:params:netconf:capability:candidate:1.0</nc:capability><nc:capability>"              \
    "urn:x?revision=2014-05-08&amp;module=ietf-interfaces</nc:capability></nc:capabilities>"       \
    "<nc:session-id> 7 </nc:session-id></nc:hello>]]>]]>"

/* As Junos greets, and answers. */
#define HELLO_JUNOS                                                                                \
    "<!-- No zombies were killed during the creation of this user interface -->\n<!-- user admin," \
    " class j-super-user -->\n<hello xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">\n"         \
    "  <capabilities>\n    <capability>urn:ietf:params:netconf:base:1.0</capability>\n"            \
    "    <capability>urn:ietf:params:xml:ns:netconf:capability:candidate:1.0</capability>\n"       \
    "    <capability>http://xml.juniper.net/netconf/junos/1.0</capability>\n  </capabilities>\n"   \
    "  <session-id>12345</session-id>\n</hello>\n]]>]]>\n"

static const struct netconf_request get = {.operation = NETCONF_GET};

static struct netconf_session *
fresh(const struct netconf_session_config *config)
{
    return netconf_session_new(config ? config : &(struct netconf_session_config){0}, 0);
}

static void
hear(struct netconf_session *s, const char *text)
{
    netconf_session_input(s, (const uint8_t *)text, strlen(text), 0);
}

static void
hear_chunked(struct netconf_session *s, const char *text)
{
    struct buf out = BUF_INIT;
    netconf_frame_put(&out, true, text, strlen(text));
    netconf_session_input(s, out.data, out.size, 0);
    buf_fini(&out);
}

static struct netconf_event
expect_event(struct netconf_session *s, enum netconf_event_kind kind)
{
    struct netconf_event event;
    assert_true(netconf_session_next(s, &event));
    assert_int_equal(event.kind, kind);
    return event;
}

static void
expect_nothing(struct netconf_session *s)
{
    struct netconf_event event;
    assert_false(netconf_session_next(s, &event));
}

static struct netconf_session *
up(const char *hello)
{
    struct netconf_session *s = fresh(NULL);
    hear(s, hello);
    expect_event(s, NETCONF_UP);
    expect_nothing(s);
    buf_clear(netconf_session_output(s));
    return s;
}

static const char *
sent(struct netconf_session *s)
{
    return buf_cstr(netconf_session_output(s));
}

static void
hello_chooses_the_framing(void **state)
{
    (void)state;
    struct netconf_session *s = fresh(NULL);
    assert_err(netconf_session_request(s, &get, NULL, 0, 0, NULL), ERR_BUSY);
    assert_non_null(strstr(sent(s), "base:1.1</capability></capabilities></hello>]]>]]>"));
    netconf_session_free(s);
    s = up(HELLO_1_0);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    assert_string_equal(sent(s), "<rpc xmlns=\"" NETCONF_NS "\" message-id=\"1\"><get></get></rpc>"
                                 "]]>]]>");
    netconf_session_free(s);
    s = up(HELLO_1_1);
    assert_int_equal(netconf_session_hello(s)->session_id, 7);
    assert_true(netconf_hello_has_module(netconf_session_hello(s), "ietf-interfaces"));
    assert_false(netconf_hello_has_module(netconf_session_hello(s), "ietf-inter"));
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    assert_string_equal(sent(s), "\n#85\n<rpc xmlns=\"" NETCONF_NS
                                 "\" message-id=\"1\"><get></get></rpc>\n##\n");
    netconf_session_free(s);
}

static void
servers_that_report_defaults_can_mark_them(void **state)
{
    (void)state;
    static const char *uris[] = {
        "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=explicit&also-supported="
        "report-all-tagged",
        "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=report-all",
        "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=report-all&also-supported="
        "trim,report-all-tagged"};
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(
            netconf_hello_tags_defaults(&(struct netconf_hello){.n_uris = 1, .uris = &uris[i]}),
            i == 2);
}

static void
a_first_message_that_is_no_hello_ends_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"<rpc-reply/>]]>]]>", ERR_MALFORMED},
        {"<hello xmlns='" NETCONF_NS "'><capabilities/></hello>]]>]]>", ERR_UNSUPPORTED},
        {"Welcome to the router\n]]>]]>", ERR_MALFORMED},
        {"<!DOCTYPE x><hello/>]]>]]>", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct netconf_session *s = fresh(NULL);
        hear(s, cases[i].text);
        struct netconf_event event = expect_event(s, NETCONF_DOWN);
        assert_err(event.err, cases[i].err);
        expect_nothing(s);
        netconf_session_free(s);
    }
}

static void
replies_find_their_requests(void **state)
{
    (void)state;
    int args[3];
    struct netconf_session *s = up(HELLO_1_1);
    for (int i = 0; i < 3; i++)
        assert_ok(netconf_session_request(s, &get, &args[i], 0, 0, NULL));
    hear_chunked(s,
                 "<rpc-reply message-id='2' xmlns='" NETCONF_NS "'><data><x/></data></rpc-reply>");
    hear_chunked(s, "<rpc-reply message-id='9' xmlns='" NETCONF_NS "'><ok/></rpc-reply>");
    hear_chunked(s, "<surprise/>");
    hear_chunked(s, "<n:rpc-reply message-id='1' xmlns:n='" NETCONF_NS "'><n:ok/></n:rpc-reply>");
    struct netconf_event event = expect_event(s, NETCONF_DONE);
    assert_ptr_equal(event.arg, &args[1]);
    assert_string_equal(event.message->data->first->name, "x");
    event = expect_event(s, NETCONF_DONE);
    assert_ptr_equal(event.arg, &args[0]);
    expect_nothing(s);
    assert_int_equal(netconf_session_stats(s)->unmatched, 1);
    assert_int_equal(netconf_session_stats(s)->refused, 1);
    netconf_session_close(s, ERR_CLOSED, "the cable is cut");
    event = expect_event(s, NETCONF_FAILED);
    assert_ptr_equal(event.arg, &args[2]);
    assert_err(event.err, ERR_CLOSED);
    assert_string_equal(event.diag.text, "the cable is cut");
    expect_event(s, NETCONF_DOWN);
    expect_nothing(s);
    netconf_session_free(s);
}

/* The example of RFC 6241 appendix A and more: all fields. */
static void
an_error_is_told_with_all_its_fields(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    hear_chunked(s, "<rpc-reply message-id='1' xmlns='" NETCONF_NS "'><rpc-error>"
                    "<error-type>protocol</error-type><error-tag>lock-denied</error-tag>"
                    "<error-severity>error</error-severity><error-app-tag>tag-7</error-app-tag>"
                    "<error-path xmlns:t='urn:t'>/t:top/t:x</error-path>"
                    "<error-message xml:lang='en'> Lock failed </error-message><error-info>"
                    "<session-id>454</session-id><bad-element>bad</bad-element></error-info>"
                    "</rpc-error></rpc-reply>");
    struct netconf_event event = expect_event(s, NETCONF_FAILED);
    assert_err(event.err, ERR_BUSY);
    assert_string_equal(event.diag.text,
                        "lock-denied: Lock failed; path /t:top/t:x; app-tag tag-7; "
                        "element bad; held by session 454");
    assert_string_equal(event.message->errors[0].type, "protocol");
    netconf_session_free(s);
}

static void
warnings_are_no_failure(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    hear_chunked(s,
                 "<rpc-reply message-id='1'><rpc-error><error-severity>warning</error-severity>"
                 "<error-message>uncommitted changes</error-message></rpc-error><ok/></rpc-reply>");
    struct netconf_event event = expect_event(s, NETCONF_DONE);
    assert_int_equal(event.message->n_errors, 1);
    assert_true(event.message->errors[0].warning);
    netconf_session_free(s);
}

static void
junos_hides_errors_in_results(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_JUNOS);
    assert_true(netconf_session_hello(s)->capabilities & NETCONF_CANDIDATE);
    struct netconf_request commit = {.operation = NETCONF_COMMIT};
    assert_ok(netconf_session_request(s, &commit, NULL, 0, 0, NULL));
    hear(
        s,
        "<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" "
        "xmlns:junos=\"http://xml.juniper.net/junos/18.1R1/junos\" message-id=\"1\">\n"
        "<commit-results>\n<routing-engine junos:style=\"normal\">\n<name>re0</name>\n"
        "<xnm:error xmlns:xnm='x'/><rpc-error>\n<error-type>application</error-type>\n"
        "<error-tag>invalid-value</error-tag>\n<error-severity>error</error-severity>\n"
        "<error-path>[edit interfaces]</error-path>\n<error-message>\nmust have a unit\n"
        "</error-message>\n</rpc-error></routing-engine></commit-results>\n</rpc-reply>\n]]>]]>\n");
    struct netconf_event event = expect_event(s, NETCONF_FAILED);
    assert_err(event.err, ERR_INVALID);
    assert_string_equal(event.diag.text, "invalid-value: must have a unit; path [edit interfaces]");
    netconf_session_free(s);
}

static void
data_may_hold_what_looks_like_an_error(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    hear_chunked(s, "<rpc-reply message-id='1'><data><rpc-error/></data></rpc-reply>");
    expect_event(s, NETCONF_DONE);
    netconf_session_free(s);
}

static void
an_error_without_a_number_is_for_the_oldest(void **state)
{
    (void)state;
    int args[2];
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, &args[0], 0, 0, NULL));
    assert_ok(netconf_session_request(s, &get, &args[1], 0, 0, NULL));
    hear_chunked(s, "<rpc-reply><rpc-error><error-tag>malformed-message</error-tag></rpc-error>"
                    "</rpc-reply>");
    hear_chunked(s, "<rpc-reply><ok/></rpc-reply>");
    struct netconf_event event = expect_event(s, NETCONF_FAILED);
    assert_ptr_equal(event.arg, &args[0]);
    assert_err(event.err, ERR_MALFORMED);
    expect_nothing(s);
    netconf_session_free(s);
}

static void
requests_time_out_one_by_one(void **state)
{
    (void)state;
    int args[3];
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, &args[0], 9 * S, 0, NULL));
    assert_ok(netconf_session_request(s, &get, &args[1], 3 * S, 0, NULL));
    assert_ok(netconf_session_request(s, &get, &args[2], 3 * S, 0, NULL));
    assert_int_equal(netconf_session_deadline(s), 3 * S);
    netconf_session_tick(s, 3 * S);
    assert_ptr_equal(expect_event(s, NETCONF_FAILED).arg, &args[1]);
    assert_ptr_equal(expect_event(s, NETCONF_FAILED).arg, &args[2]);
    expect_nothing(s);
    assert_int_equal(netconf_session_deadline(s), 9 * S);
    hear_chunked(s, "<rpc-reply message-id='2'><ok/></rpc-reply>"); /* too late */
    expect_nothing(s);
    assert_int_equal(netconf_session_stats(s)->unmatched, 1);
    netconf_session_free(s);
}

static void
a_silent_server_is_asked_and_given_up(void **state)
{
    (void)state;
    struct netconf_session_config config = {.keepalive_interval = 10 * S, .request_timeout = 5 * S};
    struct netconf_session *s = fresh(&config);
    assert_int_equal(netconf_session_deadline(s), 30 * S);
    hear(s, HELLO_1_1);
    expect_event(s, NETCONF_UP);
    buf_clear(netconf_session_output(s));
    netconf_session_tick(s, 10 * S);
    expect_nothing(s);
    assert_non_null(strstr(sent(s), "<get><filter type=\"subtree\"></filter></get>"));
    hear_chunked(s, "<rpc-reply message-id='1'><data/></rpc-reply>"); /* at 0 s, by this test */
    expect_nothing(s);
    netconf_session_tick(s, 20 * S);
    expect_nothing(s);
    assert_int_equal(netconf_session_deadline(s), 25 * S);
    netconf_session_tick(s, 25 * S);
    assert_err(expect_event(s, NETCONF_DOWN).err, ERR_TIMEOUT);
    netconf_session_free(s);
}

static void
a_server_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    struct netconf_session *s = fresh(NULL);
    netconf_session_tick(s, netconf_session_deadline(s));
    assert_err(expect_event(s, NETCONF_DOWN).err, ERR_TIMEOUT);
    netconf_session_free(s);
}

static void
notifications_are_told(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    hear_chunked(s,
                 "<notification xmlns='" NETCONF_NS_NOTIFICATION "'><eventTime>2026-11-30T20:00:00Z"
                 "</eventTime><netconf-config-change xmlns='urn:n'><datastore>running</datastore>"
                 "</netconf-config-change></notification>");
    hear_chunked(s, "<notification xmlns='" NETCONF_NS_NOTIFICATION "'/>");
    struct netconf_event event = expect_event(s, NETCONF_NOTIFIED);
    assert_string_equal(event.message->event_time, "2026-11-30T20:00:00Z");
    assert_string_equal(event.message->event->name, "netconf-config-change");
    expect_nothing(s);
    netconf_session_free(s);
}

static void
what_is_not_xml_ends_the_session(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    hear_chunked(s, "<rpc-reply");
    assert_err(expect_event(s, NETCONF_FAILED).err, ERR_MALFORMED);
    assert_err(expect_event(s, NETCONF_DOWN).err, ERR_MALFORMED);
    netconf_session_free(s);
}

static void
more_requests_than_allowed_are_refused(void **state)
{
    (void)state;
    struct netconf_session *s = fresh(&(struct netconf_session_config){.max_requests = 40});
    hear(s, HELLO_1_1);
    expect_event(s, NETCONF_UP);
    for (int i = 0; i < 40; i++)
        assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    assert_err(netconf_session_request(s, &get, NULL, 0, 0, NULL), ERR_BUSY);
    for (int i = 1; i <= 40; i++) {
        char text[80];
        snprintf(text, sizeof text, "<rpc-reply message-id='%d'><ok/></rpc-reply>", i);
        hear_chunked(s, text);
        assert_int_equal(expect_event(s, NETCONF_DONE).message_id, i);
        assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    }
    assert_int_equal(netconf_session_outstanding(s), 40);
    netconf_session_free(s);
}

static void
messages_can_be_kept(void **state)
{
    (void)state;
    struct netconf_session *s = up(HELLO_1_1);
    assert_ok(netconf_session_request(s, &get, NULL, 0, 0, NULL));
    hear_chunked(s, "<rpc-reply message-id='1'><data><x>kept</x></data></rpc-reply>");
    struct netconf_event event = expect_event(s, NETCONF_DONE);
    struct arena *arena = netconf_session_take_arena(s);
    hear_chunked(s, "<rpc-reply message-id='2'><data><x>other</x></data></rpc-reply>");
    expect_nothing(s);
    netconf_session_free(s);
    assert_string_equal(event.message->data->first->text, "kept");
    arena_free(arena);
}

/* ---- what requests look like */

static const struct netconf_hello everything = {.capabilities = UINT32_MAX};

static void
expect_request(const struct netconf_request *request, const char *expected)
{
    struct buf out = BUF_INIT, whole = BUF_INIT;
    buf_printf(&whole, "<rpc xmlns=\"%s\" message-id=\"5\">%s</rpc>", NETCONF_NS, expected);
    assert_ok(netconf_request_put(&out, request, 5, &everything, NULL));
    assert_string_equal(buf_cstr(&out), buf_cstr(&whole));
    buf_fini(&out);
    buf_fini(&whole);
}

static void
every_operation_has_its_form(void **state)
{
    (void)state;
    expect_request(&(struct netconf_request){.operation = NETCONF_GET_CONFIG,
                                             .source = NETCONF_CANDIDATE_STORE,
                                             .filter = "<a xmlns=\"urn:a\"/>",
                                             .with_defaults = NETCONF_EXPLICIT},
                   "<get-config><source><candidate/></source><filter type=\"subtree\">"
                   "<a xmlns=\"urn:a\"/></filter><with-defaults xmlns=\"" NETCONF_NS_WITH_DEFAULTS
                   "\">explicit</with-defaults></get-config>");
    expect_request(&(struct netconf_request){.operation = NETCONF_GET, .xpath = "/a[b=\"c\"]"},
                   "<get><filter type=\"xpath\" select=\"/a[b=&quot;c&quot;]\"/></get>");
    expect_request(&(struct netconf_request){.operation = NETCONF_EDIT_CONFIG,
                                             .target = NETCONF_CANDIDATE_STORE,
                                             .config = "<a/>",
                                             .default_operation = NETCONF_NONE,
                                             .test_option = NETCONF_TEST_THEN_SET,
                                             .error_option = NETCONF_ROLL_BACK},
                   "<edit-config><target><candidate/></target><default-operation>none"
                   "</default-operation><test-option>test-then-set</test-option><error-option>"
                   "rollback-on-error</error-option><config><a/></config></edit-config>");
    expect_request(&(struct netconf_request){.operation = NETCONF_COPY_CONFIG,
                                             .target = NETCONF_STARTUP_STORE},
                   "<copy-config><target><startup/></target><source><running/></source>"
                   "</copy-config>");
    expect_request(&(struct netconf_request){.operation = NETCONF_DELETE_CONFIG,
                                             .target = NETCONF_AT_URL,
                                             .target_url = "file://x&y"},
                   "<delete-config><target><url>file://x&amp;y</url></target></delete-config>");
    expect_request(
        &(struct netconf_request){
            .operation = NETCONF_COMMIT, .confirmed = true, .timeout_s = 20, .persist = "p"},
        "<commit><confirmed/><confirm-timeout>20</confirm-timeout><persist>p</persist>"
        "</commit>");
    expect_request(&(struct netconf_request){.operation = NETCONF_COMMIT, .persist_id = "p"},
                   "<commit><persist-id>p</persist-id></commit>");
    expect_request(&(struct netconf_request){.operation = NETCONF_CANCEL_COMMIT, .persist_id = "p"},
                   "<cancel-commit><persist-id>p</persist-id></cancel-commit>");
    expect_request(
        &(struct netconf_request){.operation = NETCONF_VALIDATE, .source = NETCONF_CANDIDATE_STORE},
        "<validate><source><candidate/></source></validate>");
    expect_request(&(struct netconf_request){.operation = NETCONF_LOCK},
                   "<lock><target><running/></target></lock>");
    expect_request(&(struct netconf_request){.operation = NETCONF_KILL_SESSION, .session_id = 4},
                   "<kill-session><session-id>4</session-id></kill-session>");
    expect_request(&(struct netconf_request){.operation = NETCONF_GET_SCHEMA, .identifier = "m"},
                   "<get-schema xmlns=\"" NETCONF_NS_MONITORING "\"><identifier>m</identifier>"
                   "<format>yang</format></get-schema>");
    expect_request(&(struct netconf_request){.operation = NETCONF_CREATE_SUBSCRIPTION,
                                             .stream = "NETCONF",
                                             .start_time = "t"},
                   "<create-subscription xmlns=\"" NETCONF_NS_NOTIFICATION "\"><stream>NETCONF"
                   "</stream><startTime>t</startTime></create-subscription>");
    expect_request(&(struct netconf_request){.operation = NETCONF_RPC, .body = "<x/>"}, "<x/>");
}

static void
what_a_server_cannot_is_not_asked_of_it(void **state)
{
    (void)state;
    static const struct netconf_request requests[] = {
        {.operation = NETCONF_LOCK, .target = NETCONF_CANDIDATE_STORE},
        {.operation = NETCONF_COMMIT},
        {.operation = NETCONF_VALIDATE},
        {.operation = NETCONF_EDIT_CONFIG, .config = "<a/>"},
        {.operation = NETCONF_CANCEL_COMMIT},
        {.operation = NETCONF_GET, .xpath = "/a"},
        {.operation = NETCONF_GET, .with_defaults = NETCONF_TRIM},
        {.operation = NETCONF_CREATE_SUBSCRIPTION},
        {.operation = NETCONF_GET_SCHEMA, .identifier = "m"},
    };
    static const struct netconf_hello nothing = {.capabilities = NETCONF_BASE_1_0};
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct buf out = BUF_INIT;
        struct diag diag = {""};
        assert_err(netconf_request_put(&out, &requests[i], 1, &nothing, &diag), ERR_UNSUPPORTED);
        assert_non_null(strstr(diag.text, " needs "));
        assert_int_equal(out.size, 0);
        buf_fini(&out);
    }
    struct buf out = BUF_INIT;
    struct netconf_request empty = {.operation = NETCONF_EDIT_CONFIG};
    assert_err(netconf_request_put(&out, &empty, 1, &everything, NULL), ERR_INVALID);
    buf_fini(&out);
}

TEST_MAIN(cmocka_unit_test(hello_chooses_the_framing),
          cmocka_unit_test(servers_that_report_defaults_can_mark_them),
          cmocka_unit_test(a_first_message_that_is_no_hello_ends_it),
          cmocka_unit_test(replies_find_their_requests),
          cmocka_unit_test(an_error_is_told_with_all_its_fields),
          cmocka_unit_test(warnings_are_no_failure),
          cmocka_unit_test(junos_hides_errors_in_results),
          cmocka_unit_test(data_may_hold_what_looks_like_an_error),
          cmocka_unit_test(an_error_without_a_number_is_for_the_oldest),
          cmocka_unit_test(requests_time_out_one_by_one),
          cmocka_unit_test(a_silent_server_is_asked_and_given_up),
          cmocka_unit_test(a_server_that_says_nothing_is_given_up),
          cmocka_unit_test(notifications_are_told),
          cmocka_unit_test(what_is_not_xml_ends_the_session),
          cmocka_unit_test(more_requests_than_allowed_are_refused),
          cmocka_unit_test(messages_can_be_kept), cmocka_unit_test(every_operation_has_its_form),
          cmocka_unit_test(what_a_server_cannot_is_not_asked_of_it))
