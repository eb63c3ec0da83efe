#include "wan/think.h"

#include "base/alloc.h"
#include "io/timer.h"

#include <stdlib.h>

#include <utlist.h>

#define WAITING_MAX 64

struct thought {
    uv_work_t work;
    struct thinker *thinker; /* NULL: it is gone */
    think_fn *think;
    thought_fn *done;
    void *arg;
    json_t *ask;
    struct planner *planner; /* its own */
    struct network *model;
    enum err err;
    json_t *answer;
    struct diag why;
    struct thought *prev, *next;
};

struct thinker {
    uv_loop_t *loop;
    const struct planner *planner;
    const struct network *model;
    struct thought *queue, *working;
    unsigned n_waiting;
    struct task *next; /* begins one */
};

static void
thought_free(struct thought *t)
{
    planner_free(t->planner);
    network_free(t->model);
    json_decref(t->ask);
    json_decref(t->answer);
    free(t);
}

static void
work(uv_work_t *uv)
{
    struct thought *t = CONTAINER_OF(uv, struct thought, work);
    planner_open(t->planner);
    t->err = t->think(t->planner, t->model, t->ask, &t->answer, &t->why);
    planner_free(t->planner);
    network_free(t->model);
    t->planner = NULL;
    t->model = NULL;
}

static void
worked(uv_work_t *uv, int status)
{
    struct thought *t = CONTAINER_OF(uv, struct thought, work);
    struct thinker *thinker = t->thinker;
    if (thinker) {
        thinker->working = NULL;
        if (thinker->queue)
            task_schedule(thinker->next);
        if (status)
            t->done(t->arg, ERR_CLOSED, NULL, "the program ends");
        else
            t->done(t->arg, t->err, t->err ? NULL : json_incref(t->answer), t->why.text);
    }
    thought_free(t);
}

static void
begin_next(void *arg)
{
    struct thinker *thinker = arg;
    struct thought *t = thinker->queue;
    if (thinker->working || !t)
        return;
    DL_DELETE(thinker->queue, t);
    thinker->n_waiting--;
    thinker->working = t;
    t->planner = planner_copy(thinker->planner);
    t->model = network_copy(thinker->model);
    uv_queue_work(thinker->loop, &t->work, work, worked);
}

struct thinker *
thinker_new(uv_loop_t *loop, const struct planner *planner, const struct network *model)
{
    struct thinker *thinker = xcalloc(1, sizeof *thinker);
    *thinker = (struct thinker){.loop = loop, .planner = planner, .model = model};
    thinker->next = task_new(loop, begin_next, thinker);
    return thinker;
}

/* Those who ask for an answer get one; the bus may be gone. */
static void
drop(struct thinker *thinker, struct thought *t)
{
    DL_DELETE(thinker->queue, t);
    t->done(t->arg, ERR_CLOSED, NULL, "the program ends");
    thought_free(t);
}

void
thinker_free(struct thinker *thinker)
{
    if (!thinker)
        return;
    while (thinker->queue)
        drop(thinker, thinker->queue);
    if (thinker->working) {
        struct thought *t = thinker->working;
        t->thinker = NULL;
        t->done(t->arg, ERR_CLOSED, NULL, "the program ends");
    }
    task_free(thinker->next);
    free(thinker);
}

enum err
think(struct thinker *thinker, think_fn *fn, const json_t *ask, thought_fn *done, void *arg)
{
    if (thinker->n_waiting == WAITING_MAX)
        return ERR_BUSY;
    struct thought *t = xcalloc(1, sizeof *t);
    *t = (struct thought){
        .thinker = thinker, .think = fn, .done = done, .arg = arg, .ask = json_deep_copy(ask)};
    DL_APPEND(thinker->queue, t);
    thinker->n_waiting++;
    task_schedule(thinker->next);
    return ERR_OK;
}

/* ---- Requests ---- */

struct asker {
    struct bus *bus;
    char *reply_to;
};

static void
answer(void *arg, enum err err, json_t *json, const char *why)
{
    struct asker *a = arg;
    if (err)
        bus_reply_error(a->bus, a->reply_to, err, "%s", *why ? why : err_text(err));
    else
        bus_reply(a->bus, a->reply_to, json);
    free(a->reply_to);
    free(a);
}

void
think_and_answer(struct thinker *thinker, struct bus *bus, const struct bus_message *m,
                 think_fn *fn, const json_t *ask)
{
    struct asker *a = xcalloc(1, sizeof *a);
    *a = (struct asker){bus, m->reply_to ? xstrdup(m->reply_to) : NULL};
    if (think(thinker, fn, ask, answer, a))
        answer(a, ERR_BUSY, NULL, "too many questions wait to be computed");
}
