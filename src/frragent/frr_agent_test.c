/* With the real vtysh, whose parser needs no daemons. */
#include "frragent/frr_agent.h"

#include "base/testing.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#define VTYSH "/usr/bin/vtysh"
#define ANSWERS 8

/* What the agent answers to the text, line by line. */
static size_t
converse(const char *text, json_t *answers[ANSWERS], enum err expected)
{
    const struct frr_agent_config config = {.vtysh = VTYSH, .vty_socket = "/nonexistent"};
    struct diag diag = {""};
    char line[8192];
    size_t n = 0;
    FILE *in = tmpfile(), *out = tmpfile();
    assert_int_equal(fwrite(text, 1, strlen(text), in), strlen(text));
    rewind(in);
    assert_err(frr_agent_serve(&config, fileno(in), fileno(out), &diag), expected);
    rewind(out);
    while (n < ANSWERS && fgets(line, sizeof line, out))
        assert_non_null(answers[n++] = json_loads(line, 0, NULL));
    fclose(in);
    fclose(out);
    return n;
}

static const char *
error_of(const json_t *answer)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(answer, "error"), "message"));
    return text ? text : "";
}

static void
requests_that_make_no_sense_are_answered_with_why(void **state UNUSED)
{
    static const struct {
        const char *request, *says;
    } cases[] = {
        {"junk\n", "invalid token"},
        {"[]\n", "no method"},
        {"{\"id\": 1}\n", "no method"},
        {"{\"id\": 1, \"method\": \"frr.reboot\"}\n", "no method frr.reboot"},
        {"{\"id\": 1, \"method\": \"frr.check\"}\n", "lines: is missing"},
        {"{\"id\": 1, \"method\": \"frr.apply\", \"params\": {\"lines\": \"\", \"undo\": \"\","
         " \"timeout-s\": 4000}}\n",
         "timeout-s"},
        {"{\"id\": 1, \"method\": \"frr.confirm\"}\n", "nothing is to be confirmed"},
        {"{\"id\": 1, \"method\": \"frr.show\"}\n", "begins with \"show \""},
        {"{\"id\": 1, \"method\": \"frr.show\", \"params\": {\"command\": \"clear bgp *\"}}\n",
         "begins with \"show \""},
        {"{\"id\": 1, \"method\": \"frr.show\", \"params\":"
         " {\"command\": \"show version\\nclear bgp *\"}}\n",
         "in one line"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *answers[ANSWERS];
        assert_int_equal(converse(cases[i].request, answers, ERR_OK), 1);
        if (!strstr(error_of(answers[0]), cases[i].says))
            fail_msg("%s: %s", cases[i].request, error_of(answers[0]));
        json_decref(answers[0]);
    }
}

static void
a_message_that_does_not_end_is_given_up(void **state UNUSED)
{
    json_t *answers[ANSWERS];
    char *text = malloc(FRR_AGENT_LINE_MAX + 2);
    memset(text, 'x', FRR_AGENT_LINE_MAX + 1);
    text[FRR_AGENT_LINE_MAX + 1] = '\0';
    assert_int_equal(converse(text, answers, ERR_LIMIT), 0);
    free(text);
}

static void
vtysh_says_which_line_it_does_not_take(void **state UNUSED)
{
    json_t *answers[ANSWERS];
    if (access(VTYSH, X_OK) != 0)
        skip();
    assert_int_equal(
        converse("{\"id\": 1, \"method\": \"frr.hello\"}\n"
                 "{\"id\": 2, \"method\": \"frr.check\", \"params\": {\"lines\":"
                 " \"vrf tl-a\\n ip route 10.1.0.0/16 10.0.0.2\\nexit-vrf\\n\"}}\n"
                 "{\"id\": 3, \"method\": \"frr.check\", \"params\": {\"lines\":"
                 " \"vrf tl-a\\nexit-vrf\\nmake coffee\\n\"}}\n"
                 "{\"id\": 4, \"method\": \"frr.apply\", \"params\": {\"lines\": \"make tea\\n\","
                 " \"undo\": \"\", \"timeout-s\": 5}}\n",
                 answers, ERR_OK),
        4);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(answers[0], "result"), "agent")), 1);
    assert_non_null(json_object_get(answers[1], "result"));
    assert_non_null(strstr(error_of(answers[2]), "line 3: % Unknown command"));
    assert_non_null(strstr(error_of(answers[3]), "make tea"));
    for (size_t i = 0; i < 4; i++)
        json_decref(answers[i]);
}

static void
without_vtysh_nothing_is_taken(void **state UNUSED)
{
    struct buf said = BUF_INIT;
    const struct frr_agent_config config = {.vtysh = "/nonexistent/vtysh"};
    assert_err(frr_agent_vtysh(&config, true, NULL, "x\n", &said), ERR_INVALID);
    buf_fini(&said);
}

TEST_MAIN(cmocka_unit_test(requests_that_make_no_sense_are_answered_with_why),
          cmocka_unit_test(a_message_that_does_not_end_is_given_up),
          cmocka_unit_test(vtysh_says_which_line_it_does_not_take),
          cmocka_unit_test(without_vtysh_nothing_is_taken))
