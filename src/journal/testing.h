/* testing.h - what the journal's tests share: a place for a journal, and waiting for what is
 * appended to it. Static functions only. */
#ifndef JOURNAL_TESTING_H
#define JOURNAL_TESTING_H

#include "base/alloc.h"
#include "io/testing.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/verify.h"

struct scene {
    struct test_dir dir;
    char path[TEST_PATH_SIZE]; /* where the journal is, or will be */
    uv_loop_t *loop;
    struct journal *journal; /* NULL: not open */
};

static const struct journal_config scene_config UNUSED = {.site = "substation-a"};

static inline UNUSED void
note_closed(void *arg)
{
    *(bool *)arg = true;
}

static inline UNUSED void
scene_close(struct scene *scene)
{
    bool closed = false;
    journal_close(scene->journal, note_closed, &closed);
    RUN_UNTIL(scene->loop, closed);
    scene->journal = NULL;
}

static inline UNUSED void
scene_open_with(struct scene *scene, const struct journal_config *config)
{
    struct diag diag = {""};
    if (journal_open(scene->loop, scene->path, config, &scene->journal, &diag))
        fail_msg("%s", diag.text);
}

static inline UNUSED void
scene_open(struct scene *scene)
{
    scene_open_with(scene, &scene_config);
}

/* Where a scene's journal is to be, if not in a file of its directory; and what is to be done with
 * it afterwards. A driver's test may define these two before it includes this. */
#ifndef SCENE_PLACE
#define SCENE_PLACE(scene) test_path(&(scene)->dir, "journal.db", (scene)->path)
#define SCENE_CLEAR(scene) (void)(scene)
#endif

/* cmocka's set-up and tear-down of a test whose state is a scene, without a journal yet. */
static inline UNUSED int
scene_set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof *scene);
    scene->dir = test_dir_make();
    SCENE_PLACE(scene);
    scene->loop = test_loop_new();
    *state = scene;
    return 0;
}

static inline UNUSED int
scene_tear_down(void **state)
{
    struct scene *scene = *state;
    if (scene->journal)
        scene_close(scene);
    test_loop_free(scene->loop);
    SCENE_CLEAR(scene);
    test_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

#define TEST_IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)

/* What `done` was told. */
struct outcome {
    unsigned n_calls;
    enum err err;
    uint64_t first_seq;
    char why[sizeof(struct diag)];
};

static inline UNUSED void
keep_outcome(void *arg, enum err err, uint64_t first_seq, const char *why)
{
    struct outcome *outcome = arg;
    outcome->n_calls++;
    outcome->err = err;
    outcome->first_seq = first_seq;
    snprintf(outcome->why, sizeof outcome->why, "%s", why);
}

static inline UNUSED struct outcome
append_and_wait(struct scene *scene, const struct journal_entry *entries, size_t n)
{
    struct outcome outcome = {0};
    assert_ok(journal_append(scene->journal, entries, n, keep_outcome, &outcome, NULL));
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_int_equal(outcome.n_calls, 1);
    return outcome;
}

/* An entry about "circuit/NUMBER"; the texts are static and last for 64 calls. */
static inline UNUSED struct journal_entry
numbered_entry(unsigned number)
{
    static char objects[64][32], bodies[64][32];
    snprintf(objects[number % 64], 32, "circuit/%u", number);
    snprintf(bodies[number % 64], 32, "{\"number\":%u}", number);
    return (struct journal_entry){"circuit.designed", objects[number % 64], "alice",
                                  bodies[number % 64], 0};
}

/* Appends the entries `first` to `last` in one batch, durably. */
static inline UNUSED void
append_numbered(struct scene *scene, unsigned first, unsigned last)
{
    struct journal_entry entries[64];
    assert_true(last - first < ARRAY_SIZE(entries));
    for (unsigned i = first; i <= last; i++)
        entries[i - first] = numbered_entry(i);
    assert_ok(append_and_wait(scene, entries, last - first + 1).err);
}

/* The journal is sound and has so many events. */
static inline UNUSED void
assert_sound(const char *path, uint64_t n_events)
{
    struct journal_report report;
    struct diag diag = {""};
    if (journal_verify(path, NULL, &report, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(report.n_events, n_events);
    assert_int_equal(report.head.seq, n_events);
}

#endif
