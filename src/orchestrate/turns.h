/* turns.h - one at a time: whoever changes the network (an import, a reservation) has the turn from
 * looking at the network until what it decided is durable, so no two decide on what the other is
 * about to change. */
#ifndef ORCHESTRATE_TURNS_H
#define ORCHESTRATE_TURNS_H

#include "io/timer.h"

struct turn {
    void (*begin)(struct turn *);
    struct turns *turns; /* NULL: it neither has it nor waits */
    struct turn *prev, *next;
};

struct turns {
    struct turn *queue; /* the first has it, if `taken` */
    bool taken;
    struct task *pass;
};

void turns_init(struct turns *, uv_loop_t *);
/* Nobody has it or waits any more. */
void turns_fini(struct turns *);

/* Calls `begin` when the turn comes, later and in the order of asking. */
void turn_ask(struct turns *, struct turn *, void (*begin)(struct turn *));
/* Ends it, or stops waiting for it. Fine if it does neither. */
void turn_leave(struct turn *);

#endif
