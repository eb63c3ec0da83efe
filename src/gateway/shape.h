/* shape.h - does a JSON value have the shape that its schema says? Pure.
 *
 * The schema is JSON Schema 2020-12 as openapi.h writes it: $ref to components, type, enum,
 * properties, required, additionalProperties, items, minItems, maxItems, minLength, maxLength,
 * minimum, maximum, oneOf of nothing but `required`, anyOf of different types, and `format` "name"
 * and "text" (as in schema/tieline-types.yang). `pattern` is for readers: what it says of objects
 * of the model, model/schema.h checks. */
#ifndef GATEWAY_SHAPE_H
#define GATEWAY_SHAPE_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* `components`: by name, for $ref "#/components/schemas/NAME". ERR_INVALID: it has not; the JSON
 * pointer (RFC 6901) of what is wrong is appended to `pointer`, and `diag` says what it should be.
 */
MUST_CHECK enum err shape_check(const json_t *components, const json_t *schema, const json_t *value,
                                struct buf *pointer, struct diag *);

/* Appends "/token", escaped as RFC 6901 has it. */
void json_pointer_put(struct buf *pointer, const char *token);

#endif
