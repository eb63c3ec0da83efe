#include "gateway/route.h"

#include "base/testing.h"

#include <stdio.h>

/* The row for "GET /api/v1/x"; NULL: none. */
static const struct api_route *
find(enum http_method method, const char *path, struct route_match *match, struct http_target *t)
{
    assert_ok(http_target_parse(path, t, NULL));
    route_find(method, t, match);
    return match->route;
}

static void
every_row_is_found_by_its_own_path(void **state UNUSED)
{
    static const struct {
        const char *braces, *value;
    } values[] = {{"{name}", "a.b-1"},
                  {"{id}", "4294967295"},
                  {"{person}", "a%2Fb"},
                  {"{alert}", "s-1%2F7"},
                  {"{session}", "0123456789abcdef"}};
    for (size_t i = 0; i < route_table_size; i++) {
        char path[128];
        const char *at = strchr(route_table[i].path, '{');
        snprintf(path, sizeof path, API_PREFIX "%.*s", (int)strcspn(route_table[i].path, "{"),
                 route_table[i].path);
        for (size_t k = 0; at && k < ARRAY_SIZE(values); k++) {
            if (!strncmp(at, values[k].braces, strlen(values[k].braces))) {
                strcat(path, values[k].value);
                strcat(path, at + strlen(values[k].braces));
            }
        }
        struct route_match match;
        struct http_target target;
        if (find(route_table[i].method, path, &match, &target) != &route_table[i])
            fail_msg("%s", path);
        assert_int_equal(match.value != NULL, at != NULL);
        http_target_fini(&target);
    }
}

static void
every_row_is_complete(void **state UNUSED)
{
    for (size_t i = 0; i < route_table_size; i++) {
        const struct api_route *route = &route_table[i];
        assert_non_null(route->handle);
        assert_true(route->roles != 0);
        assert_int_equal(route->summary[strlen(route->summary) - 1], '.');
        if (route->method == HTTP_GET)
            assert_null(route->body);
        bool own = !strcmp(route->path, "/sessions/{session}"); /* others' are refused by it */
        if (route->method != HTTP_GET && route->roles == ROLES_ALL && !own)
            assert_int_equal(route->method, HTTP_POST); /* asking with a body */
        for (size_t k = 0; k < i; k++)
            assert_false(route->method == route_table[k].method &&
                         !strcmp(route->path, route_table[k].path));
    }
}

static void
what_can_be_done_with_a_path_is_known(void **state UNUSED)
{
    static const struct {
        const char *path, *allow;
    } cases[] = {
        {"/api/v1/whoami", "GET, HEAD"},
        {"/api/v1/circuits/a", "GET, HEAD, PUT, DELETE"},
        {"/api/v1/circuits/a?b=c", "GET, HEAD, PUT, DELETE"},
        {"/api/v1/circuits/a/tests", "POST"},
        {"/api/v1/orders/1/decisions", "POST"},
        {"/api/v1/orders/01/decisions", ""},
        {"/api/v1/orders//decisions", ""},
        {"/api/v1//whoami", ""},
        {"/api/v1", ""},
        {"/", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct route_match match;
        struct http_target target;
        assert_null(find(HTTP_PATCH, cases[i].path, &match, &target));
        assert_string_equal(match.allow, cases[i].allow);
        assert_int_equal(match.path_known, cases[i].allow[0] != '\0');
        http_target_fini(&target);
    }
}

static void
a_query_is_read_as_the_route_says(void **state UNUSED)
{
    struct route_match match;
    struct http_target target;
    json_t *query;
    const char *name;
    struct diag diag;
    find(HTTP_POST, "/api/v1/import?dry-run=true&format=scd", &match, &target);
    assert_ok(route_query(match.route, &target, &query, &name, &diag));
    assert_true(json_is_true(json_object_get(query, "dry-run")));
    assert_string_equal(json_string_value(json_object_get(query, "format")), "scd");
    assert_int_equal(route_roles(match.route, query), ROLES_ALL);
    json_decref(query);
    http_target_fini(&target);
    find(HTTP_POST, "/api/v1/import?dry-run=false&format=csv", &match, &target);
    assert_ok(route_query(match.route, &target, &query, &name, &diag));
    assert_int_equal(route_roles(match.route, query), ROLE(ENGINEER));
    json_decref(query);
    http_target_fini(&target);
    find(HTTP_POST, "/api/v1/import?dry-run=true", &match, &target);
    assert_err(route_query(match.route, &target, &query, &name, &diag), ERR_INVALID);
    assert_string_equal(name, "format");
    http_target_fini(&target);
    find(HTTP_GET, "/api/v1/export?format=scd", &match, &target);
    assert_err(route_query(match.route, &target, &query, &name, &diag), ERR_INVALID);
    http_target_fini(&target);
}

TEST_MAIN(cmocka_unit_test(every_row_is_found_by_its_own_path),
          cmocka_unit_test(every_row_is_complete),
          cmocka_unit_test(what_can_be_done_with_a_path_is_known),
          cmocka_unit_test(a_query_is_read_as_the_route_says))
