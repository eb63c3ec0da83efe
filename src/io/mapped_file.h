/* mapped_file.h - a file as octets in memory, read only. Whoever makes the file shorter meanwhile
 * ends the program with SIGBUS: it is for captures that lie still. */
#ifndef IO_MAPPED_FILE_H
#define IO_MAPPED_FILE_H

#include "base/err.h"

#include <stddef.h>

struct mapped_file {
    const void *data; /* NULL: it is empty */
    size_t size;
    size_t kept, next; /* octets before `kept` were given back; those up to `next` are there */
};

/* Errors as file_fail() (io/file.h); ERR_INVALID: a pipe, a directory. */
MUST_CHECK enum err mapped_file_open(const char *path, struct mapped_file *, struct diag *);
/* For who reads from the beginning to the end, and has come to `at`: what is well behind does not
 * stay in memory, which changes nothing but the resident size, and what comes next is mapped at
 * once and not page by page. */
void mapped_file_read_on(struct mapped_file *, size_t at);
static inline void
mapped_file_at(struct mapped_file *f, size_t at)
{
    if (at >= f->next)
        mapped_file_read_on(f, at);
}
void mapped_file_close(struct mapped_file *);

#endif
