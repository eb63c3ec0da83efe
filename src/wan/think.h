/* think.h - heavy computing of the WAN controller beside the loop: on a thread, with a copy of what
 * is held and of the inventory that nobody else has. Thoughts are taken one after the other; each
 * begins with what is true when its turn comes. All of it belongs to the loop but for `think`. */
#ifndef WAN_THINK_H
#define WAN_THINK_H

#include "bus/bus.h"
#include "wan/planner.h"

#include <uv.h>

struct thinker; /* Opaque. */

/* On another thread: touches nothing else. The answer is the caller's. */
typedef enum err think_fn(struct planner *, const struct network *, const json_t *ask,
                          json_t **answer, struct diag *);
/* On the loop; the answer is NULL on error, and else the receiver's. */
typedef void thought_fn(void *arg, enum err, json_t *answer, const char *why);

/* Both borrowed: what copies are made of. */
struct thinker *thinker_new(uv_loop_t *, const struct planner *, const struct network *);
/* Nothing of it is told any more; the loop must go on until the thread is through. NULL is fine. */
void thinker_free(struct thinker *);

/* `ask` is copied. ERR_BUSY: too many wait already; `done` is not called. */
MUST_CHECK enum err think(struct thinker *, think_fn *, const json_t *ask, thought_fn *done,
                          void *arg);
/* The same; what comes of it answers a request. */
void think_and_answer(struct thinker *, struct bus *, const struct bus_message *, think_fn *,
                      const json_t *ask);

#endif
