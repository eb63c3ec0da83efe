#include "model/sensing.h"

#include "base/alloc.h"
#include "model/state.h"
#include "model/testing.h"

#define ALERT                                                                                      \
    "{'sensor':'%s','alert':{'id':'%s/%u','rule':'r','title':'t','severity':'%s',"                 \
    "'first':'2026-11-30T10:00:00Z','last':'2026-11-30T10:00:01Z','count':1}}"

static enum err
apply(struct state *state, uint32_t site, const char *type, json_t *body)
{
    struct diag diag;
    const struct state_event event = {.seq = state->seq + 1,
                                      .time = (nsec_t)(state->seq + 1) * NSEC_PER_SEC,
                                      .type = type,
                                      .object = "x/y",
                                      .actor = "alice",
                                      .body = body,
                                      .site = site};
    enum err err = state_apply(state, &event, &diag);
    json_decref(body);
    return err;
}

static void
alert(struct state *state, uint32_t site, unsigned number, const char *severity)
{
    char *text = xasprintf(ALERT, "s1", "s1", number, severity);
    assert_ok(apply(state, site, "sensor.alert", json_quoted(text)));
    free(text);
}

static void
alerts_are_kept_by_site_and_id(void **state UNUSED)
{
    struct state *s = state_new();
    bool several;
    alert(s, 0, 1, "low");
    alert(s, 3, 1, "high");
    alert(s, 3, 2, "high");
    assert_int_equal(sensing_alert(&s->sensing, 0, "s1/1")->severity, ALERT_LOW);
    assert_int_equal(sensing_alert(&s->sensing, 3, "s1/1")->severity, ALERT_HIGH);
    assert_non_null(sensing_find_alert(&s->sensing, "s1/2", &several));
    assert_false(several);
    assert_non_null(sensing_find_alert(&s->sensing, "s1/1", &several));
    assert_true(several);
    assert_int_equal(sensing_sensor(&s->sensing, 3, "s1")->last_alert, 2);
    state_forget_site(s, 3);
    assert_null(sensing_alert(&s->sensing, 3, "s1/1"));
    assert_non_null(sensing_alert(&s->sensing, 0, "s1/1"));
    state_free(s);
}

static void
one_that_is_closed_opens_when_it_is_seen_again(void **state UNUSED)
{
    struct state *s = state_new();
    alert(s, 0, 1, "low");
    assert_ok(apply(s, 0, "sensor.alert.closed", json_quoted("{'id':'s1/1','reason':'planned'}")));
    const struct sensing_alert *a = sensing_alert(&s->sensing, 0, "s1/1");
    assert_true(a->closed);
    json_t *json = sensing_alert_json(a, "cc", true);
    assert_string_equal(json_string_value(json_object_get(json, "closed-by")), "alice");
    assert_string_equal(json_string_value(json_object_get(json, "state")), "closed");
    json_decref(json);
    assert_ok(apply(s, 0, "sensor.alert.again",
                    json_quoted("{'id':'s1/1','count':7,'last':'2026-11-30T11:00:00Z'}")));
    assert_false(a->closed);
    assert_int_equal(a->count, 7);
    state_free(s);
}

static void
where_there_is_no_room_closed_ones_go_first_then_the_least(void **state UNUSED)
{
    struct state *s = state_new();
    alert(s, 7, 1, "low"); /* another site's is not touched */
    alert(s, 0, 1, "critical");
    alert(s, 0, 2, "low");
    alert(s, 0, 3, "critical");
    assert_ok(apply(s, 0, "sensor.alert.closed", json_quoted("{'id':'s1/3','reason':'r'}")));
    for (unsigned i = 4; i <= SENSING_ALERTS + 1; i++)
        alert(s, 0, i, "medium");
    assert_null(sensing_alert(&s->sensing, 0, "s1/3"));
    assert_non_null(sensing_alert(&s->sensing, 0, "s1/2"));
    alert(s, 0, SENSING_ALERTS + 2, "medium");
    assert_null(sensing_alert(&s->sensing, 0, "s1/2"));
    alert(s, 0, SENSING_ALERTS + 3, "medium");
    assert_null(sensing_alert(&s->sensing, 0, "s1/4"));
    assert_non_null(sensing_alert(&s->sensing, 0, "s1/1"));
    assert_non_null(sensing_alert(&s->sensing, 7, "s1/1"));
    state_free(s);
}

static void
a_site_does_not_fill_it_with_sensors(void **state UNUSED)
{
    struct state *s = state_new();
    for (unsigned i = 0; i <= SENSING_SENSORS; i++) {
        json_t *body = json_pack("{so}", "sensor", json_sprintf("s%u", i));
        assert_err(apply(s, 0, "sensor.back", body), i < SENSING_SENSORS ? ERR_OK : ERR_MALFORMED);
    }
    assert_int_equal(HASH_COUNT(s->sensing.sensors), SENSING_SENSORS);
    state_free(s);
}

static void
a_body_that_cannot_be_read_changes_nothing(void **state UNUSED)
{
    struct state *s = state_new();
    assert_err(apply(s, 0, "sensor.alert", json_quoted("{'sensor':'s1','alert':{'id':'s1/1'}}")),
               ERR_MALFORMED);
    assert_err(apply(s, 0, "sensor.asset", json_quoted("{'sensor':'s1','asset':7}")),
               ERR_MALFORMED);
    assert_err(apply(s, 0, "sensor.back", json_quoted("{}")), ERR_MALFORMED);
    assert_err(apply(s, 0, "sensor.alert.again", json_quoted("{'id':'s1/1'}")), ERR_MALFORMED);
    assert_ok(apply(s, 0, "sensor.unheard-of", json_quoted("{}")));
    assert_null(s->sensing.alerts);
    assert_null(s->sensing.assets);
    state_free(s);
}

static void
the_numbers_of_ids_are_read_strictly(void **state UNUSED)
{
    assert_int_equal(alert_id_number("s1/7", "s1", 0), 7);
    assert_int_equal(alert_id_number("s1/I7", "s1", 'I'), 7);
    assert_int_equal(alert_id_number("s1/7", NULL, 0), 7);
    assert_int_equal(alert_id_number("s1/7", "s2", 0), 0);
    assert_int_equal(alert_id_number("s1/07", "s1", 0), 0);
    assert_int_equal(alert_id_number("s1/-7", "s1", 0), 0);
    assert_int_equal(alert_id_number("s1/7x", "s1", 0), 0);
    assert_int_equal(alert_id_number("s1/1234567890123456789", "s1", 0), 0);
    assert_int_equal(alert_id_number("/7", NULL, 0), 0);
    assert_int_equal(alert_id_number("s1", NULL, 0), 0);
    assert_int_equal(alert_id_number(NULL, NULL, 0), 0);
}

static enum err
vulnerability(struct state *s, uint32_t site, unsigned of, unsigned device, const char *advisory,
              const char *type)
{
    char *text = xasprintf("{'of':%u,'sensor':'s1','address':'10.0.%u.%u','advisory':'%s',"
                           "'vulnerability':{'advisory':'%s','score':7.5}}",
                           of, device / 256, device % 256, advisory, advisory);
    enum err err = apply(s, site, type, json_quoted(text));
    free(text);
    return err;
}

static void
vulnerabilities_are_of_a_device_and_an_advisory(void **state UNUSED)
{
    struct state *s = state_new();
    assert_ok(vulnerability(s, 0, 0, 1, "EX-1", "sensor.vulnerability"));
    assert_ok(vulnerability(s, 0, 0, 1, "EX-2", "sensor.vulnerability"));
    assert_ok(
        vulnerability(s, 0, 3, 1, "EX-1", "sensor.vulnerability")); /* the centre, of a site */
    assert_ok(vulnerability(s, 0, 0, 1, "EX-1", "sensor.vulnerability")); /* again */
    assert_int_equal(HASH_COUNT(s->sensing.vulnerabilities), 3);
    const struct sensing_vulnerability *v = sensing_vulnerability(&s->sensing, 0, "s1", "10.0.0.1",
                                                                  0, "EX-1");
    assert_int_equal(v->since, 1 * NSEC_PER_SEC);
    assert_int_equal(v->recorded, 4 * NSEC_PER_SEC);
    assert_ok(apply(s, 0, "sensor.lost", json_quoted("{'sensor':'s1','reason':'away'}")));
    assert_int_equal(HASH_COUNT(s->sensing.vulnerabilities), 3);
    assert_ok(vulnerability(s, 0, 0, 1, "EX-1", "sensor.vulnerability.gone"));
    assert_null(sensing_vulnerability(&s->sensing, 0, "s1", "10.0.0.1", 0, "EX-1"));
    assert_int_equal(HASH_COUNT(s->sensing.vulnerabilities), 2);
    state_free(s);
}

static void
a_site_says_nothing_of_another_ones_devices(void **state UNUSED)
{
    struct state *s = state_new();
    assert_err(vulnerability(s, 3, 4, 1, "EX-1", "sensor.vulnerability"), ERR_MALFORMED);
    assert_ok(vulnerability(s, 3, 3, 1, "EX-1", "sensor.vulnerability"));
    assert_err(vulnerability(s, 4, 3, 1, "EX-1", "sensor.vulnerability.gone"), ERR_MALFORMED);
    state_forget_site(s, 4);
    assert_non_null(sensing_vulnerability(&s->sensing, 3, "s1", "10.0.0.1", 0, "EX-1"));
    state_forget_site(s, 3);
    assert_null(sensing_vulnerability(&s->sensing, 3, "s1", "10.0.0.1", 0, "EX-1"));
    state_free(s);
}

static void
vulnerabilities_are_bounded(void **state UNUSED)
{
    struct state *s = state_new();
    for (unsigned i = 0; i < SENSING_VULNERABILITIES + 5; i++)
        assert_ok(vulnerability(s, 0, 0, i, "EX-1", "sensor.vulnerability"));
    assert_int_equal(HASH_COUNT(s->sensing.vulnerabilities), SENSING_VULNERABILITIES);
    assert_false(sensing_has_room(&s->sensing, 0, 1));
    assert_true(sensing_has_room(&s->sensing, 1, 1));
    assert_ok(vulnerability(s, 0, 0, 7, "EX-1", "sensor.vulnerability")); /* one that is there */
    assert_ok(vulnerability(s, 0, 0, 7, "EX-1", "sensor.vulnerability.gone"));
    assert_true(sensing_has_room(&s->sensing, 0, 1));
    state_free(s);
}

TEST_MAIN(cmocka_unit_test(vulnerabilities_are_of_a_device_and_an_advisory),
          cmocka_unit_test(a_site_says_nothing_of_another_ones_devices),
          cmocka_unit_test(vulnerabilities_are_bounded),
          cmocka_unit_test(alerts_are_kept_by_site_and_id),
          cmocka_unit_test(one_that_is_closed_opens_when_it_is_seen_again),
          cmocka_unit_test(where_there_is_no_room_closed_ones_go_first_then_the_least),
          cmocka_unit_test(a_site_does_not_fill_it_with_sensors),
          cmocka_unit_test(a_body_that_cannot_be_read_changes_nothing),
          cmocka_unit_test(the_numbers_of_ids_are_read_strictly))
