#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 24

static const struct option_row *
find(const struct option_row *rows, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(rows[i].name) == length && !strncmp(rows[i].name, name, length))
            return &rows[i];
    }
    return NULL;
}

static const char **
text_at(void *options, const struct option_row *row)
{
    return (const char **)((char *)options + row->at);
}

bool
option_number(const char *text, int base, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end;
    if (!isxdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long long v = strtoull(text, &end, base);
    if (errno || *end || v < least || v > most)
        return false;
    *value = v;
    return true;
}

static enum err
take_number(const struct option_row *row, void *options, const char *text, struct diag *diag)
{
    uint64_t value;
    if (!option_number(text, 10, 1, row->most, &value))
        return diag_set(diag, ERR_INVALID, "--%s: \"%s\" is not a number from 1 to %u", row->name,
                        text, row->most);
    *(uint32_t *)((char *)options + row->at) = (uint32_t)value;
    return ERR_OK;
}

static enum err
take(const struct option_row *row, void *options, const char *value, struct diag *diag)
{
    enum err err = ERR_OK;
    switch (row->kind) {
    case OPTION_TEXT:
        *text_at(options, row) = value;
        break;
    case OPTION_FLAG:
        *(bool *)((char *)options + row->at) = true;
        break;
    case OPTION_NUMBER:
        return take_number(row, options, value, diag);
    case OPTION_OTHER:
        err = row->take(options, value, diag);
        if (err)
            diag_prefix(diag, "--%s", row->name);
    }
    return err;
}

enum err
options_read(const struct option_row *rows, size_t n, int argc, char *const *argv, void *options,
             struct diag *diag)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            return diag_set(diag, ERR_INVALID, "\"%s\" is not an option", argv[i]);
        const char *name = argv[i] + 2, *value = strchr(name, '=');
        const struct option_row *row = find(rows, n, name,
                                            value ? (size_t)(value - name) : strlen(name));
        if (!row)
            return diag_set(diag, ERR_INVALID, "there is no option \"%s\"", argv[i]);
        bool wants = *row->value;
        if (value && !wants)
            return diag_set(diag, ERR_INVALID, "--%s takes no value", row->name);
        if (value)
            value++;
        else if (wants && ++i == argc)
            return diag_set(diag, ERR_INVALID, "--%s needs %s", row->name, row->value);
        else if (wants)
            value = argv[i];
        if (wants && !*value)
            return diag_set(diag, ERR_INVALID, "--%s is empty", row->name);
        enum err err = take(row, options, value, diag);
        if (err)
            return err;
    }
    return ERR_OK;
}

enum err
options_complete(const struct option_row *rows, size_t n, void *options, struct diag *diag)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind != OPTION_TEXT || *text_at(options, &rows[i]))
            continue;
        if (!rows[i].fallback)
            return diag_set(diag, ERR_INVALID, "--%s %s is needed", rows[i].name, rows[i].value);
        if (*rows[i].fallback)
            *text_at(options, &rows[i]) = rows[i].fallback;
    }
    return ERR_OK;
}

void
options_explain(FILE *out, const struct option_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int width = fprintf(out, "  --%s %s", rows[i].name, rows[i].value);
        fprintf(out, "%*s%s", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", rows[i].help);
        if (rows[i].fallback && *rows[i].fallback)
            fprintf(out, " (%s)", rows[i].fallback);
        fputc('\n', out);
    }
}
