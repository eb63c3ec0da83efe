#include "journal/evidence.h"

#include "journal/testing.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define EVENTS 21

static EVP_PKEY *
new_key(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(key);
    return key;
}

static void
append(const struct scene *scene, uint32_t n)
{
    struct journal *journal;
    struct diag diag = {""};
    if (journal_open(NULL, scene->path, &scene_config, &journal, &diag))
        fail_msg("%s", diag.text);
    for (uint32_t i = 0; i < n; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"number\":%u,\"text\":\"\xc3\xa4\"}", i);
        const struct journal_entry entry = {"circuit.built", "circuit/x", "alice", body, 0};
        assert_ok(journal_append_sync(journal, &entry, 1, NULL, &diag));
    }
    journal_close(journal, NULL, NULL);
}

static struct evidence_log *
open_log(const struct scene *scene)
{
    struct evidence_log *log;
    struct diag diag = {""};
    if (evidence_log_open(scene->path, &log, &diag))
        fail_msg("%s", diag.text);
    return log;
}

/* The signed checkpoint of what is there. */
static char *
note_of(const struct evidence_log *log, EVP_PKEY *key, struct checkpoint *c)
{
    struct buf note = BUF_INIT;
    struct diag diag = {""};
    assert_ok(evidence_log_checkpoint(log, c, &diag));
    assert_ok(checkpoint_sign(c, "substation-a", key, &note, &diag));
    return buf_steal_cstr(&note);
}

static json_t *
make(struct evidence_log *log, const struct evidence_notes *notes, uint64_t seq)
{
    json_t *evidence;
    struct diag diag = {""};
    if (evidence_make(log, notes, seq, seq, &evidence, &diag))
        fail_msg("%s", diag.text);
    return evidence;
}

static void
assert_check(const json_t *evidence, EVP_PKEY *key, enum err err)
{
    struct evidence_finding found;
    struct diag diag = {""};
    enum err is = evidence_check(evidence, "substation-a", key, &found, &diag);
    if (is != err)
        fail_msg("%s, not %s: %s", err_name(is), err_name(err), diag.text);
}

static void
events_are_proved_and_changes_found(void **state)
{
    static const char *const members[] = {"site", "type", "object", "actor", "body"};
    const struct scene *scene = *state;
    EVP_PKEY *key = new_key(), *other = new_key();
    struct evidence_notes notes = {NULL, NULL, {.size = 0}, {.size = 0}};
    append(scene, EVENTS);
    struct evidence_log *log = open_log(scene);
    char *note = note_of(log, key, &notes.now);
    notes.note = note;
    for (uint64_t seq = 1; seq <= notes.now.size; seq++) {
        json_t *evidence = make(log, &notes, seq);
        json_t *event = json_object_get(evidence, "event");
        assert_check(evidence, key, ERR_OK);
        assert_check(evidence, other, ERR_DENIED);
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
            json_t *was = json_incref(json_object_get(event, members[i]));
            json_object_set_new(event, members[i], json_string("{\"number\":77}"));
            assert_check(evidence, key, ERR_CORRUPT);
            json_object_set_new(event, members[i], was);
        }
        json_object_set_new(event, "seq", json_integer((json_int_t)(seq % notes.now.size + 1)));
        assert_check(evidence, key, ERR_CORRUPT);
        json_object_set_new(event, "seq", json_integer(-1));
        assert_check(evidence, key, ERR_MALFORMED);
        json_decref(evidence);
    }
    evidence_log_close(log);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    free(note);
}

/* What was there at a checkpoint is there later, too; what was cut off or forked is not. */
static void
checkpoints_hold_against_later_ones(void **state)
{
    struct scene *scene = *state;
    EVP_PKEY *key = new_key();
    struct evidence_notes notes = {NULL, NULL, {.size = 0}, {.size = 0}};
    struct diag diag = {""};
    append(scene, 5);
    struct evidence_log *log = open_log(scene);
    char *older = note_of(log, key, &notes.before);
    evidence_log_close(log);
    append(scene, EVENTS);
    log = open_log(scene);
    char *note = note_of(log, key, &notes.now);
    notes.note = note;
    notes.older = older;
    json_t *evidence = make(log, &notes, 7);
    assert_check(evidence, key, ERR_OK);
    json_t *list = json_object_get(json_object_get(evidence, "older"), "consistency");
    json_array_remove(list, 0);
    assert_check(evidence, key, ERR_CORRUPT);
    json_decref(evidence);
    /* The other way round, and events that came later. */
    struct evidence_notes wrong = {older, note, notes.before, notes.now};
    assert_err(evidence_make(log, &wrong, 0, 0, &evidence, &diag), ERR_CONFLICT);
    wrong.older = NULL;
    assert_err(
        evidence_make(log, &wrong, notes.before.size + 1, notes.before.size + 1, &evidence, &diag),
        ERR_NOT_FOUND);
    struct checkpoint later = notes.now;
    later.size++;
    assert_err(evidence_log_agrees(log, &later, &diag), ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "cut off"));
    later = notes.now;
    later.root.octets[0] ^= 1;
    assert_err(evidence_log_agrees(log, &later, &diag), ERR_CONFLICT);
    evidence_log_close(log);
    /* Another journal of the same site. */
    test_path(&scene->dir, "other.db", scene->path);
    append(scene, EVENTS);
    log = open_log(scene);
    assert_err(evidence_log_agrees(log, &notes.before, &diag), ERR_CONFLICT);
    evidence_log_close(log);
    EVP_PKEY_free(key);
    free(older);
    free(note);
}

static void
notes_are_read_strictly(void **state UNUSED)
{
    EVP_PKEY *key = new_key(), *witness = new_key();
    struct checkpoint c = {"tieline-journal/a/00", 12, {{7}}}, again;
    struct buf note = BUF_INIT;
    struct diag diag = {""};
    assert_err(checkpoint_sign(&c, "a b", key, &note, &diag), ERR_INVALID);
    assert_ok(checkpoint_sign(&c, "a", key, &note, &diag));
    assert_ok(checkpoint_countersign(&note, "centre", witness, &diag));
    assert_ok(checkpoint_open((char *)note.data, note.size, "a", key, &again, &diag));
    assert_string_equal(again.origin, c.origin);
    assert_int_equal(again.size, 12);
    assert_memory_equal(again.root.octets, c.root.octets, 32);
    assert_ok(checkpoint_open((char *)note.data, note.size, "centre", witness, &again, &diag));
    assert_err(checkpoint_open((char *)note.data, note.size, "centre", key, &again, &diag),
               ERR_DENIED);
    /* Whatever octet is another one, not both signatures hold; whatever is cut off, not the last.
     */
    for (size_t i = 0; i < note.size; i++) {
        note.data[i] ^= 4;
        bool first = !checkpoint_open((char *)note.data, note.size, "a", key, &again, NULL);
        bool second = !checkpoint_open((char *)note.data, note.size, "centre", witness, &again,
                                       NULL);
        note.data[i] ^= 4;
        assert_false(first && second);
        assert_true(checkpoint_open((char *)note.data, i, "centre", witness, &again, NULL));
    }
    buf_fini(&note);
    EVP_PKEY_free(key);
    EVP_PKEY_free(witness);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(events_are_proved_and_changes_found, scene_set_up,
                                          scene_tear_down),
          cmocka_unit_test_setup_teardown(checkpoints_hold_against_later_ones, scene_set_up,
                                          scene_tear_down),
          cmocka_unit_test(notes_are_read_strictly))
