#include "wan/vpn_template.h"

#include "base/testing.h"

static const char values[] =
    "{\"name\": \"a<b\", \"n\": 7, \"zero\": 0, \"no\": false, \"yes\": true, \"empty\": [],"
    " \"list\": [{\"x\": 1}, {\"x\": 2, \"name\": \"inner\"}]}";

static enum err
render(const char *text, enum vpn_dialect dialect, struct buf *out, json_t *gaps, struct diag *diag)
{
    struct vpn_template *t;
    json_t *v = json_loads(values, 0, NULL);
    enum err err = vpn_template_parse(text, strlen(text), dialect, &t, diag);
    if (!err) {
        err = vpn_template_render(t, v, out, gaps, diag);
        vpn_template_free(t);
    }
    json_decref(v);
    return err;
}

static void
expect(const char *text, enum vpn_dialect dialect, const char *expected)
{
    struct buf out = BUF_INIT;
    assert_ok(render(text, dialect, &out, NULL, NULL));
    assert_string_equal(buf_cstr(&out), expected);
    buf_fini(&out);
}

static void
expect_error(const char *text, enum err err, const char *words)
{
    struct buf out = BUF_INIT;
    struct diag diag = {""};
    assert_err(render(text, VPN_LINES, &out, NULL, &diag), err);
    assert_string_equal(diag.text, words);
    buf_fini(&out);
}

static void
values_are_put_in(void **state)
{
    (void)state;
    expect("{{name}} {{n}} {{zero}}", VPN_XML, "a&lt;b 7 0");
    expect("{{name}}", VPN_LINES, "a<b");
    expect("a {b} {{! {{n}} }}c", VPN_LINES, "a {b} c");
}

static void
sections_are_there_or_not(void **state)
{
    (void)state;
    expect("{{#yes}}a{{/yes}}{{#no}}b{{/no}}{{^no}}c{{/no}}{{^nowhere}}d{{/nowhere}}{{#zero}}e"
           "{{/zero}}{{#empty}}f{{/empty}}{{^empty}}g{{/empty}}",
           VPN_LINES, "acdg");
    expect("{{#list}}({{x}} {{name}} {{#yes}}{{n}}{{/yes}}){{/list}}", VPN_LINES,
           "(1 a<b 7)(2 inner 7)");
}

static void
lines_of_marks_leave_no_lines(void **state)
{
    (void)state;
    expect("a\n  {{#list}}\n  x {{x}}\n  {{/list}}\n{{! c }}\nb\n", VPN_LINES,
           "a\n  x 1\n  x 2\nb\n");
    expect("{{#yes}}\na\n{{/yes}}", VPN_LINES, "a\n");
}

static void
gaps_are_told_once_and_write_nothing(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    json_t *gaps = json_array();
    assert_ok(render("{{#list}}\n{{%gap no {{name}} here}}\n{{%gap x}}\n{{/list}}{{#no}}{{%gap y}}"
                     "{{/no}}",
                     VPN_XML, &out, gaps, NULL));
    assert_string_equal(buf_cstr(&out), "");
    assert_int_equal(json_array_size(gaps), 3);
    assert_string_equal(json_string_value(json_array_get(gaps, 0)), "no a<b here");
    json_decref(gaps);
    buf_fini(&out);
}

static void
mistakes_are_named_by_line(void **state)
{
    (void)state;
    expect_error("a\n{{#yes}}\n{{/no}}", ERR_MALFORMED,
                 "line 3: it closes a section that is not the last one opened");
    expect_error("a\n\n{{name", ERR_MALFORMED, "line 3: a mark that does not end");
    expect_error("{{#yes}}\n", ERR_MALFORMED, "line 2: a section is not closed");
    expect_error("{{}}", ERR_MALFORMED, "line 1: an empty mark");
    expect_error("{{%else}}", ERR_MALFORMED, "line 1: {{% is for gap and a text");
    expect_error("\n\n{{nowhere}}", ERR_NOT_FOUND, "line 3: there is no value nowhere");
    expect_error("{{list}}", ERR_NOT_FOUND, "line 1: there is no value list");
}

TEST_MAIN(cmocka_unit_test(values_are_put_in), cmocka_unit_test(sections_are_there_or_not),
          cmocka_unit_test(lines_of_marks_leave_no_lines),
          cmocka_unit_test(gaps_are_told_once_and_write_nothing),
          cmocka_unit_test(mistakes_are_named_by_line))
