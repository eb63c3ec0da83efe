/* jobs.h - heavy computing beside the loop: design, proof, import. Of each queue one job at a time
 * works on a thread, on a copy of the network that it has for itself; all functions here belong to
 * the loop. */
#ifndef ORCHESTRATE_JOBS_H
#define ORCHESTRATE_JOBS_H

#include "model/model.h"

#include <uv.h>

struct jobs; /* Opaque. */
struct job;  /* Opaque. */

struct job_class {
    /* On the loop, when its turn comes: a network for `compute`, which belongs to the job and is
     * freed after it; NULL is fine. */
    struct network *(*prepare)(void *arg);
    void (*compute)(void *arg, struct network *); /* on another thread: touches nothing else */
    void (*done)(void *arg);                      /* on the loop; the job is gone */
    void (*free)(void *arg);                      /* the last call, after `done` or instead of it */
};

struct jobs *jobs_new(uv_loop_t *);
/* Abandons all jobs. The loop must go on until the one at work is through. NULL is fine. */
void jobs_free(struct jobs *);

/* Queues a job, which takes over `arg`. */
struct job *jobs_add(struct jobs *, const struct job_class *, void *arg);
/* `done` will not be called; `free` is, now or when the thread is through. NULL is fine. */
void job_abandon(struct job *);

#endif
