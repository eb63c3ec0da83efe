/* openapi.h - the API's own description: OpenAPI 3.1, made from the table of routes (route.h) and
 * the components (components.h). Pure. */
#ifndef GATEWAY_OPENAPI_H
#define GATEWAY_OPENAPI_H

#include <jansson.h>

/* The caller owns the document. `components` is only read. */
json_t *openapi_build(json_t *components, const char *version);

#endif
