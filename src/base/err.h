/* err.h - the one error code of the product, and the text that goes with it.
 *
 * A function that can fail returns `enum err` and leaves its outputs and its state as they were.
 * Where a person has to act on the failure, the function also takes a `struct diag *`, which may be
 * NULL, and says in words what is wrong and where: file, field, offset. Libraries return, programs
 * log. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

enum err {
    ERR_OK = 0,
    ERR_TRUNCATED,   /* the input ends before what it promises */
    ERR_MALFORMED,   /* the input breaks its format's rules */
    ERR_UNSUPPORTED, /* well-formed, but not something this version does */
    ERR_INVALID,     /* a value or a combination of values that makes no sense here */
    ERR_LIMIT,       /* a budget (memory, count, depth) is used up */
    ERR_NOT_FOUND,   /* what was named does not exist */
    ERR_EXISTS,      /* what should be new is there already */
    ERR_CONFLICT,    /* it contradicts something that exists */
    ERR_DENIED,      /* the caller may not */
    ERR_TIMEOUT,     /* no answer in time */
    ERR_CLOSED,      /* the other side has gone */
    ERR_BUSY,        /* not now; the same call may succeed later */
    ERR_IO,          /* the operating system failed us */
    ERR_CORRUPT,     /* stored data is not what was stored */
    ERR_MAX
};

/* Short name, "ERR_TRUNCATED"; static. */
const char *err_name(enum err);
/* A few words for people, "truncated input"; static. */
const char *err_text(enum err);

/* What went wrong, in words. Written by the function that fails, printed by the program. */
struct diag {
    char text[320];
};

/* Writes the text (cut to fit) and returns `err`, so that a failing line is one line. */
enum err diag_set(struct diag *, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "prefix: " before what is there; callers add the context they know. */
void diag_prefix(struct diag *, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
