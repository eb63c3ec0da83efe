#include "orchestrate/effects.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "orchestrate/actions.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ASK_FOR_EVER (3600 * NSEC_PER_SEC) /* where a workflow states no timeout */

struct effects {
    struct orchestrate_service *service;
    struct effect *table; /* by key */
};

struct effects *
effects_new(struct orchestrate_service *s)
{
    struct effects *effects = xcalloc(1, sizeof *effects);
    effects->service = s;
    return effects;
}

static struct effect *
find_effect(const struct effects *effects, const char *key, size_t length)
{
    struct effect *effect;
    HASH_FIND(hh, effects->table, key, length, effect);
    return effect;
}

/* Nothing that it waits for comes any more. */
static void
stop_waiting(struct effect *effect)
{
    append_forget(effect->append);
    if (effect->request)
        bus_cancel(effect->service->bus, effect->request);
    job_abandon(effect->job);
    turn_leave(&effect->turn);
    effect->append = NULL;
    effect->request = 0;
    effect->job = NULL;
}

static void
effect_free(struct effect *effect)
{
    stop_waiting(effect);
    HASH_DEL(effect->service->effects->table, effect);
    if (effect->successor)
        command_free(effect->successor);
    json_decref(effect->params);
    json_decref(effect->outcome);
    json_decref(effect->gathered);
    free(effect->key);
    free(effect->step);
    free(effect);
}

void
effects_free(struct effects *effects)
{
    struct effect *effect, *next;
    if (!effects)
        return;
    HASH_ITER (hh, effects->table, effect, next)
        effect_free(effect);
    free(effects);
}

void
effects_end(struct effects *effects, const struct work *work)
{
    struct effect *effect, *next;
    HASH_ITER (hh, effects->table, effect, next) {
        if (effect->work == work)
            effect_free(effect);
    }
}

bool
effects_has_time(const struct effects *effects, const char *key)
{
    const struct effect *effect = find_effect(effects, key, strlen(key));
    if (!effect)
        return false;
    /* Its command was emitted a little before it began: a tenth allows for that. */
    return effect->outcome || appends_failing(effects->service->appends) ||
           effect->patience == NSEC_NEVER ||
           clock_monotonic() - effect->begun < effect->patience - effect->patience / 10;
}

bool
effects_any(const struct effects *effects, bool (*is)(const struct effect *, const void *arg),
            const void *arg)
{
    for (const struct effect *effect = effects->table; effect; effect = effect->hh.next) {
        if (!effect->outcome && is(effect, arg))
            return true;
    }
    return false;
}

/* ---- Beginning ---------------------------------------------------------------------------------
 */

static void
begin(struct effects *effects, struct command *command)
{
    struct effect *effect = xcalloc(1, sizeof *effect);
    *effect = (struct effect){
        .service = effects->service,
        .work = command->work,
        .key = xstrdup(command->key),
        .step = xstrdup(command->step),
        .item = command->item,
        .attempt = command->attempt,
        .undo = command->kind == WORKFLOW_UNDO,
        .params = json_incref(command->params),
        .begun = clock_monotonic(),
        .patience = command->patience,
    };
    effect->circuits = json_object_get(effect->params, "circuits");
    HASH_ADD_KEYPTR(hh, effects->table, effect->key, strlen(effect->key), effect);
    action_fn *action = action_find(command->action);
    if (action)
        action(effect);
    else
        effect_fail(effect, false, "there is no action '%s'", command->action);
    command_free(command);
}

/* A further attempt of something that is still going on, or a reminder of it. */
static void
join(struct effect *effect, struct command *command)
{
    if (command->attempt != effect->attempt) {
        effect->attempt = command->attempt;
        effect->begun = clock_monotonic();
        effect->patience = command->patience;
    }
    command_free(command);
}

/* The undo of something that is still going on ends it first. An event that the journal has already
 * must be waited for: the undo has to see what it did. */
static bool
end_forward(struct effects *effects, struct command *command)
{
    size_t length = strlen(command->key) - strlen("/undo");
    struct effect *forward = find_effect(effects, command->key, length);
    if (!forward)
        return true;
    if (!forward->outcome && forward->append && !append_withdraw(forward->append)) {
        forward->successor = command;
        return false;
    }
    forward->append = forward->outcome ? forward->append : NULL;
    effect_free(forward);
    return true;
}

void
effects_begin(struct effects *effects, struct command *command)
{
    struct effect *same = find_effect(effects, command->key, strlen(command->key));
    if (same)
        join(same, command);
    else if (command->kind != WORKFLOW_UNDO || end_forward(effects, command))
        begin(effects, command);
}

/* ---- What an effect waits for ------------------------------------------------------------------
 */

static void
appended(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct effect *effect = arg;
    struct command *successor = effect->successor;
    effect->append = NULL;
    if (successor) {
        struct effects *effects = effect->service->effects;
        effect->successor = NULL;
        effect_free(effect);
        begin(effects, successor);
    } else if (err) {
        effect_fail(effect, false, "%s", why);
    } else {
        effect->next(effect);
    }
}

void
effect_append(struct effect *effect, const struct new_event *events, size_t n, effect_next_fn *next)
{
    effect->next = next;
    effect->append = append_start(effect->service->appends, events, n, true, appended, effect);
}

static void
answered(void *arg, const struct call_result *result)
{
    struct effect *effect = arg;
    effect->request = 0;
    effect->answered(effect, result);
}

void
effect_ask(struct effect *effect, const char *subject, json_t *payload, effect_answer_fn *fn)
{
    nsec_t patience = effect->patience == NSEC_NEVER ? ASK_FOR_EVER
                                                     : effect->patience - effect->patience / 10;
    effect->answered = fn;
    enum err err = bus_request(effect->service->bus, subject, payload, MAX(patience, 1), answered,
                               effect, &effect->request);
    if (err)
        effect_fail(effect, err_is_passing(err), "%s cannot be asked: %s", subject, err_text(err));
}

static void
turn_came(struct turn *turn)
{
    struct effect *effect = CONTAINER_OF(turn, struct effect, turn);
    effect->next(effect);
}

void
effect_take_turn(struct effect *effect, effect_next_fn *next)
{
    effect->next = next;
    turn_ask(&effect->service->turns, &effect->turn, turn_came);
}

bool
err_is_passing(enum err err)
{
    return err == ERR_TIMEOUT || err == ERR_CLOSED || err == ERR_BUSY || err == ERR_IO ||
           err == ERR_LIMIT;
}

/* ---- Ending ------------------------------------------------------------------------------------
 */

static void record(struct effect *);

static void
set_failure(struct effect *effect, bool retryable, const char *error, json_t *result)
{
    json_decref(effect->outcome);
    effect->failed = true;
    effect->outcome = json_pack("{s:s, s:s, s:I, s:o, s:b}", "run",
                                workflow_run_id(effect->work->run), "step", effect->step, "item",
                                (json_int_t)effect->item, "error", jsontext_string(error),
                                "retryable", retryable);
    if (result)
        json_object_set_new(effect->outcome, "result", result);
}

/* The result is in the journal. If the run did not accept it, because a time-out was quicker, it is
 * told to the attempt that is at work now, if there is one. */
static void
recorded(void *arg, enum err err, uint64_t seq, const char *why)
{
    struct effect *effect = arg;
    effect->append = NULL;
    if (err && !(effect->failed && !json_object_get(effect->outcome, "result"))) {
        char *error = xasprintf("what came of it cannot be kept: %s", why);
        set_failure(effect, false, error, NULL);
        free(error);
        record(effect);
    } else if (works_refusal(effect->service->works, seq, &why) &&
               effect->attempt != effect->recorded) {
        record(effect);
    } else {
        effect_free(effect);
    }
}

static void
record(struct effect *effect)
{
    const char *type = effect->failed ? (effect->undo ? "undo.failed" : "step.failed")
                                      : (effect->undo ? "undo.done" : "step.done");
    effect->recorded = effect->attempt;
    json_object_set_new(effect->outcome, "attempt", json_integer(effect->attempt));
    struct new_event event = {type, effect->work->object, ORCHESTRATE_ACTOR,
                              json_incref(effect->outcome)};
    effect->append = append_start(effect->service->appends, &event, 1, true, recorded, effect);
}

void
effect_done(struct effect *effect, json_t *result)
{
    stop_waiting(effect);
    effect->failed = false;
    effect->outcome = json_pack("{s:s, s:s, s:I, s:o}", "run", workflow_run_id(effect->work->run),
                                "step", effect->step, "item", (json_int_t)effect->item, "result",
                                result ? result : json_null());
    record(effect);
}

void
effect_fail(struct effect *effect, bool retryable, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *error = xvasprintf(format, args);
    va_end(args);
    stop_waiting(effect);
    set_failure(effect, retryable, error, NULL);
    free(error);
    record(effect);
}

void
effect_refute(struct effect *effect, json_t *result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *error = xvasprintf(format, args);
    va_end(args);
    stop_waiting(effect);
    set_failure(effect, false, error, result);
    free(error);
    record(effect);
}
