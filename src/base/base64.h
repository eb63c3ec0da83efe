/* base64.h - octets as text (RFC 4648 section 4): for captures in JSON. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Appends the text, padded, without line feeds. */
void base64_put(struct buf *, const void *data, size_t size);

/* Appends the octets. ERR_MALFORMED: another character, padding that is missing or in the wrong
 * place, bits behind the last octet that are not zero; the buffer is as it was then. */
MUST_CHECK enum err base64_parse(const char *text, size_t length, struct buf *);

/* The same in base64url without padding (RFC 4648 section 5, RFC 7515 section 2). */
void base64url_put(struct buf *, const void *data, size_t size);
MUST_CHECK enum err base64url_parse(const char *text, size_t length, struct buf *);

#endif
