#include "model/text.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_name_char(char c)
{
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

bool
name_is_valid(const char *name)
{
    size_t length = 0;
    if (!is_letter_or_digit(name[0]))
        return false;
    while (is_name_char(name[length]))
        length++;
    return name[length] == '\0' && length <= NAME_MAX_LENGTH;
}

/* RFC 7950 section 14 (yang-char) without the control characters. */
static bool
is_text_char(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    bool noncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
    return code != UINT32_MAX && !control && !noncharacter;
}

bool
text_is_valid(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + strlen(text);
    size_t length = 0;
    for (; at < end; length++) {
        if (!is_text_char(utf8_next(&at, end)))
            return false;
    }
    return length >= 1 && length <= TEXT_MAX_LENGTH;
}

char *
text_make_printable(char *text)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
    while (at < end) {
        const uint8_t *start = at;
        uint32_t code = utf8_next(&at, end);
        if (code == UINT32_MAX)
            at++;
        if (!is_text_char(code))
            memset(text + (start - (const uint8_t *)text), '?', (size_t)(at - start));
    }
    return text;
}

char *
name_from_text(const char *text, char *name)
{
    size_t n = 0;
    bool cut = false;
    for (const char *at = text; *at; at++) {
        bool fits = is_name_char(*at) && (n > 0 || is_letter_or_digit(*at));
        char c = fits ? *at : '-';
        if (c == '-' && (n == 0 || name[n - 1] == '-'))
            continue;
        cut = n == NAME_MAX_LENGTH;
        if (cut)
            break;
        name[n++] = c;
    }
    while (n > 0 && name[n - 1] == '-')
        n--;
    name[n] = '\0';
    if (cut || n == 0) {
        unsigned tag = (unsigned)hash_bytes(text, strlen(text), 0);
        size_t kept = MIN(n, NAME_MAX_LENGTH - 9);
        snprintf(name + kept, 10, "%s%08x", n ? "-" : "", tag);
    }
    return name;
}

#define WORD_MAX 64 /* longer words are not misspelt, but something else */

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Optimal string alignment distance, letter case ignored. */
static unsigned
word_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= b_length; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            unsigned best = last[j - 1] + (x != y);
            best = MIN(best, last[j] + 1);
            best = MIN(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                best = MIN(best, before[j - 2] + 1);
            row[j] = best;
        }
        unsigned *recycled = before;
        before = last;
        last = row;
        row = recycled;
    }
    return last[b_length];
}

const char *
nearest_word(const char *word, const char *const *candidates, size_t n)
{
    const char *nearest = NULL;
    size_t length = strlen(word);
    unsigned best = UINT32_MAX;
    if (length == 0 || length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other > WORD_MAX)
            continue;
        unsigned distance = word_distance(word, length, candidates[i], other);
        if (distance < best && distance <= MAX(length, other) / 3 + 1 && distance < length) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Compares the numbers that both start with, and moves behind them. Leading zeros do not count. */
static int
compare_numbers(const char **a, const char **b)
{
    while (**a == '0')
        (*a)++;
    while (**b == '0')
        (*b)++;
    size_t n = strspn(*a, "0123456789"), m = strspn(*b, "0123456789");
    int order = n != m ? (n < m ? -1 : 1) : strncmp(*a, *b, n);
    *a += n;
    *b += m;
    return order;
}

int
name_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        if (is_digit(*x) && is_digit(*y)) {
            int order = compare_numbers(&x, &y);
            if (order)
                return order;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    int order = (unsigned char)*x - (unsigned char)*y;
    return order ? order : strcmp(a, b);
}
