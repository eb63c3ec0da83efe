#include "bus/subject.h"

#include <stddef.h>
#include <string.h>

/* Octets of the token at `at`; 0 if there is none or it is not one. */
static size_t
token_length(const char *at, bool wild)
{
    size_t length = strcspn(at, ".");
    if (wild && length == 1 && (*at == '*' || (*at == '>' && at[1] == '\0')))
        return 1;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c <= ' ' || c == 0x7f || c == '*' || c == '>')
            return 0;
    }
    return length;
}

static bool
check(const char *text, bool wild)
{
    const char *at = text;
    for (;;) {
        size_t length = token_length(at, wild);
        if (length == 0)
            return false;
        at += length;
        if (*at == '\0')
            return at - text <= SUBJECT_MAX;
        at++;
    }
}

bool
subject_is_valid(const char *subject)
{
    return check(subject, false);
}

bool
subject_is_pattern(const char *pattern)
{
    return check(pattern, true);
}

bool
subject_is_reserved(const char *subject)
{
    return subject[0] == '_' || subject[0] == '$';
}

bool
subject_matches(const char *pattern, const char *subject)
{
    for (;;) {
        if (*pattern == '>')
            return true;
        if (*pattern == '*') {
            pattern++;
            subject += strcspn(subject, ".");
        }
        while (*pattern && *pattern != '.' && *pattern == *subject) {
            pattern++;
            subject++;
        }
        if (*pattern != *subject)
            return false;
        if (*pattern == '\0')
            return true;
        pattern++; /* both are at a dot */
        subject++;
    }
}
