/* A body as a client could send it, on its way through the API's checks. The first octet says which
 * component it is to be. What is said to be wrong must be there, or be missing from what is. */
#include "fuzz.h"

#include "base/buf.h"
#include "gateway/components.h"
#include "gateway/shape.h"
#include "gateway/yang_reason.h"
#include "io/jsontext.h"

#include <string.h>

static const struct {
    const char *component, *path; /* of the YANG modules; NULL: it has none */
} kinds[] = {
    {"Site", "/tieline-inventory:inventory/site"},
    {"Node", "/tieline-inventory:inventory/node"},
    {"Link", "/tieline-inventory:inventory/link"},
    {"Host", "/tieline-inventory:inventory/host"},
    {"Circuit", "/tieline-circuit:circuits/circuit"},
    {"Files", NULL},
    {"WhatIfRequest", NULL},
    {"OrderRequest", NULL},
    {"Decision", NULL},
    {"TestRequest", NULL},
    {"RpcRequest", NULL},
    {"Grant", NULL},
};

static struct schema *schema;
static json_t *components;

static void
set_up(void)
{
    if (schema)
        return;
    check(!schema_open(TIELINE_SOURCE_DIR "/schema", &schema, NULL));
    check(!components_build(schema, &components, NULL));
}

/* The next token of a JSON pointer, unescaped in place; the rest is behind it. */
static char *
next_token(char **at)
{
    char *token = *at + 1, *to = token;
    char *end = token + strcspn(token, "/");
    *at = *end ? end : NULL;
    for (char *c = token; c < end; c++) {
        if (*c == '~')
            *to++ = *++c == '0' ? '~' : '/';
        else
            *to++ = *c;
    }
    if (*at) { /* the slash is needed again */
        size_t length = (size_t)(to - token);
        char *copy = malloc(length + 1);
        memcpy(copy, token, length);
        copy[length] = '\0';
        return copy;
    }
    *to = '\0';
    return strdup(token);
}

/* All but the last token lead somewhere. */
static void
check_pointer(const json_t *value, const char *pointer)
{
    char *copy = strdup(pointer);
    for (char *at = *copy ? copy : NULL; at;) {
        check(*at == '/' && value);
        char *token = next_token(&at);
        value = json_is_array(value) ? json_array_get(value, (size_t)strtoul(token, NULL, 10))
                                     : json_object_get(value, token);
        free(token);
    }
    free(copy);
}

/* libyang knows some places by a key only, so that its pointers may end early: only their form is
 * looked at. */
static void
check_with_modules(const json_t *body, const char *path)
{
    struct buf text = BUF_INIT, pointer = BUF_INIT;
    struct diag diag = {""};
    json_t *parsed = NULL;
    if (jsontext_put(&text, body) == ERR_OK &&
        schema_validate_json(schema, buf_cstr(&text), text.size, path, &parsed, &diag)) {
        const char *reason = yang_reason(diag.text, path, body, &pointer);
        check(reason >= diag.text && reason <= diag.text + strlen(diag.text));
        check(pointer.size == 0 || pointer.data[0] == '/');
    }
    json_decref(parsed);
    buf_fini(&text);
    buf_fini(&pointer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf pointer = BUF_INIT;
    struct diag diag = {""};
    json_t *body;
    if (size < 1 || jsontext_parse((const char *)data + 1, size - 1, &body, NULL))
        return 0;
    set_up();
    size_t kind = data[0] % ARRAY_SIZE(kinds);
    const json_t *component = json_object_get(components, kinds[kind].component);
    if (shape_check(components, component, body, &pointer, &diag)) {
        check(diag.text[0]);
        check_pointer(body, buf_cstr(&pointer));
    } else {
        check(pointer.size == 0 && json_is_object(body));
        if (kinds[kind].path)
            check_with_modules(body, kinds[kind].path);
    }
    json_decref(body);
    buf_fini(&pointer);
    return 0;
}
