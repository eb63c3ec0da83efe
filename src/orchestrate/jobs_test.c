#include "orchestrate/jobs.h"

#include "base/alloc.h"
#include "io/testing.h"
#include "orchestrate/turns.h"

/* ---- Jobs --------------------------------------------------------------------------------------
 */

struct record {
    char text[64]; /* what happened, in order: p, d, f for prepared, done, freed, and the number */
    int n_computed;
};

static uv_sem_t gate; /* computing goes on when it is opened: once for each job */

struct task_of {
    struct record *record;
    int number;
};

static void
note(void *arg, char what)
{
    struct task_of *t = arg;
    size_t length = strlen(t->record->text);
    snprintf(t->record->text + length, sizeof t->record->text - length, "%c%d ", what, t->number);
}

static struct network *
prepare(void *arg)
{
    note(arg, 'p');
    return network_new();
}

static void
compute(void *arg, struct network *net)
{
    struct task_of *t = arg;
    uv_sem_wait(&gate);
    t->record->n_computed += net != NULL;
}

static void
done(void *arg)
{
    note(arg, 'd');
}

static void
free_task(void *arg)
{
    note(arg, 'f');
    free(arg);
}

static const struct job_class class = {prepare, compute, done, free_task};

static struct job *
add(struct jobs *jobs, struct record *record, int number)
{
    struct task_of *t = xcalloc(1, sizeof *t);
    *t = (struct task_of){record, number};
    return jobs_add(jobs, &class, t);
}

static void
does_one_after_the_other(void **state UNUSED)
{
    struct record record = {.n_computed = 0};
    uv_loop_t *loop = test_loop_new();
    struct jobs *jobs = jobs_new(loop);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    add(jobs, &record, 1);
    add(jobs, &record, 2);
    assert_string_equal(record.text, ""); /* never from inside the call */
    uv_sem_post(&gate);
    uv_sem_post(&gate);
    RUN_UNTIL(loop, strlen(record.text) == 18);
    assert_string_equal(record.text, "p1 d1 f1 p2 d2 f2 ");
    assert_int_equal(record.n_computed, 2);
    jobs_free(jobs);
    test_loop_free(loop);
    uv_sem_destroy(&gate);
}

static void
tells_nobody_of_what_was_abandoned(void **state UNUSED)
{
    struct record record = {.n_computed = 0};
    uv_loop_t *loop = test_loop_new();
    struct jobs *jobs = jobs_new(loop);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    struct job *first = add(jobs, &record, 1), *second = add(jobs, &record, 2);
    job_abandon(second);
    RUN_UNTIL(loop, strstr(record.text, "p1"));
    job_abandon(first);
    uv_sem_post(&gate);
    RUN_UNTIL(loop, strstr(record.text, "f1"));
    assert_string_equal(record.text, "f2 p1 f1 ");
    jobs_free(jobs);
    test_loop_free(loop);
    uv_sem_destroy(&gate);
}

static void
lets_the_one_at_work_end_when_it_is_freed(void **state UNUSED)
{
    struct record record = {.n_computed = 0};
    uv_loop_t *loop = test_loop_new();
    struct jobs *jobs = jobs_new(loop);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    add(jobs, &record, 1);
    add(jobs, &record, 2);
    RUN_UNTIL(loop, strstr(record.text, "p1"));
    jobs_free(jobs);
    uv_sem_post(&gate);
    RUN_UNTIL(loop, strstr(record.text, "f1"));
    assert_string_equal(record.text, "p1 f2 f1 ");
    test_loop_free(loop);
    uv_sem_destroy(&gate);
}

/* ---- Turns -------------------------------------------------------------------------------------
 */

static int n_begun;
static struct turn *last_begun;

static void
begin(struct turn *turn)
{
    n_begun++;
    last_begun = turn;
}

static void
gives_the_turn_to_one_at_a_time_in_order(void **state UNUSED)
{
    uv_loop_t *loop = test_loop_new();
    struct turns turns;
    struct turn a, b, c;
    n_begun = 0;
    turns_init(&turns, loop);
    turn_ask(&turns, &a, begin);
    turn_ask(&turns, &b, begin);
    turn_ask(&turns, &c, begin);
    run_turns(loop, 5);
    assert_int_equal(n_begun, 1);
    assert_ptr_equal(last_begun, &a);
    turn_leave(&b); /* while it waits */
    turn_leave(&a);
    turn_leave(&a); /* twice does no harm */
    run_turns(loop, 5);
    assert_int_equal(n_begun, 2);
    assert_ptr_equal(last_begun, &c);
    turns_fini(&turns);
    turn_leave(&c);
    test_loop_free(loop);
}

TEST_MAIN(cmocka_unit_test(does_one_after_the_other),
          cmocka_unit_test(tells_nobody_of_what_was_abandoned),
          cmocka_unit_test(lets_the_one_at_work_end_when_it_is_freed),
          cmocka_unit_test(gives_the_turn_to_one_at_a_time_in_order))
