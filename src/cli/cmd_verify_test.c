/* tieline journal verify, over journals that src/journal has written and somebody has changed. */
#include "cli/cmd.h"
#include "journal/sqlite_testing.h"

#include "base/testing.h"

/* Runs it; `head` may be NULL. The output is in `out`. */
static int
verify(const struct scene *scene, const char *head, bool as_json, struct buf *out)
{
    char *argv[] = {(char *)(uintptr_t) "tieline",        (char *)(uintptr_t) "journal",
                    (char *)(uintptr_t) "verify",         (char *)(uintptr_t) "--file",
                    (char *)(uintptr_t)scene->path,       (char *)(uintptr_t) "--head",
                    (char *)(uintptr_t)(head ? head : "")};
    struct cli cli = {.commands = &cli_commands, .json = as_json};
    assert_ok(cli_args_parse(&cli_commands, head ? 7 : 5, argv, &cli.args, NULL));
    assert_ptr_equal(cli.args.verb->handler, cmd_journal_verify);
    /* What goes to standard error takes what is in the buffer with it: read it before. */
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), pipes[2];
    assert_int_equal(pipe(pipes), 0);
    dup2(pipes[1], STDOUT_FILENO);
    int status = cmd_journal_verify(&cli);
    assert_int_equal(cli_flush(&cli), CLI_OK);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(pipes[1]);
    uint8_t chunk[4096];
    ssize_t n;
    buf_clear(out);
    while ((n = read(pipes[0], chunk, sizeof chunk)) > 0)
        buf_put(out, chunk, (size_t)n);
    close(pipes[0]);
    cli_args_fini(&cli.args);
    buf_fini(&cli.out);
    return status;
}

static void
write_ten(struct scene *scene)
{
    scene_open(scene);
    append_numbered(scene, 1, 10);
    scene_close(scene);
}

static void
a_sound_journal_is_sound(void **state)
{
    struct buf out = BUF_INIT;
    write_ten(*state);
    assert_int_equal(verify(*state, NULL, false, &out), CLI_OK);
    const char *expected = "sound: substation-a, 10 events, head 10:";
    assert_memory_equal(buf_cstr(&out), expected, strlen(expected));
    buf_fini(&out);
}

/* Whoever changes it, the seq is named, and the exit status is 1. */
static void
finds(void **state, const char *sql, const char *fault, uint64_t seq)
{
    struct buf out = BUF_INIT;
    struct scene *scene = *state;
    write_ten(scene);
    run_sql(scene->path, sql);
    assert_int_equal(verify(scene, NULL, false, &out), CLI_FAILED);
    char expected[64];
    snprintf(expected, sizeof expected, ": event %llu", (unsigned long long)seq);
    if (!strstr(buf_cstr(&out), expected) || !strstr(buf_cstr(&out), fault))
        fail_msg("%s", buf_cstr(&out));
    assert_int_equal(verify(scene, NULL, true, &out), CLI_FAILED);
    json_t *report = json_loadb(buf_cstr(&out), out.size, 0, NULL);
    assert_true(json_is_false(json_object_get(report, "ok")));
    const json_t *first = json_array_get(json_object_get(report, "findings"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "first")), seq);
    assert_string_equal(text_of(first, "fault"), fault);
    json_decref(report);
    buf_fini(&out);
}

static void
finds_a_changed_octet(void **state)
{
    finds(state, "UPDATE event SET body = replace(body, '4', '5') WHERE seq = 4", "changed", 4);
}

static void
finds_a_changed_person(void **state)
{
    finds(state, "UPDATE event SET actor = 'mallory' WHERE seq = 9", "changed", 9);
}

static void
finds_a_removed_record(void **state)
{
    finds(state, "DELETE FROM event WHERE seq = 6", "missing", 6);
}

static void
finds_a_journal_that_was_cut_off(void **state)
{
    finds(state, "DELETE FROM event WHERE seq >= 9", "truncated", 9);
}

static void
finds_records_that_changed_places(void **state)
{
    finds(state,
          "UPDATE event SET seq = -3 WHERE seq = 3; UPDATE event SET seq = 3 WHERE seq = 7;"
          "UPDATE event SET seq = 7 WHERE seq = -3",
          "changed", 3);
}

/* The head as it is printed, which is what is kept elsewhere. */
static void
take_head(const struct scene *scene, char *head, size_t size)
{
    struct buf out = BUF_INIT;
    assert_int_equal(verify(scene, NULL, false, &out), CLI_OK);
    const char *at = strstr(buf_cstr(&out), "head ");
    assert_non_null(at);
    snprintf(head, size, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
    buf_fini(&out);
}

static void
compares_with_a_head_kept_elsewhere(void **state)
{
    struct buf out = BUF_INIT;
    struct scene *scene = *state;
    char head[128];
    write_ten(scene);
    take_head(scene, head, sizeof head);
    scene_open(scene);
    append_numbered(scene, 11, 12);
    scene_close(scene);
    assert_int_equal(verify(scene, head, false, &out), CLI_OK);
    char *digit = &head[strlen(head) - 1];
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(verify(scene, head, false, &out), CLI_FAILED);
    assert_non_null(strstr(buf_cstr(&out), "event 10: forked"));
    buf_fini(&out);
}

static void
a_head_that_is_none_is_a_mistake(void **state)
{
    static const char *const wrong[] = {"10", "10:", "x:00", "10:abcd", ":"};
    struct buf out = BUF_INIT;
    write_ten(*state);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(verify(*state, wrong[i], false, &out), CLI_USAGE);
    buf_fini(&out);
}

static void
what_is_no_journal_is_refused(void **state)
{
    struct buf out = BUF_INIT;
    struct scene *scene = *state;
    assert_int_equal(verify(scene, NULL, false, &out), CLI_FAILED); /* not there */
    write_file(scene->path, "hello", 5);
    assert_int_equal(verify(scene, NULL, false, &out), CLI_FAILED);
    buf_fini(&out);
}

TEST_MAIN(TEST_IN_SCENE(a_sound_journal_is_sound), TEST_IN_SCENE(finds_a_changed_octet),
          TEST_IN_SCENE(finds_a_changed_person), TEST_IN_SCENE(finds_a_removed_record),
          TEST_IN_SCENE(finds_a_journal_that_was_cut_off),
          TEST_IN_SCENE(finds_records_that_changed_places),
          TEST_IN_SCENE(compares_with_a_head_kept_elsewhere),
          TEST_IN_SCENE(a_head_that_is_none_is_a_mistake),
          TEST_IN_SCENE(what_is_no_journal_is_refused))
