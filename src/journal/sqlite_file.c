#include "journal/sqlite_file.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "journal/event.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x544c4a31 /* "TLJ1" */
#define SCHEMA_VERSION 1
#define FILE_MODE 0640     /* its group may audit */
#define ROW_MAX (24 << 20) /* octets: the largest event, and room */

/* Sorted by name, as check_schema() reads them. Changing a letter is a new SCHEMA_VERSION. */
static const struct {
    const char *name, *sql;
} tables[] = {
    {"event", "CREATE TABLE event(seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, "
              "time INTEGER NOT NULL, type TEXT NOT NULL, object TEXT NOT NULL, "
              "actor TEXT NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, "
              "body TEXT NOT NULL) STRICT"},
    {"head", "CREATE TABLE head(only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, "
             "hash BLOB NOT NULL) STRICT"},
    {"journal", "CREATE TABLE journal(only INTEGER PRIMARY KEY CHECK (only = 1), "
                "id BLOB NOT NULL, site TEXT NOT NULL, epoch INTEGER NOT NULL, "
                "created INTEGER NOT NULL) STRICT"},
};

static enum err
map_error(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOTADB:
        return ERR_MALFORMED;
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT: /* a record where none should be */
    case SQLITE_MISMATCH:
    case SQLITE_ERROR: /* our statements are right, so the schema under them is not */
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}

/* What the system was asked for when it failed; SQLite says only "disk I/O error". */
static const char *
io_text(int code)
{
    switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return " (reading)";
    case SQLITE_IOERR_WRITE:
        return " (writing)";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return " (syncing)";
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMMAP:
        return " (shared memory)";
    default:
        return "";
    }
}

enum err
sqlite_file_fail(struct sqlite_file *file, const char *what, struct diag *diag)
{
    int code = sqlite3_extended_errcode(file->db);
    if ((code & 0xff) == SQLITE_NOTADB)
        return diag_set(diag, ERR_MALFORMED, "%s: this is not a journal: it is no SQLite database",
                        file->path);
    int number = (code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(file->db) : 0;
    return diag_set(diag, map_error(code), "%s: %s: %s%s%s%s", file->path, what,
                    sqlite3_errmsg(file->db), io_text(code), number ? ": " : "",
                    number ? strerror(number) : "");
}

enum err
sqlite_file_run(struct sqlite_file *file, const char *sql, struct diag *diag)
{
    if (sqlite3_exec(file->db, sql, NULL, NULL, NULL))
        return sqlite_file_fail(file, "run", diag);
    return ERR_OK;
}

enum err
sqlite_file_prepare(struct sqlite_file *file, const char *sql, sqlite3_stmt **statement,
                    struct diag *diag)
{
    if (sqlite3_prepare_v3(file->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
        return sqlite_file_fail(file, "prepare", diag);
    return ERR_OK;
}

/* The path as SQLite takes it for one, also if it looks like a URI or like ":memory:". */
static char *
plain_name(const char *path)
{
    return xasprintf("%s%s", path[0] == '/' ? "" : "./", path);
}

/* As a URI (https://sqlite.org/uri.html) that says nobody is writing. */
static char *
immutable_name(const char *path)
{
    struct buf name = BUF_INIT;
    buf_printf(&name, "file:%s", path[0] == '/' ? "" : "./");
    for (; *path; path++)
        buf_printf(&name, strchr("%?#", *path) ? "%%%02X" : "%c", (unsigned char)*path);
    buf_str(&name, "?immutable=1");
    return buf_steal_cstr(&name);
}

/* The connection, and what makes SQLite careful with a file it does not know. Frees `name`. */
static enum err
connect_file(struct sqlite_file *file, char *name, int flags, struct diag *diag)
{
    int code = sqlite3_open_v2(name, &file->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    free(name);
    if (code)
        return sqlite_file_fail(file, "open", diag);
    sqlite3_extended_result_codes(file->db, 1);
    sqlite3_busy_timeout(file->db, SQLITE_FILE_PATIENCE);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(file->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
    return sqlite_file_run(file, "PRAGMA cell_size_check=ON", diag);
}

static enum err
read_integer(struct sqlite_file *file, const char *sql, int64_t *value, struct diag *diag)
{
    sqlite3_stmt *statement;
    enum err err = sqlite_file_prepare(file, sql, &statement, diag);
    if (err)
        return err;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        err = sqlite_file_fail(file, sql, diag);
    sqlite3_finalize(statement);
    return err;
}

static bool
is_text(sqlite3_stmt *row, int column, const char *expected)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text && !strcmp(text, expected);
}

static enum err
check_tables(struct sqlite_file *file, sqlite3_stmt *rows, struct diag *diag)
{
    int code;
    size_t n = 0;
    for (; (code = sqlite3_step(rows)) == SQLITE_ROW; n++) {
        const char *name = (const char *)sqlite3_column_text(rows, 1);
        if (n == ARRAY_SIZE(tables) || !is_text(rows, 0, "table") ||
            !is_text(rows, 1, tables[n].name) || !is_text(rows, 2, tables[n].sql))
            return diag_set(diag, ERR_CORRUPT, "%s: the schema is not a journal's: see '%.60s'",
                            file->path, name ? name : "");
    }
    if (code != SQLITE_DONE)
        return sqlite_file_fail(file, "read the schema", diag);
    if (n < ARRAY_SIZE(tables))
        return diag_set(diag, ERR_CORRUPT, "%s: the schema is not a journal's: no '%s'", file->path,
                        tables[n].name);
    return ERR_OK;
}

/* ERR_NOT_FOUND: an empty database. */
static enum err
check_schema(struct sqlite_file *file, struct diag *diag)
{
    int64_t application, version, n_objects;
    enum err err = read_integer(file, "SELECT count(*) FROM sqlite_schema", &n_objects, diag);
    if (!err)
        err = read_integer(file, "PRAGMA application_id", &application, diag);
    if (!err)
        err = read_integer(file, "PRAGMA user_version", &version, diag);
    if (err)
        return err;
    if (!n_objects && !application && !version)
        return diag_set(diag, ERR_NOT_FOUND, "%s: empty, no journal", file->path);
    if (application != APPLICATION_ID)
        return diag_set(diag, ERR_MALFORMED, "%s: a database, but not a journal", file->path);
    if (version != SCHEMA_VERSION)
        return diag_set(diag, ERR_UNSUPPORTED, "%s: schema version %lld, this program knows %d",
                        file->path, (long long)version, SCHEMA_VERSION);
    sqlite3_stmt *rows;
    err = sqlite_file_prepare(file, "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
                              &rows, diag);
    if (err)
        return err;
    err = check_tables(file, rows, diag);
    sqlite3_finalize(rows);
    return err;
}

static enum err
insert_identity(struct sqlite_file *file, const struct journal_identity *identity,
                struct diag *diag)
{
    struct journal_hasher hasher;
    uint8_t hash[JOURNAL_HASH_SIZE];
    journal_hasher_init(&hasher);
    journal_identity_hash(&hasher, identity, hash);
    journal_hasher_fini(&hasher);

    sqlite3_stmt *journal = NULL, *head = NULL;
    enum err err = sqlite_file_prepare(file, "INSERT INTO journal VALUES(1, ?, ?, ?, ?)", &journal,
                                       diag);
    if (!err)
        err = sqlite_file_prepare(file, "INSERT INTO head VALUES(1, 0, ?)", &head, diag);
    if (!err) {
        sqlite3_bind_blob(journal, 1, identity->id, JOURNAL_ID_SIZE, SQLITE_STATIC);
        sqlite3_bind_text(journal, 2, identity->site, -1, SQLITE_STATIC);
        sqlite3_bind_int64(journal, 3, (int64_t)identity->epoch);
        sqlite3_bind_int64(journal, 4, identity->created);
        sqlite3_bind_blob(head, 1, hash, sizeof hash, SQLITE_STATIC);
        if (sqlite3_step(journal) != SQLITE_DONE || sqlite3_step(head) != SQLITE_DONE)
            err = sqlite_file_fail(file, "create", diag);
    }
    sqlite3_finalize(journal);
    sqlite3_finalize(head);
    return err;
}

/* One transaction: a crash leaves an empty database, which the next one fills. */
static enum err
create_schema(struct sqlite_file *file, const struct journal_identity *identity, struct diag *diag)
{
    char stamp[80];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             APPLICATION_ID, SCHEMA_VERSION);
    enum err err = sqlite_file_run(file, "BEGIN IMMEDIATE", diag);
    for (size_t i = 0; !err && i < ARRAY_SIZE(tables); i++)
        err = sqlite_file_run(file, tables[i].sql, diag);
    if (!err)
        err = insert_identity(file, identity, diag);
    if (!err)
        err = sqlite_file_run(file, stamp, diag);
    if (!err)
        err = sqlite_file_run(file, "COMMIT", diag);
    return err;
}

/* Who holds the lock, as far as PATH.lock says. */
static enum err
lock_refused(struct sqlite_file *file, int fd, struct diag *diag)
{
    char owner[16] = "";
    ssize_t size = pread(fd, owner, sizeof owner - 1, 0);
    owner[size < 0 ? 0 : strspn(owner, "0123456789")] = '\0';
    return diag_set(diag, ERR_BUSY, "%s: in use by another writer%s%s", file->path,
                    owner[0] ? ", process " : "", owner);
}

static enum err
lock_file(struct sqlite_file *file, struct diag *diag)
{
    char real[PATH_MAX]; /* two names of one file are one lock */
    if (!realpath(file->path, real))
        return diag_set(diag, ERR_IO, "%s: %s", file->path, strerror(errno));
    char *name = xasprintf("%s.lock", real);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    enum err err = ERR_OK;
    if (fd < 0)
        err = diag_set(diag, ERR_IO, "%s: %s", name, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB))
        err = lock_refused(file, fd, diag);
    free(name);
    if (err) {
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (!ftruncate(fd, 0)) /* For people only: on a full disk the lock names nobody, and holds. */
        dprintf(fd, "%d\n", (int)getpid());
    file->lock_fd = fd;
    return ERR_OK;
}

/* Makes sure there is a file, and says whether it is new. An existing one is not opened here:
 * closing it again would drop the locks that SQLite holds on it elsewhere in this process. */
static enum err
touch_file(struct sqlite_file *file, bool create, bool *created, struct diag *diag)
{
    struct stat st;
    *created = false;
    if (!stat(file->path, &st)) {
        if (S_ISREG(st.st_mode))
            return ERR_OK;
        return diag_set(diag, ERR_MALFORMED, "%s: not a regular file", file->path);
    }
    if (errno != ENOENT || !create)
        return diag_set(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", file->path,
                        strerror(errno));
    int fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return errno == EEXIST ? ERR_OK
                               : diag_set(diag, ERR_IO, "%s: %s", file->path, strerror(errno));
    close(fd);
    *created = true;
    return ERR_OK;
}

/* SQLite says what the mode is now, and calls it no error if that is another one. */
static enum err
set_wal(struct sqlite_file *file, struct diag *diag)
{
    sqlite3_stmt *statement;
    enum err err = sqlite_file_prepare(file, "PRAGMA journal_mode=WAL", &statement, diag);
    if (err)
        return err;
    if (sqlite3_step(statement) != SQLITE_ROW)
        err = sqlite_file_fail(file, "write-ahead log", diag);
    else if (!is_text(statement, 0, "wal"))
        err = diag_set(diag, ERR_UNSUPPORTED, "%s: no write-ahead log on this file system",
                       file->path);
    sqlite3_finalize(statement);
    return err;
}

static enum err
open_for_writing(struct sqlite_file *file, const struct journal_identity *create, struct diag *diag)
{
    enum err err = lock_file(file, diag);
    if (!err)
        err = connect_file(file, plain_name(file->path), SQLITE_OPEN_READWRITE, diag);
    if (err)
        return err;
    if (sqlite3_db_readonly(file->db, "main"))
        return diag_set(diag, ERR_DENIED, "%s: may not be written", file->path);
    err = check_schema(file, diag);
    bool empty = err == ERR_NOT_FOUND && create;
    if (err && !empty)
        return err;
    err = set_wal(file, diag);
    /* The driver checkpoints when an append has been answered; the log shrinks after a burst. */
    if (!err)
        err = sqlite_file_run(file,
                              "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                              "PRAGMA journal_size_limit=67108864",
                              diag);
    if (!err && empty)
        err = create_schema(file, create, diag);
    return err;
}

enum err
sqlite_file_open(struct sqlite_file *file, const char *path, const struct journal_identity *create,
                 struct diag *diag)
{
    *file = (struct sqlite_file){.path = xstrdup(path), .lock_fd = -1};
    bool created = false;
    enum err err = touch_file(file, create, &created, diag);
    if (!err)
        err = open_for_writing(file, create, diag);
    if (err) {
        sqlite3_close(file->db); /* with its log; the lock is still held */
        file->db = NULL;
        if (created && file->lock_fd >= 0)
            unlink(path);
        sqlite_file_close(file);
    }
    return err;
}

/* Reading a file in WAL mode means writing to PATH-shm. Who may not (an auditor's medium is
 * read-only) can read all the same if there is no log: then nobody is writing. */
static bool
is_closed_and_read_only(struct sqlite_file *file)
{
    struct stat st;
    char *log = xasprintf("%s-wal", file->path);
    bool closed = stat(log, &st) && errno == ENOENT;
    int code = sqlite3_errcode(file->db) & 0xff;
    free(log);
    return closed && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN);
}

static enum err
open_for_reading(struct sqlite_file *file, struct diag *diag)
{
    const int flags = SQLITE_OPEN_READONLY;
    enum err err = connect_file(file, plain_name(file->path), flags, diag);
    if (!err)
        err = check_schema(file, diag);
    if (err != ERR_IO || !is_closed_and_read_only(file))
        return err;
    sqlite3_close(file->db);
    err = connect_file(file, immutable_name(file->path), flags | SQLITE_OPEN_URI, diag);
    return err ? err : check_schema(file, diag);
}

enum err
sqlite_file_open_reader(struct sqlite_file *file, const char *path, struct diag *diag)
{
    *file = (struct sqlite_file){.path = xstrdup(path), .lock_fd = -1};
    bool created;
    enum err err = touch_file(file, false, &created, diag);
    if (!err)
        err = open_for_reading(file, diag);
    if (err)
        sqlite_file_close(file);
    return err;
}

void
sqlite_file_close(struct sqlite_file *file)
{
    sqlite3_close(file->db);
    if (file->lock_fd >= 0)
        close(file->lock_fd);
    free(file->path);
    *file = (struct sqlite_file){.lock_fd = -1};
}
