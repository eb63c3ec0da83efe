#include "gateway/http_body.h"

#include "base/testing.h"

#include <stdio.h>

#define NO_LIMIT ((size_t)1 << 20)

struct outcome {
    enum err err;
    bool complete;
    size_t used;
    char text[64];
};

static const struct http_head chunked = {.chunked = true};

/* Gives the octets in pieces of `step`, until an error or the end. */
static struct outcome
feed(const struct http_head *head, const char *octets, size_t limit, size_t step)
{
    struct http_body body;
    struct outcome o = {0};
    size_t size = strlen(octets);
    http_body_init(&body, head, limit);
    while (!o.err && o.used < size && !http_body_is_complete(&body)) {
        size_t used, n = MIN(step, size - o.used);
        uint8_t *exact = (uint8_t *)malloc(n);
        memcpy(exact, octets + o.used, n);
        o.err = http_body_input(&body, exact, n, &used, NULL);
        free(exact);
        o.used += used;
    }
    o.complete = http_body_is_complete(&body);
    snprintf(o.text, sizeof o.text, "%s", buf_cstr(&body.data));
    http_body_fini(&body);
    return o;
}

static void
assert_body(const struct http_head *head, const char *octets, const char *text, size_t used)
{
    for (size_t step = 1; step <= strlen(octets); step++) {
        struct outcome o = feed(head, octets, NO_LIMIT, step);
        assert_ok(o.err);
        assert_true(o.complete);
        assert_string_equal(o.text, text);
        assert_int_equal(o.used, used);
    }
}

static void
a_length_takes_so_many_octets_and_no_more(void **state UNUSED)
{
    assert_body(&(struct http_head){.content_length = 5}, "helloGET /", "hello", 5);
}

static void
no_length_and_no_chunks_are_no_body(void **state UNUSED)
{
    struct http_body body;
    http_body_init(&body, &(struct http_head){0}, NO_LIMIT);
    assert_true(http_body_is_complete(&body));
    http_body_fini(&body);
}

static void
chunks_are_put_together(void **state UNUSED)
{
    assert_body(&chunked, "5\r\nhello\r\n0\r\n\r\nGET /", "hello", 15);
    assert_body(&chunked, "1\r\na\r\n00A\r\n0123456789\r\n0\r\n\r\n", "a0123456789", 28);
    assert_body(&chunked, "0\r\n\r\n", "", 5);
}

static void
extensions_and_trailers_are_dropped(void **state UNUSED)
{
    assert_body(&chunked, "1;a=b\r\nx\r\n1 ; c=\"d\"\r\ny\r\n0;last\r\nTrailer: z\r\nA: b\r\n\r\n",
                "xy", 52);
}

static void
broken_chunks_are_refused(void **state UNUSED)
{
    static const char *const cases[] = {
        "\r\n",           "x\r\n",           "-1\r\n", "5 \r\nhello\r\n", "0x5\r\n",
        "1\r\nab\r\n",    "1\r\na\n",        "1\na",   "5\r\nhello0\r\n", "1000000000000000\r\n",
        "1\r\na\r\n\r\n", " 5\r\nhello\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i]); step++) {
            struct outcome o = feed(&chunked, cases[i], NO_LIMIT, step);
            if (o.err != ERR_MALFORMED)
                fail_msg("%s: %s", cases[i], err_name(o.err));
        }
    }
}

static void
more_than_the_limit_is_refused(void **state UNUSED)
{
    assert_ok(feed(&chunked, "4\r\nabcd\r\n0\r\n\r\n", 4, 3).err);
    assert_err(feed(&chunked, "4\r\nabcd\r\n1\r\ne\r\n", 4, 3).err, ERR_LIMIT);
    assert_err(feed(&(struct http_head){.content_length = 5}, "hello", 4, 5).err, ERR_LIMIT);
    assert_err(feed(&chunked, "1\r\na\r\n", 0, 100).err, ERR_LIMIT);
}

static void
endless_lines_and_trailers_are_refused(void **state UNUSED)
{
    char line[3000], *trailers = malloc(10000);
    memset(line, '1', sizeof line - 1);
    line[0] = '1', line[1] = ';', line[sizeof line - 1] = '\0';
    assert_err(feed(&chunked, line, NO_LIMIT, 100).err, ERR_LIMIT);
    strcpy(trailers, "0\r\n");
    for (int i = 0; i < 1000; i++)
        strcat(trailers, "A: b\r\n");
    assert_err(feed(&chunked, trailers, NO_LIMIT, 100).err, ERR_LIMIT);
    free(trailers);
}

static void
many_small_chunks_are_fine(void **state UNUSED)
{
    char text[7 * 200 + 10] = "";
    for (int i = 0; i < 200; i++)
        strcat(text, "1\r\na\r\n");
    strcat(text, "0\r\n\r\n");
    struct outcome o = feed(&chunked, text, NO_LIMIT, 11);
    assert_ok(o.err);
    assert_true(o.complete);
}

TEST_MAIN(cmocka_unit_test(a_length_takes_so_many_octets_and_no_more),
          cmocka_unit_test(no_length_and_no_chunks_are_no_body),
          cmocka_unit_test(chunks_are_put_together),
          cmocka_unit_test(extensions_and_trailers_are_dropped),
          cmocka_unit_test(broken_chunks_are_refused),
          cmocka_unit_test(more_than_the_limit_is_refused),
          cmocka_unit_test(endless_lines_and_trailers_are_refused),
          cmocka_unit_test(many_small_chunks_are_fine))
