#include "gateway/route.h"

#include "base/buf.h"
#include "gateway/restconf.h"
#include "model/alert.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- paths */

static const struct path_parameter path_parameter_table[] = {
    {"name", "Name of the object.", "Name"},
    {"id", "Its number.", "Id"},
    {"person", "Name of a person or machine, as in the certificate.", "Person"},
    {"alert", "Of an alert, SENSOR/NUMBER, the slash as %2F.", "AlertId"},
    {"session", "Of a session, as GET /sessions lists it.", "SessionId"},
};

const struct path_parameter *
path_parameter_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(path_parameter_table); i++) {
        const struct path_parameter *p = &path_parameter_table[i];
        if (strlen(p->name) == length && !memcmp(p->name, name, length))
            return p;
    }
    return NULL;
}

static bool
is_id(const char *text)
{
    size_t length = strlen(text);
    return length >= 1 && length <= 10 && strspn(text, "0123456789") == length && text[0] != '0' &&
           strtoull(text, NULL, 10) <= UINT32_MAX;
}

/* Can it stand for what is in the braces? */
static bool
fits(const char *braces, const char *value)
{
    if (!strncmp(braces, "{id}", 4))
        return is_id(value);
    if (!strncmp(braces, "{alert}", 7))
        return alert_id_number(value, NULL, 0) > 0;
    if (!strncmp(braces, "{name}", 6))
        return name_is_valid(value);
    return value[0] && strlen(value) <= PERSON_NAME_MAX;
}

/* Does the target have this path? What stands in braces is in *value then. */
static bool
path_matches(const char *path, const struct http_target *target, const char **value)
{
    size_t i = 2; /* behind "api", "v1" */
    *value = NULL;
    for (const char *at = path; *at == '/'; i++) {
        size_t length = strcspn(++at, "/");
        const char *segment = i < target->n_segments ? target->segments[i] : NULL;
        if (!segment)
            return false;
        if (*at == '{') {
            if (!fits(at, segment))
                return false;
            *value = segment;
        } else if (strlen(segment) != length || memcmp(segment, at, length) != 0) {
            return false;
        }
        at += length;
    }
    return i == target->n_segments;
}

void
route_match_allow(struct route_match *match, enum http_method method)
{
    size_t length = strlen(match->allow);
    snprintf(match->allow + length, sizeof match->allow - length, "%s%s%s", length ? ", " : "",
             http_method_word(method), method == HTTP_GET ? ", HEAD" : "");
}

void
route_find(enum http_method method, const struct http_target *target, struct route_match *match)
{
    *match = (struct route_match){0};
    if (restconf_find(method, target, match))
        return;
    if (target->n_segments < 3 || strcmp(target->segments[0], "api") != 0 ||
        strcmp(target->segments[1], "v1") != 0)
        return;
    for (size_t i = 0; i < route_table_size; i++) {
        const struct api_route *route = &route_table[i];
        const char *value;
        if (!path_matches(route->path, target, &value))
            continue;
        match->path_known = true;
        route_match_allow(match, route->method);
        if (route->method == (method == HTTP_HEAD ? HTTP_GET : method)) {
            match->route = route;
            match->value = value;
        }
    }
}

/* ---- parameters */

static const struct api_parameter *
find_parameter(const struct api_route *route, const char *name)
{
    for (size_t i = 0; route->query && route->query[i]; i++) {
        if (!strcmp(route->query[i]->name, name))
            return route->query[i];
    }
    return NULL;
}

static bool
is_among(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t this = strcspn(at, " ");
        if (this == length && !memcmp(at, word, length))
            return true;
        at += this;
    }
    return false;
}

static enum err
read_number(const struct api_parameter *p, const char *text, json_t **value, struct diag *diag)
{
    size_t length = strlen(text);
    bool digits = length >= 1 && length <= 19 && strspn(text, "0123456789") == length;
    unsigned long long number = digits ? strtoull(text, NULL, 10) : 0;
    if (!digits || number > (unsigned long long)p->max || number < (unsigned long long)p->min)
        return diag_set(diag, ERR_INVALID, "a number from %lld to %lld is expected",
                        (long long)p->min, (long long)p->max);
    *value = json_integer((json_int_t)number);
    return ERR_OK;
}

static enum err
read_value(const struct api_parameter *p, const char *text, json_t **value, struct diag *diag)
{
    switch (p->type) {
    case PARAMETER_FLAG:
        if (!is_among("true false", text))
            return diag_set(diag, ERR_INVALID, "true or false is expected");
        *value = json_boolean(text[0] == 't');
        return ERR_OK;
    case PARAMETER_NUMBER:
        return read_number(p, text, value, diag);
    case PARAMETER_WORD:
        if (!is_among(p->words, text))
            return diag_set(diag, ERR_INVALID, "one of these is expected: %s", p->words);
        break;
    case PARAMETER_TEXT:
        if (!text[0] || strlen(text) > 255)
            return diag_set(diag, ERR_INVALID, "1 to 255 characters are expected");
        break;
    }
    *value = json_string(text);
    return ERR_OK;
}

static enum err
explain_unknown(const struct api_route *route, struct diag *diag)
{
    struct buf known = BUF_INIT;
    for (size_t i = 0; route->query && route->query[i]; i++)
        buf_printf(&known, "%s%s", i ? ", " : "; there are: ", route->query[i]->name);
    diag_set(diag, ERR_INVALID, "there is no such parameter here%s", buf_cstr(&known));
    buf_fini(&known);
    return ERR_INVALID;
}

static enum err
read_all(const struct api_route *route, const struct http_target *target, json_t *query,
         const char **name, struct diag *diag)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < target->n_query; i++) {
        const struct api_parameter *p = find_parameter(route, target->query[i].name);
        json_t *value = NULL;
        *name = target->query[i].name;
        if (!p)
            return explain_unknown(route, diag);
        if (json_object_get(query, *name))
            return diag_set(diag, ERR_INVALID, "it is there twice");
        err = read_value(p, target->query[i].value, &value, diag);
        if (!err)
            json_object_set_new(query, *name, value);
    }
    return err;
}

static enum err
find_missing(const struct api_route *route, const json_t *query, const char **name,
             struct diag *diag)
{
    for (size_t i = 0; route->query && route->query[i]; i++) {
        const struct api_parameter *p = route->query[i];
        if (p->required && !json_object_get(query, p->name)) {
            *name = p->name;
            return diag_set(diag, ERR_INVALID, "it is missing: one of %s", p->words);
        }
    }
    return ERR_OK;
}

enum err
route_query(const struct api_route *route, const struct http_target *target, json_t **result,
            const char **name, struct diag *diag)
{
    json_t *query = json_object();
    enum err err = read_all(route, target, query, name, diag);
    if (!err)
        err = find_missing(route, query, name, diag);
    if (err)
        json_decref(query);
    else
        *result = query;
    return err;
}

role_set
route_roles(const struct api_route *route, const json_t *query)
{
    bool dry = json_is_true(json_object_get(query, "dry-run"));
    return dry && route->dry_roles ? route->dry_roles : route->roles;
}
