/* mapped_file.h - a file as octets in memory, read only. Whoever makes the file shorter meanwhile
 * ends the program with SIGBUS: it is for captures that lie still. */
#ifndef IO_MAPPED_FILE_H
#define IO_MAPPED_FILE_H

#include "base/err.h"

#include <stddef.h>

struct mapped_file {
    const void *data; /* NULL: it is empty */
    size_t size;
};

/* Errors as file_fail() (io/file.h); ERR_INVALID: a pipe, a directory. */
MUST_CHECK enum err mapped_file_open(const char *path, struct mapped_file *, struct diag *);
void mapped_file_close(struct mapped_file *);

#endif
