/* Events in. Each type is a row: what must be true of the run and the body for it to count, and
 * what it changes. The check changes nothing and the change cannot fail, so a refused event leaves
 * the run as it was. */
#include "orchestrate/workflow_state.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* An event on its way in, and what of the run it is about. */
struct incoming {
    nsec_t time;
    const char *type;
    json_t *body;
    bool undo; /* of an action's way back */
    struct progress *progress;
    uint32_t item, attempt, slot;
    struct effort *effort;
    nsec_t at; /* a time in the body */
    const char *error;
    bool retryable;
};

typedef enum err check_fn(const struct workflow_run *, struct incoming *, struct diag *);
typedef void commit_fn(struct workflow_run *, const struct incoming *);

static enum err
not_now(const struct incoming *in, struct diag *diag)
{
    return diag_set(diag, ERR_CONFLICT, "step '%s' is not where %s can follow",
                    in->progress->step->name, in->type);
}

static enum err
lacks(const struct incoming *in, const char *member, struct diag *diag)
{
    return diag_set(diag, ERR_MALFORMED, "%s: '%s' is missing or of another type", in->type,
                    member);
}

/* A number from 0 to `high` in the body. */
static bool
read_count(const json_t *body, const char *key, uint32_t high, uint32_t *count)
{
    const json_t *value = json_object_get(body, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > high)
        return false;
    *count = (uint32_t)json_integer_value(value);
    return true;
}

static enum err
read_time(struct incoming *in, const char *key, struct diag *diag)
{
    const char *text = json_string_value(json_object_get(in->body, key));
    if (!text || time_parse(text, &in->at))
        return lacks(in, key, diag);
    return ERR_OK;
}

static enum err
read_step(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    const char *name = json_string_value(json_object_get(in->body, "step"));
    if (!name)
        return lacks(in, "step", diag);
    in->progress = workflow_run_step(run, name);
    if (!in->progress)
        return diag_set(diag, ERR_CONFLICT, "%s: there is no step '%.63s'", in->type, name);
    return ERR_OK;
}

/* The step is open and is of the kind; `in` then stands on its only item. */
static enum err
check_open(const struct workflow_run *run, struct incoming *in, enum workflow_kind kind,
           enum effort_state state, struct diag *diag)
{
    enum err err = read_step(run, in, diag);
    if (err)
        return err;
    if (in->progress->step->kind != kind || in->progress->state != STEP_OPEN)
        return not_now(in, diag);
    in->effort = &in->progress->units[0].forward;
    return in->effort->state == state ? ERR_OK : not_now(in, diag);
}

/* Can anything of the step start or end now, in the event's direction? */
static bool
is_under_way(const struct workflow_run *run, const struct incoming *in)
{
    if (in->undo)
        return in->progress == workflow_run_undoing(run);
    return in->progress->state == STEP_OPEN;
}

static enum err
check_item(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = read_step(run, in, diag);
    if (err)
        return err;
    if (!read_count(in->body, "item", UINT32_MAX, &in->item))
        return lacks(in, "item", diag);
    if (!read_count(in->body, "attempt", UINT32_MAX, &in->attempt))
        return lacks(in, "attempt", diag);
    in->undo = in->type[0] == 'u';
    if (!is_under_way(run, in))
        return not_now(in, diag);
    if (in->item >= in->progress->n_units)
        return diag_set(diag, ERR_CONFLICT, "step '%s' has no item %u", in->progress->step->name,
                        in->item);
    struct unit *unit = &in->progress->units[in->item];
    in->effort = in->undo ? &unit->undo : &unit->forward;
    if (in->undo && unit->forward.attempt == 0)
        return diag_set(diag, ERR_CONFLICT, "item %u was never started", in->item);
    return ERR_OK;
}

static enum err
check_started(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_item(run, in, diag);
    if (err)
        return err;
    const struct progress *progress = in->progress;
    const struct effort *effort = in->effort;
    bool free_place = effort->state == EFFORT_BACKOFF ||
                      progress->n_active < progress->step->parallel;
    if (progress->step->kind != WORKFLOW_ACTION || run->phase == RUN_DRAIN || progress->broken ||
        (effort->state != EFFORT_PENDING && effort->state != EFFORT_BACKOFF) || !free_place)
        return not_now(in, diag);
    if (in->attempt != effort->attempt + 1)
        return diag_set(diag, ERR_CONFLICT, "%s: attempt %u cannot follow attempt %u", in->type,
                        in->attempt, effort->attempt);
    char *key = workflow_effect_key(run, progress, in->item, in->undo);
    const char *named = json_string_value(json_object_get(in->body, "key"));
    bool same = named && !strcmp(named, key);
    free(key);
    return same ? ERR_OK : diag_set(diag, ERR_CONFLICT, "%s: not the item's key", in->type);
}

static void
commit_started(struct workflow_run *run, const struct incoming *in)
{
    struct effort *effort = in->effort;
    if (effort->state == EFFORT_PENDING) {
        in->progress->n_out -= effort->issued;
        workflow_activate(in->progress, in->item);
    }
    if (!in->undo && effort->attempt == 0)
        in->progress->n_begun++;
    run->n_running += !in->undo && !in->progress->step->always;
    effort->state = EFFORT_STARTED;
    effort->attempt = in->attempt;
    if (!effort->issued)
        effort->deadline = NSEC_NEVER;
}

static enum err
check_attempt(const struct incoming *in, struct diag *diag)
{
    if (in->attempt != in->effort->attempt)
        return diag_set(diag, ERR_CONFLICT, "%s: attempt %u is not the one at work", in->type,
                        in->attempt);
    return ERR_OK;
}

static enum err
check_done(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_item(run, in, diag);
    if (err)
        return err;
    if (in->progress->step->kind != WORKFLOW_ACTION || in->effort->state != EFFORT_STARTED)
        return not_now(in, diag);
    return check_attempt(in, diag);
}

/* An attempt is over: it is at work no longer. */
static void
end_attempt(struct workflow_run *run, const struct incoming *in)
{
    in->effort->issued = false;
    in->effort->reported = false;
    if (in->undo || in->progress->step->always || in->progress->step->kind != WORKFLOW_ACTION)
        return;
    if (--run->n_running == 0 && run->phase == RUN_DRAIN)
        run->stirred = true;
}

/* `error`: why it could not be undone; NULL if it was. The others are undone all the same. */
static void
finish_undo(struct workflow_run *run, const struct incoming *in, const char *error)
{
    struct progress *progress = in->progress;
    in->effort->state = error ? EFFORT_FAILED : EFFORT_DONE;
    progress->n_undone += !error;
    progress->n_undo_failed += error != NULL;
    if (error && !run->undo_failed) {
        char *both = xasprintf("%s; undoing step '%s', item %u: %s", run->error,
                               progress->step->name, in->item, error);
        free(run->error);
        run->error = both;
        run->undo_failed = true;
    }
    if (--progress->undo_left == 0)
        run->stirred = true;
}

static void
commit_done(struct workflow_run *run, const struct incoming *in)
{
    json_t *result = json_object_get(in->body, "result");
    end_attempt(run, in);
    workflow_deactivate(in->progress, in->item);
    if (in->undo)
        finish_undo(run, in, NULL);
    else
        workflow_unit_done(run, in->progress, in->item, json_incref(result));
}

/* An action that did not succeed; a wait that took too long; or something that could not even be
 * started, with the number of attempts before it. */
static enum err
check_failed(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_item(run, in, diag);
    if (err)
        return err;
    const json_t *retryable = json_object_get(in->body, "retryable");
    in->error = json_string_value(json_object_get(in->body, "error"));
    in->retryable = json_is_true(retryable);
    if (!in->error || !json_is_boolean(retryable))
        return lacks(in, in->error ? "retryable" : "error", diag);
    enum workflow_kind kind = in->progress->step->kind;
    bool at_work = in->effort->state == EFFORT_STARTED &&
                   (kind == WORKFLOW_ACTION || kind == WORKFLOW_WAIT);
    bool not_started = (in->effort->state == EFFORT_PENDING ||
                        in->effort->state == EFFORT_BACKOFF) &&
                       run->phase != RUN_DRAIN && !in->retryable;
    return at_work || not_started ? check_attempt(in, diag) : not_now(in, diag);
}

static nsec_t
pause_after(const struct workflow_retry *retry, uint32_t attempt)
{
    nsec_t pause = MIN(retry->backoff, retry->limit);
    for (uint32_t i = 1; i < attempt && pause < retry->limit && retry->factor > 1; i++)
        pause = pause > retry->limit / retry->factor ? retry->limit : pause * retry->factor;
    return pause;
}

/* Another attempt will follow. */
static bool
try_again(const struct workflow_run *run, const struct incoming *in)
{
    const struct workflow_step *step = in->progress->step;
    const struct workflow_retry *retry = in->undo ? &step->undo.retry : &step->call.retry;
    if (!in->retryable || in->effort->attempt > retry->count || run->phase == RUN_DRAIN)
        return false;
    in->effort->state = EFFORT_BACKOFF;
    in->effort->due = workflow_later(in->time, pause_after(retry, in->effort->attempt));
    return true;
}

static void
commit_failed(struct workflow_run *run, const struct incoming *in)
{
    enum effort_state was = in->effort->state;
    if (was == EFFORT_PENDING)
        in->progress->n_out -= in->effort->issued;
    if (was == EFFORT_STARTED)
        end_attempt(run, in);
    if (was == EFFORT_STARTED && try_again(run, in))
        return;
    if (was != EFFORT_PENDING && in->progress->step->kind == WORKFLOW_ACTION)
        workflow_deactivate(in->progress, in->item);
    if (in->undo)
        finish_undo(run, in, in->error);
    else
        workflow_unit_failed(run, in->progress, in->item, in->error);
}

/* A timer, a wait or an approval has begun. */
static void
begin(const struct incoming *in, nsec_t deadline)
{
    in->effort->state = EFFORT_STARTED;
    in->effort->attempt = 1;
    in->effort->issued = false;
    in->effort->deadline = deadline;
}

static enum err
check_timer_set(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_TIMER, EFFORT_PENDING, diag);
    return err ? err : read_time(in, "at", diag);
}

static void
commit_timer_set(struct workflow_run *run UNUSED, const struct incoming *in)
{
    begin(in, in->at);
}

static enum err
check_timer_fired(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_TIMER, EFFORT_STARTED, diag);
    if (!err && in->time < in->effort->deadline)
        err = diag_set(diag, ERR_CONFLICT, "step '%s': it is not time yet",
                       in->progress->step->name);
    return err;
}

static void
commit_timer_fired(struct workflow_run *run, const struct incoming *in)
{
    workflow_unit_done(run, in->progress, 0,
                       json_pack("{s:o}", "at", workflow_json_time(in->effort->deadline)));
}

static enum err
check_wait_set(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_WAIT, EFFORT_PENDING, diag);
    const json_t *object = json_object_get(in->body, "object");
    const json_t *match = json_object_get(in->body, "match");
    if (!err && object && !json_is_string(object))
        err = lacks(in, "object", diag);
    if (!err && match && (!json_is_object(match) || !workflow_depth_ok(match)))
        err = lacks(in, "match", diag);
    return err;
}

static void
commit_wait_set(struct workflow_run *run UNUSED, const struct incoming *in)
{
    nsec_t timeout = in->progress->step->timeout;
    in->progress->object = json_incref(json_object_get(in->body, "object"));
    in->progress->match = json_incref(json_object_get(in->body, "match"));
    begin(in, timeout ? workflow_later(in->time, timeout) : NSEC_NEVER);
}

static bool
contains(const json_t *body, json_t *match)
{
    const char *key;
    json_t *wanted;
    if (!json_is_object(match))
        return json_equal(body, match);
    json_object_foreach(match, key, wanted)
    {
        const json_t *there = json_object_get(body, key);
        if (!there || !contains(there, wanted))
            return false;
    }
    return json_is_object(body);
}

bool
workflow_wait_matches(const struct progress *progress, const char *type, const char *object,
                      const json_t *body)
{
    const char *wanted = json_string_value(progress->object);
    return !strcmp(type, progress->step->wait.event) &&
           (!wanted || (object && !strcmp(object, wanted))) &&
           (!progress->match || contains(body, progress->match));
}

static enum err
check_wait_matched(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_WAIT, EFFORT_STARTED, diag);
    const char *event = json_string_value(json_object_get(in->body, "event"));
    const char *object = json_string_value(json_object_get(in->body, "object"));
    if (err || !event)
        return err ? err : lacks(in, "event", diag);
    if (!workflow_wait_matches(in->progress, event, object, json_object_get(in->body, "result")))
        return diag_set(diag, ERR_CONFLICT, "step '%s' waits for another event",
                        in->progress->step->name);
    return ERR_OK;
}

static void
commit_wait_matched(struct workflow_run *run, const struct incoming *in)
{
    workflow_unit_done(run, in->progress, 0, json_incref(json_object_get(in->body, "result")));
}

static enum err
check_requested(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    char *hash;
    enum err err = check_open(run, in, WORKFLOW_APPROVAL, EFFORT_PENDING, diag);
    if (!err)
        err = read_time(in, "expires", diag);
    if (err || workflow_approval_hash(run, in->progress, &hash, diag))
        return err ? err : ERR_CONFLICT;
    const char *named = json_string_value(json_object_get(in->body, "hash"));
    bool same = named && !strcmp(named, hash);
    free(hash);
    return same ? ERR_OK
                : diag_set(diag, ERR_CONFLICT, "step '%s' asks for another hash's approval",
                           in->progress->step->name);
}

static void
commit_requested(struct workflow_run *run UNUSED, const struct incoming *in)
{
    /* The definition's patience counts, whatever the event says: it can only be shortened. */
    nsec_t expires = workflow_later(in->time, in->progress->step->approval.expires);
    in->progress->hash = xstrdup(json_string_value(json_object_get(in->body, "hash")));
    in->progress->verdicts = json_array();
    begin(in, MIN(expires, in->at));
}

static enum err
check_granted(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_APPROVAL, EFFORT_STARTED, diag);
    return err ? err
               : workflow_approval_check(run, in->progress, in->body, in->time, false, &in->slot,
                                         diag);
}

static void
commit_granted(struct workflow_run *run, const struct incoming *in)
{
    struct progress *progress = in->progress;
    json_t *who = json_object_get(in->body, "who");
    progress->who[in->slot] = xstrdup(json_string_value(who));
    json_array_append_new(progress->verdicts, json_pack("{s:O, s:O}", "who", who, "role",
                                                        json_object_get(in->body, "role")));
    if (json_array_size(progress->verdicts) == progress->step->approval.n_roles)
        workflow_unit_done(
            run, progress, 0,
            json_pack("{s:s, s:O}", "hash", progress->hash, "granted", progress->verdicts));
}

static enum err
check_refused(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_APPROVAL, EFFORT_STARTED, diag);
    return err ? err
               : workflow_approval_check(run, in->progress, in->body, in->time, true, &in->slot,
                                         diag);
}

static void
commit_refused(struct workflow_run *run, const struct incoming *in)
{
    const char *comment = json_string_value(json_object_get(in->body, "comment"));
    char *error = xasprintf("refused by %s as %s%s%s",
                            json_string_value(json_object_get(in->body, "who")),
                            json_string_value(json_object_get(in->body, "role")),
                            comment && *comment ? ": " : "", comment ? comment : "");
    workflow_unit_failed(run, in->progress, 0, error);
    free(error);
}

static enum err
check_expired(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    enum err err = check_open(run, in, WORKFLOW_APPROVAL, EFFORT_STARTED, diag);
    if (!err && in->time < in->effort->deadline)
        err = diag_set(diag, ERR_CONFLICT, "step '%s': it has not expired",
                       in->progress->step->name);
    return err;
}

static void
commit_expired(struct workflow_run *run, const struct incoming *in)
{
    workflow_unit_failed(run, in->progress, 0, "not approved in time");
}

static enum err
check_cancel(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    const json_t *reason = json_object_get(in->body, "reason");
    if (!json_is_string(json_object_get(in->body, "who")))
        return lacks(in, "who", diag);
    if (reason && !json_is_string(reason))
        return lacks(in, "reason", diag);
    if (run->phase != RUN_FORWARD)
        return diag_set(diag, ERR_CONFLICT, "run %s is %s and cannot be cancelled", run->id,
                        run->phase == RUN_DRAIN || run->phase == RUN_UNDO ? "being undone already"
                                                                          : "ending");
    return ERR_OK;
}

static void
commit_cancel(struct workflow_run *run, const struct incoming *in)
{
    const char *reason = json_string_value(json_object_get(in->body, "reason"));
    run->cancelled = true;
    workflow_turn_back(run, xasprintf("cancelled by %s%s%s",
                                      json_string_value(json_object_get(in->body, "who")),
                                      reason && *reason ? ": " : "", reason ? reason : ""));
}

static enum err
check_closed(const struct workflow_run *run, struct incoming *in, struct diag *diag)
{
    const char *outcome = json_string_value(json_object_get(in->body, "outcome"));
    if (!outcome)
        return lacks(in, "outcome", diag);
    if (run->phase != RUN_CLOSING || strcmp(outcome, run->outcome) != 0)
        return diag_set(diag, ERR_CONFLICT, "run %s does not end '%.63s' now", run->id, outcome);
    return ERR_OK;
}

static void
commit_closed(struct workflow_run *run, const struct incoming *in UNUSED)
{
    run->phase = RUN_CLOSED;
}

static const struct event_row {
    const char *type;
    check_fn *check;
    commit_fn *commit;
} event_table[] = {
    {"step.started", check_started, commit_started},
    {"step.done", check_done, commit_done},
    {"step.failed", check_failed, commit_failed},
    {"undo.started", check_started, commit_started},
    {"undo.done", check_done, commit_done},
    {"undo.failed", check_failed, commit_failed},
    {"timer.set", check_timer_set, commit_timer_set},
    {"timer.fired", check_timer_fired, commit_timer_fired},
    {"wait.set", check_wait_set, commit_wait_set},
    {"wait.matched", check_wait_matched, commit_wait_matched},
    {"approval.requested", check_requested, commit_requested},
    {"approval.granted", check_granted, commit_granted},
    {"approval.refused", check_refused, commit_refused},
    {"approval.expired", check_expired, commit_expired},
    {"run.cancel-requested", check_cancel, commit_cancel},
    {"run.closed", check_closed, commit_closed},
};

static enum err
check_event(const struct workflow_run *run, const struct workflow_event *event, struct incoming *in,
            const struct event_row **row, struct diag *diag)
{
    *in = (struct incoming){.time = event->time, .type = event->type, .body = event->body};
    const char *id = json_string_value(json_object_get(event->body, "run"));
    if (!id || event->time < 0)
        return lacks(in, id ? "time" : "run", diag);
    if (strcmp(id, run->id) != 0)
        return diag_set(diag, ERR_CONFLICT, "an event of another run, %.63s", id);
    if (run->phase == RUN_CLOSED)
        return diag_set(diag, ERR_CONFLICT, "run %s is closed", run->id);
    for (size_t i = 0; i < ARRAY_SIZE(event_table); i++) {
        if (!strcmp(event_table[i].type, event->type)) {
            *row = &event_table[i];
            return event_table[i].check(run, in, diag);
        }
    }
    return diag_set(diag, ERR_CONFLICT, "'%.63s' is no event that can follow in a run",
                    event->type);
}

enum err
workflow_run_apply(struct workflow_run *run, const struct workflow_event *event, struct diag *diag)
{
    struct incoming in;
    const struct event_row *row = NULL;
    enum err err = check_event(run, event, &in, &row, diag);
    if (err)
        return err;
    row->commit(run, &in);
    workflow_settle(run);
    return ERR_OK;
}

enum err
workflow_run_check(const struct workflow_run *run, const struct workflow_event *event,
                   struct diag *diag)
{
    struct incoming in;
    const struct event_row *row;
    return check_event(run, event, &in, &row, diag);
}
