#include "gateway/shape.h"

#include "model/testing.h"

static json_t *components;

static int
set_up(void **state UNUSED)
{
    components = json_quoted(
        "{'Leaf': {'type': 'object', 'additionalProperties': false, 'required': ['n'],"
        " 'properties': {'n': {'type': 'integer', 'minimum': 1, 'maximum': 9}}}}");
    return 0;
}

static int
tear_down(void **state UNUSED)
{
    json_decref(components);
    return 0;
}

#define REF "{'$ref': '#/components/schemas/Leaf'}"

static const struct {
    const char *schema, *value;
    const char *pointer, *says; /* NULL: it fits */
} cases[] = {
    {"{}", "{'a': [1]}", NULL, NULL},
    {"{'type': 'string'}", "''", NULL, NULL},
    {"{'type': 'string'}", "1", "", "a string is expected"},
    {"{'type': 'string', 'minLength': 2}", "'a'", "", "at least 2 characters are expected"},
    {"{'type': 'string', 'maxLength': 2}", "'\xc3\xa4\xc3\xb6'", NULL, NULL},
    {"{'type': 'string', 'maxLength': 2}", "'abc'", "", "at most 2 characters are expected"},
    {"{'type': 'string', 'format': 'name'}", "'a b'", "", "a name is expected"},
    {"{'type': 'string', 'format': 'text'}", "'a b'", NULL, NULL},
    {"{'type': 'string', 'format': 'date-time'}", "'never'", NULL, NULL},
    {"{'type': 'integer'}", "1.0", "", "a whole number is expected"},
    {"{'type': 'integer', 'minimum': 0, 'maximum': 5}", "6", "", "0 to 5 is expected"},
    {"{'type': 'integer', 'minimum': 0, 'maximum': 5}", "-1", "", "0 to 5 is expected"},
    {"{'type': 'boolean'}", "false", NULL, NULL},
    {"{'type': 'boolean'}", "'true'", "", "true or false is expected"},
    {"{'type': 'boolean'}", "null", "", "true or false is expected"},
    {"{'enum': ['a', 'b']}", "'b'", NULL, NULL},
    {"{'enum': ['a', 'b']}", "'c'", "", "one of these is expected: a, b"},
    {"{'type': 'array', 'items': " REF "}", "[]", NULL, NULL},
    {"{'type': 'array', 'items': " REF "}", "[{'n': 1}, {'n': 0}]", "/1/n", "1 to 9 is expected"},
    {"{'type': 'array', 'items': " REF "}", "{}", "", "an array is expected"},
    {"{'type': 'array', 'minItems': 1, 'maxItems': 2}", "[]", "", "1 to 2 of them are expected"},
    {"{'type': 'array', 'maxItems': 2}", "[1, 2, 3]", "", "at most 2 of them are expected"},
    {REF, "{'n': 5}", NULL, NULL},
    {REF, "{}", "/n", "it is missing"},
    {REF, "[]", "", "an object is expected"},
    {REF, "{'n': 5, '~/': 1}", "/~0~1", "there is no such member"},
    {"{'type': 'object', 'additionalProperties': " REF "}", "{'a': {'n': 1}, 'b': {'n': 'x'}}",
     "/b/n", "a whole number"},
    {"{'type': 'object', 'properties': {'a': " REF "}}", "{'b': 7, 'a': {'n': 1}}", NULL, NULL},
    {"{'type': 'object', 'oneOf': [{'required': ['a']}, {'required': ['b']}]}", "{'a': 1}", NULL,
     NULL},
    {"{'type': 'object', 'oneOf': [{'required': ['a']}, {'required': ['b']}]}", "{}", "",
     "exactly one of these members is expected: a, b"},
    {"{'type': 'object', 'oneOf': [{'required': ['a']}, {'required': ['b']}]}", "{'a': 1, 'b': 1}",
     "", "exactly one of these members is expected: a, b"},
    {"{'anyOf': [{'type': 'string'}, " REF "]}", "'a'", NULL, NULL},
    {"{'anyOf': [{'type': 'string'}, " REF "]}", "{'n': 1}", NULL, NULL},
    {"{'anyOf': [{'type': 'string'}, " REF "]}", "{'n': 0}", "/n", "1 to 9 is expected"},
    {"{'anyOf': [{'type': 'string'}, " REF "]}", "7", "", "a string is expected"},
};

static json_t *
any_value(const char *quoted)
{
    char *list = NULL;
    assert_true(asprintf(&list, "[%s]", quoted) > 0);
    json_t *array = json_quoted(list), *value = json_incref(json_array_get(array, 0));
    json_decref(array);
    free(list);
    return value;
}

static void
values_fit_or_are_told_where_they_do_not(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *schema = json_quoted(cases[i].schema), *value = any_value(cases[i].value);
        struct buf pointer = BUF_INIT;
        struct diag diag = {""};
        enum err err = shape_check(components, schema, value, &pointer, &diag);
        bool fits = !cases[i].says;
        if (fits != !err || (!fits && (strcmp(buf_cstr(&pointer), cases[i].pointer) != 0 ||
                                       !strstr(diag.text, cases[i].says))))
            fail_msg("%s, %s: \"%s\" %s", cases[i].schema, cases[i].value, buf_cstr(&pointer),
                     diag.text);
        buf_fini(&pointer);
        json_decref(schema);
        json_decref(value);
    }
}

TEST_MAIN(cmocka_unit_test_setup_teardown(values_fit_or_are_told_where_they_do_not, set_up,
                                          tear_down))
