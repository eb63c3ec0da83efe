#include "io/file.h"

#include "io/testing.h"

#include <sys/stat.h>

struct scene {
    struct test_dir dir;
    char path[TEST_PATH_SIZE];
};

static int
set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->dir = test_dir_make();
    test_path(&s->dir, "file", s->path);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *s = *state;
    test_dir_remove(&s->dir);
    free(s);
    return 0;
}

static void
assert_file(const struct scene *s, const char *expected)
{
    struct buf text = BUF_INIT;
    struct diag diag;
    assert_ok(file_read(s->path, 100, &text, &diag));
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
is_written_and_read(void **state)
{
    struct scene *s = *state;
    struct stat st;
    struct diag diag;
    assert_ok(file_write(s->path, "one", 3, 0640, false, &diag));
    assert_file(s, "one");
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_ok(file_write(s->path, "another", 7, 0600, false, &diag));
    assert_file(s, "another");
    assert_ok(file_write(s->path, "", 0, 0600, false, &diag));
    assert_file(s, "");
}

static void
what_is_there_is_not_replaced_by_a_fresh_one(void **state)
{
    struct scene *s = *state;
    struct diag diag;
    assert_ok(file_write(s->path, "one", 3, 0600, true, &diag));
    assert_err(file_write(s->path, "two", 3, 0600, true, &diag), ERR_EXISTS);
    assert_file(s, "one"); /* and nothing is left beside it: the directory is removed by files */
}

static void
a_failure_leaves_nothing(void **state)
{
    struct scene *s = *state;
    struct diag diag;
    char path[TEST_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/below", s->path);
    assert_err(file_write(path, "x", 1, 0600, false, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(mkdir(s->path, 0700), 0);
    assert_err(file_write(s->path, "x", 1, 0600, false, &diag), ERR_IO); /* it is a directory */
    assert_int_equal(rmdir(s->path), 0);
}

static void
a_limit_holds(void **state)
{
    struct scene *s = *state;
    struct diag diag;
    static char large[10000];
    struct buf text = BUF_INIT;
    memset(large, 'x', sizeof large);
    assert_ok(file_write(s->path, large, sizeof large, 0600, false, &diag));
    assert_ok(file_read(s->path, sizeof large, &text, &diag));
    assert_int_equal(text.size, sizeof large);
    buf_fini(&text);
    assert_err(file_read(s->path, sizeof large - 1, &text, &diag), ERR_LIMIT);
    assert_null(text.data);
    assert_non_null(strstr(diag.text, "larger than 9999 octets"));
}

static void
what_is_not_there_is_said(void **state)
{
    struct scene *s = *state;
    struct diag diag;
    struct buf text = BUF_INIT;
    assert_err(file_read(s->path, 10, &text, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "No such file"));
    assert_err(file_read(s->dir.path, 10, &text, &diag), ERR_IO); /* a directory */
    assert_null(text.data);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(is_written_and_read),       TEST(what_is_there_is_not_replaced_by_a_fresh_one),
        TEST(a_failure_leaves_nothing),  TEST(a_limit_holds),
        TEST(what_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
