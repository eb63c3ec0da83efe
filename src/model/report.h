/* report.h - what an import did, or would do: row by row, with the place each row came from. */
#ifndef MODEL_REPORT_H
#define MODEL_REPORT_H

#include "model/finding.h"

enum report_action {
    REPORT_CREATED,
    REPORT_CHANGED,
    REPORT_UNCHANGED,
    REPORT_ERROR,
    REPORT_ACTION_MAX
};

const char *report_action_word(enum report_action); /* "created"; static */

#define REPORT_FIELDS_MAX 24

struct report_row {
    enum report_action action;
    const char *kind;      /* "host", "port"; static */
    char *name;            /* of the object; "" if it could not be read */
    char *file;            /* NULL: none */
    uint32_t line, column; /* from 1; 0: not known */
    char *field;           /* of an error; NULL: the row as a whole */
    char *text;            /* of an error, else NULL */
    size_t n_changes;
    const char *changes[REPORT_FIELDS_MAX]; /* of REPORT_CHANGED: which fields; static */
};

/* Zero-initialised, it is empty. */
struct report {
    bool dry_run;
    bool applied; /* false: dry run, or there was an error, so nothing was */
    struct report_row *rows;
    size_t n, capacity;
    size_t counts[REPORT_ACTION_MAX];
    struct findings findings; /* about the network as it would be, other than errors in rows */
};

void report_fini(struct report *); /* empty again */

/* Adds a row; `name` and `file` are copied, `file` may be NULL. Valid until the next is added. */
struct report_row *report_add(struct report *, enum report_action, const char *kind,
                              const char *name, const char *file, uint32_t line)
    __attribute__((returns_nonnull));
/* Turns a row into an error; the first error of a row stays. */
void report_fail(struct report *, struct report_row *, const char *field, uint32_t line,
                 uint32_t column, const char *text);
/* No row and no finding is an error. */
bool report_is_clean(const struct report *);

/* {"dry-run", "applied", "created", "changed", "unchanged", "errors", "rows": [{"action", "kind",
 * "name", "file", "line", "column", "field", "text", "changes"}], "findings"}. */
json_t *report_to_json(const struct report *);
/* Errors and findings one per line, then the sums. */
void report_to_text(const struct report *, struct buf *);

#endif
