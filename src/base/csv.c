#include "base/csv.h"

#include "base/utf8.h"

#include <string.h>

#define ROW_BUDGET ((size_t)CSV_CELLS_MAX * (CSV_CELL_MAX + 64))
#define NOTHING UINT32_MAX /* no character: the end, or something that is none */

/* The character at `pos`, without moving; NOTHING at the end. */
static uint32_t
peek(const struct csv_reader *r)
{
    const uint8_t *at = r->pos;
    return utf8_next(&at, r->end);
}

static void
skip(struct csv_reader *r)
{
    uint32_t c = utf8_next(&r->pos, r->end);
    if (c == '\n') {
        r->line++;
        r->column = 1;
    } else {
        r->column++;
    }
}

static bool
at_end(const struct csv_reader *r)
{
    return r->pos == r->end;
}

static bool
at_line_end(const struct csv_reader *r)
{
    return at_end(r) || *r->pos == '\n' ||
           (*r->pos == '\r' && r->end - r->pos > 1 && r->pos[1] == '\n');
}

static void
skip_line_end(struct csv_reader *r)
{
    if (!at_end(r) && *r->pos == '\r')
        skip(r);
    if (!at_end(r))
        skip(r);
}

/* ---- Opening -----------------------------------------------------------------------------------
 */

/* The first separator in the first line that is not within quotes. */
static char
find_separator(const struct csv_reader *r)
{
    bool quoted = false;
    for (const uint8_t *at = r->pos; at < r->end && *at != '\n'; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && (*at == ',' || *at == ';' || *at == '\t'))
            return (char)*at;
    }
    return ',';
}

/* Spreadsheets say so where the country's separator is another one. */
static bool
read_separator_line(struct csv_reader *r)
{
    static const char mark[] = "sep=";
    size_t length = strlen(mark);
    if ((size_t)(r->end - r->pos) <= length || memcmp(r->pos, mark, length))
        return false;
    struct csv_reader start = *r;
    r->separator = (char)r->pos[length];
    for (size_t i = 0; i <= length && !at_line_end(r); i++)
        skip(r);
    if (!memchr(",;\t", r->separator, 3) || !at_line_end(r)) {
        *r = start;
        return false;
    }
    skip_line_end(r);
    return true;
}

enum err
csv_open(struct csv_reader *r, const char *text, size_t size, struct diag *diag)
{
    static const char mark[] = "\xef\xbb\xbf";
    *r = (struct csv_reader){.pos = (const uint8_t *)text, .line = 1, .column = 1};
    r->end = r->pos ? r->pos + size : r->pos;
    if (size > CSV_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "the file has %zu octets, at most %zu are read", size,
                        CSV_TEXT_MAX);
    if (size >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
        return diag_set(diag, ERR_MALFORMED, "the file is UTF-16: save it as CSV UTF-8");
    if (size >= 3 && !memcmp(text, mark, 3))
        r->pos += 3;
    if (!read_separator_line(r))
        r->separator = find_separator(r);
    r->arena = arena_new(ROW_BUDGET);
    return ERR_OK;
}

void
csv_close(struct csv_reader *r)
{
    arena_free(r->arena);
    r->arena = NULL;
}

/* ---- Cells -------------------------------------------------------------------------------------
 */

/* A character that may be in a cell, appended as it stands. */
static enum err
take(struct csv_reader *r, struct buf *text, struct diag *diag)
{
    const uint8_t *start = r->pos;
    uint32_t c = peek(r);
    if (c == NOTHING)
        return diag_set(diag, ERR_MALFORMED, "not UTF-8: save the file as CSV UTF-8");
    if (c == '\0')
        return diag_set(diag, ERR_MALFORMED, "a NUL character");
    skip(r);
    buf_put(text, start, (size_t)(r->pos - start));
    return buf_err(text) ? diag_set(diag, ERR_LIMIT, "the cell is too long") : ERR_OK;
}

/* RFC 4180 section 2, rules 5 to 7: from the quote to behind the one that closes it. */
static enum err
read_quoted(struct csv_reader *r, struct buf *text, struct diag *diag)
{
    struct csv_reader start = *r;
    skip(r);
    for (;;) {
        if (at_end(r)) {
            *r = start;
            return diag_set(diag, ERR_MALFORMED, "the quote that starts here is not closed");
        }
        if (*r->pos == '"') {
            skip(r);
            if (at_end(r) || *r->pos != '"')
                return ERR_OK;
        }
        enum err err = take(r, text, diag);
        if (err)
            return err;
    }
}

static void
skip_spaces(struct csv_reader *r)
{
    while (!at_end(r) && (*r->pos == ' ' || (*r->pos == '\t' && r->separator != '\t')))
        skip(r);
}

static bool
at_cell_end(const struct csv_reader *r)
{
    return at_line_end(r) || *r->pos == (uint8_t)r->separator;
}

static enum err
read_plain(struct csv_reader *r, struct buf *text, struct diag *diag)
{
    while (!at_cell_end(r)) {
        if (*r->pos == '"')
            return diag_set(diag, ERR_MALFORMED,
                            "a quote within a cell that does not start with one");
        if (*r->pos == '\r')
            return diag_set(diag, ERR_MALFORMED, "a carriage return without a line feed");
        enum err err = take(r, text, diag);
        if (err)
            return err;
    }
    while (text->size && (text->data[text->size - 1] == ' ' || text->data[text->size - 1] == '\t'))
        text->size--;
    return ERR_OK;
}

static enum err
read_text(struct csv_reader *r, struct buf *text, struct diag *diag)
{
    if (at_cell_end(r) || *r->pos != '"')
        return read_plain(r, text, diag);
    enum err err = read_quoted(r, text, diag);
    if (err)
        return err;
    skip_spaces(r);
    if (!at_cell_end(r))
        return diag_set(diag, ERR_MALFORMED, "there is text behind the closing quote");
    return ERR_OK;
}

/* What may stand in a cell as it is, a character an octet: 1 without quotes, 2 within. */
static const uint8_t as_it_is[256] = {[' ' ... '!'] = 3, ['#' ... '+'] = 3, [','] = 2,
                                      ['-' ... ':'] = 3, [';'] = 2,         ['<' ... '~'] = 3};

/* Most cells are nothing else. False: it is another, and nothing has been read. */
static bool
read_simple(struct csv_reader *r, const char **text, size_t *size)
{
    struct csv_reader after = *r;
    bool is_quoted = !at_end(r) && *r->pos == '"';
    const uint8_t *start = r->pos + is_quoted, *end = start;
    while (end < r->end && as_it_is[*end] & (is_quoted ? 2 : 1))
        end++;
    if (end - start > CSV_CELL_MAX || (is_quoted && (end == r->end || *end != '"')))
        return false;
    after.pos = end + is_quoted;
    if (!at_cell_end(&after))
        return false;
    r->column += (uint32_t)(after.pos - r->pos);
    r->pos = after.pos;
    while (!is_quoted && end > start && end[-1] == ' ')
        end--;
    *text = (const char *)start;
    *size = (size_t)(end - start);
    return true;
}

static enum err
read_cell(struct csv_reader *r, struct csv_cell *cell, struct diag *diag)
{
    struct buf text = buf_limited(CSV_CELL_MAX);
    const char *simple;
    size_t size;
    skip_spaces(r);
    *cell = (struct csv_cell){.line = r->line, .column = r->column};
    if (read_simple(r, &simple, &size)) {
        cell->text = arena_strndup(r->arena, simple, size);
        return cell->text ? ERR_OK : diag_set(diag, ERR_LIMIT, "the row is too long");
    }
    enum err err = read_text(r, &text, diag);
    if (!err) {
        cell->text = arena_strndup(r->arena, text.size ? (const char *)text.data : "", text.size);
        if (!cell->text)
            err = diag_set(diag, ERR_LIMIT, "the row is too long");
    }
    buf_fini(&text);
    return err;
}

static bool
is_empty(const struct csv_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        if (*row->cells[i].text)
            return false;
    }
    return true;
}

static enum err
read_row(struct csv_reader *r, struct csv_row *row, struct diag *diag)
{
    arena_reset(r->arena);
    row->n = 0;
    row->line = r->line;
    for (;;) {
        if (row->n == CSV_CELLS_MAX)
            return diag_set(diag, ERR_LIMIT, "the row has too many cells");
        enum err err = read_cell(r, &row->cells[row->n], diag);
        if (err)
            return err;
        row->n++;
        if (at_line_end(r))
            break;
        skip(r); /* the separator */
    }
    skip_line_end(r);
    return ERR_OK;
}

enum err
csv_next(struct csv_reader *r, struct csv_row *row, struct diag *diag)
{
    row->n = 0;
    while (!at_end(r)) {
        enum err err = read_row(r, row, diag);
        if (err || !is_empty(row))
            return err;
        row->n = 0;
    }
    return ERR_OK;
}

/* ---- Writing -----------------------------------------------------------------------------------
 */

void
csv_put(struct buf *out, const char *text, bool first)
{
    size_t length = strlen(text);
    bool quote = strpbrk(text, ",;\"\r\n\t") ||
                 (length && (text[0] == ' ' || text[length - 1] == ' '));
    if (!first)
        buf_u8(out, ',');
    if (!quote) {
        buf_str(out, text);
        return;
    }
    buf_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_u8(out, '"');
        buf_u8(out, (uint8_t)*text);
    }
    buf_u8(out, '"');
}

void
csv_end_row(struct buf *out)
{
    buf_str(out, "\r\n");
}
