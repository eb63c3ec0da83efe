/* bpf_error.h - what the kernel says to BPF programs and traffic control filters, as an error. */
#ifndef IO_BPF_ERROR_H
#define IO_BPF_ERROR_H

#include "base/err.h"

#include <errno.h>
#include <string.h>

/* `name`: of the interface; `what` was done to it. */
static inline enum err
bpf_error(struct diag *diag, const char *name, const char *what, int error)
{
    enum err err = error == EPERM || error == EACCES                           ? ERR_DENIED
                   : error == EOPNOTSUPP || error == ENOENT || error == EINVAL ? ERR_UNSUPPORTED
                                                                               : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", name, what, strerror(error));
}

#endif
