/* Commands out. A call looks at the open steps only, and in each at the items at work and those
 * whose turn is next; `cursor` makes sure that no item is passed over twice, so that a list of any
 * length is walked once in the life of a run. */
#include "orchestrate/workflow_state.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* One call of workflow_run_next(). */
struct issue {
    struct workflow_run *run;
    nsec_t now, wake;
    workflow_emit_fn *emit;
    void *arg;
};

static struct effort *
effort_of(const struct workflow_run *run, struct progress *progress, uint32_t item)
{
    struct unit *unit = &progress->units[item];
    return run->phase == RUN_UNDO ? &unit->undo : &unit->forward;
}

static void
wake_at(struct issue *issue, nsec_t time)
{
    issue->wake = MIN(issue->wake, time);
}

/* Emits the command, and releases its body and parameters. */
static void
emit_command(struct issue *issue, struct workflow_command *command)
{
    issue->emit(issue->arg, command);
    json_decref(command->body);
    json_decref(command->params);
}

static void
emit_record(struct issue *issue, const struct progress *progress, const char *type, json_t *body)
{
    struct workflow_command command = {
        .kind = WORKFLOW_RECORD,
        .type = type,
        .body = body,
        .step = progress->step->name,
        .deadline = NSEC_NEVER,
    };
    emit_command(issue, &command);
}

static json_t *
item_body(const struct workflow_run *run, const struct progress *progress, uint32_t item,
          uint32_t attempt)
{
    return json_pack("{s:s, s:s, s:I, s:I}", "run", run->id, "step", progress->step->name, "item",
                     (json_int_t)item, "attempt", (json_int_t)attempt);
}

static json_t *
step_body(const struct workflow_run *run, const struct progress *progress)
{
    return json_pack("{s:s, s:s}", "run", run->id, "step", progress->step->name);
}

/* Marks that a command which will change the item is out. */
static void
mark_issued(struct progress *progress, struct effort *effort)
{
    if (effort->state == EFFORT_PENDING && !effort->issued)
        progress->n_out++;
    effort->issued = true;
}

/* The item fails without, or instead of, an answer of the action. */
static void
emit_failure(struct issue *issue, struct progress *progress, uint32_t item, const char *error,
             bool retryable)
{
    struct effort *effort = effort_of(issue->run, progress, item);
    json_t *body = item_body(issue->run, progress, item, effort->attempt);
    json_object_set_new(body, "error", jsontext_string(error));
    json_object_set_new(body, "retryable", json_boolean(retryable));
    mark_issued(progress, effort);
    effort->reported = true;
    struct workflow_command command = {
        .kind = WORKFLOW_RECORD,
        .type = issue->run->phase == RUN_UNDO ? "undo.failed" : "step.failed",
        .body = body,
        .step = progress->step->name,
        .item = item,
        .deadline = NSEC_NEVER,
    };
    emit_command(issue, &command);
}

/* A new attempt is not begun once the step's `before` has passed. */
static enum err
check_before(const struct issue *issue, const struct progress *progress, nsec_t *before,
             struct diag *diag)
{
    char text[TIME_TEXT_SIZE];
    enum err err = workflow_render_time(issue->run, progress, progress->step->before, before, diag);
    if (!err && issue->now >= *before)
        err = diag_set(diag, ERR_TIMEOUT, "too late: it had to begin before %s",
                       time_format(*before, text));
    return err;
}

static enum err
render_params(const struct workflow_run *run, const struct progress *progress, uint32_t item,
              json_t *with, json_t **params, struct diag *diag)
{
    struct run_scope at = workflow_run_scope(run, progress, item);
    if (!with) {
        *params = json_object();
        return ERR_OK;
    }
    return workflow_template_render(with, &at.scope, params, diag);
}

static enum err
prepare_call(struct issue *issue, struct progress *progress, uint32_t item, bool recover,
             json_t **params, struct diag *diag)
{
    const struct workflow_step *step = progress->step;
    bool undo = issue->run->phase == RUN_UNDO;
    nsec_t before;
    enum err err = ERR_OK;
    if (progress->broken)
        return diag_set(diag, ERR_INVALID, "%s", progress->broken);
    if (!undo && !recover)
        err = check_before(issue, progress, &before, diag);
    return err ? err
               : render_params(issue->run, progress, item, undo ? step->undo.with : step->call.with,
                               params, diag);
}

/* Starts the item's next attempt, or has the last one carried on after a restart. */
static void
emit_call(struct issue *issue, struct progress *progress, uint32_t item, bool recover)
{
    struct workflow_run *run = issue->run;
    struct effort *effort = effort_of(run, progress, item);
    bool undo = run->phase == RUN_UNDO;
    const struct workflow_call *call = undo ? &progress->step->undo : &progress->step->call;
    struct workflow_command command = {
        .kind = undo ? WORKFLOW_UNDO : WORKFLOW_START,
        .type = undo ? "undo.started" : "step.started",
        .step = progress->step->name,
        .item = item,
        .action = call->action,
        .attempt = effort->attempt + !recover,
        .recover = recover,
        .deadline = call->timeout ? workflow_later(issue->now, call->timeout) : NSEC_NEVER,
    };
    struct diag diag;
    if (prepare_call(issue, progress, item, recover, &command.params, &diag)) {
        emit_failure(issue, progress, item, diag.text, false);
        return;
    }
    char *key = workflow_effect_key(run, progress, item, undo);
    command.key = key;
    command.body = item_body(run, progress, item, command.attempt);
    json_object_set_new(command.body, "key", json_string(key));
    mark_issued(progress, effort);
    effort->reported = false;
    effort->deadline = command.deadline;
    wake_at(issue, command.deadline);
    emit_command(issue, &command);
    free(key);
}

static void
issue_timeout(struct issue *issue, struct progress *progress, uint32_t item, nsec_t timeout)
{
    struct effort *effort = effort_of(issue->run, progress, item);
    if (effort->reported)
        return;
    if (issue->now < effort->deadline) {
        wake_at(issue, effort->deadline);
        return;
    }
    char *error = xasprintf("no answer within %lld ms", (long long)(timeout / NSEC_PER_MSEC));
    emit_failure(issue, progress, item, error, progress->step->kind == WORKFLOW_ACTION);
    free(error);
}

/* An item at work, or between two attempts. */
static void
issue_active(struct issue *issue, struct progress *progress, uint32_t item)
{
    const struct workflow_step *step = progress->step;
    struct effort *effort = effort_of(issue->run, progress, item);
    bool undo = issue->run->phase == RUN_UNDO;
    if (effort->state == EFFORT_STARTED && !effort->issued)
        emit_call(issue, progress, item, true);
    else if (effort->state == EFFORT_STARTED)
        issue_timeout(issue, progress, item, undo ? step->undo.timeout : step->call.timeout);
    else if (!effort->issued && issue->now >= effort->due)
        emit_call(issue, progress, item, false);
    else if (!effort->issued)
        wake_at(issue, effort->due);
}

/* In UNDO items go from the last to the first, and those that never started are left out. */
static uint32_t
item_at(const struct workflow_run *run, const struct progress *progress, uint32_t position)
{
    return run->phase == RUN_UNDO ? progress->n_units - 1 - position : position;
}

static bool
is_startable(const struct workflow_run *run, struct progress *progress, uint32_t item)
{
    return effort_of(run, progress, item)->state == EFFORT_PENDING &&
           (run->phase != RUN_UNDO || progress->units[item].forward.attempt > 0);
}

static void
issue_pending(struct issue *issue, struct progress *progress)
{
    struct workflow_run *run = issue->run;
    for (uint32_t i = progress->cursor; i < progress->n_units; i++) {
        uint32_t item = item_at(run, progress, i);
        if (progress->n_active + progress->n_out >= progress->step->parallel)
            return;
        run->work++;
        if (!is_startable(run, progress, item))
            progress->cursor += progress->cursor == i;
        else if (!effort_of(run, progress, item)->issued)
            emit_call(issue, progress, item, false);
    }
}

static void
issue_actions(struct issue *issue, struct progress *progress)
{
    for (uint32_t i = progress->first; i; i = progress->units[i - 1].next) {
        issue->run->work++;
        issue_active(issue, progress, i - 1);
    }
    if (issue->run->phase != RUN_DRAIN)
        issue_pending(issue, progress);
}

static void
ask_approval(struct issue *issue, struct progress *progress)
{
    const struct workflow_approval *approval = &progress->step->approval;
    struct workflow_run *run = issue->run;
    struct diag diag;
    nsec_t before;
    char *hash = NULL;
    json_t *show = NULL;
    if (check_before(issue, progress, &before, &diag) ||
        workflow_approval_hash(run, progress, &hash, &diag) ||
        render_params(run, progress, 0, approval->show, &show, &diag)) {
        free(hash);
        emit_failure(issue, progress, 0, diag.text, false);
        return;
    }
    nsec_t expires = MIN(before, workflow_later(issue->now, approval->expires));
    json_t *roles = json_array();
    for (uint32_t i = 0; i < approval->n_roles; i++)
        json_array_append_new(roles, json_string(approval->roles[i]));
    struct workflow_command command = {
        .kind = WORKFLOW_ASK,
        .type = "approval.requested",
        .body = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "run", run->id, "step",
                          progress->step->name, "hash", jsontext_string(hash), "roles", roles,
                          "expires", workflow_json_time(expires), "show", show),
        .step = progress->step->name,
        .deadline = NSEC_NEVER,
    };
    mark_issued(progress, &progress->units[0].forward);
    emit_command(issue, &command);
    free(hash);
}

static void
set_timer(struct issue *issue, struct progress *progress)
{
    const struct workflow_timer *timer = &progress->step->timer;
    struct diag diag;
    nsec_t at = workflow_later(issue->now, timer->duration);
    enum err err = ERR_OK;
    if (timer->until) {
        err = workflow_render_time(issue->run, progress, timer->until, &at, &diag);
        if (!err && at == NSEC_NEVER)
            err = diag_set(&diag, ERR_INVALID, "'%.80s' stands for nothing",
                           json_string_value(timer->until));
    }
    if (err) {
        emit_failure(issue, progress, 0, diag.text, false);
        return;
    }
    json_t *body = step_body(issue->run, progress);
    json_object_set_new(body, "at", workflow_json_time(at));
    mark_issued(progress, &progress->units[0].forward);
    emit_record(issue, progress, "timer.set", body);
}

/* What `wait` looks for, filled in; *object and *match are NULL where it does not say. */
static enum err
render_wait(const struct workflow_run *run, const struct progress *progress, json_t **object,
            json_t **match, struct diag *diag)
{
    const struct workflow_wait *wait = &progress->step->wait;
    struct run_scope at = workflow_run_scope(run, progress, 0);
    enum err err = ERR_OK;
    if (wait->object)
        err = workflow_template_render(wait->object, &at.scope, object, diag);
    if (!err && *object && !json_is_string(*object))
        err = diag_set(diag, ERR_INVALID, "object: '%.80s' stands for no text",
                       json_string_value(wait->object));
    if (!err && wait->match)
        err = workflow_template_render(wait->match, &at.scope, match, diag);
    return err;
}

static void
begin_wait(struct issue *issue, struct progress *progress)
{
    struct diag diag;
    json_t *object = NULL, *match = NULL;
    if (render_wait(issue->run, progress, &object, &match, &diag)) {
        json_decref(object);
        emit_failure(issue, progress, 0, diag.text, false);
        return;
    }
    json_t *body = step_body(issue->run, progress);
    json_object_set_new(body, "event", json_string(progress->step->wait.event));
    if (object)
        json_object_set_new(body, "object", object);
    if (match)
        json_object_set_new(body, "match", match);
    mark_issued(progress, &progress->units[0].forward);
    emit_record(issue, progress, "wait.set", body);
}

/* Timers, waits and approvals: first the event that begins them, later the one at their time. */
static void
issue_other(struct issue *issue, struct progress *progress)
{
    struct effort *effort = &progress->units[0].forward;
    enum workflow_kind kind = progress->step->kind;
    issue->run->work++;
    if (effort->issued)
        return;
    if (effort->state == EFFORT_PENDING && kind == WORKFLOW_APPROVAL) {
        ask_approval(issue, progress);
    } else if (effort->state == EFFORT_PENDING && kind == WORKFLOW_TIMER) {
        set_timer(issue, progress);
    } else if (effort->state == EFFORT_PENDING) {
        begin_wait(issue, progress);
    } else if (kind == WORKFLOW_WAIT) {
        issue_timeout(issue, progress, 0, progress->step->timeout);
    } else if (issue->now >= effort->deadline) {
        effort->issued = true;
        emit_record(issue, progress, kind == WORKFLOW_TIMER ? "timer.fired" : "approval.expired",
                    step_body(issue->run, progress));
    } else {
        wake_at(issue, effort->deadline);
    }
}

static void
issue_open_steps(struct issue *issue)
{
    const struct workflow *workflow = issue->run->workflow;
    for (uint32_t i = 0; i < workflow->n_steps; i++) {
        struct progress *progress = &issue->run->steps[workflow->order[i]];
        if (progress->state != STEP_OPEN)
            continue;
        if (progress->step->kind == WORKFLOW_ACTION)
            issue_actions(issue, progress);
        else
            issue_other(issue, progress);
    }
}

static void
issue_close(struct issue *issue)
{
    struct workflow_run *run = issue->run;
    if (run->close_issued)
        return;
    run->close_issued = true;
    struct workflow_command command = {
        .kind = WORKFLOW_CLOSE,
        .type = "run.closed",
        .body = json_pack("{s:s, s:s}", "run", run->id, "outcome", run->outcome),
        .step = "",
        .deadline = NSEC_NEVER,
    };
    if (run->error)
        json_object_set_new(command.body, "error", jsontext_string(run->error));
    emit_command(issue, &command);
}

nsec_t
workflow_run_next(struct workflow_run *run, nsec_t now, workflow_emit_fn *emit, void *arg)
{
    struct issue issue = {.run = run, .now = now, .wake = NSEC_NEVER, .emit = emit, .arg = arg};
    switch (run->phase) {
    case RUN_FORWARD:
    case RUN_DRAIN:
    case RUN_FINAL:
        issue_open_steps(&issue);
        break;
    case RUN_UNDO:
        issue_actions(&issue, workflow_run_undoing(run));
        break;
    case RUN_CLOSING:
        issue_close(&issue);
        break;
    case RUN_CLOSED:
        break;
    }
    return issue.wake;
}

void
workflow_run_retract(struct workflow_run *run, const struct workflow_command *command)
{
    if (command->kind == WORKFLOW_CLOSE) {
        run->close_issued = false;
        return;
    }
    struct progress *progress = workflow_run_step(run, command->step);
    if (!progress || command->item >= progress->n_units)
        return;
    struct unit *unit = &progress->units[command->item];
    bool undo = !strncmp(command->type, "undo.", 5);
    struct effort *effort = undo ? &unit->undo : &unit->forward;
    bool counted = undo == (run->phase == RUN_UNDO) && progress->n_out > 0;
    if (effort->state == EFFORT_PENDING && effort->issued && counted)
        progress->n_out--; /* a command from before the run turned back is not counted there */
    effort->issued = false;
    effort->reported = false;
}

void
workflow_run_offer(struct workflow_run *run, const struct workflow_event *event,
                   workflow_emit_fn *emit, void *arg)
{
    struct issue issue = {.run = run, .emit = emit, .arg = arg};
    for (uint32_t i = 0; i < run->workflow->n_steps; i++) {
        struct progress *progress = &run->steps[run->workflow->order[i]];
        if (progress->step->kind != WORKFLOW_WAIT || progress->state != STEP_OPEN ||
            progress->units[0].forward.state != EFFORT_STARTED ||
            !workflow_wait_matches(progress, event->type, event->object, event->body))
            continue;
        json_t *body = step_body(run, progress);
        json_object_set_new(body, "event", json_string(event->type));
        if (event->object)
            json_object_set_new(body, "object", jsontext_string(event->object));
        json_object_set(body, "result", event->body);
        emit_record(&issue, progress, "wait.matched", body);
    }
}
