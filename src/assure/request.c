#include "assure/service_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* One test that somebody waits for. Tests of the same circuit follow each other: they would share
 * its meter. So a test is first in line behind those of its circuit, then for room at its nodes,
 * and for each of its loads again. */
struct test {
    struct assure_service *service;
    char *circuit, *reason, *reply_to;
    struct test_run *run;
    struct admission_ticket *ticket; /* NULL: another test of the circuit goes first */
    struct test_call call;           /* the next; `params` NULL: the current one, it was made */
    char id[TEST_ID_SIZE];           /* of the call that was made */
    uint64_t request;                /* 0: no call is under way */
    struct timer *timer; /* until the next call, or until the current one has sent all */
    struct test *prev, *next;
};

/* ---- Its end ---- */

static void
enter_line(struct test *t)
{
    const char *const *nodes;
    uint32_t n = test_run_nodes(t->run, &nodes);
    t->ticket = admission_wait(t->service->admission, t, test_run_rate(t->run), n, nodes);
    task_schedule(t->service->admit);
}

/* The next test of this circuit may stand in line now. */
static void
let_next(struct assure_service *s, const char *circuit)
{
    struct test *t = s->tests;
    while (t && strcmp(t->circuit, circuit))
        t = t->next;
    if (t && !t->ticket)
        enter_line(t);
}

static void
test_free(struct test *t)
{
    struct assure_service *s = t->service;
    if (t->request)
        assure_abort(s, t->call.node, t->id, t->request);
    if (t->ticket)
        admission_leave(s->admission, t->ticket);
    DL_DELETE(s->tests, t);
    json_decref(t->call.params);
    timer_free(t->timer);
    test_run_free(t->run);
    free(t->circuit);
    free(t->reason);
    free(t->reply_to);
    free(t);
}

static void
finish(struct test *t)
{
    struct assure_service *s = t->service;
    json_t *answer = test_run_result(t->run);
    char *circuit = xstrdup(t->circuit);
    assure_record(s, t->circuit, t->reason, answer, t->reply_to);
    json_decref(answer);
    test_free(t);
    let_next(s, circuit);
    free(circuit);
    task_schedule(s->admit);
}

/* ---- Its course ---- */

/* How much later than planned a node may have sent all. */
#define SENDING_SLACK (100 * NSEC_PER_MSEC)

/* In line for the load that comes next. */
static void
resume(struct test *t)
{
    admission_resume(t->service->admission, t->ticket, test_run_rate(t->run));
    task_schedule(t->service->admit);
}

/* False: nothing more is to be done. */
static bool
prepare(struct test *t)
{
    assure_name_test(t->service, t->id);
    return test_run_next(t->run, t->id, &t->call);
}

/* The node sends no more, though it may wait for what is lost. */
static void
make_room(struct test *t)
{
    admission_pause(t->service->admission, t->ticket);
    task_schedule(t->service->admit);
}

static void
on_timer(void *arg)
{
    struct test *t = arg;
    if (t->request)
        make_room(t);
    else
        resume(t);
}

/* Its load has ended, or never began: on to the next. */
static void
advance(struct test *t)
{
    timer_stop(t->timer);
    if (!prepare(t)) {
        finish(t);
        return;
    }
    make_room(t);
    if (t->call.delay)
        timer_start(t->timer, t->call.delay);
    else
        resume(t);
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct test *t = arg;
    t->request = 0;
    test_run_answer(t->run, result->err, result->text, result->value, clock_wall());
    advance(t);
}

static void
make_call(struct test *t)
{
    json_t *params = t->call.params;
    t->call.params = NULL;
    enum err err = assure_call(t->service, t->call.node, params, t->call.timeout, on_answer, t,
                               &t->request);
    if (!err) {
        timer_start(t->timer, t->call.sending + SENDING_SLACK);
        return;
    }
    test_run_answer(t->run, err, err_text(err), NULL, clock_wall());
    advance(t);
}

void
assure_admit(void *arg)
{
    struct assure_service *s = arg;
    struct test *t;
    while ((t = admission_next(s->admission))) {
        if (t->call.params || prepare(t))
            make_call(t);
        else
            finish(t);
    }
}

/* ---- Its begin ---- */

static const char *const reasons[] = {"turn-up", "demand"};

/* `reason` as it is recorded; NULL: none of those that may be asked for. */
static const char *
read_reason(const json_t *payload)
{
    const json_t *json = json_object_get(payload, "reason");
    const char *word = json ? json_string_value(json) : "demand";
    for (size_t i = 0; word && i < ARRAY_SIZE(reasons); i++) {
        if (!strcmp(reasons[i], word))
            return reasons[i];
    }
    return NULL;
}

/* 0: no such paths. */
static unsigned
read_paths(const json_t *payload)
{
    const json_t *json = json_object_get(payload, "paths");
    unsigned paths = 0;
    if (!json)
        return TEST_BOTH_PATHS;
    for (size_t i = 0; i < json_array_size(json); i++) {
        enum test_path path = test_path_from_word(json_string_value(json_array_get(json, i)));
        if (path == TEST_PATH_MAX)
            return 0;
        paths |= 1u << path;
    }
    return paths;
}

static enum err
start(struct assure_service *s, const struct bus_message *m, struct diag *diag)
{
    const struct state *state = s->config.state;
    const char *name = json_string_value(json_object_get(m->payload, "circuit"));
    const char *reason = read_reason(m->payload), *why;
    struct test_options options = {.paths = read_paths(m->payload),
                                   .full = reason && !strcmp(reason, "turn-up"),
                                   .one_clock = s->config.options.one_clock,
                                   .limits = s->config.options.load};
    if (!name || !reason || !options.paths)
        return diag_set(diag, ERR_INVALID, "\"%s\" is missing or wrong",
                        !name     ? "circuit"
                        : !reason ? "reason"
                                  : "paths");
    const struct circuit *circuit = network_circuit(state->network, name);
    const struct design *design = network_design(state->network, name);
    const struct fingerprint *before = state_fingerprint(state, name);
    if (!circuit)
        return diag_set(diag, ERR_NOT_FOUND, "there is no circuit \"%s\"", name);
    if (!design || !assure_is_built(s, name, &why))
        return diag_set(diag, ERR_CONFLICT, "circuit \"%s\" cannot be tested: %s", name,
                        design ? why : "it has no design");
    struct test_run *run;
    enum err err = test_run_new(state->network, circuit, design, &options,
                                before ? before->entries : NULL, &run, diag);
    if (err)
        return err;
    struct test *t = xcalloc(1, sizeof *t);
    *t = (struct test){.service = s,
                       .circuit = xstrdup(name),
                       .reason = xstrdup(reason),
                       .reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL,
                       .run = run,
                       .timer = timer_new(s->config.loop, on_timer, t)};
    DL_APPEND(s->tests, t);
    let_next(s, name);
    return ERR_OK;
}

void
assure_serve_test(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct diag diag = {""};
    enum err err = start(arg, m, &diag);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", diag.text);
}

/* ---- All of them ---- */

void
assure_tests_check(struct assure_service *s)
{
    struct test *t, *next;
    const char *why;
    DL_FOREACH_SAFE(s->tests, t, next)
    {
        if (assure_is_built(s, t->circuit, &why))
            continue;
        test_run_stop(t->run, why);
        finish(t);
    }
}

void
assure_tests_free(struct assure_service *s)
{
    while (s->tests) {
        bus_reply_error(s->config.bus, s->tests->reply_to, ERR_CLOSED, "the service has ended");
        test_free(s->tests);
    }
}

static bool
is_running(const struct test *t)
{
    return t->ticket && admission_has_begun(t->ticket);
}

bool
assure_is_testing(const struct assure_service *s, const char *circuit)
{
    const struct test *t = s->tests;
    while (t && (!is_running(t) || strcmp(t->circuit, circuit) != 0))
        t = t->next;
    return t != NULL;
}

json_t *
assure_tests_report(const struct assure_service *s)
{
    json_t *list = json_array();
    for (const struct test *t = s->tests; t; t = t->next) {
        json_array_append_new(list,
                              json_pack("{ss ss ss}", "circuit", t->circuit, "reason", t->reason,
                                        "state", is_running(t) ? "running" : "waiting"));
    }
    return list;
}
