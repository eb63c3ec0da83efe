#include "base/csv.h"

#include "base/testing.h"

#include <stdio.h>

/* Rows as "line:column=text|line:column=text", one per line; what was wrong at the end. */
static char *
read_all(const char *text, size_t size)
{
    struct csv_reader reader;
    struct csv_row row;
    struct diag diag = {""};
    struct buf out = BUF_INIT;
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    enum err err = csv_open(&reader, exact, size, &diag);
    while (!err && !(err = csv_next(&reader, &row, &diag)) && row.n) {
        for (size_t i = 0; i < row.n; i++)
            buf_printf(&out, "%s%u:%u=%s", i ? "|" : "", row.cells[i].line, row.cells[i].column,
                       row.cells[i].text);
        buf_str(&out, "\n");
    }
    if (err)
        buf_printf(&out, "%s %u:%u %s", err_name(err), reader.line, reader.column, diag.text);
    csv_close(&reader);
    free(exact);
    return buf_steal_cstr(&out);
}

static void
assert_read(const char *text, size_t size, const char *expected)
{
    char *found = read_all(text, size);
    assert_string_equal(found, expected);
    free(found);
}

#define READS(text, expected) assert_read(text, sizeof(text) - 1, expected)

static void
the_rules_of_rfc_4180_hold(void **state UNUSED)
{
    /* Section 2, rules 1 to 7, with its own examples. */
    READS("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "1:1=aaa|1:5=bbb|1:9=ccc\n2:1=zzz|2:5=yyy|2:9=xxx\n");
    READS("aaa,bbb,ccc\r\nzzz,yyy,xxx", "1:1=aaa|1:5=bbb|1:9=ccc\n2:1=zzz|2:5=yyy|2:9=xxx\n");
    READS("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx",
          "1:1=aaa|1:7=bbb|1:13=ccc\n2:1=zzz|2:5=yyy|2:9=xxx\n");
    READS("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx",
          "1:1=aaa|1:7=b\r\nbb|2:5=ccc\n3:1=zzz|3:5=yyy|3:9=xxx\n");
    READS("\"aaa\",\"b\"\"bb\",\"ccc\"", "1:1=aaa|1:7=b\"bb|1:15=ccc\n");
}

static void
what_spreadsheets_write_is_read(void **state UNUSED)
{
    READS("\xef\xbb\xbf"
          "a,b\n",
          "1:1=a|1:3=b\n");
    READS("a;b,c\n1;2,5\n", "1:1=a|1:3=b,c\n2:1=1|2:3=2,5\n");
    READS("a\tb c\n 1 \t 2 \n", "1:1=a|1:3=b c\n2:2=1|2:6=2\n");
    READS("sep=;\r\na;b\r\n", "2:1=a|2:3=b\n");
    READS("sep=x,b\n", "1:1=sep=x|1:7=b\n");
    READS("\"a;b\",c\n", "1:1=a;b|1:7=c\n");
    READS("a,b\n,\n\n  \r\n1,2\n", "1:1=a|1:3=b\n5:1=1|5:3=2\n");
    READS("a,b,\n1,2,\n", "1:1=a|1:3=b|1:5=\n2:1=1|2:3=2|2:5=\n");
}

static void
white_space_counts_only_within_quotes(void **state UNUSED)
{
    READS(" a , \" b \" ,c", "1:2=a|1:6= b |1:13=c\n");
}

static void
columns_count_characters(void **state UNUSED)
{
    READS("\xc3\xa4\xe2\x82\xac,x,\"\xf0\x9f\x98\x80\",y",
          "1:1=\xc3\xa4\xe2\x82\xac|1:4=x|1:6=\xf0\x9f\x98\x80|1:10=y\n");
}

static void
what_is_no_table_is_refused_with_its_place(void **state UNUSED)
{
    READS("", "");
    READS("a\n\"b", "1:1=a\nERR_MALFORMED 2:1 the quote that starts here is not closed");
    READS("a\"b\n", "ERR_MALFORMED 1:2 a quote within a cell that does not start with one");
    READS("\"a\"b\n", "ERR_MALFORMED 1:4 there is text behind the closing quote");
    READS("a\rb\n", "ERR_MALFORMED 1:2 a carriage return without a line feed");
    READS("a\0b\n", "ERR_MALFORMED 1:2 a NUL character");
    READS("\"a\0b\"\n", "ERR_MALFORMED 1:3 a NUL character");
    READS("a\nb,\xff\n", "1:1=a\nERR_MALFORMED 2:3 not UTF-8: save the file as CSV UTF-8");
    READS("\xed\xa0\x80", "ERR_MALFORMED 1:1 not UTF-8: save the file as CSV UTF-8");
    READS("\xff\xfe"
          "a\0",
          "ERR_MALFORMED 1:1 the file is UTF-16: save it as CSV UTF-8");
}

static void
what_is_too_much_is_refused(void **state UNUSED)
{
    char commas[CSV_CELLS_MAX + 2];
    memset(commas, ',', sizeof commas);
    assert_read(commas, CSV_CELLS_MAX - 1, "");
    char *found = read_all(commas, CSV_CELLS_MAX);
    assert_string_equal(found, "ERR_LIMIT 1:65 the row has too many cells");
    free(found);
    char *text = malloc(CSV_CELL_MAX + 1);
    memset(text, 'a', CSV_CELL_MAX + 1);
    found = read_all(text, CSV_CELL_MAX + 1);
    assert_non_null(strstr(found, "ERR_LIMIT"));
    free(found);
    free(text);
    struct csv_reader reader;
    assert_err(csv_open(&reader, "a", CSV_TEXT_MAX + 1, NULL), ERR_LIMIT);
}

static void
what_is_written_is_read_again(void **state UNUSED)
{
    const char *const cells[] = {"plain",       "",         "with \"quotes\"", "a,b", "a;b",
                                 "line\r\nend", " spaces ", "tab\tx",          "\"",  "=1+1"};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
        csv_put(&out, cells[i], i == 0);
    csv_end_row(&out);
    struct csv_reader reader;
    struct csv_row row;
    assert_ok(csv_open(&reader, buf_cstr(&out), out.size, NULL));
    assert_ok(csv_next(&reader, &row, NULL));
    assert_int_equal(row.n, ARRAY_SIZE(cells));
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
        assert_string_equal(row.cells[i].text, cells[i]);
    assert_ok(csv_next(&reader, &row, NULL));
    assert_int_equal(row.n, 0);
    csv_close(&reader);
    buf_fini(&out);
}

TEST_MAIN(cmocka_unit_test(the_rules_of_rfc_4180_hold),
          cmocka_unit_test(what_spreadsheets_write_is_read),
          cmocka_unit_test(white_space_counts_only_within_quotes),
          cmocka_unit_test(columns_count_characters),
          cmocka_unit_test(what_is_no_table_is_refused_with_its_place),
          cmocka_unit_test(what_is_too_much_is_refused),
          cmocka_unit_test(what_is_written_is_read_again))
