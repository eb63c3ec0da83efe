#include "io/jsontext.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Skips a string; `at` is behind its opening quote. An unterminated one ends with the text. */
static const char *
skip_string(const char *at, const char *end)
{
    for (; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return at;
}

/* Octets that jansson 2.14 takes on a 64-bit machine, as measured, rounded up: an empty array 139,
 * an empty object 234, a number in an array 42, an empty string 90, a number and its key in an
 * object 133. Each comma and each colon stands for a value or a key; a string costs once more. */
enum { ARRAY_COST = 130, OBJECT_COST = 230, VALUE_COST = 48, STRING_COST = 48 };

/* What is reckoned wrongly because the text is not JSON is refused by the parser anyway. */
static enum err
check_cost(const char *text, size_t size, struct diag *diag)
{
    size_t cost = size;
    unsigned depth = 0;
    const char *end = text + size;
    for (const char *at = text; at < end; at++) {
        switch (*at) {
        case '"':
            at = skip_string(at + 1, end);
            cost += STRING_COST;
            break;
        case '[':
        case '{':
            cost += *at == '[' ? ARRAY_COST : OBJECT_COST;
            if (++depth > JSONTEXT_DEPTH)
                return diag_set(diag, ERR_LIMIT, "JSON: nested deeper than %d", JSONTEXT_DEPTH);
            break;
        case ']':
        case '}':
            depth -= depth > 0;
            break;
        case ',':
        case ':':
            cost += VALUE_COST;
            break;
        }
    }
    if (cost > JSONTEXT_BUDGET)
        return diag_set(diag, ERR_LIMIT, "JSON: would need more than %zu MiB of memory",
                        JSONTEXT_BUDGET >> 20);
    return ERR_OK;
}

enum err
jsontext_parse(const char *text, size_t size, json_t **result, struct diag *diag)
{
    json_error_t error;
    if (!size)
        text = "";
    enum err err = check_cost(text, size, diag);
    if (err)
        return err;
    if (memchr(text, '\0', size)) /* jansson 2.14 overlooks one behind a number */
        return diag_set(diag, ERR_MALFORMED, "JSON: a NUL octet");
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        return diag_set(diag, ERR_MALFORMED, "JSON, line %d, column %d: %s", error.line,
                        error.column, error.text);
    *result = value;
    return ERR_OK;
}

static int
append(const char *data, size_t size, void *arg)
{
    struct buf *out = arg;
    buf_put(out, data, size);
    return buf_err(out) ? -1 : 0;
}

enum err
jsontext_put(struct buf *out, const json_t *value)
{
    size_t before = out->size;
    enum err err = buf_err(out);
    if (err || json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return err;
    err = buf_err(out) ? ERR_LIMIT : ERR_INVALID;
    out->size = before;
    out->overflow = false;
    return err;
}

json_t *
jsontext_string(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *ascii = xstrdup(text);
    for (char *at = ascii; *at; at++) {
        if (*at & 0x80)
            *at = '?';
    }
    string = json_string(ascii);
    free(ascii);
    if (!string)
        abort(); /* out of memory */
    return string;
}

#define TOKEN_SIZE 256

/* The reference token behind the slash at `*at`, which moves behind it (RFC 6901 section 4). false:
 * none of our keys is that long. */
static bool
take_token(const char **at, char token[TOKEN_SIZE])
{
    size_t n = 0;
    for ((*at)++; **at && **at != '/'; (*at)++) {
        if (n == TOKEN_SIZE - 1)
            return false;
        bool escaped = **at == '~' && (*at)[1];
        *at += escaped;
        token[n++] = !escaped ? **at : **at == '1' ? '/' : '~';
    }
    token[n] = '\0';
    return true;
}

static const json_t *
element_of(const json_t *array, const char *token)
{
    char *end;
    unsigned long index = strtoul(token, &end, 10);
    bool number = *token >= '0' && *token <= '9' && !*end && (*token != '0' || !token[1]);
    return number ? json_array_get(array, index) : NULL;
}

const json_t *
jsontext_at(const json_t *value, const char *pointer)
{
    char token[TOKEN_SIZE];
    while (value && *pointer) {
        if (*pointer != '/' || !take_token(&pointer, token))
            return NULL;
        value = json_is_array(value) ? element_of(value, token) : json_object_get(value, token);
    }
    return value;
}
