#include "cli/cli_table.h"

#include "base/testing.h"

#include <locale.h>
#include <stdio.h>
#include <time.h>

static struct buf out;

static const char *
text(void)
{
    return buf_cstr(&out);
}

static json_t *
json(const char *single_quoted)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", single_quoted);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

static void
control_characters_are_spelled_out(void **state UNUSED)
{
    text_put(&out, "a\033[2Jb\x7f\tc\n", false);
    assert_string_equal(text(), "a\\x1b[2Jb\\x7f\\x09c\\n");
    buf_clear(&out);
    text_put(&out, "two\nlines\r", true);
    assert_string_equal(text(), "two\nlines\\x0d");
    buf_clear(&out);
    /* C1, a turn of direction, a zero-width space; and what is not UTF-8. */
    text_put(&out, "\xc2\x85\u202e\u200b \xff\xc0\x80\xed\xa0\x80 gr\u00fc\u00df", false);
    assert_string_equal(text(),
                        "\\x85\\u202e\\u200b \\xff\\xc0\\x80\\xed\\xa0\\x80 gr\u00fc\u00df");
}

static void
a_document_without_controls_is_the_same_document(void **state UNUSED)
{
    static const char raw[] = "{\"a\":\"x\xc2\x85\u202e\x7f\u010d\u2028\",\n\t\"b\":[1.10]}";
    text_put_json(&out, raw, sizeof raw - 1);
    assert_string_equal(text(), "{\"a\":\"x\\u0085\\u202e\\u007f\u010d\\u2028\",\n\t\"b\":[1.10]}");
    json_t *before = json_loads(raw, 0, NULL), *after = json_loads(text(), 0, NULL);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void
durations_have_three_digits(void **state UNUSED)
{
    static const struct {
        nsec_t duration;
        const char *text;
    } durations[] = {
        {0, "0 ns"},
        {850, "850 ns"},
        {4250, "4.25 us"},
        {56200, "56.2 us"},
        {-4250000, "-4.25 ms"},
        {1500000000, "1.5 s"},
        {59 * NSEC_PER_SEC, "59 s"},
        {125 * NSEC_PER_SEC, "2 min 5 s"},
        {3600 * NSEC_PER_SEC, "1 h"},
        {187201 * NSEC_PER_SEC, "2 d 4 h"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        buf_clear(&out);
        text_put_duration(&out, durations[i].duration);
        assert_string_equal(text(), durations[i].text);
    }
    text_put_duration(&out, INT64_MIN); /* does not overflow */
}

static void
rates_are_rounded_for_people(void **state UNUSED)
{
    static const struct {
        uint32_t kbps;
        const char *text;
    } rates[] = {
        {64, "64 kbit/s"},     {1500, "1.5 Mbit/s"},    {2000, "2 Mbit/s"},
        {1000000, "1 Gbit/s"}, {10000000, "10 Gbit/s"}, {UINT32_MAX, "4295 Gbit/s"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        buf_clear(&out);
        text_put_rate(&out, rates[i].kbps);
        assert_string_equal(text(), rates[i].text);
    }
}

static void
times_are_in_the_zone_that_is_asked_for(void **state UNUSED)
{
    setenv("TZ", "CET-1", 1);
    tzset();
    text_put_time(&out, "2026-03-01T08:00:00.250Z", true);
    assert_string_equal(text(), "2026-03-01 08:00:00Z");
    buf_clear(&out);
    text_put_time(&out, "2026-03-01T08:00:00Z", false);
    assert_string_equal(text(), "2026-03-01 09:00:00");
    buf_clear(&out);
    text_put_time(&out, "soon\a", false);
    assert_string_equal(text(), "soon\\x07");
}

static void
members_are_found_by_paths_with_alternatives(void **state UNUSED)
{
    json_t *object = json("{'a': {'b': {'c': 'deep'}}, 'x': null, 'y': 'why'}");
    assert_string_equal(text_of(object, "a.b.c"), "deep");
    assert_string_equal(text_of(object, "a.z|x|y|a.b.c"), "why");
    assert_null(text_member(object, "a.b.c.d"));
    assert_null(text_member(object, "x"));
    assert_string_equal(text_of(object, "a"), "");
    json_decref(object);
}

static const struct column columns[] = {
    {"NAME", "name", AS_TEXT, NULL},       {">COUNT", "count", AS_TEXT, NULL},
    {"NOTHING", "nothing", AS_TEXT, NULL}, {"PATH", "path", AS_PATH, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static void
a_table_is_aligned_and_leaves_out_empty_columns(void **state UNUSED)
{
    json_t *rows = json("[{'name': 'fep-rtu', 'count': 5, 'path': ['a1', 'a2']},"
                        " {'name': 'b\\u00fc', 'count': 12345},"
                        " {'name': '\\u65e5\\u672c', 'count': 7, 'path': ['x']}]");
    table_put_array(&out, rows, columns, true);
    assert_string_equal(text(), "NAME     COUNT  PATH\n"
                                "fep-rtu      5  a1 > a2\n"
                                "b\u00fc       12345\n"
                                "\u65e5\u672c         7  x\n");
    json_decref(rows);
}

static void
a_table_of_nothing_says_so(void **state UNUSED)
{
    json_t *rows = json_array();
    table_put_array(&out, rows, columns, true);
    assert_string_equal(text(), "none\n");
    buf_clear(&out);
    table_put_array(&out, NULL, columns, true);
    assert_string_equal(text(), "none\n");
    json_decref(rows);
}

static void
a_cell_cannot_leave_its_row(void **state UNUSED)
{
    json_t *rows = json("[{'name': 'a\\nNAME  evil'}, {'name': ['x\\u001b', {'k\\n': true}]}]");
    table_put_array(&out, rows, columns, true);
    assert_string_equal(text(), "NAME\na\\nNAME  evil\nx\\x1b, k\\n yes\n");
    json_decref(rows);
}

static void
fields_leave_out_what_is_not_there(void **state UNUSED)
{
    static const struct column fields[] = {
        {"name", "name", AS_TEXT, NULL},
        {"description", "description", AS_TEXT, NULL},
        {"latency", "latency", AS_NSEC, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    json_t *object = json("{'name': 'x', 'latency': 4250}");
    fields_put(&out, object, fields, true);
    assert_string_equal(text(), "name         x\nlatency      4.25 us\n");
    json_decref(object);
}

static void
any_document_is_shown_as_a_tree(void **state UNUSED)
{
    json_t *object = json("{'a': 1, 'list': ['x', 'y'], 'o': {'k': true, 'n': null},"
                          " 'rows': [{'r': 1}]}");
    tree_put(&out, object, 0);
    assert_string_equal(text(), "a: 1\nlist: x, y\no:\n  k: yes\n  n: \nrows:\n  1:\n    r: 1\n");
    json_decref(object);
}

static int
clear(void **state UNUSED)
{
    buf_fini(&out);
    return 0;
}

#define T(test) cmocka_unit_test_teardown(test, clear)

static void
as_csv_numbers_are_numbers_and_no_cell_is_a_formula(void **state UNUSED)
{
    static const struct column of_csv[] = {
        {"NAME", "name", AS_TEXT, NULL},     {">BIT/S", "rate", AS_KBPS, NULL},
        {"LAST", "last", AS_TIME, NULL},     {"ROLES", "roles", AS_TEXT, NULL},
        {"EMPTY", "nothing", AS_TEXT, NULL}, {NULL, NULL, AS_TEXT, NULL},
    };
    json_t *rows = json("[{'name': '=a', 'rate': 2500, 'last': '2026-11-30T10:00:00.5Z',"
                        " 'roles': ['x', 'y']}, {'name': '-'}]");
    json_object_set_new(json_array_get(rows, 1), "name", json_string("a\"b,c\n"));
    table_put_csv(&out, rows, of_csv);
    assert_string_equal(text(), "\"NAME\",\"BIT/S\",\"LAST\",\"ROLES\",\"EMPTY\"\n"
                                "\"'=a\",\"2500\",\"2026-11-30T10:00:00.5Z\",\"x, y\",\"\"\n"
                                "\"a\"\"b,c\\n\",\"\",\"\",\"\",\"\"\n");
    json_decref(rows);
}

int
main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        T(control_characters_are_spelled_out),
        T(a_document_without_controls_is_the_same_document),
        T(durations_have_three_digits),
        T(rates_are_rounded_for_people),
        T(times_are_in_the_zone_that_is_asked_for),
        T(members_are_found_by_paths_with_alternatives),
        T(a_table_is_aligned_and_leaves_out_empty_columns),
        T(a_table_of_nothing_says_so),
        T(as_csv_numbers_are_numbers_and_no_cell_is_a_formula),
        T(a_cell_cannot_leave_its_row),
        T(fields_leave_out_what_is_not_there),
        T(any_document_is_shown_as_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
