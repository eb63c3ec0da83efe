#include "wan/think.h"

#include "base/alloc.h"
#include "io/testing.h"
#include "model/testing.h"

static uv_sem_t gate; /* computing goes on when it is opened: once for each thought */

struct heard {
    unsigned n;
    enum err err;
    json_int_t answer;
    char why[64];
};

static void
hear(void *arg, enum err err, json_t *answer, const char *why)
{
    struct heard *h = arg;
    h->n++;
    h->err = err;
    h->answer = json_integer_value(json_object_get(answer, "answer"));
    snprintf(h->why, sizeof h->why, "%s", why);
    json_decref(answer);
}

/* How many tunnels it sees, and what was asked. */
static enum err
count(struct planner *p UNUSED, const struct network *model, const json_t *ask, json_t **answer,
      struct diag *diag)
{
    json_int_t n = json_integer_value(json_object_get(ask, "n"));
    uv_sem_wait(&gate);
    if (n < 0)
        return diag_set(diag, ERR_NOT_FOUND, "nothing below zero");
    *answer = json_pack("{sI}", "answer", n + (json_int_t)HASH_COUNT(model->tunnels));
    return ERR_OK;
}

struct bench {
    uv_loop_t *loop;
    struct planner *planner;
    struct network *model;
    struct thinker *thinker;
};

static struct bench
bench_new(void)
{
    struct bench b = {.loop = test_loop_new(), .planner = planner_new(), .model = network_new()};
    b.thinker = thinker_new(b.loop, b.planner, b.model);
    assert_int_equal(uv_sem_init(&gate, 0), 0);
    return b;
}

static void
bench_free(struct bench *b)
{
    thinker_free(b->thinker);
    test_loop_free(b->loop);
    planner_free(b->planner);
    network_free(b->model);
    uv_sem_destroy(&gate);
}

static enum err
ask(struct bench *b, int n, struct heard *h)
{
    json_t *what = json_pack("{si}", "n", n);
    enum err err = think(b->thinker, count, what, hear, h);
    json_decref(what);
    return err;
}

static void
put_tunnel(struct bench *b)
{
    struct tunnel *t = object_new(OBJECT_TUNNEL);
    t->name = xstrdup("t");
    network_put_tunnel(b->model, t);
}

/* The second begins with what is true then. */
static void
thinks_one_after_the_other_while_the_loop_goes_on(void **state UNUSED)
{
    struct bench b = bench_new();
    struct heard first = {0}, second = {0};
    assert_ok(ask(&b, 10, &first));
    assert_ok(ask(&b, 20, &second));
    run_turns(b.loop, 20);
    assert_int_equal(first.n, 0); /* it waits at the gate; the loop does not */
    put_tunnel(&b);
    uv_sem_post(&gate);
    RUN_UNTIL(b.loop, first.n);
    assert_int_equal(first.answer, 10);
    uv_sem_post(&gate);
    RUN_UNTIL(b.loop, second.n);
    assert_int_equal(second.answer, 21);
    bench_free(&b);
}

static void
tells_what_was_in_the_way(void **state UNUSED)
{
    struct bench b = bench_new();
    struct heard h = {0};
    assert_ok(ask(&b, -1, &h));
    uv_sem_post(&gate);
    RUN_UNTIL(b.loop, h.n);
    assert_err(h.err, ERR_NOT_FOUND);
    assert_string_equal(h.why, "nothing below zero");
    bench_free(&b);
}

static void
refuses_when_too_many_wait(void **state UNUSED)
{
    struct bench b = bench_new();
    struct heard h = {0};
    unsigned n = 0;
    while (!ask(&b, 1, &h))
        n++;
    assert_err(ask(&b, 1, &h), ERR_BUSY);
    assert_in_range(n, 8, 1000);
    for (unsigned i = 0; i < n; i++)
        uv_sem_post(&gate);
    RUN_UNTIL(b.loop, h.n == n);
    bench_free(&b);
}

static void
tells_everybody_when_it_ends(void **state UNUSED)
{
    struct bench b = bench_new();
    struct heard working = {0}, waiting = {0};
    assert_ok(ask(&b, 1, &working));
    assert_ok(ask(&b, 1, &waiting));
    run_turns(b.loop, 20);
    thinker_free(b.thinker);
    b.thinker = NULL;
    assert_err(working.err, ERR_CLOSED);
    assert_err(waiting.err, ERR_CLOSED);
    uv_sem_post(&gate);
    run_turns(b.loop, 20);
    assert_int_equal(working.n, 1);
    bench_free(&b);
}

TEST_MAIN(cmocka_unit_test(thinks_one_after_the_other_while_the_loop_goes_on),
          cmocka_unit_test(tells_what_was_in_the_way), cmocka_unit_test(refuses_when_too_many_wait),
          cmocka_unit_test(tells_everybody_when_it_ends))
