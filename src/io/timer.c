#include "io/timer.h"

#include "base/alloc.h"

#include <stdlib.h>

struct timer {
    uv_timer_t handle;
    timer_fn *fn;
    void *arg;
};

struct task {
    uv_idle_t handle; /* an active idle handle makes the loop not wait */
    timer_fn *fn;
    void *arg;
};

static void
free_handle_data(uv_handle_t *handle)
{
    free(handle->data);
}

struct timer *
timer_new(uv_loop_t *loop, timer_fn *fn, void *arg)
{
    struct timer *timer = xcalloc(1, sizeof *timer);
    uv_timer_init(loop, &timer->handle);
    timer->handle.data = timer;
    timer->fn = fn;
    timer->arg = arg;
    return timer;
}

void
timer_free(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, free_handle_data);
}

static void
on_timer(uv_timer_t *handle)
{
    struct timer *timer = handle->data;
    timer->fn(timer->arg);
}

/* libuv counts whole milliseconds from the start of the loop's turn. So the turn's time is renewed,
 * and one millisecond added for the part of one that it cuts off. At least one also because libuv
 * 1.44 runs a timer of 0 that is started from a timer's callback in the same turn, without end. */
void
timer_start(struct timer *timer, nsec_t delay)
{
    nsec_t ms = delay <= 0 ? 0 : delay / NSEC_PER_MSEC + (delay % NSEC_PER_MSEC != 0);
    uv_update_time(timer->handle.loop);
    uv_timer_start(&timer->handle, on_timer, (uint64_t)ms + 1, 0);
}

void
timer_stop(struct timer *timer)
{
    uv_timer_stop(&timer->handle);
}

bool
timer_is_armed(const struct timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->handle);
}

struct task *
task_new(uv_loop_t *loop, timer_fn *fn, void *arg)
{
    struct task *task = xcalloc(1, sizeof *task);
    uv_idle_init(loop, &task->handle);
    task->handle.data = task;
    task->fn = fn;
    task->arg = arg;
    return task;
}

void
task_free(struct task *task)
{
    if (task)
        uv_close((uv_handle_t *)&task->handle, free_handle_data);
}

static void
on_idle(uv_idle_t *handle)
{
    struct task *task = handle->data;
    uv_idle_stop(handle);
    task->fn(task->arg);
}

void
task_schedule(struct task *task)
{
    uv_idle_start(&task->handle, on_idle);
}

void
task_cancel(struct task *task)
{
    uv_idle_stop(&task->handle);
}
