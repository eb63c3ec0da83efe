#include "gateway/yang_reason.h"

#include "base/alloc.h"
#include "gateway/shape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind the bracket that closes the one at `at`; those within quotes are names. */
static const char *
behind_predicate(const char *at)
{
    char quote = '\0';
    for (; *at; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == ']')
            return at + 1;
    }
    return at;
}

static bool
is_written_so(const json_t *value, const char *text, size_t length)
{
    char number[24];
    const char *its = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        its = number;
    }
    return its && strlen(its) == length && !memcmp(its, text, length);
}

/* [number='3'] of a list, [.='502'] of a list of values: the first place it fits. */
static const json_t *
find_entry(const json_t *array, const char *predicate, const char *end, size_t *place)
{
    const char *equals = memchr(predicate, '=', (size_t)(end - predicate));
    if (!equals || end - equals < 4)
        return NULL;
    char *key = xstrndup(predicate + 1, (size_t)(equals - predicate - 1));
    const json_t *found = NULL;
    size_t length = (size_t)(end - equals) - 4; /* without ='' and the bracket */
    for (size_t i = 0; !found && i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);
        const json_t *value = !strcmp(key, ".") ? entry : json_object_get(entry, key);
        if (is_written_so(value, equals + 2, length)) {
            *place = i;
            found = entry;
        }
    }
    free(key);
    return found;
}

const char *
yang_reason(const char *text, const char *path, const json_t *body, struct buf *pointer)
{
    const char *at = strstr(text, path);
    if (!at)
        return text;
    at += strlen(path);
    if (*at == '[')
        at = behind_predicate(at); /* the object itself */
    while (*at == '/' || *at == '[') {
        size_t place;
        if (*at == '[') {
            const char *end = behind_predicate(at);
            body = find_entry(body, at, end, &place);
            if (body)
                buf_printf(pointer, "/%zu", place);
            at = end;
            continue;
        }
        size_t length = strcspn(++at, "/[: ");
        char *name = xstrndup(at, length);
        json_pointer_put(pointer, name);
        body = json_object_get(body, name);
        free(name);
        at += length;
    }
    return !strncmp(at, ": ", 2) ? at + 2 : text;
}
