/* checkpoint_log.h - a file of signed checkpoints (checkpoint.h), one behind the other, each with
 * an empty line behind it. It only grows: what a site has signed, what others have countersigned,
 * what a witness remembers. A checkpoint that gets one more signature is written once more. */
#ifndef JOURNAL_CHECKPOINT_LOG_H
#define JOURNAL_CHECKPOINT_LOG_H

#include "journal/checkpoint.h"

#define CHECKPOINT_LOG_MAX ((size_t)1 << 30)

/* One note after the other out of such a text. */
enum checkpoint_log_step {
    CHECKPOINT_LOG_NOTE,
    CHECKPOINT_LOG_END,
    CHECKPOINT_LOG_TORN,    /* it ends in the middle of a note: whoever wrote it was ended */
    CHECKPOINT_LOG_DAMAGED, /* from `at` on it is something else */
};
/* `at` begins at 0, and moves behind the note; it stays at what is torn or damaged. */
enum checkpoint_log_step checkpoint_log_next(const char *text, size_t size, size_t *at,
                                             const char **note, size_t *note_size);

/* All of a file. ERR_NOT_FOUND: it is not there; ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err checkpoint_log_read(const char *path, struct buf *text, struct diag *);

struct checkpoint_log; /* Opaque; one program writes a file. */

typedef void checkpoint_log_fn(void *arg, const char *note, const struct checkpoint *);
/* Tells of each note in it before it returns; makes the file, for its owner alone, if it is not
 * there; cuts off what is torn at its end. ERR_CORRUPT: something in it is no checkpoint, `diag`
 * says where, and it is left as it is; ERR_IO, ERR_LIMIT. */
MUST_CHECK enum err checkpoint_log_open(const char *path, checkpoint_log_fn *fn, void *arg,
                                        struct checkpoint_log **, struct diag *);
void checkpoint_log_close(struct checkpoint_log *); /* NULL is fine */
/* ERR_OK: it is on the disk. ERR_IO: it is not in the file. */
MUST_CHECK enum err checkpoint_log_append(struct checkpoint_log *, const char *note, size_t size,
                                          struct diag *);

#endif
