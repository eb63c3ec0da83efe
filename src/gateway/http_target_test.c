#include "gateway/http_target.h"

#include "base/buf.h"
#include "base/testing.h"

/* "a|b|c ? x=1 y=" */
static void
assert_target(const char *text, const char *expected)
{
    struct http_target target;
    struct buf out = BUF_INIT;
    assert_ok(http_target_parse(text, &target, NULL));
    for (size_t i = 0; i < target.n_segments; i++)
        buf_printf(&out, "%s%s", i ? "|" : "", target.segments[i]);
    for (size_t i = 0; i < target.n_query; i++)
        buf_printf(&out, "%s%s=%s", i ? " " : " ? ", target.query[i].name, target.query[i].value);
    assert_string_equal(buf_cstr(&out), expected);
    buf_fini(&out);
    http_target_fini(&target);
}

static void
a_target_is_segments_and_parameters(void **state UNUSED)
{
    assert_target("/", "");
    assert_target("/api/v1/circuits", "api|v1|circuits");
    assert_target("/a//b/", "a||b|");
    assert_target("/a?limit=10&after=x", "a ? limit=10 after=x");
    assert_target("/a?", "a");
    assert_target("/a?b&c=&&=d&e=f=g?h", "a ? b= c= =d e=f=g?h");
    assert_target("/a?b#c?d", "a ? b=");
    assert_target("/a#b", "a");
}

static void
encoding_is_undone_after_the_cutting(void **state UNUSED)
{
    assert_target("/a%2Fb/%3f%26", "a/b|?&");
    assert_target("/a+b?c+d=e%2Bf+g", "a+b ? c d=e+f g");
    assert_target("/n?x=%26y%3D1", "n ? x=&y=1");
    assert_target("/sch%C3%BCtz/%e2%82%ac/%F0%9F%98%80", "schütz|€|😀");
}

static void
what_is_no_text_is_refused(void **state UNUSED)
{
    static const char *const cases[] = {
        "a",          "/%",    "/%2",        "/%zz",          "/%00",
        "/a?b=%00",   "/%0a",  "/%7f",       "/%80",          "/%c0%80",
        "/%c3",       "/%c3(", "/%ed%a0%80", "/%f5%80%80%80", "/%f0%80%80%80",
        "/%e0%80%80", "/%ff",  "/%c2%80",    "/./a",          "/a/..",
        "/%2e%2e/a",  "/%2e",  "/a?%ff=1",   "/a?x=%e2%82",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_target target;
        struct diag diag = {""};
        enum err err = http_target_parse(cases[i], &target, &diag);
        if (err != ERR_MALFORMED || !diag.text[0])
            fail_msg("%s: %s", cases[i], err_name(err));
    }
}

static void
too_many_parts_are_refused(void **state UNUSED)
{
    char text[400] = "/";
    struct http_target target;
    for (int i = 0; i < HTTP_SEGMENTS_MAX; i++)
        strcat(text, "a/");
    assert_err(http_target_parse(text, &target, NULL), ERR_LIMIT);
    strcpy(text, "/?");
    for (int i = 0; i <= HTTP_PARAMETERS_MAX; i++)
        strcat(text, "a&");
    assert_err(http_target_parse(text, &target, NULL), ERR_LIMIT);
}

static void
a_parameter_is_found_by_its_name(void **state UNUSED)
{
    struct http_target target;
    assert_ok(http_target_parse("/a?b=1&c=2&b=3&d", &target, NULL));
    assert_string_equal(http_target_parameter(&target, "b"), "1");
    assert_string_equal(http_target_parameter(&target, "d"), "");
    assert_null(http_target_parameter(&target, "e"));
    http_target_fini(&target);
}

TEST_MAIN(cmocka_unit_test(a_target_is_segments_and_parameters),
          cmocka_unit_test(encoding_is_undone_after_the_cutting),
          cmocka_unit_test(what_is_no_text_is_refused),
          cmocka_unit_test(too_many_parts_are_refused),
          cmocka_unit_test(a_parameter_is_found_by_its_name))
