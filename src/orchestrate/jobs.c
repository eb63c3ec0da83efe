#include "orchestrate/jobs.h"

#include "base/alloc.h"
#include "io/timer.h"

#include <stdlib.h>

#include <utlist.h>

struct job {
    uv_work_t work;
    struct jobs *jobs; /* NULL: they are gone */
    bool abandoned;
    const struct job_class *class;
    void *arg;
    struct network *network;
    struct job *prev, *next;
};

struct jobs {
    uv_loop_t *loop;
    struct job *queue; /* waiting */
    struct job *running;
    struct task *next; /* starts one */
};

static void
job_free(struct job *job)
{
    job->class->free(job->arg);
    free(job);
}

static void
compute(uv_work_t *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    job->class->compute(job->arg, job->network);
    network_free(job->network);
}

static void
computed(uv_work_t *work, int status)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    struct jobs *jobs = job->jobs;
    if (status) /* it never began: the loop's owner cancelled it */
        network_free(job->network);
    if (jobs) {
        jobs->running = NULL;
        if (jobs->queue)
            task_schedule(jobs->next);
        if (!status && !job->abandoned)
            job->class->done(job->arg);
    }
    job_free(job);
}

static void
start_next(void *arg)
{
    struct jobs *jobs = arg;
    struct job *job = jobs->queue;
    if (jobs->running || !job)
        return;
    DL_DELETE(jobs->queue, job);
    jobs->running = job;
    job->network = job->class->prepare(job->arg);
    uv_queue_work(jobs->loop, &job->work, compute, computed);
}

struct jobs *
jobs_new(uv_loop_t *loop)
{
    struct jobs *jobs = xcalloc(1, sizeof *jobs);
    jobs->loop = loop;
    jobs->next = task_new(loop, start_next, jobs);
    return jobs;
}

void
jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    while (jobs->queue)
        job_abandon(jobs->queue);
    if (jobs->running)
        jobs->running->jobs = NULL;
    task_free(jobs->next);
    free(jobs);
}

struct job *
jobs_add(struct jobs *jobs, const struct job_class *class, void *arg)
{
    struct job *job = xcalloc(1, sizeof *job);
    job->jobs = jobs;
    job->class = class;
    job->arg = arg;
    DL_APPEND(jobs->queue, job);
    task_schedule(jobs->next);
    return job;
}

void
job_abandon(struct job *job)
{
    if (!job)
        return;
    job->abandoned = true;
    if (job != job->jobs->running) {
        DL_DELETE(job->jobs->queue, job);
        job_free(job);
    }
}
