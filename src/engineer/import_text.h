/* import_text.h - lines of words, as others' rule dumps are written: read one by one, with the
 * place of each word for those who have to say what is wrong with it. */
#ifndef ENGINEER_IMPORT_TEXT_H
#define ENGINEER_IMPORT_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT_TEXT_MAX ((size_t)512 << 20) /* octets */
#define IMPORT_LINE_MAX 8192u               /* octets, without its end */
#define IMPORT_WORDS_MAX 320u               /* in a line */

struct import_word {
    char *text;      /* ends with NUL */
    uint32_t column; /* of its first octet, from 1 */
};

struct import_line {
    uint32_t number; /* from 1 */
    uint32_t n;      /* words; 0: the end of the text */
    struct import_word words[IMPORT_WORDS_MAX];
    char copy[IMPORT_LINE_MAX + 1];
};

struct import_reader {
    const char *pos, *end;
    uint32_t line; /* of the next one, from 1 */
};

/* Starts to read; the text is not copied. ERR_LIMIT: it is too long. */
MUST_CHECK enum err import_open(struct import_reader *, const char *text, size_t size,
                                struct diag *);
/* The next line that has words and does not begin with '#'. Words are separated by spaces and tabs;
 * lines end with LF or CRLF. ERR_MALFORMED: an octet that is not printable ASCII; ERR_LIMIT: a line
 * too long, or with too many words. */
MUST_CHECK enum err import_next(struct import_reader *, struct import_line *, struct diag *);

/* "line 7, column 12: FORMAT"; returns `err`. `at` is where the word starts in which it is. */
enum err import_fail(struct diag *, enum err err, const struct import_line *, uint32_t column,
                     const char *format, ...) PRINTF_LIKE(5, 6);

/* A decimal number of at most `max`. */
bool import_number(const char *text, uint64_t max, uint64_t *number);
/* "10.0.0.1" */
bool import_address(const char *text, uint32_t *address);

#endif
