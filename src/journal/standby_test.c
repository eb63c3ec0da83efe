/* Waiting for a journal that another program writes, in a file. That of a database is waited for in
 * test/cli/takeover.py; and moved, in postgres_test.c. */
#include "journal/standby_testing.h"

#include <fcntl.h>

static void
it_reads_along_and_takes_its_turn_when_the_other_ends(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    scene_open(scene);
    append_numbered(scene, 1, 2);
    struct standby *standby = stand_by(scene, &w, "substation-a");
    RUN_UNTIL(scene->loop, w.n_heard == 2 && w.n_waits);
    assert_non_null(strstr(w.why, "in use by another writer"));
    append_numbered(scene, 3, 5);
    RUN_UNTIL(scene->loop, w.n_heard == 5);
    assert_int_equal(w.n_waits, 1); /* it says the same thing once */
    assert_int_equal(w.n_turns, 0);
    scene_close(scene);
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_ok(w.err);
    assert_int_equal(w.next, 6);
    standby_free(standby);
    scene->journal = w.journal;
    append_numbered(scene, 6, 6);
    assert_sound(scene->path, 6);
}

static void
where_there_is_no_journal_it_makes_one(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    struct standby *standby = stand_by(scene, &w, "substation-a");
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_ok(w.err);
    assert_int_equal(w.next, 1);
    standby_free(standby);
    scene->journal = w.journal;
    append_numbered(scene, 1, 1);
}

static void
what_waiting_does_not_cure_is_said_at_once(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    scene_open(scene);
    scene_close(scene);
    struct standby *standby = stand_by(scene, &w, "substation-b");
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_err(w.err, ERR_CONFLICT);
    assert_null(w.journal);
    assert_non_null(strstr(w.why, "the journal of site substation-a"));
    standby_free(standby);
}

static void
it_may_be_ended_while_it_waits(void **state)
{
    struct scene *scene = *state;
    struct waiting w = {0};
    scene_open(scene);
    struct standby *standby = stand_by(scene, &w, "substation-a");
    RUN_UNTIL(scene->loop, w.n_waits);
    standby_free(standby);
    standby_free(NULL);
    scene_close(scene);
    run_turns(scene->loop, 10);
    assert_int_equal(w.n_turns, 0);
}

static void
exchange(const char *a, const char *b)
{
    assert_int_equal(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE), 0);
}

/* It has heard three events when another journal is put in the place, with the events `first` to
 * `last` (0: there is none): its third, if there is one at all, is another. */
static void
is_not_taken(struct scene *scene, unsigned first, unsigned last)
{
    struct waiting w = {0};
    struct test_dir other = test_dir_make();
    if (last) {
        scene_open(scene);
        append_numbered(scene, first, last);
        scene_close(scene);
    }
    exchange(scene->dir.path, other.path);
    scene_open(scene);
    append_numbered(scene, 1, 3);
    struct standby *standby = stand_by(scene, &w, "substation-a");
    RUN_UNTIL(scene->loop, w.n_heard == 3 && w.n_waits);
    exchange(scene->dir.path, other.path); /* its writer goes on, where nobody looks any more */
    RUN_UNTIL(scene->loop, w.n_turns);
    assert_not_the_one_before(&w, 3);
    standby_free(standby);
    scene_close(scene);
    test_dir_remove(&other);
}

static void
a_journal_without_the_last_event_that_was_heard_is_not_taken(void **state)
{
    is_not_taken(*state, 1, 2);
}

static void
nor_one_with_another_in_its_place(void **state)
{
    is_not_taken(*state, 11, 13);
}

static void
nor_a_new_one(void **state)
{
    is_not_taken(*state, 0, 0);
}

TEST_MAIN(TEST_IN_SCENE(it_reads_along_and_takes_its_turn_when_the_other_ends),
          TEST_IN_SCENE(where_there_is_no_journal_it_makes_one),
          TEST_IN_SCENE(what_waiting_does_not_cure_is_said_at_once),
          TEST_IN_SCENE(it_may_be_ended_while_it_waits),
          TEST_IN_SCENE(a_journal_without_the_last_event_that_was_heard_is_not_taken),
          TEST_IN_SCENE(nor_one_with_another_in_its_place), TEST_IN_SCENE(nor_a_new_one))
