/* The tree for generators. libyang's compiled nodes are turned into ours once, when the modules are
 * loaded: its structures change between versions, and half of what a generator needs is hidden in
 * them. */
#include "base/alloc.h"
#include "base/buf.h"
#include "model/schema_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct building {
    const struct ly_ctx *ctx;
    struct arena *arena;
    bool failed; /* the arena is used up */
};

static void *
take(struct building *b, size_t n, size_t size)
{
    void *p = arena_calloc(b->arena, n, size);
    b->failed |= !p;
    return p;
}

/* ---- Types -------------------------------------------------------------------------------------
 */

static void
set_bounds(struct schema_node *node, const struct lysc_range *range, int64_t min, int64_t max,
           bool is_signed)
{
    node->bounds = (struct schema_range){min, max};
    if (!range)
        return;
    LY_ARRAY_COUNT_TYPE n = LY_ARRAY_COUNT(range->parts);
    const struct lysc_range_part *first = &range->parts[0], *last = &range->parts[n - 1];
    node->bounds.min = is_signed ? first->min_64 : (int64_t)first->min_u64;
    node->bounds.max = is_signed ? last->max_64 : (int64_t)MIN(last->max_u64, INT64_MAX);
}

static void
set_string(struct building *b, struct schema_node *node, const struct lysc_type_str *type)
{
    node->type = SCHEMA_STRING;
    set_bounds(node, type->length, 0, UINT32_MAX, false);
    node->n_patterns = LY_ARRAY_COUNT(type->patterns);
    struct schema_pattern *patterns = take(b, node->n_patterns, sizeof *patterns);
    for (size_t i = 0; patterns && i < node->n_patterns; i++) {
        const struct lysc_pattern *pattern = type->patterns[i];
        patterns[i] = (struct schema_pattern){pattern->expr, pattern->emsg, pattern->inverted};
    }
    node->patterns = patterns;
}

static void
set_enumeration(struct building *b, struct schema_node *node, const struct lysc_type_enum *type)
{
    node->type = SCHEMA_ENUM;
    node->n_words = LY_ARRAY_COUNT(type->enums);
    struct schema_word *words = take(b, node->n_words, sizeof *words);
    for (size_t i = 0; words && i < node->n_words; i++)
        words[i] = (struct schema_word){type->enums[i].name, type->enums[i].dsc};
    node->words = words;
}

static void
set_integer(struct schema_node *node, const struct lysc_type *type)
{
    static const struct {
        LY_DATA_TYPE type;
        bool is_signed;
        int64_t min, max;
    } integers[] = {
        {LY_TYPE_UINT8, false, 0, UINT8_MAX},        {LY_TYPE_UINT16, false, 0, UINT16_MAX},
        {LY_TYPE_UINT32, false, 0, UINT32_MAX},      {LY_TYPE_UINT64, false, 0, INT64_MAX},
        {LY_TYPE_INT8, true, INT8_MIN, INT8_MAX},    {LY_TYPE_INT16, true, INT16_MIN, INT16_MAX},
        {LY_TYPE_INT32, true, INT32_MIN, INT32_MAX}, {LY_TYPE_INT64, true, INT64_MIN, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(integers); i++) {
        if (integers[i].type != type->basetype)
            continue;
        node->type = SCHEMA_INTEGER;
        set_bounds(node, ((const struct lysc_type_num *)type)->range, integers[i].min,
                   integers[i].max, integers[i].is_signed);
    }
}

/* The path of what a reference refers to: "/ti:inventory/ti:node/ti:name", with the prefixes of the
 * module that has it, becomes "/tieline-inventory:inventory/node/name". References are absolute and
 * stay within one module here. */
static const char *
target_path(struct building *b, const struct lysc_type_leafref *type)
{
    struct buf path = BUF_INIT;
    for (const char *at = lyxp_get_expr(type->path); *at == '/';) {
        size_t prefix = strcspn(++at, ":/");
        if (at[prefix] != ':')
            break;
        const char *module = NULL;
        for (size_t i = 0; i < LY_ARRAY_COUNT(type->prefixes); i++) {
            const struct lysc_prefix *known = &type->prefixes[i];
            if (known->prefix && strlen(known->prefix) == prefix &&
                !strncmp(known->prefix, at, prefix))
                module = known->mod->name;
        }
        at += prefix + 1;
        size_t name = strcspn(at, "/");
        if (path.size == 0)
            buf_printf(&path, "/%s:%.*s", module ? module : "", (int)name, at);
        else
            buf_printf(&path, "/%.*s", (int)name, at);
        at += name;
    }
    const char *result = arena_strdup(b->arena, buf_cstr(&path));
    buf_fini(&path);
    b->failed |= !result;
    return result;
}

static void
set_type(struct building *b, struct schema_node *node, const struct lysc_type *type)
{
    if (type->basetype == LY_TYPE_LEAFREF) {
        const struct lysc_type_leafref *reference = (const struct lysc_type_leafref *)type;
        node->target = target_path(b, reference);
        type = reference->realtype;
    }
    if (type->basetype == LY_TYPE_STRING)
        set_string(b, node, (const struct lysc_type_str *)type);
    else if (type->basetype == LY_TYPE_ENUM)
        set_enumeration(b, node, (const struct lysc_type_enum *)type);
    else if (type->basetype == LY_TYPE_BOOL)
        node->type = SCHEMA_BOOLEAN;
    else
        set_integer(node, type);
}

/* ---- Nodes -------------------------------------------------------------------------------------
 */

static void
set_leaf(struct building *b, struct schema_node *node, const struct lysc_node_leaf *leaf)
{
    node->is_key = leaf->flags & LYS_KEY;
    node->units = leaf->units;
    node->fallback = leaf->dflt ? lyd_value_get_canonical(b->ctx, leaf->dflt) : NULL;
    set_type(b, node, leaf->type);
}

static void
set_leaf_list(struct building *b, struct schema_node *node, const struct lysc_node_leaflist *list)
{
    node->units = list->units;
    node->user_order = list->flags & LYS_ORDBY_USER;
    node->min_elements = list->min;
    node->max_elements = list->max;
    node->mandatory = list->min > 0;
    set_type(b, node, list->type);
}

static void
set_list(struct building *b, struct schema_node *node, const struct lysc_node_list *list)
{
    node->user_order = list->flags & LYS_ORDBY_USER;
    node->min_elements = list->min;
    node->max_elements = list->max;
    node->mandatory = list->min > 0;
    const struct lysc_node *child;
    for (child = list->child; child && lysc_is_key(child); child = child->next)
        node->n_keys++;
    const char **keys = take(b, node->n_keys, sizeof *keys);
    child = list->child;
    for (size_t i = 0; keys && i < node->n_keys; i++, child = child->next)
        keys[i] = child->name;
    node->keys = keys;
}

static enum schema_kind
kind_of(const struct lysc_node *node)
{
    static const struct {
        uint16_t type;
        enum schema_kind kind;
    } kinds[] = {
        {LYS_CONTAINER, SCHEMA_CONTAINER}, {LYS_LIST, SCHEMA_LIST},     {LYS_LEAF, SCHEMA_LEAF},
        {LYS_LEAFLIST, SCHEMA_LEAF_LIST},  {LYS_CHOICE, SCHEMA_CHOICE}, {LYS_CASE, SCHEMA_CASE},
        {LYS_RPC, SCHEMA_OPERATION},       {LYS_INPUT, SCHEMA_INPUT},   {LYS_OUTPUT, SCHEMA_OUTPUT},
        {LYS_ANYDATA, SCHEMA_ANYDATA},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].type == node->nodetype)
            return kinds[i].kind;
    }
    return SCHEMA_KIND_MAX;
}

/* Choices and cases have paths of their own, but are not part of the paths of what is in them. */
static const char *
path_of(struct building *b, const struct schema_node *node)
{
    const struct schema_node *parent = node->parent;
    bool in_data = node->kind != SCHEMA_CHOICE && node->kind != SCHEMA_CASE;
    while (in_data && parent && (parent->kind == SCHEMA_CHOICE || parent->kind == SCHEMA_CASE))
        parent = parent->parent;
    char *text = parent ? xasprintf("%s/%s", parent->path, node->name)
                        : xasprintf("/%s:%s", node->module, node->name);
    const char *path = arena_strdup(b->arena, text);
    free(text);
    b->failed |= !path;
    return path;
}

static void
set_details(struct building *b, struct schema_node *node, const struct lysc_node *from)
{
    switch (node->kind) {
    case SCHEMA_LEAF:
        set_leaf(b, node, (const struct lysc_node_leaf *)from);
        break;
    case SCHEMA_LEAF_LIST:
        set_leaf_list(b, node, (const struct lysc_node_leaflist *)from);
        break;
    case SCHEMA_LIST:
        set_list(b, node, (const struct lysc_node_list *)from);
        break;
    case SCHEMA_CONTAINER:
        node->presence = from->flags & LYS_PRESENCE;
        break;
    default:
        break;
    }
}

static struct schema_node *
new_node(struct building *b, const struct lysc_node *from, const struct schema_node *parent)
{
    struct schema_node *node = take(b, 1, sizeof *node);
    if (!node)
        return NULL;
    node->name = from->name;
    node->module = from->module->name;
    node->description = from->dsc;
    node->reference = from->ref;
    node->kind = kind_of(from);
    node->parent = parent;
    node->writable = (from->flags & (LYS_CONFIG_W | LYS_IS_INPUT)) || node->kind == SCHEMA_INPUT;
    bool can_be_mandatory = node->kind == SCHEMA_LEAF || node->kind == SCHEMA_CHOICE ||
                            node->kind == SCHEMA_ANYDATA;
    node->mandatory = can_be_mandatory && (from->flags & LYS_MAND_TRUE);
    node->path = path_of(b, node);
    set_details(b, node, from);
    return node;
}

/* What follows `node` among its siblings; an operation's input is followed by its output. */
static const struct lysc_node *
next_sibling(const struct lysc_node *node)
{
    const struct lysc_node_action *operation = (const struct lysc_node_action *)node->parent;
    if (node->nodetype == LYS_INPUT)
        return operation->output.child ? &operation->output.node : NULL;
    return node->nodetype == LYS_OUTPUT ? NULL : node->next;
}

static const struct lysc_node *
first_child(const struct lysc_node *node)
{
    return node->nodetype == LYS_RPC ? &((const struct lysc_node_action *)node)->input.node
                                     : lysc_node_child(node);
}

/* Appends the nodes from `from` on, with all below them, at `*end`. Returns the new end. */
static const struct schema_node **
add_siblings(struct building *b, const struct lysc_node *from, const struct schema_node *parent,
             const struct schema_node **end)
{
    for (; from && !b->failed; from = next_sibling(from)) {
        struct schema_node *node = new_node(b, from, parent);
        if (b->failed)
            break;
        *end = node;
        end = &node->next;
        add_siblings(b, first_child(from), node, &node->children);
    }
    return end;
}

enum err
schema_build_tree(struct schema *schema, const struct lys_module *const *modules, size_t n_modules)
{
    struct building b = {.ctx = schema->ctx, .arena = schema->arena};
    const struct schema_node **end = &schema->root;
    for (size_t i = 0; i < n_modules; i++) {
        const struct lysc_module *compiled = modules[i]->compiled;
        end = add_siblings(&b, compiled->data, NULL, end);
        end = add_siblings(&b, (const struct lysc_node *)compiled->rpcs, NULL, end);
    }
    return b.failed ? ERR_LIMIT : ERR_OK;
}
