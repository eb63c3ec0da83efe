/* components.h - what goes in and out of the API, as JSON schemas by name.
 *
 * The objects of the model and of work come from the YANG modules; what has no module is a row of
 * the table in components.c. The same schemas check what comes in (shape.h) and are published
 * (openapi.h). */
#ifndef GATEWAY_COMPONENTS_H
#define GATEWAY_COMPONENTS_H

#include "model/schema.h"

#include <jansson.h>

/* {NAME: schema}. ERR_NOT_FOUND: a module lacks something, `diag` says what. The caller owns it. */
MUST_CHECK enum err components_build(const struct schema *, json_t **, struct diag *);

/* The JSON schema (2020-12) of a node of the YANG modules: an entry of a list, a container, a leaf.
 * The caller owns it. */
json_t *component_from_node(const struct schema_node *);

#endif
