/* The PostgreSQL driver: the conformance suite, and what is its own: a server that fails, and
 * instances of which one leads. */
#include "journal/postgres_testing.h"

static struct postgres_server server;

#define SCENE_PLACE(scene) place_in_database((scene)->path, sizeof(scene)->path)
#define SCENE_CLEAR(scene) clear_database()
static void place_in_database(char *path, size_t size);
static void clear_database(void);

#include "journal/conformance.h"
#include "journal/standby_testing.h"
#include "journal/store.h"

/* One database for all tests, emptied between them: making and dropping one costs many syncs. */
static void
place_in_database(char *path, size_t size)
{
    if (server.n_databases == 0)
        assert_true(postgres_create_database(&server, path, size));
    postgres_address(&server, "t1", path, size);
}

static void
clear_database(void)
{
    static const char *const statements[] = {
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
         "WHERE datname = 't1' AND pid <> pg_backend_pid()"),
        "DROP SCHEMA IF EXISTS tieline CASCADE",
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        "ALTER DATABASE t1 RESET ALL",
    };
    char address[TEST_PATH_SIZE];
    postgres_address(&server, "t1", address, sizeof address);
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
        free(postgres_sql(address, statements[i]));
}

static char *
ask(struct scene *scene, const char *statement)
{
    char *answer = postgres_sql(scene->path, statement);
    assert_non_null(answer);
    return answer;
}

static void
run_statement(struct scene *scene, const char *statement)
{
    free(ask(scene, statement));
}

/* Waits until the statement answers `expected`. */
static void
wait_for_answer(struct scene *scene, const char *statement, const char *expected)
{
    for (int i = 0;; i++) {
        char *answer = ask(scene, statement);
        bool same = !strcmp(answer, expected);
        free(answer);
        if (same)
            return;
        if (i == TEST_PATIENCE_MS / TEST_TICK_MS)
            fail_msg("%s never was %s", statement, expected);
        usleep(TEST_TICK_MS * 1000);
    }
}

/* ---- what is in the database */

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
        if (!strstr(diag[i].text, says))
            fail_msg("%s", diag[i].text);
    }
}

static void
somebody_elses_schema_is_left_alone(void **state)
{
    struct scene *scene = *state;
    run_statement(scene, "CREATE SCHEMA tieline; CREATE TABLE tieline.event(id integer)");
    assert_refused(scene, ERR_MALFORMED, "is not a journal");
    run_statement(scene, "INSERT INTO tieline.event VALUES(1)");
}

static void
an_empty_schema_and_other_tables_do_not_matter(void **state)
{
    struct scene *scene = *state;
    run_statement(scene, "CREATE SCHEMA tieline; CREATE TABLE public.event(id integer)");
    scene_open(scene);
    append_numbered(scene, 1, 2);
    assert_sound(scene->path, 2);
}

static void
a_journal_of_another_version_is_refused(void **state)
{
    struct scene *scene = *state;
    scene_open(scene);
    scene_close(scene);
    run_statement(scene, "UPDATE tieline.journal SET version = 2");
    assert_refused(scene, ERR_UNSUPPORTED, "schema version 2, this program knows 1");
}

static void
a_schema_that_is_not_ours_to_the_letter_is_refused(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *change, *back, *says;
    } cases[] = {
        {"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
         "CREATE TRIGGER t BEFORE INSERT ON tieline.event FOR EACH ROW EXECUTE FUNCTION f()",
         "DROP TRIGGER t ON tieline.event", "see 'trigger event t'"},
        {"CREATE RULE r AS ON INSERT TO tieline.event DO INSTEAD NOTHING",
         "DROP RULE r ON tieline.event", "see 'rule event r'"},
        {"CREATE INDEX i ON tieline.event(object)", "DROP INDEX tieline.i", "see 'relation i i p'"},
        {"ALTER TABLE tieline.event ADD COLUMN extra text",
         "ALTER TABLE tieline.event DROP COLUMN extra", "see 'column event.extra"},
        {"ALTER TABLE tieline.event ENABLE ROW LEVEL SECURITY",
         "ALTER TABLE tieline.event DISABLE ROW LEVEL SECURITY", "no 'relation event r p'"},
        {"ALTER TABLE tieline.head SET UNLOGGED", "ALTER TABLE tieline.head SET LOGGED",
         "no 'relation head r p'"},
        {"CREATE TABLE heir() INHERITS (tieline.event)", "DROP TABLE heir", "see 'heir heir'"},
        {"ALTER TABLE tieline.event DROP CONSTRAINT event_pkey",
         "ALTER TABLE tieline.event ADD PRIMARY KEY (seq)", "no 'constraint event PRIMARY KEY"},
        {"DROP TABLE tieline.lease", NULL, "no 'column lease."},
    };
    scene_open(scene);
    scene_close(scene);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        run_statement(scene, cases[i].change);
        assert_refused(scene, ERR_CORRUPT, cases[i].says);
        if (cases[i].back) {
            run_statement(scene, cases[i].back);
            scene_open(scene);
            scene_close(scene);
        }
    }
}

static void
a_damaged_tail_keeps_the_writer_out(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    scene_open(scene);
    append_numbered(scene, 1, 5);
    scene_close(scene);
    run_statement(scene, "UPDATE tieline.event SET actor = 'mallory' WHERE seq = 4");
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag),
               ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "event 4 changed"));
    run_statement(scene, "UPDATE tieline.event SET actor = 'alice' WHERE seq = 4");
    scene_open(scene); /* whoever was refused holds no lease */
}

static void
reading_stops_at_an_event_that_was_changed(void **state)
{
    struct scene *scene = *state;
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    scene_open(scene);
    append_numbered(scene, 1, 3);
    run_statement(scene, "UPDATE tieline.event SET body = '{\"number\":4}' WHERE seq = 2");
    assert_err(journal_read(scene->journal, &(struct journal_query){0}, print_event, &text, &diag),
               ERR_CORRUPT);
    assert_string_equal(diag.text, "event 2 does not have its hash: it was changed");
    assert_string_equal(buf_cstr(&text), "1 1 circuit.designed circuit/1 alice {\"number\":1}\n");
    buf_fini(&text);
    run_statement(scene, "UPDATE tieline.event SET hash = '\\x00' WHERE seq = 3");
    assert_err(
        journal_read(scene->journal, &(struct journal_query){.from = 3}, print_event, &text, &diag),
        ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "event 3: a field is not what it must be"));
}

static void
writing_stops_when_somebody_else_has_written(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entry = numbered_entry(3);
    scene_open(scene);
    append_numbered(scene, 1, 2);
    run_statement(scene,
                  "UPDATE tieline.head SET seq = 1; DELETE FROM tieline.event WHERE seq = 2");
    struct outcome outcome = append_and_wait(scene, &entry, 1);
    assert_err(outcome.err, ERR_CORRUPT);
    assert_non_null(strstr(outcome.why, "someone else has written to the journal"));
    assert_err(journal_health(scene->journal).err, ERR_CORRUPT);
    assert_int_equal(journal_head(scene->journal)->seq, 2);
}

static void
the_largest_event_is_stored(void **state)
{
    struct scene *scene = *state;
    char *body = xmalloc(JOURNAL_BODY_MAX + 1);
    memset(body, ' ', JOURNAL_BODY_MAX);
    memcpy(body, "{}", 2);
    body[JOURNAL_BODY_MAX] = '\0';
    const struct journal_entry entries[] = {{"t", "o", "a", body, 0}, {"t", "o", "a", body, 0}};
    scene_open(scene);
    assert_ok(append_and_wait(scene, entries, 2).err);
    assert_sound(scene->path, 2);
    free(body);
}

/* The database need not let a writer change or remove what is written. */
static void
a_role_that_can_only_add_is_enough(void **state)
{
    struct scene *scene = *state;
    char owner[TEST_PATH_SIZE];
    scene_open(scene);
    scene_close(scene);
    run_statement(scene, "DROP ROLE IF EXISTS daemon; CREATE ROLE daemon LOGIN;"
                         "GRANT USAGE ON SCHEMA tieline TO daemon;"
                         "GRANT SELECT ON ALL TABLES IN SCHEMA tieline TO daemon;"
                         "GRANT INSERT ON tieline.event TO daemon;"
                         "GRANT UPDATE ON tieline.head, tieline.lease TO daemon");
    strcpy(owner, scene->path);
    strcpy(strstr(scene->path, "user=postgres"), "user=daemon");
    scene_open(scene);
    append_numbered(scene, 1, 3);
    assert_null(postgres_sql(scene->path, "DELETE FROM tieline.event"));
    assert_null(postgres_sql(scene->path, "UPDATE tieline.event SET seq = 9"));
    assert_sound(scene->path, 3);
    scene_close(scene);
    strcpy(scene->path, owner);
}

/* ---- how it is reached */

static void
an_address_holds_no_password(void **state)
{
    struct scene *scene = *state;
    static const char *const addresses[] = {"postgresql://me:geheim@localhost/t",
                                            "postgres:///t?password=geheim", "postgresql:nonsense",
                                            "postgresql://localhost/t?no-such-word=1"};
    struct journal_reader *reader;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct diag diag = {""};
        assert_err(journal_open(scene->loop, addresses[i], &scene_config, &scene->journal, &diag),
                   ERR_INVALID);
        assert_null(strstr(diag.text, "geheim"));
        assert_err(journal_reader_open(addresses[i], &reader, &diag), ERR_INVALID);
    }
}

static void
a_server_that_is_not_there_is_an_error(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    assert_err(journal_open(scene->loop, "postgresql:///t?host=/nowhere", &scene_config,
                            &scene->journal, &diag),
               ERR_IO);
    assert_non_null(strstr(diag.text, "/nowhere"));
    strcpy(strstr(scene->path, "user=postgres"), "user=nobody");
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag),
               ERR_IO);
    assert_non_null(strstr(diag.text, "nobody"));
}

static void
restart_server(int number)
{
    postgres_stop(&server, number);
    assert_true(postgres_run(&server));
}

static void
a_server_without_fsync_is_refused(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    server.fsync = "fsync=off";
    restart_server(SIGINT);
    enum err err = journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag);
    server.fsync = NULL;
    restart_server(SIGINT);
    assert_err(err, ERR_UNSUPPORTED);
    assert_non_null(strstr(diag.text, "fsync is off"));
    scene_open(scene);
}

/* With the setting as it is, the server would confirm first and write later. */
static void
what_is_confirmed_survives_whatever_the_database_is_set_to(void **state)
{
    struct scene *scene = *state;
    run_statement(scene, "ALTER DATABASE t1 SET synchronous_commit = off");
    run_statement(scene, "ALTER SYSTEM SET wal_writer_delay = '10s'");
    run_statement(scene, "SELECT pg_reload_conf()");
    scene_open_with(scene,
                    &(struct journal_config){.site = "substation-a", .lease = 3600 * NSEC_PER_SEC});
    append_numbered(scene, 1, 3);
    restart_server(SIGQUIT);
    assert_sound(scene->path, 3);
    run_statement(scene, "ALTER SYSTEM RESET wal_writer_delay");
    run_statement(scene, "SELECT pg_reload_conf()");
}

/* ---- connections that break */

static const struct journal_config patient = {
    .site = "substation-a", .instance = "one", .lease = 3600 * NSEC_PER_SEC};

static void
a_restarted_server_is_only_a_pause(void **state)
{
    struct scene *scene = *state;
    scene_open_with(scene, &patient);
    append_numbered(scene, 1, 2);
    restart_server(SIGINT);
    append_numbered(scene, 3, 4);
    restart_server(SIGQUIT);
    assert_reads(scene, &(struct journal_query){.from = 4},
                 "4 1 circuit.designed circuit/4 alice {\"number\":4}\n");
    append_numbered(scene, 5, 5);
    assert_ok(journal_health(scene->journal).err);
    assert_sound(scene->path, 5);
}

#define APPENDING                                                                                  \
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH moved%' AND state = 'active'"
#define BREAK                                                                                      \
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'WITH moved%' "       \
    "AND state = 'active'"

/* The events are stored, and the answer is lost: the server waits for a replica that there is none
 * of, which it does after it has written. */
static void
events_whose_confirmation_was_lost_are_found_and_not_stored_twice(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entries[] = {numbered_entry(2), numbered_entry(3)};
    struct outcome outcome = {0};
    scene_open_with(scene, &patient);
    append_numbered(scene, 1, 1);
    run_statement(scene, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    run_statement(scene, "SELECT pg_reload_conf()");
    wait_for_answer(scene, "SHOW synchronous_standby_names", "nobody");
    assert_ok(journal_append(scene->journal, entries, 2, keep_outcome, &outcome, NULL));
    run_turns(scene->loop, 3);
    wait_for_answer(scene, APPENDING " AND wait_event = 'SyncRep'", "1");
    run_statement(scene, BREAK);
    run_statement(scene, "ALTER SYSTEM RESET synchronous_standby_names");
    run_statement(scene, "SELECT pg_reload_conf()");
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_ok(outcome.err);
    assert_int_equal(outcome.first_seq, 2);
    append_numbered(scene, 4, 4);
    assert_sound(scene->path, 4);
    char *fence = ask(scene, "SELECT fence FROM tieline.head");
    assert_string_equal(fence, "2"); /* it did come back: otherwise this shows nothing */
    free(fence);
}

/* Holds the head's row, so that an append cannot end. */
static PGconn *
hold_head(struct scene *scene)
{
    PGconn *conn = PQconnectdb(scene->path);
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *result = PQexec(conn, "SELECT 1 FROM tieline.head FOR UPDATE");
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
    return conn;
}

static void
events_that_were_not_stored_when_the_connection_broke_are_stored_once(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entries[] = {numbered_entry(2), numbered_entry(3)};
    struct outcome outcome = {0};
    scene_open_with(scene, &patient);
    append_numbered(scene, 1, 1);
    PGconn *holder = hold_head(scene);
    assert_ok(journal_append(scene->journal, entries, 2, keep_outcome, &outcome, NULL));
    run_turns(scene->loop, 3);
    wait_for_answer(scene, APPENDING " AND wait_event_type = 'Lock'", "1");
    run_statement(scene, BREAK);
    PQfinish(holder);
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_ok(outcome.err);
    assert_int_equal(outcome.first_seq, 2);
    assert_sound(scene->path, 3);
}

struct loss {
    unsigned n_calls;
    char why[sizeof(struct diag)];
};

static void
keep_loss(void *arg, const char *why)
{
    struct loss *loss = arg;
    loss->n_calls++;
    snprintf(loss->why, sizeof loss->why, "%s", why);
}

static void
what_cannot_be_known_before_the_lease_ends_is_said_so(void **state)
{
    struct scene *scene = *state;
    struct loss loss = {0};
    struct journal_entry entries[] = {numbered_entry(1), numbered_entry(2)};
    struct outcome outcome = {0}, later = {0};
    scene_open_with(scene, &(struct journal_config){.site = "substation-a",
                                                    .lease = 2 * NSEC_PER_SEC,
                                                    .lost = keep_loss,
                                                    .lost_arg = &loss});
    PGconn *holder = hold_head(scene);
    assert_ok(journal_append(scene->journal, entries, 2, keep_outcome, &outcome, NULL));
    run_turns(scene->loop, 3);
    wait_for_answer(scene, APPENDING, "1");
    postgres_stop(&server, SIGQUIT);
    PQfinish(holder);
    RUN_UNTIL(scene->loop, outcome.n_calls && loss.n_calls);
    assert_err(outcome.err, ERR_BUSY);
    assert_non_null(strstr(outcome.why, "whether 2 events are stored is not known"));
    assert_non_null(strstr(loss.why, "the lease ended"));
    assert_err(journal_append(scene->journal, entries, 1, keep_outcome, &later, NULL), ERR_BUSY);
    assert_err(journal_health(scene->journal).err, ERR_BUSY);
    assert_false(journal_leads(scene->journal));
    scene_close(scene);
    assert_int_equal(loss.n_calls, 1);
    assert_true(postgres_run(&server));
    scene_open(scene);
    append_numbered(scene, 3, 3);
    assert_sound(scene->path, 1);
}

/* ---- who leads */

/* As if the first one had not been heard of for long: it itself has not noticed anything. */
static struct journal *
take_over(struct scene *scene)
{
    struct journal *second;
    struct diag diag = {""};
    run_statement(scene, "UPDATE tieline.lease SET expires = clock_timestamp()");
    if (journal_open(NULL, scene->path,
                     &(struct journal_config){.site = "substation-a", .instance = "two"}, &second,
                     &diag))
        fail_msg("%s", diag.text);
    return second;
}

static void
who_has_lost_the_lease_can_never_append(void **state)
{
    struct scene *scene = *state;
    struct loss loss = {0};
    struct journal_config config = patient;
    struct journal_entry entry = numbered_entry(2);
    config.lost = keep_loss;
    config.lost_arg = &loss;
    scene_open_with(scene, &config);
    append_numbered(scene, 1, 1);
    struct journal *second = take_over(scene);
    struct outcome outcome = append_and_wait(scene, &entry, 1);
    assert_err(outcome.err, ERR_BUSY);
    assert_non_null(strstr(outcome.why, "another instance leads: two since 2"));
    RUN_UNTIL(scene->loop, loss.n_calls);
    assert_non_null(strstr(loss.why, "another instance leads: two since 2"));
    assert_ok(journal_append_sync(second, &entry, 1, NULL, NULL));
    struct outcome again = {0};
    assert_err(journal_append(scene->journal, &entry, 1, keep_outcome, &again, NULL), ERR_BUSY);
    scene_close(scene); /* it does not give back what is another's */
    assert_ok(journal_append_sync(second, &entry, 1, NULL, NULL));
    journal_close(second, NULL, NULL);
    assert_int_equal(loss.n_calls, 1);
    assert_sound(scene->path, 3);
}

static void
an_append_on_its_way_when_the_lease_is_taken_is_void(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entry = numbered_entry(1);
    struct outcome outcome = {0};
    scene_open_with(scene, &patient);
    PGconn *holder = hold_head(scene);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    run_turns(scene->loop, 3);
    wait_for_answer(scene, APPENDING " AND wait_event_type = 'Lock'", "1");
    PQclear(PQexec(holder, "UPDATE tieline.head SET fence = fence + 1")); /* what a taking does */
    PQclear(PQexec(holder, "COMMIT"));
    PQfinish(holder);
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_err(outcome.err, ERR_BUSY);
    assert_sound(scene->path, 0);
}

static void
a_busy_loop_does_not_lose_the_lease(void **state)
{
    struct scene *scene = *state;
    struct journal *second;
    struct diag diag = {""};
    scene_open_with(scene, &(struct journal_config){.site = "substation-a",
                                                    .instance = "one",
                                                    .lease = 3 * NSEC_PER_SEC});
    run_statement(scene, "CREATE TABLE first AS SELECT expires FROM tieline.lease");
    /* The loop does not run meanwhile. */
    wait_for_answer(scene,
                    "SELECT (lease.expires > first.expires + interval '1.5 s')::text "
                    "FROM tieline.lease, first",
                    "true");
    assert_err(journal_open(NULL, scene->path, &scene_config, &second, &diag), ERR_BUSY);
    assert_non_null(strstr(diag.text, "another instance leads: one since 2"));
    append_numbered(scene, 1, 1);
}

#define LOSE_THE_LAST                                                                              \
    "DELETE FROM tieline.event WHERE seq = 3; "                                                    \
    "UPDATE tieline.head SET seq = 2, hash = (SELECT hash FROM tieline.event WHERE seq = 2)"

static struct standby *
stand_by_with_three(struct scene *scene, struct waiting *w)
{
    scene_open(scene);
    append_numbered(scene, 1, 3);
    struct standby *standby = stand_by(scene, w, "substation-a");
    RUN_UNTIL(scene->loop, w->n_heard == 3 && w->n_waits);
    assert_non_null(strstr(w->why, " leads since "));
    return standby;
}

/* The server comes back as a copy that has less: seen before anything is read from it. */
static void
who_waits_does_not_read_on_where_the_last_event_was_lost(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    struct standby *standby = stand_by_with_three(scene, &w);
    postgres_stop(&server, SIGQUIT);
    RUN_UNTIL(scene->loop, w.n_waits > 1);
    assert_true(postgres_run(&server));
    run_statement(scene, LOSE_THE_LAST);
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_not_the_one_before(&w, 3);
    standby_free(standby);
}

/* It was not noticed while another one led. */
static void
nor_leads_there(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    struct standby *standby = stand_by_with_three(scene, &w);
    run_statement(scene, LOSE_THE_LAST);
    scene_close(scene);
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_not_the_one_before(&w, 3);
    standby_free(standby);
}

static void
bad_names_and_leases_are_refused(void **state)
{
    struct scene *scene = *state;
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct journal_config bad[] = {
        {.site = "substation-a", .instance = ""},
        {.site = "substation-a", .instance = name},
        {.site = "substation-a", .lease = NSEC_PER_MSEC},
        {.site = "substation-a", .lease = 7200 * NSEC_PER_SEC},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_err(journal_open(scene->loop, scene->path, &bad[i], &scene->journal, NULL),
                   ERR_INVALID);
}

static int
run_conformance(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_CONFORMANCE,
        TEST_IN_SCENE(somebody_elses_schema_is_left_alone),
        TEST_IN_SCENE(an_empty_schema_and_other_tables_do_not_matter),
        TEST_IN_SCENE(a_journal_of_another_version_is_refused),
        TEST_IN_SCENE(a_schema_that_is_not_ours_to_the_letter_is_refused),
        TEST_IN_SCENE(a_damaged_tail_keeps_the_writer_out),
        TEST_IN_SCENE(reading_stops_at_an_event_that_was_changed),
        TEST_IN_SCENE(writing_stops_when_somebody_else_has_written),
        TEST_IN_SCENE(the_largest_event_is_stored),
        TEST_IN_SCENE(a_role_that_can_only_add_is_enough),
        TEST_IN_SCENE(an_address_holds_no_password),
        TEST_IN_SCENE(a_server_that_is_not_there_is_an_error),
        TEST_IN_SCENE(a_server_without_fsync_is_refused),
        TEST_IN_SCENE(what_is_confirmed_survives_whatever_the_database_is_set_to),
        TEST_IN_SCENE(a_restarted_server_is_only_a_pause),
        TEST_IN_SCENE(events_whose_confirmation_was_lost_are_found_and_not_stored_twice),
        TEST_IN_SCENE(events_that_were_not_stored_when_the_connection_broke_are_stored_once),
        TEST_IN_SCENE(what_cannot_be_known_before_the_lease_ends_is_said_so),
        TEST_IN_SCENE(who_has_lost_the_lease_can_never_append),
        TEST_IN_SCENE(an_append_on_its_way_when_the_lease_is_taken_is_void),
        TEST_IN_SCENE(a_busy_loop_does_not_lose_the_lease),
        TEST_IN_SCENE(who_waits_does_not_read_on_where_the_last_event_was_lost),
        TEST_IN_SCENE(nor_leads_there),
        TEST_IN_SCENE(bad_names_and_leases_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int
main(void)
{
    if (!postgres_start(&server))
        return 77;
    int status = run_conformance();
    postgres_end(&server);
    return status;
}
