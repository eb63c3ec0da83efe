#include "orchestrate/workflow_expr.h"

#include "base/buf.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define NAME_MAX_LENGTH 63
#define TEMPLATE_DEPTH 32

static bool
is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool
workflow_name_is(const struct workflow_name *name, const char *text)
{
    return strlen(text) == name->length && !memcmp(name->text, text, name->length);
}

enum err
workflow_path_parse(const char *text, size_t length, struct workflow_path *path, struct diag *diag)
{
    int shown = (int)MIN(length, 80);
    struct workflow_path found = {0};
    for (size_t at = 0; at <= length; at++) { /* one name and the dot or end behind it */
        size_t start = at;
        while (at < length && is_name_char(text[at]))
            at++;
        if (at == start || at - start > NAME_MAX_LENGTH || (at < length && text[at] != '.'))
            return diag_set(diag, ERR_MALFORMED, "'%.*s' is no reference", shown, text);
        if (found.n == WORKFLOW_PATH_MAX)
            return diag_set(diag, ERR_MALFORMED, "'%.*s' has more than %d names", shown, text,
                            WORKFLOW_PATH_MAX);
        found.name[found.n++] = (struct workflow_name){text + start, at - start};
    }
    *path = found;
    return ERR_OK;
}

/* A list's element number; SIZE_MAX if the name is none. */
static size_t
name_index(const struct workflow_name *name)
{
    size_t index = 0;
    if (name->length > 9 || (name->length > 1 && name->text[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < name->length; i++) {
        if (!isdigit((unsigned char)name->text[i]))
            return SIZE_MAX;
        index = index * 10 + (size_t)(name->text[i] - '0');
    }
    return index;
}

json_t *
workflow_path_value(const struct workflow_path *path, const struct workflow_scope *scope)
{
    size_t used = 0;
    json_t *value = scope->find(scope, path, &used);
    for (size_t i = used; value && i < path->n; i++) {
        const struct workflow_name *name = &path->name[i];
        value = json_is_array(value) ? json_array_get(value, name_index(name))
                                     : json_object_getn(value, name->text, name->length);
    }
    return json_is_null(value) ? NULL : value;
}

/* One piece of a template's text: literal, or a reference. */
struct piece {
    const char *text;
    size_t length;
    bool reference;
};

/* Takes the next piece from `*at`; false at the end of the text or an unclosed "${". */
static bool
next_piece(const char **at, struct piece *piece)
{
    const char *start = *at;
    if (*start == '\0')
        return false;
    if (!strncmp(start, "$${", 3)) {
        *piece = (struct piece){"${", 2, false};
        *at = start + 3;
        return true;
    }
    if (!strncmp(start, "${", 2)) {
        const char *end = strchr(start, '}');
        if (!end)
            return false;
        *piece = (struct piece){start + 2, (size_t)(end - start) - 2, true};
        *at = end + 1;
        return true;
    }
    const char *end = start + 1;
    while (*end && strncmp(end, "$${", 3) && strncmp(end, "${", 2))
        end++;
    *piece = (struct piece){start, (size_t)(end - start), false};
    *at = end;
    return true;
}

static enum err
check_text(const char *text, workflow_visit_fn *visit, void *arg, struct diag *diag)
{
    const char *at = text;
    struct piece piece;
    while (next_piece(&at, &piece)) {
        struct workflow_path path;
        if (!piece.reference)
            continue;
        enum err err = workflow_path_parse(piece.text, piece.length, &path, diag);
        if (!err && visit)
            err = visit(arg, &path, diag);
        if (err)
            return err;
    }
    return *at ? diag_set(diag, ERR_MALFORMED, "'%.80s' has no closing brace", at) : ERR_OK;
}

static enum err
check_node(const json_t *node, unsigned depth, workflow_visit_fn *visit, void *arg,
           struct diag *diag)
{
    enum err err = ERR_OK;
    size_t index;
    const char *key;
    json_t *child;
    if (depth > TEMPLATE_DEPTH)
        return diag_set(diag, ERR_LIMIT, "nested more than %d deep", TEMPLATE_DEPTH);
    if (json_is_string(node))
        return check_text(json_string_value(node), visit, arg, diag);
    json_array_foreach(node, index, child)
    {
        if ((err = check_node(child, depth + 1, visit, arg, diag)))
            return err;
    }
    json_object_foreach((json_t *)node, key, child)
    {
        if ((err = check_node(child, depth + 1, visit, arg, diag)))
            return err;
    }
    return err;
}

enum err
workflow_template_check(const json_t *node, workflow_visit_fn *visit, void *arg, struct diag *diag)
{
    return check_node(node, 0, visit, arg, diag);
}

static enum err
insert_value(struct buf *out, const struct piece *piece, const json_t *value, struct diag *diag)
{
    if (json_is_string(value))
        buf_put(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buf_str(out, json_is_true(value) ? "true" : "false");
    else
        return diag_set(diag, ERR_INVALID, "${%.*s} is %s: nothing to put inside a text",
                        (int)MIN(piece->length, (size_t)80), piece->text,
                        !value                  ? "not there"
                        : json_is_array(value)  ? "a list"
                        : json_is_object(value) ? "an object"
                                                : "a number with a fraction");
    return ERR_OK;
}

static enum err
piece_value(const struct piece *piece, const struct workflow_scope *scope, json_t **value,
            struct diag *diag)
{
    struct workflow_path path;
    enum err err = workflow_path_parse(piece->text, piece->length, &path, diag);
    if (!err)
        *value = workflow_path_value(&path, scope);
    return err;
}

static enum err
render_text(json_t *node, const struct workflow_scope *scope, json_t **result, struct diag *diag)
{
    const char *at = json_string_value(node);
    struct piece piece;
    json_t *value = NULL;
    enum err err = ERR_OK;
    if (!strstr(at, "${")) {
        *result = json_incref(node);
        return ERR_OK;
    }
    if (next_piece(&at, &piece) && piece.reference && *at == '\0') {
        err = piece_value(&piece, scope, &value, diag);
        if (!err)
            *result = value ? json_incref(value) : json_null();
        return err;
    }
    struct buf out = BUF_INIT;
    at = json_string_value(node);
    while (!err && next_piece(&at, &piece)) {
        if (piece.reference) {
            err = piece_value(&piece, scope, &value, diag);
            if (!err)
                err = insert_value(&out, &piece, value, diag);
        } else {
            buf_put(&out, piece.text, piece.length);
        }
    }
    if (!err)
        *result = json_stringn_nocheck(buf_cstr(&out), out.size);
    buf_fini(&out);
    return err;
}

enum err
workflow_template_render(json_t *node, const struct workflow_scope *scope, json_t **result,
                         struct diag *diag)
{
    size_t index;
    const char *key;
    json_t *child, *made, *whole;
    if (json_is_string(node))
        return render_text(node, scope, result, diag);
    if (!json_is_array(node) && !json_is_object(node)) {
        *result = json_incref(node);
        return ERR_OK;
    }
    enum err err = ERR_OK;
    whole = json_is_array(node) ? json_array() : json_object();
    json_array_foreach(node, index, child)
    {
        if ((err = workflow_template_render(child, scope, &made, diag)))
            goto fail;
        json_array_append_new(whole, made);
    }
    json_object_foreach(node, key, child)
    {
        if ((err = workflow_template_render(child, scope, &made, diag)))
            goto fail;
        json_object_set_new_nocheck(whole, key, made);
    }
    *result = whole;
    return ERR_OK;
fail:
    json_decref(whole);
    return err;
}

enum condition_kind { OR, AND, NOT, PRESENT, EQUAL, DIFFERENT };

struct operand {
    bool reference;
    struct workflow_path path;
    enum { LITERAL_NULL, LITERAL_BOOLEAN, LITERAL_INTEGER, LITERAL_TEXT } literal;
    long long integer;         /* or 0 and 1 for false and true */
    struct workflow_name text; /* any length */
};

struct workflow_condition {
    enum condition_kind kind;
    const struct workflow_condition *left, *right; /* OR, AND; NOT: left */
    const struct operand *a, *b;                   /* EQUAL, DIFFERENT; PRESENT: a */
};

struct parser {
    struct arena *arena;
    const char *text, *at;
    unsigned depth;
    struct diag *diag;
};

static enum err parse_or(struct parser *, const struct workflow_condition **);

static enum err
parse_fail(const struct parser *parser, const char *expected)
{
    return diag_set(parser->diag, ERR_MALFORMED, "condition, character %zu: %s expected",
                    (size_t)(parser->at - parser->text) + 1, expected);
}

static enum err
no_room(const struct parser *parser)
{
    return diag_set(parser->diag, ERR_LIMIT, "the condition is too large");
}

static void
skip_space(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\t')
        parser->at++;
}

static bool
take(struct parser *parser, const char *symbol)
{
    skip_space(parser);
    if (strncmp(parser->at, symbol, strlen(symbol)) != 0)
        return false;
    parser->at += strlen(symbol);
    return true;
}

/* A word stands alone: "and", but not "and-more" or "and.more". */
static bool
take_word(struct parser *parser, const char *word)
{
    skip_space(parser);
    size_t length = strlen(word);
    if (strncmp(parser->at, word, length) != 0 || is_name_char(parser->at[length]) ||
        parser->at[length] == '.')
        return false;
    parser->at += length;
    return true;
}

static enum err
parse_integer(struct parser *parser, struct operand *operand)
{
    const char *at = parser->at;
    bool negative = *at == '-';
    long long value = 0;
    for (at += negative; isdigit((unsigned char)*at); at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *at - '0', &value)) /* downwards: LLONG_MIN fits */
            return parse_fail(parser, "a smaller number");
    }
    if (is_name_char(*at) || *at == '.' || at[-1] == '-' || (!negative && value == LLONG_MIN))
        return parse_fail(parser, "a whole number");
    operand->literal = LITERAL_INTEGER;
    operand->integer = negative ? value : -value;
    parser->at = at;
    return ERR_OK;
}

static enum err
parse_quoted(struct parser *parser, struct operand *operand)
{
    char quote = *parser->at;
    const char *start = parser->at + 1, *end = strchr(start, quote);
    if (!end)
        return parse_fail(parser, "a closing quote");
    operand->literal = LITERAL_TEXT;
    operand->text = (struct workflow_name){start, (size_t)(end - start)};
    parser->at = end + 1;
    return ERR_OK;
}

static enum err
parse_reference(struct parser *parser, struct operand *operand)
{
    size_t length = 0;
    while (is_name_char(parser->at[length]) || parser->at[length] == '.')
        length++;
    if (length == 0)
        return parse_fail(parser, "a reference or a value");
    operand->reference = true;
    enum err err = workflow_path_parse(parser->at, length, &operand->path, parser->diag);
    if (!err)
        parser->at += length;
    return err;
}

static enum err
parse_operand(struct parser *parser, const struct operand **out)
{
    struct operand *operand = arena_alloc(parser->arena, sizeof *operand);
    if (!operand)
        return no_room(parser);
    *out = operand;
    skip_space(parser);
    char c = *parser->at;
    if (c == '\'' || c == '"')
        return parse_quoted(parser, operand);
    if (c == '-' || isdigit((unsigned char)c))
        return parse_integer(parser, operand);
    operand->literal = LITERAL_BOOLEAN;
    operand->integer = 1;
    if (take_word(parser, "true"))
        return ERR_OK;
    operand->integer = 0;
    if (take_word(parser, "false"))
        return ERR_OK;
    operand->literal = LITERAL_NULL;
    if (take_word(parser, "null"))
        return ERR_OK;
    return parse_reference(parser, operand);
}

static enum err
parse_comparison(struct parser *parser, struct workflow_condition *node)
{
    enum err err = parse_operand(parser, &node->a);
    if (err)
        return err;
    if (take(parser, "=="))
        node->kind = EQUAL;
    else if (take(parser, "!="))
        node->kind = DIFFERENT;
    else
        return parse_fail(parser, "== or !=");
    return parse_operand(parser, &node->b);
}

static enum err
parse_present(struct parser *parser, struct workflow_condition *node)
{
    node->kind = PRESENT;
    if (!take(parser, "("))
        return parse_fail(parser, "(");
    struct operand *operand = arena_alloc(parser->arena, sizeof *operand);
    if (!operand)
        return no_room(parser);
    node->a = operand;
    skip_space(parser);
    enum err err = parse_reference(parser, operand);
    if (err)
        return err;
    return take(parser, ")") ? ERR_OK : parse_fail(parser, ")");
}

static enum err
parse_primary(struct parser *parser, const struct workflow_condition **out)
{
    if (take(parser, "(")) {
        enum err err = parse_or(parser, out);
        if (err)
            return err;
        return take(parser, ")") ? ERR_OK : parse_fail(parser, ")");
    }
    struct workflow_condition *node = arena_alloc(parser->arena, sizeof *node);
    if (!node)
        return no_room(parser);
    *out = node;
    if (take_word(parser, "not")) {
        node->kind = NOT;
        if (++parser->depth > WORKFLOW_CONDITION_DEPTH)
            return no_room(parser);
        enum err err = parse_primary(parser, &node->left);
        parser->depth--;
        return err;
    }
    if (take_word(parser, "present"))
        return parse_present(parser, node);
    return parse_comparison(parser, node);
}

/* `a word b word c`, read from the left. */
static enum err
parse_chain(struct parser *parser, const char *word, enum condition_kind kind,
            enum err (*parse_part)(struct parser *, const struct workflow_condition **),
            const struct workflow_condition **out)
{
    enum err err = parse_part(parser, out);
    while (!err && take_word(parser, word)) {
        struct workflow_condition *node = arena_alloc(parser->arena, sizeof *node);
        if (!node)
            return no_room(parser);
        node->kind = kind;
        node->left = *out;
        err = parse_part(parser, &node->right);
        *out = node;
    }
    return err;
}

static enum err
parse_and(struct parser *parser, const struct workflow_condition **out)
{
    return parse_chain(parser, "and", AND, parse_primary, out);
}

static enum err
parse_or(struct parser *parser, const struct workflow_condition **out)
{
    if (++parser->depth > WORKFLOW_CONDITION_DEPTH)
        return no_room(parser);
    enum err err = parse_chain(parser, "or", OR, parse_and, out);
    parser->depth--;
    return err;
}

enum err
workflow_condition_parse(struct arena *arena, const char *text,
                         const struct workflow_condition **out, struct diag *diag)
{
    struct parser parser = {.arena = arena, .text = text, .at = text, .diag = diag};
    const struct workflow_condition *condition;
    if (strlen(text) > WORKFLOW_CONDITION_LENGTH) /* bounds the recursion over long chains, too */
        return no_room(&parser);
    enum err err = parse_or(&parser, &condition);
    if (err)
        return err;
    skip_space(&parser);
    if (*parser.at)
        return parse_fail(&parser, "'and', 'or' or the end");
    *out = condition;
    return ERR_OK;
}

static enum err
visit_operand(const struct operand *operand, workflow_visit_fn *visit, void *arg, struct diag *diag)
{
    return operand && operand->reference ? visit(arg, &operand->path, diag) : ERR_OK;
}

enum err
workflow_condition_visit(const struct workflow_condition *node, workflow_visit_fn *visit, void *arg,
                         struct diag *diag)
{
    if (!node)
        return ERR_OK;
    enum err err = workflow_condition_visit(node->left, visit, arg, diag);
    if (!err)
        err = visit_operand(node->a, visit, arg, diag);
    if (!err)
        err = visit_operand(node->b, visit, arg, diag);
    return err ? err : workflow_condition_visit(node->right, visit, arg, diag);
}

/* The operand's value, to be released; never NULL. */
static json_t *
operand_value(const struct operand *operand, const struct workflow_scope *scope)
{
    if (operand->reference) {
        json_t *value = workflow_path_value(&operand->path, scope);
        return value ? json_incref(value) : json_null();
    }
    switch (operand->literal) {
    case LITERAL_TEXT:
        return json_stringn_nocheck(operand->text.text, operand->text.length);
    case LITERAL_INTEGER:
        return json_integer(operand->integer);
    case LITERAL_BOOLEAN:
        return json_boolean(operand->integer);
    case LITERAL_NULL:
        break;
    }
    return json_null();
}

static bool
operands_equal(const struct workflow_condition *node, const struct workflow_scope *scope)
{
    json_t *a = operand_value(node->a, scope), *b = operand_value(node->b, scope);
    bool equal = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return equal;
}

bool
workflow_condition_holds(const struct workflow_condition *node, const struct workflow_scope *scope)
{
    if (!node)
        return true;
    switch (node->kind) {
    case OR:
        return workflow_condition_holds(node->left, scope) ||
               workflow_condition_holds(node->right, scope);
    case AND:
        return workflow_condition_holds(node->left, scope) &&
               workflow_condition_holds(node->right, scope);
    case NOT:
        return !workflow_condition_holds(node->left, scope);
    case PRESENT:
        return workflow_path_value(&node->a->path, scope) != NULL;
    case EQUAL:
        return operands_equal(node, scope);
    case DIFFERENT:
        return !operands_equal(node, scope);
    }
    return false;
}
