/* What a run looks like from outside. */
#include "orchestrate/workflow_state.h"

static const char *const phase_names[] = {
    [RUN_FORWARD] = "forward", [RUN_DRAIN] = "draining",  [RUN_UNDO] = "undoing",
    [RUN_FINAL] = "finishing", [RUN_CLOSING] = "closing", [RUN_CLOSED] = "closed",
};

static const char *const state_names[] = {
    [STEP_WAITING] = "waiting", [STEP_OPEN] = "open",     [STEP_DONE] = "done",
    [STEP_SKIPPED] = "skipped", [STEP_FAILED] = "failed", [STEP_STOPPED] = "stopped",
};

static const char *const kind_names[] = {
    [WORKFLOW_ACTION] = "action",
    [WORKFLOW_APPROVAL] = "approval",
    [WORKFLOW_TIMER] = "timer",
    [WORKFLOW_WAIT] = "wait",
};

static void
add_count(json_t *object, const char *key, uint32_t count)
{
    json_object_set_new(object, key, json_integer(count));
}

static json_t *
approval_status(const struct progress *progress)
{
    const struct workflow_approval *approval = &progress->step->approval;
    json_t *roles = json_array();
    for (uint32_t i = 0; i < approval->n_roles; i++) {
        json_t *role = json_pack("{s:s}", "role", approval->roles[i]);
        if (progress->who[i])
            json_object_set_new(role, "granted_by", json_string(progress->who[i]));
        json_array_append_new(roles, role);
    }
    return json_pack("{s:o, s:o, s:o}", "hash", jsontext_string(progress->hash), "expires",
                     workflow_json_time(progress->units[0].forward.deadline), "roles", roles);
}

/* What an open timer, wait or approval is waiting for. */
static void
add_waiting(json_t *status, const struct progress *progress)
{
    const struct workflow_step *step = progress->step;
    if (progress->state != STEP_OPEN || step->kind == WORKFLOW_ACTION ||
        progress->units[0].forward.state != EFFORT_STARTED)
        return;
    nsec_t deadline = progress->units[0].forward.deadline;
    if (step->kind == WORKFLOW_APPROVAL) {
        json_object_set_new(status, "approval", approval_status(progress));
    } else if (step->kind == WORKFLOW_TIMER) {
        json_object_set_new(status, "at", workflow_json_time(deadline));
    } else {
        json_object_set_new(status, "event", json_string(step->wait.event));
        if (deadline != NSEC_NEVER)
            json_object_set_new(status, "until", workflow_json_time(deadline));
    }
}

static json_t *
step_status(const struct progress *progress)
{
    const struct workflow_step *step = progress->step;
    json_t *status = json_pack("{s:s, s:s, s:s}", "step", step->name, "kind",
                               kind_names[step->kind], "state", state_names[progress->state]);
    if (step->title)
        json_object_set_new(status, "title", json_string(step->title));
    if (progress->n_units) {
        add_count(status, "items", progress->n_units);
        add_count(status, "done", progress->n_finished - progress->n_failed);
        add_count(status, "failed", progress->n_failed);
        add_count(status, "active", progress->n_active);
    }
    if (progress->n_undone || progress->n_undo_failed) {
        add_count(status, "undone", progress->n_undone);
        add_count(status, "undo_failed", progress->n_undo_failed);
    }
    add_waiting(status, progress);
    return status;
}

json_t *
workflow_run_status(const struct workflow_run *run)
{
    json_t *status = json_pack("{s:s, s:s, s:s, s:s}", "run", run->id, "workflow",
                               workflow_name(run->workflow), "requester", run->requester, "phase",
                               phase_names[run->phase]);
    if (run->outcome)
        json_object_set_new(status, "outcome", json_string(run->outcome));
    if (run->error)
        json_object_set_new(status, "error", jsontext_string(run->error));
    json_t *steps = json_array();
    for (uint32_t i = 0; i < run->workflow->n_steps; i++)
        json_array_append_new(steps, step_status(&run->steps[i]));
    json_object_set_new(status, "steps", steps);
    return status;
}

static const char *const command_names[] = {
    [WORKFLOW_START] = "start",   [WORKFLOW_UNDO] = "undo",   [WORKFLOW_ASK] = "ask",
    [WORKFLOW_RECORD] = "record", [WORKFLOW_CLOSE] = "close",
};

json_t *
workflow_command_json(const struct workflow_command *command)
{
    json_t *json = json_pack("{s:s, s:s, s:O}", "command", command_names[command->kind], "type",
                             command->type, "body", command->body);
    if (!command->action)
        return json;
    json_object_set_new(json, "action", json_string(command->action));
    json_object_set_new(json, "key", json_string(command->key));
    json_object_set(json, "params", command->params);
    json_object_set_new(json, "recover", json_boolean(command->recover));
    if (command->deadline != NSEC_NEVER)
        json_object_set_new(json, "deadline", workflow_json_time(command->deadline));
    return json;
}
