/* The run itself: how it begins, what its references see, and how steps and phases follow from each
 * other. workflow_apply.c takes events in, workflow_next.c gives commands out. */
#include "orchestrate/workflow_state.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static enum err
read_created(struct workflow_run *run, struct diag *diag)
{
    const char *definition_hash, *name;
    json_t *definition;
    json_error_t error;
    if (json_unpack_ex(run->created, &error, 0, "{s:s, s:s, s:s, s:o, s:s, s:o, s:s}", "run",
                       &run->id, "workflow", &name, "requester", &run->requester, "definition",
                       &definition, "definition_hash", &definition_hash, "input", &run->input,
                       "hash", &run->hash))
        return diag_set(diag, ERR_MALFORMED, "run.created: %s", error.text);
    if (!workflow_is_run_id(run->id) || !json_is_object(run->input) ||
        !workflow_depth_ok(run->input))
        return diag_set(diag, ERR_MALFORMED, "run.created: no run or no input");
    enum err err = workflow_parse_json(definition, &run->workflow, diag);
    if (err) {
        diag_prefix(diag, "run %s: its definition", run->id);
        return err;
    }
    char hash[WORKFLOW_HASH_SIZE];
    workflow_hash_run(run->id, run->requester, workflow_hash(run->workflow), run->input, hash);
    if (strcmp(definition_hash, workflow_hash(run->workflow)) != 0 || strcmp(hash, run->hash) != 0)
        return diag_set(diag, ERR_CORRUPT, "run %s: its request is not what its hash says",
                        run->id);
    return ERR_OK;
}

enum err
workflow_run_new(json_t *created, struct workflow_run **out, struct diag *diag)
{
    struct workflow_run *run = xcalloc(1, sizeof *run);
    run->created = json_incref(created);
    enum err err = read_created(run, diag);
    if (err) {
        workflow_run_free(run);
        return err;
    }
    run->about = json_pack("{s:s, s:s, s:s, s:s}", "id", run->id, "workflow",
                           workflow_name(run->workflow), "requester", run->requester, "hash",
                           run->hash);
    run->steps = xcalloc(run->workflow->n_steps, sizeof *run->steps);
    for (uint32_t i = 0; i < run->workflow->n_steps; i++)
        run->steps[i].step = &run->workflow->steps[i];
    run->stirred = true;
    workflow_settle(run);
    *out = run;
    return ERR_OK;
}

static void
free_progress(struct progress *progress)
{
    for (uint32_t i = 0; i < progress->n_units; i++)
        json_decref(progress->units[i].result);
    for (uint32_t i = 0; i < WORKFLOW_ROLES_MAX; i++)
        free(progress->who[i]);
    free(progress->units);
    free(progress->broken);
    free(progress->hash);
    json_decref(progress->items);
    json_decref(progress->results);
    json_decref(progress->verdicts);
    json_decref(progress->object);
    json_decref(progress->match);
}

void
workflow_run_free(struct workflow_run *run)
{
    if (!run)
        return;
    for (uint32_t i = 0; run->steps && i < run->workflow->n_steps; i++)
        free_progress(&run->steps[i]);
    free(run->steps);
    free(run->error);
    json_decref(run->about);
    workflow_free(run->workflow);
    json_decref(run->created);
    free(run);
}

const char *
workflow_run_id(const struct workflow_run *run)
{
    return run->id;
}

const char *
workflow_run_requester(const struct workflow_run *run)
{
    return run->requester;
}

const struct workflow *
workflow_run_workflow(const struct workflow_run *run)
{
    return run->workflow;
}

json_t *
workflow_run_input(const struct workflow_run *run)
{
    return run->input;
}

const char *
workflow_run_outcome(const struct workflow_run *run)
{
    return run->phase == RUN_CLOSED ? run->outcome : NULL;
}

uint64_t
workflow_run_work(const struct workflow_run *run)
{
    return run->work;
}

static json_t *
step_result(const struct workflow_run *run, const struct workflow_name *name)
{
    int found = workflow_find_step(run->workflow, name);
    if (found < 0)
        return NULL;
    const struct progress *progress = &run->steps[found];
    if (progress->step->foreach)
        return progress->results;
    return progress->n_units ? progress->units[0].result : NULL;
}

static json_t *
find_value(const struct workflow_scope *scope, const struct workflow_path *path, size_t *used)
{
    const struct run_scope *at = CONTAINER_OF(scope, const struct run_scope, scope);
    const struct workflow_name *first = &path->name[0];
    *used = 1;
    if (workflow_name_is(first, "input"))
        return at->run->input;
    if (workflow_name_is(first, "run"))
        return at->run->about;
    if (workflow_name_is(first, "item"))
        return json_array_get(at->progress->items, at->item);
    if (workflow_name_is(first, "result"))
        return at->item < at->progress->n_units ? at->progress->units[at->item].result : NULL;
    *used = 3; /* steps.NAME.result, as the definition's check has made sure */
    return path->n >= 3 ? step_result(at->run, &path->name[1]) : NULL;
}

struct run_scope
workflow_run_scope(const struct workflow_run *run, const struct progress *progress, uint32_t item)
{
    return (struct run_scope){
        .scope = {.find = find_value}, .run = run, .progress = progress, .item = item};
}

char *
workflow_effect_key(const struct workflow_run *run, const struct progress *progress, uint32_t item,
                    bool undo)
{
    return xasprintf("%s/%s/%u%s", run->id, progress->step->name, item, undo ? "/undo" : "");
}

struct progress *
workflow_run_step(const struct workflow_run *run, const char *name)
{
    int found = workflow_find_step(run->workflow, &(struct workflow_name){name, strlen(name)});
    return found < 0 ? NULL : &run->steps[found];
}

struct progress *
workflow_run_undoing(const struct workflow_run *run)
{
    if (run->phase != RUN_UNDO || run->undo_at == 0)
        return NULL;
    return &run->steps[run->workflow->order[run->undo_at - 1]];
}

void
workflow_activate(struct progress *progress, uint32_t item)
{
    struct unit *unit = &progress->units[item];
    unit->next = 0;
    unit->previous = progress->last;
    if (progress->last)
        progress->units[progress->last - 1].next = item + 1;
    else
        progress->first = item + 1;
    progress->last = item + 1;
    progress->n_active++;
}

void
workflow_deactivate(struct progress *progress, uint32_t item)
{
    struct unit *unit = &progress->units[item];
    if (unit->previous)
        progress->units[unit->previous - 1].next = unit->next;
    else
        progress->first = unit->next;
    if (unit->next)
        progress->units[unit->next - 1].previous = unit->previous;
    else
        progress->last = unit->previous;
    progress->n_active--;
}

/* The results of all items as one list, made once: references share it. */
static void
gather_results(struct progress *progress)
{
    if (!progress->step->foreach)
        return;
    progress->results = json_array();
    for (uint32_t i = 0; i < progress->n_units; i++) {
        json_t *result = progress->units[i].result;
        json_array_append_new(progress->results, result ? json_incref(result) : json_null());
    }
}

static void
finish_unit(struct workflow_run *run, struct progress *progress)
{
    if (++progress->n_finished < progress->n_units)
        return;
    progress->state = progress->n_failed ? STEP_FAILED : STEP_DONE;
    gather_results(progress);
    run->stirred = true;
}

void
workflow_unit_done(struct workflow_run *run, struct progress *progress, uint32_t item,
                   json_t *result)
{
    struct unit *unit = &progress->units[item];
    unit->forward.state = EFFORT_DONE;
    unit->result = result;
    finish_unit(run, progress);
}

void
workflow_unit_failed(struct workflow_run *run, struct progress *progress, uint32_t item,
                     const char *error)
{
    progress->units[item].forward.state = EFFORT_FAILED;
    progress->n_failed++;
    finish_unit(run, progress);
    if (run->phase != RUN_FORWARD)
        return;
    workflow_turn_back(run,
                       progress->step->foreach
                           ? xasprintf("step '%s', item %u: %s", progress->step->name, item, error)
                           : xasprintf("step '%s': %s", progress->step->name, error));
}

/* Those between two attempts will not have another. */
static void
stop_retries(struct progress *progress)
{
    for (uint32_t i = progress->first, next; i; i = next) {
        struct unit *unit = &progress->units[i - 1];
        next = unit->next;
        if (unit->forward.state != EFFORT_BACKOFF)
            continue;
        unit->forward.state = EFFORT_FAILED;
        progress->n_failed++;
        progress->n_finished++;
        workflow_deactivate(progress, i - 1);
    }
}

void
workflow_turn_back(struct workflow_run *run, char *reason)
{
    run->error = reason;
    run->phase = RUN_DRAIN;
    run->stirred = true;
    for (uint32_t i = 0; i < run->workflow->n_steps; i++) {
        struct progress *progress = &run->steps[i];
        if (progress->state == STEP_OPEN && progress->step->kind == WORKFLOW_ACTION)
            stop_retries(progress);
        else if (progress->state == STEP_OPEN)
            progress->state = STEP_STOPPED;
    }
}

static bool
is_finished(const struct progress *progress)
{
    return progress->state != STEP_WAITING && progress->state != STEP_OPEN;
}

static bool
needs_are_met(const struct workflow_run *run, const struct workflow_step *step)
{
    for (uint32_t i = 0; i < step->n_needs; i++) {
        if (!is_finished(&run->steps[step->needs[i]]))
            return false;
    }
    return true;
}

/* How many items the step has: 1 without foreach. What cannot be told breaks the step, which then
 * fails by an event like any other. */
static uint32_t
count_items(struct workflow_run *run, struct progress *progress)
{
    struct diag said;
    if (!progress->step->foreach)
        return 1;
    struct run_scope at = workflow_run_scope(run, progress, 0);
    enum err err = workflow_template_render(progress->step->foreach, &at.scope, &progress->items,
                                            &said);
    size_t n = json_array_size(progress->items);
    if (err)
        progress->broken = xasprintf("foreach: %s", said.text);
    else if (!json_is_array(progress->items))
        progress->broken = xstrdup("foreach: not a list");
    else if (n > WORKFLOW_ITEMS_MAX)
        progress->broken = xasprintf("foreach: %zu items, the limit is %d", n, WORKFLOW_ITEMS_MAX);
    return progress->broken ? 1 : (uint32_t)n;
}

static void
open_step(struct workflow_run *run, struct progress *progress)
{
    struct run_scope at = workflow_run_scope(run, progress, 0);
    if (!workflow_condition_holds(progress->step->when, &at.scope)) {
        progress->state = STEP_SKIPPED;
        return;
    }
    progress->n_units = count_items(run, progress);
    progress->units = xcalloc(progress->n_units, sizeof *progress->units);
    progress->state = progress->n_units ? STEP_OPEN : STEP_DONE;
    if (progress->n_units == 0)
        gather_results(progress);
}

/* Opens the steps whose turn it is; true if all of that sort are finished. One pass will do: in
 * this order a step comes after all it needs. */
static bool
open_steps(struct workflow_run *run, bool always)
{
    bool finished = true;
    for (uint32_t i = 0; i < run->workflow->n_steps; i++) {
        struct progress *progress = &run->steps[run->workflow->order[i]];
        if (progress->step->always != always)
            continue;
        if (progress->state == STEP_WAITING && needs_are_met(run, progress->step))
            open_step(run, progress);
        finished = finished && is_finished(progress);
    }
    return finished;
}

static void
stop_steps(struct workflow_run *run)
{
    for (uint32_t i = 0; i < run->workflow->n_steps; i++) {
        struct progress *progress = &run->steps[i];
        if (!progress->step->always && !is_finished(progress))
            progress->state = progress->n_failed ? STEP_FAILED : STEP_STOPPED;
    }
}

static void
begin_final(struct workflow_run *run)
{
    run->outcome = run->undo_failed ? "failed-undo-failed"
                   : run->cancelled ? "cancelled"
                   : run->error     ? "failed-undone"
                                    : "done";
    json_object_set_new(run->about, "outcome", json_string(run->outcome));
    json_object_set_new(run->about, "error",
                        run->error ? jsontext_string(run->error) : json_null());
    run->phase = RUN_FINAL;
}

/* Moves on to the step before, until there is something to undo; false at the start of the list. */
static bool
find_undo(struct workflow_run *run)
{
    for (; run->undo_at > 0; run->undo_at--) {
        struct progress *progress = workflow_run_undoing(run);
        if (progress->undo_left > 0)
            return true;
    }
    return false;
}

static void
begin_undo(struct workflow_run *run)
{
    stop_steps(run);
    run->phase = RUN_UNDO;
    run->undo_at = run->workflow->n_steps;
    for (uint32_t i = 0; i < run->workflow->n_steps; i++) {
        struct progress *progress = &run->steps[i];
        progress->undo_left = progress->step->undo.action ? progress->n_begun : 0;
        progress->cursor = 0;
        progress->n_out = 0;
    }
}

void
workflow_settle(struct workflow_run *run)
{
    while (run->stirred) {
        run->stirred = false;
        enum run_phase phase = run->phase;
        if (phase == RUN_FORWARD && open_steps(run, false))
            begin_final(run);
        else if (phase == RUN_DRAIN && run->n_running == 0)
            begin_undo(run);
        else if (phase == RUN_UNDO && !find_undo(run))
            begin_final(run);
        else if (phase == RUN_FINAL && open_steps(run, true))
            run->phase = RUN_CLOSING;
        run->stirred = run->phase != phase;
    }
}

nsec_t
workflow_later(nsec_t time, nsec_t duration)
{
    /* 2261-12-31T23:59:59Z: the last that time_parse() reads back */
    const nsec_t latest = INT64_C(9214646399) * NSEC_PER_SEC;
    return time > latest - duration ? latest : time + duration;
}

enum err
workflow_render_time(const struct workflow_run *run, const struct progress *progress,
                     json_t *template, nsec_t *time, struct diag *diag)
{
    json_t *value;
    *time = NSEC_NEVER;
    if (!template)
        return ERR_OK;
    struct run_scope at = workflow_run_scope(run, progress, 0);
    enum err err = workflow_template_render(template, &at.scope, &value, diag);
    if (err)
        return err;
    if (!json_is_null(value) &&
        (!json_is_string(value) || time_parse(json_string_value(value), time)))
        err = diag_set(diag, ERR_INVALID, "'%.80s' stands for no time",
                       json_string_value(template));
    json_decref(value);
    return err;
}

json_t *
workflow_json_time(nsec_t time)
{
    char text[TIME_TEXT_SIZE];
    return json_string(time_format(time, text));
}
