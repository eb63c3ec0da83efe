/* uverr.h - libuv's status codes as errors of the product. */
#ifndef IO_UVERR_H
#define IO_UVERR_H

#include "base/err.h"

/* `status` as libuv gives it: 0 or more is ERR_OK, negative an error (UV_ECONNRESET, -errno). */
enum err uverr(int status);
/* Writes "WHAT: connection refused", and returns uverr(status). */
enum err uverr_explain(struct diag *, int status, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
