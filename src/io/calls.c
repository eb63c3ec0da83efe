#include "io/calls.h"

#include "base/alloc.h"
#include "io/timer.h"

#include <stdlib.h>

/* Ids are given out in sequence, so their low bits spread perfectly. */
#define N_BUCKETS 64u

struct call {
    struct calls *calls;
    uint64_t id;
    nsec_t timeout;
    call_done_fn *done;
    void *arg;
    struct timer *timer;
    struct call *next;          /* in the bucket */
    struct call *older, *newer; /* in order of age */
};

struct calls {
    uv_loop_t *loop;
    size_t limit, n;
    uint64_t last_id;
    struct call *buckets[N_BUCKETS];
    struct call *oldest, *newest;
};

struct calls *
calls_new(uv_loop_t *loop, size_t limit)
{
    struct calls *calls = xcalloc(1, sizeof *calls);
    calls->loop = loop;
    calls->limit = limit;
    return calls;
}

void
calls_free(struct calls *calls)
{
    if (!calls)
        return;
    while (calls->oldest)
        calls_cancel(calls, calls->oldest->id);
    free(calls);
}

static void
on_timeout(void *arg)
{
    struct call *call = arg;
    struct diag diag;
    diag_set(&diag, ERR_TIMEOUT, "no answer within %.3g s",
             (double)call->timeout / (double)NSEC_PER_SEC);
    calls_finish(call->calls, call->id, &(struct call_result){ERR_TIMEOUT, diag.text, NULL});
}

static void
link_call(struct calls *calls, struct call *call)
{
    struct call **bucket = &calls->buckets[call->id % N_BUCKETS];
    call->next = *bucket;
    *bucket = call;
    call->older = calls->newest;
    if (calls->newest)
        calls->newest->newer = call;
    else
        calls->oldest = call;
    calls->newest = call;
    calls->n++;
}

/* Takes the call out of the table. NULL if it is not there. */
static struct call *
unlink_call(struct calls *calls, uint64_t id)
{
    struct call **at = &calls->buckets[id % N_BUCKETS];
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    struct call *call = *at;
    if (!call)
        return NULL;
    *at = call->next;
    if (call->older)
        call->older->newer = call->newer;
    else
        calls->oldest = call->newer;
    if (call->newer)
        call->newer->older = call->older;
    else
        calls->newest = call->older;
    calls->n--;
    return call;
}

static void
free_call(struct call *call)
{
    timer_free(call->timer);
    free(call);
}

enum err
calls_add(struct calls *calls, nsec_t timeout, call_done_fn *done, void *arg, uint64_t *id)
{
    if (calls->n >= calls->limit)
        return ERR_LIMIT;
    struct call *call = xcalloc(1, sizeof *call);
    call->calls = calls;
    call->id = ++calls->last_id;
    call->timeout = timeout;
    call->done = done;
    call->arg = arg;
    call->timer = timer_new(calls->loop, on_timeout, call);
    timer_start(call->timer, timeout);
    link_call(calls, call);
    *id = call->id;
    return ERR_OK;
}

bool
calls_finish(struct calls *calls, uint64_t id, const struct call_result *result)
{
    struct call *call = unlink_call(calls, id);
    if (!call)
        return false;
    call->done(call->arg, result);
    free_call(call);
    return true;
}

void
calls_finish_all(struct calls *calls, const struct call_result *result)
{
    while (calls->oldest)
        calls_finish(calls, calls->oldest->id, result);
}

bool
calls_cancel(struct calls *calls, uint64_t id)
{
    struct call *call = unlink_call(calls, id);
    if (!call)
        return false;
    free_call(call);
    return true;
}

size_t
calls_waiting(const struct calls *calls)
{
    return calls->n;
}

uint64_t
calls_last_id(const struct calls *calls)
{
    return calls->last_id;
}
