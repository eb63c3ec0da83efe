/* files.h - files that are there as a whole or not at all, and secrets that nobody else reads.
 *
 * Generations: what a server runs by is in DIR/1, DIR/2, ...; the link DIR/current names the one
 * that counts, and is changed in one step. A generation that was not made current is a request that
 * waits, or what a crash left; it does no harm. */
#ifndef ENROL_FILES_H
#define ENROL_FILES_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

#define FILES_MAX ((size_t)1 << 20) /* octets of one file */

enum files_kind { FILES_PUBLIC, FILES_SECRET }; /* 0644, 0600 */

/* "DIR/NAME"; free() it. */
char *files_path(const char *dir, const char *name);

/* Wipe what is secret. ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT, ERR_IO, with the file's name. */
MUST_CHECK enum err files_read(const char *dir, const char *name, struct buf *, struct diag *);
MUST_CHECK enum err files_read_json(const char *dir, const char *name, json_t **, struct diag *);

/* Durable when it returns. ERR_EXISTS: `fresh` and it is there. */
MUST_CHECK enum err files_write(const char *dir, const char *name, const void *data, size_t size,
                                enum files_kind, bool fresh, struct diag *);
MUST_CHECK enum err files_write_json(const char *dir, const char *name, const json_t *, bool fresh,
                                     struct diag *);

/* A new directory that only its owner enters, built under another name and then put in place as a
 * whole. *work and *home are absolute, free() them; *home is what it will be. ERR_EXISTS: it is
 * there and not empty; ERR_INVALID: its name has quotes or control characters in it. */
MUST_CHECK enum err files_begin(const char *dir, char **work, char **home, struct diag *);
/* Puts it in place if `err` is ERR_OK, or else removes it; frees both names. Returns `err`, or what
 * went wrong now. */
MUST_CHECK enum err files_finish(char *work, char *home, enum err err, struct diag *);
/* The absolute name of a directory that is there; free() it. Errors as files_begin(). */
MUST_CHECK enum err files_home(const char *dir, char **home, struct diag *);

/* Makes the next generation and says which. */
MUST_CHECK enum err files_next(const char *dir, unsigned *generation, struct diag *);
/* 0: none. */
unsigned files_current(const char *dir);
unsigned files_last(const char *dir);
/* From now on this one counts; older ones are removed. */
MUST_CHECK enum err files_switch(const char *dir, unsigned generation, struct diag *);
/* "DIR/7"; free() it. */
char *files_generation(const char *dir, unsigned generation);

/* One command at a time. ERR_BUSY; ERR_NOT_FOUND: there is no such directory. close() ends it. */
MUST_CHECK enum err files_lock(const char *dir, int *fd, struct diag *);

#endif
