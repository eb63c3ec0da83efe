/* What holds for all routes: who is let in, and what is said of requests that cannot be meant. */
#include "gateway/service_testing.h"

/* ---- who */

static void
the_certificate_says_who_asks(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "alice", "GET /api/v1/whoami", NULL);
    assert_status(a, 200);
    json_t *right = json_object_get(a.json, "right");
    assert_string_equal(json_string_value(json_object_get(right, "kind")), "certificate");
    assert_true(strlen(json_string_value(json_object_get(right, "id"))) > 0);
    json_object_del(a.json, "right");
    assert_json(a.json, "{'name': 'alice', 'roles': ['ENGINEER'], 'site': 'substation-a',"
                        " 'version': '0.1.0-test'}");
    assert_string_equal(answer_field(&a, "Content-Type"), "application/json");
    assert_string_equal(answer_field(&a, "Cache-Control"), "no-store");
    answer_fini(&a);
}

static void
who_is_not_known_is_refused_and_recorded(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "mallory", "GET /api/v1/sites/north?x=1", NULL);
    assert_status(a, 403);
    assert_string_equal(answer_field(&a, "Content-Type"), "application/problem+json");
    assert_string_equal(member(&a, "type"), "urn:tieline:problem:denied");
    assert_string_equal(member(&a, "err"), "ERR_DENIED");
    assert_string_equal(member(&a, "instance"), "/api/v1/sites/north");
    answer_fini(&a);
    append_event(s, "test.later", "x", "{}"); /* then all before it is durable */
    a = ask(s, "sam", "GET /api/v1/journal?type=access.", NULL);
    json_t *event = json_array_get(json_object_get(a.json, "events"), 0);
    assert_string_equal(json_string_value(json_object_get(event, "object")), "/api/v1/sites/north");
    assert_string_equal(json_string_value(json_object_get(event, "actor")), "system/gateway");
    json_t *body = json_object_get(event, "body");
    assert_string_equal(json_string_value(json_object_get(body, "person")), "mallory");
    assert_string_equal(json_string_value(json_object_get(body, "method")), "GET");
    assert_string_equal(json_string_value(json_object_get(body, "reason")),
                        "nobody here is known as mallory");
    assert_non_null(strstr(json_string_value(json_object_get(body, "address")), "127.0.0.1:"));
    answer_fini(&a);
}

static void
who_holds_no_role_here_sees_nothing(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "nora", "GET /api/v1/whoami", NULL);
    assert_status(a, 403);
    assert_string_equal(member(&a, "detail"), "the person holds no role at this site");
    answer_fini(&a);
}

static void
a_refusal_names_the_roles_that_are_needed(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "POST /api/v1/orders", "{'workflow': 'x', 'input': {}}");
    assert_status(a, 403);
    assert_json(json_object_get(a.json, "needed"), "['OPERATOR', 'ENGINEER']");
    assert_string_equal(member(&a, "detail"), "the person holds none of the roles that may do"
                                              " this: OPERATOR, ENGINEER");
    answer_fini(&a);
}

static void
refusals_do_not_fill_the_journal(void **state)
{
    struct api_scene *s = *state;
    uint64_t before = journal_head(s->base.journal)->seq;
    for (int i = 0; i < 20; i++) {
        struct answer a = ask(s, "vera", "DELETE /api/v1/sites/north", NULL);
        assert_status(a, 403);
        answer_fini(&a);
    }
    append_event(s, "test.end", "x", "{}");
    assert_int_equal(journal_head(s->base.journal)->seq, before + 5 + 1);
    struct gateway_statistics statistics = gateway_service_statistics(s->service);
    assert_int_equal(statistics.denied, 20);
    assert_int_equal(statistics.denied_left_out, 15);
}

static void
a_role_that_is_taken_away_is_gone_with_the_next_request(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "model.remove", "{}");
    struct answer a = ask(s, "alice", "DELETE /api/v1/sites/north", NULL);
    assert_status(a, 200);
    answer_fini(&a);
    write_users(s, "{\"users\": {\"alice\": [\"VIEWER\"]}}");
    a = ask(s, "alice", "DELETE /api/v1/sites/north", NULL);
    assert_status(a, 403);
    answer_fini(&a);
}

static void
a_page_of_another_origin_changes_nothing(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = answer_with(s, "lan.repair", "{}");
    struct answer a = ask(s, "olga", "POST /api/v1/nodes/x/repair\r\nOrigin: https://evil.example",
                          NULL);
    assert_status(a, 403);
    assert_int_equal(r->n_asked, 0);
    answer_fini(&a);
    a = ask(s, "olga", "POST /api/v1/nodes/x/repair\r\nOrigin: https://h", NULL);
    assert_status(a, 200);
    answer_fini(&a);
}

/* ---- what */

static void
a_path_that_is_not_there_is_404(void **state)
{
    struct api_scene *s = *state;
    static const char *const paths[] = {
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/whoami",
        "/api/v1/whoami/",
        "/api/v1/whoami/me",
        "/api/v1/orders/x",
        "/api/v1/orders/0",
        "/api/v1/orders/4294967296",
        "/api/v1/sites/%20",
        "/api/v1/sites/a%2Fb",
    };
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        char *what = xasprintf("GET %s", paths[i]);
        struct answer a = ask(s, "vera", what, NULL);
        if (a.status != 404 || strcmp(member(&a, "err"), "ERR_NOT_FOUND") != 0)
            fail_msg("%s: %s", what, a.text);
        answer_fini(&a);
        free(what);
    }
}

static void
a_method_that_is_not_there_is_405_with_those_that_are(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "alice", "PATCH /api/v1/hosts/fep", "{}");
    assert_status(a, 405);
    assert_string_equal(answer_field(&a, "Allow"), "GET, HEAD, PUT, DELETE");
    assert_string_equal(member(&a, "err"), "ERR_UNSUPPORTED");
    answer_fini(&a);
    a = ask(s, "alice", "BREW /api/v1/orders", NULL);
    assert_status(a, 405);
    assert_string_equal(answer_field(&a, "Allow"), "GET, HEAD, POST");
    answer_fini(&a);
}

static void
head_is_get_without_the_body(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "HEAD /api/v1/whoami", NULL);
    assert_status(a, 200);
    assert_string_equal(answer_body(&a), "");
    assert_true(atoi(answer_field(&a, "Content-Length")) > 10);
    answer_fini(&a);
}

static void
parameters_are_what_the_route_says(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *what, *field, *says;
    } cases[] = {
        {"GET /api/v1/whoami?a=1", "a", "there is no such parameter here"},
        {"GET /api/v1/events?form=1", "form", "no such parameter here; there are: from, type"},
        {"GET /api/v1/orders?open=yes", "open", "true or false is expected"},
        {"GET /api/v1/orders?open=true&open=true", "open", "it is there twice"},
        {"GET /api/v1/journal?limit=0", "limit", "a number from 1 to 1000 is expected"},
        {"GET /api/v1/journal?limit=1001", "limit", "a number from 1 to 1000 is expected"},
        {"GET /api/v1/journal?from=-1", "from", "a number from 1 to"},
        {"GET /api/v1/journal?from=99999999999999999999", "from", "a number from 1 to"},
        {"GET /api/v1/journal?type=", "type", "1 to 255 characters are expected"},
        {"GET /api/v1/exceptions?state=new", "state",
         "one of these is expected: open acknowledged closed"},
        {"GET /api/v1/export", "format", "it is missing: one of csv json"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(s, "vera", cases[i].what, NULL);
        if (a.status != 400 || strcmp(member(&a, "field"), cases[i].field) != 0 ||
            !strstr(member(&a, "detail"), cases[i].says))
            fail_msg("%s: %s", cases[i].what, a.text);
        answer_fini(&a);
    }
    struct answer a = ask(s, "vera", "GET /api/v1/journal?type=%ff", NULL);
    assert_status(a, 400);
    answer_fini(&a);
}

static void
only_what_is_accepted_is_answered(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/whoami\r\nAccept: text/html", NULL);
    assert_status(a, 406);
    answer_fini(&a);
    a = ask(s, "vera", "GET /api/v1/whoami\r\nAccept: text/html, */*;q=0.1", NULL);
    assert_status(a, 200);
    answer_fini(&a);
}

/* ---- bodies */

#define POST_ORDER "POST /api/v1/orders HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"

static struct answer
post(struct api_scene *s, const char *type, const char *body)
{
    size_t size = strlen(body);
    char *head = xasprintf(POST_ORDER "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type,
                           size);
    struct buf text = BUF_INIT;
    buf_str(&text, head);
    buf_put(&text, body, size);
    struct answer a = ask_raw(s, "alice", text.data, text.size);
    buf_fini(&text);
    free(head);
    return a;
}

static void
a_body_must_be_json_and_say_so(void **state)
{
    struct api_scene *s = *state;
    struct answer a = post(s, "text/xml", "<a/>");
    assert_status(a, 415);
    answer_fini(&a);
    a = post(s, "application/json", "{\"workflow\" 1}");
    assert_status(a, 400);
    assert_non_null(strstr(member(&a, "detail"), "line 1"));
    answer_fini(&a);
    a = post(s, "application/json", "{\"workflow\": \"\xc3\x28\"}");
    assert_status(a, 400);
    answer_fini(&a);
    a = post(s, "application/json", "{\"workflow\": \"a\", \"workflow\": \"b\", \"input\": {}}");
    assert_status(a, 400);
    assert_non_null(strstr(member(&a, "detail"), "duplicate"));
    answer_fini(&a);
    a = ask_raw(s, "vera",
                "GET /api/v1/whoami HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                "Content-Length: 2\r\n\r\n{}",
                strlen("GET /api/v1/whoami HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                       "Content-Length: 2\r\n\r\n{}"));
    assert_status(a, 400);
    assert_string_equal(member(&a, "detail"), "this request takes no body");
    answer_fini(&a);
}

static void
a_body_that_is_huge_or_deep_is_refused(void **state)
{
    struct api_scene *s = *state;
    static const char large[] = POST_ORDER "Content-Type: application/json\r\n"
                                           "Content-Length: 1048577\r\n\r\n";
    struct answer a = ask_raw(s, "alice", large, sizeof large - 1);
    assert_status(a, 413);
    answer_fini(&a);
    struct buf deep = BUF_INIT;
    buf_str(&deep, "{\"workflow\": \"a\", \"input\": ");
    for (int i = 0; i < 100000; i++)
        buf_str(&deep, "[");
    a = post(s, "application/json", buf_cstr(&deep));
    assert_status(a, 422);
    assert_string_equal(member(&a, "err"), "ERR_LIMIT");
    answer_fini(&a);
    buf_fini(&deep);
}

static void
a_body_has_the_shape_of_its_component(void **state)
{
    struct api_scene *s = *state;
    static const struct {
        const char *body, *field, *says;
    } cases[] = {
        {"[]", "", "an object is expected"},
        {"{'workflow': 'x'}", "/input", "it is missing"},
        {"{'workflow': 'x', 'input': {}, 'a/b': 1}", "/a~1b", "there is no such member"},
        {"{'workflow': 7, 'input': {}}", "/workflow", "a string is expected"},
        {"{'workflow': '-', 'input': {}}", "/workflow", "a name is expected"},
        {"{'workflow': 'x', 'input': []}", "/input", "an object is expected"},
        {"{'workflow': 'x', 'input': {}, 'comment': ''}", "/comment", "1 to 255 characters are"},
        {"{'workflow': 'x', 'input': {}, 'comment': 'a\\nb'}", "/comment", "one line of"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a = ask(s, "alice", "POST /api/v1/orders", cases[i].body);
        if (a.status != 422 || strcmp(member(&a, "field"), cases[i].field) != 0 ||
            !strstr(member(&a, "detail"), cases[i].says))
            fail_msg("%s: %s", cases[i].body, a.text);
        answer_fini(&a);
    }
}

/* ---- other services */

static void
nobody_to_ask_is_said(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/orders", NULL);
    assert_status(a, 503);
    assert_string_equal(member(&a, "err"), "ERR_CLOSED");
    assert_string_equal(answer_field(&a, "Retry-After"), "5");
    answer_fini(&a);
}

static void
an_error_of_another_service_is_the_answer(void **state)
{
    struct api_scene *s = *state;
    answer_error(s, "work.get", ERR_NOT_FOUND, "there is no work order 7");
    struct answer a = ask(s, "vera", "GET /api/v1/orders/7", NULL);
    assert_status(a, 404);
    assert_string_equal(member(&a, "detail"), "there is no work order 7");
    answer_fini(&a);
}

static void
where_the_journal_is_stays_here(void **state)
{
    struct api_scene *s = *state;
    char *why = xasprintf("%s: append: disk I/O error", journal_path(s->base.journal));
    answer_error(s, "work.get", ERR_IO, why);
    struct answer a = ask(s, "vera", "GET /api/v1/orders/7", NULL);
    assert_status(a, 503);
    assert_string_equal(member(&a, "detail"), "the journal: append: disk I/O error");
    answer_fini(&a);
    free(why);
}

static void
the_service_ends_without_waiting(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = add_responder(s, "work.list"); /* never answers */
    struct client *client = connect_as(s, "vera");
    say(client, "GET /api/v1/orders HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(s->base.loop, r->n_asked);
    assert_int_equal(gateway_service_statistics(s->service).open_requests, 1);
    gateway_service_free(s->service);
    s->service = NULL;
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, "HTTP/1.1 503 "));
    assert_true(heard(client, "the service ends"));
}

static void
a_client_that_leaves_does_no_harm(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = add_responder(s, "work.list");
    struct client *client = connect_as(s, "vera");
    say(client, "GET /api/v1/orders HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(s->base.loop, r->n_asked);
    client_end(client);
    RUN_UNTIL(s->base.loop, gateway_service_statistics(s->service).http.connections == 0);
    assert_int_equal(gateway_service_statistics(s->service).open_requests, 1);
}

static void
one_person_cannot_have_everything_wait(void **state)
{
    struct api_scene *s = *state;
    struct responder *r = add_responder(s, "work.list");
    struct client *clients[2] = {connect_as(s, "vera"), connect_as(s, "olga")};
    for (unsigned i = 0; i < 64; i++) {
        struct client *client = connect_as(s, "vera");
        say(client, "GET /api/v1/orders HTTP/1.1\r\nHost: h\r\n\r\n");
        RUN_UNTIL(s->base.loop, r->n_asked == i + 1);
        client_end(client);
        s->n_clients--;
    }
    for (size_t i = 0; i < 2; i++)
        say(clients[i], "GET /api/v1/orders HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(s->base.loop, r->n_asked == 65 && clients[0]->got.size);
    assert_true(heard(clients[0], "HTTP/1.1 429 "));
    assert_int_equal(clients[1]->got.size, 0);
}

static void
what_was_wrong_with_a_reload_is_said(void **state)
{
    struct api_scene *s = *state;
    struct diag diag = {""};
    assert_ok(gateway_service_reload(s->service, &diag));
    write_users(s, "{");
    assert_err(gateway_service_reload(s->service, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "users.json"));
    struct answer a = ask(s, "vera", "GET /api/v1/whoami", NULL);
    assert_status(a, 200); /* what it said last holds */
    answer_fini(&a);
}

static void
what_is_missing_at_the_start_is_said(void **state)
{
    struct api_scene *s = *state;
    struct gateway_config configs[] = {s->config, s->config, s->config};
    static const struct {
        enum err err;
        const char *says;
    } cases[] = {{ERR_NOT_FOUND, "/nowhere/users.json"},
                 {ERR_NOT_FOUND, "/nowhere/schema"},
                 {ERR_INVALID, "nowhere"}};
    configs[0].users_file = "/nowhere/users.json";
    configs[1].schema_directory = "/nowhere/schema";
    configs[2].address = "nowhere";
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gateway_service *none = NULL;
        struct diag diag = {""};
        assert_err(gateway_service_new(&configs[i], &none, &diag), cases[i].err);
        assert_non_null(strstr(diag.text, cases[i].says));
        assert_null(none);
    }
}

static void
the_api_describes_itself(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/openapi.json", NULL);
    assert_status(a, 200);
    assert_string_equal(member(&a, "openapi"), "3.1.0");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(a.json, "info"), "version")),
        "0.1.0-test");
    assert_non_null(
        json_object_get(json_object_get(a.json, "paths"), "/api/v1/orders/{id}/decisions"));
    answer_fini(&a);
}

TEST_MAIN(
    API_TEST(the_certificate_says_who_asks), API_TEST(who_is_not_known_is_refused_and_recorded),
    API_TEST(who_holds_no_role_here_sees_nothing),
    API_TEST(a_refusal_names_the_roles_that_are_needed), API_TEST(refusals_do_not_fill_the_journal),
    API_TEST(a_role_that_is_taken_away_is_gone_with_the_next_request),
    API_TEST(a_page_of_another_origin_changes_nothing), API_TEST(a_path_that_is_not_there_is_404),
    API_TEST(a_method_that_is_not_there_is_405_with_those_that_are),
    API_TEST(head_is_get_without_the_body), API_TEST(parameters_are_what_the_route_says),
    API_TEST(only_what_is_accepted_is_answered), API_TEST(a_body_must_be_json_and_say_so),
    API_TEST(a_body_that_is_huge_or_deep_is_refused),
    API_TEST(a_body_has_the_shape_of_its_component), API_TEST(nobody_to_ask_is_said),
    API_TEST(an_error_of_another_service_is_the_answer), API_TEST(where_the_journal_is_stays_here),
    API_TEST(the_service_ends_without_waiting), API_TEST(a_client_that_leaves_does_no_harm),
    API_TEST(one_person_cannot_have_everything_wait),
    API_TEST(what_was_wrong_with_a_reload_is_said), API_TEST(what_is_missing_at_the_start_is_said),
    API_TEST(the_api_describes_itself))
