#include "orchestrate/notes.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A step that has begun. */
struct step_note {
    const char *name; /* in the definition */
    bool has_items;
    nsec_t first, last; /* of its events; 0: none yet */
    uint32_t attempts;  /* begun, of all items together */
    char *error;        /* of the last failure; NULL: none */
};

/* A decision that was asked for. */
struct decision {
    const char *step;
    char *role, *person, *hash, *comment; /* NULL: not known yet */
    const char *state;                    /* static */
    nsec_t time, expires;
};

struct notes {
    json_t *definition;
    size_t n_steps;
    struct step_note *steps;
    struct decision *decisions;
    size_t n_decisions, capacity;
    json_t *shown;
};

static const char asked[] = "asked", granted[] = "granted", refused[] = "refused",
                  expired[] = "expired";

struct notes *
notes_new(json_t *definition)
{
    struct notes *notes = xcalloc(1, sizeof *notes);
    const json_t *steps = json_object_get(definition, "steps");
    notes->definition = json_incref(definition);
    notes->n_steps = json_array_size(steps);
    notes->steps = xcalloc(notes->n_steps, sizeof *notes->steps);
    for (size_t i = 0; i < notes->n_steps; i++) {
        const json_t *step = json_array_get(steps, i);
        notes->steps[i].name = json_string_value(json_object_get(step, "name"));
        notes->steps[i].has_items = json_object_get(step, "foreach") != NULL;
    }
    return notes;
}

void
notes_free(struct notes *notes)
{
    if (!notes)
        return;
    for (size_t i = 0; i < notes->n_steps; i++)
        free(notes->steps[i].error);
    for (size_t i = 0; i < notes->n_decisions; i++) {
        free(notes->decisions[i].role);
        free(notes->decisions[i].person);
        free(notes->decisions[i].hash);
        free(notes->decisions[i].comment);
    }
    free(notes->steps);
    free(notes->decisions);
    json_decref(notes->shown);
    json_decref(notes->definition);
    free(notes);
}

static struct step_note *
find_step(const struct notes *notes, const char *name)
{
    for (size_t i = 0; name && i < notes->n_steps; i++) {
        if (!strcmp(notes->steps[i].name, name))
            return &notes->steps[i];
    }
    return NULL;
}

static void
replace(char **text, const char *value)
{
    free(*text);
    *text = value ? xstrdup(value) : NULL;
}

static const char *
text_of(const json_t *body, const char *key)
{
    return json_string_value(json_object_get(body, key));
}

static void
note_request(struct notes *notes, const struct step_note *step, const json_t *body)
{
    size_t i;
    json_t *role;
    nsec_t expires = 0;
    const char *until = text_of(body, "expires");
    if (until && time_parse(until, &expires))
        expires = 0;
    json_array_foreach(json_object_get(body, "roles"), i, role)
    {
        GROW(notes->decisions, notes->n_decisions, notes->capacity);
        struct decision *decision = &notes->decisions[notes->n_decisions++];
        *decision = (struct decision){.step = step->name, .state = asked, .expires = expires};
        replace(&decision->role, json_is_string(role) ? json_string_value(role) : "");
        replace(&decision->hash, text_of(body, "hash"));
    }
    json_decref(notes->shown);
    notes->shown = json_incref(json_object_get(body, "show"));
}

static void
note_verdict(struct notes *notes, const struct step_note *step, const char *state, nsec_t time,
             const json_t *body)
{
    const char *role = text_of(body, "role");
    for (size_t i = 0; i < notes->n_decisions; i++) {
        struct decision *decision = &notes->decisions[i];
        if (decision->state != asked || decision->step != step->name ||
            (role && strcmp(decision->role, role) != 0))
            continue;
        decision->state = state;
        decision->time = time;
        replace(&decision->person, text_of(body, "who"));
        replace(&decision->comment, text_of(body, "comment"));
        if (role) /* without one it is all that were asked */
            return;
    }
}

void
notes_event(struct notes *notes, const char *type, nsec_t time, const json_t *body)
{
    struct step_note *step = find_step(notes, text_of(body, "step"));
    if (!step)
        return;
    step->first = step->first ? step->first : time;
    step->last = time;
    if (!strcmp(type, "step.started"))
        step->attempts++;
    else if (!strcmp(type, "step.failed") || !strcmp(type, "undo.failed"))
        replace(&step->error, text_of(body, "error"));
    else if (!strcmp(type, "approval.requested"))
        note_request(notes, step, body);
    else if (!strcmp(type, "approval.granted"))
        note_verdict(notes, step, granted, time, body);
    else if (!strcmp(type, "approval.refused"))
        note_verdict(notes, step, refused, time, body);
    else if (!strcmp(type, "approval.expired"))
        note_verdict(notes, step, expired, time, body);
}

json_t *
notes_shown(const struct notes *notes)
{
    return notes->shown;
}

/* ---- As JSON -----------------------------------------------------------------------------------
 */

static void
set_time(json_t *json, const char *key, nsec_t time)
{
    char text[TIME_TEXT_SIZE];
    if (time)
        json_object_set_new(json, key, json_string(time_format(time, text)));
}

static void
set_text(json_t *json, const char *key, const char *text)
{
    if (text)
        json_object_set_new(json, key, json_string(text));
}

static bool
is_undone(const json_t *status)
{
    return json_integer_value(json_object_get(status, "undone")) > 0;
}

static const char *
step_state(const json_t *status, const char *phase)
{
    const char *state = text_of(status, "state"), *kind = text_of(status, "kind");
    bool undoing = !strcmp(phase, "undoing") &&
                   json_integer_value(json_object_get(status, "active")) > 0;
    if (!strcmp(state, "waiting"))
        return "pending";
    if (!strcmp(state, "skipped"))
        return "skipped";
    if (undoing)
        return "undoing";
    if (is_undone(status))
        return "undone";
    if (!strcmp(state, "open"))
        return !strcmp(kind, "action") ? "running" : "waiting";
    if (!strcmp(state, "stopped"))
        return "skipped";
    return state; /* done, failed */
}

static json_t *
step_to_json(const struct step_note *note, const json_t *status, const char *phase)
{
    const char *state = step_state(status, phase);
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "name", note->name, "kind",
                             text_of(status, "kind"), "state", state, "attempts",
                             (json_int_t)note->attempts);
    bool ended = strcmp(state, "pending") && strcmp(state, "running") && strcmp(state, "waiting") &&
                 strcmp(state, "undoing");
    set_time(json, "started", note->first);
    set_time(json, "finished", ended ? note->last : 0);
    if (note->has_items && json_object_get(status, "items")) {
        json_object_set(json, "items", json_object_get(status, "items"));
        json_object_set(json, "items-done", json_object_get(status, "done"));
    }
    set_text(json, "error", note->error);
    return json;
}

json_t *
notes_steps(const struct notes *notes, const json_t *status)
{
    json_t *list = json_array();
    const char *phase = text_of(status, "phase");
    const json_t *steps = json_object_get(status, "steps");
    for (size_t i = 0; i < notes->n_steps; i++)
        json_array_append_new(list,
                              step_to_json(&notes->steps[i], json_array_get(steps, i), phase));
    return list;
}

/* A decision that is no longer asked for has no place in the list. */
static bool
is_open(const struct notes *notes, const struct decision *decision, const json_t *status)
{
    size_t at = (size_t)(find_step(notes, decision->step) - notes->steps);
    const json_t *step = json_array_get(json_object_get(status, "steps"), at);
    return !strcmp(text_of(step, "state"), "open");
}

json_t *
notes_approvals(const struct notes *notes, const json_t *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < notes->n_decisions; i++) {
        const struct decision *d = &notes->decisions[i];
        if (d->state == asked && !is_open(notes, d, status))
            continue;
        json_t *json = json_pack("{s:s, s:s, s:s}", "step", d->step, "role", d->role, "state",
                                 d->state);
        set_text(json, "person", d->person);
        set_text(json, "hash", d->hash);
        set_text(json, "comment", d->comment && *d->comment ? d->comment : NULL);
        set_time(json, "time", d->time);
        set_time(json, "expires", d->expires);
        json_array_append_new(list, json);
    }
    return list;
}

const char *
notes_order_state(const json_t *status)
{
    size_t i;
    json_t *step;
    const char *phase = text_of(status, "phase");
    bool waits = false;
    if (!strcmp(phase, "closed"))
        return text_of(status, "outcome");
    if (!strcmp(phase, "draining") || !strcmp(phase, "undoing"))
        return "undoing";
    json_array_foreach(json_object_get(status, "steps"), i, step)
    {
        if (strcmp(text_of(step, "state"), "open") != 0)
            continue;
        if (!strcmp(text_of(step, "kind"), "action"))
            return "running";
        waits = true;
    }
    return waits ? "waiting" : "running";
}
