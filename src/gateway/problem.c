#include "gateway/problem.h"

#include "base/alloc.h"
#include "io/jsontext.h"

#include <stdlib.h>

static const struct problem_type types[] = {
    {400, "malformed", "The request is not well-formed"},
    {401, "unauthenticated", "Who asks is not known"},
    {403, "denied", "The person may not do this"},
    {404, "not-found", "There is no such thing"},
    {405, "method-not-allowed", "This cannot be done with it"},
    {406, "not-acceptable", "The answer cannot be had in a form that would be accepted"},
    {408, "request-timeout", "The request did not come in time"},
    {409, "conflict", "It contradicts something that exists"},
    {412, "precondition-failed", "It is not as it was when the request was made"},
    {413, "too-large", "The request is larger than it may be"},
    {414, "target-too-long", "The target is longer than it may be"},
    {415, "unsupported-media-type", "The body is of a type that is not understood here"},
    {422, "invalid", "The values make no sense here"},
    {429, "too-many-requests", "There are too many of these requests"},
    {431, "head-too-large", "The head of the request is larger than it may be"},
    {500, "internal", "Something is wrong with this service"},
    {501, "not-done-here", "This is not something this version does"},
    {503, "unavailable", "It cannot be done now, but perhaps later"},
    {504, "timeout", "There was no answer in time; it may have been done or not"},
    {505, "version-not-supported", "This version of HTTP is not spoken here"},
};

static const int statuses[ERR_MAX] = {
    [ERR_OK] = 200,       [ERR_TRUNCATED] = 400, [ERR_MALFORMED] = 400, [ERR_UNSUPPORTED] = 422,
    [ERR_INVALID] = 422,  [ERR_LIMIT] = 422,     [ERR_NOT_FOUND] = 404, [ERR_EXISTS] = 409,
    [ERR_CONFLICT] = 409, [ERR_DENIED] = 403,    [ERR_TIMEOUT] = 504,   [ERR_CLOSED] = 503,
    [ERR_BUSY] = 503,     [ERR_IO] = 503,        [ERR_CORRUPT] = 500,
};

int
problem_status(enum err err)
{
    return statuses[err];
}

const struct problem_type *
problem_types(size_t *n)
{
    *n = ARRAY_SIZE(types);
    return types;
}

static const struct problem_type *
find_type(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (types[i].status == status)
            return &types[i];
    }
    return NULL;
}

static void
set_text(json_t *document, const char *name, const char *text)
{
    if (text)
        json_object_set_new(document, name, jsontext_string(text));
}

void
problem_put(struct buf *out, const struct problem *problem)
{
    const struct problem_type *type = find_type(problem->status);
    json_t *document = json_object();
    if (type) {
        char *name = xasprintf("urn:tieline:problem:%s", type->name);
        set_text(document, "type", name);
        set_text(document, "title", type->title);
        free(name);
    }
    json_object_set_new(document, "status", json_integer(problem->status));
    set_text(document, "detail", problem->detail);
    set_text(document, "instance", problem->instance);
    if (problem->err)
        set_text(document, "err", err_name(problem->err));
    set_text(document, "field", problem->field);
    if (problem->more)
        json_object_update_missing(document, (json_t *)(uintptr_t)problem->more);
    if (jsontext_put(out, document))
        buf_str(out, "{}"); /* the status says the rest */
    json_decref(document);
}
