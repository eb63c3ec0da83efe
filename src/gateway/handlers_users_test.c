/* Who holds which roles, over the API. */
#include "gateway/service_testing.h"

static void
users_are_seen_by_those_who_guard_them(void **state)
{
    struct api_scene *s = *state;
    assert_only(s, "sam ada", "GET /api/v1/users", NULL, 200);
    assert_only(s, "sam ada", "GET /api/v1/users/nora", NULL, 200);
    struct answer a = ask(s, "ada", "GET /api/v1/users/nora", NULL);
    assert_json(a.json, "{'name': 'nora', 'roles': ['ENGINEER'], 'sites': ['elsewhere']}");
    answer_fini(&a);
    a = ask(s, "ada", "GET /api/v1/users", NULL);
    assert_int_equal(json_array_size(json_object_get(a.json, "users")), 6);
    answer_fini(&a);
    a = ask(s, "ada", "GET /api/v1/users/nobody", NULL);
    assert_status(a, 404);
    answer_fini(&a);
}

static void
a_change_is_recorded_and_holds_at_once(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "sam", "PUT /api/v1/users/ems%2Fpoller", "{'roles': ['VIEWER']}");
    assert_status(a, 200);
    assert_json(a.json, "{}");
    answer_fini(&a);
    a = ask(s, "sam", "GET /api/v1/users/ems%2Fpoller", NULL);
    assert_string_equal(member(&a, "granted-by"), "sam");
    assert_int_equal(strlen(member(&a, "granted")), TIME_TEXT_SIZE - 2);
    json_object_del(a.json, "granted");
    json_object_del(a.json, "granted-by");
    assert_json(a.json, "{'name': 'ems/poller', 'roles': ['VIEWER']}");
    answer_fini(&a);
    a = ask(s, "sam", "GET /api/v1/journal?type=user.", NULL);
    json_t *event = json_array_get(json_object_get(a.json, "events"), 0);
    assert_string_equal(json_string_value(json_object_get(event, "type")), "user.put");
    assert_string_equal(json_string_value(json_object_get(event, "object")), "user/ems/poller");
    assert_string_equal(json_string_value(json_object_get(event, "actor")), "sam");
    assert_json(json_object_get(event, "body"), "{'name': 'ems/poller', 'roles': ['VIEWER']}");
    answer_fini(&a);
    a = ask(s, "sam", "DELETE /api/v1/users/vera", NULL);
    assert_status(a, 200);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/whoami", NULL);
    assert_status(a, 403);
    answer_fini(&a);
}

static void
only_a_security_administrator_changes_users(void **state)
{
    struct api_scene *s = *state;
    assert_only(s, "sam", "PUT /api/v1/users/otto", "{'roles': ['VIEWER']}", 200);
    struct answer a = ask(s, "ada", "DELETE /api/v1/users/otto", NULL);
    assert_status(a, 403);
    answer_fini(&a);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *what, *body;
        int status;
        const char *says;
    } cases[] = {
        {"PUT /api/v1/users/otto", "{'roles': ['KING']}", 422, "/roles/0: one of these"},
        {"PUT /api/v1/users/otto", "{'roles': 'VIEWER'}", 422, "/roles: an array"},
        {"PUT /api/v1/users/otto", "{'roles': ['VIEWER', 'VIEWER']}", 422, "twice"},
        {"PUT /api/v1/users/otto", "{}", 422, "/roles: it is missing"},
        {"PUT /api/v1/users/system%2Flan", "{'roles': ['VIEWER']}", 422, "not a name a person"},
        {"DELETE /api/v1/users/otto", NULL, 404, "nobody here is known as otto"},
        {"DELETE /api/v1/users/sam", NULL, 403, "rule own-roles"},
        {"PUT /api/v1/users/sam", "{'roles': ['VIEWER']}", 403, "rule own-roles"},
        {"PUT /api/v1/users/otto", "{'roles': ['SECADM', 'SECAUD']}", 403,
         "rule guard-and-judge: nobody holds SECADM together with SECAUD"},
        {"PUT /api/v1/users/otto", "{'roles': ['SECAUD', 'RBACMNT']}", 403, "rule guard-and-judge"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(s, "sam", cases[i].what, cases[i].body);
        if (a.status != cases[i].status || !strstr(member(&a, "detail"), cases[i].says))
            fail_msg("%s: %s", cases[i].what, a.text);
        answer_fini(&a);
    }
    struct answer a = ask(s, "sam", "GET /api/v1/journal?type=user.", NULL);
    assert_int_equal(json_array_size(json_object_get(a.json, "events")), 0);
    answer_fini(&a);
}

static void
a_change_outlives_the_service(void **state)
{
    struct api_scene *s = *state;
    struct client *client = connect_as(s, "sam");
    say(client, "PUT /api/v1/users/otto HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                "Content-Length: 21\r\n\r\n{\"roles\": [\"VIEWER\"]}");
    uint64_t seq = journal_head(s->base.journal)->seq; /* access.granted, and it is under way */
    RUN_UNTIL(s->base.loop, journal_head(s->base.journal)->seq > seq);
    gateway_service_free(s->service);
    s->service = NULL;
    RUN_UNTIL(s->base.loop, client->closed);
    append_event(s, "test.end", "x", "{}");
    json_error_t error;
    json_t *users = json_load_file(s->users_file, 0, &error);
    assert_non_null(json_object_get(json_object_get(users, "users"), "otto"));
    json_decref(users);
}

TEST_MAIN(API_TEST(users_are_seen_by_those_who_guard_them),
          API_TEST(a_change_is_recorded_and_holds_at_once),
          API_TEST(only_a_security_administrator_changes_users),
          API_TEST(what_makes_no_sense_is_refused), API_TEST(a_change_outlives_the_service))
