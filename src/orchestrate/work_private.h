/* work_private.h - shared by work.c (events in) and work_step.c (commands out). */
#ifndef ORCHESTRATE_WORK_PRIVATE_H
#define ORCHESTRATE_WORK_PRIVATE_H

#include "io/timer.h"
#include "orchestrate/work.h"

struct engagement;

struct works {
    struct orchestrate_service *service;
    struct work *table; /* by id, in order */
    struct work *open;  /* of them, those that are at work */
    size_t n_open;
    struct engagement *engagements;
    uint32_t last_id;
    bool begun;
    struct task *step;
    struct timer *alarm;      /* for the next time that something is due */
    struct command *commands; /* on their way into the journal */
    /* The last event of a run that was refused. */
    uint64_t refused_seq;
    enum err refused_err;
    struct diag refused_why;
};

/* Asks the runs that are dirty or due for their commands. `arg` is the works. */
void works_step(void *arg);
/* The order is closed: drops its commands that are still on their way. */
void commands_end(struct works *, const struct work *);

struct offer {
    struct work *work;
    bool live;
};
/* An event that a run has waited for: appends its wait.matched; or keeps it for works_begin(). */
void take_offer(void *offer, const struct workflow_command *);
void keep_offer(void *offer, const struct workflow_command *);

#endif
