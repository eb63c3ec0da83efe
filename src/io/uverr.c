#include "io/uverr.h"

#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

static const struct {
    int status;
    enum err err;
} table[] = {
    {UV_EOF, ERR_CLOSED},
    {UV_ECONNRESET, ERR_CLOSED},
    {UV_ECONNREFUSED, ERR_CLOSED},
    {UV_ECONNABORTED, ERR_CLOSED},
    {UV_EPIPE, ERR_CLOSED},
    {UV_ENOTCONN, ERR_CLOSED},
    {UV_ETIMEDOUT, ERR_TIMEOUT},
    {UV_EACCES, ERR_DENIED},
    {UV_EPERM, ERR_DENIED},
    {UV_EADDRINUSE, ERR_EXISTS},
    {UV_EEXIST, ERR_EXISTS},
    {UV_ENOENT, ERR_NOT_FOUND},
    {UV_EADDRNOTAVAIL, ERR_NOT_FOUND},
    {UV_EINVAL, ERR_INVALID},
    {UV_EMFILE, ERR_LIMIT},
    {UV_ENFILE, ERR_LIMIT},
    {UV_EAGAIN, ERR_BUSY},
};

enum err
uverr(int status)
{
    if (status >= 0)
        return ERR_OK;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].status == status)
            return table[i].err;
    }
    return ERR_IO;
}

enum err
uverr_explain(struct diag *diag, int status, const char *format, ...)
{
    char what[200];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return diag_set(diag, uverr(status), "%s: %s", what, uv_strerror(status));
}
