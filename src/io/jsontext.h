/* jsontext.h - JSON text from strangers into jansson's values, and back.
 *
 * Strict: RFC 8259 to the letter, UTF-8 checked, no key twice in an object, no NUL in strings,
 * nothing behind the value. Bounded: jansson needs up to two hundred octets for a value of two, so
 * what it would need, and the depth, are reckoned up before it sees the text. */
#ifndef IO_JSONTEXT_H
#define IO_JSONTEXT_H

#include "base/buf.h"

#include <jansson.h>

/* Octets of memory for one text. Four mebibytes of ordinary objects need 50 to 100 MB. */
#define JSONTEXT_BUDGET ((size_t)128 << 20)
#define JSONTEXT_DEPTH 64

/* Exactly `size` octets, one value of any type. `text` may be NULL if `size` is 0, which is
 * malformed. The caller owns *result.
 * ERR_MALFORMED: not JSON, with line and column; ERR_LIMIT: it would need more than
 * JSONTEXT_BUDGET, or is nested deeper than JSONTEXT_DEPTH. */
MUST_CHECK enum err jsontext_parse(const char *text, size_t size, json_t **result, struct diag *);

/* Writes the value on one line without spaces, no line feed behind it. Keys keep their order.
 * ERR_LIMIT: the buffer's; ERR_INVALID: not a tree. On error the buffer is as it was. */
MUST_CHECK enum err jsontext_put(struct buf *, const json_t *);

/* A string value of any octets; where they are not UTF-8, all but ASCII becomes '?'. Never NULL. */
json_t *jsontext_string(const char *text);

/* What a JSON Pointer (RFC 6901) such as "/routes/10.4.0.0~130/0/valid" leads to; NULL: there is
 * nothing, or the pointer is none. Borrowed. */
const json_t *jsontext_at(const json_t *, const char *pointer);

#endif
