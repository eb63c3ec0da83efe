#include "gateway/http_fields.h"

#include "base/testing.h"

#define JSON "application/json"

static struct http_head
head_with(const char *name, const char *value)
{
    return (struct http_head){.fields = {{name, value}}, .n_fields = 1};
}

static void
the_most_specific_range_says_what_is_accepted(void **state UNUSED)
{
    static const struct {
        const char *value;
        bool accepted;
    } cases[] = {
        {"application/json", true},
        {"Application/JSON; charset=utf-8", true},
        {"application/*", true},
        {"*/*", true},
        {"", true},
        {"text/html", false},
        {"text/html, */*;q=0.1", true},
        {"text/html, */*;q=0", false},
        {"application/json;q=0, */*", false},
        {"application/json;q=0.000, application/*", false},
        {"application/*;q=0, application/json", true},
        {"text/html;a=\"application/json, b\"", false},
        {"application/jsonx", false},
        {"application/json ; q=0.5", true},
        {"*", false},
        {"/", false},
        {";;;,,,;q", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head head = head_with("accept", cases[i].value);
        if (http_accepts(&head, JSON) != cases[i].accepted)
            fail_msg("%s", cases[i].value);
    }
    assert_true(http_accepts(&(struct http_head){0}, JSON));
}

static void
several_accept_fields_are_one_list(void **state UNUSED)
{
    struct http_head head = {.fields = {{"accept", "text/html"}, {"accept", JSON}}, .n_fields = 2};
    assert_true(http_accepts(&head, JSON));
}

static void
a_media_type_is_compared_without_its_parameters(void **state UNUSED)
{
    assert_true(http_media_type_is("application/json", JSON));
    assert_true(http_media_type_is("APPLICATION/json;charset=x", JSON));
    assert_true(http_media_type_is("application/json ; charset=x", JSON));
    assert_false(http_media_type_is("application/jsonp", JSON));
    assert_false(http_media_type_is("application", JSON));
    assert_false(http_media_type_is("", JSON));
}

static void
assert_boundary(const char *value, const char *expected)
{
    struct buf out = BUF_INIT;
    bool found = http_field_parameter(value, "boundary", &out);
    assert_int_equal(found, expected != NULL);
    assert_string_equal(buf_cstr(&out), expected ? expected : "");
    buf_fini(&out);
}

static void
parameters_are_read_with_and_without_quotes(void **state UNUSED)
{
    assert_boundary("multipart/form-data; boundary=abc", "abc");
    assert_boundary("multipart/form-data;charset=x;BOUNDARY=\"a b\\\"c\"; d=e", "a b\"c");
    assert_boundary("multipart/form-data; boundary=", "");
    assert_boundary("multipart/form-data; boundary", NULL);
    assert_boundary("multipart/form-data", NULL);
    assert_boundary("multipart/form-data; x=\"boundary=no\"", NULL);
    assert_boundary("multipart/form-data; boundary=\"open", "open");
    assert_boundary("", NULL);
}

static void
entity_tags_are_compared_as_the_field_wants(void **state UNUSED)
{
    static const struct {
        const char *name, *value, *etag;
        enum http_match match;
    } cases[] = {
        {"if-match", "\"a\"", "\"a\"", HTTP_MATCH_YES},
        {"if-match", "\"b\", \"a\"", "\"a\"", HTTP_MATCH_YES},
        {"if-match", "\"a,b\" , \"c\"", "\"c\"", HTTP_MATCH_YES},
        {"if-match", "\"a,b\"", "\"a", HTTP_MATCH_NO},
        {"if-match", "\"b\"", "\"a\"", HTTP_MATCH_NO},
        {"if-match", "W/\"a\"", "\"a\"", HTTP_MATCH_NO},
        {"if-none-match", "W/\"a\"", "\"a\"", HTTP_MATCH_YES},
        {"if-match", "*", "\"a\"", HTTP_MATCH_YES},
        {"if-match", "*", NULL, HTTP_MATCH_NO},
        {"if-none-match", "*", NULL, HTTP_MATCH_NO},
        {"if-match", "", "\"a\"", HTTP_MATCH_NO},
        {"if-match", "a", "\"a\"", HTTP_MATCH_NO},
        {"if-none-match", "\"a\"", NULL, HTTP_MATCH_NO},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head head = head_with(cases[i].name, cases[i].value);
        if (http_etag_match(&head, cases[i].name, cases[i].etag) != cases[i].match)
            fail_msg("%s: %s", cases[i].name, cases[i].value);
    }
    struct http_head none = {0};
    assert_int_equal(http_etag_match(&none, "if-match", "\"a\""), HTTP_MATCH_UNASKED);
}

/* The example of RFC 9110 section 5.6.7. */
static void
dates_are_written_as_the_specification_does(void **state UNUSED)
{
    char text[HTTP_DATE_SIZE];
    assert_string_equal(http_date(INT64_C(784111777) * NSEC_PER_SEC, text),
                        "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_MAIN(cmocka_unit_test(the_most_specific_range_says_what_is_accepted),
          cmocka_unit_test(several_accept_fields_are_one_list),
          cmocka_unit_test(a_media_type_is_compared_without_its_parameters),
          cmocka_unit_test(parameters_are_read_with_and_without_quotes),
          cmocka_unit_test(entity_tags_are_compared_as_the_field_wants),
          cmocka_unit_test(dates_are_written_as_the_specification_does))
