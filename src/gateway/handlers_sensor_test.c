/* What the sensors of all sites have told, over the API: read from the state, and closed by whom it
 * is asked of. */
#include "gateway/service_testing.h"

#define EVERYBODY "alice olga sam ada vera"
#define SENSOR_ALERT(id, rule, severity, address)                                                  \
    "{'sensor': 's1', 'alert': {'id': 's1/" id "', 'rule': '" rule "', 'title': 'A title', "       \
    "'severity': '" severity "', 'techniques': ['T0855'], 'source': {'address': '" address         \
    "', 'mac': '02:00:00:00:00:07'}, 'target': {'address': '10.0.0.9', 'port': 502}, "             \
    "'explanation': 'Because.', 'playbook': ['Look.'], 'incident': 's1/I1', "                      \
    "'first': '2026-11-30T10:00:0" id "Z', 'last': '2026-11-30T10:00:0" id "Z', 'count': 1}}"
#define ASSET                                                                                      \
    "{'sensor': 's1', 'change': 'new', 'asset': {'address': '10.0.0.9', 'first': "                 \
    "'2026-11-30T10:00:00Z', 'last': '2026-11-30T10:00:00Z', 'roles': ['server'], 'protocols': "   \
    "{'modbus': ['server']}, 'vendor': {'value': '=cmd()', 'from': 'oui', 'confidence': 20}}}"

static void
tell_alerts(struct api_scene *s)
{
    append_event(s, "sensor.back", "sensor/s1",
                 "{'sensor': 's1', 'version': '0.1.0', 'address': 'unix:', 'new': true}");
    append_event(s, "sensor.alert", "alert/s1/1", SENSOR_ALERT("1", "scan", "low", "10.0.0.7"));
    append_event(s, "sensor.alert", "alert/s1/2", SENSOR_ALERT("2", "write", "high", "10.0.0.8"));
    append_event(s, "sensor.alert.closed", "alert/s1/1", "{'id': 's1/1', 'reason': 'planned'}");
    append_event(s, "sensor.asset", "asset/10.0.0.9", ASSET);
}

static void
alerts_are_found_by_what_is_asked(void **state)
{
    static const struct {
        const char *query;
        const char *ids;
    } cases[] = {
        {"", "s1/2 s1/1"},
        {"?state=open", "s1/2"},
        {"?state=closed", "s1/1"},
        {"?severity=low", "s1/2 s1/1"},
        {"?severity=medium", "s1/2"},
        {"?severity=critical", ""},
        {"?rule=scan", "s1/1"},
        {"?address=10.0.0.7", "s1/1"},
        {"?address=10.0.0.9", "s1/2 s1/1"},
        {"?address=02:00:00:00:00:07&state=closed", "s1/1"},
        {"?since=2026-11-30T10:00:02Z", "s1/2"},
        {"?incident=s1%2FI1", "s1/2 s1/1"},
        {"?incident=s1%2FI2", ""},
        {"?site=nowhere", ""},
        {"?limit=1", "s1/2"},
    };
    struct api_scene *s = *state;
    tell_alerts(s);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *what = xasprintf("GET /api/v1/sensor/alerts%s", cases[i].query);
        struct answer a = ask(s, "vera", what, NULL);
        struct buf ids = BUF_INIT;
        size_t k;
        json_t *alert;
        json_array_foreach(json_object_get(a.json, "alerts"), k, alert)
        {
            buf_printf(&ids, "%s%s", k ? " " : "", json_string_value(json_object_get(alert, "id")));
            assert_null(json_object_get(alert, "playbook"));
        }
        assert_string_equal(buf_cstr(&ids), cases[i].ids);
        buf_fini(&ids);
        answer_fini(&a);
        free(what);
    }
    struct answer a = ask(s, "vera", "GET /api/v1/sensor/alerts?since=yesterday", NULL);
    assert_int_equal(a.status, 422);
    answer_fini(&a);
}

static void
one_alert_has_all_of_it(void **state)
{
    struct api_scene *s = *state;
    tell_alerts(s);
    struct answer a = ask(s, "vera", "GET /api/v1/sensor/alerts/s1%2F1", NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(json_string_value(json_object_get(a.json, "explanation")), "Because.");
    assert_string_equal(json_string_value(json_object_get(a.json, "closed-reason")), "planned");
    assert_string_equal(json_string_value(json_object_get(a.json, "closed-by")), "system/test");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/alerts/s1%2F3", NULL);
    assert_int_equal(a.status, 404);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/alerts/s1%2F0", NULL);
    assert_int_equal(a.status, 404);
    answer_fini(&a);
}

static void
who_may_close_one(void **state)
{
    static const char *const may[] = {"olga", "sam"}, *const may_not[] = {"alice", "ada", "vera"};
    struct api_scene *s = *state;
    tell_alerts(s);
    struct responder *r = answer_with(s, "sensor.close", "{}");
    for (size_t i = 0; i < ARRAY_SIZE(may_not); i++) {
        struct answer a = ask(s, may_not[i], "POST /api/v1/sensor/alerts/s1%2F2/close",
                              "{'reason': 'it was me'}");
        assert_int_equal(a.status, 403);
        answer_fini(&a);
    }
    assert_int_equal(r->n_asked, 0);
    for (size_t i = 0; i < ARRAY_SIZE(may); i++) {
        struct answer a = ask(s, may[i], "POST /api/v1/sensor/alerts/s1%2F2/close",
                              "{'reason': 'it was me'}");
        assert_int_equal(a.status, 200);
        assert_string_equal(json_string_value(json_object_get(r->payload, "actor")), may[i]);
        assert_string_equal(json_string_value(json_object_get(r->payload, "id")), "s1/2");
        assert_string_equal(json_string_value(json_object_get(r->payload, "reason")), "it was me");
        answer_fini(&a);
    }
}

static void
sensors_incidents_and_devices(void **state)
{
    struct api_scene *s = *state;
    tell_alerts(s);
    struct answer a = ask(s, "vera", "GET /api/v1/sensors", NULL);
    const json_t *one = json_array_get(json_object_get(a.json, "sensors"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "state")), "there");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/incidents", NULL);
    one = json_array_get(json_object_get(a.json, "incidents"), 0);
    assert_int_equal(json_array_size(json_object_get(one, "alerts")), 2);
    assert_int_equal(json_array_size(json_object_get(one, "addresses")), 3);
    assert_string_equal(json_string_value(json_object_get(one, "severity")), "high");
    assert_string_equal(json_string_value(json_object_get(one, "state")), "open");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/assets", NULL);
    assert_int_equal(json_array_size(json_object_get(a.json, "assets")), 1);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/assets?format=csv", NULL);
    one = json_array_get(json_object_get(a.json, "files"), 0);
    const char *text = json_string_value(json_object_get(one, "text"));
    assert_non_null(strstr(text, "\"10.0.0.9\",\"\",\"\",\"'=cmd()\",")); /* no formula */
    assert_non_null(strstr(text, "\"server\",\"modbus\",\"2026-11-30T10:00:00Z\""));
    answer_fini(&a);
}

static void
traffic_is_asked_of_the_site(void **state)
{
    struct api_scene *s = *state;
    tell_alerts(s);
    struct responder *r = answer_with(s, "sensor.traffic", "{'conversations': []}");
    struct answer a = ask(s, "vera", "GET /api/v1/sensor/traffic", NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(json_integer_value(json_object_get(r->payload, "site-number")), 0);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/traffic?site=nowhere", NULL);
    assert_int_equal(a.status, 404);
    answer_fini(&a);
}

static void
habits_are_asked_of_the_site_page_by_page(void **state)
{
    struct api_scene *s = *state;
    tell_alerts(s);
    struct responder *r = answer_with(s, "sensor.habits", "{'habits': [], 'next': 's1/7'}");
    struct answer a = ask(s, "vera", "GET /api/v1/sensor/habits?site=nowhere", NULL);
    assert_int_equal(a.status, 404);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/habits?sensor=s1&address=10.0.0.9&after=s1%2F5&limit=20",
            NULL);
    assert_int_equal(a.status, 200);
    assert_json(r->payload, "{'limit': 20, 'sensor': 's1', 'address': '10.0.0.9', 'after': 's1/5',"
                            " 'site-number': 0}");
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/sensor/habits?limit=201", NULL);
    assert_int_equal(a.status, 400);
    answer_fini(&a);
}

static void
who_may_say_what_is_usual(void **state)
{
    static const struct {
        const char *who, *verb, *body;
        int status;
    } cases[] = {
#define PAIR "'client': '10.0.0.1', 'server': '10.0.0.9', 'reason': 'planned'"
        {"alice", "approve", "{" PAIR "}", 403},
        {"vera", "forget", "{" PAIR "}", 403},
        {"ada", "forget", "{" PAIR "}", 403},
        {"olga", "approve", "{" PAIR "}", 200},
        {"sam", "forget", "{" PAIR ", 'protocol': 'modbus', 'function': 3}", 200},
        {"olga", "forget", "{" PAIR ", 'protocol': 'modbus', 'function': 'read'}", 200},
        {"olga", "forget", "{" PAIR ", 'actor': 'sam'}", 422},
        {"olga", "forget", "{" PAIR ", 'order': 'approve'}", 422},
        {"olga", "forget", "{'client': '10.0.0.1', 'server': '10.0.0.9'}", 422},
        {"olga", "forget", "{" PAIR ", 'function': -1}", 422},
#undef PAIR
    };
    struct api_scene *s = *state;
    tell_alerts(s);
    struct responder *r = answer_with(s, "sensor.habit", "{'sensor': 's1', 'kept': true}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned before = r->n_asked;
        char *what = xasprintf("POST /api/v1/sensor/habits/%s", cases[i].verb);
        struct answer a = ask(s, cases[i].who, what, cases[i].body);
        if (a.status != cases[i].status)
            fail_msg("%s as %s: %d", cases[i].body, cases[i].who, a.status);
        assert_int_equal(r->n_asked - before, a.status == 200);
        if (a.status == 200) {
            assert_string_equal(json_string_value(json_object_get(r->payload, "actor")),
                                cases[i].who);
            assert_string_equal(json_string_value(json_object_get(r->payload, "order")),
                                cases[i].verb);
        }
        answer_fini(&a);
        free(what);
    }
}

#define VULNERABILITY(of, address, advisory, score)                                                \
    "{'of': " of ", 'sensor': 's1', 'address': '" address "', 'change': 'new', 'vulnerability': {" \
    "'advisory': '" advisory "', 'status': 'affected', 'confidence': 95, 'score': " score ","      \
    " 'cves': ['CVE-2026-" advisory "'], 'vulnerabilities': [], 'product': 'P', 'reason': "        \
    "'=because', 'remedy': 'Update'}}"

static void
vulnerabilities_are_listed_the_gravest_first(void **state)
{
    static const struct {
        const char *query, *advisories;
    } cases[] = {
        {"", "2 1 3 "},        {"?asset=10.0.0.9", "1 3 "},
        {"?advisory=2", "2 "}, {"?cve=CVE-2026-3", "3 "},
        {"?site=nowhere", ""}, {"?limit=1", "2 "},
    };
    struct api_scene *s = *state;
    tell_alerts(s);
    append_event(s, "sensor.vulnerability", "asset/10.0.0.9",
                 VULNERABILITY("0", "10.0.0.9", "1", "7.5"));
    append_event(s, "sensor.vulnerability", "asset/10.0.0.8",
                 VULNERABILITY("0", "10.0.0.8", "2", "9.8"));
    append_event(s, "sensor.vulnerability", "asset/10.0.0.9",
                 VULNERABILITY("0", "10.0.0.9", "3", "1.5"));
    append_event(s, "sensor.lost", "sensor/s1", "{'sensor': 's1', 'reason': 'away'}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *what = xasprintf("GET /api/v1/sensor/vulnerabilities%s", cases[i].query);
        struct answer a = ask(s, "vera", what, NULL);
        struct buf seen = BUF_INIT;
        size_t k;
        json_t *row;
        json_array_foreach(json_object_get(a.json, "vulnerabilities"), k, row)
        {
            buf_printf(&seen, "%s ", json_string_value(json_object_get(row, "advisory")));
        }
        assert_string_equal(buf_cstr(&seen), cases[i].advisories);
        buf_fini(&seen);
        answer_fini(&a);
        free(what);
    }
    struct answer a = ask(s, "vera", "GET /api/v1/sensor/vulnerabilities?format=csv&limit=2", NULL);
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(a.json, "files"), 0), "text"));
    assert_non_null(strstr(text,
                           "\"10.0.0.9\",\"\",\"'=cmd()\",\"\",\"\",\"\",\"1\",\"CVE-2026-1\","
                           "\"7.5\",\"\",\"affected\",\"95\",\"P\",\"'=because\",\"Update\","));
    answer_fini(&a);
}

TEST_MAIN(API_TEST(vulnerabilities_are_listed_the_gravest_first),
          API_TEST(habits_are_asked_of_the_site_page_by_page), API_TEST(who_may_say_what_is_usual),
          API_TEST(alerts_are_found_by_what_is_asked), API_TEST(one_alert_has_all_of_it),
          API_TEST(who_may_close_one), API_TEST(sensors_incidents_and_devices),
          API_TEST(traffic_is_asked_of_the_site))
