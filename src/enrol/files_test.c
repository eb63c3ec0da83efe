#include "enrol/files.h"

#include "base/alloc.h"
#include "base/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];

static int
set_up(void **state UNUSED)
{
    snprintf(base, sizeof base, "/tmp/tieline-files-XXXXXX");
    return mkdtemp(base) ? 0 : -1;
}

static int
tear_down(void **state UNUSED)
{
    char *command = xasprintf("rm -rf %s", base);
    int status = system(command);
    free(command);
    return status;
}

static enum err
put(const char *dir, const char *text, bool fresh)
{
    return files_write(dir, "f", text, strlen(text), FILES_SECRET, fresh, NULL);
}

static void
assert_holds(const char *dir, const char *expected)
{
    struct buf text;
    assert_ok(files_read(dir, "f", &text, NULL));
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
a_secret_is_for_its_owner_and_is_not_written_over(void **state UNUSED)
{
    struct stat st;
    struct diag diag;
    char *path = files_path(base, "f");
    assert_ok(put(base, "one", true));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_err(files_write(base, "f", "two", 3, FILES_SECRET, true, &diag), ERR_EXISTS);
    assert_non_null(strstr(diag.text, "/f: "));
    assert_holds(base, "one");
    assert_ok(put(base, "two", false));
    assert_holds(base, "two");
    free(path);
}

static void
a_directory_is_there_as_a_whole_or_not_at_all(void **state UNUSED)
{
    char *work, *home, *dir = files_path(base, "d");
    struct stat st;
    assert_ok(files_begin(dir, &work, &home, NULL));
    assert_ok(put(work, "x", true));
    assert_int_equal(stat(dir, &st), -1);
    char *kept = xstrdup(work);
    assert_err(files_finish(work, home, ERR_DENIED, NULL), ERR_DENIED);
    assert_int_equal(stat(kept, &st), -1);
    free(kept);

    assert_ok(files_begin(dir, &work, &home, NULL));
    assert_string_equal(home, dir);
    assert_ok(put(work, "y", true));
    assert_ok(files_finish(work, home, ERR_OK, NULL));
    assert_holds(dir, "y");
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_err(files_begin(dir, &work, &home, NULL), ERR_EXISTS);
    assert_holds(dir, "y");
    free(dir);
}

/* Two at once: the second to finish finds the first one's. */
static void
the_first_to_finish_wins(void **state UNUSED)
{
    char *work[2], *home[2], *dir = files_path(base, "d");
    assert_ok(files_begin(dir, &work[0], &home[0], NULL));
    assert_ok(files_begin(dir, &work[1], &home[1], NULL));
    assert_ok(put(work[0], "first", true));
    assert_ok(put(work[1], "second", true));
    assert_ok(files_finish(work[0], home[0], ERR_OK, NULL));
    assert_err(files_finish(work[1], home[1], ERR_OK, NULL), ERR_EXISTS);
    assert_holds(dir, "first");
    free(dir);
}

static void
names_that_a_configuration_cannot_have_are_refused(void **state UNUSED)
{
    char *work, *home, *dir = files_path(base, "a\"b");
    assert_err(files_begin(dir, &work, &home, NULL), ERR_INVALID);
    free(dir);
    assert_err(files_begin(".", &work, &home, NULL), ERR_INVALID);
    assert_err(files_begin("", &work, &home, NULL), ERR_INVALID);
    dir = files_path(base, "no/d");
    assert_err(files_begin(dir, &work, &home, NULL), ERR_NOT_FOUND);
    free(dir);
}

static void
the_current_generation_is_switched_and_older_ones_go(void **state UNUSED)
{
    unsigned n;
    struct stat st;
    char *first = files_generation(base, 1), *current = files_path(base, "current");
    assert_int_equal(files_current(base), 0);
    assert_ok(files_next(base, &n, NULL));
    assert_int_equal(n, 1);
    assert_ok(put(first, "one", true));
    assert_ok(files_switch(base, 1, NULL));
    assert_holds(current, "one");
    assert_ok(files_next(base, &n, NULL));
    assert_int_equal(n, 2);
    assert_int_equal(files_current(base), 1);
    assert_int_equal(files_last(base), 2);
    char *second = files_generation(base, 2);
    assert_ok(put(second, "two", true));
    assert_holds(current, "one");
    assert_ok(files_switch(base, 2, NULL));
    assert_holds(current, "two");
    assert_int_equal(stat(first, &st), -1);
    free(first);
    free(second);
    free(current);
}

static void
one_command_works_at_a_time(void **state UNUSED)
{
    int fd, other;
    assert_ok(files_lock(base, &fd, NULL));
    assert_err(files_lock(base, &other, NULL), ERR_BUSY);
    close(fd);
    assert_ok(files_lock(base, &other, NULL));
    close(other);
}

#define IN_A_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

TEST_MAIN(IN_A_DIRECTORY(a_secret_is_for_its_owner_and_is_not_written_over),
          IN_A_DIRECTORY(a_directory_is_there_as_a_whole_or_not_at_all),
          IN_A_DIRECTORY(the_first_to_finish_wins),
          IN_A_DIRECTORY(names_that_a_configuration_cannot_have_are_refused),
          IN_A_DIRECTORY(the_current_generation_is_switched_and_older_ones_go),
          IN_A_DIRECTORY(one_command_works_at_a_time))
