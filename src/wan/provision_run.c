/* Answers find their way by a small record each, which outlives the run if the run is freed before
 * they come. What a device is first asked is nothing, on any connection: the answer tells that it
 * is up. */
#include "wan/provision_run.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/timer.h"

#include <stdlib.h>

struct member {
    struct netconf_client *client;
    uint64_t connection; /* its locks are of */
    struct question *question;
};

struct question {
    struct provision_run *run; /* NULL: nobody wants the answer any more */
    size_t device;
    bool first;
};

struct provision_run {
    struct provision *machine;
    struct member *members;
    size_t n;
    const struct provision_run_handler *handler;
    void *arg;
    struct timer *timer;
    struct task *turn;
    unsigned depth;
    bool freed;
};

static void
release(struct provision_run *r)
{
    if (!r->freed || r->depth > 0)
        return;
    provision_free(r->machine);
    free(r->members);
    free(r);
}

static void pump(struct provision_run *);

static const struct netconf_request nothing = {.operation = NETCONF_GET, .filter = ""};

static void ask(struct provision_run *, size_t device, const struct netconf_request *,
                uint64_t connection, bool first);

static void
on_answer(void *arg, const struct netconf_result *result)
{
    struct question *q = arg;
    struct provision_run *r = q->run;
    if (r) {
        struct member *m = &r->members[q->device];
        m->question = NULL;
        if (!q->first) {
            provision_answer(r->machine, q->device, result->err, result->text, result->message,
                             clock_monotonic());
        } else if (result->hello) {
            m->connection = netconf_client_connection(m->client);
            provision_up(r->machine, q->device, result->hello, clock_monotonic());
        } else if (result->err == ERR_CLOSED) { /* it was lost meanwhile: the next connection */
            ask(r, q->device, &nothing, 0, true);
        }
        pump(r);
    }
    free(q);
}

static void
ask(struct provision_run *r, size_t device, const struct netconf_request *request,
    uint64_t connection, bool first)
{
    struct member *m = &r->members[device];
    struct question *q = xmalloc(sizeof *q);
    *q = (struct question){r, device, first};
    enum err err = netconf_client_request(m->client, request, connection, 0, on_answer, q);
    if (!err) {
        m->question = q;
        return;
    }
    free(q);
    if (!first)
        provision_answer(r->machine, device, err, "the device's queue is full", NULL,
                         clock_monotonic());
}

static void
act(struct provision_run *r, const struct provision_action *action)
{
    switch (action->kind) {
    case PROVISION_ASK:
        ask(r, action->device, action->request,
            action->any_connection ? 0 : r->members[action->device].connection, false);
        break;
    case PROVISION_VERIFY:
        if (r->handler->verify)
            r->handler->verify(r->arg, r);
        else
            provision_verified(r->machine, ERR_OK, "", clock_monotonic());
        break;
    case PROVISION_END:
        r->handler->done(r->arg, r, action->err, action->diag.text);
        break;
    }
}

static void
pump(struct provision_run *r)
{
    struct provision_action action;
    r->depth++;
    while (!r->freed && provision_next(r->machine, &action))
        act(r, &action);
    if (!r->freed) {
        nsec_t deadline = provision_deadline(r->machine);
        if (deadline == NSEC_NEVER)
            timer_stop(r->timer);
        else
            timer_start(r->timer, clock_left(deadline));
    }
    r->depth--;
    release(r);
}

static void
on_timer(void *arg)
{
    struct provision_run *r = arg;
    provision_tick(r->machine, clock_monotonic());
    pump(r);
}

static void
on_turn(void *arg)
{
    pump(arg);
}

struct provision_run *
provision_run_new(uv_loop_t *loop, const struct provision_config *config,
                  const struct provision_run_device *devices, size_t n,
                  const struct provision_run_handler *handler, void *arg)
{
    struct provision_run *r = xcalloc(1, sizeof *r);
    struct provision_device *plain = xcalloc(n ? n : 1, sizeof *plain);
    r->members = xcalloc(n ? n : 1, sizeof *r->members);
    r->n = n;
    r->handler = handler;
    r->arg = arg;
    r->timer = timer_new(loop, on_timer, r);
    r->turn = task_new(loop, on_turn, r);
    for (size_t i = 0; i < n; i++) {
        plain[i] = devices[i].device;
        r->members[i].client = devices[i].client;
    }
    r->machine = provision_new(config, plain, n, clock_monotonic());
    free(plain);
    for (size_t i = 0; i < n; i++)
        ask(r, i, &nothing, 0, true);
    task_schedule(r->turn);
    return r;
}

void
provision_run_verified(struct provision_run *r, enum err err, const char *text)
{
    provision_verified(r->machine, err, text, clock_monotonic());
    task_schedule(r->turn);
}

void
provision_run_cancel(struct provision_run *r, const char *why)
{
    provision_cancel(r->machine, why, clock_monotonic());
    task_schedule(r->turn);
}

void
provision_run_free(struct provision_run *r)
{
    if (!r || r->freed)
        return;
    r->freed = true;
    for (size_t i = 0; i < r->n; i++) {
        if (r->members[i].question)
            r->members[i].question->run = NULL;
    }
    timer_free(r->timer);
    task_free(r->turn);
    release(r);
}

const struct provision *
provision_run_machine(const struct provision_run *r)
{
    return r->machine;
}

/* ---- drift */

struct drift {
    const struct netconf_xml *want;
    drift_done_fn *done;
    void *arg;
};

#define DRIFT_BUDGET ((size_t)64 << 20)

static void
on_read(void *arg, const struct netconf_result *result)
{
    struct drift *d = arg;
    struct arena *arena = arena_new(DRIFT_BUDGET);
    struct vpn_differences found = {0};
    enum err err = result->err;
    const char *text = result->text;
    if (!err) {
        err = vpn_config_compare(arena, d->want, result->message->data, &found);
        text = err ? "what is there takes more memory than is allowed" : "";
    }
    d->done(d->arg, err, text, &found);
    arena_free(arena);
    free(d);
}

void
drift_check(struct netconf_client *client, const struct netconf_xml *want, drift_done_fn *done,
            void *arg)
{
    struct arena *arena = arena_new(DRIFT_BUDGET);
    const struct netconf_xml *filter = vpn_config_filter(arena, want, NULL);
    struct netconf_request request = {.operation = NETCONF_GET_CONFIG};
    struct buf text = BUF_INIT;
    struct drift *d = xmalloc(sizeof *d);
    *d = (struct drift){want, done, arg};
    for (const struct netconf_xml *e = filter ? filter->first : NULL; e; e = e->next)
        netconf_xml_put(&text, e);
    request.filter = buf_cstr(&text);
    const struct netconf_hello *hello = netconf_client_hello(client);
    if (hello && netconf_hello_tags_defaults(hello))
        request.with_defaults = NETCONF_REPORT_ALL_TAGGED;
    enum err err = filter ? netconf_client_request(client, &request, 0, 0, on_read, d) : ERR_LIMIT;
    if (err) {
        struct vpn_differences none = {0};
        done(arg, err, "it could not be asked", &none);
        free(d);
    }
    buf_fini(&text);
    arena_free(arena);
}
