/* Somebody with a shell and time changes the file; journal_verify() finds it and names it. */
#include "journal/sqlite_testing.h"

#define N_EVENTS 10

/* A closed journal with the events 1 to N_EVENTS, one second apart. */
static nsec_t clock_now;

static nsec_t
ticking_clock(void)
{
    return clock_now += NSEC_PER_SEC;
}

static void
make_journal(struct scene *scene, unsigned n_events)
{
    clock_now = INT64_C(1700000000) * NSEC_PER_SEC;
    scene_open_with(scene,
                    &(struct journal_config){.site = "substation-a", .clock = ticking_clock});
    for (unsigned i = 1; i <= n_events; i++)
        append_numbered(scene, i, i);
    scene_close(scene);
}

static enum err
verify(struct scene *scene, const struct journal_head *remembered, struct journal_report *report)
{
    struct diag diag = {""};
    enum err err = journal_verify(scene->path, remembered, report, &diag);
    if (err == ERR_CORRUPT && !strstr(diag.text, report->findings[0].text))
        fail_msg("%s is not about: %s", diag.text, report->findings[0].text);
    return err;
}

/* What verifying finds, as "changed 4-4, replaced 4-4"; "" if the journal is sound. */
static const char *
findings_of(struct scene *scene, const struct journal_head *remembered)
{
    static char text[2000];
    struct journal_report report;
    enum err err = verify(scene, remembered, &report);
    assert_err(err, report.n_findings ? ERR_CORRUPT : ERR_OK);
    size_t used = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < MIN(report.n_findings, JOURNAL_FINDINGS_MAX); i++) {
        const struct journal_finding *finding = &report.findings[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %d-%d", i ? ", " : "",
                                 journal_fault_name(finding->fault), (int)finding->first,
                                 (int)finding->last);
    }
    return text;
}

/* ---- forging: an event is written again with the hash that its content gives */

struct copy {
    struct journal_event event;
    char *texts[4];
};

static bool
copy_event(void *arg, const struct journal_event *event)
{
    struct copy *copy = arg;
    copy->event = *event;
    copy->event.site = "substation-a";
    copy->event.type = copy->texts[0] = xstrdup(event->type);
    copy->event.object = copy->texts[1] = xstrdup(event->object);
    copy->event.actor = copy->texts[2] = xstrdup(event->actor);
    copy->event.body = copy->texts[3] = xstrdup(event->body);
    return false;
}

static struct copy
load_event(const char *path, uint64_t seq)
{
    struct copy copy = {.event.seq = 0};
    struct journal_reader *reader;
    assert_ok(journal_reader_open(path, &reader, NULL));
    assert_ok(
        journal_reader_read(reader, &(struct journal_query){.from = seq}, copy_event, &copy, NULL));
    assert_int_equal(copy.event.seq, seq);
    journal_reader_close(reader);
    return copy;
}

static void
free_copy(struct copy *copy)
{
    for (size_t i = 0; i < ARRAY_SIZE(copy->texts); i++)
        free(copy->texts[i]);
}

static void
rehash(struct journal_event *event)
{
    struct journal_hasher hasher;
    journal_hasher_init(&hasher);
    journal_event_hash(&hasher, event, event->hash);
    journal_hasher_fini(&hasher);
}

static void
store_event(const char *path, const struct journal_event *event)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "INSERT OR REPLACE INTO event(seq, epoch, time, type, object, actor, "
                           "prev_hash, hash, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           -1, &insert, NULL),
        SQLITE_OK);
    sqlite3_bind_int64(insert, 1, (int64_t)event->seq);
    sqlite3_bind_int64(insert, 2, (int64_t)event->epoch);
    sqlite3_bind_int64(insert, 3, event->time);
    sqlite3_bind_text(insert, 4, event->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, event->object, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, event->actor, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 7, event->prev_hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 8, event->hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(insert, 9, event->body, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

typedef void change_fn(struct journal_event *);

static void
forge_event(const char *path, uint64_t seq, change_fn *change)
{
    struct copy copy = load_event(path, seq);
    change(&copy.event);
    copy.event.body_size = strlen(copy.event.body);
    rehash(&copy.event);
    store_event(path, &copy.event);
    free_copy(&copy);
}

static void
change_body(struct journal_event *event)
{
    event->body = "{\"number\":\"forged\"}";
}

static void
change_time(struct journal_event *event)
{
    event->time -= 5 * NSEC_PER_SEC;
}

static void
change_epoch(struct journal_event *event)
{
    event->epoch = 0;
}

static void
change_nothing(struct journal_event *event UNUSED)
{
}

static void
store_head(const char *path, const struct journal_event *last)
{
    sqlite3 *db;
    sqlite3_stmt *update;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "UPDATE head SET seq = ?, hash = ?", -1, &update, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(update, 1, (int64_t)last->seq);
    sqlite3_bind_blob(update, 2, last->hash, JOURNAL_HASH_SIZE, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(update), SQLITE_DONE);
    sqlite3_finalize(update);
    sqlite3_close(db);
}

/* Changes one event and everything behind it, so that nothing in the file gives it away. */
static void
forge_history(const char *path, uint64_t seq, change_fn *change)
{
    uint8_t hash[JOURNAL_HASH_SIZE];
    for (uint64_t i = seq; i <= N_EVENTS; i++) {
        struct copy copy = load_event(path, i);
        if (i > seq)
            memcpy(copy.event.prev_hash, hash, sizeof hash);
        (i == seq ? change : change_nothing)(&copy.event);
        copy.event.body_size = strlen(copy.event.body);
        rehash(&copy.event);
        memcpy(hash, copy.event.hash, sizeof hash);
        store_event(path, &copy.event);
        if (i == N_EVENTS)
            store_head(path, &copy.event);
        free_copy(&copy);
    }
}

static struct journal_head
remember(const char *path, uint64_t seq)
{
    struct copy copy = load_event(path, seq);
    struct journal_head head = {.seq = seq};
    memcpy(head.hash, copy.event.hash, sizeof head.hash);
    free_copy(&copy);
    return head;
}

/* ---- the tests */

static void
an_untouched_journal_is_sound_and_described(void **state)
{
    struct scene *scene = *state;
    struct journal_report report;
    make_journal(scene, N_EVENTS);
    struct journal_head last = remember(scene->path, N_EVENTS);
    struct journal_head early = remember(scene->path, 3);
    assert_ok(verify(scene, &last, &report));
    assert_ok(verify(scene, &early, &report));
    assert_int_equal(report.n_events, N_EVENTS);
    assert_string_equal(report.identity.site, "substation-a");
    assert_int_equal(report.head.seq, N_EVENTS);
    assert_int_equal(report.head.epoch, 1);
    assert_memory_equal(report.head.hash, last.hash, JOURNAL_HASH_SIZE);
}

static void
each_way_to_tamper_with_sql_is_found_and_named(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *sql, *findings;
    } cases[] = {
        {"UPDATE event SET body = '{\"number\":5}' WHERE seq = 4", "changed 4-4"},
        {"UPDATE event SET body = body || ' ' WHERE seq = 10", "changed 10-10"},
        {"UPDATE event SET type = 'circuit.approved' WHERE seq = 1", "changed 1-1"},
        {"UPDATE event SET object = 'circuit/5' WHERE seq = 4", "changed 4-4"},
        {"UPDATE event SET actor = 'bob' WHERE seq = 4", "changed 4-4"},
        {"UPDATE event SET time = time + 1 WHERE seq = 4", "changed 4-4"},
        {"UPDATE event SET prev_hash = zeroblob(32) WHERE seq = 4", "changed 4-4"},
        {"UPDATE event SET hash = zeroblob(32) WHERE seq = 4", "changed 4-4, replaced 4-4"},
        {"UPDATE event SET epoch = 2 WHERE seq = 4", "changed 4-4, backwards 5-5"},
        {"UPDATE event SET time = time - 5000000000 WHERE seq = 4", "changed 4-4, backwards 4-4"},
        /* removed */
        {"DELETE FROM event WHERE seq = 4", "missing 4-4"},
        {"DELETE FROM event WHERE seq IN (1, 4, 5, 6)", "missing 1-1, missing 4-6"},
        {"DELETE FROM event WHERE seq >= 9", "truncated 9-10"},
        {"DELETE FROM event", "truncated 1-10"},
        /* reordered */
        {"UPDATE event SET seq = 100 WHERE seq = 4; UPDATE event SET seq = 4 WHERE seq = 7;"
         "UPDATE event SET seq = 7 WHERE seq = 100",
         "changed 4-4, replaced 4-4, backwards 5-5, changed 7-7, backwards 7-7, replaced 7-7"},
        /* numbered anew, so that nothing seems to be missing */
        {"UPDATE event SET seq = 11 WHERE seq = 10", "missing 10-10, changed 11-11, added 11-11"},
        {"DELETE FROM event WHERE seq = 9; UPDATE event SET seq = 9 WHERE seq = 10;"
         "UPDATE head SET seq = 9",
         "changed 9-9"},
        /* inserted */
        {"INSERT INTO event SELECT 11, epoch, time, type, object, actor, prev_hash, hash, body "
         "FROM event WHERE seq = 10",
         "changed 11-11, added 11-11"},
        {"INSERT INTO event SELECT 0, epoch, time, type, object, actor, prev_hash, hash, body "
         "FROM event WHERE seq = 1",
         "added 0-0, changed 0-0, foreign 1-1"},
        {"INSERT INTO event SELECT -1, epoch, time, type, object, actor, prev_hash, hash, body "
         "FROM event WHERE seq = 1",
         "damaged 1-1"},
        /* what stands beside the events */
        {"UPDATE head SET seq = 8", "added 9-10"},
        {"UPDATE head SET seq = 12", "truncated 11-12"},
        {"UPDATE head SET hash = zeroblob(32)", "replaced 10-10"},
        {"UPDATE head SET hash = x'00'", "damaged 11-11"},
        {"DELETE FROM head", "damaged 11-11"},
        {"UPDATE journal SET created = created + 1", "foreign 1-1"},
        {"UPDATE journal SET id = zeroblob(16)", "foreign 1-1"},
        {"UPDATE journal SET epoch = 2", "foreign 1-1, backwards 1-1"},
        {"UPDATE journal SET id = zeroblob(15)", "damaged 1-1"},
        {"DELETE FROM journal", "damaged 1-1"},
        /* what cannot be an event */
        {"UPDATE event SET hash = zeroblob(31) WHERE seq = 4", "damaged 4-4"},
        {"UPDATE event SET actor = 'ali' || char(0) || 'ce' WHERE seq = 4", "damaged 4-4"},
        {"UPDATE event SET time = -1 WHERE seq = 4", "damaged 4-4"},
        {"UPDATE event SET object = hex(zeroblob(129)) WHERE seq = 4", "damaged 4-4"},
    };
    size_t size;
    make_journal(scene, N_EVENTS);
    uint8_t *sound = read_file(scene->path, &size);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_file(scene->path, sound, size);
        run_sql(scene->path, cases[i].sql);
        const char *found = findings_of(scene, NULL);
        if (strcmp(found, cases[i].findings))
            fail_msg("%s: found: %s", cases[i].sql, found);
    }
    free(sound);
}

static void
another_site_makes_every_event_another(void **state)
{
    struct scene *scene = *state;
    struct journal_report report;
    make_journal(scene, N_EVENTS);
    run_sql(scene->path, "UPDATE journal SET site = 'substation-b'");
    assert_err(verify(scene, NULL, &report), ERR_CORRUPT);
    assert_int_equal(report.n_findings, N_EVENTS);
}

static void
a_record_with_a_hash_of_its_own_is_found_by_the_next(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    forge_event(scene->path, 4, change_body);
    assert_string_equal(findings_of(scene, NULL), "replaced 4-4");
}

static void
a_last_record_with_a_hash_of_its_own_is_found_by_the_head(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    forge_event(scene->path, N_EVENTS, change_body);
    assert_string_equal(findings_of(scene, NULL), "replaced 10-10");
}

static void
a_rewritten_history_is_found_only_by_who_remembers(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    struct journal_head before = remember(scene->path, 3);
    struct journal_head middle = remember(scene->path, 6);
    struct journal_head last = remember(scene->path, N_EVENTS);
    forge_history(scene->path, 4, change_body);
    assert_string_equal(findings_of(scene, NULL), "");
    assert_string_equal(findings_of(scene, &before), "");
    assert_string_equal(findings_of(scene, &middle), "forked 6-6");
    assert_string_equal(findings_of(scene, &last), "forked 10-10");
}

static void
a_tail_cut_off_with_its_head_is_found_only_by_who_remembers(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    struct journal_head last = remember(scene->path, N_EVENTS);
    struct copy eighth = load_event(scene->path, 8);
    run_sql(scene->path, "DELETE FROM event WHERE seq > 8");
    store_head(scene->path, &eighth.event);
    assert_string_equal(findings_of(scene, NULL), "");
    assert_string_equal(findings_of(scene, &last), "truncated 9-10");
    free_copy(&eighth);
}

static void
a_well_chained_time_that_runs_backwards_is_found(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    forge_history(scene->path, 8, change_time);
    assert_string_equal(findings_of(scene, NULL), "backwards 8-8");
}

static void
a_well_chained_epoch_that_runs_backwards_is_found(void **state)
{
    struct scene *scene = *state;
    make_journal(scene, N_EVENTS);
    forge_history(scene->path, 8, change_epoch);
    assert_string_equal(findings_of(scene, NULL), "backwards 8-8");
}

static void
findings_say_what_is_wrong(void **state)
{
    struct scene *scene = *state;
    struct journal_report report;
    make_journal(scene, N_EVENTS);
    run_sql(scene->path, "UPDATE event SET hash = x'" /* 32 octets */
                         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'"
                         " WHERE seq = 3; DELETE FROM event WHERE seq IN (6, 7)");
    assert_err(verify(scene, NULL, &report), ERR_CORRUPT);
    assert_int_equal(report.n_findings, 3);
    assert_non_null(strstr(report.findings[0].text, "event 3 changed: its content has the hash "));
    assert_non_null(strstr(report.findings[0].text, "..., stored is 0011223344556677..."));
    assert_non_null(strstr(report.findings[1].text, "event 3 replaced: the next one follows "));
    assert_string_equal(report.findings[2].text, "events 6 to 7 missing: event 8 comes next");
}

static void
findings_beyond_the_reports_room_are_counted(void **state)
{
    struct scene *scene = *state;
    struct journal_report report;
    make_journal(scene, 100);
    run_sql(scene->path, "UPDATE event SET actor = 'bob'");
    assert_err(verify(scene, NULL, &report), ERR_CORRUPT);
    assert_int_equal(report.n_findings, 100);
    assert_int_equal(report.findings[JOURNAL_FINDINGS_MAX - 1].first, JOURNAL_FINDINGS_MAX);
}

/* Hashes of all events as read, in `text`. */
static bool
print_hash(void *arg, const struct journal_event *event)
{
    buf_put(arg, event->hash, JOURNAL_HASH_SIZE);
    return true;
}

static enum err
read_hashes(const char *path, struct buf *hashes)
{
    struct journal_reader *reader;
    enum err err = journal_reader_open(path, &reader, NULL);
    buf_clear(hashes);
    if (err)
        return err;
    err = journal_reader_read(reader, &(struct journal_query){0}, print_hash, hashes, NULL);
    journal_reader_close(reader);
    return err;
}

/* One octet anywhere in the file: either somebody notices, or all the events are still what they
 * were (it was in free space). And nobody crashes. */
static void
a_flipped_octet_is_found_or_harmless(void **state)
{
    struct scene *scene = *state;
    struct buf sound_hashes = BUF_INIT, hashes = BUF_INIT;
    struct journal_report report;
    unsigned n_found = 0, seed = 1;
    size_t size;
    make_journal(scene, N_EVENTS);
    uint8_t *data = read_file(scene->path, &size);
    assert_ok(read_hashes(scene->path, &sound_hashes));
    for (unsigned i = 0; i < 2000; i++) {
        size_t at = (size_t)rand_r(&seed) % size;
        uint8_t flip = (uint8_t)(1 + rand_r(&seed) % 255);
        data[at] ^= flip;
        write_file(scene->path, data, size);
        data[at] ^= flip;
        if (journal_verify(scene->path, NULL, &report, NULL)) {
            n_found++;
            continue;
        }
        assert_ok(read_hashes(scene->path, &hashes));
        assert_int_equal(hashes.size, sound_hashes.size);
        assert_memory_equal(hashes.data, sound_hashes.data, hashes.size);
    }
    assert_true(n_found > 100);
    buf_fini(&sound_hashes);
    buf_fini(&hashes);
    free(data);
}

static void
a_file_cut_short_anywhere_is_found(void **state)
{
    struct scene *scene = *state;
    struct journal_report report;
    size_t size;
    make_journal(scene, 100);
    uint8_t *data = read_file(scene->path, &size);
    for (size_t cut = 0; cut < size; cut += 509) {
        write_file(scene->path, data, cut);
        enum err err = journal_verify(scene->path, NULL, &report, NULL);
        assert_true(err == ERR_CORRUPT || err == ERR_MALFORMED || (err == ERR_NOT_FOUND && !cut));
    }
    free(data);
}

struct parallel {
    const char *path;
    enum err err;
    uint64_t n_events;
    struct diag diag;
};

static void
verify_on_a_thread(void *arg)
{
    struct parallel *parallel = arg;
    struct journal_report *report = xmalloc(sizeof *report);
    for (unsigned i = 0; i < 50 && !parallel->err; i++) {
        parallel->err = journal_verify(parallel->path, NULL, report, &parallel->diag);
        parallel->n_events = report->n_events;
    }
    free(report);
}

static void
a_journal_is_verified_while_it_is_written(void **state)
{
    struct scene *scene = *state;
    struct parallel parallel = {.path = scene->path};
    uv_thread_t thread;
    scene_open(scene);
    append_numbered(scene, 1, 1);
    assert_int_equal(uv_thread_create(&thread, verify_on_a_thread, &parallel), 0);
    for (unsigned i = 0; i < 100; i++)
        append_numbered(scene, 1, 50);
    uv_thread_join(&thread);
    if (parallel.err)
        fail_msg("%s", parallel.diag.text);
    assert_in_range(parallel.n_events, 1, 5001);
    assert_sound(scene->path, 5001);
}

TEST_MAIN(TEST_IN_SCENE(an_untouched_journal_is_sound_and_described),
          TEST_IN_SCENE(each_way_to_tamper_with_sql_is_found_and_named),
          TEST_IN_SCENE(another_site_makes_every_event_another),
          TEST_IN_SCENE(a_record_with_a_hash_of_its_own_is_found_by_the_next),
          TEST_IN_SCENE(a_last_record_with_a_hash_of_its_own_is_found_by_the_head),
          TEST_IN_SCENE(a_rewritten_history_is_found_only_by_who_remembers),
          TEST_IN_SCENE(a_tail_cut_off_with_its_head_is_found_only_by_who_remembers),
          TEST_IN_SCENE(a_well_chained_time_that_runs_backwards_is_found),
          TEST_IN_SCENE(a_well_chained_epoch_that_runs_backwards_is_found),
          TEST_IN_SCENE(findings_say_what_is_wrong),
          TEST_IN_SCENE(findings_beyond_the_reports_room_are_counted),
          TEST_IN_SCENE(a_flipped_octet_is_found_or_harmless),
          TEST_IN_SCENE(a_file_cut_short_anywhere_is_found),
          TEST_IN_SCENE(a_journal_is_verified_while_it_is_written))
