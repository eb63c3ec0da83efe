#include "io/lines.h"

#include "base/testing.h"

static void
assert_next(struct lines *lines, const char *expected)
{
    size_t size;
    const char *line = lines_next(lines, &size);
    assert_int_equal(line != NULL, expected != NULL);
    if (expected) {
        assert_int_equal(size, strlen(expected));
        assert_memory_equal(line, expected, size);
    }
}

static void
put(struct lines *lines, const char *text)
{
    lines_put(lines, text, strlen(text));
}

static void
lines_are_the_same_however_they_are_cut(void **state UNUSED)
{
    static const char text[] = "one\n\ntwo\r\nthree\n";
    for (size_t step = 1; step < sizeof text; step++) {
        struct lines lines = lines_limited(100);
        struct buf got = BUF_INIT;
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            const char *line;
            size_t size;
            lines_put(&lines, text + at, MIN(step, sizeof text - 1 - at));
            while ((line = lines_next(&lines, &size))) {
                buf_put(&got, line, size);
                buf_str(&got, "|");
            }
        }
        assert_string_equal(buf_cstr(&got), "one||two|three|");
        buf_fini(&got);
        lines_fini(&lines);
    }
}

static void
an_incomplete_line_waits(void **state UNUSED)
{
    struct lines lines = lines_limited(100);
    put(&lines, "a\nb");
    assert_next(&lines, "a");
    assert_next(&lines, NULL);
    put(&lines, "c\n");
    assert_next(&lines, "bc");
    assert_next(&lines, NULL);
    lines_fini(&lines);
}

static void
a_line_of_the_limit_passes_and_one_more_octet_does_not(void **state UNUSED)
{
    struct lines lines = lines_limited(4);
    put(&lines, "1234\n12345\n1\n");
    assert_next(&lines, "1234");
    assert_false(lines.too_long);
    assert_next(&lines, NULL);
    assert_true(lines.too_long);
    put(&lines, "1\n");
    assert_next(&lines, NULL);
    lines_fini(&lines);
}

static void
a_line_that_never_ends_is_noticed_at_the_limit(void **state UNUSED)
{
    struct lines lines = lines_limited(4);
    put(&lines, "1234");
    assert_next(&lines, NULL);
    assert_false(lines.too_long);
    put(&lines, "5");
    assert_next(&lines, NULL);
    assert_true(lines.too_long);
    lines_fini(&lines);
}

static void
memory_of_a_huge_line_is_given_back(void **state UNUSED)
{
    enum { HUGE = 1 << 20 };
    struct lines lines = lines_limited(HUGE);
    char *text = malloc(HUGE);
    size_t size;
    memset(text, 'x', HUGE - 1);
    text[HUGE - 1] = '\n';
    lines_put(&lines, text, HUGE);
    assert_non_null(lines_next(&lines, &size));
    assert_int_equal(size, HUGE - 1);
    put(&lines, "a\n");
    assert_next(&lines, "a");
    assert_true(lines.buf.capacity < 1000);
    lines_fini(&lines);
    free(text);
}

TEST_MAIN(cmocka_unit_test(lines_are_the_same_however_they_are_cut),
          cmocka_unit_test(an_incomplete_line_waits),
          cmocka_unit_test(a_line_of_the_limit_passes_and_one_more_octet_does_not),
          cmocka_unit_test(a_line_that_never_ends_is_noticed_at_the_limit),
          cmocka_unit_test(memory_of_a_huge_line_is_given_back))
