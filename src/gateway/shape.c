#include "gateway/shape.h"

#include "model/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const json_t *components;
    struct buf *pointer;
    struct diag *diag;
};

static enum err check_value(struct check *, const json_t *schema, const json_t *value);

void
json_pointer_put(struct buf *pointer, const char *token)
{
    buf_str(pointer, "/");
    for (; *token; token++) {
        if (*token == '~')
            buf_str(pointer, "~0");
        else if (*token == '/')
            buf_str(pointer, "~1");
        else
            buf_u8(pointer, (uint8_t)*token);
    }
}

static const json_t *
resolve(const struct check *c, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const char *name = ref ? strrchr(ref, '/') : NULL;
    const json_t *found = name ? json_object_get(c->components, name + 1) : NULL;
    return found ? found : schema;
}

static size_t
text_length(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Is it a limit of the schema, and beyond? */
static bool
is_below(const json_t *schema, const char *key, json_int_t value)
{
    const json_t *limit = json_object_get(schema, key);
    return limit && value < json_integer_value(limit);
}

static bool
is_above(const json_t *schema, const char *key, json_int_t value)
{
    const json_t *limit = json_object_get(schema, key);
    return limit && value > json_integer_value(limit);
}

/* "1 to 63", "at least 1". */
static void
put_range(struct buf *out, const json_t *schema, const char *low, const char *high)
{
    const json_t *min = json_object_get(schema, low), *max = json_object_get(schema, high);
    if (min && max)
        buf_printf(out, "%lld to %lld", (long long)json_integer_value(min),
                   (long long)json_integer_value(max));
    else
        buf_printf(out, "at %s %lld", min ? "least" : "most",
                   (long long)json_integer_value(min ? min : max));
}

static enum err
fail_range(struct check *c, const json_t *schema, const char *low, const char *high,
           const char *what)
{
    struct buf range = BUF_INIT;
    put_range(&range, schema, low, high);
    diag_set(c->diag, ERR_INVALID, "%s %s expected", buf_cstr(&range), what);
    buf_fini(&range);
    return ERR_INVALID;
}

/* ---- strings and numbers */

static const struct {
    const char *name, *expected;
    bool (*is_valid)(const char *);
} formats[] = {
    {"name",
     "a name is expected: 1 to 63 letters, digits, dots, underscores and hyphens, the first a "
     "letter or a digit",
     name_is_valid},
    {"text", "one line of 1 to 255 characters is expected", text_is_valid},
};

static enum err
check_format(struct check *c, const json_t *schema, const char *text)
{
    const char *format = json_string_value(json_object_get(schema, "format"));
    for (size_t i = 0; format && i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(format, formats[i].name) && !formats[i].is_valid(text))
            return diag_set(c->diag, ERR_INVALID, "%s", formats[i].expected);
    }
    return ERR_OK;
}

static enum err
check_string(struct check *c, const json_t *schema, const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t length = (json_int_t)text_length(text);
    if (is_below(schema, "minLength", length) || is_above(schema, "maxLength", length))
        return fail_range(c, schema, "minLength", "maxLength", "characters are");
    return check_format(c, schema, text);
}

static enum err
check_integer(struct check *c, const json_t *schema, const json_t *value)
{
    json_int_t number = json_integer_value(value);
    if (is_below(schema, "minimum", number) || is_above(schema, "maximum", number))
        return fail_range(c, schema, "minimum", "maximum", "is");
    return ERR_OK;
}

static enum err
check_enum(struct check *c, const json_t *words, const json_t *value)
{
    struct buf known = BUF_INIT;
    size_t i;
    json_t *word;
    json_array_foreach((json_t *)(uintptr_t)words, i, word)
    {
        if (json_equal(word, value)) {
            buf_fini(&known);
            return ERR_OK;
        }
        buf_printf(&known, "%s%s", i ? ", " : "", json_string_value(word));
    }
    diag_set(c->diag, ERR_INVALID, "one of these is expected: %s", buf_cstr(&known));
    buf_fini(&known);
    return ERR_INVALID;
}

/* ---- arrays and objects */

static enum err
check_array(struct check *c, const json_t *schema, const json_t *array)
{
    const json_t *items = json_object_get(schema, "items");
    json_int_t n = (json_int_t)json_array_size(array);
    if (is_below(schema, "minItems", n) || is_above(schema, "maxItems", n))
        return fail_range(c, schema, "minItems", "maxItems", "of them are");
    for (size_t i = 0; items && i < json_array_size(array); i++) {
        size_t size = c->pointer->size;
        buf_printf(c->pointer, "/%zu", i);
        enum err err = check_value(c, items, json_array_get(array, i));
        if (err)
            return err;
        c->pointer->size = size;
    }
    return ERR_OK;
}

static enum err
check_members(struct check *c, const json_t *schema, const json_t *object)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const json_t *property = json_object_get(properties, key);
        size_t size = c->pointer->size;
        json_pointer_put(c->pointer, key);
        if (!property && json_is_false(others))
            return diag_set(c->diag, ERR_INVALID, "there is no such member");
        if (!property)
            property = others;
        enum err err = json_is_object(property) ? check_value(c, property, value) : ERR_OK;
        if (err)
            return err;
        c->pointer->size = size;
    }
    return ERR_OK;
}

/* The first that is required and not there; NULL: all are there. */
static const char *
find_missing(const json_t *schema, const json_t *object)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(schema, "required"), i, name)
    {
        if (!json_object_get(object, json_string_value(name)))
            return json_string_value(name);
    }
    return NULL;
}

/* Exactly one of the alternatives, each of which requires one member. */
static enum err
check_choice(struct check *c, const json_t *alternatives, const json_t *object)
{
    struct buf names = BUF_INIT;
    size_t i, n = 0;
    json_t *alternative;
    json_array_foreach((json_t *)(uintptr_t)alternatives, i, alternative)
    {
        n += !find_missing(alternative, object);
        buf_printf(&names, "%s%s", i ? ", " : "",
                   json_string_value(json_array_get(json_object_get(alternative, "required"), 0)));
    }
    if (n != 1)
        diag_set(c->diag, ERR_INVALID, "exactly one of these members is expected: %s",
                 buf_cstr(&names));
    buf_fini(&names);
    return n == 1 ? ERR_OK : ERR_INVALID;
}

static enum err
check_object(struct check *c, const json_t *schema, const json_t *object)
{
    enum err err = check_members(c, schema, object);
    const char *missing = err ? NULL : find_missing(schema, object);
    const json_t *alternatives = json_object_get(schema, "oneOf");
    if (missing) {
        json_pointer_put(c->pointer, missing);
        return diag_set(c->diag, ERR_INVALID, "it is missing");
    }
    if (!err && alternatives)
        err = check_choice(c, alternatives, object);
    return err;
}

static const struct {
    const char *name, *expected;
    json_type type;
    enum err (*check)(struct check *, const json_t *schema, const json_t *value);
} types[] = {
    {"string", "a string", JSON_STRING, check_string},
    {"integer", "a whole number", JSON_INTEGER, check_integer},
    {"boolean", "true or false", JSON_TRUE, NULL},
    {"array", "an array", JSON_ARRAY, check_array},
    {"object", "an object", JSON_OBJECT, check_object},
};

static bool
has_type(const json_t *value, json_type type)
{
    return json_typeof(value) == type || (type == JSON_TRUE && json_is_false(value));
}

/* Of the alternatives the one that is of the value's type; the first if none is. */
static const json_t *
choose(const struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *alternatives = json_object_get(schema, "anyOf");
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        const json_t *one = resolve(c, json_array_get(alternatives, i));
        const char *type = json_string_value(json_object_get(one, "type"));
        for (size_t k = 0; type && k < ARRAY_SIZE(types); k++) {
            if (!strcmp(type, types[k].name) && has_type(value, types[k].type))
                return one;
        }
    }
    return alternatives ? resolve(c, json_array_get(alternatives, 0)) : schema;
}

static enum err
check_value(struct check *c, const json_t *schema, const json_t *value)
{
    schema = choose(c, resolve(c, schema), value);
    const json_t *words = json_object_get(schema, "enum");
    const char *type = json_string_value(json_object_get(schema, "type"));
    for (size_t i = 0; type && i < ARRAY_SIZE(types); i++) {
        if (strcmp(type, types[i].name) != 0)
            continue;
        if (!has_type(value, types[i].type))
            return diag_set(c->diag, ERR_INVALID, "%s is expected", types[i].expected);
        enum err err = types[i].check ? types[i].check(c, schema, value) : ERR_OK;
        if (err)
            return err;
    }
    return words ? check_enum(c, words, value) : ERR_OK;
}

enum err
shape_check(const json_t *components, const json_t *schema, const json_t *value,
            struct buf *pointer, struct diag *diag)
{
    struct check c = {components, pointer, diag};
    return check_value(&c, schema, value);
}
