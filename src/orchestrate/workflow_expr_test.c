#include "orchestrate/workflow_expr.h"

#include "base/testing.h"
#include "orchestrate/workflow_testing.h"

static json_t *data;

static json_t *
find_in_data(const struct workflow_scope *scope UNUSED, const struct workflow_path *path UNUSED,
             size_t *used)
{
    *used = 0;
    return data;
}

static const struct workflow_scope scope = {.find = find_in_data};

static int
set_up(void **state UNUSED)
{
    data = json_of("{text: hello, n: 3, real: 1.5, yes: true, no: false, none: null,"
                   " list: [a, {b: [7, 8]}, null], object: {x: 1, 2: two}, kind: goose}");
    return 0;
}

static int
tear_down(void **state UNUSED)
{
    json_decref(data);
    return 0;
}

static void
references_lead_into_values(void **state UNUSED)
{
    static const struct {
        const char *path, *json;
    } rows[] = {
        {"text", "\"hello\""},      {"list.1.b.0", "7"}, {"list.1", "{\"b\":[7,8]}"},
        {"object.2", "\"two\""},    {"list.3", NULL},    {"list.01", NULL},
        {"list.x", NULL},           {"text.x", NULL},    {"none", NULL},
        {"none.x", NULL},           {"list.2", NULL},    {"absent", NULL},
        {"list.99999999999", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct workflow_path path;
        assert_ok(workflow_path_parse(rows[i].path, strlen(rows[i].path), &path, NULL));
        json_t *value = workflow_path_value(&path, &scope);
        char *json = value ? json_text(value) : NULL;
        if (rows[i].json)
            assert_string_equal(json, rows[i].json);
        else
            assert_null(value);
        free(json);
    }
}

static void
refuses_what_is_no_reference(void **state UNUSED)
{
    static const char *const wrong[] = {
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a$",
        "a.b ",
        "\xc3\xa9",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q",
        "a234567890123456789012345678901234567890123456789012345678901234",
    };
    struct workflow_path path = {.n = 9};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(workflow_path_parse(wrong[i], strlen(wrong[i]), &path, NULL), ERR_MALFORMED);
    assert_int_equal(path.n, 9);
}

static void
templates_are_filled_in(void **state UNUSED)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"plain", "\"plain\""},
        {"'${n}'", "3"},
        {"'${list.1}'", "{\"b\":[7,8]}"},
        {"'${absent}'", "null"},
        {"'${text} ${n}${yes}'", "\"hello 3true\""},
        {"' ${text}'", "\" hello\""},
        {"[1, null, '${no}', {k: '<${text}>'}]", "[1,null,false,{\"k\":\"<hello>\"}]"},
        {"'$${text} $5 $$ ${n}'", "\"${text} $5 $$ 3\""},
        {"'$$${n}'", "\"$${n}\""},
        {"''", "\"\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *node = json_of(rows[i].yaml), *result;
        assert_ok(workflow_template_check(node, NULL, NULL, NULL));
        assert_ok(workflow_template_render(node, &scope, &result, NULL));
        char *json = json_text(result);
        assert_string_equal(json, rows[i].json);
        free(json);
        json_decref(result);
        json_decref(node);
    }
}

static void
templates_share_what_they_refer_to(void **state UNUSED)
{
    json_t *node = json_of("{list: '${list}'}"), *result;
    assert_ok(workflow_template_render(node, &scope, &result, NULL));
    assert_ptr_equal(json_object_get(result, "list"), json_object_get(data, "list"));
    json_decref(result);
    json_decref(node);
}

static void
says_what_cannot_stand_inside_a_text(void **state UNUSED)
{
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"a ${absent}", "${absent} is not there: nothing to put inside a text"},
        {"a ${list}", "${list} is a list: nothing to put inside a text"},
        {"a ${object}", "${object} is an object: nothing to put inside a text"},
        {"{k: ['a ${real}']}", "${real} is a number with a fraction: nothing to put inside a text"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag;
        json_t *node = json_of(rows[i].yaml), *result = NULL;
        assert_err(workflow_template_render(node, &scope, &result, &diag), ERR_INVALID);
        assert_string_equal(diag.text, rows[i].said);
        assert_null(result);
        json_decref(node);
    }
}

static void
malformed_templates_are_found_by_the_check(void **state UNUSED)
{
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"'a ${b'", "'${b' has no closing brace"},
        {"'${}'", "'' is no reference"},
        {"[{k: '${a b}'}]", "'a b' is no reference"},
        {"'${a.${b}}'", "'a.${b' is no reference"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag;
        json_t *node = json_of(rows[i].yaml);
        assert_err(workflow_template_check(node, NULL, NULL, &diag), ERR_MALFORMED);
        assert_string_equal(diag.text, rows[i].said);
        json_decref(node);
    }
    json_t *deep = json_string("x");
    for (int i = 0; i < 33; i++)
        deep = json_pack("[o]", deep);
    assert_err(workflow_template_check(deep, NULL, NULL, NULL), ERR_LIMIT);
    json_decref(deep);
}

static void
conditions_hold_or_not(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
        {"present(text)", true},
        {"present(absent)", false},
        {"present(none)", false},
        {"present( no )", true},
        {"not present(absent)", true},
        {"kind == 'goose'", true},
        {"kind == \"goose\"", true},
        {"kind == 'Goose'", false},
        {"kind != 'goose'", false},
        {"'goose' == kind", true},
        {"n == 3 and yes == true", true},
        {"n == '3'", false},
        {"real == 1", false},
        {"yes == 1", false},
        {"absent == null", true},
        {"none == absent", true},
        {"list.1.b == list.1.b", true},
        {"list == object", false},
        {"-3 == -3", true},
        {"n != -9223372036854775808", true},
        {"no == true or n == 3 and kind == 'sv'", false},
        {"n == 3 or no == true and kind == 'sv'", true},
        {"(n == 3 or no == true) and kind == 'sv'", false},
        {"not n == 4 and n == 3", true},
        {"not (n == 4 or n == 3)", false},
        {"not not n == 3", true},
        {" ( ( n==3 ) ) ", true},
        {"text == 'and or not'", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena *arena = arena_new(100000);
        const struct workflow_condition *condition;
        struct diag diag = {""};
        if (workflow_condition_parse(arena, rows[i].text, &condition, &diag))
            fail_msg("%s: %s", rows[i].text, diag.text);
        if (workflow_condition_holds(condition, &scope) != rows[i].holds)
            fail_msg("%s", rows[i].text);
        arena_free(arena);
    }
    assert_true(workflow_condition_holds(NULL, &scope));
}

static void
malformed_conditions_are_refused(void **state UNUSED)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "condition, character 1: a reference or a value expected"},
        {"text", "condition, character 5: == or != expected"},
        {"n = 3", "condition, character 3: == or != expected"},
        {"n == ", "condition, character 6: a reference or a value expected"},
        {"n == 3 n", "condition, character 8: 'and', 'or' or the end expected"},
        {"n == 3 and", "condition, character 11: a reference or a value expected"},
        {"n == 'x", "condition, character 6: a closing quote expected"},
        {"(n == 3", "condition, character 8: ) expected"},
        {"n == 3)", "condition, character 7: 'and', 'or' or the end expected"},
        {"present text", "condition, character 9: ( expected"},
        {"present(3", "condition, character 10: ) expected"},
        {"n == 99999999999999999999", "condition, character 6: a smaller number expected"},
        {"n == 1.5", "condition, character 6: a whole number expected"},
        {"n == -", "condition, character 6: a whole number expected"},
        {"n == a..b", "'a..b' is no reference"},
        {"system('x') == 1", "condition, character 7: == or != expected"},
    };
    struct arena *arena = arena_new(100000);
    const struct workflow_condition *condition = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag = {""};
        assert_err(workflow_condition_parse(arena, rows[i].text, &condition, &diag), ERR_MALFORMED);
        assert_string_equal(diag.text, rows[i].said);
        assert_null(condition);
    }
    arena_free(arena);
}

static void
conditions_are_bounded(void **state UNUSED)
{
    char text[2000] = "";
    const struct workflow_condition *condition = NULL;
    struct arena *arena = arena_new(100000);
    for (int i = 0; i < 33; i++)
        strcat(text, "(");
    strcat(text, "n == 3");
    for (int i = 0; i < 33; i++)
        strcat(text, ")");
    assert_err(workflow_condition_parse(arena, text, &condition, NULL), ERR_LIMIT);
    text[32] = ' '; /* one parenthesis less */
    text[33 + 6 + 32] = '\0';
    assert_err(workflow_condition_parse(arena, text, &condition, NULL), ERR_LIMIT);
    text[31] = ' ';
    text[33 + 6 + 31] = '\0';
    assert_ok(workflow_condition_parse(arena, text, &condition, NULL));
    *text = '\0';
    for (int i = 0; i < 100; i++)
        strcat(text, "n == 3 and ");
    assert_err(workflow_condition_parse(arena, text, &condition, NULL), ERR_LIMIT);
    arena_free(arena);
    arena = arena_new(300);
    assert_err(workflow_condition_parse(arena, "n == 3 and n == 4", &condition, NULL), ERR_LIMIT);
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_lead_into_values),
        cmocka_unit_test(refuses_what_is_no_reference),
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(templates_share_what_they_refer_to),
        cmocka_unit_test(says_what_cannot_stand_inside_a_text),
        cmocka_unit_test(malformed_templates_are_found_by_the_check),
        cmocka_unit_test(conditions_hold_or_not),
        cmocka_unit_test(malformed_conditions_are_refused),
        cmocka_unit_test(conditions_are_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
