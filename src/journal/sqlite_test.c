/* The SQLite driver: the conformance suite, and what is its own: the file. */
#include "journal/conformance.h"
#include "journal/sqlite_testing.h"

#include <fcntl.h>

/* Opening fails alike for the writer, a reader and whoever verifies. */
static void
assert_refused(struct scene *scene, enum err expected, const char *says)
{
    struct journal_reader *reader;
    struct journal_report report;
    struct diag diag[3] = {{""}, {""}, {""}};
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag[0]),
               expected);
    assert_err(journal_reader_open(scene->path, &reader, &diag[1]), expected);
    assert_err(journal_verify(scene->path, NULL, &report, &diag[2]), expected);
    for (size_t i = 0; i < ARRAY_SIZE(diag); i++) {
        if (!strstr(diag[i].text, says) || !strstr(diag[i].text, scene->path))
            fail_msg("%s", diag[i].text);
    }
}

static void
a_file_that_is_no_database_is_left_alone(void **state)
{
    struct scene *scene = *state;
    static const char text[] = "these are the minutes of the meeting, not a journal\n";
    size_t size;
    write_file(scene->path, text, sizeof text);
    assert_refused(scene, ERR_MALFORMED, "this is not a journal: it is no SQLite database");
    uint8_t *left = read_file(scene->path, &size);
    assert_int_equal(size, sizeof text);
    assert_memory_equal(left, text, sizeof text);
    free(left);
}

static void
somebody_elses_database_is_left_alone(void **state)
{
    struct scene *scene = *state;
    run_sql(scene->path, "CREATE TABLE event(id INTEGER)");
    assert_refused(scene, ERR_MALFORMED, "a database, but not a journal");
    run_sql(scene->path, "INSERT INTO event VALUES(1)");
}

static void
a_directory_is_no_journal(void **state)
{
    struct scene *scene = *state;
    strcpy(scene->path, scene->dir.path);
    assert_refused(scene, ERR_MALFORMED, "not a regular file");
}

static void
a_journal_of_another_version_is_refused(void **state)
{
    struct scene *scene = *state;
    scene_open(scene);
    scene_close(scene);
    run_sql(scene->path, "PRAGMA user_version=2");
    assert_refused(scene, ERR_UNSUPPORTED, "schema version 2, this program knows 1");
}

static void
a_schema_that_is_not_ours_to_the_letter_is_refused(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *change, *back, *says;
    } cases[] = {
        {"CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END", "DROP TRIGGER t",
         "see 't'"},
        {"CREATE INDEX i ON event(body)", "DROP INDEX i", "see 'i'"},
        {"CREATE VIEW aaa AS SELECT 1", "DROP VIEW aaa", "see 'aaa'"},
        {"ALTER TABLE event ADD COLUMN extra TEXT", "ALTER TABLE event DROP COLUMN extra",
         "see 'event'"},
        {"ALTER TABLE journal RENAME TO hourly", "ALTER TABLE hourly RENAME TO journal",
         "see 'hourly'"},
        {"DROP TABLE journal", NULL, "no 'journal'"},
    };
    scene_open(scene);
    scene_close(scene);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        run_sql(scene->path, cases[i].change);
        assert_refused(scene, ERR_CORRUPT, cases[i].says);
        if (cases[i].back && i < 3)
            run_sql(scene->path, cases[i].back);
        else if (cases[i].back) { /* ALTER leaves the text quoted: begin anew */
            unlink(scene->path);
            scene_open(scene);
            scene_close(scene);
        }
    }
}

static void
an_empty_file_becomes_a_journal_but_is_none_yet(void **state)
{
    struct scene *scene = *state;
    struct journal_reader *reader;
    write_file(scene->path, "", 0);
    assert_err(journal_reader_open(scene->path, &reader, NULL), ERR_NOT_FOUND);
    scene_open(scene);
    append_numbered(scene, 1, 1);
    assert_sound(scene->path, 1);
}

static void
a_damaged_tail_keeps_the_writer_out(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    scene_open(scene);
    append_numbered(scene, 1, 5);
    scene_close(scene);
    run_sql(scene->path, "UPDATE event SET actor = 'mallory' WHERE seq = 4");
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag),
               ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "event 4 changed"));
    run_sql(scene->path, "UPDATE event SET actor = 'alice' WHERE seq = 4");
    scene_open(scene);
}

static void
reading_stops_at_an_event_that_was_changed(void **state)
{
    struct scene *scene = *state;
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    scene_open(scene);
    append_numbered(scene, 1, 3);
    run_sql(scene->path, "UPDATE event SET body = '{\"number\":4}' WHERE seq = 2");
    assert_err(journal_read(scene->journal, &(struct journal_query){0}, print_event, &text, &diag),
               ERR_CORRUPT);
    assert_string_equal(diag.text, "event 2 does not have its hash: it was changed");
    assert_string_equal(buf_cstr(&text), "1 1 circuit.designed circuit/1 alice {\"number\":1}\n");
    buf_fini(&text);
}

static void
writing_stops_when_somebody_else_has_written(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entry = numbered_entry(3);
    scene_open(scene);
    append_numbered(scene, 1, 2);
    run_sql(scene->path, "UPDATE head SET seq = 1; DELETE FROM event WHERE seq = 2");
    struct outcome outcome = append_and_wait(scene, &entry, 1);
    assert_err(outcome.err, ERR_CORRUPT);
    assert_non_null(strstr(outcome.why, "someone else has written to the journal"));
    assert_err(journal_health(scene->journal).err, ERR_CORRUPT);
    assert_int_equal(journal_head(scene->journal)->seq, 2);
}

static void
somebody_elses_lock_is_a_failure_that_heals(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entry = numbered_entry(1);
    sqlite3 *db;
    scene_open(scene);
    assert_int_equal(sqlite3_open(scene->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct outcome outcome = append_and_wait(scene, &entry, 1);
    assert_err(outcome.err, ERR_BUSY);
    assert_non_null(strstr(outcome.why, "database is locked"));
    sqlite3_close(db);
    append_numbered(scene, 1, 1);
    assert_ok(journal_health(scene->journal).err);
    assert_sound(scene->path, 1);
}

static void
two_names_of_one_file_are_one_journal(void **state)
{
    struct scene *scene = *state;
    char name[TEST_PATH_SIZE];
    struct journal *second;
    scene_open(scene);
    assert_int_equal(symlink(scene->path, test_path(&scene->dir, "other.db", name)), 0);
    assert_err(journal_open(scene->loop, name, &scene_config, &second, NULL), ERR_BUSY);
}

static void
a_name_is_a_path_whatever_it_looks_like(void **state)
{
    struct scene *scene = *state;
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a?b#c%41"};
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(scene->dir.path), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        strcpy(scene->path, names[i]);
        scene_open(scene);
        append_numbered(scene, 1, 1);
        scene_close(scene);
        assert_int_equal(access(names[i], F_OK), 0);
        assert_sound(names[i], 1);
    }
    assert_int_equal(fchdir(here), 0);
    close(here);
}

static void
a_journal_is_not_for_everybody_to_read(void **state)
{
    struct scene *scene = *state;
    struct stat st;
    mode_t mask = umask(0);
    scene_open(scene);
    append_numbered(scene, 1, 1);
    umask(mask);
    assert_int_equal(stat(scene->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    char name[TEST_PATH_SIZE + 8];
    snprintf(name, sizeof name, "%s-wal", scene->path);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void
a_place_that_cannot_be_written_is_an_error(void **state)
{
    struct scene *scene = *state;
    struct journal *journal;
    struct diag diag = {""};
    char name[TEST_PATH_SIZE];
    test_path(&scene->dir, "no/such/journal.db", name);
    assert_err(journal_open(NULL, name, &scene_config, &journal, &diag), ERR_IO);
    assert_non_null(strstr(diag.text, "No such file or directory"));
}

static void
a_closed_journal_is_one_file_to_copy(void **state)
{
    struct scene *scene = *state;
    char name[TEST_PATH_SIZE + 8];
    size_t size;
    scene_open(scene);
    append_numbered(scene, 1, 5);
    scene_close(scene);
    snprintf(name, sizeof name, "%s-wal", scene->path);
    assert_int_equal(access(name, F_OK), -1);
    uint8_t *data = read_file(scene->path, &size);
    test_path(&scene->dir, "copy.db", name);
    write_file(name, data, size);
    assert_sound(name, 5);
    free(data);
}

/* In a child: a process that has given up being root does not get it back. */
static int
verify_as_nobody(const char *path)
{
    int status;
    pid_t child = fork();
    if (!child) {
        struct journal_report *report = xcalloc(1, sizeof *report);
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        enum err err = journal_verify(path, NULL, report, NULL);
        _exit(err ? (int)err : report->n_events == 5 ? 0 : 98);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void
a_closed_journal_is_verified_where_nothing_may_be_written(void **state)
{
    struct scene *scene = *state;
    test_path(&scene->dir, "a?b#c%41.db", scene->path);
    scene_open(scene);
    append_numbered(scene, 1, 5);
    scene_close(scene);
    assert_int_equal(chmod(scene->path, 0444), 0);
    assert_int_equal(chmod(scene->dir.path, 0555), 0);
    assert_int_equal(verify_as_nobody(scene->path), 0);
    assert_int_equal(chmod(scene->dir.path, 0755), 0);
}

static off_t
file_size(const char *path, const char *suffix)
{
    struct stat st;
    char name[TEST_PATH_SIZE + 8];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    assert_int_equal(stat(name, &st), 0);
    return st.st_size;
}

static void
the_log_is_moved_into_the_file_from_time_to_time(void **state)
{
    struct scene *scene = *state;
    char body[8000];
    struct journal_entry entries[50];
    memset(body, ' ', sizeof body);
    memcpy(body, "{}", 2);
    body[sizeof body - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        entries[i] = (struct journal_entry){"t", "o", "a", body, 0};
    scene_open(scene);
    for (unsigned i = 0; i < 40; i++) /* 16 MB */
        assert_ok(append_and_wait(scene, entries, ARRAY_SIZE(entries)).err);
    assert_true(file_size(scene->path, "") > 10 << 20);
    assert_true(file_size(scene->path, "-wal") < 6 << 20);
    assert_sound(scene->path, 40 * ARRAY_SIZE(entries));
}

TEST_MAIN(JOURNAL_CONFORMANCE, TEST_IN_SCENE(a_file_that_is_no_database_is_left_alone),
          TEST_IN_SCENE(somebody_elses_database_is_left_alone),
          TEST_IN_SCENE(a_directory_is_no_journal),
          TEST_IN_SCENE(a_journal_of_another_version_is_refused),
          TEST_IN_SCENE(a_schema_that_is_not_ours_to_the_letter_is_refused),
          TEST_IN_SCENE(an_empty_file_becomes_a_journal_but_is_none_yet),
          TEST_IN_SCENE(a_damaged_tail_keeps_the_writer_out),
          TEST_IN_SCENE(reading_stops_at_an_event_that_was_changed),
          TEST_IN_SCENE(writing_stops_when_somebody_else_has_written),
          TEST_IN_SCENE(somebody_elses_lock_is_a_failure_that_heals),
          TEST_IN_SCENE(two_names_of_one_file_are_one_journal),
          TEST_IN_SCENE(a_name_is_a_path_whatever_it_looks_like),
          TEST_IN_SCENE(a_journal_is_not_for_everybody_to_read),
          TEST_IN_SCENE(a_place_that_cannot_be_written_is_an_error),
          TEST_IN_SCENE(a_closed_journal_is_one_file_to_copy),
          TEST_IN_SCENE(a_closed_journal_is_verified_where_nothing_may_be_written),
          TEST_IN_SCENE(the_log_is_moved_into_the_file_from_time_to_time))
