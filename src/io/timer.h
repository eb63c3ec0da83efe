/* timer.h - what runs later on the loop: after a delay (timer), or on its next turn (task).
 *
 * Both belong to whoever made them and may be freed at any time, from inside their own callback
 * too; no callback comes after that. libuv gives the memory back on a later turn of the loop, so
 * run the loop until it is empty before closing it. Not thread-safe: the loop's thread only. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "base/time.h"

#include <stdbool.h>
#include <uv.h>

typedef void timer_fn(void *arg);

struct timer; /* Opaque. */

/* Never NULL; stopped. An armed timer keeps uv_run() going. */
struct timer *timer_new(uv_loop_t *, timer_fn *, void *arg);
void timer_free(struct timer *); /* NULL is fine. */

/* Calls back once, never before `delay` has passed and some two milliseconds after it at the most,
 * if the loop is idle. Starts again when it was armed already. Zero or less: as soon as possible,
 * but never from inside this call. */
void timer_start(struct timer *, nsec_t delay);
void timer_stop(struct timer *);
bool timer_is_armed(const struct timer *);

struct task; /* Opaque. */

/* Never NULL; not scheduled. */
struct task *task_new(uv_loop_t *, timer_fn *, void *arg);
void task_free(struct task *); /* NULL is fine. */

/* Calls back once on the loop's next turn, before it waits for anything. Scheduling what is
 * scheduled already changes nothing; scheduling from inside the callback means another turn, with
 * input and output in between. */
void task_schedule(struct task *);
void task_cancel(struct task *);

#endif
