#include "gateway/openapi.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "gateway/problem.h"
#include "gateway/route.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_STREAM "text/event-stream"

static json_t *
reference(const char *component)
{
    char *text = xasprintf("#/components/schemas/%s", component);
    json_t *json = json_pack("{ss}", "$ref", text);
    free(text);
    return json;
}

static json_t *
content(const char *type, const char *component)
{
    return json_pack("{s{so}}", type, "schema", reference(component));
}

/* ---- parameters */

static json_t *
parameter_schema(const struct api_parameter *p)
{
    if (p->type == PARAMETER_FLAG)
        return json_pack("{ss}", "type", "boolean");
    if (p->type == PARAMETER_NUMBER)
        return json_pack("{ss sI sI}", "type", "integer", "minimum", p->min, "maximum", p->max);
    if (p->type == PARAMETER_TEXT)
        return json_pack("{ss si si}", "type", "string", "minLength", 1, "maxLength", 255);
    json_t *words = json_array();
    for (const char *at = p->words; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        json_array_append_new(words, json_stringn(at, length));
        at += length;
    }
    return json_pack("{ss so}", "type", "string", "enum", words);
}

static void
add_path_parameters(json_t *list, const char *path)
{
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        const struct path_parameter *p = path_parameter_find(at + 1, strcspn(at + 1, "}"));
        json_array_append_new(list, json_pack("{ss ss ss sb so}", "name", p->name, "in", "path",
                                              "description", p->description, "required", true,
                                              "schema", reference(p->component)));
    }
}

static json_t *
parameters(const struct api_route *route)
{
    json_t *list = json_array();
    add_path_parameters(list, route->path);
    for (size_t i = 0; route->query && route->query[i]; i++) {
        const struct api_parameter *p = route->query[i];
        json_array_append_new(list, json_pack("{ss ss ss sb so}", "name", p->name, "in", "query",
                                              "description", p->description, "required",
                                              p->required, "schema", parameter_schema(p)));
    }
    return list;
}

/* ---- operations */

/* "putCircuitsName" of PUT /circuits/{name}. */
static json_t *
operation_id(const struct api_route *route)
{
    struct buf id = BUF_INIT;
    for (const char *at = http_method_word(route->method); *at; at++)
        buf_u8(&id, (uint8_t)tolower((unsigned char)*at));
    bool begins = false;
    for (const char *at = route->path; *at; at++) {
        if (isalnum((unsigned char)*at))
            buf_u8(&id, (uint8_t)(begins ? toupper((unsigned char)*at) : *at));
        begins = !isalnum((unsigned char)*at);
    }
    json_t *text = json_string(buf_cstr(&id));
    buf_fini(&id);
    return text;
}

static json_t *
roles(const struct api_route *route)
{
    return route->roles == ROLES_ALL ? json_string("any") : roles_to_json(route->roles);
}

/* "orders" of /orders/{id}. */
static json_t *
tags(const struct api_route *route)
{
    size_t length = strcspn(route->path + 1, "/");
    return json_pack("[s#]", route->path + 1, (int)length);
}

static json_t *
answer(const struct api_route *route)
{
    const char *component = route->answer ? route->answer : "Nothing";
    const char *type = !strcmp(component, "Events") ? EVENT_STREAM : "application/json";
    return json_pack("{ss so}", "description", route_status(route) == 201 ? "Created." : "Done.",
                     "content", content(type, component));
}

static json_t *
responses(const struct api_route *route)
{
    char status[12];
    snprintf(status, sizeof status, "%d", route_status(route));
    return json_pack("{so s{ss so}}", status, answer(route), "default", "description",
                     "It was not done.", "content", content(PROBLEM_TYPE, "Problem"));
}

static bool
needs_body(const json_t *components, const char *name)
{
    return json_object_get(json_object_get(components, name), "required");
}

static json_t *
operation(const struct api_route *route, const json_t *components)
{
    json_t *json = json_pack("{so ss so so so so}", "operationId", operation_id(route), "summary",
                             route->summary, "tags", tags(route), "x-roles", roles(route),
                             "parameters", parameters(route), "responses", responses(route));
    if (route->dry_roles)
        json_object_set_new(json, "x-roles-dry-run",
                            route->dry_roles == ROLES_ALL ? json_string("any")
                                                          : roles_to_json(route->dry_roles));
    if (route->body)
        json_object_set_new(json, "requestBody",
                            json_pack("{sb so}", "required", needs_body(components, route->body),
                                      "content", content("application/json", route->body)));
    return json;
}

static json_t *
paths(const json_t *components)
{
    json_t *all = json_object();
    for (size_t i = 0; i < route_table_size; i++) {
        const struct api_route *route = &route_table[i];
        char *path = xasprintf(API_PREFIX "%s", route->path);
        char *method = xstrdup(http_method_word(route->method));
        for (char *at = method; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        if (!json_object_get(all, path))
            json_object_set_new(all, path, json_object());
        json_object_set_new(json_object_get(all, path), method, operation(route, components));
        free(method);
        free(path);
    }
    return all;
}

json_t *
openapi_build(json_t *components, const char *version)
{
    return json_pack(
        "{ss s{ss ss ss s{ss ss}} s[{ss}] so s{sO s{s{ss ss}}} s[{s[]}]}", "openapi", "3.1.0",
        "info", "title", "Tieline", "version", version, "description",
        "Engineers, proves, builds and guards communication circuits. Roles are those of IEC "
        "62351-8: `x-roles` says which of them may do what.",
        "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/", "paths",
        paths(components), "components", "schemas", components, "securitySchemes", "certificate",
        "type", "mutualTLS", "description",
        "The common name of the client's certificate is the person.", "security", "certificate");
}
