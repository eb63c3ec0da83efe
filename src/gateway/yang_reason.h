/* yang_reason.h - what the YANG modules find wrong with an object, for who sent it as JSON. Pure.
 */
#ifndef GATEWAY_YANG_REASON_H
#define GATEWAY_YANG_REASON_H

#include "base/buf.h"

#include <jansson.h>

/* `text` is what schema_validate_json() says of `body`, an entry of the list at `path`:
 * "line 4: /tieline-inventory:inventory/host[name='h']/port: reason". Appends the JSON pointer of
 * what is wrong in the body, keys turned into places in arrays, and returns the reason, which is
 * within `text`. A text that names no place in the object is the reason itself. */
const char *yang_reason(const char *text, const char *path, const json_t *body,
                        struct buf *pointer);

#endif
