/* A method's first octet, then a target as a client could send it: which route it is, which
 * parameters it has. What is found must be what was asked for. */
#include "fuzz.h"

#include "gateway/route.h"

#include <string.h>

/* The values have the types that the route's parameters say. */
static void
check_query(const struct api_route *route, json_t *query)
{
    const char *name;
    json_t *value;
    json_object_foreach(query, name, value)
    {
        const struct api_parameter *p = NULL;
        for (size_t i = 0; route->query && route->query[i]; i++)
            p = strcmp(route->query[i]->name, name) ? p : route->query[i];
        check(p);
        check(json_is_boolean(value) == (p->type == PARAMETER_FLAG));
        check(json_is_integer(value) == (p->type == PARAMETER_NUMBER));
        check(p->type != PARAMETER_NUMBER ||
              (json_integer_value(value) >= p->min && json_integer_value(value) <= p->max));
    }
}

/* As many segments as the path, and the value among them. */
static void
check_match(const struct route_match *match, const struct http_target *target)
{
    size_t n = 2;
    for (const char *at = match->route->path; *at; at++)
        n += *at == '/';
    check(n == target->n_segments);
    check(!match->value == !strchr(match->route->path, '{'));
    check(!match->value || match->value[0]);
    check(match->path_known && match->allow[0]);
}

static void
find(enum http_method method, const struct http_target *target)
{
    struct route_match match;
    const char *name = NULL;
    json_t *query;
    struct diag diag = {""};
    route_find(method, target, &match);
    if (!match.route) {
        check(match.path_known == (match.allow[0] != '\0'));
        return;
    }
    check_match(&match, target);
    if (route_query(match.route, target, &query, &name, &diag)) {
        check(name && diag.text[0]);
        return;
    }
    check_query(match.route, query);
    check(route_roles(match.route, query) != 0);
    json_decref(query);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_target target;
    if (size < 2 || size > HTTP_TARGET_MAX)
        return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (!http_target_parse(text, &target, NULL)) {
        find(data[0] % HTTP_METHOD_MAX, &target);
        http_target_fini(&target);
    }
    free(text);
    return 0;
}
