/* The file of checkpoints, torn and damaged; and what a journal is found to be by it. */
#include "journal/checkpoint_log.h"

#include "journal/evidence.h"
#include "journal/testing.h"
#include "journal/verify_checkpoints.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#define EVENTS 40

struct bench {
    struct scene scene;
    char path[TEST_PATH_SIZE]; /* of the log */
    EVP_PKEY *site, *centre, *stranger;
    struct content_trust *trust;
    char *notes[EVENTS + 1]; /* of the first N events, as far as they were made */
};

static EVP_PKEY *
new_key(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(key);
    return key;
}

static void
append(const struct scene *scene, const char *actor)
{
    struct journal *journal;
    struct diag diag = {""};
    if (journal_open(NULL, scene->path, &scene_config, &journal, &diag))
        fail_msg("%s", diag.text);
    const struct journal_entry entry = {"circuit.built", "circuit/x", actor, "{}", 0};
    assert_ok(journal_append_sync(journal, &entry, 1, NULL, &diag));
    journal_close(journal, NULL, NULL);
}

/* A note of what is there, countersigned or not. */
static char *
note_now(struct bench *b, EVP_PKEY *key, bool countersigned)
{
    struct evidence_log *log;
    struct checkpoint c;
    struct diag diag = {""};
    struct buf note = BUF_INIT;
    assert_ok(evidence_log_open(b->scene.path, &log, &diag));
    assert_ok(evidence_log_checkpoint(log, &c, &diag));
    evidence_log_close(log);
    assert_ok(checkpoint_sign(&c, "substation-a", key, &note, &diag));
    if (countersigned)
        assert_ok(checkpoint_countersign(&note, "centre", b->centre, &diag));
    return buf_steal_cstr(&note);
}

static int
set_up(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct buf lines = BUF_INIT;
    struct diag diag = {""};
    b->scene.dir = test_dir_make();
    test_path(&b->scene.dir, "journal.db", b->scene.path);
    test_path(&b->scene.dir, "log", b->path);
    b->site = new_key();
    b->centre = new_key();
    b->stranger = new_key();
    note_put_verifier(&lines, "substation-a", b->site);
    buf_str(&lines, "\n");
    note_put_verifier(&lines, "centre", b->centre);
    assert_ok(content_trust_parse((char *)lines.data, lines.size, &b->trust, &diag));
    buf_fini(&lines);
    for (int n = 1; n <= EVENTS; n++) {
        append(&b->scene, "alice");
        if (n % 5 == 0)
            b->notes[n] = note_now(b, b->site, n % 10 == 0);
    }
    *state = b;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *b = *state;
    for (int n = 0; n <= EVENTS; n++)
        free(b->notes[n]);
    EVP_PKEY_free(b->site);
    EVP_PKEY_free(b->centre);
    EVP_PKEY_free(b->stranger);
    content_trust_free(b->trust);
    test_dir_remove(&b->scene.dir);
    free(b);
    return 0;
}

/* ---- The file ---- */

static void
count(void *arg, const char *note UNUSED, const struct checkpoint *c)
{
    uint64_t *told = arg;
    told[0]++;
    told[1] = c->size;
}

static struct checkpoint_log *
open_log(struct bench *b, uint64_t told[2])
{
    struct checkpoint_log *log;
    struct diag diag = {""};
    told[0] = told[1] = 0;
    if (checkpoint_log_open(b->path, count, told, &log, &diag))
        fail_msg("%s", diag.text);
    return log;
}

static void
write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void
put(struct buf *text, const char *note)
{
    buf_printf(text, "%s\n", note);
}

static void
what_is_torn_is_cut_off(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT;
    struct diag diag = {""};
    uint64_t told[2];
    put(&text, b->notes[5]);
    size_t first = text.size;
    put(&text, b->notes[10]);
    for (size_t size = 0; size <= text.size; size++) {
        write_file(b->path, text.data, size);
        checkpoint_log_close(open_log(b, told));
        uint64_t whole = size == text.size ? 2 : size >= first ? 1 : 0;
        assert_int_equal(told[0], whole);
        struct checkpoint_log *log = open_log(b, told);
        assert_int_equal(told[0], whole);
        assert_ok(checkpoint_log_append(log, b->notes[15], strlen(b->notes[15]), &diag));
        checkpoint_log_close(log);
        checkpoint_log_close(open_log(b, told));
        assert_int_equal(told[0], whole + 1);
        assert_int_equal(told[1], 15);
    }
    buf_fini(&text);
}

static void
what_is_damaged_is_left_as_it_is(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct checkpoint_log *log;
    uint64_t told[2] = {0, 0};
    struct diag diag = {""};
    put(&text, b->notes[5]);
    size_t first = text.size;
    put(&text, b->notes[10]);
    text.data[first - 1] = 'x'; /* the empty line between the two */
    write_file(b->path, text.data, text.size);
    assert_err(checkpoint_log_open(b->path, count, told, &log, &diag), ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "no checkpoint at octet 0"));
    assert_ok(checkpoint_log_read(b->path, &again, &diag));
    assert_int_equal(again.size, text.size);
    assert_memory_equal(again.data, text.data, text.size);
    buf_fini(&text);
    buf_fini(&again);
}

/* ---- A journal by its checkpoints ---- */

static struct checkpoints_report *
verify(struct bench *b, struct buf *text, const struct content_trust *trust)
{
    struct checkpoints_report *report = xcalloc(1, sizeof *report);
    struct diag diag = {""};
    enum err err = journal_verify_checkpoints(b->scene.path, (char *)text->data, text->size, trust,
                                              report, &diag);
    assert_err(err, report->n_findings ? ERR_CORRUPT : ERR_OK);
    buf_fini(text);
    return report;
}

static void
assert_one(struct checkpoints_report *report, enum checkpoint_fault fault, uint64_t first,
           uint64_t last)
{
    assert_int_equal(report->n_findings, 1);
    assert_string_equal(checkpoint_fault_name(report->findings[0].fault),
                        checkpoint_fault_name(fault));
    assert_int_equal(report->findings[0].first, first);
    assert_int_equal(report->findings[0].last, last);
    free(report);
}

static void
all_notes(struct bench *b, struct buf *text)
{
    for (int n = 5; n <= EVENTS; n += 5)
        put(text, b->notes[n]);
}

static void
a_sound_journal_agrees(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT;
    all_notes(b, &text);
    all_notes(b, &text); /* twice is nothing new */
    struct checkpoints_report *report = verify(b, &text, b->trust);
    assert_int_equal(report->n_findings, 0);
    assert_int_equal(report->n_checkpoints, EVENTS / 5);
    assert_int_equal(report->n_countersigned, EVENTS / 10);
    assert_int_equal(report->agreed, EVENTS);
    assert_int_equal(report->countersigned, EVENTS);
    free(report);
}

/* Keeps the first `n` events, and `more` others behind them; the hashes are right. */
static void
fork_journal(struct bench *b, unsigned n, unsigned more)
{
    char *command = xasprintf(
        "sqlite3 '%s' 'DELETE FROM event WHERE seq > %u; UPDATE head SET seq = %u, "
        "hash = (SELECT hash FROM event WHERE seq = %u)'",
        b->scene.path, n, n, n);
    assert_int_equal(system(command), 0);
    free(command);
    while (more--)
        append(&b->scene, "mallory");
}

static void
what_was_cut_off_is_found(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT;
    fork_journal(b, 23, 0);
    all_notes(b, &text);
    assert_one(verify(b, &text, b->trust), CHECKPOINT_TRUNCATED, 24, EVENTS);
}

static void
what_was_written_anew_is_found(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT;
    fork_journal(b, 23, EVENTS - 23);
    all_notes(b, &text);
    assert_one(verify(b, &text, b->trust), CHECKPOINT_DIFFERS, 21, 25);
    all_notes(b, &text);
    assert_one(verify(b, &text, NULL), CHECKPOINT_DIFFERS, 21, 25);
    char *note = note_now(b, b->site, false); /* the site signs that, too */
    all_notes(b, &text);
    put(&text, note);
    free(note);
    struct checkpoints_report *report = verify(b, &text, b->trust);
    assert_int_equal(report->n_findings, 2);
    assert_int_equal(report->findings[0].fault, CHECKPOINT_FORKED);
    assert_int_equal(report->findings[0].size, EVENTS);
    assert_true(report->findings[0].is_countersigned);
    assert_int_equal(report->findings[1].fault, CHECKPOINT_DIFFERS);
    free(report);
}

static void
what_is_no_sound_checkpoint_is_told(void **state)
{
    struct bench *b = *state;
    struct buf text = BUF_INIT;
    char *note = note_now(b, b->stranger, true);
    put(&text, note);
    free(note);
    assert_one(verify(b, &text, b->trust), CHECKPOINT_UNSIGNED, 0, 0);
    buf_printf(&text, "%s\nnothing\n", b->notes[5]);
    assert_one(verify(b, &text, b->trust), CHECKPOINT_DAMAGED, 0, 0);
    char *command = xasprintf("rm '%s'", b->scene.path);
    assert_int_equal(system(command), 0);
    free(command);
    append(&b->scene, "alice");
    put(&text, b->notes[5]);
    assert_one(verify(b, &text, b->trust), CHECKPOINT_FOREIGN, 0, 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(what_is_torn_is_cut_off, set_up, tear_down),
          cmocka_unit_test_setup_teardown(what_is_damaged_is_left_as_it_is, set_up, tear_down),
          cmocka_unit_test_setup_teardown(a_sound_journal_agrees, set_up, tear_down),
          cmocka_unit_test_setup_teardown(what_was_cut_off_is_found, set_up, tear_down),
          cmocka_unit_test_setup_teardown(what_was_written_anew_is_found, set_up, tear_down),
          cmocka_unit_test_setup_teardown(what_is_no_sound_checkpoint_is_told, set_up, tear_down))
