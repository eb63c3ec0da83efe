#include "orchestrate/turns.h"

#include <utlist.h>

static void
pass_on(void *arg)
{
    struct turns *turns = arg;
    if (turns->taken || !turns->queue)
        return;
    turns->taken = true;
    turns->queue->begin(turns->queue);
}

void
turns_init(struct turns *turns, uv_loop_t *loop)
{
    *turns = (struct turns){.pass = task_new(loop, pass_on, turns)};
}

void
turns_fini(struct turns *turns)
{
    struct turn *turn, *next;
    DL_FOREACH_SAFE(turns->queue, turn, next)
    {
        turn->turns = NULL;
    }
    task_free(turns->pass);
    *turns = (struct turns){0};
}

void
turn_ask(struct turns *turns, struct turn *turn, void (*begin)(struct turn *))
{
    *turn = (struct turn){.begin = begin, .turns = turns};
    DL_APPEND(turns->queue, turn);
    task_schedule(turns->pass);
}

void
turn_leave(struct turn *turn)
{
    struct turns *turns = turn->turns;
    if (!turns)
        return;
    if (turns->taken && turns->queue == turn)
        turns->taken = false;
    DL_DELETE(turns->queue, turn);
    turn->turns = NULL;
    if (turns->queue)
        task_schedule(turns->pass);
}
