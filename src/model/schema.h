/* schema.h - the YANG modules in schema/: validation of JSON, and a tree of all their nodes for
 * whatever is generated from them (command help, forms, reference pages, OpenAPI). */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include "base/err.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

#define SCHEMA_TEXT_MAX ((size_t)64 << 20) /* octets of a document */
#define SCHEMA_DEPTH_MAX 24                /* arrays and objects within each other; it needs 20 */

struct schema;

/* Loads the modules from a directory. ERR_NOT_FOUND, ERR_MALFORMED: `diag` says which and why. */
MUST_CHECK enum err schema_open(const char *directory, struct schema **, struct diag *);
void schema_close(struct schema *); /* NULL is fine */

/* Checks a JSON text (RFC 8259, UTF-8, no name twice in an object) strictly against the schema and
 * returns it, without adding defaults. `what` is the path of the schema node that the text is an
 * instance of:
 *
 *     NULL                                    a whole document: {"tieline-inventory:inventory":
 * ...}
 *     "/tieline-circuit:circuits"             what is in a container: {"circuit": [...]}
 *     "/tieline-circuit:circuits/circuit"     one entry of a list: {"name": ...}
 *     "/tieline-work:submit-order/input"      the input of an operation
 *
 * References to other objects need not be in the text; network_check() looks for them.
 * ERR_MALFORMED: not JSON, `diag` gives line and column. ERR_INVALID: `diag` gives path, reason and
 * line. ERR_LIMIT: too large or too deep. ERR_NOT_FOUND: no such schema node. */
MUST_CHECK enum err schema_validate_json(struct schema *, const char *text, size_t size,
                                         const char *what, json_t **, struct diag *);

/* ---- The tree ----------------------------------------------------------------------------------
 */

enum schema_kind {
    SCHEMA_CONTAINER,
    SCHEMA_LIST,
    SCHEMA_LEAF,
    SCHEMA_LEAF_LIST,
    SCHEMA_CHOICE, /* of cases; neither is in the data, only what is in the cases */
    SCHEMA_CASE,
    SCHEMA_OPERATION, /* an rpc: has an input and perhaps an output, which are containers in it */
    SCHEMA_INPUT,
    SCHEMA_OUTPUT,
    SCHEMA_ANYDATA, /* an object that the modules do not look into */
    SCHEMA_KIND_MAX
};

const char *schema_kind_word(enum schema_kind); /* "leaf-list"; static */

enum schema_type { SCHEMA_NONE, SCHEMA_STRING, SCHEMA_INTEGER, SCHEMA_BOOLEAN, SCHEMA_ENUM };

struct schema_range {
    int64_t min, max;
};

struct schema_pattern {
    const char *expression; /* XML Schema regular expression, anchored at both ends */
    const char *message;    /* what to say if it does not match; NULL */
    bool inverted;          /* must not match */
};

struct schema_word {
    const char *name, *description;
};

/* One node. All of it lives as long as the schema; strings may be NULL where a statement is
 * missing. */
struct schema_node {
    const char *name, *module;
    const char *path; /* as `what` above: "/tieline-circuit:circuits/circuit/ip/client" */
    const char *description, *reference;
    enum schema_kind kind;
    bool writable;  /* configuration or input */
    bool mandatory; /* of leaves and choices; of lists, at least one entry */
    bool is_key;
    bool presence;                       /* an empty container that means something */
    bool user_order;                     /* the order of entries means something */
    uint32_t min_elements, max_elements; /* of lists and leaf-lists; UINT32_MAX: no limit */

    const char *const *keys; /* of a list */
    size_t n_keys;

    /* Of leaves and leaf-lists. A reference has the type of what it refers to, and that path. */
    enum schema_type type;
    const char *units, *fallback; /* `fallback`: the default */
    const char *target;           /* "/tieline-inventory:inventory/host/name" */
    struct schema_range bounds;   /* of an integer; of the length of a string, in characters */
    const struct schema_pattern *patterns;
    size_t n_patterns;
    const struct schema_word *words; /* of an enumeration */
    size_t n_words;

    const struct schema_node *parent, *children, *next; /* in the order of the module */
};

/* The first top-level node; the others follow by `next`: containers, then operations, per module.
 */
const struct schema_node *schema_root(const struct schema *);
/* The node with that path; NULL if there is none. */
const struct schema_node *schema_find(const struct schema *, const char *path);
/* Calls `visit` for every node below and including `top` (NULL: all there are), parents first. */
void schema_walk(const struct schema *, const struct schema_node *top,
                 void (*visit)(void *arg, const struct schema_node *), void *arg);

#endif
