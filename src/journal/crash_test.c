/* The writing program is killed (-9) at any moment, again and again: every event it was told is
 * durable is there afterwards, once, and the chain is whole.
 *
 * The child appends with sixteen appenders, each waiting for its `done` before the next; each entry
 * says which one it is. What `done` acknowledges goes to the parent through a pipe at once. */
#include "journal/testing.h"

#include <signal.h>
#include <sys/wait.h>

#define APPENDERS 16
#define JOURNALS 8
#define KILLS 25 /* per journal */

struct ack {
    uint64_t seq;
    unsigned round, appender, number;
};

struct appender {
    struct journal *journal;
    int pipe;
    struct ack ack; /* of the entry under way */
};

static void append_next(struct appender *);

static void
acknowledge(void *arg, enum err err, uint64_t first_seq, const char *why UNUSED)
{
    struct appender *appender = arg;
    appender->ack.seq = first_seq;
    if (err || write(appender->pipe, &appender->ack, sizeof appender->ack) < 0)
        _exit(1);
    appender->ack.number++;
    append_next(appender);
}

static void
append_next(struct appender *appender)
{
    char object[32], body[64];
    snprintf(object, sizeof object, "round/%u/%u", appender->ack.round, appender->ack.appender);
    snprintf(body, sizeof body, "{\"number\":%u}", appender->ack.number);
    struct journal_entry entry = {"test.acknowledged", object, "appender", body, 0};
    if (journal_append(appender->journal, &entry, 1, acknowledge, appender, NULL))
        _exit(2);
}

/* In the child; it is ended from outside. */
static void
append_for_ever(const char *path, unsigned round, int pipe)
{
    struct appender appenders[APPENDERS];
    struct journal *journal;
    uv_loop_t *loop = test_loop_new();
    if (journal_open(loop, path, &scene_config, &journal, NULL))
        _exit(3);
    for (unsigned i = 0; i < APPENDERS; i++) {
        appenders[i] = (struct appender){journal, pipe, {.round = round, .appender = i}};
        append_next(&appenders[i]);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    _exit(4);
}

/* What one journal's children were told, by seq. */
struct record {
    struct ack *acks; /* acks[seq]; seq 0 in it: nobody was told */
    size_t n, capacity;
    uint64_t last;                   /* seq of the last event read */
    unsigned next[KILLS][APPENDERS]; /* number expected from this appender in this round */
    unsigned n_acknowledged;
};

static void
keep_ack(struct record *record, const struct ack *ack)
{
    while (record->n <= ack->seq) {
        GROW(record->acks, record->n, record->capacity);
        record->acks[record->n++] = (struct ack){0};
    }
    assert_int_equal(record->acks[ack->seq].seq, 0); /* no seq was given twice */
    record->acks[ack->seq] = *ack;
    record->n_acknowledged++;
}

/* Waits for that many acknowledgements, then for `delay`, so that a slow machine's journal is
 * killed at work too. */
static void
run_and_kill(const char *path, unsigned round, unsigned n_acks, useconds_t delay,
             struct record *record)
{
    int pipes[2], status;
    struct ack ack;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        close(pipes[0]);
        append_for_ever(path, round, pipes[1]);
    }
    close(pipes[1]);
    for (unsigned i = 0; i < n_acks && read(pipes[0], &ack, sizeof ack) == sizeof ack; i++)
        keep_ack(record, &ack);
    usleep(delay);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(pipes[0], &ack, sizeof ack) == sizeof ack)
        keep_ack(record, &ack);
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* not by itself, so not by an error */
}

/* Each appender's numbers come in order, each once; and it is what `done` named. */
static bool
check_stored(void *arg, const struct journal_event *event)
{
    struct record *record = arg;
    unsigned round, appender, number;
    assert_int_equal(sscanf(event->object, "round/%u/%u", &round, &appender), 2);
    assert_int_equal(sscanf(event->body, "{\"number\":%u}", &number), 1);
    assert_int_equal(event->seq, record->last + 1);
    assert_int_equal(number, record->next[round][appender]);
    record->next[round][appender]++;
    record->last = event->seq;
    if (event->seq < record->n && record->acks[event->seq].seq) {
        const struct ack *ack = &record->acks[event->seq];
        assert_int_equal(ack->round, round);
        assert_int_equal(ack->appender, appender);
        assert_int_equal(ack->number, number);
    }
    return true;
}

/* After a kill: everything new in the journal against what was acknowledged. */
static void
check_new_events(const char *path, struct record *record)
{
    struct journal *journal;
    struct diag diag = {""};
    if (journal_open(NULL, path, &scene_config, &journal, &diag))
        fail_msg("%s", diag.text);
    struct journal_query query = {.from = record->last + 1};
    if (journal_read(journal, &query, check_stored, record, &diag))
        fail_msg("%s", diag.text);
    assert_true(record->last + 1 >= record->n); /* all that was acknowledged is there */
    assert_int_equal(journal_head(journal)->seq, record->last);
    journal_close(journal, NULL, NULL);
}

static void
nothing_acknowledged_is_lost_or_doubled_by_kill_9(void **state)
{
    struct scene *scene = *state;
    unsigned seed = 20261121, n_acknowledged = 0;
    for (unsigned i = 0; i < JOURNALS; i++) {
        struct record *record = xcalloc(1, sizeof *record);
        char name[32];
        snprintf(name, sizeof name, "%u.db", i);
        test_path(&scene->dir, name, scene->path);
        for (unsigned round = 0; round < KILLS; round++) {
            unsigned n_acks = (unsigned)rand_r(&seed) % (4 * APPENDERS);
            run_and_kill(scene->path, round, n_acks, (useconds_t)(rand_r(&seed) % 4000), record);
            check_new_events(scene->path, record);
        }
        assert_sound(scene->path, record->last);
        n_acknowledged += record->n_acknowledged;
        free(record->acks);
        free(record);
    }
    assert_true(n_acknowledged > JOURNALS * KILLS); /* they were killed at work, not before */
    print_message("%u events acknowledged before %u kills\n", n_acknowledged, JOURNALS * KILLS);
}

static void
a_journal_half_created_by_kill_9_is_finished_by_the_next(void **state)
{
    struct scene *scene = *state;
    unsigned seed = 7;
    for (unsigned i = 0; i < 150; i++) {
        struct record *record = xcalloc(1, sizeof *record);
        char name[32];
        snprintf(name, sizeof name, "%u.db", i);
        test_path(&scene->dir, name, scene->path);
        run_and_kill(scene->path, 0, 0, (useconds_t)(rand_r(&seed) % 4000), record);
        check_new_events(scene->path, record);
        assert_sound(scene->path, record->last);
        free(record->acks);
        free(record);
    }
}

TEST_MAIN(TEST_IN_SCENE(nothing_acknowledged_is_lost_or_doubled_by_kill_9),
          TEST_IN_SCENE(a_journal_half_created_by_kill_9_is_finished_by_the_next))
