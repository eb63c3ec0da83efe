#include "cli/cli_problem.h"

#include "base/testing.h"

static void
shows(int status, const char *single_quoted, const char *expected)
{
    char copy[1024];
    struct buf out = BUF_INIT;
    snprintf(copy, sizeof copy, "%s", single_quoted);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *problem = *copy ? json_loads(copy, 0, NULL) : NULL;
    problem_text(&out, status, problem);
    assert_string_equal(buf_cstr(&out), expected);
    json_decref(problem);
    buf_fini(&out);
}

static void
detail_status_and_error_are_one_line(void **state UNUSED)
{
    shows(409,
          "{'title': 'Conflict', 'detail': 'host fep is used by circuit x',"
          " 'err': 'ERR_CONFLICT'}",
          "host fep is used by circuit x [409 ERR_CONFLICT]");
    shows(404, "{'title': 'There is no such thing'}", "There is no such thing [404]");
    shows(502, "", "the server gives no reason [502]");
    shows(422, "{'detail': 'too\\nlong\\u001b', 'field': '/ip/client'}",
          "too\\nlong\\x1b (in /ip/client) [422]");
    shows(403, "{'detail': 'not you', 'needed': ['OPERATOR', 'SECADM']}",
          "not you [403]; needed: OPERATOR, SECADM");
}

static void
findings_have_their_places(void **state UNUSED)
{
    shows(422,
          "{'detail': '2 of 9 are wrong', 'report': {'rows': ["
          " {'action': 'created', 'kind': 'host', 'name': 'x'},"
          " {'action': 'error', 'kind': 'host', 'name': 'rtu', 'file': 'hosts.csv', 'line': 7,"
          "  'column': 12, 'field': 'mac', 'text': 'not a MAC address'}]},"
          " 'findings': [{'severity': 'error', 'kind': 'link', 'object': 'l1', 'code': 'c',"
          "  'text': 'ends nowhere'}]}",
          "2 of 9 are wrong [422]\n"
          "hosts.csv:7:12: error: host rtu: mac: not a MAC address\n"
          "error: link l1: ends nowhere [c]");
}

static void
places_say_what_is_known(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    json_t *findings = json_loads("[\"just a text\","
                                  "{\"severity\":\"warning\",\"kind\":\"ied\",\"object\":\"\","
                                  "\"file\":\"a.scd\",\"line\":3,\"text\":\"open\"},"
                                  "{\"severity\":\"info\",\"file\":\"a.scd\",\"text\":\"hm\"}, 5]",
                                  0, NULL);
    findings_text(&out, findings);
    assert_string_equal(buf_cstr(&out), "just a text\n"
                                        "a.scd:3: warning: ied: open\n"
                                        "a.scd: info:: hm\n"
                                        "5\n");
    json_decref(findings);
    buf_fini(&out);
}

static void
reports_end_with_their_sums(void **state UNUSED)
{
    static const struct {
        const char *report, *text;
    } reports[] = {
        {"{\"applied\":true,\"created\":1,\"changed\":1,\"unchanged\":7,\"errors\":0,\"rows\":["
         "{\"action\":\"created\",\"kind\":\"host\",\"name\":\"x\"},"
         "{\"action\":\"changed\",\"kind\":\"link\",\"name\":\"l\",\"changes\":[\"delay-us\"]},"
         "{\"action\":\"unchanged\",\"kind\":\"link\",\"name\":\"m\"}]}",
         "created host x\nchanged link l: delay-us\n1 created, 1 changed, 7 unchanged\n"},
        {"{\"dry-run\":true,\"applied\":false,\"created\":2}",
         "2 created; nothing was changed, as asked\n"},
        {"{\"applied\":false,\"errors\":1}", "1 errors; nothing was changed\n"},
        {"{}", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
        struct buf out = BUF_INIT;
        json_t *report = json_loads(reports[i].report, 0, NULL);
        report_text(&out, report);
        assert_string_equal(buf_cstr(&out), reports[i].text);
        json_decref(report);
        buf_fini(&out);
    }
}

TEST_MAIN(cmocka_unit_test(detail_status_and_error_are_one_line),
          cmocka_unit_test(findings_have_their_places), cmocka_unit_test(places_say_what_is_known),
          cmocka_unit_test(reports_end_with_their_sums))
