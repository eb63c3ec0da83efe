#include "io/jsontext.h"

#include "base/testing.h"

static void
assert_parse(const char *text, size_t size, enum err expected)
{
    char *exact = malloc(size ? size : 1); /* exact size: ASan sees one octet too far */
    json_t *value = NULL;
    memcpy(exact, text, size);
    assert_err(jsontext_parse(exact, size, &value, NULL), expected);
    assert_int_equal(value != NULL, expected == ERR_OK);
    json_decref(value);
    free(exact);
}

static void
accepts_every_kind_of_value(void **state UNUSED)
{
    static const char *const good[] = {
        "{}", "[]", "null", "true", "0", "-1.5e3", "\"\"", " [1, {\"a\": [\"b\\\"]{\"]}] ",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_parse(good[i], strlen(good[i]), ERR_OK);
}

static void
refuses_what_other_parsers_let_pass(void **state UNUSED)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[01]",
        "[1e999]",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "[NaN]",
        "[1] [2]",
        "// no\n1",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"tab\there\"",
        "{\"a\":1,\"a\":2}",
        "\"unterminated \\",
        "]",
        "99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_parse(bad[i], strlen(bad[i]), ERR_MALFORMED);
    assert_parse("1\0", 2, ERR_MALFORMED);
    json_t *value;
    assert_err(jsontext_parse(NULL, 0, &value, NULL), ERR_MALFORMED);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char text[] = "{\"a\":[1,\"\\u00e9\\\\\",{\"b\":null}],\"c\":\"\xc3\xa9\"}";
    for (size_t size = 0; size < sizeof text - 1; size++)
        assert_parse(text, size, ERR_MALFORMED);
    assert_parse(text, sizeof text - 1, ERR_OK);
}

static void
says_where_the_error_is(void **state UNUSED)
{
    json_t *value;
    struct diag diag;
    const char *text = "{\"a\": 1,\n \"a\": 2}";
    assert_err(jsontext_parse(text, strlen(text), &value, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "JSON, line 2, column 4: duplicate object key near '\"a\"'");
}

/* `n` times `part` between `before` and `after`. */
static void
assert_parse_repeated(const char *before, const char *part, size_t n, const char *after,
                      enum err expected)
{
    struct buf text = BUF_INIT;
    buf_str(&text, before);
    for (size_t i = 0; i < n; i++)
        buf_str(&text, part);
    buf_str(&text, after);
    assert_parse((const char *)text.data, text.size, expected);
    buf_fini(&text);
}

static void
bounds_the_memory(void **state UNUSED)
{
    enum { LINE = 4 << 20 }; /* what a peer may send at once */
    assert_parse_repeated("[{}", ",{}", LINE / 3, "]", ERR_LIMIT);
    assert_parse_repeated("[[]", ",[]", LINE / 3, "]", ERR_LIMIT);
    assert_parse_repeated("[0", ",{\"name\":\"scada-rtu-a\",\"octets\":123456}", LINE / 40, "]",
                          ERR_OK);
    assert_parse_repeated("[\"", ",[{:", LINE / 4, "\"]", ERR_OK); /* only text */
}

static void
bounds_the_depth(void **state UNUSED)
{
    char close[JSONTEXT_DEPTH + 2] = "";
    memset(close, ']', JSONTEXT_DEPTH);
    assert_parse_repeated("", "[", JSONTEXT_DEPTH, close, ERR_OK);
    close[JSONTEXT_DEPTH] = ']';
    assert_parse_repeated("", "[", JSONTEXT_DEPTH + 1, close, ERR_LIMIT);
}

static void
writes_one_line_in_the_order_of_the_keys(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    json_t *value = json_pack("{s:i, s:[s, n, b]}", "z", 1, "a", "line\nfeed", 1);
    assert_ok(jsontext_put(&out, value));
    assert_string_equal(buf_cstr(&out), "{\"z\":1,\"a\":[\"line\\nfeed\",null,true]}");
    json_decref(value);
    buf_fini(&out);
}

static void
what_does_not_fit_leaves_nothing_behind(void **state UNUSED)
{
    struct buf out = buf_limited(8);
    json_t *value = json_string("too long");
    buf_str(&out, "abc");
    assert_err(jsontext_put(&out, value), ERR_LIMIT);
    assert_string_equal(buf_cstr(&out), "abc");
    assert_ok(buf_err(&out));
    json_decref(value);
    buf_fini(&out);
}

static void
any_octets_become_a_string(void **state UNUSED)
{
    json_t *good = jsontext_string("\xc3\xa9"), *bad = jsontext_string("a\xc3");
    assert_string_equal(json_string_value(good), "\xc3\xa9");
    assert_string_equal(json_string_value(bad), "a?");
    json_decref(good);
    json_decref(bad);
}

/* Those of RFC 6901 section 5, and what leads nowhere. */
static void
pointers_lead_where_they_say(void **state)
{
    static const char text[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\" \":7,"
                               "\"m~n\":8,\"k\":{\"l\":9}}";
    static const struct {
        const char *pointer;
        int value; /* -1: nothing */
    } cases[] = {{"/", 0},      {"/a~1b", 1},   {"/c%d", 2},    {"/ ", 7},      {"/m~0n", 8},
                 {"/k/l", 9},   {"/k/x", -1},   {"k", -1},      {"/foo/2", -1}, {"/foo/01", -1},
                 {"/foo/", -1}, {"/k/l/m", -1}, {"/foo/-", -1}, {"/foo/1x", -1}};
    json_t *json;
    (void)state;
    assert_ok(jsontext_parse(text, sizeof text - 1, &json, NULL));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const json_t *found = jsontext_at(json, cases[i].pointer);
        assert_int_equal(found ? json_integer_value(found) : -1, cases[i].value);
    }
    assert_ptr_equal(jsontext_at(json, ""), json);
    assert_string_equal(json_string_value(jsontext_at(json, "/foo/1")), "baz");
    char pointer[600] = "/";
    memset(pointer + 1, 'x', sizeof pointer - 2);
    assert_null(jsontext_at(json, pointer));
    json_decref(json);
}

TEST_MAIN(cmocka_unit_test(accepts_every_kind_of_value),
          cmocka_unit_test(refuses_what_other_parsers_let_pass),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(says_where_the_error_is), cmocka_unit_test(bounds_the_memory),
          cmocka_unit_test(bounds_the_depth),
          cmocka_unit_test(writes_one_line_in_the_order_of_the_keys),
          cmocka_unit_test(what_does_not_fit_leaves_nothing_behind),
          cmocka_unit_test(any_octets_become_a_string),
          cmocka_unit_test(pointers_lead_where_they_say))
