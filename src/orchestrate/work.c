/* work.c - the orders there are, and what each event of the journal means to them. */
#include "orchestrate/work_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "orchestrate/effects.h"
#include "orchestrate/work_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* ---- Circuits in hand --------------------------------------------------------------------------
 */

struct engagement {
    char *circuit;
    uint32_t order;
    UT_hash_handle hh;
};

static struct engagement *
find_engagement(const struct works *works, const char *circuit)
{
    struct engagement *found;
    HASH_FIND_STR(works->engagements, circuit, found);
    return found;
}

uint32_t
works_engaged(const struct works *works, const char *circuit)
{
    const struct engagement *found = find_engagement(works, circuit);
    return found ? found->order : 0;
}

/* The first to have it keeps it. */
static void
engage(struct works *works, const json_t *circuits, uint32_t order)
{
    size_t i;
    json_t *name;
    json_array_foreach(circuits, i, name)
    {
        const char *circuit = json_string_value(name);
        if (!circuit || find_engagement(works, circuit))
            continue;
        struct engagement *engagement = xcalloc(1, sizeof *engagement);
        engagement->circuit = xstrdup(circuit);
        engagement->order = order;
        HASH_ADD_KEYPTR(hh, works->engagements, engagement->circuit, strlen(circuit), engagement);
    }
}

static void
free_engagement(struct works *works, struct engagement *engagement)
{
    HASH_DEL(works->engagements, engagement);
    free(engagement->circuit);
    free(engagement);
}

static void
disengage(struct works *works, const json_t *circuits, uint32_t order)
{
    size_t i;
    json_t *name;
    json_array_foreach(circuits, i, name)
    {
        const char *circuit = json_string_value(name);
        struct engagement *engagement = circuit ? find_engagement(works, circuit) : NULL;
        if (engagement && engagement->order == order)
            free_engagement(works, engagement);
    }
}

/* ---- The table ---------------------------------------------------------------------------------
 */

struct work *
works_find(const struct works *works, uint32_t id)
{
    struct work *work;
    HASH_FIND(hh, works->table, &id, sizeof id, work);
    return work;
}

struct work *
works_first(const struct works *works)
{
    return works->table;
}

bool
works_is_open(const struct works *works, uint32_t id)
{
    const struct work *work = works_find(works, id);
    return work && work->run;
}

size_t
works_n_open(const struct works *works)
{
    return works->n_open;
}

/* All that only an open order needs. */
static void
drop_run(struct works *works, struct work *work)
{
    if (!work->run)
        return;
    DL_DELETE(works->open, work);
    works->n_open--;
    workflow_run_free(work->run);
    notes_free(work->notes);
    json_decref(work->draft);
    json_decref(work->summary);
    json_decref(work->proof);
    json_decref(work->tested);
    json_decref(work->offers);
    work->run = NULL;
    work->notes = NULL;
    work->draft = work->summary = work->proof = work->tested = work->offers = NULL;
    work->tentative = work->dirty = false;
    work->wake = NSEC_NEVER;
}

static void
work_free(struct works *works, struct work *work)
{
    HASH_DEL(works->table, work);
    drop_run(works, work);
    json_decref(work->circuits);
    json_decref(work->shown);
    free(work->comment);
    free(work);
}

struct works *
works_new(struct orchestrate_service *s)
{
    struct works *works = xcalloc(1, sizeof *works);
    works->service = s;
    works->step = task_new(s->loop, works_step, works);
    works->alarm = timer_new(s->loop, works_step, works);
    return works;
}

void
works_free(struct works *works)
{
    struct work *work, *next_work;
    struct engagement *engagement, *next;
    if (!works)
        return;
    while (works->commands)
        command_free(works->commands);
    HASH_ITER (hh, works->table, work, next_work)
        work_free(works, work);
    HASH_ITER (hh, works->engagements, engagement, next)
        free_engagement(works, engagement);
    task_free(works->step);
    timer_free(works->alarm);
    free(works);
}

void
work_stir(struct work *work)
{
    struct works *works = work->service->works;
    work->dirty = work->run != NULL;
    if (works->begun)
        task_schedule(works->step);
}

void
works_stir(struct works *works)
{
    for (struct work *work = works->open; work; work = work->next)
        work_stir(work);
}

/* ---- Events ------------------------------------------------------------------------------------
 */

bool
workflow_calls(const json_t *definition, const char *action)
{
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(definition, "steps"), i, step)
    {
        const char *called = json_string_value(json_object_get(step, "action"));
        if (called && !strcmp(called, action))
            return true;
    }
    return false;
}

static bool
engages_circuits(const json_t *definition)
{
    static const char *const actions[] = {"circuit.design", "circuit.reserve", "circuit.push",
                                          "circuit.remove", "circuit.release"};
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (workflow_calls(definition, actions[i]))
            return true;
    }
    return false;
}

static bool
has_waits(const json_t *definition)
{
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(definition, "steps"), i, step)
    {
        if (json_object_get(step, "wait"))
            return true;
    }
    return false;
}

static void
log_unreadable(const struct journal_event *event, const char *why)
{
    log_warn("orchestrate: event %llu, %s %s: %s", (unsigned long long)event->seq, event->type,
             event->object, why);
}

static void
create_work(struct works *works, const struct journal_event *event, json_t *body, uint32_t id)
{
    struct diag why = {""};
    struct workflow_run *run;
    if (works_find(works, id)) {
        log_unreadable(event, "there is such an order already");
        return;
    }
    if (workflow_run_new(body, &run, &why)) {
        log_unreadable(event, why.text);
        return;
    }
    struct work *work = xcalloc(1, sizeof *work);
    json_t *definition = workflow_json(workflow_run_workflow(run));
    const char *comment = json_string_value(json_object_get(body, "comment"));
    work->service = works->service;
    work->id = id;
    snprintf(work->object, sizeof work->object, "work/%u", id);
    work->comment = comment ? xstrdup(comment) : NULL;
    work->created = event->time;
    work->run = run;
    work->notes = notes_new(definition);
    work->circuits = json_incref(json_object_get(workflow_run_input(run), "circuits"));
    work->engages = engages_circuits(definition);
    work->waits = has_waits(definition);
    work->wake = NSEC_NEVER;
    HASH_ADD(hh, works->table, id, sizeof work->id, work);
    DL_APPEND(works->open, work);
    works->n_open++;
    works->last_id = MAX(works->last_id, id);
    if (work->engages)
        engage(works, work->circuits, id);
}

static void
close_work(struct works *works, struct work *work, nsec_t time)
{
    work->closed = time;
    work->shown = work_to_json(work, true);
    effects_end(works->service->effects, work);
    commands_end(works, work);
    if (work->engages)
        disengage(works, work->circuits, work->id);
    drop_run(works, work);
}

/* The action that a step of the run calls; "" for none. */
static const char *
action_of(const struct work *work, const json_t *body)
{
    size_t i;
    json_t *step;
    const char *name = json_string_value(json_object_get(body, "step")), *action = NULL;
    const json_t *definition = workflow_json(workflow_run_workflow(work->run));
    json_array_foreach(json_object_get(definition, "steps"), i, step)
    {
        if (name && !strcmp(name, json_string_value(json_object_get(step, "name"))))
            action = json_string_value(json_object_get(step, "action"));
    }
    return action ? action : "";
}

void
work_keep_draft(struct work *work, json_t *draft)
{
    json_incref(draft);
    json_decref(work->draft);
    work->draft = draft;
    work->tentative = draft != NULL;
    work->proved = work->verified = false;
}

json_t *
works_held_drafts(const struct works *works, const struct work *other_than)
{
    json_t *drafts = json_array();
    for (const struct work *work = works->open; work; work = work->next) {
        if (work->tentative && work != other_than)
            json_array_append(drafts, work->draft);
    }
    return drafts;
}

static void
keep_tests(struct work *work, const json_t *result)
{
    size_t i;
    json_t *test;
    if (!work->tested)
        work->tested = json_object();
    json_array_foreach(json_object_get(result, "tests"), i, test)
    {
        const char *circuit = json_string_value(json_object_get(test, "circuit"));
        if (circuit)
            json_object_set(work->tested, circuit, json_object_get(test, "entries"));
    }
}

/* What later steps and people want to know of a step's result. */
static void
keep_result(struct work *work, const struct journal_event *event, const json_t *body)
{
    json_t *result = json_object_get(body, "result");
    const char *action = action_of(work, body);
    if (!strcmp(action, "circuit.design")) {
        json_t *draft = json_object_get(result, "plan");
        if (!json_equal(draft, work->draft))
            work_keep_draft(work, draft);
        work->tentative = work->draft; /* also if it is what was given back before */
        json_decref(work->summary);
        work->summary = json_incref(json_object_get(result, "summary"));
        work->draft_seq = event->seq;
    } else if (!strcmp(action, "circuit.prove")) {
        json_decref(work->proof);
        work->proof = json_incref(result);
    } else if (!strcmp(action, "circuit.test")) {
        keep_tests(work, result);
    }
}

static void
note_refusal(struct works *works, const struct journal_event *event, enum err err,
             const struct diag *why)
{
    works->refused_seq = event->seq;
    works->refused_err = err;
    works->refused_why = *why;
}

enum err
works_refusal(const struct works *works, uint64_t seq, const char **why)
{
    if (seq == 0 || works->refused_seq != seq)
        return ERR_OK;
    *why = works->refused_why.text;
    return works->refused_err;
}

static void
run_event(struct works *works, struct work *work, const struct journal_event *event, json_t *body)
{
    struct diag why = {""};
    struct workflow_event e = {event->type, event->time, event->object, body};
    enum err err = workflow_run_apply(work->run, &e, &why);
    if (err) {
        note_refusal(works, event, err, &why);
        return;
    }
    notes_event(work->notes, event->type, event->time, body);
    if (!strcmp(event->type, "step.done") || !strcmp(event->type, "step.failed"))
        keep_result(work, event, body);
    if (!strcmp(event->type, "wait.matched")) {
        json_decref(work->offers);
        work->offers = NULL;
    }
    work_stir(work);
    if (workflow_run_outcome(work->run))
        close_work(works, work, event->time);
}

static bool
is_run_event(const char *type)
{
    static const char *const prefixes[] = {"run.",   "step.", "undo.",
                                           "timer.", "wait.", "approval."};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (!strncmp(type, prefixes[i], strlen(prefixes[i])))
            return true;
    }
    return false;
}

static uint32_t
order_of_object(const char *object)
{
    return strncmp(object, "work/", 5) ? 0 : (uint32_t)strtoul(object + 5, NULL, 10);
}

static json_t *
read_body(const struct journal_event *event)
{
    json_error_t error;
    json_t *body = json_loadb(event->body, event->body_size, JSON_REJECT_DUPLICATES, &error);
    if (!body)
        log_unreadable(event, error.text);
    return body;
}

static bool
anyone_waits(const struct works *works)
{
    for (const struct work *work = works->open; work; work = work->next) {
        if (work->waits)
            return true;
    }
    return false;
}

/* Shows an event to the runs that wait for one. */
static void
offer_event(struct works *works, const struct journal_event *event, json_t *body, bool live)
{
    struct workflow_event e = {event->type, event->time, event->object, body};
    for (struct work *work = works->open; work; work = work->next) {
        if (!work->waits || order_of_object(event->object) == work->id)
            continue;
        struct offer offer = {work, live};
        workflow_run_offer(work->run, &e, live ? take_offer : keep_offer, &offer);
    }
}

static void
dispatch_run_event(struct works *works, const struct journal_event *event, json_t *body)
{
    const char *run = json_string_value(json_object_get(body, "run"));
    uint32_t id = run ? (uint32_t)strtoul(run, NULL, 10) : 0;
    struct work *work = works_find(works, id);
    if (id && !strcmp(event->type, "run.created"))
        create_work(works, event, body, id);
    else if (work && work->run)
        run_event(works, work, event, body);
    else
        log_debug("orchestrate: event %llu, %s: order %u is not at work",
                  (unsigned long long)event->seq, event->type, id);
    work = works_find(works, id);
    if (work && !strcmp(event->type, "run.created"))
        work_stir(work);
}

void
works_event(struct works *works, const struct journal_event *event, bool live)
{
    bool of_run = is_run_event(event->type), waited_for = anyone_waits(works);
    if (!strcmp(event->type, "circuit.reserved") || !strcmp(event->type, "circuit.released")) {
        struct work *work = works_find(works, order_of_object(event->object));
        if (work)
            work->tentative = false;
    }
    json_t *body = of_run || waited_for ? read_body(event) : NULL;
    if (!body)
        return;
    if (of_run)
        dispatch_run_event(works, event, body);
    if (waited_for)
        offer_event(works, event, body, live);
    json_decref(body);
}

/* ---- New orders --------------------------------------------------------------------------------
 */

/* Is the circuit where the workflow begins, and in nobody else's hand? */
static enum err
check_circuit(const struct works *works, const struct definition *definition, const char *name,
              struct diag *diag)
{
    const struct circuit_status *status = state_circuit(works->service->state, name);
    uint32_t order = works_engaged(works, name);
    if (!status)
        return diag_set(diag, ERR_NOT_FOUND, "there is no circuit %s", name);
    if (order)
        return diag_set(diag, ERR_CONFLICT, "circuit %s: work order %u has it in hand", name,
                        order);
    if (definition->reserves && status->phase != PHASE_PROPOSED)
        return diag_set(diag, ERR_CONFLICT, "circuit %s is %s already", name,
                        circuit_phase_word(status->phase));
    if (definition->removes && status->phase == PHASE_PROPOSED)
        return diag_set(diag, ERR_CONFLICT, "circuit %s is neither built nor reserved", name);
    return ERR_OK;
}

static enum err
check_circuits(const struct works *works, const struct definition *definition,
               const json_t *circuits, struct diag *diag)
{
    size_t i;
    json_t *name, *seen = json_object();
    enum err err = ERR_OK;
    json_array_foreach(circuits, i, name)
    {
        const char *circuit = json_string_value(name);
        if (!circuit || json_object_get(seen, circuit))
            err = diag_set(diag, ERR_INVALID, "circuits: %s",
                           circuit ? "one is named twice" : "names are expected");
        else
            err = check_circuit(works, definition, circuit, diag);
        if (err)
            break;
        json_object_set_new(seen, circuit, json_true());
    }
    json_decref(seen);
    return err;
}

enum err
works_prepare(struct works *works, const struct definition *definition, const char *requester,
              const char *comment, json_t *input, struct new_work *made, struct diag *diag)
{
    char run[16];
    const json_t *circuits = json_object_get(input, "circuits");
    bool engages = definition->reserves || definition->removes;
    enum err err = engages ? check_circuits(works, definition, circuits, diag) : ERR_OK;
    if (err)
        return err;
    works->last_id = MAX(works->last_id, works->service->state->last_order);
    made->id = works->last_id + 1;
    snprintf(run, sizeof run, "%u", made->id);
    err = workflow_request(definition->workflow, run, requester, input, &made->body, diag);
    if (err)
        return err;
    works->last_id = made->id;
    snprintf(made->object, sizeof made->object, "work/%u", made->id);
    if (comment && *comment)
        json_object_set_new(made->body, "comment", json_string(comment));
    if (engages)
        engage(works, circuits, made->id);
    return ERR_OK;
}

void
works_drop(struct works *works, const json_t *body)
{
    const json_t *input = json_object_get(body, "input");
    uint32_t id = (uint32_t)strtoul(json_string_value(json_object_get(body, "run")), NULL, 10);
    disengage(works, json_object_get(input, "circuits"), id);
}
