#include "journal/plain.h"

#include <stddef.h>
#include <string.h>

#define DEPTH_MAX 8
#define KEYS_MAX 32   /* of one object: each new key is compared with all before */
#define DIGITS_MAX 18 /* an integer of so many fits 64 bits, whatever they are */

/* Each of these takes what begins at `at` and returns what is behind it, NULL if it is not plain.
 */
static const char *take_value(const char *at, unsigned depth);

static const char *
skip_space(const char *at)
{
    return at + strspn(at, " \t\n\r"); /* RFC 8259 section 2 */
}

static const char *
take_string(const char *at)
{
    if (*at != '"')
        return NULL;
    for (at++; *at != '"'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < ' ' || c > '~' || c == '\\')
            return NULL;
    }
    return at + 1;
}

static const char *
take_digits(const char *at)
{
    size_t n = strspn(at, "0123456789");
    return n && n <= DIGITS_MAX ? at + n : NULL;
}

/* Without an exponent. */
static const char *
take_number(const char *at)
{
    at += *at == '-';
    const char *end = take_digits(at);
    if (!end || (*at == '0' && end != at + 1))
        return NULL;
    return *end == '.' ? take_digits(end + 1) : end;
}

static const char *
take_word(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (!strncmp(at, words[i], length))
            return at + length;
    }
    return NULL;
}

static const char *
take_array(const char *at, unsigned depth)
{
    at = skip_space(at + 1);
    if (*at == ']')
        return at + 1;
    for (;;) {
        at = take_value(at, depth);
        if (!at || *at == ']')
            return at ? at + 1 : NULL;
        if (*at != ',')
            return NULL;
        at = skip_space(at + 1);
    }
}

struct key {
    const char *text; /* with its quotes */
    size_t size;
};

/* Adds the key; false if it is there already, or there is no room for it. */
static bool
add_key(struct key *keys, size_t *n_keys, const char *text, size_t size)
{
    if (*n_keys == KEYS_MAX)
        return false;
    for (size_t i = 0; i < *n_keys; i++) {
        if (keys[i].size == size && !memcmp(keys[i].text, text, size))
            return false;
    }
    keys[(*n_keys)++] = (struct key){text, size};
    return true;
}

static const char *
take_object(const char *at, unsigned depth)
{
    struct key keys[KEYS_MAX];
    size_t n_keys = 0;
    at = skip_space(at + 1);
    if (*at == '}')
        return at + 1;
    for (;;) {
        const char *end = take_string(at);
        if (!end || !add_key(keys, &n_keys, at, (size_t)(end - at)))
            return NULL;
        at = skip_space(end);
        if (*at != ':')
            return NULL;
        at = take_value(skip_space(at + 1), depth);
        if (!at || *at == '}')
            return at ? at + 1 : NULL;
        if (*at != ',')
            return NULL;
        at = skip_space(at + 1);
    }
}

/* And the white space behind it. */
static const char *
take_value(const char *at, unsigned depth)
{
    if (depth == DEPTH_MAX)
        return NULL;
    const char *end = *at == '{'                                 ? take_object(at, depth + 1)
                      : *at == '['                               ? take_array(at, depth + 1)
                      : *at == '"'                               ? take_string(at)
                      : *at == '-' || (*at >= '0' && *at <= '9') ? take_number(at)
                                                                 : take_word(at);
    return end ? skip_space(end) : NULL;
}

bool
plain_json_object(const char *text)
{
    text = skip_space(text);
    if (*text != '{')
        return false;
    text = take_value(text, 0);
    return text && *text == '\0';
}
