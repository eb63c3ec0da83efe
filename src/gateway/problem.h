/* problem.h - what is said when a request is not carried out: problem documents (RFC 9457).
 *
 *     {"type": "urn:tieline:problem:conflict", "title": "...", "status": 409, "detail": "...",
 *      "instance": "/api/v1/...", "err": "ERR_CONFLICT", "field": "/ip/client", ...}
 *
 * The types are a table: problem_types(). doc/api.md lists them. */
#ifndef GATEWAY_PROBLEM_H
#define GATEWAY_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#define PROBLEM_TYPE "application/problem+json"

struct problem {
    int status;
    enum err err;         /* ERR_OK: none fits */
    const char *detail;   /* what is wrong, in words; NULL: the title says it all */
    const char *instance; /* the path asked for; NULL: it is not known */
    const char *field; /* what is wrong: a JSON pointer into the body, or a parameter; NULL: none */
    const json_t *more; /* an object whose members are added; NULL: none */
};

/* Appends the document. Text that is not UTF-8 is made ASCII. */
void problem_put(struct buf *, const struct problem *);

/* The status that tells of this error. */
int problem_status(enum err);

struct problem_type {
    int status;
    const char *name; /* what follows "urn:tieline:problem:" */
    const char *title;
};

/* All there are, by status. */
const struct problem_type *problem_types(size_t *n);

#endif
