/* Which instance lacks something. For what is missing, libyang 2 only names the schema node: of ten
 * thousand hosts one has no port. This looks for the first one in the JSON. */
#include "base/buf.h"
#include "model/schema_private.h"

#include <string.h>

#define CHAIN_MAX 16

/* The node at a path that names choices and cases too, as libyang's schema locations do. */
static const struct schema_node *
find_logged(const struct schema *schema, const char *path)
{
    const struct schema_node *node = NULL;
    while (*path == '/') {
        size_t length = strcspn(++path, "/\"");
        const char *colon = memchr(path, ':', length);
        const char *name = colon ? colon + 1 : path;
        size_t n = (size_t)(path + length - name);
        const struct schema_node *child = node ? node->children : schema->root;
        while (child && (strncmp(child->name, name, n) || child->name[n] != '\0'))
            child = child->next;
        if (!child)
            return NULL;
        node = child;
        path += length;
    }
    return node;
}

/* A choice is missing if nothing of any of its cases is there. */
static bool
lacks(const json_t *object, const struct schema_node *missing)
{
    if (missing->kind != SCHEMA_CHOICE && missing->kind != SCHEMA_CASE)
        return !json_object_get(object, missing->name);
    for (const struct schema_node *child = missing->children; child; child = child->next) {
        if (!lacks(object, child))
            return false;
    }
    return true;
}

struct search {
    const struct schema_node *chain[CHAIN_MAX]; /* containers and lists around what is missing */
    size_t n;
    const struct schema_node *missing;
};

static bool search_list(const struct search *, size_t at, const json_t *list, struct buf *path);

/* Appends to `path` where in `object`, an instance of what is before chain[at], it is missing. */
static bool
search_object(const struct search *search, size_t at, const json_t *object, struct buf *path)
{
    if (at == search->n) {
        buf_printf(path, "/%s", search->missing->name);
        return lacks(object, search->missing);
    }
    const struct schema_node *node = search->chain[at];
    struct buf name = BUF_INIT;
    if (node->parent)
        buf_str(&name, node->name);
    else
        buf_printf(&name, "%s:%s", node->module, node->name);
    buf_printf(path, "/%s", buf_cstr(&name));
    const json_t *child = json_object_get(object, buf_cstr(&name));
    buf_fini(&name);
    if (node->kind == SCHEMA_LIST)
        return search_list(search, at, child, path);
    return (child || !node->presence) && search_object(search, at + 1, child, path);
}

static bool
search_list(const struct search *search, size_t at, const json_t *list, struct buf *path)
{
    size_t start = path->size;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const struct schema_node *node = search->chain[at];
        path->size = start;
        for (size_t k = 0; k < node->n_keys; k++) {
            const json_t *key = json_object_get(entry, node->keys[k]);
            if (json_is_string(key))
                buf_printf(path, "[%s='%s']", node->keys[k], json_string_value(key));
            else if (json_is_integer(key))
                buf_printf(path, "[%s='%" JSON_INTEGER_FORMAT "']", node->keys[k],
                           json_integer_value(key));
        }
        if (search_object(search, at + 1, entry, path))
            return true;
    }
    return false;
}

bool
schema_locate(const struct schema *schema, const char *location, const struct schema_node *what,
              const json_t *json, struct buf *path)
{
    struct search search = {.missing = find_logged(schema, location)};
    const struct schema_node *node = search.missing;
    if (!node)
        return false;
    for (node = node->parent; node && node != what; node = node->parent) {
        if (node->kind != SCHEMA_CONTAINER && node->kind != SCHEMA_LIST)
            continue;
        if (search.n == CHAIN_MAX)
            return false;
        search.chain[search.n++] = node;
    }
    for (size_t i = 0; i < search.n / 2; i++) { /* outermost first */
        node = search.chain[i];
        search.chain[i] = search.chain[search.n - 1 - i];
        search.chain[search.n - 1 - i] = node;
    }
    if (what)
        buf_str(path, what->path);
    return search_object(&search, 0, json, path);
}
