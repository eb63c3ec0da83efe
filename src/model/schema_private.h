/* schema_private.h - for schema.c and schema_tree.c alone. */
#ifndef MODEL_SCHEMA_PRIVATE_H
#define MODEL_SCHEMA_PRIVATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/schema.h"

#include <libyang/libyang.h>

struct schema {
    struct ly_ctx *ctx;
    struct arena *arena; /* of the tree */
    const struct schema_node *root;
};

/* Builds the tree of these modules. ERR_LIMIT: it is larger than anything sensible. */
MUST_CHECK enum err schema_build_tree(struct schema *, const struct lys_module *const *modules,
                                      size_t n_modules);

/* Appends the data path of the first instance in `json` (an instance of `what`; NULL: a document)
 * that lacks the node at `location`, a schema path as libyang logs it, ended by a quote. False:
 * none. */
bool schema_locate(const struct schema *, const char *location, const struct schema_node *what,
                   const json_t *json, struct buf *path);

#endif
