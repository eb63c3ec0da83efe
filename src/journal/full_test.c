/* The disk is full, for real: a limit on the size of files, and a small tmpfs. What did not fit is
 * not there, what was acknowledged is, and with room again the journal goes on by itself. */
#include "journal/sqlite_testing.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* An entry about `object` with a body of `size` octets; the body is static. */
static struct journal_entry
entry_of_size(const char *object, size_t size)
{
    static char body[1 << 20];
    assert_true(size < sizeof body);
    memset(body, ' ', size);
    memcpy(body, "{}", 2);
    body[size] = '\0';
    return (struct journal_entry){"circuit.designed", object, "alice", body, 0};
}

static bool
count_event(void *arg, const struct journal_event *event UNUSED)
{
    ++*(uint64_t *)arg;
    return true;
}

static uint64_t
n_events_about(struct scene *scene, const char *object)
{
    uint64_t n = 0;
    assert_ok(journal_read(scene->journal, &(struct journal_query){.object = object}, count_event,
                           &n, NULL));
    return n;
}

static void
assert_healthy(struct scene *scene, bool healthy)
{
    struct journal_health health = journal_health(scene->journal);
    assert_err(health.err, healthy ? ERR_OK : ERR_IO);
    assert_int_equal(health.why[0] == '\0', healthy);
    if (!healthy)
        assert_true(health.since > 0);
}

/* ---- a limit on the size of files: EFBIG */

/* No file may grow beyond `size` octets; RLIM_INFINITY: any may. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIN(size, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_batch_that_does_not_fit_fails_and_later_ones_succeed(void **state)
{
    struct scene *scene = *state;
    struct journal_entry small = entry_of_size("circuit/small", 100);
    scene_open(scene);
    assert_ok(append_and_wait(scene, &small, 1).err);
    limit_files(200000);
    struct journal_entry large = entry_of_size("circuit/large", 300000);
    struct outcome outcome = append_and_wait(scene, &large, 1);
    assert_err(outcome.err, ERR_IO);
    assert_int_equal(outcome.first_seq, 0);
    assert_non_null(strstr(outcome.why, "journal.db: append: "));
    assert_non_null(strstr(outcome.why, "disk I/O error (writing)"));
    assert_healthy(scene, false);
    assert_int_equal(journal_health(scene->journal).n_failed, 1);
    limit_files(RLIM_INFINITY);
    large = entry_of_size("circuit/large", 300000);
    assert_int_equal(append_and_wait(scene, &large, 1).first_seq, 2);
    assert_healthy(scene, true);
    assert_int_equal(journal_health(scene->journal).n_failed, 1);
    assert_int_equal(n_events_about(scene, "circuit/large"), 1);
    assert_sound(scene->path, 2);
}

static void
a_batch_too_large_does_not_take_its_neighbours_with_it(void **state)
{
    struct scene *scene = *state;
    static const char *const objects[] = {"circuit/1", "circuit/large", "circuit/3"};
    struct outcome outcomes[3] = {{0}};
    scene_open(scene);
    append_numbered(scene, 1, 1);
    limit_files(200000);
    for (size_t i = 0; i < 3; i++) {
        struct journal_entry entry = entry_of_size(objects[i], i == 1 ? 300000 : 100);
        assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcomes[i], NULL));
    }
    RUN_UNTIL(scene->loop, outcomes[2].n_calls);
    limit_files(RLIM_INFINITY);
    assert_int_equal(outcomes[0].first_seq, 2);
    assert_err(outcomes[1].err, ERR_IO);
    assert_int_equal(outcomes[2].first_seq, 3);
    assert_healthy(scene, true);
    assert_sound(scene->path, 3);
}

static void
health_says_since_when(void **state)
{
    struct scene *scene = *state;
    struct journal_entry large = entry_of_size("circuit/large", 300000);
    scene_open(scene);
    append_numbered(scene, 1, 1);
    limit_files(200000);
    assert_err(append_and_wait(scene, &large, 1).err, ERR_IO);
    nsec_t since = journal_health(scene->journal).since;
    assert_err(append_and_wait(scene, &large, 1).err, ERR_IO);
    limit_files(RLIM_INFINITY);
    assert_true(since > 0);
    assert_int_equal(journal_health(scene->journal).since, since);
    assert_int_equal(journal_health(scene->journal).n_failed, 2);
}

/* The file has no room for what is in the log, the log has: it grows, and nothing fails yet. */
static void
a_log_that_cannot_be_tidied_up_is_said(void **state)
{
    struct scene *scene = *state;
    struct journal_entry large = entry_of_size("circuit/large", 500000);
    struct stat st;
    scene_open(scene);
    for (unsigned i = 0; i < 20; i++)
        assert_ok(append_and_wait(scene, &large, 1).err);
    assert_int_equal(stat(scene->path, &st), 0);
    assert_true(st.st_size > 6 << 20);
    limit_files((rlim_t)st.st_size + 10000);
    for (unsigned i = 0; i < 10; i++)
        assert_ok(append_and_wait(scene, &large, 1).err);
    append_numbered(scene, 1, 1); /* what failed behind one append is known by the next */
    assert_healthy(scene, false);
    assert_non_null(strstr(journal_health(scene->journal).why, "journal.db: checkpoint: "));
    assert_int_equal(journal_health(scene->journal).n_failed, 0);
    limit_files(RLIM_INFINITY);
    append_numbered(scene, 2, 2);
    append_numbered(scene, 3, 3);
    assert_healthy(scene, true);
    assert_sound(scene->path, 33);
}

/* ---- a small tmpfs: ENOSPC */

/* The mount is in a namespace of this process's own, and so goes with it in any case. */
static bool
mount_small(struct scene *scene, const char *size)
{
    static bool separate;
    char options[32];
    snprintf(options, sizeof options, "size=%s", size);
    if (!separate && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))) {
        print_message("SKIPPED: no mount namespace (not root?)\n");
        return false;
    }
    separate = true;
    assert_int_equal(mount("tieline-test", scene->dir.path, "tmpfs", 0, options), 0);
    return true;
}

static void
resize_small(struct scene *scene, const char *size)
{
    char options[32];
    snprintf(options, sizeof options, "size=%s", size);
    assert_int_equal(mount(NULL, scene->dir.path, NULL, MS_REMOUNT, options), 0);
}

static void
unmount_small(struct scene *scene)
{
    assert_int_equal(umount2(scene->dir.path, MNT_DETACH), 0);
}

/* Takes all the room that is left, up to the last octet. */
static void
fill_disk(struct scene *scene, const char *name)
{
    static const char zeros[4096];
    char path[TEST_PATH_SIZE];
    FILE *file = fopen(test_path(&scene->dir, name, path), "w");
    assert_non_null(file);
    setbuf(file, NULL);
    while (fwrite(zeros, 1, sizeof zeros, file) == sizeof zeros)
        ;
    fclose(file);
}

static void
free_disk(struct scene *scene, const char *name)
{
    char path[TEST_PATH_SIZE];
    assert_int_equal(unlink(test_path(&scene->dir, name, path)), 0);
}

/* Appends batches of three until one fails; how many events were acknowledged before. */
static uint64_t
append_until_full(struct scene *scene, struct outcome *failed)
{
    struct journal_entry entry = entry_of_size("circuit/filler", 8000);
    struct journal_entry batch[] = {entry, entry, entry};
    for (uint64_t n = 0;; n += 3) {
        *failed = append_and_wait(scene, batch, 3);
        if (failed->err)
            return n;
    }
}

static void
a_full_disk_costs_nothing_that_was_acknowledged(void **state)
{
    struct scene *scene = *state;
    struct outcome failed;
    if (!mount_small(scene, "6m"))
        skip();
    scene_open(scene);
    uint64_t n_acknowledged = append_until_full(scene, &failed);
    assert_err(failed.err, ERR_IO);
    assert_non_null(strstr(failed.why, "database or disk is full"));
    assert_healthy(scene, false);
    assert_true(n_acknowledged > 100);
    assert_int_equal(n_events_about(scene, "circuit/filler"), n_acknowledged);
    assert_sound(scene->path, n_acknowledged);

    resize_small(scene, "32m");
    append_numbered(scene, 1, 3);
    append_numbered(scene, 4, 6); /* the log has been tidied up in between */
    assert_healthy(scene, true);
    assert_sound(scene->path, n_acknowledged + 6);
    scene_close(scene);
    assert_sound(scene->path, n_acknowledged + 6);
    unmount_small(scene);
}

static void
a_disk_that_is_full_again_and_again_leaves_one_whole_chain(void **state)
{
    struct scene *scene = *state;
    uint64_t n_acknowledged = 0;
    struct outcome failed;
    if (!mount_small(scene, "16m"))
        skip();
    scene_open(scene);
    for (unsigned i = 0; i < 20; i++) {
        fill_disk(scene, "filler");
        n_acknowledged += append_until_full(scene, &failed);
        free_disk(scene, "filler");
        append_numbered(scene, 1, 2);
        n_acknowledged += 2;
        assert_int_equal(journal_head(scene->journal)->seq, n_acknowledged);
        assert_sound(scene->path, n_acknowledged);
    }
    unmount_small(scene);
}

static void
a_journal_closed_on_a_full_disk_is_whole(void **state)
{
    struct scene *scene = *state;
    struct outcome failed;
    if (!mount_small(scene, "6m"))
        skip();
    scene_open(scene);
    uint64_t n_acknowledged = append_until_full(scene, &failed);
    fill_disk(scene, "filler");
    scene_close(scene);
    resize_small(scene, "32m");
    scene_open(scene);
    append_numbered(scene, 1, 1);
    assert_sound(scene->path, n_acknowledged + 1);
    unmount_small(scene);
}

static void
nothing_half_made_is_left_when_there_is_no_room_for_a_journal(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    if (!mount_small(scene, "1m"))
        skip();
    fill_disk(scene, "filler");
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &scene->journal, &diag),
               ERR_IO);
    assert_non_null(strstr(diag.text, scene->path));
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[TEST_PATH_SIZE + 8];
        snprintf(name, sizeof name, "%s%s", scene->path, suffixes[i]);
        assert_int_equal(access(name, F_OK), -1);
    }
    free_disk(scene, "filler");
    scene_open(scene);
    append_numbered(scene, 1, 1);
    assert_sound(scene->path, 1);
    unmount_small(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_SCENE(a_batch_that_does_not_fit_fails_and_later_ones_succeed),
        TEST_IN_SCENE(a_batch_too_large_does_not_take_its_neighbours_with_it),
        TEST_IN_SCENE(health_says_since_when),
        TEST_IN_SCENE(a_log_that_cannot_be_tidied_up_is_said),
        TEST_IN_SCENE(a_full_disk_costs_nothing_that_was_acknowledged),
        TEST_IN_SCENE(a_disk_that_is_full_again_and_again_leaves_one_whole_chain),
        TEST_IN_SCENE(a_journal_closed_on_a_full_disk_is_whole),
        TEST_IN_SCENE(nothing_half_made_is_left_when_there_is_no_room_for_a_journal),
    };
    signal(SIGXFSZ, SIG_IGN); /* as in the programs: the write fails with EFBIG instead */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
