#include "model/schema.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "model/schema_private.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#define TREE_BUDGET ((size_t)4 << 20)

static const char *const module_names[] = {"tieline-inventory", "tieline-wan", "tieline-circuit",
                                           "tieline-work"};

/* Where `mark` ends in `text`; NULL: it is not there. */
static const char *
behind(const char *text, const char *mark)
{
    const char *at = text ? strcasestr(text, mark) : NULL;
    return at ? at + strlen(mark) : NULL;
}

/* The first of libyang's errors, of which the others are consequences: reason, data path and line,
 * as far as it knows them. `json` (may be NULL) is what was checked, an instance of `what`. */
static enum err
explain(const struct schema *schema, const struct schema_node *what, const json_t *json,
        enum err err, struct diag *diag)
{
    const struct ly_err_item *item = ly_err_first(schema->ctx);
    while (item && item->level != LY_LLERR)
        item = item->next;
    if (!item || !item->msg)
        return diag_set(diag, err, "%s", err_text(err));
    diag_set(diag, err, "%s", item->msg);
    const char *data = behind(item->path, "data location \"");
    const char *node = behind(item->path, "schema location \"");
    const char *line = behind(item->path, "line number ");
    struct buf path = BUF_INIT;
    if (data)
        diag_prefix(diag, "%.*s", (int)strcspn(data, "\""), data);
    else if (node && json && schema_locate(schema, node, what, json, &path))
        diag_prefix(diag, "%s", buf_cstr(&path));
    else if (node)
        diag_prefix(diag, "%.*s", (int)strcspn(node, "\""), node);
    if (line)
        diag_prefix(diag, "line %lu", strtoul(line, NULL, 10));
    buf_fini(&path);
    return err;
}

enum err
schema_open(const char *directory, struct schema **schema, struct diag *diag)
{
    struct schema *result = xcalloc(1, sizeof *result);
    const struct lys_module *modules[ARRAY_SIZE(module_names)] = {NULL};
    enum err err = ERR_OK;
    ly_log_options(LY_LOSTORE); /* of the whole process: libraries do not print */
    result->arena = arena_new(TREE_BUDGET);
    if (ly_ctx_new(directory, LY_CTX_DISABLE_SEARCHDIR_CWD | LY_CTX_NO_YANGLIBRARY, &result->ctx))
        err = diag_set(diag, ERR_NOT_FOUND, "%s: there is no such directory", directory);
    for (size_t i = 0; i < ARRAY_SIZE(module_names) && !err; i++) {
        modules[i] = ly_ctx_load_module(result->ctx, module_names[i], NULL, NULL);
        if (!modules[i]) {
            err = explain(result, NULL, NULL, ERR_MALFORMED, diag);
            diag_prefix(diag, "%s/%s.yang", directory, module_names[i]);
        }
    }
    if (!err)
        err = schema_build_tree(result, modules, ARRAY_SIZE(modules));
    if (err) {
        schema_close(result);
        return err;
    }
    *schema = result;
    return ERR_OK;
}

void
schema_close(struct schema *schema)
{
    if (!schema)
        return;
    ly_ctx_destroy(schema->ctx);
    arena_free(schema->arena);
    free(schema);
}

/* ---- Validation --------------------------------------------------------------------------------
 */

/* Brackets within each other; those in strings do not count. */
static unsigned
nesting(const char *text, size_t size)
{
    unsigned depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '[' || text[i] == '{') {
            depth++;
            deepest = MAX(deepest, depth);
        } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

/* What is called so in data: choices and cases are looked into. NULL: nothing. */
static const struct schema_node *
find_named(const struct schema_node *node, const char *key)
{
    const char *colon = strchr(key, ':');
    for (; node; node = node->next) {
        bool within = node->kind == SCHEMA_CHOICE || node->kind == SCHEMA_CASE;
        const struct schema_node *found = within ? find_named(node->children, key) : NULL;
        if (!within && !strcmp(node->name, colon ? colon + 1 : key))
            found = node;
        if (found)
            return found;
    }
    return NULL;
}

/* RFC 7951 section 4: below the top level a name has no prefix as long as the module is the same,
 * and ours all are, but for what is in anydata. libyang lets some through, and annotations (RFC
 * 7952), which nobody here reads.
 */
static enum err
check_names(const struct schema_node *siblings, const json_t *json, bool qualified,
            struct diag *diag)
{
    const char *key;
    json_t *value;
    enum err err = ERR_OK;
    json_object_foreach((json_t *)json, key, value)
    {
        const struct schema_node *node = find_named(siblings, key);
        if (key[0] == '@' || (!qualified && strchr(key, ':')))
            return diag_set(diag, ERR_INVALID, "%.60s: there is no such field", key);
        if (!err && !(node && node->kind == SCHEMA_ANYDATA))
            err = check_names(node ? node->children : NULL, value, false, diag);
    }
    for (size_t i = 0; i < json_array_size(json) && !err; i++)
        err = check_names(siblings, json_array_get(json, i), false, diag);
    return err;
}

static enum err
parse_json(const char *text, size_t size, json_t **json, struct diag *diag)
{
    json_error_t error;
    if (size > SCHEMA_TEXT_MAX)
        return diag_set(diag, ERR_LIMIT, "the text has %zu octets, at most %zu are read", size,
                        SCHEMA_TEXT_MAX);
    if (nesting(text, size) > SCHEMA_DEPTH_MAX)
        return diag_set(diag, ERR_LIMIT, "more than %d arrays and objects within each other",
                        SCHEMA_DEPTH_MAX);
    *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!*json)
        return diag_set(diag, ERR_MALFORMED, "line %d, column %d: %s", error.line, error.column,
                        error.text);
    if (!json_is_object(*json)) {
        json_decref(*json);
        return diag_set(diag, ERR_MALFORMED, "line 1: the text must be a JSON object");
    }
    return ERR_OK;
}

/* Puts the text where `node` is in a document: what comes before it into `before`, and what comes
 * behind it into `after`. False: it is within something that has keys. */
static bool
wrap(const struct schema_node *node, struct buf *before, struct buf *after)
{
    const struct schema_node *parent = node->parent;
    if (node->kind == SCHEMA_INPUT) /* {"module:operation": {input}} */
        return wrap(parent, before, after);
    bool possible = node->kind == SCHEMA_CONTAINER || node->kind == SCHEMA_LIST ||
                    node->kind == SCHEMA_OPERATION;
    if (!possible || (parent && parent->kind != SCHEMA_CONTAINER))
        return false;
    if (parent && !wrap(parent, before, after))
        return false;
    if (parent)
        buf_printf(before, "{\"%s\":", node->name);
    else
        buf_printf(before, "{\"%s:%s\":", node->module, node->name);
    struct buf inner = BUF_INIT;
    if (node->kind == SCHEMA_LIST) {
        buf_str(before, "[");
        buf_str(&inner, "]");
    }
    buf_printf(&inner, "}%s", buf_cstr(after));
    buf_fini(after);
    *after = inner;
    return true;
}

static LY_ERR
check_data(struct schema *schema, const char *text)
{
    struct lyd_node *tree = NULL;
    LY_ERR failed = lyd_parse_data_mem(schema->ctx, text, LYD_JSON, LYD_PARSE_STRICT,
                                       LYD_VALIDATE_PRESENT, &tree);
    lyd_free_all(tree);
    return failed;
}

static LY_ERR
check_input(struct schema *schema, const char *text)
{
    struct lyd_node *tree = NULL, *operation = NULL;
    struct ly_in *in;
    LY_ERR failed = ly_in_new_memory(text, &in);
    if (failed)
        return failed;
    failed = lyd_parse_op(schema->ctx, NULL, in, LYD_JSON, LYD_TYPE_RPC_YANG, &tree, &operation);
    if (!failed)
        failed = lyd_validate_op(operation, NULL, LYD_TYPE_RPC_YANG, NULL);
    lyd_free_all(tree);
    ly_in_free(in, 0);
    return failed;
}

static enum err
check_text(struct schema *schema, const char *text, size_t size, const struct schema_node *node,
           const json_t *json, struct diag *diag)
{
    struct buf document = BUF_INIT, after = BUF_INIT;
    if (node && !wrap(node, &document, &after)) {
        buf_fini(&document);
        buf_fini(&after);
        return diag_set(diag, ERR_NOT_FOUND, "%s: nothing can be validated there alone",
                        node->path);
    }
    buf_put(&document, text, size);
    buf_str(&document, buf_cstr(&after));
    ly_err_clean(schema->ctx, NULL);
    bool input = node && node->kind == SCHEMA_INPUT;
    LY_ERR failed = input ? check_input(schema, buf_cstr(&document))
                          : check_data(schema, buf_cstr(&document));
    buf_fini(&document);
    buf_fini(&after);
    return failed ? explain(schema, node, json, ERR_INVALID, diag) : ERR_OK;
}

enum err
schema_validate_json(struct schema *schema, const char *text, size_t size, const char *what,
                     json_t **json, struct diag *diag)
{
    const struct schema_node *node = what ? schema_find(schema, what) : NULL;
    json_t *parsed;
    if (what && !node)
        return diag_set(diag, ERR_NOT_FOUND, "%s: there is no such schema node", what);
    enum err err = parse_json(text, size, &parsed, diag);
    if (!err) {
        err = check_names(what ? node->children : schema->root, parsed, !what, diag);
        if (!err)
            err = check_text(schema, text, size, node, parsed, diag);
        if (err)
            json_decref(parsed);
        else
            *json = parsed;
    }
    if (err && diag)
        text_make_printable(diag->text);
    return err;
}

/* ---- The tree ----------------------------------------------------------------------------------
 */

const char *
schema_kind_word(enum schema_kind kind)
{
    static const char *const words[SCHEMA_KIND_MAX] = {
        "container", "list",      "leaf",  "leaf-list", "choice",
        "case",      "operation", "input", "output",    "anydata"};
    return words[kind];
}

const struct schema_node *
schema_root(const struct schema *schema)
{
    return schema->root;
}

static const struct schema_node *
find_below(const struct schema_node *node, const char *path)
{
    for (; node; node = node->next) {
        if (!strcmp(node->path, path))
            return node;
        const struct schema_node *found = find_below(node->children, path);
        if (found)
            return found;
    }
    return NULL;
}

const struct schema_node *
schema_find(const struct schema *schema, const char *path)
{
    return find_below(schema->root, path);
}

void
schema_walk(const struct schema *schema, const struct schema_node *top,
            void (*visit)(void *arg, const struct schema_node *), void *arg)
{
    const struct schema_node *first = top ? top : schema->root;
    for (const struct schema_node *node = first; node; node = top ? NULL : node->next) {
        visit(arg, node);
        for (const struct schema_node *child = node->children; child; child = child->next)
            schema_walk(schema, child, visit, arg);
    }
}
