/* yaml.h - reads one YAML document into a JSON tree, strictly, and remembers where things stood.
 *
 * What is read is YAML 1.2's core schema (https://yaml.org/spec/1.2.2/, chapter 10.3) as far as it
 * means the same to every reader: mappings with text keys, sequences, and scalars that become null,
 * true or false, a number, or text. Refused, with the place: duplicate keys, anchors and aliases
 * (so nothing can expand), tags, merge keys, a second document, NUL characters, and plain scalars
 * that readers disagree about (007, 0x1f, .5, .inf): quote them to have text. `yes`, `no`, `on` and
 * `off` are text, as in YAML 1.2.
 *
 * The tree is jansson's. Its places are kept beside it, so that a check of the tree can still say
 * "file:line:column: message". */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/err.h"

#include <jansson.h>

struct yaml_tree;

struct yaml_limits {
    size_t size;    /* octets of text */
    unsigned depth; /* mappings and sequences inside each other; jansson's limit is 2048 */
    size_t nodes;   /* scalars, mappings and sequences, keys included */
};

#define YAML_LIMITS_DEFAULT                                                                        \
    ((struct yaml_limits){.size = (size_t)1 << 20, .depth = 32, .nodes = 100000})

/* Parses `size` octets of UTF-8. `file` is the name to use in messages; it is copied. The caller
 * owns the result: yaml_tree_free() ends it and its reference to the tree.
 *
 * ERR_MALFORMED: not YAML, a duplicate key, more or less than one document. ERR_UNSUPPORTED: YAML
 * that is refused here. ERR_LIMIT: over `limits`. The diag says where and what. */
MUST_CHECK enum err yaml_tree_parse(const char *text, size_t size, const char *file,
                                    struct yaml_limits limits, struct yaml_tree **, struct diag *);
void yaml_tree_free(struct yaml_tree *); /* NULL is fine. */

/* The document; lives as long as the tree unless the caller takes a reference of its own. Whoever
 * changes it loses the places. */
json_t *yaml_tree_root(const struct yaml_tree *);

/* A place in the document: the member `key` of the mapping `parent`; the element `index` of the
 * sequence `parent` where `key` is NULL; the document itself where `parent` is NULL. */
struct yaml_place {
    const json_t *parent;
    const char *key;
    size_t index;
};

/* Lines and columns count from 1, columns in characters; a mapping's member is where its key is. A
 * place that is not in the document counts as the document itself. */
struct yaml_mark {
    size_t line, column;
};
struct yaml_mark yaml_tree_mark(const struct yaml_tree *, struct yaml_place);

/* Writes "file:line:column: " and the message, and returns `err`. */
enum err yaml_tree_fail(const struct yaml_tree *, struct diag *, enum err err, struct yaml_place,
                        const char *format, ...) PRINTF_LIKE(5, 6);

#endif
