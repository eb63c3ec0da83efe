#include "bus/nats_turned_away.h"

#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static struct {
    unsigned n;
    char text[1000];
} told;

static void
note(void *arg UNUSED, const struct nats_stranger *s)
{
    size_t at = strlen(told.text);
    told.n++;
    snprintf(told.text + at, sizeof told.text - at, "%s|%s|%s|%s\n", s->who, s->address, s->kind,
             s->reason);
}

#define ROW(ip, kind, stop, reason, more)                                                          \
    "{\"cid\":1,\"ip\":\"" ip "\",\"kind\":\"" kind "\",\"stop\":\"2026-11-30T04:11:" stop         \
    "Z\",\"reason\":\"" reason "\"" more "}"
#define ANSWER(server, now, rows)                                                                  \
    "{\"server\":{},\"data\":{\"server_id\":\"" server "\",\"now\":\"2026-11-30T04:11:" now        \
    "Z\",\"connections\":[" rows "]}}"

static bool
take(struct nats_turned_away *known, const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);
    assert_non_null(answer);
    told.n = 0;
    told.text[0] = '\0';
    bool good = nats_turned_away_take(known, answer, note, NULL);
    json_decref(answer);
    return good;
}

static void
each_is_told_once_and_the_oldest_first(void **state UNUSED)
{
    struct nats_turned_away known = {0};
    assert_true(
        take(&known,
             ANSWER("N1", "10", ROW("10.0.0.1", "Client", "09.5", "Authentication Failure", ""))));
    assert_int_equal(told.n, 0); /* that was before we began */
    static const char more[] = ANSWER(
        "N1", "15",
        ROW("10.0.0.3", "Leafnode", "12.25", "TLS Handshake Failure",
            "") "," ROW("10.0.0.2", "Client", "11.123456789", "Authentication Failure",
                        "") "," ROW("10.0.0.1", "Client", "09.5", "Authentication Failure", ""));
    assert_true(take(&known, more));
    assert_string_equal(told.text, "|10.0.0.2|client|Authentication Failure\n"
                                   "|10.0.0.3|link|TLS Handshake Failure\n");
    assert_true(take(&known, more));
    assert_int_equal(told.n, 0);
}

static void
a_server_that_began_anew_has_nothing_that_was_told(void **state UNUSED)
{
    struct nats_turned_away known = {0};
    assert_true(take(&known, ANSWER("N1", "10", "")));
    assert_true(take(
        &known, ANSWER("N2", "05", ROW("10.0.0.1", "Client", "04", "Authentication Timeout", ""))));
    assert_int_equal(told.n, 1);
}

static void
who_has_left_is_nobody_that_was_turned_away(void **state UNUSED)
{
    struct nats_turned_away known = {0};
    assert_true(take(&known, ANSWER("N1", "10", "")));
    assert_true(take(&known, ANSWER("N1", "13",
                                    ROW("a", "Client", "12", "Client Closed", "") "," ROW(
                                        "b", "Leafnode", "11", "Stale Connection", ""))));
    assert_int_equal(told.n, 0);
}

static void
the_name_in_the_claims_is_told_if_there_is_one(void **state UNUSED)
{
    struct nats_turned_away known = {0};
    assert_true(take(&known, ANSWER("N1", "10", "")));
    /* {"name":"sub-a"}, nonsense, a JWT without claims, claims without a name */
    assert_true(take(
        &known,
        ANSWER(
            "N1", "19",
            ROW("d", "Client", "14", "Missing Account", ",\"jwt\":\"e30.e30.x\"") "," ROW(
                "c", "Client", "13", "Missing Account",
                ",\"jwt\":\"e30.\"") "," ROW("b", "Client", "12", "Missing Account",
                                             ",\"jwt\":\"x.!!.y\"") "," ROW("a", "Leafnode", "11",
                                                                            "Credentials Revoked",
                                                                            ",\"jwt\":\"e30."
                                                                            "eyJuYW1lIjoic3ViLWEifQ"
                                                                            ".x\""))));
    assert_string_equal(told.text, "sub-a|a|link|Credentials Revoked\n"
                                   "|b|client|Missing Account\n"
                                   "|c|client|Missing Account\n"
                                   "|d|client|Missing Account\n");
}

static void
what_is_no_such_answer_is_not_taken(void **state UNUSED)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"data\":7}",
        "{\"data\":{\"server_id\":\"N1\",\"now\":\"2026-11-30T04:11:10Z\",\"connections\":{}}}",
        "{\"data\":{\"server_id\":\"N1\",\"now\":\"today\",\"connections\":[]}}",
        "{\"data\":{\"server_id\":\"\",\"now\":\"2026-11-30T04:11:10Z\",\"connections\":[]}}",
        "{\"data\":{\"server_id\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123"
        "\",\"now\":\"2026-11-30T04:11:10Z\",\"connections\":[]}}",
    };
    struct nats_turned_away known = {0};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_false(take(&known, texts[i]));
    assert_true(take(&known, ANSWER("N1", "10", "")));
    assert_true(take(&known, ANSWER("N1", "11",
                                    "7,{},[],{\"stop\":\"x\"},{\"stop\":\"2026-11-30T04:"
                                    "11:10.5Z\",\"reason\":7}")));
    assert_int_equal(told.n, 0);
}

TEST_MAIN(cmocka_unit_test(each_is_told_once_and_the_oldest_first),
          cmocka_unit_test(a_server_that_began_anew_has_nothing_that_was_told),
          cmocka_unit_test(who_has_left_is_nobody_that_was_turned_away),
          cmocka_unit_test(the_name_in_the_claims_is_told_if_there_is_one),
          cmocka_unit_test(what_is_no_such_answer_is_not_taken))
