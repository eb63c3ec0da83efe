/* libyaml's events are turned into the tree with a stack of open collections, without recursion.
 * Places are a plain list, searched only when there is an error to report. A value's place is kept
 * under its parent and its key or number, because jansson's null, true and false are shared. */
#include "base/yaml.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct spot {
    struct yaml_place place;
    struct yaml_mark mark;
};

struct yaml_tree {
    json_t *root;
    char *file;
    struct arena *arena; /* the keys that places name */
    struct spot *spots;
    size_t n_spots, spots_capacity;
};

/* An open mapping or sequence. */
struct level {
    json_t *collection;
    char *key; /* in a mapping: read, and its value is next; NULL: a key is next */
    struct yaml_mark key_mark;
};

struct loader {
    yaml_parser_t parser;
    struct yaml_tree *tree;
    struct yaml_limits limits;
    struct level *levels;
    unsigned n_levels;
    size_t n_nodes;
    bool done; /* the first document has ended */
    struct diag *diag;
};

static enum err load(struct loader *);

enum err
yaml_tree_parse(const char *text, size_t size, const char *file, struct yaml_limits limits,
                struct yaml_tree **out, struct diag *diag)
{
    if (size > limits.size)
        return diag_set(diag, ERR_LIMIT, "%s: %zu octets, the limit is %zu", file, size,
                        limits.size);
    struct loader loader = {.limits = limits, .diag = diag};
    if (!yaml_parser_initialize(&loader.parser))
        return diag_set(diag, ERR_LIMIT, "%s: no memory to read it", file);
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text, size);
    loader.levels = xcalloc(limits.depth + 1, sizeof *loader.levels);
    loader.tree = xcalloc(1, sizeof *loader.tree);
    loader.tree->file = xstrdup(file);
    /* An escape of two octets stands for three at most; each key is rounded up and ends in NUL. */
    loader.tree->arena = arena_new(2 * size + 64 * limits.nodes);

    enum err err = load(&loader);
    yaml_parser_delete(&loader.parser);
    free(loader.levels);
    if (err) {
        yaml_tree_free(loader.tree);
        return err;
    }
    *out = loader.tree;
    return ERR_OK;
}

void
yaml_tree_free(struct yaml_tree *tree)
{
    if (!tree)
        return;
    json_decref(tree->root);
    arena_free(tree->arena);
    free(tree->spots);
    free(tree->file);
    free(tree);
}

json_t *
yaml_tree_root(const struct yaml_tree *tree)
{
    return tree->root;
}

static bool
same_place(const struct yaml_place *a, const struct yaml_place *b)
{
    if (a->parent != b->parent)
        return false;
    if (!a->key || !b->key)
        return !a->key && !b->key && a->index == b->index;
    return !strcmp(a->key, b->key);
}

struct yaml_mark
yaml_tree_mark(const struct yaml_tree *tree, struct yaml_place place)
{
    for (size_t i = 0; i < tree->n_spots; i++) {
        if (same_place(&tree->spots[i].place, &place))
            return tree->spots[i].mark;
    }
    return tree->n_spots ? tree->spots[0].mark : (struct yaml_mark){1, 1};
}

enum err
yaml_tree_fail(const struct yaml_tree *tree, struct diag *diag, enum err err,
               struct yaml_place place, const char *format, ...)
{
    if (!diag)
        return err;
    struct yaml_mark mark = yaml_tree_mark(tree, place);
    va_list args;
    va_start(args, format);
    vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    diag_prefix(diag, "%s:%zu:%zu", tree->file, mark.line, mark.column);
    return err;
}

static struct yaml_mark
mark_of(yaml_mark_t mark)
{
    return (struct yaml_mark){.line = mark.line + 1, .column = mark.column + 1};
}

static PRINTF_LIKE(4, 5) enum err
    fail_at(struct loader *loader, enum err err, struct yaml_mark mark, const char *format, ...)
{
    if (!loader->diag)
        return err;
    va_list args;
    va_start(args, format);
    vsnprintf(loader->diag->text, sizeof loader->diag->text, format, args);
    va_end(args);
    diag_prefix(loader->diag, "%s:%zu:%zu", loader->tree->file, mark.line, mark.column);
    return err;
}

static enum err
fail_parsing(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return diag_set(loader->diag, ERR_LIMIT, "%s: no memory to read it", loader->tree->file);
    case YAML_READER_ERROR: /* it knows no line, only the octet */
        return diag_set(loader->diag, ERR_MALFORMED, "%s: octet %zu: %s", loader->tree->file,
                        parser->problem_offset, problem);
    default:
        return fail_at(loader, ERR_MALFORMED, mark_of(parser->problem_mark), "%s", problem);
    }
}

static void
remember(struct loader *loader, struct yaml_place place, struct yaml_mark mark)
{
    struct yaml_tree *tree = loader->tree;
    GROW(tree->spots, tree->n_spots, tree->spots_capacity);
    tree->spots[tree->n_spots++] = (struct spot){place, mark};
}

/* Puts the value where the open collection wants it; takes the reference. */
static enum err
add_value(struct loader *loader, json_t *value, struct yaml_mark mark)
{
    if (loader->n_levels == 0) {
        loader->tree->root = value;
        remember(loader, (struct yaml_place){0}, mark);
        return ERR_OK;
    }
    struct level *level = &loader->levels[loader->n_levels - 1];
    struct yaml_place place = {.parent = level->collection};
    int failed;
    if (json_is_object(level->collection)) {
        place.key = level->key;
        mark = level->key_mark;
        failed = json_object_set_new(level->collection, level->key, value);
        level->key = NULL;
    } else {
        place.index = json_array_size(level->collection);
        failed = json_array_append_new(level->collection, value);
    }
    if (failed)
        return fail_at(loader, ERR_MALFORMED, mark, "not UTF-8");
    remember(loader, place, mark);
    return ERR_OK;
}

static bool
is_one_of(const char *text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(text, names[i]))
            return true;
    }
    return false;
}

/* JSON's number: an optional minus, no leading zero, digits on both sides of a point. */
static bool
is_json_number(const char *at)
{
    static const char digits[] = "0123456789";
    at += *at == '-';
    size_t whole = strspn(at, digits);
    if (whole == 0 || (whole > 1 && *at == '0'))
        return false;
    at += whole;
    if (*at == '.') {
        size_t fraction = strspn(++at, digits);
        if (fraction == 0)
            return false;
        at += fraction;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        size_t exponent = strspn(at, digits);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return *at == '\0';
}

/* What YAML 1.1 or 1.2 readers take for a number and JSON has no such spelling for. */
static bool
is_disputed_number(const char *at)
{
    static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    at += *at == '-' || *at == '+';
    if (is_one_of(at, special, ARRAY_SIZE(special)))
        return true;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'o' || at[1] == 'b'))
        return at[2] != '\0' && at[2 + strspn(at + 2, "0123456789abcdefABCDEF_")] == '\0';
    size_t whole = strspn(at, "0123456789_");
    at += whole;
    size_t fraction = 0;
    if (*at == '.') {
        fraction = strspn(++at, "0123456789_");
        at += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        at += strspn(at, "0123456789");
    }
    return *at == '\0';
}

/* A scalar without quotes, YAML 1.2 section 10.3.2. */
static enum err
plain_value(struct loader *loader, const char *text, struct yaml_mark mark, json_t **value)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    if (is_one_of(text, nulls, ARRAY_SIZE(nulls))) {
        *value = json_null();
    } else if (is_one_of(text, trues, ARRAY_SIZE(trues))) {
        *value = json_true();
    } else if (is_one_of(text, falses, ARRAY_SIZE(falses))) {
        *value = json_false();
    } else if (is_json_number(text)) {
        *value = json_loads(text, JSON_DECODE_ANY, NULL);
        if (!*value)
            return fail_at(loader, ERR_LIMIT, mark, "the number is too large");
    } else if (is_disputed_number(text)) {
        return fail_at(loader, ERR_UNSUPPORTED, mark,
                       "number or text? Put it in quotes, or write the number as in JSON");
    } else {
        *value = json_string(text);
    }
    return ERR_OK;
}

static enum err
add_key(struct loader *loader, const char *text, bool plain, struct yaml_mark mark)
{
    struct level *level = &loader->levels[loader->n_levels - 1];
    if (plain && !strcmp(text, "<<"))
        return fail_at(loader, ERR_UNSUPPORTED, mark, "merge keys are not supported");
    if (json_object_get(level->collection, text))
        return fail_at(loader, ERR_MALFORMED, mark, "the key '%s' is there twice", text);
    level->key = arena_strdup(loader->tree->arena, text);
    if (!level->key)
        return fail_at(loader, ERR_LIMIT, mark, "too much text in keys");
    level->key_mark = mark;
    return ERR_OK;
}

static bool
wants_key(const struct loader *loader)
{
    if (loader->n_levels == 0)
        return false;
    const struct level *level = &loader->levels[loader->n_levels - 1];
    return json_is_object(level->collection) && !level->key;
}

static enum err
on_scalar(struct loader *loader, const yaml_event_t *event, struct yaml_mark mark)
{
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (strlen(text) != event->data.scalar.length)
        return fail_at(loader, ERR_UNSUPPORTED, mark, "a NUL character");
    if (wants_key(loader))
        return add_key(loader, text, plain, mark);
    json_t *value = NULL;
    if (plain) {
        enum err err = plain_value(loader, text, mark, &value);
        if (err)
            return err;
    } else {
        value = json_string(text);
    }
    return value ? add_value(loader, value, mark)
                 : fail_at(loader, ERR_MALFORMED, mark, "not UTF-8");
}

static enum err
on_collection(struct loader *loader, json_t *collection, struct yaml_mark mark)
{
    enum err err = ERR_OK;
    if (wants_key(loader))
        err = fail_at(loader, ERR_UNSUPPORTED, mark, "a key that is not text");
    else if (loader->n_levels == loader->limits.depth)
        err = fail_at(loader, ERR_LIMIT, mark, "nested too deeply");
    if (err) {
        json_decref(collection);
        return err;
    }
    err = add_value(loader, collection, mark);
    if (!err)
        loader->levels[loader->n_levels++] = (struct level){.collection = collection};
    return err;
}

static enum err
check_node(struct loader *loader, const unsigned char *anchor, const unsigned char *tag,
           struct yaml_mark mark)
{
    if (anchor)
        return fail_at(loader, ERR_UNSUPPORTED, mark, "anchors are not supported");
    if (tag)
        return fail_at(loader, ERR_UNSUPPORTED, mark, "tags are not supported");
    if (++loader->n_nodes > loader->limits.nodes)
        return fail_at(loader, ERR_LIMIT, mark, "too many values");
    return ERR_OK;
}

static enum err
on_event(struct loader *loader, const yaml_event_t *event)
{
    struct yaml_mark mark = mark_of(event->start_mark);
    enum err err;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (loader->tree->root)
            return fail_at(loader, ERR_MALFORMED, mark, "a second document");
        return ERR_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(loader, ERR_UNSUPPORTED, mark, "aliases are not supported");
    case YAML_SCALAR_EVENT:
        err = check_node(loader, event->data.scalar.anchor, event->data.scalar.tag, mark);
        return err ? err : on_scalar(loader, event, mark);
    case YAML_SEQUENCE_START_EVENT:
        err = check_node(loader, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                         mark);
        return err ? err : on_collection(loader, json_array(), mark);
    case YAML_MAPPING_START_EVENT:
        err = check_node(loader, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                         mark);
        return err ? err : on_collection(loader, json_object(), mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        loader->n_levels--;
        return ERR_OK;
    case YAML_STREAM_END_EVENT:
        loader->done = true;
        return loader->tree->root ? ERR_OK
                                  : fail_at(loader, ERR_MALFORMED, mark, "no document in it");
    default: /* stream start, document end */
        return ERR_OK;
    }
}

static enum err
load(struct loader *loader)
{
    enum err err = ERR_OK;
    while (!err && !loader->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&loader->parser, &event))
            return fail_parsing(loader);
        err = on_event(loader, &event);
        yaml_event_delete(&event);
    }
    return err;
}
