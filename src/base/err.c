#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} err_table[ERR_MAX] = {
    [ERR_OK] = {"ERR_OK", "no error"},
    [ERR_TRUNCATED] = {"ERR_TRUNCATED", "truncated input"},
    [ERR_MALFORMED] = {"ERR_MALFORMED", "malformed input"},
    [ERR_UNSUPPORTED] = {"ERR_UNSUPPORTED", "not supported"},
    [ERR_INVALID] = {"ERR_INVALID", "invalid value"},
    [ERR_LIMIT] = {"ERR_LIMIT", "limit exceeded"},
    [ERR_NOT_FOUND] = {"ERR_NOT_FOUND", "not found"},
    [ERR_EXISTS] = {"ERR_EXISTS", "exists already"},
    [ERR_CONFLICT] = {"ERR_CONFLICT", "conflict"},
    [ERR_DENIED] = {"ERR_DENIED", "not permitted"},
    [ERR_TIMEOUT] = {"ERR_TIMEOUT", "timed out"},
    [ERR_CLOSED] = {"ERR_CLOSED", "closed by the other side"},
    [ERR_BUSY] = {"ERR_BUSY", "busy"},
    [ERR_IO] = {"ERR_IO", "input/output error"},
    [ERR_CORRUPT] = {"ERR_CORRUPT", "stored data is damaged"},
};

const char *
err_name(enum err err)
{
    return err < ERR_MAX ? err_table[err].name : "ERR_?";
}

const char *
err_text(enum err err)
{
    return err < ERR_MAX ? err_table[err].text : "unknown error";
}

enum err
diag_set(struct diag *diag, enum err err, const char *format, ...)
{
    if (diag) {
        va_list args;
        va_start(args, format);
        vsnprintf(diag->text, sizeof diag->text, format, args);
        va_end(args);
    }
    return err;
}

void
diag_prefix(struct diag *diag, const char *format, ...)
{
    if (!diag)
        return;
    char old[sizeof diag->text];
    memcpy(old, diag->text, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, sizeof diag->text - 1);
    const char *parts[] = {": ", old};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        size_t length = MIN(strlen(parts[i]), sizeof diag->text - 1 - used);
        memcpy(diag->text + used, parts[i], length);
        used += length;
    }
    diag->text[used] = '\0';
}
