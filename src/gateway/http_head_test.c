#include "gateway/http_head.h"

#include "base/testing.h"

#include <stdio.h>

static enum err
parse(const char *text, struct http_head *head, int *status)
{
    struct diag diag = {""};
    size_t size = strlen(text);
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    enum err err = http_head_parse(exact, size, head, status, &diag);
    free(exact);
    assert_int_equal(!err, diag.text[0] == '\0');
    return err;
}

static struct http_head
parse_well(const char *text)
{
    struct http_head head;
    int status = 0;
    assert_ok(parse(text, &head, &status));
    assert_int_equal(status, 0);
    return head;
}

static void
a_head_is_its_method_its_target_and_its_fields(void **state UNUSED)
{
    struct http_head head = parse_well("GET /a/b?c=d HTTP/1.1\r\n"
                                       "Host: tieline\r\n"
                                       "ACCEPT:\t application/json \t\r\n"
                                       "X-Empty:\r\n\r\n");
    assert_int_equal(head.method, HTTP_GET);
    assert_string_equal(head.target, "/a/b?c=d");
    assert_int_equal(head.minor_version, 1);
    assert_string_equal(http_head_field(&head, "accept"), "application/json");
    assert_string_equal(http_head_field(&head, "x-empty"), "");
    assert_null(http_head_field(&head, "x-other"));
    assert_true(head.keep_alive);
    assert_false(head.chunked || head.has_length || head.expects_continue);
    http_head_fini(&head);
}

static void
repeated_fields_come_one_after_the_other(void **state UNUSED)
{
    struct http_head head = parse_well(
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\nX: y\r\nAccept: c\r\n\r\n");
    size_t at = 0;
    assert_string_equal(http_head_next(&head, "accept", &at), "b");
    assert_string_equal(http_head_next(&head, "accept", &at), "c");
    assert_null(http_head_next(&head, "accept", &at));
    http_head_fini(&head);
}

static void
an_unknown_method_is_kept_as_it_came(void **state UNUSED)
{
    struct http_head head = parse_well("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(head.method, HTTP_METHOD_MAX);
    assert_string_equal(head.method_text, "BREW");
    http_head_fini(&head);
}

static void
an_absolute_target_is_cut_to_its_path(void **state UNUSED)
{
    static const char *const cases[][2] = {
        {"https://h:8443/x?y", "/x?y"},
        {"HTTP://h/", "/"},
        {"https://h", "/"},
        {"https://h?y=1", "/?y=1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i][0]);
        struct http_head head = parse_well(text);
        assert_string_equal(head.target, cases[i][1]);
        http_head_fini(&head);
    }
}

static void
the_connection_is_kept_only_in_http_1_1_and_unless_said_otherwise(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x-close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.9\r\nHost: h\r\n\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head head = parse_well(cases[i].text);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
        http_head_fini(&head);
    }
}

static void
the_body_is_framed_by_a_length_or_by_chunks(void **state UNUSED)
{
    struct http_head head = parse_well("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 00042\r\n"
                                       "Expect: 100-Continue\r\n\r\n");
    assert_int_equal(head.content_length, 42);
    assert_true(head.has_length && head.expects_continue);
    http_head_fini(&head);
    head = parse_well("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_true(head.chunked);
    http_head_fini(&head);
}

/* Each of these has been used to make two programs disagree about where a message ends, or is
 * plainly broken. */
static void
what_could_be_read_two_ways_is_refused(void **state UNUSED)
{
#define LINE "GET / HTTP/1.1\r\n"
#define HOST LINE "Host: h\r\n"
    static const struct {
        const char *text;
        enum err err;
        int status;
    } cases[] = {
        {HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: 1, 1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: +1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: -1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: 0x10\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: 1 \v\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length:\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: 9999999999999999999\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", ERR_UNSUPPORTED, 501},
        {HOST "Transfer-Encoding: xchunked\r\n\r\n", ERR_UNSUPPORTED, 501},
        {HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_UNSUPPORTED,
         501},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "Host: other\r\n\r\n", ERR_MALFORMED, 400},
        {LINE "\r\n", ERR_MALFORMED, 400},
        {HOST "Content-Length : 1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST " folded: 1\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "X: a\r\n b\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "X: a\nY: b\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "X: a\rY: b\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "X: \x7f\r\n\r\n", ERR_MALFORMED, 400},
        {HOST ": nothing\r\n\r\n", ERR_MALFORMED, 400},
        {HOST "no colon\r\n\r\n", ERR_MALFORMED, 400},
        {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET /\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET / http/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", ERR_UNSUPPORTED, 505},
        {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {" / HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET host:443 HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", ERR_MALFORMED, 400},
        {"\x16\x03\x01\r\n\r\n", ERR_MALFORMED, 400},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head head;
        int status = 0;
        enum err err = parse(cases[i].text, &head, &status);
        if (err != cases[i].err || status != cases[i].status)
            fail_msg("%s: %s, %d", cases[i].text, err_name(err), status);
    }
}

static void
a_nul_octet_is_refused(void **state UNUSED)
{
    static const uint8_t text[] = "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
    struct http_head head;
    int status;
    assert_err(http_head_parse(text, sizeof text - 1, &head, &status, NULL), ERR_MALFORMED);
}

static void
too_much_is_refused_with_the_status_that_says_of_what(void **state UNUSED)
{
    struct http_head head;
    int status = 0;
    char *text = malloc(20000);
    sprintf(text, "GET /%08192d HTTP/1.1\r\nHost: h\r\n\r\n", 0);
    assert_err(parse(text, &head, &status), ERR_LIMIT);
    assert_int_equal(status, 414);
    int at = sprintf(text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i <= HTTP_FIELDS_MAX; i++)
        at += sprintf(text + at, "X%d: y\r\n", i);
    sprintf(text + at, "\r\n");
    assert_err(parse(text, &head, &status), ERR_LIMIT);
    assert_int_equal(status, 431);
    free(text);
}

static void
the_end_is_found_wherever_the_pieces_are_cut(void **state UNUSED)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\nPOST";
    size_t whole = sizeof text - 1 - 4;
    for (size_t cut = 0; cut < whole; cut++) {
        size_t looked = 0;
        assert_int_equal(http_head_size((const uint8_t *)text, cut, &looked), 0);
        assert_int_equal(http_head_size((const uint8_t *)text, sizeof text - 1, &looked), whole);
    }
}

TEST_MAIN(cmocka_unit_test(a_head_is_its_method_its_target_and_its_fields),
          cmocka_unit_test(repeated_fields_come_one_after_the_other),
          cmocka_unit_test(an_unknown_method_is_kept_as_it_came),
          cmocka_unit_test(an_absolute_target_is_cut_to_its_path),
          cmocka_unit_test(the_connection_is_kept_only_in_http_1_1_and_unless_said_otherwise),
          cmocka_unit_test(the_body_is_framed_by_a_length_or_by_chunks),
          cmocka_unit_test(what_could_be_read_two_ways_is_refused),
          cmocka_unit_test(a_nul_octet_is_refused),
          cmocka_unit_test(too_much_is_refused_with_the_status_that_says_of_what),
          cmocka_unit_test(the_end_is_found_wherever_the_pieces_are_cut))
