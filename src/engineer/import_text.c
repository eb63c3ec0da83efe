#include "engineer/import_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err
import_open(struct import_reader *r, const char *text, size_t size, struct diag *diag)
{
    if (size > IMPORT_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "a text of %zu octets: at most %zu", size,
                        IMPORT_TEXT_MAX);
    *r = (struct import_reader){size ? text : "", size ? text + size : "", 1};
    if (!size)
        r->end = r->pos;
    return ERR_OK;
}

enum err
import_fail(struct diag *diag, enum err err, const struct import_line *line, uint32_t column,
            const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diag_set(diag, err, "line %u, column %u: %s", line->number, column, text);
}

/* Copies the line and moves behind it. */
static enum err
take_line(struct import_reader *r, struct import_line *line, struct diag *diag)
{
    const char *end = memchr(r->pos, '\n', (size_t)(r->end - r->pos));
    const char *next = end ? end + 1 : r->end;
    if (!end)
        end = r->end;
    line->number = r->line++;
    line->n = 0;
    if (end > r->pos && end[-1] == '\r')
        end--;
    size_t size = (size_t)(end - r->pos);
    if (size > IMPORT_LINE_MAX)
        return import_fail(diag, ERR_LIMIT, line, IMPORT_LINE_MAX + 1,
                           "a line has at most %u octets", IMPORT_LINE_MAX);
    memcpy(line->copy, r->pos, size);
    line->copy[size] = '\0';
    r->pos = next;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line->copy[i];
        if ((c < 0x20 && c != '\t') || c > 0x7e)
            return import_fail(diag, ERR_MALFORMED, line, (uint32_t)i + 1,
                               "octet 0x%02x is not a printable character", c);
    }
    return ERR_OK;
}

enum err
import_next(struct import_reader *r, struct import_line *line, struct diag *diag)
{
    line->n = 0;
    while (r->pos < r->end && !line->n) {
        enum err err = take_line(r, line, diag);
        if (err)
            return err;
        char *p = line->copy + strspn(line->copy, " \t");
        if (*p == '#')
            continue;
        while (*p) {
            if (line->n == IMPORT_WORDS_MAX)
                return import_fail(diag, ERR_LIMIT, line, (uint32_t)(p - line->copy) + 1,
                                   "a line has at most %u words", IMPORT_WORDS_MAX);
            size_t length = strcspn(p, " \t");
            line->words[line->n++] = (struct import_word){p, (uint32_t)(p - line->copy) + 1};
            bool last = !p[length];
            p[length] = '\0';
            p += length + !last;
            p += strspn(p, " \t");
        }
    }
    return ERR_OK;
}

bool
import_number(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t n = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (digit > max || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = n;
    return true;
}

bool
import_address(const char *text, uint32_t *address)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char octet[4];
        uint64_t n;
        size_t length = strcspn(text, ".");
        if (length == 0 || length > 3 || (text[length] == '.') != (i < 3))
            return false;
        memcpy(octet, text, length);
        octet[length] = '\0';
        if (!import_number(octet, 255, &n))
            return false;
        value = value << 8 | (uint32_t)n;
        text += length + (i < 3);
    }
    *address = value;
    return true;
}
