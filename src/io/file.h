/* file.h - whole files: read within a limit, written in one step.
 *
 * What is read or written may be secret: nothing of it is left in memory but the caller's own. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/buf.h"

#include <sys/types.h>

/* ERR_NOT_FOUND, ERR_DENIED, ERR_EXISTS or ERR_IO, by `error` (errno), and "PATH: why". */
enum err file_fail(struct diag *, const char *path, int error);

/* Appends the file to `text`, which gets this limit. Errors as file_fail(), and ERR_LIMIT: it is
 * larger. On error `text` is empty and has no memory. */
MUST_CHECK enum err file_read(const char *path, size_t limit, struct buf *text, struct diag *);
/* The same of what is open; `path` is for words. The caller closes it. */
MUST_CHECK enum err file_read_from(int fd, const char *path, size_t limit, struct buf *text,
                                   struct diag *);

/* The file is there as a whole or as it was, whatever happens meanwhile, and durable when this
 * returns ERR_OK. `fresh`: it must not be there yet (ERR_EXISTS). Errors as file_fail(). */
MUST_CHECK enum err file_write(const char *path, const void *data, size_t size, mode_t mode,
                               bool fresh, struct diag *);

/* As many files may be open as the system lets this process have: a connection is one. False: it is
 * as it was, errno says why. */
bool file_allow_many(void);

/* Makes a change of names in the directory of `path` durable; false: errno says why. */
bool file_sync_directory(const char *path);

#endif
