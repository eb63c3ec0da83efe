/* components_yang.c - nodes of the YANG modules as JSON Schema. */
#include "gateway/components.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static void put_children(json_t *schema, json_t *properties, json_t *required,
                         const struct schema_node *first);

static void
set_text(json_t *schema, const char *name, const char *text)
{
    if (text)
        json_object_set_new(schema, name, json_string(text));
}

/* Lines of a YANG module are indented; in JSON they are one paragraph. */
static void
set_description(json_t *schema, const struct schema_node *node)
{
    struct buf text = BUF_INIT;
    for (const char *at = node->description ? node->description : ""; *at;) {
        size_t word = strcspn(at, " \n");
        if (word && text.size)
            buf_str(&text, " ");
        buf_put(&text, at, word);
        at += word;
        at += strspn(at, " \n");
    }
    for (size_t i = 0; i < node->n_words; i++)
        buf_printf(&text, "%s%s: %s", text.size ? "\n- " : "- ", node->words[i].name,
                   node->words[i].description ? node->words[i].description : "");
    if (node->units)
        buf_printf(&text, "%sIn %s.", text.size ? " " : "", node->units);
    if (text.size)
        set_text(schema, "description", buf_cstr(&text));
    buf_fini(&text);
    set_text(schema, "x-units", node->units);
    set_text(schema, "x-reference", node->reference);
    set_text(schema, "x-refers-to", node->target);
}

/* ---- leaves */

/* XML Schema's regular expressions are anchored, know \P{Cc}, and let '-' be escaped anywhere;
 * those of ECMA-262 want the rest. */
static void
put_pattern(struct buf *out, const char *expression)
{
    static const char no_control[] = "\\P{Cc}";
    bool in_class = false;
    buf_str(out, "^(?:");
    for (const char *at = expression; *at; at++) {
        if (!strncmp(at, no_control, strlen(no_control))) {
            buf_str(out, "[^\\u0000-\\u001f\\u007f-\\u009f]");
            at += strlen(no_control) - 1;
            continue;
        }
        if (*at == '[' || *at == ']')
            in_class = *at == '[';
        if (*at == '\\' && at[1] == '-' && !in_class)
            continue;
        buf_u8(out, (uint8_t)*at);
        if (*at == '\\' && at[1])
            buf_u8(out, (uint8_t) * ++at);
    }
    buf_str(out, ")$");
}

static json_t *
pattern_schema(const struct schema_pattern *pattern)
{
    struct buf text = BUF_INIT;
    put_pattern(&text, pattern->expression);
    json_t *schema = json_pack("{ss}", "pattern", buf_cstr(&text));
    buf_fini(&text);
    return pattern->inverted ? json_pack("{so}", "not", schema) : schema;
}

/* Types that shape.h knows too, and can say in words. */
static void
set_format(json_t *schema, const struct schema_node *node)
{
    static const struct {
        const char *expression, *format;
    } known[] = {{"[A-Za-z0-9][A-Za-z0-9._\\-]*", "name"}, {"\\P{Cc}*", "text"}};
    for (size_t i = 0; node->n_patterns == 1 && i < ARRAY_SIZE(known); i++) {
        if (!strcmp(node->patterns[0].expression, known[i].expression))
            set_text(schema, "format", known[i].format);
    }
}

static void
set_patterns(json_t *schema, const struct schema_node *node)
{
    if (node->n_patterns == 1 && !node->patterns[0].inverted) {
        json_t *one = pattern_schema(&node->patterns[0]);
        json_object_update(schema, one);
        json_decref(one);
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < node->n_patterns; i++)
        json_array_append_new(all, pattern_schema(&node->patterns[i]));
    if (node->n_patterns)
        json_object_set(schema, "allOf", all);
    json_decref(all);
}

static void
set_limits(json_t *schema, const struct schema_node *node, const char *low, const char *high)
{
    json_object_set_new(schema, low, json_integer(node->bounds.min));
    if (node->type == SCHEMA_INTEGER || node->bounds.max < UINT32_MAX)
        json_object_set_new(schema, high, json_integer(node->bounds.max));
}

static void
set_default(json_t *schema, const struct schema_node *node)
{
    json_t *value = node->type == SCHEMA_INTEGER ? json_integer(strtoll(node->fallback, NULL, 10))
                    : node->type == SCHEMA_BOOLEAN
                        ? json_boolean(strcmp(node->fallback, "true") == 0)
                        : json_string(node->fallback);
    json_object_set_new(schema, "default", value);
}

static json_t *
leaf_schema(const struct schema_node *node)
{
    static const char *const words[] = {
        [SCHEMA_NONE] = "string",     [SCHEMA_STRING] = "string", [SCHEMA_INTEGER] = "integer",
        [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_ENUM] = "string",
    };
    json_t *schema = json_pack("{ss}", "type", words[node->type]);
    if (node->type == SCHEMA_STRING)
        set_limits(schema, node, "minLength", "maxLength");
    if (node->type == SCHEMA_INTEGER)
        set_limits(schema, node, "minimum", "maximum");
    set_patterns(schema, node);
    set_format(schema, node);
    if (node->n_words) {
        json_t *list = json_array();
        for (size_t i = 0; i < node->n_words; i++)
            json_array_append_new(list, json_string(node->words[i].name));
        json_object_set_new(schema, "enum", list);
    }
    if (node->fallback && node->kind == SCHEMA_LEAF)
        set_default(schema, node);
    return schema;
}

/* ---- what holds others */

/* An entry of a list, or what is in a container. */
static json_t *
object_schema(const struct schema_node *node)
{
    json_t *properties = json_object(), *required = json_array();
    json_t *schema = json_pack("{ss}", "type", "object");
    put_children(schema, properties, required, node->children);
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    if (node->writable)
        json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

static bool
is_array(const struct schema_node *node)
{
    return node->kind == SCHEMA_LIST || node->kind == SCHEMA_LEAF_LIST;
}

static json_t *
entry_schema(const struct schema_node *node)
{
    bool is_leaf = node->kind == SCHEMA_LEAF || node->kind == SCHEMA_LEAF_LIST;
    if (node->kind == SCHEMA_ANYDATA)
        return json_pack("{ss}", "type", "object");
    return is_leaf ? leaf_schema(node) : object_schema(node);
}

static json_t *
array_schema(const struct schema_node *node)
{
    json_t *schema = json_pack("{ss so}", "type", "array", "items", entry_schema(node));
    if (node->kind == SCHEMA_LEAF_LIST && node->writable)
        json_object_set_new(schema, "uniqueItems", json_true());
    if (node->min_elements)
        json_object_set_new(schema, "minItems", json_integer(node->min_elements));
    if (node->max_elements != UINT32_MAX && node->max_elements)
        json_object_set_new(schema, "maxItems", json_integer(node->max_elements));
    return schema;
}

/* Its cases hold one node each here. */
static void
put_choice(json_t *schema, json_t *properties, const struct schema_node *choice)
{
    json_t *alternatives = json_array(), *ignored = json_array();
    for (const struct schema_node *one = choice->children; one; one = one->next) {
        put_children(schema, properties, ignored, one->children);
        if (one->children)
            json_array_append_new(alternatives,
                                  json_pack("{s[s]}", "required", one->children->name));
    }
    if (choice->mandatory)
        json_object_set(schema, "oneOf", alternatives);
    json_decref(alternatives);
    json_decref(ignored);
}

/* A container without `presence` is there whether it is written or not; it must be written if
 * something in it must be. */
static bool
is_required(const struct schema_node *node)
{
    if (node->kind != SCHEMA_CONTAINER)
        return node->mandatory || node->is_key;
    bool found = false;
    for (const struct schema_node *child = node->children; child && !node->presence;
         child = child->next)
        found |= is_required(child);
    return found;
}

static void
put_children(json_t *schema, json_t *properties, json_t *required, const struct schema_node *first)
{
    for (const struct schema_node *node = first; node; node = node->next) {
        if (node->kind == SCHEMA_CHOICE) {
            put_choice(schema, properties, node);
            continue;
        }
        json_t *child = is_array(node) ? array_schema(node) : entry_schema(node);
        set_description(child, node);
        json_object_set_new(properties, node->name, child);
        if (is_required(node))
            json_array_append_new(required, json_string(node->name));
    }
}

json_t *
component_from_node(const struct schema_node *node)
{
    json_t *schema = entry_schema(node);
    set_description(schema, node);
    return schema;
}
