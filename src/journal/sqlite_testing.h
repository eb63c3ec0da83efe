/* sqlite_testing.h - what somebody with a shell can do to a journal's file. Static functions only.
 */
#ifndef JOURNAL_SQLITE_TESTING_H
#define JOURNAL_SQLITE_TESTING_H

#include "journal/testing.h"

#include <sqlite3.h>

static inline UNUSED void
run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error))
        fail_msg("%s: %s", sql, error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline UNUSED void
write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The whole file; free() it. */
static inline UNUSED uint8_t *
read_file(const char *path, size_t *size)
{
    struct stat st;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    *size = (size_t)st.st_size;
    uint8_t *data = xmalloc(*size + 1);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

#endif
