/* sqlite_file.h - the file below the SQLite driver: finding, creating, locking and distrusting it.
 *
 * The file is in WAL mode; beside PATH lie PATH-wal and PATH-shm (SQLite's) and PATH.lock, which a
 * writer holds with flock(2) for as long as it lives and which names its process. SQLite's own
 * locks come and go with each transaction, so they could not keep a second writer out.
 *
 * Nothing in a file is taken on trust: triggers and views are off, the schema must be ours to the
 * letter, a row's columns are checked as they are read. */
#ifndef JOURNAL_SQLITE_FILE_H
#define JOURNAL_SQLITE_FILE_H

#include "base/err.h"

#include <sqlite3.h>

#include <stdbool.h>

#define SQLITE_FILE_PATIENCE 2000 /* ms to wait for another program's lock */

struct journal_identity;

struct sqlite_file {
    sqlite3 *db;
    char *path;  /* as given, for messages */
    int lock_fd; /* -1: for reading */
};

/* As struct store_driver's open and open_reader; on error there is nothing to close. */
MUST_CHECK enum err sqlite_file_open(struct sqlite_file *, const char *path,
                                     const struct journal_identity *create, struct diag *);
MUST_CHECK enum err sqlite_file_open_reader(struct sqlite_file *, const char *path, struct diag *);
void sqlite_file_close(struct sqlite_file *);

/* The error of the last call that failed, as ours and in words: "PATH: what: disk is full". */
enum err sqlite_file_fail(struct sqlite_file *, const char *what, struct diag *);

/* Runs statements that return nothing of interest. */
MUST_CHECK enum err sqlite_file_run(struct sqlite_file *, const char *sql, struct diag *);
MUST_CHECK enum err sqlite_file_prepare(struct sqlite_file *, const char *sql, sqlite3_stmt **,
                                        struct diag *);

#endif
