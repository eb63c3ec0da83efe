/* csv.h - reads and writes tables as text (RFC 4180), as spreadsheets write and people edit them.
 *
 * Read: UTF-8, with or without a byte order mark; lines end with CRLF or LF; cells are separated by
 * commas, semicolons (spreadsheets in countries with a decimal comma) or tabs, whichever comes
 * first in the first line, or is named in a first line "sep=;". White space around a cell that is
 * not quoted is dropped. Lines in which all cells are empty are skipped. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CSV_TEXT_MAX ((size_t)64 << 20) /* octets of a file */
#define CSV_CELLS_MAX 64                /* in a row */
#define CSV_CELL_MAX 16384              /* octets */

struct csv_cell {
    const char *text;      /* unquoted; ends with NUL and has none inside */
    uint32_t line, column; /* where it starts, from 1; columns count characters */
};

struct csv_row {
    struct csv_cell cells[CSV_CELLS_MAX];
    size_t n; /* 0: the end of the file */
    uint32_t line;
};

struct csv_reader {
    const uint8_t *pos, *end;
    uint32_t line, column; /* of `pos` */
    char separator;
    struct arena *arena; /* of the row's texts */
};

/* Starts to read. The text is not copied. ERR_LIMIT: too large; ERR_MALFORMED: UTF-16. */
MUST_CHECK enum err csv_open(struct csv_reader *, const char *text, size_t size, struct diag *);
void csv_close(struct csv_reader *);

/* The next row that is not empty; valid until the next call. `row->n` is 0 at the end.
 * ERR_MALFORMED: a quote where none can be, one that is not closed, an octet that is not UTF-8,
 * NUL, CR without LF. ERR_LIMIT: too many cells, or one too long. Then the reader is where the
 * error is: `line` and `column`. */
MUST_CHECK enum err csv_next(struct csv_reader *, struct csv_row *, struct diag *);

/* Appends a cell, quoted if it has to be, after a comma if it is not the first of its row. */
void csv_put(struct buf *, const char *text, bool first);
void csv_end_row(struct buf *); /* CRLF */

#endif
