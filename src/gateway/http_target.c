#include "gateway/http_target.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whole, shortest and within Unicode (RFC 3629), without control characters. */
static bool
is_plain_text(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        unsigned n = *at < 0x80       ? 0
                     : *at >> 5 == 6  ? 1
                     : *at >> 4 == 14 ? 2
                     : *at >> 3 == 30 ? 3
                                      : 9;
        uint32_t value = n == 0 ? *at : n < 9 ? *at & (0x3fu >> n) : 0;
        at++;
        if (n == 9)
            return false;
        for (unsigned i = 0; i < n; i++, at++) {
            if (*at >> 6 != 2)
                return false;
            value = value << 6 | (*at & 0x3f);
        }
        static const uint32_t smallest[] = {0x20, 0xa0, 0x800, 0x10000};
        if (value < smallest[n] || value == 0x7f || value > 0x10ffff || value >> 11 == 0x1b)
            return false;
    }
    return true;
}

/* In place; what comes out is never longer. */
static enum err
decode(char *text, bool form, struct diag *diag)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at != '%') {
            *to++ = form && *at == '+' ? ' ' : *at;
            continue;
        }
        int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
        if (low < 0)
            return diag_set(diag, ERR_MALFORMED, "a '%%' without two hexadecimal digits");
        *to = (char)(high << 4 | low);
        if (!*to++)
            return diag_set(diag, ERR_MALFORMED, "an encoded NUL");
        at += 2;
    }
    *to = '\0';
    if (!is_plain_text(text))
        return diag_set(diag, ERR_MALFORMED, "something encoded that is not text");
    return ERR_OK;
}

static enum err
parse_path(char *path, struct http_target *target, struct diag *diag)
{
    for (char *segment; (segment = strsep(&path, "/"));) {
        if (target->n_segments == HTTP_SEGMENTS_MAX)
            return diag_set(diag, ERR_LIMIT, "too many parts in the path");
        enum err err = decode(segment, false, diag);
        if (err)
            return err;
        if (!strcmp(segment, ".") || !strcmp(segment, ".."))
            return diag_set(diag, ERR_MALFORMED, "'.' or '..' in the path");
        target->segments[target->n_segments++] = segment;
    }
    return ERR_OK;
}

static enum err
parse_query(char *query, struct http_target *target, struct diag *diag)
{
    static char nothing[] = "";
    for (char *pair; (pair = strsep(&query, "&"));) {
        char *value = pair;
        char *name = strsep(&value, "=");
        if (!*name && !value)
            continue; /* "a=1&&b=2" */
        if (target->n_query == HTTP_PARAMETERS_MAX)
            return diag_set(diag, ERR_LIMIT, "too many parameters");
        enum err err = decode(name, true, diag);
        if (!err && value)
            err = decode(value, true, diag);
        if (err)
            return err;
        target->query[target->n_query++] = (struct http_parameter){name, value ? value : nothing};
    }
    return ERR_OK;
}

enum err
http_target_parse(const char *text, struct http_target *target, struct diag *diag)
{
    if (*text != '/')
        return diag_set(diag, ERR_MALFORMED, "the target is not a path");
    struct http_target result = {.text = xstrdup(text)};
    char *query = result.text;
    strsep(&query, "#"); /* a fragment is the client's own affair, and nothing is behind it */
    query = result.text;
    char *path = strsep(&query, "?");
    enum err err = parse_path(path + 1, &result, diag);
    if (!err && query)
        err = parse_query(query, &result, diag);
    if (err)
        free(result.text);
    else
        *target = result;
    return err;
}

void
http_target_fini(struct http_target *target)
{
    free(target->text);
    *target = (struct http_target){.n_segments = 0};
}

const char *
http_target_parameter(const struct http_target *target, const char *name)
{
    for (size_t i = 0; i < target->n_query; i++) {
        if (!strcmp(target->query[i].name, name))
            return target->query[i].value;
    }
    return NULL;
}
