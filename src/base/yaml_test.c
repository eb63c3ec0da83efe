#include "base/yaml.h"

#include "base/testing.h"

static char *
as_json(const char *text)
{
    struct yaml_tree *tree;
    struct diag diag = {""};
    if (yaml_tree_parse(text, strlen(text), "f.yaml", YAML_LIMITS_DEFAULT, &tree, &diag))
        return strdup(diag.text);
    char *json = json_dumps(yaml_tree_root(tree), JSON_COMPACT | JSON_ENCODE_ANY);
    yaml_tree_free(tree);
    return json;
}

static void
check(const char *text, const char *expected)
{
    char *json = as_json(text);
    assert_string_equal(json, expected);
    free(json);
}

/* YAML 1.2.2, https://yaml.org/spec/1.2.2/, by the examples' numbers. */
static void
reads_the_specifications_examples(void **state UNUSED)
{
    static const struct {
        const char *example, *yaml, *json;
    } rows[] = {
        {"2.1", "- Mark McGwire\n- Sammy Sosa\n- Ken Griffey\n",
         "[\"Mark McGwire\",\"Sammy Sosa\",\"Ken Griffey\"]"},
        {"2.2",
         "hr:  65    # Home runs\navg: 0.278 # Batting average\nrbi: 147   # Runs Batted In\n",
         "{\"hr\":65,\"avg\":0.27800000000000002,\"rbi\":147}"},
        {"2.3", "american:\n- Boston Red Sox\n- Detroit Tigers\nnational:\n- New York Mets\n",
         "{\"american\":[\"Boston Red Sox\",\"Detroit Tigers\"],\"national\":[\"New York Mets\"]}"},
        {"2.4", "-\n  name: Mark McGwire\n  hr:   65\n-\n  name: Sammy Sosa\n  hr:   63\n",
         "[{\"name\":\"Mark McGwire\",\"hr\":65},{\"name\":\"Sammy Sosa\",\"hr\":63}]"},
        {"2.5", "- [name        , hr]\n- [Mark McGwire, 65]\n",
         "[[\"name\",\"hr\"],[\"Mark McGwire\",65]]"},
        {"2.6", "Mark McGwire: {hr: 65}\nSammy Sosa: {\n    hr: 63,\n  }\n",
         "{\"Mark McGwire\":{\"hr\":65},\"Sammy Sosa\":{\"hr\":63}}"},
        {"2.13", "# ASCII Art\n--- |\n  \\//||\\/||\n  // ||  ||__\n",
         "\"\\\\//||\\\\/||\\n// ||  ||__\\n\""},
        {"2.14", "--- >\n  Mark McGwire's\n  year was crippled\n  by a knee injury.\n",
         "\"Mark McGwire's year was crippled by a knee injury.\\n\""},
        {"2.17",
         "unicode: \"Sosa did fine.\\u263A\"\nsingle: '\"Howdy!\" he cried.'\n"
         "quoted: ' # Not a ''comment''.'\n",
         "{\"unicode\":\"Sosa did fine.\xe2\x98\xba\",\"single\":\"\\\"Howdy!\\\" he cried.\","
         "\"quoted\":\" # Not a 'comment'.\"}"},
        {"2.18", "plain:\n  This unquoted scalar\n  spans many lines.\n",
         "{\"plain\":\"This unquoted scalar spans many lines.\"}"},
        {"10.2.1.1", "~: null\na:\nb: ''\nc: TRUE\nd: False\n",
         "{\"~\":null,\"a\":null,\"b\":\"\",\"c\":true,\"d\":false}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        print_message("example %s\n", rows[i].example);
        check(rows[i].yaml, rows[i].json);
    }
}

static void
keeps_text_that_others_take_for_something_else(void **state UNUSED)
{
    check("[yes, No, on, off, y, 12:30:45, 01:0c:cd:01:00:1f, 10.1.0.1, 1-2, 2026-11-21, -, a1]",
          "[\"yes\",\"No\",\"on\",\"off\",\"y\",\"12:30:45\",\"01:0c:cd:01:00:1f\",\"10.1.0.1\","
          "\"1-2\",\"2026-11-21\",\"-\",\"a1\"]");
    check("['007', \"true\", '~', '1']", "[\"007\",\"true\",\"~\",\"1\"]");
}

static void
reads_numbers_as_json_does(void **state UNUSED)
{
    check("[0, -1, 9223372036854775807, 1.5, 2e3, -0.25E-1]",
          "[0,-1,9223372036854775807,1.5,2000.0,-0.025000000000000001]");
    check("a: 9223372036854775808", "f.yaml:1:4: the number is too large");
    check("a: 1e999", "f.yaml:1:4: the number is too large");
    static const char *const disputed[] = {"007",   "0x1f", "0o17",  "+5",   ".5", "5.",
                                           "1_000", ".inf", "-.Inf", ".nan", "00", "0b1"};
    for (size_t i = 0; i < ARRAY_SIZE(disputed); i++) {
        char text[32];
        snprintf(text, sizeof text, "a: %s", disputed[i]);
        check(text, "f.yaml:1:4: number or text? Put it in quotes, or write the number as in JSON");
    }
}

static void
refuses_and_says_where(void **state UNUSED)
{
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"", "f.yaml:1:1: no document in it"},
        {"# nothing\n", "f.yaml:2:1: no document in it"},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' is there twice"},
        {"a: &x 1\nb: *x\n", "f.yaml:1:4: anchors are not supported"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: aliases are not supported"},
        {"a: &x [*x]\n", "f.yaml:1:4: anchors are not supported"},
        {"a: !!int '3'\n", "f.yaml:1:4: tags are not supported"},
        {"a: ! b\n", "f.yaml:1:4: tags are not supported"},
        {"a:\n  <<: {b: 1}\n", "f.yaml:2:3: merge keys are not supported"},
        {"[a, b]: c\n", "f.yaml:1:1: a key that is not text"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: a NUL character"},
        {"a: [1, 2\n", "f.yaml:2:1: did not find expected ',' or ']'"},
        {"a: 1\n b: 2\n", "f.yaml:2:3: mapping values are not allowed in this context"},
        {"a:\n\t- 1\n", "f.yaml:2:1: found character that cannot start any token"},
        {"a: \xff\n", "f.yaml: octet 3: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(rows[i].yaml, rows[i].said);
}

static enum err
parse_with(const char *text, struct yaml_limits limits, struct diag *diag)
{
    struct yaml_tree *tree;
    enum err err = yaml_tree_parse(text, strlen(text), "f", limits, &tree, diag);
    if (!err)
        yaml_tree_free(tree);
    return err;
}

static void
stops_at_its_limits(void **state UNUSED)
{
    struct yaml_limits limits = {.size = 20, .depth = 3, .nodes = 6};
    struct diag diag;
    assert_ok(parse_with("[[[1]]]", limits, &diag));
    assert_err(parse_with("[[[[1]]]]", limits, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "f:1:4: nested too deeply");
    assert_ok(parse_with("{a: 1, b: 2}", limits, &diag));
    assert_err(parse_with("{a: 1, b: [2, 3]}", limits, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "f:1:15: too many values");
    assert_err(parse_with("# a comment of twenty-one", limits, &diag), ERR_LIMIT);
    assert_string_equal(diag.text, "f: 25 octets, the limit is 20");
}

static void
knows_the_places_of_its_values(void **state UNUSED)
{
    static const char text[] = "title: x\n"
                               "steps:\n"
                               "  - name: a\n"
                               "    on: true\n"
                               "  - {name: b, on: true}\n";
    struct yaml_tree *tree;
    assert_ok(yaml_tree_parse(text, strlen(text), "f", YAML_LIMITS_DEFAULT, &tree, NULL));
    const json_t *root = yaml_tree_root(tree), *steps = json_object_get(root, "steps");
    const json_t *second = json_array_get(steps, 1);
    struct yaml_mark mark = yaml_tree_mark(tree, (struct yaml_place){root, "steps", 0});
    assert_int_equal(mark.line, 2);
    assert_int_equal(mark.column, 1);
    mark = yaml_tree_mark(tree, (struct yaml_place){steps, NULL, 1});
    assert_int_equal(mark.line, 5);
    assert_int_equal(mark.column, 5);
    mark = yaml_tree_mark(tree, (struct yaml_place){second, "on", 0});
    assert_int_equal(mark.line, 5);
    assert_int_equal(mark.column, 15);
    mark = yaml_tree_mark(tree, (struct yaml_place){second, "absent", 0});
    assert_int_equal(mark.line, 1);
    struct diag diag;
    assert_err(yaml_tree_fail(tree, &diag, ERR_INVALID, (struct yaml_place){second, "on", 0},
                              "no %s", "way"),
               ERR_INVALID);
    assert_string_equal(diag.text, "f:5:15: no way");
    yaml_tree_free(tree);
}

static void
survives_being_cut_anywhere(void **state UNUSED)
{
    static const char text[] = "a: [1, {b: 'x'}]\nc: |\n  y\n  z\nd: \"\\u263A\"\n# \xe2\x98\xba\n";
    for (size_t size = 0; size < sizeof text; size++) {
        struct yaml_tree *tree;
        char *exact = malloc(size ? size : 1);
        memcpy(exact, text, size);
        if (yaml_tree_parse(exact, size, "f", YAML_LIMITS_DEFAULT, &tree, NULL) == ERR_OK)
            yaml_tree_free(tree);
        free(exact);
    }
}

TEST_MAIN(cmocka_unit_test(reads_the_specifications_examples),
          cmocka_unit_test(keeps_text_that_others_take_for_something_else),
          cmocka_unit_test(reads_numbers_as_json_does), cmocka_unit_test(refuses_and_says_where),
          cmocka_unit_test(stops_at_its_limits), cmocka_unit_test(knows_the_places_of_its_values),
          cmocka_unit_test(survives_being_cut_anywhere))
